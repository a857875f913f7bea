/*
 * lease - the way from asking a pool for a connection to having one, step by
 * step and without blocking:
 *
 *     [queued] -> [dialling] -> [ready]
 *
 * An idle connection is ready at once, unless it is to be checked and is found
 * dead. Each step has its time limit.
 */
#ifndef FCGI__CHECKOUT_H
#define FCGI__CHECKOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "../net/net.h"
#include "pool.h"

enum fcgi__want {
    FCGI__WANTS_ANY,   /* an idle connection, else a new one */
    FCGI__WANTS_NEW,   /* a new one; the idle one that would be taken yields */
    FCGI__WANTS_BESIDE /* a new one, past the idle ones */
};

struct fcgi__checkout_options {
    enum fcgi__want want;
    bool check;   /* a dead idle connection must be found before it is used */
    int queue_ms; /* limits; -1: none */
    int connect_ms;
};

enum fcgi__checkout_phase {
    FCGI__CHECKOUT_NONE,
    FCGI__CHECKOUT_QUEUED,
    FCGI__CHECKOUT_DIALLING,
    FCGI__CHECKOUT_READY
};

struct fcgi__checkout {
    struct fcgi_pool *pool;
    struct fcgi__checkout_options options;
    enum fcgi__checkout_phase phase;
    enum fcgi__checkout_phase reached; /* the furthest phase it was in */
    struct fcgi_connection *connection;
    struct fcgi__waiter waiter;
    struct fcgi__dial dial;
    struct fcgi__exposed_fd shown; /* what a host may watch */
    int64_t since;                 /* when the phase began */
    int64_t queue_us;              /* what the phases took */
    int64_t connect_us;
    int system_error; /* of what failed */
};

/* Ask. All is set here but the waiter, which says who is to be woken; `idle` is
 * a connection taken already, or NULL. FCGI_OK ready; FCGI_WAIT; or an error of
 * fcgi_pool_get(), nothing being leased then. */
int fcgi__checkout_start(struct fcgi__checkout *lease, struct fcgi_pool *pool,
                         const struct fcgi__checkout_options *options,
                         struct fcgi_connection *idle, int64_t now);

/* Go on after FCGI_WAIT; as fcgi__checkout_start(). */
int fcgi__checkout_advance(struct fcgi__checkout *lease, int64_t now);

/* The connection turned out dead: dial another in its slot. As
 * fcgi__checkout_start(). */
int fcgi__checkout_redial(struct fcgi__checkout *lease, int64_t now);

/* What it waits for after FCGI_WAIT. */
void fcgi__checkout_wait(const struct fcgi__checkout *lease,
                         struct fcgi__wait *wait);

/* Block until that comes, as fcgi__net_wait() does; `wait` is what it waits for
 * and no longer than the caller wants. */
unsigned fcgi__checkout_await(struct fcgi__checkout *lease,
                              const struct fcgi__wait *wait);

/* Give up what has not become ready. */
void fcgi__checkout_cancel(struct fcgi__checkout *lease);

#endif
