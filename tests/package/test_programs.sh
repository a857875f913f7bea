# The command lines of fcgi-echo, fcgi-gateway and gateway-threads, and what
# becomes of their output; test_command.sh has that of fcgi-client.
. "$(dirname "$0")/package.sh"
. "$root/tests/package/commands.sh"

need_built fcgi-client fcgi-echo fcgi-gateway gateway-threads
need curl

# in_use ADDRESS ARGUMENT...: somebody listens there already.
in_use() {
    taken=$1
    shift
    exits 1 "$@"
    prints ''
    complains "$taken: Address already in use"
}

# ---- fcgi-echo --------------------------------------------------------------

program=$bin/fcgi-echo

it "names what is wrong with the command line of fcgi-echo"
refuses 'unknown option --nonsense' --nonsense
refuses 'unknown option -x' -x
refuses "unexpected argument 'two'" 127.0.0.1:0 two
refuses "unexpected argument '127.0.0.1:0'" --help 127.0.0.1:0
refuses 'unknown option --a?b' "$(printf -- '--a\nb')"
refuses 'descriptor 0: not a listening socket' </dev/null

it "refuses an address that means nothing"
long=$(printf '%0120d' 0)
for malformed in '' nonsense localhost: :80 127.0.0.1: 127.0.0.1:65536 \
    127.0.0.1:99999999999 127.0.0.1:-1 127.0.0.1:+80 127.0.0.1:0x50 \
    127.0.0.1:80x '127.0.0.1: 80' '[::1:80' unix: unix:@ "unix:/$long" \
    "/$long"; do
    refuses "fcgi-echo: $malformed: malformed address" "$malformed"
done

it "prints the help and version of fcgi-echo on standard output"
exits 0 --help
prints_line 'usage: fcgi-echo [ADDRESS]'
is_silent
exits 0 --version
prints "fcgi-echo $version
"
is_silent

it "tells that the help and version of fcgi-echo could not be printed"
tells_that_output_is_full 1 --help
tells_that_output_is_full 1 --version

start "$program" "unix:$folder/echo.sock"
echo=$address

it "leaves a socket to whom it belongs"
in_use "$echo" "$echo"
[ -S echo.sock ] || bad "removed another's socket"

it "leaves a port to whom it belongs"
start "$program" 127.0.0.1:0
foreign=$address # a server that the gateways do not know
in_use "$foreign" "$foreign"

it "tells that there is no folder for its socket"
exits 1 "$folder/absent/echo.sock"
complains "$folder/absent/echo.sock: No such file or directory"

it "removes its socket at SIGTERM, and ends well"
start "$program" "$folder/other.sock"
[ -S other.sock ] || bad "no socket"
stop
[ "$code" = 0 ] || bad "exit $code"
[ ! -e other.sock ] || bad "the socket is still there"

if [ "$(uname)" = Linux ]; then
    it "listens under a name that has no file, and can be dialled"
    named=@fcgi-client.test.$$
    mkdir other
    cd other
    : >"$named" # a file of somebody else
    start "$program" "unix:$named"
    cd ..
    [ "$address" = "unix:$named" ] || bad "is at $address"
    "$bin/fcgi-client" -q "$address" /x 2>err || bad "cannot be dialled"
    stop
    [ "$(ls other)" = "$named" ] || bad "has left a file, or taken one"
fi

# ---- fcgi-gateway: the command line -----------------------------------------

program=$bin/fcgi-gateway

# refuses_option MISTAKE ARGUMENT...: behind what would do by itself.
refuses_option() {
    mistake=$1
    shift
    refuses "$mistake" --listen 127.0.0.1:0 --upstream "$echo" --root /srv "$@"
}

