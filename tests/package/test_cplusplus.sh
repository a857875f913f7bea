# A C++ program links with the library.
. "$(dirname "$0")/package.sh"
need "$CXX"

cat >program.cc <<'END'
#include <cstring>
#include <fcgi_client.h>

int main()
{
    fcgi_client *client;
    int rc = fcgi_client_new(&client, "no address", nullptr);
    fcgi_client_free(client);
    return std::strcmp(fcgi_error_name(rc), "FCGI_ERR_ADDRESS");
}
END
$CC -c -I"$root/include" "$root"/src/*.c
$CXX -std=c++17 -I"$root/include" program.cc ./*.o -pthread -o program
./program
