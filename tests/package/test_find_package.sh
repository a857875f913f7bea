# An installed library is found by find_package(), wherever it was moved to.
. "$(dirname "$0")/package.sh"
need cmake

for kind in static shared portable; do
    take_library $kind
    build_consumer -DCMAKE_PREFIX_PATH="$folder/moved" \
        -DFCGI_CLIENT_VERSION="$version"
    check_consumer build-consumer/consumer
done
