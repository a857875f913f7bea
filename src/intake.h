/*
 * intake - where the bytes of a response are received: in room of its own, or
 * in the very memory where the body is collected; and from there to incoming,
 * in order.
 */
#ifndef FCGI__INTAKE_H
#define FCGI__INTAKE_H

#include "buffer.h"
#include "incoming.h"
#include "landing.h"

struct fcgi__intake {
    struct fcgi__buffer room;
    struct fcgi__landing landing;
    struct fcgi_slice unread; /* received and not yet looked at */
    bool filled;              /* all that was offered was used */
};

/* Begin to receive another response. */
void fcgi__intake_begin(struct fcgi__intake *intake);

/* As the functions of the exchange of the same names. */
int fcgi__intake_input(struct fcgi__intake *intake, struct fcgi__incoming *in,
                       const struct fcgi_allocator *allocator,
                       struct fcgi_memory *room, size_t max);
int fcgi__intake_received(struct fcgi__intake *intake,
                          struct fcgi__incoming *in, size_t n);
int fcgi__intake_feed(struct fcgi__intake *intake, struct fcgi__incoming *in,
                      struct fcgi_slice *data);
int fcgi__intake_resume(struct fcgi__intake *intake, struct fcgi__incoming *in);

void fcgi__intake_free(struct fcgi__intake *intake,
                       const struct fcgi_allocator *allocator);

#endif
