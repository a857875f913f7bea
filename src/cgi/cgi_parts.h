/*
 * cgi_parts - an HTTP request, checked and taken apart, but not yet written as
 * variables.
 */
#ifndef FCGI__CGI_PARTS_H
#define FCGI__CGI_PARTS_H

#include <fcgi_client/cgi.h>

#include "../base/buffer.h"
#include "cgi_fields.h"
#include "script.h"
#include "target.h"

/* Slices point into the request, the site, or `path`. */
struct fcgi__cgi_parts {
    struct fcgi__target target;
    struct fcgi_slice query;
    struct fcgi__script script;
    struct fcgi_slice host; /* HTTP_HOST, with the port */
    struct fcgi_slice server_name;
    struct fcgi__cgi_fields fields;
    struct fcgi__buffer path; /* resolved */
};

/*
 * Take a request apart. It replaces the one before, whose memory is reused.
 *
 * Returns FCGI_OK, FCGI_ERR_ARGUMENT, FCGI_ERR_BAD_REQUEST,
 * FCGI_ERR_NOT_FOUND, FCGI_ERR_NO_MEMORY, or the error of the host's `exists`,
 * which is asked last.
 */
int fcgi__cgi_parts_read(struct fcgi__cgi_parts *parts,
                         const struct fcgi_allocator *allocator,
                         const struct fcgi_cgi_site *site,
                         const struct fcgi_cgi_request *request);

/* Read the fields alone. Returns FCGI_OK, FCGI_ERR_ARGUMENT,
 * FCGI_ERR_BAD_REQUEST or FCGI_ERR_NO_MEMORY. */
int fcgi__cgi_parts_read_fields(struct fcgi__cgi_parts *parts,
                                const struct fcgi_allocator *allocator,
                                const struct fcgi_cgi_site *site,
                                const struct fcgi_cgi_request *request);

void fcgi__cgi_parts_free(struct fcgi__cgi_parts *parts,
                          const struct fcgi_allocator *allocator);

#endif