it "names what is wrong with the command line of fcgi-gateway"
refuses '--listen is missing'
refuses '--listen needs a value' --listen
refuses '--upstream is missing' --listen 127.0.0.1:0 --root /srv
refuses '--root is missing' --listen 127.0.0.1:0 --upstream "$echo"
refuses_option "--root must begin with a slash, not be ''" --root ''
refuses_option "--root must begin with a slash, not be 'srv'" --root srv
refuses_option 'unknown option --nonsense' --nonsense
refuses_option "unexpected argument 'a?b'" "$(printf 'a\nb')"
refuses_option '(see --help)' "$(printf '%02000d' 0)"
refuses_option 'unknown option --c' --c 1
refuses_option 'unknown option -q' -qx
refuses_option "unexpected argument 'more'" more
refuses_option "unexpected argument '--help'" -- --help
refuses_option '--stream-chunked=1: this option takes no value' --stream-chunked=1
refuses_option '--access-log=: this option takes no value' --access-log=
refuses_option '--no-abort=1: this option takes no value' --no-abort=1
refuses_option '--drop-connection-named=: this option takes no value' \
    --drop-connection-named=
for option in --upstream --root --index --workers --connections --timeout \
    --total --client-timeout --least-rate --gather --memory --requests --idle \
    --max-head --max-answer-head -p; do
    refuses_option "$option needs a value" "$option"
done

# Of a process of 64 bits, or of fewer.
memory_max=1099511627776
[ "$(getconf LONG_BIT)" = 64 ] || memory_max=1073741824

# refuses_numbers OPTION LEAST MOST: all but numbers of that range.
refuses_numbers() {
    for number in '' x 1x 0x1 +1 -1 ' 1' 1.5 $(($3 + 1)) \
        99999999999999999999; do
        refuses_option "$1 must be a number from $2 to $3, not '$number'" \
            "$1" "$number"
    done
    [ "$2" = 0 ] || refuses_option "not '0'" "$1" 0
}

it "takes a number of the range that it names, and no other"
refuses_numbers --workers 1 100000
refuses_numbers --connections 0 100000
refuses_numbers --timeout 1 1000000
refuses_numbers --total 1 1000000
refuses_numbers --client-timeout 1 1000000
refuses_numbers --least-rate 0 1073741824
refuses_numbers --gather 0 1073741824
refuses_numbers --memory 1 "$memory_max"
refuses_numbers --requests 1 100000
refuses_numbers --idle 1 1000000
refuses_numbers --max-head 1024 1073741824
refuses_numbers --max-answer-head 1024 1073741824

it "takes a variable with a name, and no other"
for variable in '' x =x =; do
    refuses_option "-p must be NAME=VALUE, not '$variable'" -p "$variable"
done

it "has a connection for each worker, or none for any"
few='--connections must be at least --workers, 4, not'
refuses_option "$few 3" --workers 4 --connections 3
refuses_option "$few 1" --connections 1 --workers 4

it "refuses an address to listen at that means nothing"
for malformed in '' nonsense localhost: :80 127.0.0.1: 127.0.0.1:65536 \
    127.0.0.1:99999999999 127.0.0.1:-1 127.0.0.1:80x '[::1:80' unix:/x; do
    refuses_option "fcgi-gateway: $malformed: not an address to listen on" \
        --listen "$malformed"
done

it "refuses an address of the application that means nothing"
for malformed in '' nonsense localhost: unix: unix:@ 127.0.0.1:0 \
    127.0.0.1:99999; do
    refuses_option "fcgi-gateway: $malformed: malformed address" \
        --upstream "$malformed"
done

it "prints the help and version of fcgi-gateway on standard output"
exits 0 --help
prints_line \
    'usage: fcgi-gateway --listen HOST:PORT --upstream ADDRESS --root DIR'
is_silent
exits 0 --version
prints "fcgi-gateway $version
"
is_silent

it "tells that the help and version of fcgi-gateway could not be printed"
tells_that_output_is_full 1 --help
tells_that_output_is_full 1 --version

it "tells that there are too few descriptors for its workers"
code=0
(ulimit -n 20
exec timeout 60 "$program" --listen 127.0.0.1:0 --upstream "$echo" \
    --root /srv --workers 100) >out 2>err || code=$?
