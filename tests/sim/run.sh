#!/bin/sh
# Run many seeds of the simulation, half of them in each of two processes, from
# FIRST (1) on:
#
#     sh tests/sim/run.sh [COUNT [FIRST]]
#
# A million, which it runs unless told otherwise, take some ten minutes on two
# cores. A process ends at the first seed that breaks a rule, and tells how to
# replay that, else how often it has seen what. FCGI_BUILD_DIR names a folder to
# build in and keep.
#
# Exit: 0 all rules held, 1 one was broken, 3 not run.

set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/building.sh"
count=${1-1000000}
first=${2-1}

help_if_asked "$@"
[ $# -le 2 ] || die "expected COUNT and FIRST, not '$3' too"
need_number COUNT "$count" 1 1000000000000
need_number FIRST "$first" 0 1000000000000
half=$(((count + 1) / 2))
second=$((first + half))

choose_build_folder

# Quick, and with the library's assertions.
build_tests test_sim -DCMAKE_C_COMPILER=gcc -DCMAKE_C_FLAGS_DEBUG=-O2

# begin FIRST COUNT: in the background, as the last of $running.
begin() {
    "$build/bin/test_sim" --seeds "$1" "$2" >"$build/$1.log" 2>&1 &
    running="$running $!"
}

begin "$first" "$half"
[ "$count" = 1 ] || begin "$second" $((count - half))
verdict=passed
for process in $running; do
    wait "$process" || verdict=failed
done
running=
cat "$build/$first.log"
[ "$count" = 1 ] || cat "$build/$second.log"
printf 'seeds: %d from %d on, %s\n' "$count" "$first" "$verdict"
[ "$verdict" = passed ]
