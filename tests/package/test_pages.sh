# The pages among the examples, one for each way to ask: what each prints, and
# what it exits with.
. "$(dirname "$0")/package.sh"
. "$root/tests/package/commands.sh"

need_built fcgi-echo hello stream own_transport
need perl

# fails_with CODE MESSAGE ARGUMENT...: in one line.
fails_with() {
    wanted=$1
    message=$2
    shift 2
    exits "$wanted" "$@"
    [ "$(wc -l <err)" -eq 1 ] || bad "$(wc -l <err) lines on stderr"
    grep -qF -e "$message" err || bad "does not say '$message'"
}

start "$bin/fcgi-echo" "unix:$folder/echo.sock"
echo=$address

# What socat would do: hand one request to the application, and back its answer.
cat >relay.pl <<'END'
use IO::Socket::UNIX;
my $socket = IO::Socket::UNIX->new(Peer => 'echo.sock') or die;
my $watched = '';
vec($watched, $_, 1) = 1 for (0, fileno($socket));
for (;;) {
    select(my $ready = $watched, undef, undef, undef);
    if (vec($ready, 0, 1)) {
        sysread(STDIN, my $bytes, 65536) or exit;
        syswrite($socket, $bytes);
    }
    if (vec($ready, fileno($socket), 1)) {
        sysread($socket, my $bytes, 65536) or exit;
        syswrite(STDOUT, $bytes);
    }
}
END

for page in hello own_transport; do
    program=$bin/$page
    it "prints the status and the body: $page"
    case $page in
    hello) exits 0 "$echo" /x ;;
    *) exits 0 /x perl relay.pl ;;
    esac
    prints '200
SCRIPT_FILENAME=/x
REQUEST_METHOD=GET


'
    is_silent
done

program=$bin/own_transport
it "reports a command that ends without an answer"
fails_with 1 'own_transport: connection ' /x false
fails_with 3 'usage: own_transport SCRIPT COMMAND' /x

program=$bin/hello
it "reports an application that is not there"
fails_with 1 'hello: could not connect' "unix:$folder/absent" /x
fails_with 3 'usage: hello ADDRESS SCRIPT' /x

program=$bin/stream
it "streams a file, and the answer"
seq 200000 >numbers
exits 0 "$echo" /x numbers
size=$(($(wc -c <numbers)))
prints_line "CONTENT_LENGTH=$size"
tail -c "$size" out | cmp -s - numbers || bad "another body"
tells '^stream: 200 OK$'
fails_with 1 'stream: ' "$echo" /x absent
fails_with 1 'stream: could not connect' "unix:$folder/absent" /x numbers
fails_with 3 'usage: stream ADDRESS SCRIPT FILE' "$echo" /x

if [ "$(uname)" = Linux ]; then # with epoll
    program=$bin/event_loop
    it "asks for many at the same time, more than it may have connections"
    exits 0 "$echo" $(seq 40)
    is_silent
    [ "$(grep -cx '[0-9]*: 200, [0-9]* bytes' out)" = 40 ] ||
        bad "printed $(cat out)"
    exits 1 "unix:$folder/absent" 1 2
    [ "$(grep -c ': could not connect$' err)" = 2 ] || bad "does not say why"
    fails_with 1 'event_loop: malformed address' nonsense /x
    fails_with 3 'usage: event_loop ADDRESS SCRIPT' "$echo"
fi

finish
