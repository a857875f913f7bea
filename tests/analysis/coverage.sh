#!/bin/sh
# How much of src/ the tests have reached that ran in a build with --coverage:
#
#     sh tests/analysis/coverage.sh BUILD
#
# Not counted are the branches of assert(): that an invariant is broken is what
# no test can bring about. GCOVR_EXCL_LINE and GCOVR_EXCL_START, _STOP in src/
# say by their side why no test comes there.
set -eu

cd "$(dirname "$0")/../.."
percent() {
    gcovr --root . --filter src/ --gcov-ignore-parse-errors \
        --exclude-branches-by-pattern '\s*assert\(.*' \
        --exclude-unreachable-branches "$@"
}

percent --txt "$1/lines.txt" "$1"
percent --branches --txt "$1/branches.txt" "$1"
sed -n '/^src/p' "$1/lines.txt" "$1/branches.txt" | grep -v ' 100% *$' || true
for kind in lines branches; do
    printf 'reached: %s of %s\n' "$(sed -n 's/^TOTAL.* //p' "$1/$kind.txt")" \
        "$kind"
done
