# The sources compile without a warning, by gcc and by clang, with and without
# the fallbacks and the assertions. What a compiler notices only as it optimizes
# is left to tests/run.sh, which builds with -Werror.
. "$(dirname "$0")/package.sh"
need gcc clang

for compiler in gcc clang; do
    for option in "" -DFCGI_CLIENT_PORTABLE=1 -DNDEBUG; do
        echo "$compiler $option"
        $compiler -std=c11 -pedantic -Wall -Wextra -Wconversion -Wshadow \
            -Wstrict-prototypes -Werror $option -I"$root/include" \
            -fsyntax-only "$root"/src/*/*.c
    done
done
