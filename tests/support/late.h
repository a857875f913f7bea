/*
 * late - a request whose clock the test sets: the test starts the call at a
 * known time and passes each later time to it, so that nothing depends on how
 * busy the machine is.
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
    int64_t began; /**< later than any real time */
};

/** Start a request on the fixture's client, and send what can be sent at
 *  once. */
struct late *late_begin(void **state, struct fcgi_request request);

/** Free its call and response; the tear-down does so if the test did not. */
void late_free(struct late *late);

/** Advance it with the time that long after its start, in milliseconds or
 *  microseconds. Fails the test unless it still waits. */
void late_wait(struct late *late, int after_ms);
void late_wait_us(struct late *late, int64_t after_us);

#endif
