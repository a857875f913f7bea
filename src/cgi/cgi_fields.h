/*
 * cgi_fields - the fields of a request: those that say where it goes and what
 * its body is, and those that become HTTP_* variables.
 *
 *     Host: h             host
 *     Accept: a           HTTP_ACCEPT  "a"
 *     X-Y: b              HTTP_X_Y     "b, d"
 *     Connection: TE
 *     x-y: d
 *
 * The cost stays in proportion to the bytes: many short fields cost no more
 * than a few long ones.
 */
#ifndef FCGI__CGI_FIELDS_H
#define FCGI__CGI_FIELDS_H

#include <fcgi_client/cgi.h>

#include "../base/buffer.h"
#include "variables.h"

struct fcgi__cgi_fields {
    struct fcgi__buffer items; /* the fields that become HTTP_* variables, in
                                  the order they came in */
    size_t count;
    struct fcgi__buffer names; /* of their variables */
    uint64_t seen[4];          /* a bit for some of the names that there are */
    bool may_repeat;           /* two have the same bit */

    const struct fcgi_field *host;         /* NULL: none */
    const struct fcgi_field *content_type; /* NULL: none */
    int64_t content_length;                /* -1: none */
    bool has_transfer_encoding;
};

/*
 * Read the fields of a request, which are borrowed and replace those of the
 * request before.
 *
 * Returns FCGI_OK, FCGI_ERR_NO_MEMORY, FCGI_ERR_ARGUMENT for bytes that are not
 * there, or FCGI_ERR_BAD_REQUEST: a name is not a token, a value holds control
 * bytes, a name folds where none may, or a field is repeated or contradicted
 * that may not be.
 */
int fcgi__cgi_fields_read(struct fcgi__cgi_fields *fields,
                          const struct fcgi_allocator *allocator,
                          const struct fcgi_cgi_site *site,
                          const struct fcgi_cgi_request *request);

/* Add the HTTP_* variables: one for each name, in the order in which the names
 * came in first. */
void fcgi__cgi_fields_add(const struct fcgi__cgi_fields *fields,
                          struct fcgi__variables *variables);

void fcgi__cgi_fields_free(struct fcgi__cgi_fields *fields,
                           const struct fcgi_allocator *allocator);

#endif
