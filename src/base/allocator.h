/*
 * allocator - where the library's memory comes from: the allocator that the
 * caller gave, or malloc().
 */
#ifndef FCGI__ALLOCATOR_H
#define FCGI__ALLOCATOR_H

#include <stddef.h>

#include <fcgi_client/response.h>

/* Copy an allocator; NULL, or one that is all zero, stands for malloc().
 * FCGI_OK, or FCGI_ERR_ARGUMENT if only some of its functions are set. */
int fcgi__allocator_init(struct fcgi_allocator *allocator,
                         const struct fcgi_allocator *from);

/* Allocate memory, zeroed; NULL: there is none. */
void *fcgi__allocate(const struct fcgi_allocator *allocator, size_t size);

/* `pointer` may be NULL. */
void fcgi__release(const struct fcgi_allocator *allocator, void *pointer);

#endif
