# Build the program that measures, as a user would have the library:
#
#     sh build.sh FOLDER TARGET...
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
shift
cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release \
    "-DCMAKE_C_FLAGS_RELEASE=-O2 -DNDEBUG" -DFCGI_CLIENT_EXAMPLES=ON
cmake --build "$build" --target "$@" --parallel 2
