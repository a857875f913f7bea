#!/bin/sh
# Look for inputs that break something, two kinds at a time, each for some
# seconds (20) beginning with the inputs that are kept in corpus/:
#
#     sh tests/fuzz/run.sh [SECONDS [NOUN...]]
#     FCGI_BUILD_DIR=/var/tmp/fuzz sh tests/fuzz/run.sh 36000 conversation head
#
# A NOUN is that of a fuzz_<noun>.c. It needs clang with libFuzzer. The folder
# that FCGI_BUILD_DIR names is kept, with what was found in found/<noun>; those
# of it that add something to the kept inputs are taken over by
#
#     bin/fuzz_head -merge=1 -reduce_inputs=1 tests/fuzz/corpus/head found/head
#
# An input that breaks something is printed (Base64) and stays in broken/; this
# hands it to the target once more:
#
#     bin/fuzz_head broken/head-...
#
# Exit: 0 nothing broke, 1 something did, 3 not run.

set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/building.sh"
seconds=${1-20}
broke=0

help_if_asked "$@"
need_number SECONDS "$seconds" 1 10000000
[ $# = 0 ] || shift
for noun; do
    [ -f "$root/tests/fuzz/fuzz_$noun.c" ] || die "there is no fuzz_$noun.c"
done
[ $# -gt 0 ] || set -- $(cd "$root/tests/fuzz" &&
    ls fuzz_*.c | sed 's/^fuzz_\(.*\)\.c$/\1/')

choose_build_folder
build_tests all -DCMAKE_C_COMPILER=clang -DCMAKE_C_FLAGS=-O1 \
    -DFCGI_CLIENT_SANITIZE=address,undefined,fuzzer-no-link

# Sanitizers want their own places in memory: see tests/run.sh.
still=
setarch -R true 2>/dev/null && still="setarch -R"

# begin NOUN: in the background, as the last of $running.
begin() {
    mkdir -p "$build/found/$1" "$build/broken"
    $still "$build/bin/fuzz_$1" -max_total_time="$seconds" -timeout=60 \
        -rss_limit_mb=2048 -max_len=4096 -len_control=20 -print_final_stats=1 \
        -artifact_prefix="$build/broken/$1-" \
        "$build/found/$1" "$root/tests/fuzz/corpus/$1" \
        >"$build/$1.log" 2>&1 &
    running="$running $!"
}

# end NOUN: of the first of $running.
end() {
    if wait "${running%% *}"; then
        verdict=passed
    else
        verdict=failed
        broke=1
        tail -n 60 "$build/$1.log"
    fi
    running=${running#* }
    count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$1.log")
    printf 'fuzz %s: %s executions, %s\n' "$1" "${count:-no}" "$verdict"
}

while [ $# -gt 0 ]; do
    running=
    begin "$1"
    [ $# -lt 2 ] || begin "$2"
    running=${running# }
    end "$1"
    [ $# -lt 2 ] || { shift; end "$1"; }
    shift
    running=
done
exit $broke
