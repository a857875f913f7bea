#!/bin/sh
# Show what the library does, on a machine that has only a shell and a package
# manager:
#
#     sh examples/demo.sh
#
# Builds in a temporary folder, then asks two applications with fcgi-client:
# fcgi-echo, and PHP-FPM where it is installed. Prints each command, then its
# output. A compiler, CMake and make are installed if they are missing (Debian,
# as root), and stay; elsewhere they are named.
#
# Exit codes: 0 all was answered, 1 something failed, 3 nothing was tried.

set -u

root=$(cd "$(dirname "$0")/.." && pwd) || exit 3
folder=
pids=
problems=0

# ---- Start and end -----------------------------------------------------------

die() {
    code=$1
    shift
    printf 'demo.sh: %s\n' "$*" >&2
    exit "$code"
}

clean_up() {
    for pid in $pids; do
        kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    done
    [ -z "$folder" ] || rm -rf "$folder"
}

# A shell that a signal ends does not run its EXIT trap by itself. `demo.sh |
# head` sends SIGPIPE.
trap clean_up EXIT
trap 'exit 1' HUP INT PIPE TERM

# ---- What it needs ----------------------------------------------------------

has() {
    command -v "$1" >/dev/null 2>&1
}

# A compiler is of no use without the headers of the C library.
can_compile() {
    has cc && echo '#include <stdio.h>' | cc -fsyntax-only -x c - 2>/dev/null
}

find_missing() {
    missing=
    can_compile || missing="$missing gcc libc6-dev"
    has cmake || missing="$missing cmake"
    has make || missing="$missing make"
}

install_missing() {
    [ "$(id -u)" = 0 ] && has apt-get || return
    printf 'Installing%s ...\n' "$missing"
    # Each word is a package.
    # shellcheck disable=SC2086
    set -- apt-get install -y --no-install-recommends $missing
    export DEBIAN_FRONTEND=noninteractive
    "$@" >/dev/null 2>&1 || { apt-get update && "$@"; } >/dev/null 2>&1
}

build() {
    printf 'Building ...\n'
    { cmake -S "$root" -B "$folder/build" -DFCGI_CLIENT_TESTS=OFF \
        -DFCGI_CLIENT_EXAMPLES=ON -DCMAKE_BUILD_TYPE=Release &&
        cmake --build "$folder/build" --parallel 2; } >"$folder/log" 2>&1 && return
    tail -n 20 "$folder/log" >&2
    die 1 "it does not build"
}

# ---- What it shows ----------------------------------------------------------

# show COMMAND...: print it as a user would type it, then run it.
show() {
    printf '\n$'
    for word; do
        case $word in
        '' | *[!A-Za-z0-9_./:=@-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    "$@" 2>&1 && return
    printf '(exit code %d)\n' "$?"
    problems=$((problems + 1))
}

# ask ADDRESS SCRIPT
ask() {
    show fcgi-client -i "$1" "$2?page=1"
    show fcgi-client -d "name=value" "$1" "$2"
    show fcgi-client -q -n 1000 "$1" "$2"
}

show_echo() {
    printf '\n---- fcgi-echo answers with what it was asked\n'
    mkfifo "$folder/started" || exit 1
    fcgi-echo "unix:$folder/echo.sock" >"$folder/started" &
    pids="$pids $!"
    read -r line <"$folder/started" || die 1 "fcgi-echo did not start"
    printf '\n%s\n' "$line"
    ask "unix:$folder/echo.sock" /srv/www/index.php
}

find_php_fpm() {
    for php_fpm in "$(command -v php-fpm)" /usr/sbin/php-fpm* \
        /usr/local/sbin/php-fpm* /opt/homebrew/sbin/php-fpm; do
        [ ! -x "$php_fpm" ] || return 0
    done
    return 1
}

configure_php_fpm() {
    cat >"$folder/fpm.conf" <<END
[global]
daemonize = no
error_log = $folder/fpm.errors
[demo]
listen = $folder/fpm.sock
pm = static
pm.max_children = 2
ping.path = /ping
$([ "$(id -u)" != 0 ] || echo user = root)
END
    cat >"$folder/hash.php" <<'END'
<?php
header('Content-Type: text/plain');
echo $_SERVER['REQUEST_METHOD'], ' ',
    hash('sha256', file_get_contents('php://input')), "\n";
END
}

# Its log, on descriptor 3, says when it is ready.
start_php_fpm() {
    mkfifo "$folder/fpm.log" || exit 1
    set -- "$php_fpm" -n -F -O -y "$folder/fpm.conf"
    [ "$(id -u)" != 0 ] || set -- "$@" -R
    "$@" 2>"$folder/fpm.log" &
    pids="$pids $!"
    exec 3<"$folder/fpm.log"
    log=
    while read -r line <&3; do
        log=$line
        case $line in *'ready to handle connections'*) return ;; esac
    done
    die 1 "PHP-FPM did not start: $log"
}

show_php_fpm() {
    if ! find_php_fpm; then
        printf '\n---- PHP-FPM is not installed: skipped\n'
        return
    fi
    printf '\n---- PHP-FPM: %s\n' "$php_fpm"
    configure_php_fpm
    start_php_fpm
    ask "unix:$folder/fpm.sock" "$folder/hash.php"
    show fcgi-client --fail --expect pong "unix:$folder/fpm.sock" /ping
}

# ---- Main -------------------------------------------------------------------

[ $# = 0 ] || die 3 "unexpected argument: $*"
find_missing
[ -z "$missing" ] || { install_missing; find_missing; }
[ -z "$missing" ] || die 3 "please install:$missing"

folder=$(mktemp -d "${TMPDIR:-/tmp}/fcgi-demo.XXXXXX") &&
    folder=$(cd "$folder" && pwd) || exit 3
build
PATH=$folder/build/bin:$PATH
show_echo
show_php_fpm
printf '\n'
[ "$problems" = 0 ] || die 1 "$problems of the commands failed"
