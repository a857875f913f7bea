/*
 * cgi_fields - the fields of a request, sorted by the variables that they
 * become: those of one name stand side by side, in the order they came.
 *
 *     Accept: a              ACCEPT    a
 *     X-Y: b          ->     COOKIE    c
 *     Cookie: c              X_Y       b
 *     x-y: d                 X_Y       d       HTTP_X_Y is "b, d"
 *
 * So many short fields cost no more than their bytes say.
 */
#ifndef FCGI__CGI_FIELDS_H
#define FCGI__CGI_FIELDS_H

#include <fcgi_client/cgi.h>

#include "../base/buffer.h"
#include "variables.h"

struct fcgi__cgi_field {
    const struct fcgi_field *field;
    bool withheld; /* named by Connection; told of the first of a name alone */
};

struct fcgi__cgi_fields {
    struct fcgi__buffer sorted; /* struct fcgi__cgi_field */
    size_t count;
};

/*
 * Take the fields of a request in place of those before. They are borrowed.
 *
 * Returns FCGI_OK, FCGI_ERR_NO_MEMORY, or FCGI_ERR_BAD_REQUEST: a name is no
 * token, a value holds control bytes, or a name folds and may not.
 */
int fcgi__cgi_fields_take(struct fcgi__cgi_fields *fields,
                          const struct fcgi_allocator *allocator,
                          const struct fcgi_cgi_site *site,
                          const struct fcgi_cgi_request *request);

/* The fields of a name, in the order they came: the first of them, and in
 * `*count` how many. */
const struct fcgi__cgi_field *
fcgi__cgi_fields_find(const struct fcgi__cgi_fields *fields, const char *name,
                      size_t *count);

/* Add a variable for each name, but for those that have a meaning of their own
 * in CGI, or are none of the application's business. */
void fcgi__cgi_fields_add(const struct fcgi__cgi_fields *fields,
                          struct fcgi__variables *variables);

#endif