[ "$code" = 1 ] || bad "exit $code, not 1"
prints ''
complains '127.0.0.1:0: Too many open files'

# ---- fcgi-gateway: its port -------------------------------------------------

# The application comes and goes: app.sock is another name of its socket.
app=unix:$folder/app.sock

# gateway LISTEN OPTION...
gateway() {
    listen=$1
    shift
    start "$bin/fcgi-gateway" --listen "$listen" --upstream "$app" \
        --root /srv "$@"
}

# is_taken OPTION...: `address`, for another fcgi-gateway with these options.
is_taken() {
    in_use "$address" --listen "$address" --upstream "$app" --root /srv "$@"
}

it "does not listen where another server does"
address=$foreign
is_taken
is_taken --workers 3

it "does not share its port with another fcgi-gateway"
gateway 127.0.0.1:0
is_taken
is_taken --workers 3

it "shares its port among its workers, and with no other fcgi-gateway"
gateway 127.0.0.1:0 --workers 3
is_taken
is_taken --workers 3

# ---- The output of both gateways --------------------------------------------

# ask CURL_OPTION...: sets `status`; of what is no HTTP that is 000.
ask() {
    status=$(curl -s --noproxy '*' --max-time 60 -o body -w '%{http_code}' \
        "$@") || :
}

# goes_on: a request that fails, which is logged, then two that do not, over
# one connection.
goes_on() {
    rm -f app.sock
    ask "http://$address/x"
    [ "$status" = 502 ] || bad "answered $status, not 502"
    ln -s echo.sock app.sock
    ask "http://$address/x" -o body2 "http://$address/x"
    [ "$status" = 200200 ] || bad "answered $status, not twice 200"
    for answer in body body2; do
        grep -qx 'REQUEST_URI=/x' "$answer" || bad "another body"
    done
    ! grep -q '^fcgi-gateway:\|^gateway-threads:\|^127' body body2 ||
        bad "logs to its sockets"
}

# with_log_that_nobody_reads COMMAND...: on standard error.
with_log_that_nobody_reads() {
    mkfifo unread
    : <unread &
    exec 4>unread
    wait "$!"
    rm unread
    "$@" 2>&4 4>&-
    exec 4>&-
}

# begin_closed CLOSED PROGRAM ARGUMENT...: where it cannot say that it listens
# there is no event to wait for, so ask until it is there.
begin_closed() {
    closed=$1
    shift
    rm -f app.sock
    sh -c "exec \"\$@\" $closed" sh "$@" 3<&- &
    pids="$pids $!"
    for try in $(seq 100); do
        ask "http://$address/x"
        [ "$status" = 000 ] || return 0
        sleep 0.1
    done
    bad "does not begin"
}

# One that is known, since another has just had it.
choose_port() {
    gateway 127.0.0.1:0
    stop
}

# ---- fcgi-gateway: its output -----------------------------------------------

choose_port
for closed in '>&-' '2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
    it "serves where descriptors are closed, and logs to no socket: $closed"
    begin_closed "$closed" "$program" --listen "$address" --upstream "$app" \
        --root /srv --access-log
    goes_on
    stop
    [ "$code" = 0 ] || bad "exit $code"
done

it "serves when nobody reads its standard error any more"
with_log_that_nobody_reads gateway 127.0.0.1:0
goes_on
stop
[ "$code" = 0 ] || bad "exit $code"

it "serves when nobody reads its access log any more"
gateway 127.0.0.1:0 --access-log
exec 3<&-
goes_on
stop
[ "$code" = 0 ] || bad "exit $code"

# logs NUMBER REQUEST STATUS BYTES: such a line of the access log.
logs() {
    date='[0-9][0-9]/[A-Z][a-z][a-z]/[0-9]*:[0-9:]* +0000'
    sed -n "$1p" log |
        grep -qx "127\.0\.0\.1 - - \[$date\] \"$2 HTTP/1\.1\" $3 $4 \"-\"" ||
        bad "logged '$(sed -n "$1p" log)', not $2 with $3 and $4 bytes"
}

