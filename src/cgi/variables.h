/*
 * variables - name-value pairs that are written one after another into memory
 * that is reused.
 *
 *     text    o n \0 / a ? b \0        M I N E \0 x \0
 *             |      |                 |          |
 *     params  value  value             name       value
 *
 * A name is copied only if it does not stay where it is.
 */
#ifndef FCGI__VARIABLES_H
#define FCGI__VARIABLES_H

#include <fcgi_client/params.h>

#include "../base/buffer.h"

struct fcgi__variables {
    const struct fcgi_allocator *allocator;
    struct fcgi__buffer text; /* a NUL behind each string */
    struct fcgi__buffer
        params;      /* struct fcgi_param, in the order of the text */
    size_t borrowed; /* pairs whose names are not copied; they come first */
    int error;       /* what went wrong first; nothing is added after that */
};

/* Remove all pairs; the memory stays. */
void fcgi__variables_clear(struct fcgi__variables *variables);

void fcgi__variables_free(struct fcgi__variables *variables);

/* Add a pair. The name, behind which is a NUL, is borrowed until the pairs are
 * cleared. No pair with a copied name may be there yet. */
void fcgi__variables_add(struct fcgi__variables *variables,
                         struct fcgi_slice name, struct fcgi_slice value);

/* Append to the value of the pair added last. */
void fcgi__variables_append(struct fcgi__variables *variables,
                            struct fcgi_slice bytes);

/* Reserve room for one more pair, so that adding it cannot fail: FCGI_OK or
 * FCGI_ERR_NO_MEMORY. */
int fcgi__variables_reserve(struct fcgi__variables *variables, size_t name_len,
                            size_t value_len);

/* Add a pair whose name is copied; there is room. */
void fcgi__variables_add_copy(struct fcgi__variables *variables,
                              struct fcgi_slice name, struct fcgi_slice value);

/* Remove the pair of that name, if there is one. */
void fcgi__variables_remove(struct fcgi__variables *variables,
                            struct fcgi_slice name);

/* The pairs, which may move when one is added. */
static inline struct fcgi_param *
fcgi__variables_params(const struct fcgi__variables *variables)
{
    return (struct fcgi_param *)(void *)variables->params.data;
}

static inline size_t
fcgi__variables_count(const struct fcgi__variables *variables)
{
    return variables->params.len / sizeof(struct fcgi_param);
}

#endif
