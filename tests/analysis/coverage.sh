#!/bin/sh
# How much of src/ the tests have reached that ran in a build with --coverage:
#
#     sh tests/analysis/coverage.sh BUILD
#
# Not counted are the branches of assert(): that an invariant is broken is what
# no test can bring about. Nor is what unreached.txt lists with its reason, which
# is to be true: a line there that is reached after all, or that src/ does not
# have, is an error.
set -eu

build=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$build" # where gcovr leaves its files
gcovr --root "$root" --filter "$root/src/" --gcov-ignore-parse-errors \
    --exclude-branches-by-pattern '\s*assert\(.*' \
    --exclude-unreachable-branches --json reached.json .
cd "$root"
exec python3 tests/analysis/coverage.py "$build/reached.json" \
    tests/analysis/unreached.txt
