/*
 * tap - the headers of all records that pass over a connection, told to whoever
 * the pool's options name. Where nobody is, nothing is looked at.
 */
#ifndef FCGI__TAP_H
#define FCGI__TAP_H

#include <fcgi_client/pool.h>

#include "deframer.h"

struct fcgi__tap {
    const struct fcgi_pool_config *config; /* NULL: nobody is to be told */
    int fd;
    struct fcgi__deframer out;
    struct fcgi__deframer in;
};

void fcgi__tap_begin(struct fcgi__tap *tap,
                     const struct fcgi_pool_config *config, int fd);

/* The first `sent` bytes of the slices were sent. */
void fcgi__tap_out(struct fcgi__tap *tap, const struct fcgi_slice *slices,
                   size_t sent);

/* `got` bytes were received, filling the room in order. */
void fcgi__tap_in(struct fcgi__tap *tap, const struct fcgi_memory *room,
                  size_t got);

#endif
