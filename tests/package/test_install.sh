# The library can be built in each way that there is, and installed. What is
# installed here is what other tests begin with: see take_library in package.sh.
. "$(dirname "$0")/package.sh"
need cmake

rm -rf "$installed"

# install_library NAME [CMAKE OPTION...]: with the options of those before, too.
install_library() {
    name=$1
    shift
    quietly cmake -S "$root" -B build -DCMAKE_BUILD_TYPE=Debug \
        -DFCGI_CLIENT_TESTS=OFF -DFCGI_CLIENT_EXAMPLES=OFF "$@"
    quietly cmake --build build --parallel 2
    quietly cmake --install build --prefix "$installed/$name"
}

install_library shared -DBUILD_SHARED_LIBS=ON
install_library deeper -DCMAKE_INSTALL_LIBDIR=lib/deeper
rm -r build
install_library static -DBUILD_SHARED_LIBS=OFF
install_library portable -DFCGI_CLIENT_PORTABLE=ON
