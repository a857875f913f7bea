/*
 * feeder - a source of a request body that gives short reads, has to wait, or
 * fails, as the test says.
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
    size_t at;    /* how much was read; at first, where to start */
    size_t chunk; /* most bytes of a read; 0: as many as fit */
    bool waits;   /* it returns FCGI_WAIT from `ready` on */
    size_t ready;
    bool fails; /* it returns `error` from `fail_at` on */
    size_t fail_at;
    int error;
    bool replays;          /* it can go back */
    int descriptor;        /* to wait for */
    size_t reads;          /* calls of `read` */
    size_t ends;           /* of those, the ones that reported the end */
    size_t replay_asked;   /* calls that asked whether it could go back */
    size_t replay_calls;   /* calls that made it go back */
    uint64_t replay_taken; /* by how many bytes, the last time */
};

struct fcgi_source feeder_source(struct feeder *f);

#endif
