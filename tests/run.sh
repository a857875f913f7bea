#!/bin/sh
# Build everything and run the tests, in a folder that goes away afterwards:
#
#     sh tests/run.sh               all that fits in ten minutes on two cores
#     sh tests/run.sh --thorough    the rest too, and each test five times
#     sh tests/run.sh --coverage    how much of src/ the tests reach
#     sh tests/run.sh STAGE...      only these of all stages
#
# The rest is other processors and optimizers, Valgrind and more analyzers, the
# servers under sanitizers, crowds of threads, and mutants; all system calls that
# strace makes fail, of which the normal run takes samples; a minute of each
# fuzzer, not ten seconds; and an hour each of attacks on fcgi-gateway, not three
# seconds, and of PHP-FPM behind it. FCGI_TEST_SOAK_SECONDS is another time.
#
# What it needs and does not find is installed where that can be done (Debian,
# as root), else named. FCGI_BUILD_DIR names a folder to build in and keep.
#
# Exit: 0 all passed, 1 some failed, 3 not run.

set -u

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tests/building.sh"
only=
repeat=
fuzz_seconds=4
attack="--seed 1 --seconds 3 --quick"

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
    need ninja-build has ninja
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
    need python3 has python3
    need strace has strace
    need curl has curl
    need haproxy has_server haproxy
    need wrk has wrk
    need uwsgi-core has uwsgi
    need uwsgi-plugin-python3 [ -e /usr/lib/uwsgi/plugins/python3_plugin.so ]
    need clang has clang
    need libclang-rt-14-dev has_libfuzzer
    need clang-format-14 has clang-format-14
    need valgrind has valgrind
    need cppcheck has cppcheck
    need musl-tools has musl-gcc
    [ "$*" = '' ] || find_missing_rest
}

find_missing_rest() {
    need gcc-i686-linux-gnu has i686-linux-gnu-gcc
    need libc6-dev-i386-cross [ -e /usr/i686-linux-gnu/include/stdio.h ]
    need gcc-s390x-linux-gnu has s390x-linux-gnu-gcc
    need libc6-dev-s390x-cross [ -e /usr/s390x-linux-gnu/include/stdio.h ]
    need qemu-user has qemu-s390x
    need chromium has chromium
    need clang-tidy-14 has clang-tidy-14
    need clang-tools-14 has scan-build-14
    need gcovr has gcovr
}

install_missing() {
    [ "$(id -u)" = 0 ] && has apt-get >/dev/null || return
    echo "installing$missing"
    set -- apt-get install -y --no-install-recommends --no-remove $missing
    export DEBIAN_FRONTEND=noninteractive
    "$@" >/dev/null 2>&1 || { apt-get update && "$@"; } >/dev/null 2>&1
}

# ---- The stages -----------------------------------------------------------

debug="-DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-O1"

normal_stages() {
    stage plain "-DCMAKE_C_FLAGS=-Werror"
    FCGI_TEST_TICKS=1
    export FCGI_TEST_TICKS
    again interrupted plain -L 'unit|fault'
    unset FCGI_TEST_TICKS
    labels portable "-DFCGI_CLIENT_PORTABLE=ON -DCMAKE_BUILD_TYPE=Debug
        -DCMAKE_C_FLAGS=-Werror" unit fault
    labels address "$debug -DFCGI_CLIENT_SANITIZE=address,undefined" \
        unit fault split sim fuzz
    check_built gateway-fuzz address "$root/tests/soak/run.sh" fuzz $attack
    programs thread "$debug -DFCGI_CLIENT_SANITIZE=thread" test_threads \
        test_threads_crowd test_pool test_queue test_client test_faults_pool \
        test_faults_call test_rescue test_wakeup test_condition
    machine musl musl-gcc "" unit split
    check fuzz "$root/tests/fuzz/run.sh" "$fuzz_seconds"
    check cppcheck "$root/tests/analysis/cppcheck.sh"
    check gcc-analyzer "$root/tests/analysis/gcc_analyzer.sh"
}

# Of 32 bits, and big-endian: an emulator takes many minutes.
emulated_stages() {
    machine i386 i686-linux-gnu-gcc "$(emulator i386 i686)" "$@"
    machine s390x s390x-linux-gnu-gcc "$(emulator s390x s390x)" "$@"
}

