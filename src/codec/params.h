/*
 * params - what the layers above need of the encoding beyond the public
 * functions: measure one pair, store one pair, store many.
 */
#ifndef FCGI__PARAMS_H
#define FCGI__PARAMS_H

#include <stdbool.h>
#include <string.h>

#include <fcgi_client/params.h>

/*
 * Check a pair, and measure each of its strings whose length is FCGI_STRLEN.
 *
 * Returns FCGI_OK, `*len` being how many bytes the pair takes when encoded, or
 * FCGI_ERR_ARGUMENT or FCGI_ERR_CONTENT_TOO_LONG.
 */
int fcgi__param_measure(const struct fcgi_param *param,
                        struct fcgi_param *measured, size_t *len);

/* Store the two lengths of a measured pair, at most 8 bytes; returns where
 * they end. */
char *fcgi__param_store_lengths(char *out, const struct fcgi_param *measured);

/* Store a measured pair. */
void fcgi__param_store(char *out, const struct fcgi_param *measured);

#define FCGI__REQUEST_METHOD_LEN (sizeof("REQUEST_METHOD") - 1)

static inline bool fcgi__is_request_method(const char *name, size_t len)
{
    return len == FCGI__REQUEST_METHOD_LEN &&
           memcmp(name, "REQUEST_METHOD", FCGI__REQUEST_METHOD_LEN) == 0;
}

/* Memory that pairs are stored in, one behind another. */
struct fcgi__pairs {
    char *out;                /* where the next one goes */
    size_t room;              /* and how many bytes are left there */
    struct fcgi_slice method; /* the last REQUEST_METHOD; NULL: none */
};

/* The most that a short pair takes: both its strings have fewer than 128 bytes,
 * so that each length takes one. */
#define FCGI__SHORT_PAIR_LEN ((size_t)256)

/* Store pairs until one is not short, or until a short one might not fit.
 * Returns how many were stored. */
size_t fcgi__pairs_store(struct fcgi__pairs *pairs,
                         const struct fcgi_param *params, size_t count);

/* Check encoded pairs, and set `*method` to the last REQUEST_METHOD, if there
 * is one. FCGI_OK or FCGI_ERR_PARAMS_TRUNCATED. */
int fcgi__pairs_check(struct fcgi_slice encoded, struct fcgi_slice *method);

#endif
