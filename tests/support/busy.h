/*
 * busy - a client whose connections are all leased, so that calls wait in its
 * queue: for tests of how the host learns that a waiting call has its turn.
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
    struct fixture *f; /**< with an application that serves */
    struct fcgi_connection *leased[BUSY_LEASES];
    struct fcgi_wakeup *wakeups[BUSY_WAKEUPS];
    struct fcgi_call *calls[BUSY_CALLS];
    struct fcgi_response responses[BUSY_CALLS];
    size_t count; /**< of calls */
};

/** Start, with a client that may open that many connections. The tear-down ends
 *  it. */
struct busy *busy_begin(void **state, int max_open);

/** Make a wake-up for the client. */
struct fcgi_wakeup *busy_wakeup(struct busy *b);

/** Start another call, which waits. With a `wakeup` of NULL the client's own
 *  descriptor reports its turn. */
struct fcgi_call *busy_queue(struct busy *b, struct fcgi_wakeup *wakeup);

/** Return the nth leased connection, so that a call gets its turn. */
void busy_put(struct busy *b, size_t nth);

/** Advance a call that has its turn: once, or until it is answered and then
 *  freed. */
void busy_take_turn(struct busy *b, size_t nth);
void busy_finish_call(struct busy *b, size_t nth);

/** Free a call, all calls, or all wake-ups before the test ends. */
void busy_free_call(struct busy *b, size_t nth);
void busy_free_calls(struct busy *b);
void busy_free_wakeups(struct busy *b);

/** Whether the descriptor of the wake-up is readable. */
bool busy_rings(const struct fcgi_wakeup *wakeup);

/** Fail unless no call of this wake-up has its turn, or only this call. */
void busy_assert_quiet(struct fcgi_wakeup *wakeup);
void busy_assert_turn(struct fcgi_wakeup *wakeup, struct fcgi_call *call);

#endif
