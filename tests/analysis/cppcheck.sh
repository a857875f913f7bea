#!/bin/sh
# What cppcheck finds in src/ and examples/: once as Linux has it, once with
# nothing that some system lacks.
set -eu

cd "$(dirname "$0")/../.."

look() {
    cppcheck --enable=warning,performance,portability --std=c11 --quiet \
        --inline-suppr --error-exitcode=1 -j 2 -Iinclude "$@"
}

look -D__linux__=1 src examples
# Away from Linux an abstract address is refused where one is made on Linux.
look -U__linux__ -DFCGI_CLIENT_PORTABLE=1 \
    --suppress=identicalConditionAfterEarlyExit:src/net/address.c src
echo "cppcheck: no findings"
