# The command fcgi-client as it is installed, with a kernel that fails: strace
# makes each of its system calls fail in turn, one at a time; of those made more
# than thrice the first two and the last, unless FCGI_TEST_THOROUGH is set. It
# exits with a code that it documents, tells why in one line, and neither crashes
# nor hangs.
. "$(dirname "$0")/package.sh"
. "$root/tests/package/commands.sh"

need_built fcgi-client fcgi-echo
need strace
program=$bin/fcgi-client
strace -o log true 2>/dev/null ||
    { echo "skipped: strace may not trace here"; exit 77; }

calls="socket connect setsockopt fcntl sendmsg recvmsg poll"
errors="EINTR EAGAIN ENOMEM ECONNRESET"

# The body is more than a socket takes at once, and comes back.
head -c 400000 /dev/zero | tr '\0' x >body

# ask STRACE_OPTION...: sets `code`.
ask() {
    code=0
    timeout -k 5 60 strace -o log "$@" "$program" --timeout 10000 \
        -p CONTENT_LENGTH=400000 -d @body "$address" /index.php \
        >out 2>err || code=$?
}

is_answered() {
    [ "$code" = 0 ] && [ ! -s err ] && tail -c 400000 out | cmp -s - body
}

# Whether the call is only to be made again.
is_harmless() {
    case $fault in
    connect*EAGAIN* | sendmsg*EINTR* | sendmsg*EAGAIN*) ;;
    recvmsg*EINTR* | recvmsg*EAGAIN* | poll*) ;;
    *) return 1 ;;
    esac
}

judge() {
    if is_answered; then
        return
    fi
    if is_harmless; then
        bad "exit $code, though nothing is wrong"
    fi
    case $code in
    4 | 5 | 6 | 8) ;;
    *) bad "exit $code" ;;
    esac
    complains ''
}

# count CALL: sets `times` to how often it is made when all goes well.
count() {
    it "makes $1 without a fault over $address"
    ask -e trace="$1"
    is_answered || bad "exit $code"
    times=$(grep -c "^$1(" log) || :
}

# chosen: those of 1 to `times` that are to fail.
chosen() {
    if [ -n "${FCGI_TEST_THOROUGH:-}" ] || [ "$times" -le 3 ]; then
        seq "$times"
    else
        echo 1 2 "$times"
    fi
}

fail_each() {
    for call in $calls; do
        count "$call"
        for nth in $(chosen); do
            for error in $errors; do
                fault="$call $nth: $error"
                it "bears $fault over $address"
                ask -e trace="$call" -e "inject=$call:error=$error:when=$nth"
                judge
            done
        done
    done
}

start "$bin/fcgi-echo" "unix:$folder/echo.sock"
fail_each
start "$bin/fcgi-echo" 127.0.0.1:0
fail_each
finish
