/*
 * receive_buffer - where the bytes of a response are received: in memory of its
 * own, or, the body of large records, right where it is collected.
 */
#ifndef FCGI__RECEIVE_BUFFER_H
#define FCGI__RECEIVE_BUFFER_H

#include "../base/buffer.h"
#include "response_reader.h"
#include "scatter.h"

struct fcgi__receive_buffer {
    struct fcgi__buffer memory;
    struct fcgi__scatter scatter;
    struct fcgi_slice unread; /* received, but not read by the reader */
    bool filled;              /* the last receive left no room */
};

/* Begin to receive another response. */
void fcgi__receive_buffer_begin(struct fcgi__receive_buffer *buffer);

/* Say where to receive next: set at most `max` places, at least 2, in `room`.
 * Returns how many were set, or FCGI_ERR_NO_MEMORY. */
int fcgi__receive_buffer_offer(struct fcgi__receive_buffer *buffer,
                               const struct fcgi__response_reader *reader,
                               const struct fcgi_allocator *allocator,
                               struct fcgi_memory *room, size_t max);

/* `n` bytes were received there, and are read with fcgi__scatter_next(). */
void fcgi__receive_buffer_received(struct fcgi__receive_buffer *buffer,
                                   size_t n);

#endif
