#!/bin/sh
# Build everything and run every test, in a folder that goes away afterwards:
#
#     sh tests/run.sh [--thorough]
#
# What it needs and does not find is installed where that can be done (Debian,
# as root), else named. --thorough runs each test five times, under valgrind those
# that know no clock, under helgrind those with threads, and the largest of these
# at its full length. FCGI_BUILD_DIR names a folder to build in and keep.
#
# Exit: 0 all passed, 1 some failed, 3 not run.

set -u

root=$(cd "$(dirname "$0")/.." && pwd)
passed=0
failed=0
report=
repeat=

die() {
    printf 'run.sh: %s\n' "$*" >&2
    exit 3
}

# ---- What is needed -------------------------------------------------------

# need PACKAGE COMMAND...: the package is missing unless the command succeeds.
need() {
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

has() {
    command -v "$1"
}

compiles() {
    echo "$1" | cc -E -
}

has_server() {
    has "$1" || ls "/usr/sbin/$1"
}

has_php_fpm() {
    has php-fpm || ls /usr/sbin/php-fpm*
}

has_libfuzzer() {
    ls "$(clang -print-resource-dir)"/lib/*/libclang_rt.fuzzer*
}

# Debian 12 has llhttp as sources alone.
has_llhttp() {
    pkg-config --exists libllhttp || [ -f /usr/share/llhttp/llhttp.c ]
}

llhttp_package() {
    apt-cache show libllhttp-dev >/dev/null 2>&1 && echo libllhttp-dev ||
        echo node-llhttp
}

find_missing() {
    missing=
    need gcc has gcc
    need g++ has g++
    need make has make
    need binutils has readelf
    need cmake has ctest
    need pkg-config has pkg-config
    need libcmocka-dev pkg-config --exists cmocka
    need libfcgi-dev compiles '#include <fcgiapp.h>'
    need libevent-dev pkg-config --exists libevent_core
    need libuv1-dev pkg-config --exists libuv
    need libmicrohttpd-dev pkg-config --exists libmicrohttpd
    need "$(llhttp_package)" has_llhttp
    need php-fpm has_php_fpm
    need strace has strace
    need curl has curl
    need haproxy has_server haproxy
    need wrk has wrk
    need clang has clang
    need libclang-rt-14-dev has_libfuzzer
    need clang-format-14 has clang-format-14
    need valgrind has valgrind
    [ -z "$repeat" ] || need chromium has chromium
}

install_missing() {
    [ "$(id -u)" = 0 ] && has apt-get >/dev/null || return
    echo "installing$missing"
    set -- apt-get install -y --no-install-recommends $missing
    export DEBIAN_FRONTEND=noninteractive
    "$@" >/dev/null 2>&1 || { apt-get update && "$@"; } >/dev/null 2>&1
}

# ---- One stage: a build, and tests of it ----------------------------------

# stage NAME "CMAKE OPTION..." [CTEST OPTION...]
stage() {
    name=$1
    built=$1
    options=$2
    shift 2
    log=$build/$name.log
    echo "$name ..."
    if ! compile >"$log" 2>&1; then
        grep -vE '^-- |^\[ *[0-9]+%\]' "$log" | tail -n 40
        failed=$((failed + 1))
        summary="does not build"
    else
        run_tests "$@"
    fi
    report="$report$name: $summary
"
}

# again NAME STAGE [CTEST OPTION...]: tests of what a stage has built before.
again() {
    name=$1
    built=$2
    shift 2
    log=$build/$name.log
    echo "$name ..."
    run_tests "$@"
    report="$report$name: $summary
"
}

compile() {
    cmake -S "$root" -B "$build/$name" $options &&
        cmake --build "$build/$name" --parallel "$jobs"
}

run_tests() {
    $still ctest --test-dir "$build/$built" --parallel "$jobs" \
        --output-on-failure --no-label-summary --no-tests=error \
        $repeat "$@" >"$log" 2>&1 ||
        grep -vE '^ *Start +[0-9]+:| Passed +[0-9.]+ sec$' "$log"
    count_tests
}

# The last lines of ctest: "98% tests passed, 1 tests failed out of 50".
count_tests() {
    set -- $(sed -n 's/.*tests passed, \([0-9]*\) tests failed out of /\1 /p' \
        "$log") 1 1
    bad=$1
    skipped=$(grep -c '(Skipped)$' "$log")
    good=$(($2 - bad - skipped))
    passed=$((passed + good))
    failed=$((failed + bad))
    summary="$good passed, $bad failed"
    [ "$skipped" = 0 ] || summary="$summary, $skipped skipped"
}

# Look for inputs that break something, for 20 seconds a kind.
fuzz() {
    echo "fuzz ..."
    if FCGI_BUILD_DIR=$build/fuzz sh "$root/tests/fuzz/run.sh" 20 \
        >"$build/fuzz.log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        tail -n 100 "$build/fuzz.log"
    fi
    report="$report$(grep '^fuzz ' "$build/fuzz.log")
"
}

# ---- All of it ------------------------------------------------------------

case "$*" in
'') ;;
--thorough) repeat="--repeat until-fail:5" ;;
*) die "unknown argument: $*" ;;
esac

find_missing
[ -z "$missing" ] || { install_missing; find_missing; }
[ -z "$missing" ] || die "please install:$missing"

if [ -n "${FCGI_BUILD_DIR:-}" ]; then
    mkdir -p "$FCGI_BUILD_DIR" || exit 3
    build=$(cd "$FCGI_BUILD_DIR" && pwd)
else
    build=$(mktemp -d "${TMPDIR:-/tmp}/fcgi-client.XXXXXX") || exit 3
    trap 'rm -rf "$build"' EXIT
    trap 'exit 1' HUP INT TERM
fi

jobs=$(getconf _NPROCESSORS_ONLN)
[ "$jobs" -le 2 ] || jobs=2

# Sanitizers want their own places in memory, which some kernels give away
# unless told to place nothing at random.
still=
setarch -R true 2>/dev/null && still="setarch -R"

debug="-DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-O1"

stage plain "-DCMAKE_C_FLAGS=-Werror"
FCGI_TEST_TICKS=1
export FCGI_TEST_TICKS
again interrupted plain -L 'unit|fault'
unset FCGI_TEST_TICKS
stage portable "-DFCGI_CLIENT_PORTABLE=ON" -LE package
stage address "$debug -DFCGI_CLIENT_SANITIZE=address,undefined" -LE package
stage thread "$debug -DFCGI_CLIENT_SANITIZE=thread" \
    -R 'threads|^test_(pool|queue|client|faults_pool|faults_call)$'
fuzz
if [ -n "$repeat" ]; then
    repeat=
    checked="valgrind;--quiet;--leak-check=full;--error-exitcode=9"
    stage valgrind "$debug -DCMAKE_CROSSCOMPILING_EMULATOR=$checked" \
        -R '^test_(error|record|params|buffer|response|exchange|split)'
    checked="valgrind;--quiet;--tool=helgrind;--child-silent-after-fork=yes"
    checked="$checked;--error-exitcode=9"
    stage helgrind "-DCMAKE_CROSSCOMPILING_EMULATOR=$checked" \
        -R '^test_(threads_crowd|queue|eviction)$'
    FCGI_TEST_REQUESTS=100000
    export FCGI_TEST_REQUESTS
    again crowd thread -R '^test_threads_crowd$' --timeout 7200
    unset FCGI_TEST_REQUESTS
fi

printf '\n%s\n%d passed, %d failed\n' "$report" "$passed" "$failed"
[ "$failed" = 0 ]
