# Each public header compiles alone, as C99 and as C++17, and in one program
# with the headers of libfcgi.
. "$(dirname "$0")/package.sh"
need "$CC" "$CXX"

warnings="-Wall -Wextra -Wconversion -Wshadow -pedantic -Werror"

# compile HEADER...: one file that includes these, in both languages.
compile() {
    printf '#include <%s>\n' "$@" >headers.c
    echo 'extern int not_empty;' >>headers.c
    cp headers.c headers.cc
    echo "$*"
    $CC -std=c99 -Wstrict-prototypes $warnings $posix -I"$root/include" \
        -fsyntax-only headers.c
    $CXX -std=c++17 $warnings -I"$root/include" -fsyntax-only headers.cc
}

# The library that a header is for: it may be absent, and want more than C.
needs() {
    case $1 in
    */loop_epoll.h) echo sys/epoll.h ;;
    */loop_libevent.h) echo event2/event.h ;;
    */loop_libuv.h) echo uv.h ;;
    esac
}

for header in $(cd "$root/include" && ls fcgi_client.h fcgi_client/*.h); do
    library=$(needs "$header")
    if [ -n "$library" ] && ! echo "#include <$library>" | $CC -E - >log 2>&1; then
        echo "there is no $library: $header is left out"
        continue
    fi
    posix=${library:+-D_XOPEN_SOURCE=700}
    compile "$header"
    compile "$header" "$header"
done
posix=

echo '#include <fcgiapp.h>' | $CC -E - >/dev/null || missing libfcgi

for theirs in fastcgi.h fcgiapp.h fcgi_stdio.h; do
    compile "$theirs" fcgi_client.h
    compile fcgi_client.h "$theirs"
    compile fcgi_client/io.h fcgi_client.h "$theirs"
done
