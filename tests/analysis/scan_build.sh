#!/bin/sh
# What clang's static analyzer finds in src/, with the checks that clang-tidy
# leaves out.
set -eu

cd "$(dirname "$0")/../.."
scan-build-14 --status-bugs --use-cc=clang -o "$FCGI_BUILD_DIR" \
    -enable-checker optin.portability.UnixAPI \
    -enable-checker security.FloatLoopCounter \
    -enable-checker valist.Uninitialized \
    sh -c 'for source in src/*/*.c; do
        $CC -std=c11 -Iinclude -c "$source" -o /dev/null || exit
    done'
echo "scan-build: no findings"
