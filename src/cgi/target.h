/*
 * target - the target of an HTTP request (RFC 9112, section 3.2), taken apart.
 *
 *     http://example.org:80/a/./b.php/c%20d?e=f
 *            |-------------|                     authority
 *                          |-----------------|   path, as it came
 *                                             |-| query
 *
 *     /a/b.php/c d       the path, resolved
 *     |------|           the script
 *
 * Pure functions over bytes that somebody else owns.
 */
#ifndef FCGI__TARGET_H
#define FCGI__TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client/record.h>

/* It points into the bytes it was parsed from. */
struct fcgi__target {
    struct fcgi_slice authority; /* empty: the target has none */
    struct fcgi_slice path;      /* empty: the target is "*" */
    struct fcgi_slice query;     /* behind "?" */
};

/* Take a target apart: FCGI_OK or FCGI_ERR_BAD_REQUEST. */
int fcgi__target_parse(struct fcgi__target *target, struct fcgi_slice text);

/* The host of an authority or of a Host field: a name or an address, without
 * the port. False: it is malformed. */
bool fcgi__authority_host(struct fcgi_slice authority, struct fcgi_slice *host);

/*
 * Decode a path, once, and resolve its dots.
 *
 * `out` has room for as many bytes as `path`; `*len` is set to how many came
 * of it. They start with "/", and no "//", "/./" or "/../" is among them.
 *
 * Returns FCGI_OK or FCGI_ERR_BAD_REQUEST.
 */
int fcgi__path_resolve(struct fcgi_slice path, char *out, size_t *len);

/* How many bytes of a resolved path name a script: up to the end of the first
 * segment that ends in `extension`, in any case of letters; 0: none does. */
size_t fcgi__path_script(struct fcgi_slice path, struct fcgi_slice extension);

#endif
