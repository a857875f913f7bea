/*
 * byte_queue - bytes in order: see byte_queue.h.
 */
#include <string.h>

#include "byte_queue.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t queue_len(const struct queue *q)
{
    return q->bytes.len - q->at;
}

size_t queue_space(const struct queue *q)
{
    size_t len = queue_len(q);

    return len < q->room ? q->room - len : 0;
}

size_t queue_put(struct queue *q, const void *data, size_t len)
{
    size_t n = least(len, queue_space(q));

    wire_append(&q->bytes, data, n);
    return n;
}

void queue_drop(struct queue *q, size_t n)
{
    q->at += n;
    if (q->at == q->bytes.len) {
        wire_clear(&q->bytes);
        q->at = 0;
    }
}

size_t queue_take(struct queue *q, void *to, size_t most)
{
    size_t n = least(most, queue_len(q));

    if (n > 0) {
        memcpy(to, q->bytes.data + q->at, n);
        queue_drop(q, n);
    }
    return n;
}

void queue_begin(struct queue *q, size_t room)
{
    wire_clear(&q->bytes);
    q->at = 0;
    q->room = room;
}
