/*
 * late - a request that is told the time: it was begun at a moment that is
 * known, and hears how much time has gone by since, so that nothing depends on
 * how busy the machine is.
 *
 *     struct late *late = late_begin(state, get_request());
 *     late_wait(late, 20);
 *     ... what happens to a request that has waited 20 ms ...
 */
#ifndef TESTS_LATE_H
#define TESTS_LATE_H

#include <stdint.h>

#include <fcgi_client.h>

/** In microseconds. */
#define LATE_MS INT64_C(1000)

struct late {
    struct fcgi_call *call;
    struct fcgi_response response;
    int64_t began; /**< further ahead than any real moment is */
};

/** Begin a request on the client of the test's fixture, and send what can be
 *  sent at once. */
struct late *late_begin(void **state, struct fcgi_request request);

/** Free its call and its response, at the end of the test at the latest. */
void late_free(struct late *late);

/** Advance it that long after it began, in milliseconds or microseconds, though
 *  nothing has come; fails the test unless it still waits. */
void late_wait(struct late *late, int after_ms);
void late_wait_us(struct late *late, int64_t after_us);

#endif
