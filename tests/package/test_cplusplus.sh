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
take_library static
$CXX -std=c++17 -Imoved/include program.cc \
    "$(find moved -name libfcgi-client.a)" -pthread -o program
./program
