# An installed library is found by pkg-config, wherever it was moved to.
. "$(dirname "$0")/package.sh"
need cmake pkg-config

# compile_consumer [PKG-CONFIG OPTION...]
compile_consumer() {
    export PKG_CONFIG_PATH
    PKG_CONFIG_PATH=$(dirname "$(find "$folder/moved" -name fcgi-client.pc)")
    pkg-config --exists "fcgi-client = $version"
    $CC -o consumer "$consumer/consumer.c" \
        $(pkg-config --cflags --libs "$@" fcgi-client)
}

install_library "$folder/moved" -DBUILD_SHARED_LIBS=OFF
compile_consumer --static
check_consumer ./consumer

# Shared, and laid out as by a distribution whose libraries lie deeper.
rm -r moved
install_library "$folder/moved" -DBUILD_SHARED_LIBS=ON \
    -DCMAKE_INSTALL_LIBDIR=lib/deeper
compile_consumer
export LD_LIBRARY_PATH
LD_LIBRARY_PATH=$(pkg-config --variable=libdir fcgi-client)
check_consumer ./consumer
