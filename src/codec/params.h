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

#define FCGI__METHOD_CAP 16

/* What a CONTENT_LENGTH may be beside a number. */
#define FCGI__NO_LENGTH ((int64_t)-1)
#define FCGI__BAD_LENGTH ((int64_t)-2) /* malformed, or two that differ */

/* What the library itself must know of the params of a request. */
struct fcgi__facts {
    char method[FCGI__METHOD_CAP]; /* REQUEST_METHOD; of several the last, as it
                                      is for PHP; "": none, or longer */
    int64_t content_length;        /* CONTENT_LENGTH, which is 0 if it is empty
                                      (RFC 3875, section 4.1.2) */
};

static inline void fcgi__facts_reset(struct fcgi__facts *facts)
{
    facts->method[0] = '\0';
    facts->content_length = FCGI__NO_LENGTH;
}

/* How long the names of both are. */
#define FCGI__FACT_NAME_LEN (sizeof("REQUEST_METHOD") - 1)

/* Note what a param tells whose name is that long, if it is one of the two. */
void fcgi__facts_note(struct fcgi__facts *facts, const char *name,
                      const char *value, size_t value_len);

/* Memory that pairs are stored in, one behind another. */
struct fcgi__pairs {
    char *out;                 /* where the next one goes */
    size_t room;               /* and how many bytes are left there */
    struct fcgi__facts *facts; /* to be noted; NULL: none are */
};

/* The most that a short pair takes: both its strings have fewer than 128 bytes,
 * so that each length takes one. */
#define FCGI__SHORT_PAIR_LEN ((size_t)256)

/* Store pairs until one is not short or has an empty name, or until a short one
 * might not fit. Returns how many were stored. */
size_t fcgi__pairs_store(struct fcgi__pairs *pairs,
                         const struct fcgi_param *params, size_t count);

/* Check encoded pairs, and note the facts. FCGI_OK, FCGI_ERR_PARAMS_TRUNCATED,
 * or FCGI_ERR_ARGUMENT: a name is empty. */
int fcgi__pairs_check(struct fcgi_slice encoded, struct fcgi__facts *facts);

#endif
