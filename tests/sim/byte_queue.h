/*
 * byte_queue - bytes in order, no more than there is room for.
 */
#ifndef SIM_BYTE_QUEUE_H
#define SIM_BYTE_QUEUE_H

#include <stddef.h>

#include "wire.h"

/** All zero at first; its memory is used again. */
struct queue {
    struct wire bytes;
    size_t at;
    size_t room;
};

/** Forget all that is in it. */
void queue_begin(struct queue *q, size_t room);

size_t queue_len(const struct queue *q);
size_t queue_space(const struct queue *q);

/** Add what there is space for, or take no more than that; returns how many
 *  bytes that is. */
size_t queue_put(struct queue *q, const void *data, size_t len);
size_t queue_take(struct queue *q, void *to, size_t most);

/** Take away the first `n`. */
void queue_drop(struct queue *q, size_t n);

#endif
