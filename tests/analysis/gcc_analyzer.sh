#!/bin/sh
# What gcc's analyzer finds in src/, along all paths of each function.
set -eu

cd "$(dirname "$0")/../.."
printf '%s\n' src/*/*.c | xargs -P 2 -n 1 gcc -std=c11 -O2 -Wall -Wextra \
    -fanalyzer -Werror -Iinclude -c -o /dev/null
echo "gcc-analyzer: no findings"
