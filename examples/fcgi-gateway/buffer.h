/*
 * buffer - bytes on their way from or to the client.
 *
 *     [   | bytes held |   room   ]
 *         ^ start      ^ end      ^ size
 */
#ifndef EXAMPLES_FCGI_GATEWAY_BUFFER_H
#define EXAMPLES_FCGI_GATEWAY_BUFFER_H

#include <stddef.h>
#include <string.h>

struct buffer {
    char *data; /**< borrowed */
    size_t size;
    size_t start, end;
};

static inline size_t buffer_len(const struct buffer *buffer)
{
    return buffer->end - buffer->start;
}

static inline size_t buffer_room(const struct buffer *buffer)
{
    return buffer->size - buffer->end;
}

/** Append bytes. There must be room for them. */
static inline void buffer_append(struct buffer *buffer, const void *data,
                                 size_t len)
{
    memcpy(buffer->data + buffer->end, data, len);
    buffer->end += len;
}

/** Put bytes in front. There must be room for them. */
static inline void buffer_prepend(struct buffer *buffer, const void *data,
                                  size_t len)
{
    buffer->start -= len;
    memcpy(buffer->data + buffer->start, data, len);
}

/** Move up to `cap` bytes from the front to `data`. Returns how many. */
static inline size_t buffer_take(struct buffer *buffer, void *data, size_t cap)
{
    size_t held = buffer_len(buffer);
    size_t len = held < cap ? held : cap;

    memcpy(data, buffer->data + buffer->start, len);
    buffer->start += len;
    return len;
}

/** Move the bytes held to the front of the data: all room is then behind
 *  them. */
static inline void buffer_move_to_front(struct buffer *buffer)
{
    if (buffer->start > 0) {
        memmove(buffer->data, buffer->data + buffer->start, buffer_len(buffer));
        buffer->end -= buffer->start;
        buffer->start = 0;
    }
}

#endif
