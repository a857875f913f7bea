/*
 * dribble - what a fake application can send all the time without any progress
 * of a request: a whole record each millisecond, or one record byte by byte.
 *
 *     const struct fake_step script[] = {
 *         FAKE_ACCEPT, FAKE_SERVE_TIMES(dribble->served), FAKE_READ_REQUEST,
 *         dribble->first, dribble->rest};
 *
 * Each lasts until the client leaves, or for more than five seconds.
 */
#ifndef TESTS_DRIBBLE_H
#define TESTS_DRIBBLE_H

#include <stdbool.h>

#include "fake.h"

struct dribble {
    const char *name;
    int served;       /**< requests that the connection has answered before */
    bool has_content; /**< `first` holds a byte of FCGI_STDOUT */
    struct fake_step first, rest;
};

/* Only the first one has `served`. */
#define DRIBBLES 12
extern const struct dribble dribbles[DRIBBLES];

#endif
