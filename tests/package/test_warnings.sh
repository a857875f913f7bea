# The sources compile without a warning, by gcc and by clang, with and without
# the fallbacks and the assertions.
. "$(dirname "$0")/package.sh"
need gcc clang

for compiler in gcc clang; do
    for options in -O2 "-O2 -DFCGI_CLIENT_PORTABLE=1" "-O2 -DNDEBUG"; do
        echo "$compiler $options"
        $compiler -std=c11 -pedantic -Wall -Wextra -Wconversion -Wshadow \
            -Wstrict-prototypes -Werror $options -I"$root/include" \
            -c "$root"/src/*.c
    done
done
