#!/bin/sh
# Attack fcgi-gateway for some seconds (60), and serve PHP-FPM through it for as
# long, with the sanitizers for addresses and undefined behaviour:
#
#     sh tests/soak/run.sh [fuzz | soak] [--seed NUMBER] [--seconds NUMBER]
#     sh tests/soak/run.sh fuzz --seed NUMBER --case NUMBER
#
# fuzz: hostile clients and a hostile application. Each finding names its seed
# and its case, which can be run alone. --quick leaves out what waits for a time
# limit. soak: many clients, and PHP-FPM reloaded again and again. The same seed
# draws the same requests, but not when they come. The seed is the time of day
# unless --seed gives another.
#
# FCGI_BUILD_DIR names a folder to build in and keep.
#
# Exit: 0 nothing was found, 1 something was, 3 not run.

set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/tests/building.sh"
kinds="fuzz soak"
seed=$(date +%s)
seconds=60
case=
quick=

help_if_asked "$@"
case ${1-} in
fuzz | soak)
    kinds=$1
    shift
    ;;
esac
while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=--quick ;;
    --seed | --seconds | --case)
        need_number "$1" "${2-}" 0 1000000000000000
        eval "${1#--}=$2"
        shift
        ;;
    *) die "unknown argument: $1" ;;
    esac
    shift
done
[ "$kinds" = fuzz ] || [ -z "$case$quick" ] || die "only fuzz has cases"
for program in python3 setpriv; do
    command -v $program >/dev/null || die "please install $program"
done

choose_build_folder
build_tests fcgi-gateway -DFCGI_CLIENT_EXAMPLES=ON -DCMAKE_C_FLAGS=-O1 \
    -DFCGI_CLIENT_SANITIZE=address,undefined

# Sanitizers want their own places in memory: see tests/run.sh.
still=
setarch -R true 2>/dev/null && still="setarch -R"

code=0
for kind in $kinds; do
    $still python3 -B "$here/gateway_$kind.py" \
        --gateway "$build/bin/fcgi-gateway" --seed "$seed" \
        --seconds "$seconds" ${case:+--case "$case"} $quick &
    running=$!
    wait "$running"
    ended=$?
    running=
    [ "$ended" = 0 ] || code=$ended
done
exit "$code"
