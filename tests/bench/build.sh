# Build the program that measures, as a user would have the library:
#
#     sh build.sh FOLDER
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cmake -S "$root" -B "$1" -DCMAKE_BUILD_TYPE=Release \
    "-DCMAKE_C_FLAGS_RELEASE=-O2 -DNDEBUG" -DFCGI_CLIENT_EXAMPLES=OFF
cmake --build "$1" --target bench --parallel 2
