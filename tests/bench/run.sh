#!/bin/sh
# Measure the library against its limits, and print the table:
#
#     sh tests/bench/run.sh [--quick] [--json FILE]
#     sh tests/bench/run.sh [--quick] --plot
#
# Each row is an operation of ours beside the least that it could take, both
# measured in the same process by turns. Instructions, allocations and system
# calls repeat exactly; times are for people, on a machine that does nothing
# else. --quick takes two minutes at most there. --plot draws ratio.svg anew,
# beside this file. FCGI_BUILD_DIR names a folder to build in and keep.
#
# Exit: 0 measured, whether or not the goals were met; 3 not run.

set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/tests/building.sh"
quick=
json=
plot=

help_if_asked "$@"
while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=--quick ;;
    --plot) plot=yes ;;
    --json)
        [ -n "${2:-}" ] || die "--json needs a file"
        json=$2
        shift
        ;;
    *) die "unknown argument: $1" ;;
    esac
    shift
done
if [ -n "$json" ]; then
    [ -z "$plot" ] || die "--plot writes no JSON"
    (: >>"$json") 2>/dev/null || die "cannot write $json"
fi
if [ -n "$plot" ]; then
    command -v gnuplot >/dev/null || die "please install gnuplot-nox"
fi

folder=$(mktemp -d "${TMPDIR:-/tmp}/fcgi-bench.XXXXXX") || exit 3
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
build=${FCGI_BUILD_DIR:-$folder/build}

sh "$here/build.sh" "$build" bench bench-lock >"$folder/log" 2>&1 ||
    die "it does not build: $(tail -n 20 "$folder/log")"
bench=$build/bin/bench

if [ -n "$plot" ]; then
    "$bench" plot $quick >"$folder/points" || die "the program failed"
    machine=$("$bench" machine | head -n 2 | paste -sd , - | sed 's/,/, /g')
    gnuplot -e "points='$folder/points'; machine='$machine'" \
        "$here/plot.gp" >"$folder/ratio.svg" || die "gnuplot failed"
    mv "$folder/ratio.svg" "$here/ratio.svg"
    exit 0
fi

"$bench" list >"$folder/names"
"$bench" machine
for program in valgrind strace; do
    command -v $program >/dev/null || echo "there is no $program"
done

sh "$here/counts.sh" "$bench" "$folder" $(cat "$folder/names") \
    >"$folder/counts"
"$bench" time $quick >"$folder/times" || die "the program failed"
"$build/bin/bench-lock" >>"$folder/times"
echo "text $(sh "$here/text.sh" "$build"/libfcgi-client.*) - - - - 0" \
    >>"$folder/times"
awk -v json="$json" -f "$here/table.awk" "$here/goals" "$folder/counts" \
    "$folder/times"
