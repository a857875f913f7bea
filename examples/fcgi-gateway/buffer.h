/*
 * buffer - bytes on their way from or to the client.
 *
 *     [   | bytes held |   room   ]
 *         ^ start      ^ end      ^ size
 */
#ifndef EXAMPLES_FCGI_GATEWAY_BUFFER_H
#define EXAMPLES_FCGI_GATEWAY_BUFFER_H

#include <stddef.h>

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

/** Append bytes, or put them in front. There must be room for them. */
void buffer_append(struct buffer *buffer, const void *data, size_t len);
void buffer_prepend(struct buffer *buffer, const void *data, size_t len);

/** Move up to `cap` bytes from the front to `data`. Returns how many. */
size_t buffer_take(struct buffer *buffer, void *data, size_t cap);

/** Move the bytes held to the front of the data: all room is then behind
 *  them. */
void buffer_move_to_front(struct buffer *buffer);

#endif
