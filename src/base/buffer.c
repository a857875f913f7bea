/*
 * buffer - growable memory over the caller's allocator.
 */
#include <stdint.h>
#include <string.h>

#include "allocator.h"
#include "buffer.h"

#define ALIGNMENT 64
#define SMALLEST 256

/* Twice the capacity, or what is needed if that is more; 0: too large for a
 * size_t. */
static size_t grown_size(const struct fcgi__buffer *buffer, size_t extra)
{
    size_t needed;
    size_t doubled = buffer->cap * 2;

    if (extra > SIZE_MAX - buffer->len - ALIGNMENT) {
        return 0;
    }
    needed = buffer->len + extra;
    if (needed < SMALLEST) {
        needed = SMALLEST;
    }
    return buffer->cap > SIZE_MAX / 4 || doubled < needed ? needed : doubled;
}

/* How far into a block its first multiple of ALIGNMENT is. */
static size_t aligned_offset(const void *block)
{
    return (size_t)(-(uintptr_t)block & (ALIGNMENT - 1));
}

/* A NUL is kept too where there is room for one. */
static size_t kept_len(const struct fcgi__buffer *buffer)
{
    return buffer->len < buffer->cap ? buffer->len + 1 : buffer->len;
}

int fcgi__buffer_grow(struct fcgi__buffer *buffer,
                      const struct fcgi_allocator *allocator, size_t extra)
{
    size_t old_offset = aligned_offset(buffer->block);
    size_t cap = grown_size(buffer, extra);
    size_t offset;
    char *block;

    if (cap == 0) {
        return FCGI_ERR_NO_MEMORY;
    }
    block = buffer->block == NULL
                ? allocator->allocate(allocator->context, cap + ALIGNMENT)
                : allocator->resize(allocator->context, buffer->block,
                                    cap + ALIGNMENT);
    if (block == NULL) {
        return FCGI_ERR_NO_MEMORY;
    }
    offset = aligned_offset(block);
    if (offset != old_offset && buffer->cap > 0) {
        memmove(block + offset, block + old_offset, kept_len(buffer));
    }
    buffer->block = block;
    buffer->data = block + offset;
    buffer->cap = cap;
    return FCGI_OK;
}

int fcgi__buffer_append(struct fcgi__buffer *buffer,
                        const struct fcgi_allocator *allocator,
                        const void *data, size_t len)
{
    int rc;

    if (len == SIZE_MAX) {
        return FCGI_ERR_NO_MEMORY;
    }
    rc = fcgi__buffer_reserve(buffer, allocator, len + 1);
    if (rc == FCGI_OK) {
        memcpy(buffer->data + buffer->len, data, len);
        fcgi__buffer_cut(buffer, buffer->len + len);
    }
    return rc;
}

void fcgi__buffer_free(struct fcgi__buffer *buffer,
                       const struct fcgi_allocator *allocator)
{
    fcgi__release(allocator, buffer->block);
    memset(buffer, 0, sizeof(*buffer));
}
