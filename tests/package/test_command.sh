# The command fcgi-client as a shell sees it: what it prints, where, and what
# it exits with; against fcgi-echo, and against peers that misbehave.
. "$(dirname "$0")/package.sh"
. "$root/tests/package/commands.sh"

need_built fcgi-client fcgi-echo fake-peer
client=$bin/fcgi-client
program=$client

# fake STEP...: `accept` and the reading of the request go without saying.
fake() {
    start "$bin/fake-peer" read "$@"
}

page='Content-Type: text/plain

hello'

start "$bin/fcgi-echo" "unix:$folder/echo.sock"
echo=$address

# ---- The request ------------------------------------------------------------

it "makes the variables of a GET from the script"
exits 0 "$echo" '/srv/www/index.php?a=1&b=2'
prints_line SCRIPT_FILENAME=/srv/www/index.php
prints_line SCRIPT_NAME=/index.php
prints_line DOCUMENT_URI=/index.php
prints_line DOCUMENT_ROOT=/srv/www
prints_line 'REQUEST_URI=/index.php?a=1&b=2'
prints_line 'QUERY_STRING=a=1&b=2'
prints_line REQUEST_METHOD=GET
prints_line GATEWAY_INTERFACE=CGI/1.1
prints_line SERVER_PROTOCOL=HTTP/1.1
for variable in SERVER_SOFTWARE SERVER_NAME SERVER_ADDR SERVER_PORT \
    REMOTE_ADDR REMOTE_PORT; do
    grep -q "^$variable=." out || bad "no $variable"
done
prints_no '^CONTENT_'
is_silent

it "never passes on its own environment"
SECRET=password exits 0 "$echo" /x
prints_no SECRET
prints_no PATH=

it "names a page at the root, such as the ping page of PHP-FPM"
exits 0 "$echo" /ping
prints_line SCRIPT_FILENAME=/ping
prints_line SCRIPT_NAME=/ping
prints_line DOCUMENT_ROOT=/

it "names a page that has no extension by all of its path"
exits 0 "$echo" '/fpm/status?json'
prints_line SCRIPT_FILENAME=/fpm/status
prints_line SCRIPT_NAME=/fpm/status
prints_line DOCUMENT_URI=/fpm/status
prints_line 'REQUEST_URI=/fpm/status?json'
prints_line QUERY_STRING=json
prints_line DOCUMENT_ROOT=/
exits 0 "$echo" /srv/.hidden
prints_line SCRIPT_NAME=/srv/.hidden

it "takes the name of the script from --script-name"
exits 0 --script-name /app/index.php "$echo" '/srv/www/app/index.php?a=1'
prints_line SCRIPT_FILENAME=/srv/www/app/index.php
prints_line SCRIPT_NAME=/app/index.php
prints_line DOCUMENT_URI=/app/index.php
prints_line 'REQUEST_URI=/app/index.php?a=1'
prints_line QUERY_STRING=a=1
prints_line DOCUMENT_ROOT=/srv/www
exits 0 --script-name /other "$echo" /srv/www/index.php
prints_line SCRIPT_NAME=/other
prints_line REQUEST_URI=/other
prints_line DOCUMENT_ROOT=/srv/www
exits 0 --script-name /a "$echo" /a
prints_line DOCUMENT_ROOT=/

it "takes a script without a folder"
exits 0 "$echo" 'index.php?x'
prints_line SCRIPT_FILENAME=index.php
prints_line SCRIPT_NAME=/index.php
prints_line DOCUMENT_ROOT=.
prints_line 'REQUEST_URI=/index.php?x'

it "adds and replaces variables with -p, of which the last counts"
exits 0 -p HTTP_HOST=example.org -p SERVER_NAME=no -p SERVER_NAME=a=b \
    -p EMPTY= "$echo" /x
prints_line HTTP_HOST=example.org
prints_line SERVER_NAME=a=b
prints_line EMPTY=
[ "$(grep -c '^SERVER_NAME=' out)" = 1 ] || bad "two of one name"

it "uses the method of -X"
exits 0 -X DELETE "$echo" /x
prints_line REQUEST_METHOD=DELETE

it "posts the text of -d"
exits 0 -d 'a=1&b=2' "$echo" /x
prints_line REQUEST_METHOD=POST
prints_line CONTENT_TYPE=application/x-www-form-urlencoded
prints_line CONTENT_LENGTH=7
[ "$(tail -n 1 out)" = 'a=1&b=2' ] || bad "another body"

