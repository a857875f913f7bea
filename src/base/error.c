/*
 * error - the name of each code, and the sentence that explains it.
 */
#include <fcgi_client/error.h>

#define SENTENCE(name, code, sentence) [-(code)] = (sentence),
#define NAME(name, code, sentence) [-(code)] = "FCGI_ERR_" #name,

/* Codes count down from 0, so that their negatives are indices. */
static const char *const sentences[] = {"success", FCGI_ERROR_MAP(SENTENCE)};
static const char *const names[] = {"FCGI_OK", FCGI_ERROR_MAP(NAME)};

#define CODES ((int)(sizeof(names) / sizeof(names[0])))

static const char *look_up_text(const char *const *texts, int code,
                                const char *wait, const char *unknown)
{
    if (code == FCGI_WAIT) {
        return wait;
    }
    return code <= 0 && code > -CODES ? texts[-code] : unknown;
}

const char *fcgi_strerror(int code)
{
    return look_up_text(sentences, code, "waiting", "unknown error");
}

const char *fcgi_error_name(int code)
{
    return look_up_text(names, code, "FCGI_WAIT", "FCGI_ERR_?");
}
