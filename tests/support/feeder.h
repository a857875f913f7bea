/*
 * feeder - a source of a request body which gives short reads, has nothing
 * yet, or fails, as it is told.
 *
 *     struct feeder f = {.data = bytes, .len = n, .chunk = 10};
 *     request.body = feeder_source(&f);
 */
#ifndef TESTS_FEEDER_H
#define TESTS_FEEDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client/exchange.h>

/** All zero: an empty body. */
struct feeder {
    const void *data;
    size_t len;
    size_t at;    /* what was read; where to start, at first */
    size_t chunk; /* most bytes of a read; 0: as many as fit */
    bool waits;   /* FCGI_WAIT from `ready` on, */
    size_t ready;
    bool fails; /* or `error` from `fail_at` on */
    size_t fail_at;
    int error;
    bool replays;          /* it can go back */
    int descriptor;        /* what to wait for */
    size_t reads;          /* calls */
    size_t ends;           /* calls that said it was the end */
    size_t replay_asked;   /* calls that asked whether it could go back, */
    size_t replay_calls;   /* and that told it to, */
    uint64_t replay_taken; /* by how much, the last time */
};

struct fcgi_source feeder_source(struct feeder *f);

#endif
