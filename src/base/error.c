/*
 * error - the name and the sentence of each code.
 */
#include <fcgi_client/error.h>

#define SENTENCE(name, code, sentence) [-(code)] = (sentence),
#define NAME(name, code, sentence) [-(code)] = "FCGI_ERR_" #name,

/* Codes count down from 0: their negatives index what they are called. */
static const char *const sentences[] = {"success", FCGI_ERROR_MAP(SENTENCE)};
static const char *const names[] = {"FCGI_OK", FCGI_ERROR_MAP(NAME)};

#define CODES ((int)(sizeof(names) / sizeof(names[0])))

static const char *look_up(const char *const *texts, int code, const char *wait,
                           const char *unknown)
{
    if (code == FCGI_WAIT) {
        return wait;
    }
    return code <= 0 && code > -CODES ? texts[-code] : unknown;
}

const char *fcgi_strerror(int code)
{
    return look_up(sentences, code, "waiting", "unknown error");
}

const char *fcgi_error_name(int code)
{
    return look_up(names, code, "FCGI_WAIT", "FCGI_ERR_?");
}
