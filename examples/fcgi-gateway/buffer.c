/*
 * buffer - bytes on their way from or to the client.
 */
#include "buffer.h"

#include <string.h>

void buffer_append(struct buffer *buffer, const void *data, size_t len)
{
    memcpy(buffer->data + buffer->end, data, len);
    buffer->end += len;
}

void buffer_prepend(struct buffer *buffer, const void *data, size_t len)
{
    buffer->start -= len;
    memcpy(buffer->data + buffer->start, data, len);
}

size_t buffer_take(struct buffer *buffer, void *data, size_t cap)
{
    size_t held = buffer_len(buffer);
    size_t len = held < cap ? held : cap;

    memcpy(data, buffer->data + buffer->start, len);
    buffer->start += len;
    return len;
}

void buffer_move_to_front(struct buffer *buffer)
{
    size_t len = buffer_len(buffer);

    memmove(buffer->data, buffer->data + buffer->start, len);
    buffer->start = 0;
    buffer->end = len;
}
