# A folder of src/ is a layer and includes only what lies below it, as the table
# says. Nothing in the first five includes a socket, clock or thread header, not
# even by way of another header.
. "$(dirname "$0")/package.sh"

below="
base:
codec:    base
http:     base
exchange: base codec http
cgi:      base http exchange
net:      base
pool:     base net
client:   base codec http exchange net pool
"
no_sockets="base codec http exchange cgi"

# included FILE: the other layers whose headers it includes.
included() {
    sed -n 's/^#include "\.\.\/\([a-z]*\)\/.*/\1/p' "$1" | sort -u
}

for path in "$root"/src/*/; do
    layer=$(basename "$path")
    row=$(printf '%s' "$below" | grep "^$layer:") ||
        fail "the table has no row for src/$layer"
    for file in "$path"*.[ch]; do
        for other in $(included "$file"); do
            case "$row " in
            *" $other "*) ;;
            *) fail "${file#"$root"/} includes from $other" ;;
            esac
        done
    done
done

twice=$(basename -a "$root"/src/*/* | sort | uniq -d)
[ -z "$twice" ] || fail "two files have the same name: $twice"
twice=$(basename -a "$root"/tests/*/*.h | sort | uniq -d)
[ -z "$twice" ] || fail "two headers of tests have the same name: $twice"

forbidden='sys/(socket|un|time|select|epoll)|netinet/[a-z]*|arpa/inet|netdb'
forbidden="/($forbidden|poll|time|pthread|threads|semaphore)\.h$"
for layer in $no_sockets; do
    for source in "$root/src/$layer"/*.c; do
        $CC -std=c11 -M -I"$root/include" "$source" | tr -s ' \\' '\n' |
            grep -E "$forbidden" | grep -v /bits/ >found || continue
        fail "${source#"$root"/} includes: $(cat found)"
    done
done
