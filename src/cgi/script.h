/*
 * script - what answers for a path: a script below the root, or an application
 * that is mounted somewhere.
 *
 *     /a/b.php/c      root /srv/www        /shop/cart      mount /shop
 *     |------|        name                 |---|           name
 *             ||      path_info                 |---|      path_info
 */
#ifndef FCGI__SCRIPT_H
#define FCGI__SCRIPT_H

#include <fcgi_client/cgi.h>

#include "../base/buffer.h"

/* Slices point into the site, the rewrite, or the path. */
struct fcgi__script {
    struct fcgi_slice root;         /* without a slash at its end; NULL: none */
    struct fcgi_slice name;         /* SCRIPT_NAME */
    struct fcgi_slice path_info;    /* PATH_INFO; NULL: none */
    struct fcgi_slice folder, file; /* SCRIPT_FILENAME, in two parts; both
                                       empty: none */
};

/* Whether the members that say where scripts are go together. */
bool fcgi__script_is_valid_site(const struct fcgi_cgi_site *site);

/* Room that fcgi__script_find() needs behind a path. */
size_t fcgi__script_room(const struct fcgi_cgi_site *site);

/*
 * Find what answers for a path, which has that room behind it, and may change.
 * The path does not count if the rewrite gives the script.
 *
 * Returns FCGI_OK, FCGI_ERR_NOT_FOUND, or the error of the host's `exists`.
 */
int fcgi__script_find(struct fcgi__script *script,
                      const struct fcgi_cgi_site *site,
                      const struct fcgi_cgi_rewrite *rewrite,
                      struct fcgi__buffer *path);

#endif
