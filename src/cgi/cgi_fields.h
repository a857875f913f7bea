/*
 * cgi_fields - the fields of a request, sorted by the variables that they
 * become: those of one name are side by side, in the order they came in.
 *
 *     Accept: a              ACCEPT    a
 *     X-Y: b          ->     COOKIE    c
 *     Cookie: c              X_Y       b
 *     x-y: d                 X_Y       d       HTTP_X_Y is "b, d"
 *
 * Sorting keeps the cost in proportion to the bytes: many short fields cost no
 * more than a few long ones.
 */
#ifndef FCGI__CGI_FIELDS_H
#define FCGI__CGI_FIELDS_H

#include <fcgi_client/cgi.h>

#include "../base/buffer.h"
#include "variables.h"

struct fcgi__cgi_field {
    const struct fcgi_field *field;
    bool withheld; /* named by Connection; only set on the first of a name */
};

struct fcgi__cgi_fields {
    struct fcgi__buffer sorted; /* struct fcgi__cgi_field */
    size_t count;
};

/*
 * Sort the fields of a request, which are borrowed and replace those of the
 * request before.
 *
 * Returns FCGI_OK, FCGI_ERR_NO_MEMORY, or FCGI_ERR_BAD_REQUEST: a name is not a
 * token, a value holds control bytes, or a name folds where none may.
 */
int fcgi__cgi_fields_take(struct fcgi__cgi_fields *fields,
                          const struct fcgi_allocator *allocator,
                          const struct fcgi_cgi_site *site,
                          const struct fcgi_cgi_request *request);

/* Find the fields of a name, in the order they came in: returns the first, and
 * sets `*count` to how many there are. */
const struct fcgi__cgi_field *
fcgi__cgi_fields_find(const struct fcgi__cgi_fields *fields, const char *name,
                      size_t *count);

/* Add a variable for each name, except for those that CGI gives a meaning of
 * their own, and those that do not concern the application. */
void fcgi__cgi_fields_add(const struct fcgi__cgi_fields *fields,
                          struct fcgi__variables *variables);

#endif
