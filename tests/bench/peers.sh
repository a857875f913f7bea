#!/bin/sh
# What asking costs with other clients and in other gateways:
#
#     sh tests/bench/peers.sh [REQUESTS]
#
# The same small request of the same application, over a Unix socket: by the
# programs and modules that one could use in place of this library, then by
# gateways (gateways.sh). The table has requests a second, and the user and
# system time of the client for each, in microseconds. What is not installed is
# left out, and named.
#
# Exit: 0 measured, 3 not run.

set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/tests/building.sh"
requests=${1-500}

help_if_asked "$@"
[ $# -le 1 ] || die "expected REQUESTS, not '$2' too"
need_number REQUESTS "$requests" 1 1000000

folder=$(mktemp -d "${TMPDIR:-/tmp}/fcgi-bench.XXXXXX") || exit 3
responder=
clean() {
    [ -z "$responder" ] || kill "$responder" 2>/dev/null
    rm -rf "$folder"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM
build=${FCGI_BUILD_DIR:-$folder/build}

sh "$here/build.sh" "$build" bench fcgi-client >"$folder/log" 2>&1 ||
    die "it does not build: $(tail -n 20 "$folder/log")"

# ---- The same request, by each ---------------------------------------------

"$build/bin/bench" variables >"$folder/variables"
socket=$folder/socket

# As a program takes them from its environment, which has nothing else.
by_cgi_fcgi() {
    env -i PATH="$PATH" sh -c '
        while IFS= read -r pair; do export "$pair"; done <"$1"
        i=0
        while [ $i -lt "$3" ]; do
            cgi-fcgi -bind -connect "$2" >/dev/null || exit
            i=$((i + 1))
        done' sh "$folder/variables" "$socket" "$1"
}

by_command() {
    set -- "$1" "$build/bin/fcgi-client" -q
    while IFS= read -r pair; do
        set -- "$@" -p "$pair"
    done <"$folder/variables"
    count=$1
    shift
    i=0
    while [ $i -lt "$count" ]; do
        "$@" "unix:$socket" /srv/www/example/shop/index.php || return
        i=$((i + 1))
    done
}

by_perl() {
    perl -MIO::Socket::UNIX -MFCGI::Client -e '
        my ($socket, $count, $variables) = @ARGV;
        open(my $file, "<", $variables) or die;
        my %env = map { chomp; split(/=/, $_, 2) } <$file>;
        for (1 .. $count) {
            my $sock = IO::Socket::UNIX->new(Peer => $socket) or die;
            my ($out) = FCGI::Client::Connection->new(sock => $sock)
                ->request(\%env, "");
            length($out) or die;
        }' "$socket" "$1" "$folder/variables"
}

by_library_dialling() {
    "$build/bin/bench" ask "unix:$socket" "$1" dial
}

by_library() {
    "$build/bin/bench" ask "unix:$socket" "$1" keep
}

# ---- Measured ----------------------------------------------------------------

# Microseconds that the children which have ended have run, in $used.
read_used() {
    times >"$folder/times"
    used=$(awk 'NR == 2 { gsub(/[ms]/, " ")
        printf "%d", (($1 + $3) * 60 + $2 + $4) * 1000000 }' "$folder/times")
}

# measure TITLE FUNCTION REQUESTS
measure() {
    read_used
    before=$used
    start=$(date +%s%N)
    "$2" "$3" || { echo "$1: failed"; return; }
    end=$(date +%s%N)
    read_used
    awk "BEGIN { printf \"%-44s %9.0f %9.1f\n\", \"$1\",
        $3 / (($end - $start) / 1e9), ($used - $before) / $3 }"
}

"$build/bin/bench" respond threads 100 "$socket" &
responder=$!
tries=0
while [ ! -S "$socket" ]; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || die "the application does not start"
    sleep 0.1
done

printf '%-44s %9s %9s\n' client requests/s us
if command -v cgi-fcgi >/dev/null; then
    measure "cgi-fcgi, a process for each" by_cgi_fcgi "$requests"
else
    echo "cgi-fcgi is not installed (libfcgi-bin)"
fi
measure "fcgi-client, a process for each" by_command "$requests"
if perl -MFCGI::Client -e 1 2>/dev/null; then
    measure "Perl's FCGI::Client, a connection for each" by_perl "$requests"
else
    echo "FCGI::Client is not installed (libfcgi-client-perl)"
fi
many=$((requests * 20))
measure "the library, a connection for each" by_library_dialling $many
measure "the library" by_library $many

echo
sh "$here/gateways.sh"
