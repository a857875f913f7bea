# What the package tests share. Each reads this first, and is then in an empty
# folder of its own, which goes away with it.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
CC=${CC:-cc}
CXX=${CXX:-c++}
consumer=$root/tests/package/consumer
version=$(sed -n 's/^#define FCGI_CLIENT_VERSION_[MP][A-Z]* //p' \
    "$root/include/fcgi_client/version.h" | paste -sd . -)

folder=$(mktemp -d "${TMPDIR:-/tmp}/fcgi-client.XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
cd "$folder"

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# quietly COMMAND...: what it says is shown only if it fails.
quietly() {
    "$@" >log 2>&1 || fail "$(cat log)"
}

# missing NAME: the test cannot run without it; it fails unless
# FCGI_TEST_ALLOW_SKIP is set.
missing() {
    [ -n "${FCGI_TEST_ALLOW_SKIP:-}" ] || fail "there is no $1"
    echo "skipped: there is no $1"
    exit 77
}

# need PROGRAM...
need() {
    for name; do
        command -v "$name" >/dev/null || missing "$name"
    done
}

# Where test_install.sh leaves what it has installed, for the other tests.
installed=${FCGI_TEST_BIN:-$folder/bin}/../installed

# take_library NAME: into the folder `moved`, as packagers move a library after
# its installation.
take_library() {
    [ -d "$installed/$1" ] || fail "test_install.sh has not installed $1"
    rm -rf moved
    cp -R "$installed/$1" moved
}

# build_consumer [CMAKE OPTION...]
build_consumer() {
    rm -rf build-consumer
    quietly cmake -S "$consumer" -B build-consumer "$@"
    quietly cmake --build build-consumer --parallel 2
}

# check_consumer PROGRAM: it runs the library, which finds nobody to ask.
check_consumer() {
    said=$("$1" "unix:$folder/absent" /index.php 2>&1) &&
        fail "$1 found somebody to ask: $said"
    [ "$said" = FCGI_ERR_CONNECT ] || fail "$1 said: $said"
}
