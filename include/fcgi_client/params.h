/*
 * params - name-value pairs, in both directions (FastCGI specification,
 * section 3.4).
 *
 *  +----------+-----------+---------+----------+
 *  | name len | value len | name ...| value ...|
 *  +----------+-----------+---------+----------+
 *
 * A length below 128 takes one byte; any other takes four, of which the top
 * bit is set and the other 31 are the length.
 *
 * Names and values may hold any byte. Order and duplicates are kept. Nothing
 * here allocates.
 *
 * If you put pairs into records yourself: PHP parses each record alone, so
 * every FCGI_PARAMS record must hold whole pairs; one without content comes
 * last.
 *
 * Threads: any, each with memory of its own.
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

/** As a length: the string ends in NUL, and the library measures it. */
#define FCGI_STRLEN SIZE_MAX

/** The longest name or value that can be encoded, in bytes. */
#define FCGI_PARAM_LEN_MAX 0x7fffffff

/** One pair. The strings are owned elsewhere; either length may be
 *  FCGI_STRLEN. */
struct fcgi_param {
    const char *name;
    const char *value;
    size_t name_len;
    size_t value_len;
};

/** An initialiser for a pair of strings that end in NUL. */
#define FCGI_PARAM(n, v)                                                       \
    {                                                                          \
        (n), (v), FCGI_STRLEN, FCGI_STRLEN                                     \
    }

/**
 * Encode pairs, or measure them.
 *
 * @param params  `count` pairs, borrowed; a name or value may be NULL if its
 *                length is 0
 * @param buf     the caller's memory, `cap` bytes; NULL with a `cap` of 0: only
 *                measure
 * @param len     set to the number of bytes that the pairs take, even if they
 *                do not fit; not NULL
 * @return FCGI_OK, or
 *         FCGI_ERR_ARGUMENT          NULL where it is not allowed; a NULL name
 *                                    or value whose length is not 0
 *         FCGI_ERR_CONTENT_TOO_LONG  the pairs take the `*len` bytes, more than
 *                                    `cap`, and some may have been stored (not
 *                                    when measuring); or a name or a value is
 *                                    longer than FCGI_PARAM_LEN_MAX
 */
FCGI_API int fcgi_params_encode(const struct fcgi_param *params, size_t count,
                                void *buf, size_t cap, size_t *len);

/**
 * Decode all pairs, or count them.
 *
 * @param data    `len` encoded bytes, borrowed; the decoded names and values
 *                point into them, and do not end in NUL
 * @param params  the caller's memory for `cap` pairs; NULL with a `cap` of 0:
 *                only count
 * @param count   set to the number of pairs in `data`, even if they do not fit;
 *                not NULL
 * @return FCGI_OK, or
 *         FCGI_ERR_ARGUMENT          NULL where it is not allowed
 *         FCGI_ERR_PARAMS_TRUNCATED  the bytes end within a pair; `*count`
 *                                    pairs come before it
 *         FCGI_ERR_CONTENT_TOO_LONG  there are more than `cap` pairs (not when
 *                                    counting); the first `cap` are filled in
 */
FCGI_API int fcgi_params_decode(const void *data, size_t len,
                                struct fcgi_param *params, size_t cap,
                                size_t *count);

/** What fcgi_params_next() returns for a pair: neither FCGI_OK nor FCGI_WAIT.
 */
enum fcgi_params_result { FCGI_PAIR = 2 };

/**
 * Take the next pair off the front of encoded bytes.
 *
 * @param rest   what is left to decode; shortened by the pair; not NULL
 * @param param  filled in; its strings point into the bytes and do not end in
 *               NUL; not NULL
 * @return FCGI_PAIR if a pair was taken, FCGI_OK if nothing is left, or
 *         FCGI_ERR_PARAMS_TRUNCATED  the bytes end within a pair; `rest` is
 *                                    unchanged
 */
FCGI_API int fcgi_params_next(struct fcgi_slice *rest,
                              struct fcgi_param *param);

#ifdef __cplusplus
}
#endif

#endif
