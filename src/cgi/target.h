/*
 * target - the target of an HTTP request (RFC 9112, section 3.2), taken apart.
 *
 *     http://example.org:80/a/./b.php/c%20d?e=f
 *            |-------------|                     authority
 *                          |-----------------|   path, as received
 *                                            |--| search
 *
 *     /a/b.php/c d       the path, resolved
 *     |------|           the script
 *
 * Pure functions over bytes that the caller owns.
 */
#ifndef FCGI__TARGET_H
#define FCGI__TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client/record.h>

/* Slices point into the bytes that were parsed, or to constants. The path and
 * what follows it are the origin form of the target. */
struct fcgi__target {
    struct fcgi_slice authority; /* empty: the target has none */
    struct fcgi_slice path;      /* "*", or it starts with "/" */
    struct fcgi_slice search;    /* "?" and the query; empty: there is none */
};

/* Take a target apart: FCGI_OK or FCGI_ERR_BAD_REQUEST. */
int fcgi__target_parse(struct fcgi__target *target, struct fcgi_slice text);

/* Find the host in an authority or a Host field: a name or an address, without
 * the port. False: malformed. */
bool fcgi__authority_host(struct fcgi_slice authority, struct fcgi_slice *host);

/*
 * Decode a path, once, and resolve its dots.
 *
 * `out` has room for as many bytes as `path` has; `*len` is set to how many the
 * result has. It starts with "/", and contains no "//", "/./" or "/../".
 *
 * Returns FCGI_OK or FCGI_ERR_BAD_REQUEST.
 */
int fcgi__path_resolve(struct fcgi_slice path, char *out, size_t *len);

/* Whether a path that is decoded already can be used as it is: it starts with
 * "/", no name in it is "..", and no byte is a control byte. */
bool fcgi__path_is_sound(struct fcgi_slice path);

/* The length of the script's name at the front of a resolved path: it includes
 * the first segment that ends in `extension`, in any case of letters. 0: no
 * segment does. */
size_t fcgi__path_script(struct fcgi_slice path, struct fcgi_slice extension);

#endif