it "logs each request, and the bytes of its body alone"
gateway 127.0.0.1:0 --access-log
rm -f app.sock
ask "http://$address/x"
[ "$(cat body)" = 'Bad Gateway' ] || bad "another body"
ln -s echo.sock app.sock
ask "http://$address/x"
size=$(($(wc -c <body)))
ask -I "http://$address/x"
ask -d 'a=1' "http://$address/y?z"
posted=$(($(wc -c <body)))
stop
cat <&3 >log
[ "$(wc -l <log)" -eq 4 ] || bad "$(wc -l <log) lines"
logs 1 'GET /x' 502 12
logs 2 'GET /x' 200 "$size"
logs 3 'HEAD /x' 200 0
logs 4 'POST /y?z' 200 "$posted"

# ---- gateway-threads --------------------------------------------------------

program=$bin/gateway-threads

it "names what is wrong with the command line of gateway-threads"
for arguments in '' 1 '1 2' '1 2 3 4 5' --no-abort '--no-abort 1'; do
    refuses 'expected PORT ADDRESS ROOT [SECONDS]' $arguments
done
refuses 'unknown option --nonsense' --nonsense
refuses 'unknown option -1' -1 "$echo" /srv
refuses '--total needs a value' --total
refuses '--no-abort=1: this option takes no value' --no-abort=1
for bytes in '' 0 x 1073741825; do
    refuses "--memory must be a number from 1 to 1073741824, not '$bytes'" \
        --memory "$bytes" 0 "$echo" /srv
done
for seconds in '' 0 x -1 1000001; do
    refuses "--total must be a number from 1 to 1000000, not '$seconds'" \
        --total "$seconds" 0 "$echo" /srv
done
for port in '' x 1x +1 ' 1' 65536 99999999999999999999; do
    refuses "PORT must be a number from 0 to 65535, not '$port'" \
        "$port" "$echo" /srv
done
for malformed in '' nonsense localhost: unix: 127.0.0.1:0; do
    refuses "gateway-threads: $malformed: malformed address" \
        0 "$malformed" /srv
done
for folder_name in '' srv; do
    refuses "ROOT must begin with a slash, not be '$folder_name'" \
        0 "$echo" "$folder_name"
done
for variable in '' x =x; do
    refuses "-p must be NAME=VALUE, not '$variable'" \
        -p "$variable" 0 "$echo" /srv
done
for seconds in '' 0 x 1x 1000001 99999999999999999999; do
    refuses "SECONDS must be a number from 1 to 1000000, not '$seconds'" \
        0 "$echo" /srv "$seconds"
done

it "prints the help of gateway-threads on standard output"
exits 0 --help
prints_line 'usage: gateway-threads [OPTION]... PORT ADDRESS ROOT [SECONDS]'
is_silent

it "tells that the help of gateway-threads could not be printed"
tells_that_output_is_full 1 --help

it "does not listen where another server does, with a thread for each client"
exits 1 "${foreign##*:}" "$app" /srv
complains 'Address already in use'

# It says on standard error where it listens, among what else it says there.
threads() {
    start sh -c 'exec "$@" 2>&1' sh "$program" 0 "$app" /srv
}

it "is ended by SIGTERM or SIGINT, not by a window that changes its size"
threads
for signal in WINCH CHLD CONT URG; do
    kill -s "$signal" "$!"
done
goes_on
stop
[ "$code" = 0 ] || bad "exit $code"

choose_port

it "serves with threads when nobody reads its standard error any more"
with_log_that_nobody_reads \
    begin_closed '' "$program" "${address##*:}" "$app" /srv
goes_on
stop
[ "$code" = 0 ] || bad "exit $code"

for closed in '>&-' '2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
    it "serves with threads where descriptors are closed: $closed"
    begin_closed "$closed" "$program" "${address##*:}" "$app" /srv
    goes_on
    stop
    [ "$code" = 0 ] || bad "exit $code"
done

finish
