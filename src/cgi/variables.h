/*
 * variables - name-value pairs that are written piece by piece, one after
 * another, into memory that is reused.
 *
 *     text    H T T P S \0 o n \0 R E Q U E S T _ U R I \0 / ...
 *     params  name_len 5, value_len 2; name_len 11, value_len ...
 *
 * The text moves as it grows. The pairs point into it only once they are
 * published.
 */
#ifndef FCGI__VARIABLES_H
#define FCGI__VARIABLES_H

#include <fcgi_client/params.h>

#include "../base/buffer.h"

struct fcgi__variables {
    const struct fcgi_allocator *allocator;
    struct fcgi__buffer text; /* a NUL behind each name and each value */
    struct fcgi__buffer
        params; /* struct fcgi_param, in the order of the text */
    size_t count;
    int error; /* what went wrong first; nothing is added after that */
};

/* Remove all pairs; the memory stays. */
void fcgi__variables_clear(struct fcgi__variables *variables);

void fcgi__variables_free(struct fcgi__variables *variables);

/* Begin a pair with this name and an empty value. */
void fcgi__variables_begin(struct fcgi__variables *variables,
                           struct fcgi_slice name);

/* Begin a pair that is named after a field: X-Y begins HTTP_X_Y. */
void fcgi__variables_begin_field(struct fcgi__variables *variables,
                                 struct fcgi_slice name);

/* Append to the value of the pair begun last. */
void fcgi__variables_append(struct fcgi__variables *variables,
                            struct fcgi_slice bytes);

/* Reserve room for a pair of `size` bytes, so that adding it cannot fail:
 * FCGI_OK or FCGI_ERR_NO_MEMORY. Either way the pairs must be published
 * again. */
int fcgi__variables_reserve(struct fcgi__variables *variables, size_t size);

/* Remove the pair of that name, if there is one. */
void fcgi__variables_remove(struct fcgi__variables *variables,
                            struct fcgi_slice name);

/* Let the pairs point to their names and values. */
void fcgi__variables_publish(struct fcgi__variables *variables);

/* The pairs, `count` of them. */
struct fcgi_param *
fcgi__variables_params(const struct fcgi__variables *variables);

#endif