it "posts an empty body"
exits 0 -d '' "$echo" /x
prints_line REQUEST_METHOD=POST
prints_line CONTENT_LENGTH=0

it "prefers -X and -p to what -d stands for"
exits 0 -d x -X PUT -p CONTENT_TYPE=text/x "$echo" /x
prints_line REQUEST_METHOD=PUT
prints_line CONTENT_TYPE=text/x

seq 100000 >numbers
size=$(wc -c <numbers | tr -d ' ')
same_body() {
    tail -c "$size" out | cmp -s - numbers || bad "another body"
}

it "posts a file"
exits 0 -d @numbers "$echo" /x
prints_line "CONTENT_LENGTH=$size"
same_body

it "posts a file again with each request of -n"
exits 0 -n 3 -d @numbers "$echo" /x
prints_line "CONTENT_LENGTH=$size"
same_body

it "posts a file on standard input, from where that stands"
{ dd bs=6 count=1 of=skipped 2>dd.log; exits 0 -d @- "$echo" /x; } <numbers
prints_line "CONTENT_LENGTH=$((size - 6))"

it "posts all that a pipe holds, and tells its length"
mkfifo pipe
cat numbers >pipe &
exits 0 -d @- "$echo" /x <pipe
prints_line "CONTENT_LENGTH=$size"
same_body

it "asks in the role of an authorizer, without a body"
exits 0 --role authorizer "$echo" /x
prints_line REQUEST_METHOD=GET
prints_no '^SCRIPT_NAME='

it "sends a filter its data behind the body"
exits 0 --role filter -d body, --data data "$echo" /x
prints_line FCGI_DATA_LENGTH=4
prints_line body,data

it "sends a filter a file"
exits 0 --role filter --data @numbers "$echo" /x
prints_line "FCGI_DATA_LENGTH=$size"
same_body

# ---- The answer -------------------------------------------------------------

it "prints the body alone"
fake answer="$page"
exits 0 "$address" /x
prints hello
is_silent

it "prints status and fields in order with -i"
fake answer="Status: 404 Gone Fishing
Set-Cookie: b=1
X-Y: z
Set-Cookie: a=2

no"
exits 0 -i "$address" /x
prints "Status: 404 Gone Fishing
Set-Cookie: b=1
X-Y: z
Set-Cookie: a=2

no"
is_silent

it "prints the head without the body with -i -q"
exits 0 -i -q "$echo" /x
prints "Status: 200 OK
Content-Type: text/plain

"

it "prints nothing with -q"
exits 0 -q "$echo" /x
prints ''
is_silent

it "shows the application's stderr on stderr"
fake stderr="PHP Warning: x" stdout="$page" end=0
exits 0 "$address" /x
prints hello
[ "$(cat err)" = "PHP Warning: x" ] || bad "another stderr"

it "ends the line that the application's stderr did not"
fake stderr="cut off" stdout="$page" end=0
exits 0 "$address" /x
[ "$(wc -l <err)" -eq 1 ] || bad "$(wc -l <err) lines on stderr"
fake stderr="cut off" stdout="$page" end=0
exits 0 -q "$address" /x
[ "$(wc -l <err)" -eq 1 ] || bad "$(wc -l <err) lines on stderr"

it "begins its own line where the application's stderr did not end one"
fake stderr="cut off" end=2
exits 7 "$address" /x
[ "$(tail -n 1 err | cut -c 1-13)" = "fcgi-client: " ] || bad "glued"

it "takes a head with a field of 20 KB, and cookies of 32 KB"
cookie=$(printf 'Set-Cookie: a=%04000d' 0)
fake answer="X-Long: $(printf %020000d 0)
$cookie
$cookie
$cookie
$cookie
$cookie
$cookie
$cookie
$cookie

hello"
exits 0 "$address" /x
prints hello

it "takes a head up to --max-head, and says so if there is more"
long="X: $(printf %02000d 0)

hello"
fake answer="$long"
exits 0 --max-head 2100 "$address" /x
prints hello
fake answer="$long"
exits 6 --max-head 1900 "$address" /x
complains "$address: head of the response is over its limit: --max-head is 1900"

it "streams an answer larger than the memory it may have"
fake stdout="Content-Type: x

" body=67108864 end=0
(ulimit -v 60000 2>/dev/null || :
"$client" "$address" /x | wc -c >count)
[ "$(tr -d ' ' <count)" = 67108864 ] || bad "$(cat count) bytes"

# ---- -n and -v --------------------------------------------------------------

