# Every source file looks as .clang-format says.
. "$(dirname "$0")/package.sh"
need clang-format-14

cd "$root"
find include src tests examples -name '*.[ch]' >"$folder/files"
while read -r file; do
    clang-format-14 --dry-run -Werror "$file" 2>/dev/null || echo "$file"
done <"$folder/files" >"$folder/unformatted"
[ ! -s "$folder/unformatted" ] ||
    fail "to be formatted: $(cat "$folder/unformatted")"
