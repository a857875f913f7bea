/*
 * field_name - the name of a field: which variable it becomes (RFC 3875,
 * section 4.1.18), and whether the field has a meaning of its own.
 *
 *     X-Real-IP      X_REAL_IP         plain
 *     host           HOST              the host
 *     Keep_Alive     KEEP_ALIVE        hop-by-hop, for all that the next reader
 *                                      can tell
 *
 * PHP reads "." as "_", and so do we. Pure functions over bytes that the caller
 * owns.
 */
#ifndef FCGI__FIELD_NAME_H
#define FCGI__FIELD_NAME_H

#include <stdbool.h>
#include <stddef.h>

enum fcgi__name_kind {
    FCGI__NAME_PLAIN, /* no meaning of its own */
    FCGI__NAME_HOST,
    FCGI__NAME_CONTENT_TYPE,
    FCGI__NAME_CONTENT_LENGTH,
    FCGI__NAME_PROXY,

    /* Hop-by-hop: for the next hop only (RFC 9110, section 7.6.1). */
    FCGI__NAME_CONNECTION,
    FCGI__NAME_TRANSFER_ENCODING,
    FCGI__NAME_HOP_BY_HOP /* any other */
};

/* Write what a name becomes to `out`, which has room for as many bytes. False:
 * the name folds, since it has a "_" or a "." in it; or it is not a token. */
bool fcgi__fold_name(const char *name, size_t len, char *out);

/* Tell the kind of a name. One that becomes the same variable is of the same
 * kind: the next reader might confuse the two. */
enum fcgi__name_kind fcgi__name_kind(const char *name, size_t len);

/* Whether the kind of a name is hop-by-hop. */
bool fcgi__is_hop_by_hop(const char *name, size_t len);

#endif
