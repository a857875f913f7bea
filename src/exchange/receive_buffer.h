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

/* As the functions of the exchange of the same names. */
int fcgi__receive_buffer_input(struct fcgi__receive_buffer *buffer,
                               struct fcgi__response_reader *reader,
                               const struct fcgi_allocator *allocator,
                               struct fcgi_memory *room, size_t max);
int fcgi__receive_buffer_received(struct fcgi__receive_buffer *buffer,
                                  struct fcgi__response_reader *reader,
                                  size_t n);
int fcgi__receive_buffer_feed(struct fcgi__receive_buffer *buffer,
                              struct fcgi__response_reader *reader,
                              struct fcgi_slice *data);
int fcgi__receive_buffer_resume(struct fcgi__receive_buffer *buffer,
                                struct fcgi__response_reader *reader);

void fcgi__receive_buffer_free(struct fcgi__receive_buffer *buffer,
                               const struct fcgi_allocator *allocator);

#endif