# emulator MACHINE PREFIX: runs programs of another machine with its own libc.
emulator() {
    libc=/usr/$2-linux-gnu
    echo "qemu-$1;-L;$libc;-E;LD_LIBRARY_PATH=$libc/lib"
}

# tests_of NOUN|NOUN...: those whose names begin so.
tests_of() {
    ls "$root"/tests/*/test_*.c | sed 's/.*\///; s/\.c$//' |
        grep -E "^test_($1)"
}

thorough_stages() {
    repeat=
    emulated_stages unit split
    check clang-tidy "$root/tests/analysis/clang_tidy.sh"
    check scan-build "$root/tests/analysis/scan_build.sh"
    stage servers-address "$debug -DFCGI_CLIENT_SANITIZE=address,undefined" \
        -L interop
    programs servers-thread "$debug -DFCGI_CLIENT_SANITIZE=thread" \
        test_php_fpm_threads
    labels portable-sim "-DFCGI_CLIENT_PORTABLE=ON" sim
    checked="valgrind;--quiet;--leak-check=full;--error-exitcode=9"
    programs valgrind "$debug -DCMAKE_CROSSCOMPILING_EMULATOR=$checked" \
        $(tests_of 'error|record|params|buffer|response|exchange')
    checked="valgrind;--quiet;--tool=helgrind;--child-silent-after-fork=yes"
    checked="$checked;--error-exitcode=9"
    programs helgrind "-DCMAKE_CROSSCOMPILING_EMULATOR=$checked" \
        test_threads_crowd test_queue test_eviction
    FCGI_TEST_REQUESTS=100000
    export FCGI_TEST_REQUESTS
    again crowd thread -R '^test_threads_crowd$' --timeout 7200
    FCGI_TEST_REQUESTS=2500
    again children plain -R '^test_php_fpm_threads$' --timeout 3600
    unset FCGI_TEST_REQUESTS
    check seeds "$root/tests/sim/run.sh"
    check_built gateway-soak address "$root/tests/soak/run.sh" soak \
        --seconds "${FCGI_TEST_SOAK_SECONDS:-3600}"
    for compiler in gcc clang; do
        for level in 0 2 3; do
            labels $compiler-O$level "-DCMAKE_C_COMPILER=$compiler
                -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O$level
                -DCMAKE_C_FLAGS=-Werror" unit fault split
        done
    done
    check mutation "$root/tests/mutation/run.sh"
}

coverage_stages() {
    labels coverage "-DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=--coverage
        -DCMAKE_C_FLAGS_DEBUG=-fprofile-update=atomic
        -DCMAKE_EXE_LINKER_FLAGS=-Wl,-u,__gcov_dump" unit fault split sim
    check reached "$root/tests/analysis/coverage.sh" "$build/coverage"
}

# ---- All of it ------------------------------------------------------------

help_if_asked "$@"
case "$*" in
'') stages=normal_stages ;;
--thorough)
    stages="normal_stages thorough_stages"
    repeat="--repeat until-fail:5"
    fuzz_seconds=60
    attack="--seconds ${FCGI_TEST_SOAK_SECONDS:-3600}"
    FCGI_TEST_THOROUGH=1
    export FCGI_TEST_THOROUGH
    ;;
--coverage) stages=coverage_stages ;;
-*) die "unknown argument: $*" ;;
*)
    stages="normal_stages thorough_stages coverage_stages"
    only=" $* "
    ;;
esac

find_missing "$@"
[ -z "$missing" ] || { install_missing; find_missing "$@"; }
[ -z "$missing" ] || die "please install:$missing"

choose_build_folder

# With make, two fifths of the time that a build takes are make's.
CMAKE_GENERATOR=Ninja
export CMAKE_GENERATOR

jobs=$(getconf _NPROCESSORS_ONLN)
[ "$jobs" -le 2 ] || jobs=2

. "$root/tests/stages.sh"
for list in $stages; do
    $list
done

for stage in $only; do
    case "
$report" in
    *"
$stage: "*) ;;
    *) die "there is no stage $stage" ;;
    esac
done

printf '\n%s\n%d passed, %d failed\n' "$report" "$passed" "$failed"
[ "$failed" = 0 ]
