# An installed library is found by pkg-config, wherever it was moved to.
. "$(dirname "$0")/package.sh"
need pkg-config

# compile_consumer [PKG-CONFIG OPTION...]
compile_consumer() {
    export PKG_CONFIG_PATH
    PKG_CONFIG_PATH=$(dirname "$(find "$folder/moved" -name fcgi-client.pc)")
    pkg-config --exists "fcgi-client = $version"
    $CC -o consumer "$consumer/consumer.c" \
        $(pkg-config --cflags --libs "$@" fcgi-client)
}

take_library static
compile_consumer --static
check_consumer ./consumer

# Shared, and laid out as by a distribution whose libraries lie deeper.
take_library deeper
compile_consumer
export LD_LIBRARY_PATH
LD_LIBRARY_PATH=$(pkg-config --variable=libdir fcgi-client)
check_consumer ./consumer
