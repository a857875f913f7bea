# The exchange and the CGI variables, and all that they are made of, know no
# socket, clock or thread: none of it includes such a header, not even by way of
# another.
. "$(dirname "$0")/package.sh"

# headers OPTION LAYER...: what these include; -MM: of ours only.
headers() {
    option=$1
    shift
    for layer; do
        $CC -std=c11 "$option" -I"$root/include" "$root/src/$layer.c"
    done | tr -s ' \\' '\n' | grep '\.h$' | sort -u
}

# layers LAYER...: those whose headers these include.
layers() {
    headers -MM "$@" | sed 's/.*\///; s/\.h$//' | sort -u |
        while read -r name; do
            [ ! -e "$root/src/$name.c" ] || printf '%s ' "$name"
        done
}

found=
reached="cgi exchange"
while [ "$reached" != "$found" ]; do
    found=$reached
    reached=$(layers $found)
done
echo "checked: $found"
for layer in error params record response; do
    case " $found" in
    *" $layer "*) ;;
    *) fail "$layer was not checked" ;;
    esac
done

forbidden='sys/(socket|un|time|select|epoll)|netinet/[a-z]*|arpa/inet|netdb'
forbidden="/($forbidden|poll|time|pthread|threads|semaphore)\.h$"
if headers -M $found cgi_answer | grep -E "$forbidden" | grep -v /bits/; then
    fail "some layer includes these"
fi
