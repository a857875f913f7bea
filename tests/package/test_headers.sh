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
    $CC -std=c99 -Wstrict-prototypes $warnings -I"$root/include" \
        -fsyntax-only headers.c
    $CXX -std=c++17 $warnings -I"$root/include" -fsyntax-only headers.cc
}

for header in $(cd "$root/include" && ls fcgi_client.h fcgi_client/*.h); do
    compile "$header"
    compile "$header" "$header"
done

echo '#include <fcgiapp.h>' | $CC -E - >/dev/null || missing libfcgi

for theirs in fastcgi.h fcgiapp.h fcgi_stdio.h; do
    compile "$theirs" fcgi_client.h
    compile fcgi_client.h "$theirs"
    compile fcgi_client/io.h fcgi_client.h "$theirs"
done
