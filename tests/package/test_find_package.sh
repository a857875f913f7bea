# An installed library is found by find_package(), wherever it was moved to.
. "$(dirname "$0")/package.sh"
need cmake

for options in -DBUILD_SHARED_LIBS=OFF -DBUILD_SHARED_LIBS=ON \
    -DFCGI_CLIENT_PORTABLE=ON; do
    install_library "$folder/moved$options" $options
    build_consumer -DCMAKE_PREFIX_PATH="$folder/moved$options" \
        -DFCGI_CLIENT_VERSION="$version"
    check_consumer build-consumer/consumer
done