it "keeps one connection for all requests of -n, and prints the last answer"
exits 0 -n 20 "$echo" /x
[ "$(grep -c '^REQUEST_METHOD=' out)" = 1 ] || bad "not one answer"
complains "requests 20, dials 1, reuses 19, retries 0, stale 0, "

it "asks again where the application closes each connection"
fake answer="$page" close accept read answer="$page" close \
    accept read answer="$page" close
exits 0 -n 3 "$address" /x
prints hello
complains "requests 3, dials 3, "

it "stops at the first request that fails"
fake answer="$page" read end=2
exits 7 -n 5 "$address" /x
tells 'requests 2, '
tells 'overloaded'

it "asks for the connection to be kept only when it needs it again"
exits 0 -v "$echo" /x
tells 'request 1: dialled in '
tells 'status 200; appStatus 0$'
tells 'requests 1, dials 1, reuses 0, '

it "tells with -v which request reused a connection"
exits 0 -v -n 2 "$echo" /x
tells 'request 1: dialled in '
tells 'request 2: reused a connection'

# ---- Exit 1: a check --------------------------------------------------------

it "fails with --fail on an HTTP status of 400 and above"
fake answer="Status: 503 Service Unavailable

no"
exits 1 --fail "$address" /x
complains "$address: HTTP status 503: Service Unavailable"

it "does not fail with --fail on a redirect"
fake answer="Location: /elsewhere

"
exits 0 --fail "$address" /x

it "is content with --expect where the body contains the text"
exits 0 -q --expect SCRIPT_NAME=/x "$echo" /x
is_silent

it "finds the text of --expect across records"
fake stdout="Content-Type: x

aaaab" stdout=aac stdout=d end=0
exits 0 --expect abaacd "$address" /x

it "fails with --expect where the body lacks the text"
exits 1 -q --expect absent "$echo" /x
complains "$echo: the body does not contain: absent"
exits 1 -q --expect Content-Type: "$echo" /x

# ---- Exit 3: usage ----------------------------------------------------------

it "refuses a wrong command line in one line"
for arguments in '' x 'x y z' '--nonsense x y' '-Z x y' '-iZ x y' '-p x y' \
    '-p =x x y' '-n 0 x y' '-n 1x x y' '--timeout 0 x y' '--timeout -1 x y' \
    '--connect-timeout 0 x y' '--connect-timeout -5 x y' \
    '--timeout 99999999999 x y' '--role poet x y' '--data x x y' \
    '--role authorizer -d x x y' '--role filter -d @- --data @- x y' \
    'x y --expect' 'x y -d' 'x ?query' \
    '--max-head 0 x y' '--max-head -1 x y' '--max-head 1k x y' \
    '--script-name x x y' '--script-name= x y' '--script-name /x?y x y' \
    '--expect= x y' '--fail=yes x y' '--help=x'; do
    refuses '' $arguments
done

it "refuses a malformed address"
for malformed in nonsense localhost: :x unix: 127.0.0.1:99999 '[::1:80'; do
    refuses "fcgi-client: $malformed: malformed address" "$malformed" /x
done

it "prints its help and version on standard output"
exits 0 --help
prints_line 'usage: fcgi-client [OPTION]... ADDRESS SCRIPT[?QUERY]'
is_silent
exits 0 -h
exits 0 --version
prints "fcgi-client $version
"

it "tells that its help and version could not be printed"
tells_that_output_is_full 8 --help
tells_that_output_is_full 8 --version

# ---- Exit 4: no connection --------------------------------------------------

it "says why it could not connect"
exits 4 "unix:$folder/absent.sock" /x
complains "unix:$folder/absent.sock: could not connect: No such file"
exits 4 "$folder/absent.sock" /x
exits 4 127.0.0.1:1 /x
complains '127.0.0.1:1: could not connect: Connection refused'

# ---- Exit 5: a time limit ---------------------------------------------------

it "gives up a silent application after --timeout"
fake
exits 5 --timeout 100 "$address" /x
complains "$address: time limit"

it "gives up an application that falls silent amid its answer"
fake stdout="$page"
exits 5 --timeout 100 "$address" /x
prints hello
complains "$address: time limit"

# ---- Exit 6: no valid answer ------------------------------------------------

it "tells a connection closed before the answer"
fake close
exits 6 "$address" /x
complains "$address: connection closed before the response"

it "tells a truncated answer"
fake stdout="$page" close
exits 6 "$address" /x
complains "$address: connection closed amid the response"

it "tells a peer that speaks HTTP"
fake send="HTTP/1.1 400 Bad Request

" close
exits 6 "$address" /x
complains 'HTTP or TLS'

