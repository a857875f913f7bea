# Every source file looks as .clang-format says.
. "$(dirname "$0")/package.sh"
need clang-format-14

cd "$root"
find include src tests examples -name '*.[ch]' |
    xargs clang-format-14 --dry-run -Werror
