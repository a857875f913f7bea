#!/bin/sh
# Build a static cmocka with another compiler, from the sources that Debian has:
#
#     sh tests/machines/cmocka.sh FOLDER COMPILER
#
# It is installed in FOLDER; the sources are beside it, and fetched once. Where
# apt-get cannot fetch them, FCGI_CMOCKA_SOURCE names a folder that has them.
set -eu

folder=$1
compiler=$2
[ ! -e "$folder/include/cmocka.h" ] || exit 0
mkdir -p "$folder"
beside=$(dirname "$folder")

# apt_get ARGUMENT...: with lists of its own, which have the sources of what the
# system's lists have the packages of.
apt_get() {
    apt-get -q -o Dir::Etc::SourceList="$beside/apt/sources.list" \
        -o Dir::Etc::SourceParts="$beside/apt/sources.list.d" \
        -o Dir::State::Lists="$beside/apt/lists" \
        -o Dir::Cache="$beside/apt/cache" "$@"
}

list_sources() {
    mkdir -p apt/sources.list.d apt/lists/partial apt/cache
    : >apt/sources.list
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/debian.*; do
        [ ! -e "$list" ] ||
            sed 's/^Types: .*/Types: deb-src/; s/^deb /deb-src /' "$list" \
                >"apt/sources.list.d/$(basename "$list")"
    done
    mv apt/sources.list.d/sources.list apt/ 2>/dev/null || true
}

fetch_sources() {
    list_sources
    apt_get update
    apt_get source --download-only cmocka
    mkdir -p source.new
    tar -xf cmocka_*.orig.tar.?z -C source.new --strip-components=1
    mv source.new source
}

cd "$beside"
source=${FCGI_CMOCKA_SOURCE:-$beside/source}
[ -e "$source" ] || fetch_sources

# One file, for which its own build would look at the machine for long.
mkdir -p "$folder/include" "$folder/lib/pkgconfig"
"$compiler" -O2 -w -I"$source/include" -DHAVE_CLOCK_GETTIME \
    -DHAVE_INTTYPES_H -DHAVE_MALLOC_H -DHAVE_SIGNAL_H -DHAVE_STRINGS_H \
    -DHAVE_STRUCT_TIMESPEC -c "$source/src/cmocka.c" -o "$folder/cmocka.o"
ar crs "$folder/lib/libcmocka.a" "$folder/cmocka.o"
printf '%s\n' 'Name: cmocka' 'Description: unit tests' 'Version: 1.1.5' \
    "Cflags: -I$folder/include" "Libs: -L$folder/lib -lcmocka" \
    >"$folder/lib/pkgconfig/cmocka.pc"
cp "$source/include/cmocka.h" "$folder/include/"
