/*
 * buffer - growable memory: all raw handling of the bytes that the library
 * keeps is here, with its overflow checks.
 *
 * A zeroed struct is an empty buffer. Its bytes start at a multiple of 64: on
 * some processors, large copies are several times slower into memory that
 * starts just after the beginning of a page, which is where malloc() puts large
 * blocks.
 *
 * A buffer has no limit of its own: its owner knows how large it may become,
 * and which error to return.
 */
#ifndef FCGI__BUFFER_H
#define FCGI__BUFFER_H

#include <stddef.h>

#include <fcgi_client/error.h>
#include <fcgi_client/response.h>

struct fcgi__buffer {
    char *data;
    size_t len;
    size_t cap;
    void *block; /* what the allocator returned */
};

/* Make a buffer larger; returns what fcgi__buffer_reserve() does. */
int fcgi__buffer_grow(struct fcgi__buffer *buffer,
                      const struct fcgi_allocator *allocator, size_t extra);

/* Ensure that there is room for `extra` bytes behind `len`: FCGI_OK or
 * FCGI_ERR_NO_MEMORY. Either way the bytes may move, but do not change. */
static inline int fcgi__buffer_reserve(struct fcgi__buffer *buffer,
                                       const struct fcgi_allocator *allocator,
                                       size_t extra)
{
    return extra <= buffer->cap - buffer->len
               ? FCGI_OK
               : fcgi__buffer_grow(buffer, allocator, extra);
}

/* Append bytes, and a NUL behind them that `len` does not count. Returns what
 * fcgi__buffer_reserve() does; `data` is not NULL. */
int fcgi__buffer_append(struct fcgi__buffer *buffer,
                        const struct fcgi_allocator *allocator,
                        const void *data, size_t len);

/* Empty a buffer; the memory stays. */
static inline void fcgi__buffer_clear(struct fcgi__buffer *buffer)
{
    buffer->len = 0;
}

/* Keep the first `len` bytes, and put a NUL behind them. */
static inline void fcgi__buffer_cut(struct fcgi__buffer *buffer, size_t len)
{
    buffer->len = len;
    buffer->data[len] = '\0';
}

void fcgi__buffer_free(struct fcgi__buffer *buffer,
                       const struct fcgi_allocator *allocator);

#endif
