/*
 * params - name-value pairs, in both directions (FastCGI specification,
 * section 3.4).
 *
 *  +----------+-----------+---------+----------+
 *  | name len | value len | name ...| value ...|
 *  +----------+-----------+---------+----------+
 *
 * A length below 128 takes one byte; any other takes four, of which the top
 * bit is set and the remaining 31 are the length.
 *
 * Names and values may hold any byte. Order and duplicates are kept. Nothing
 * here allocates.
 *
 * Who puts pairs into records by hand: PHP reads each record by itself, so that
 * every FCGI_PARAMS record must hold whole pairs; one without content ends
 * them.
 */
#ifndef FCGI_CLIENT_PARAMS_H
#define FCGI_CLIENT_PARAMS_H

#include <stddef.h>
#include <stdint.h>

#include <fcgi_client/error.h>
#include <fcgi_client/record.h>

#ifdef __cplusplus
extern "C" {
#endif

/** As a length: the library measures the string. */
#define FCGI_STRLEN SIZE_MAX

/** The longest name or value that can be encoded, in bytes. */
#define FCGI_PARAM_LEN_MAX 0x7fffffff

/** One pair. A length of FCGI_STRLEN stands for a string that ends in NUL. */
struct fcgi_param {
    const char *name;
    const char *value;
    size_t name_len;
    size_t value_len;
};

/** An initialiser for a pair of strings. */
#define FCGI_PARAM(n, v)                                                       \
    {                                                                          \
        (n), (v), FCGI_STRLEN, FCGI_STRLEN                                     \
    }

/**
 * Encode pairs.
 *
 * @param params  `count` pairs, borrowed; a name or value may be NULL when its
 *                length is 0
 * @param buf     room for the bytes, `cap` of them; NULL with a `cap` of 0
 *                only measures
 * @param len     set to the number of bytes the pairs take, also when they do
 *                not fit; not NULL
 * @return FCGI_OK, or
 *         FCGI_ERR_ARGUMENT          a NULL name or value with a length, or
 *                                    NULL where it is not allowed
 *         FCGI_ERR_CONTENT_TOO_LONG  the pairs need more than `cap` bytes (not
 *                                    when measuring), as `*len` tells, and
 *                                    some may have been stored; or a name or
 *                                    value is over FCGI_PARAM_LEN_MAX
 */
FCGI_API int fcgi_params_encode(const struct fcgi_param *params, size_t count,
                                void *buf, size_t cap, size_t *len);

/**
 * Decode all pairs at once.
 *
 * @param data    `len` encoded bytes, borrowed; the pairs point into them,
 *                with no NUL behind
 * @param params  room for `cap` pairs; NULL with a `cap` of 0 only counts
 * @param count   set to the number of pairs in `data`, also when they do not
 *                fit; not NULL
 * @return FCGI_OK, or
 *         FCGI_ERR_ARGUMENT          NULL where it is not allowed
 *         FCGI_ERR_PARAMS_TRUNCATED  the bytes end amid a pair; `*count` pairs
 *                                    are before it
 *         FCGI_ERR_CONTENT_TOO_LONG  more than `cap` pairs (not when
 *                                    counting); the first `cap` are filled in
 */
FCGI_API int fcgi_params_decode(const void *data, size_t len,
                                struct fcgi_param *params, size_t cap,
                                size_t *count);

/**
 * Take the next pair off the front of encoded bytes.
 *
 * @param rest   what is left to decode; shortened by the pair
 * @param param  filled in; points into the bytes, with no NUL behind
 * @return 1 a pair was taken, 0 nothing is left, or
 *         FCGI_ERR_PARAMS_TRUNCATED  the bytes end amid a pair; `rest` is as
 *                                    it was
 */
FCGI_API int fcgi_params_next(struct fcgi_slice *rest,
                              struct fcgi_param *param);

#ifdef __cplusplus
}
#endif

#endif
