# What the tests of command lines share: the programs that run beside them, and
# what a program has to print, where, and what it exits with. Each reads this
# behind package.sh, and sets `program` to the one that it is about.
need timeout

bin=${FCGI_TEST_BIN:-.}

# need_built PROGRAM...: the test is left out where they were not built.
need_built() {
    for name; do
        [ -x "$bin/$name" ] || { echo "skipped: no $name"; exit 77; }
    done
}

# ---- Peers ------------------------------------------------------------------

pids=
stop_peers() {
    for pid in $pids; do
        kill "$pid" 2>/dev/null && wait "$pid" || :
    done
}
trap 'stop_peers; rm -rf "$folder"' EXIT

# start PROGRAM ARGUMENT...: sets `address` to where it says it listens. What
# it prints behind that is read from descriptor 3, until the next one starts.
start() {
    mkfifo ready
    "$@" >ready 3<&- &
    pids="$pids $!"
    exec 3<ready
    rm ready
    read -r said <&3 || fail "$1 did not start"
    address=${said##* }
}

# stop: the one that was started last; sets `code` to what it exits with.
stop() {
    code=0
    kill "$!" 2>/dev/null || : # it may have ended by itself
    wait "$!" || code=$?
    pids=${pids% *}
}

# ---- Checks -----------------------------------------------------------------

tests=0
failures=0
: >err
it() {
    name=$1
    tests=$((tests + 1))
    failed=
}

bad() {
    [ -n "$failed" ] || failures=$((failures + 1))
    failed=yes
    printf 'FAILED: it %s: %s\n' "$name" "$*"
    sed 's/^/    stderr: /' err
}

# exits CODE ARGUMENT...: run the program, standard input being that of this.
exits() {
    wanted=$1
    shift
    code=0
    timeout 60 "$program" "$@" >out 2>err || code=$?
    [ "$code" = "$wanted" ] || bad "exit $code, not $wanted: $*"
}

prints() {
    printf %s "$1" | cmp -s - out || bad "printed '$(cat out)', not '$1'"
}

# prints_line LINE: among others.
prints_line() {
    grep -qxF -e "$1" out || bad "did not print '$1' but '$(cat out)'"
}

prints_no() {
    ! grep -q -e "$1" out || bad "printed '$(cat out)'"
}

# complains TEXT: one line on stderr, which begins with the program's name.
complains() {
    [ "$(wc -l <err)" -eq 1 ] || bad "$(wc -l <err) lines on stderr"
    grep -q "^${program##*/}: " err || bad "does not say who complains"
    grep -qF -e "$1" err || bad "does not say '$1'"
}

# refuses MISTAKE ARGUMENT...: it is wrong usage, and named.
refuses() {
    mistake=$1
    shift
    exits 3 "$@"
    prints ''
    complains "$mistake"
}

tells() {
    grep -q -e "$1" err || bad "does not tell '$1'"
}

is_silent() {
    [ ! -s err ] || bad "writes on stderr"
}

# tells_that_output_is_full CODE ARGUMENT...: it cannot print what is asked for.
tells_that_output_is_full() {
    [ -c /dev/full ] || return 0
    wanted=$1
    shift
    code=0
    timeout 60 "$program" "$@" >/dev/full 2>err || code=$?
    [ "$code" = "$wanted" ] || bad "exit $code, not $wanted: $*"
    complains 'standard output: No space left'
}

# finish: the last line of a test.
finish() {
    printf '%d tests, %d failed\n' "$tests" "$failures"
    [ "$failures" = 0 ]
}
