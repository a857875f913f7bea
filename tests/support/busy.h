/*
 * busy - a client all of whose connections are on lease, so that calls wait in
 * its queue; for tests of how a host hears that a call has its turn.
 *
 *     struct busy *b = busy_begin(state, 1);
 *     struct fcgi_wakeup *wakeup = busy_wakeup(b);
 *     (void)busy_queue(b, wakeup);
 *     busy_put(b, 0);
 *     busy_assert_turn(wakeup, b->calls[0]);
 *     busy_finish_call(b, 0);
 */
#ifndef TESTS_BUSY_H
#define TESTS_BUSY_H

#include <stdbool.h>
#include <stddef.h>

#include "fixture.h"

#define BUSY_CALLS 200
#define BUSY_LEASES 3
#define BUSY_WAKEUPS 2

struct busy {
    struct fixture *f; /**< its application serves */
    struct fcgi_connection *leased[BUSY_LEASES];
    struct fcgi_wakeup *wakeups[BUSY_WAKEUPS];
    struct fcgi_call *calls[BUSY_CALLS];
    struct fcgi_response responses[BUSY_CALLS];
    size_t count; /**< of calls */
};

/** Begin with a client that may have so many connections. It ends with the
 *  test. */
struct busy *busy_begin(void **state, int max_open);

/** A wake-up of the client. */
struct fcgi_wakeup *busy_wakeup(struct busy *b);

/** Begin another call, which waits; `wakeup` NULL: it is told by the client's
 *  own descriptor. */
struct fcgi_call *busy_queue(struct busy *b, struct fcgi_wakeup *wakeup);

/** Give a connection back, so that a call has its turn. */
void busy_put(struct busy *b, size_t nth);

/** Advance a call that has its turn: once, or until it is answered, and then
 *  free it. */
void busy_take_turn(struct busy *b, size_t nth);
void busy_finish_call(struct busy *b, size_t nth);

/** Free a call, all calls, or all wake-ups, before the test is over. */
void busy_free_call(struct busy *b, size_t nth);
void busy_free_calls(struct busy *b);
void busy_free_wakeups(struct busy *b);

/** Whether the descriptor of the wake-up is readable. */
bool busy_rings(const struct fcgi_wakeup *wakeup);

/** Fail unless no call of this wake-up has a turn, or this one alone. */
void busy_assert_quiet(struct fcgi_wakeup *wakeup);
void busy_assert_turn(struct fcgi_wakeup *wakeup, struct fcgi_call *call);

#endif
