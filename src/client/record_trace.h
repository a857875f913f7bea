/*
 * record_trace - tells the host of the header of every record that passes over
 * a connection, if its pool's options ask for that. Else nothing is looked at.
 */
#ifndef FCGI__RECORD_TRACE_H
#define FCGI__RECORD_TRACE_H

#include <fcgi_client/pool.h>

#include "../codec/deframer.h"

struct fcgi__record_trace {
    const struct fcgi_pool_config *config; /* NULL: nothing is traced */
    int fd;
    struct fcgi__deframer out;
    struct fcgi__deframer in;
};

void fcgi__record_trace_begin(struct fcgi__record_trace *trace,
                              const struct fcgi_pool_config *config, int fd);

/* The first `sent` bytes of the slices were sent. */
void fcgi__record_trace_out(struct fcgi__record_trace *trace,
                            const struct fcgi_slice *slices, size_t sent);

/* `got` bytes were received, filling the room in order. */
void fcgi__record_trace_in(struct fcgi__record_trace *trace,
                           const struct fcgi_memory *room, size_t got);

#endif
