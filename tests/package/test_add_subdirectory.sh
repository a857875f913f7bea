# The sources can be a part of somebody else's project, and change nothing of
# that.
. "$(dirname "$0")/package.sh"
need cmake

build_consumer -DFCGI_CLIENT_SOURCE="$root"
check_consumer build-consumer/consumer
cmake --install build-consumer --prefix "$folder/installed"
[ -z "$(find installed -type f 2>/dev/null)" ] ||
    fail "the library was installed along with its host"
