#!/bin/sh
# Would the tests notice an error? Each mutant of src/ has one: a condition
# flipped, a bound off by one, a statement dropped. The unit, split and fault
# tests run on it until one fails; who has survived is printed.
#
#     sh tests/mutation/run.sh                     200 mutants, drawn by seed 1
#     sh tests/mutation/run.sh --seed 7 --count 50 --minutes 10
#     sh tests/mutation/run.sh --all buffer.c      all mutants of these files
#
# src/ stays as it is: a copy is changed. What cannot be noticed, as it makes no
# difference, is in equivalent.txt under its reason, as printed.
#
# Exit: 0 at least 95 % were noticed, 1 fewer were, 3 not run.
command -v python3 >/dev/null || {
    echo "mutation/run.sh: there is no python3" >&2
    exit 3
}
exec python3 "$(dirname "$0")/mutation.py" "$@"
