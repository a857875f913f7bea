/*
 * tap - the headers of all records that pass over a connection, told to whoever
 * the pool's options name. Where nobody is, nothing is looked at.
 */
#ifndef FCGI__RECORD_TRACE_H
#define FCGI__RECORD_TRACE_H

#include <fcgi_client/pool.h>

#include "../codec/deframer.h"

struct fcgi__record_trace {
    const struct fcgi_pool_config *config; /* NULL: nobody is to be told */
    int fd;
    struct fcgi__deframer out;
    struct fcgi__deframer in;
};

void fcgi__record_trace_begin(struct fcgi__record_trace *tap,
                              const struct fcgi_pool_config *config, int fd);

/* The first `sent` bytes of the slices were sent. */
void fcgi__record_trace_out(struct fcgi__record_trace *tap,
                            const struct fcgi_slice *slices, size_t sent);

/* `got` bytes were received, filling the room in order. */
void fcgi__record_trace_in(struct fcgi__record_trace *tap,
                           const struct fcgi_memory *room, size_t got);

#endif
