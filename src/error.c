/*
 * error - the lowest step: names and sentences of the codes, and the version.
 */
#include <fcgi_client/error.h>
#include <fcgi_client/version.h>

#define TEXT(x) #x
#define TEXT_OF(x) TEXT(x)

const char *fcgi_strerror(int code)
{
    switch (code) {
    case FCGI_OK:
        return "success";
    case FCGI_WAIT:
        return "waiting";
#define SENTENCE_CASE(name, number, sentence)                                  \
    case number:                                                               \
        return sentence;
        FCGI_ERROR_MAP(SENTENCE_CASE)
#undef SENTENCE_CASE
    default:
        return "unknown error";
    }
}

const char *fcgi_error_name(int code)
{
    switch (code) {
    case FCGI_OK:
        return "FCGI_OK";
    case FCGI_WAIT:
        return "FCGI_WAIT";
#define NAME_CASE(name, number, sentence)                                      \
    case number:                                                               \
        return "FCGI_ERR_" #name;
        FCGI_ERROR_MAP(NAME_CASE)
#undef NAME_CASE
    default:
        return "FCGI_ERR_?";
    }
}

const char *fcgi_version(void)
{
    return TEXT_OF(FCGI_CLIENT_VERSION_MAJOR) "." TEXT_OF(
        FCGI_CLIENT_VERSION_MINOR) "." TEXT_OF(FCGI_CLIENT_VERSION_PATCH);
}
