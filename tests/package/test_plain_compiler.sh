# A compiler is enough to build the library: no configuration, no generated
# file, no flag but the folder of its headers.
. "$(dirname "$0")/package.sh"

$CC -I"$root/include" "$root"/src/*/*.c "$consumer/consumer.c" -pthread \
    -o consumer
check_consumer ./consumer
