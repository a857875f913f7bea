/*
 * intake - where the bytes of a response are received: in room of its own, or
 * in the very memory where the body is collected; and from there to incoming,
 * in order.
 */
#ifndef FCGI__RECEIVE_BUFFER_H
#define FCGI__RECEIVE_BUFFER_H

#include "../base/buffer.h"
#include "response_reader.h"
#include "scatter.h"

struct fcgi__receive_buffer {
    struct fcgi__buffer room;
    struct fcgi__scatter scatter;
    struct fcgi_slice unread; /* received and not yet looked at */
    bool filled;              /* all that was offered was used */
};

/* Begin to receive another response. */
void fcgi__receive_buffer_begin(struct fcgi__receive_buffer *buffer);

/* Offer up to `max` places, at least 2, for the bytes that come next; returns
 * how many are in `room`, or FCGI_ERR_NO_MEMORY. */
int fcgi__receive_buffer_offer(struct fcgi__receive_buffer *buffer,
                               const struct fcgi__response_reader *reader,
                               const struct fcgi_allocator *allocator,
                               struct fcgi_memory *room, size_t max);

/* `n` bytes were received, of no more than was offered: they are read from
 * `scatter`. */
void fcgi__receive_buffer_received(struct fcgi__receive_buffer *buffer,
                                   size_t n);

#endif
