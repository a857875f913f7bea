/*
 * cgi_parts - an HTTP request, checked and taken apart, but not yet written as
 * variables.
 */
#ifndef FCGI__CGI_PARTS_H
#define FCGI__CGI_PARTS_H

#include <fcgi_client/cgi.h>

#include "../base/buffer.h"
#include "cgi_fields.h"
#include "target.h"

/* Slices point into the request, the site, or `path`. */
struct fcgi__cgi_parts {
    struct fcgi__target target;
    struct fcgi_slice root;   /* without a slash at its end */
    struct fcgi_slice script; /* SCRIPT_NAME: `script`, then `index` */
    struct fcgi_slice index;
    struct fcgi_slice path_info;
    struct fcgi_slice host; /* HTTP_HOST, with the port */
    struct fcgi_slice server_name;
    struct fcgi__cgi_fields fields;
    struct fcgi__buffer path; /* resolved */
};

/*
 * Take a request apart. It replaces the one before, whose memory is reused.
 *
 * Returns FCGI_OK, FCGI_ERR_ARGUMENT, FCGI_ERR_BAD_REQUEST or
 * FCGI_ERR_NO_MEMORY.
 */
int fcgi__cgi_parts_read(struct fcgi__cgi_parts *parts,
                         const struct fcgi_allocator *allocator,
                         const struct fcgi_cgi_site *site,
                         const struct fcgi_cgi_request *request);

void fcgi__cgi_parts_free(struct fcgi__cgi_parts *parts,
                          const struct fcgi_allocator *allocator);

#endif