it "tells bytes that are no record"
fake send="garbage, garbage, garbage" close
exits 6 "$address" /x
complains 'invalid record header'

it "tells a head that is none"
fake answer="no head at all

x"
exits 6 "$address" /x
complains 'malformed head'
fake answer="Content-Type: text/plain
"
exits 6 "$address" /x
complains 'before its head was complete'

it "tells a body not as long as it said"
fake answer="Content-Length: 9

short"
exits 6 "$address" /x
complains 'shorter'
fake answer="Content-Length: 2

long"
exits 6 "$address" /x
complains 'longer'

# ---- Exit 7: refused --------------------------------------------------------

it "tells why the application refused"
fake end=1
exits 7 "$address" /x
complains 'cannot multiplex'
fake end=2
exits 7 "$address" /x
complains 'overloaded'
fake end=3
exits 7 "$address" /x
complains 'role'

# ---- Exit 8: here -----------------------------------------------------------

it "tells a file that cannot be read"
exits 8 -d @absent "$echo" /x
complains "fcgi-client: @absent: No such file"
exits 8 -d @. "$echo" /x
complains "fcgi-client: @.: Is a directory"

if [ -c /dev/full ]; then
    it "tells that standard output is full"
    code=0
    "$client" "$echo" /x >/dev/full 2>err || code=$?
    [ "$code" = 8 ] || bad "exit $code, not 8"
    complains "$echo: could not print the answer: No space left"
fi

it "tells that standard output is closed, and prints to no socket instead"
code=0
"$client" "$echo" /x >&- 2>err || code=$?
[ "$code" = 8 ] || bad "exit $code, not 8"
complains "$echo: could not print the answer"

# into_closed_pipe ARGUMENT...: sets `code`.
into_closed_pipe() {
    : <closed &
    (code=0; "$client" "$@" 2>err || code=$?; echo $code >code) >closed
    code=$(cat code)
}
mkfifo closed

it "ends by SIGPIPE as any filter does"
sh -c 'kill -s PIPE $$' || code=$?
if [ "$code" = 141 ]; then # Nobody has had it ignored before.
    into_closed_pipe -d @numbers "$echo" /x
    [ "$code" = 141 ] || bad "exit $code, not by SIGPIPE"
    is_silent
fi

it "tells that nobody reads its standard output where SIGPIPE is ignored"
trap '' PIPE
into_closed_pipe -d @numbers "$echo" /x
trap - PIPE
[ "$code" = 8 ] || bad "exit $code, not 8"
complains "$echo: could not print the answer: Broken pipe"

# ---- TCP, and many at once ---------------------------------------------------

it "asks over TCP"
start "$bin/fcgi-echo" 127.0.0.1:0
exits 0 -d hello "$address" /x
[ "$(tail -n 1 out)" = hello ] || bad "another body"
exits 0 -d hello "localhost:${address##*:}" /x

it "asks many at the same time"
many=
for number in 1 2 3 4 5 6 7 8; do
    "$client" -n 50 -d "$number" "$echo" /x >"out$number" 2>/dev/null &
    many="$many $!"
done
for pid in $many; do
    wait "$pid" || bad "one of many failed"
done
for number in 1 2 3 4 5 6 7 8; do
    [ "$(tail -n 1 "out$number")" = "$number" ] || bad "mixed up answers"
done

# ---- PHP-FPM ----------------------------------------------------------------

fpm=$(ls /usr/sbin/php-fpm* /usr/local/sbin/php-fpm* 2>/dev/null | tail -n 1)
if [ -n "$fpm" ]; then
    cat >fpm.conf <<END
[global]
daemonize = no
[www]
listen = $folder/fpm.sock
pm = static
pm.max_children = 1
pm.status_path = /fpm/status
ping.path = /fpm/ping
END
    start sh -c 'exec "$@" 2>&1' sh "$fpm" -n -F -O -R -y fpm.conf

    it "asks PHP-FPM for its status"
    exits 0 --fail "$folder/fpm.sock" /fpm/status
    prints_line 'pool:                 www'
    is_silent
    exits 0 --fail --expect '"pool":"www"' "$folder/fpm.sock" '/fpm/status?json'

    it "pings PHP-FPM"
    exits 0 --fail --expect pong "$folder/fpm.sock" /fpm/ping
    exits 0 --expect pong --script-name /fpm/ping "$folder/fpm.sock" /x.php
    exits 1 --fail "$folder/fpm.sock" /fpm/other
else
    [ -n "${FCGI_TEST_ALLOW_SKIP:-}" ] || bad "there is no php-fpm"
fi

finish
