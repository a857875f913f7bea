/*
 * version - the version of the library, at run time.
 */
#include <fcgi_client/error.h>
#include <fcgi_client/version.h>

#define TEXT(x) #x
#define TEXT_OF(x) TEXT(x)

const char *fcgi_version(void)
{
    return TEXT_OF(FCGI_CLIENT_VERSION_MAJOR) "." TEXT_OF(
        FCGI_CLIENT_VERSION_MINOR) "." TEXT_OF(FCGI_CLIENT_VERSION_PATCH);
}
