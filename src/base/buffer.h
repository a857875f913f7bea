/*
 * buffer - growable memory: all raw handling of bytes that the library keeps
 * is here, with its overflow checks.
 *
 * A buffer is zero-initialised. Its bytes start at a multiple of 64, because
 * large copies into memory that starts shortly behind a page are several times
 * slower on some processors, and that is where malloc() puts large blocks.
 *
 * How large a buffer may become is for its owner to bound, who knows the limit
 * and the error to give.
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
    size_t skipped; /* how much later than it might `data` starts */
    void *block;    /* what the allocator gave */
};

/* Make a buffer larger, as fcgi__buffer_reserve(). */
int fcgi__buffer_grow(struct fcgi__buffer *buffer,
                      const struct fcgi_allocator *allocator, size_t extra);

/* See that there is room for `extra` bytes behind `len`: FCGI_OK or
 * FCGI_ERR_NO_MEMORY, the bytes then being as they were. They may move. */
static inline int fcgi__buffer_reserve(struct fcgi__buffer *buffer,
                                       const struct fcgi_allocator *allocator,
                                       size_t extra)
{
    return extra <= buffer->cap - buffer->len
               ? FCGI_OK
               : fcgi__buffer_grow(buffer, allocator, extra);
}

/* Append bytes, and put a NUL behind them, which `len` leaves out; as
 * fcgi__buffer_reserve(). `data` is not NULL. */
int fcgi__buffer_append(struct fcgi__buffer *buffer,
                        const struct fcgi_allocator *allocator,
                        const void *data, size_t len);

/* Let the bytes start `n` later, in the memory that there is, until it is
 * cleared or made larger. */
static inline void fcgi__buffer_skip(struct fcgi__buffer *buffer, size_t n)
{
    buffer->data += n;
    buffer->cap -= n;
    buffer->skipped += n;
}

/* Use the memory again that was skipped: the bytes move. */
void fcgi__buffer_take_back(struct fcgi__buffer *buffer);

/* Empty a buffer. */
static inline void fcgi__buffer_clear(struct fcgi__buffer *buffer)
{
    buffer->len = 0;
    if (buffer->skipped > 0) {
        fcgi__buffer_take_back(buffer);
    }
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
