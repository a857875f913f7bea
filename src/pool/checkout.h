/*
 * checkout - obtaining a connection from a pool, step by step and without
 * blocking:
 *
 *     [queued] -> [dialling] -> [ready]
 *
 * An idle connection is ready at once, unless it must be checked first and is
 * found dead. Each step has its time limit.
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
    FCGI__WANTS_BESIDE /* a new one; idle ones stay */
};

struct fcgi__checkout_options {
    enum fcgi__want want;
    bool check; /* find out whether an idle connection is dead before its use */
    int queue_ms; /* limits; -1: none */
    int connect_ms;
    struct fcgi_call *call; /* the call that may have to wait; */
    struct fcgi__turns
        *turns; /* where its turn is told; NULL: a thread waits */
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
    enum fcgi__checkout_phase reached; /* the furthest phase so far */
    struct fcgi_connection *connection;
    struct fcgi__waiter waiter;
    struct fcgi__dial dial;
    struct fcgi__exposed_fd exposed; /* what a host may watch */
    int64_t since;                   /* when the phase began */
    int64_t queue_us;                /* how long the phases took */
    int64_t connect_us;
    int system_error; /* errno of what failed */
};

/* Ask for a connection. `idle` is one taken already, or NULL. FCGI_OK: ready;
 * FCGI_WAIT; or an error of fcgi_pool_get(), and the checkout holds nothing. */
int fcgi__checkout_begin(struct fcgi__checkout *checkout,
                         struct fcgi_pool *pool,
                         const struct fcgi__checkout_options *options,
                         struct fcgi_connection *idle, int64_t now);

/* Go on after FCGI_WAIT. Returns what fcgi__checkout_begin() does. */
int fcgi__checkout_advance(struct fcgi__checkout *checkout, int64_t now);

/* The connection turned out dead: dial another in its slot. Returns what
 * fcgi__checkout_begin() does. */
int fcgi__checkout_redial(struct fcgi__checkout *checkout, int64_t now);

/* Tell what the checkout waits for after FCGI_WAIT. */
void fcgi__checkout_wait(const struct fcgi__checkout *checkout,
                         struct fcgi__wait *wait);

/* Block until that comes, as fcgi__net_wait() does. `wait` is what
 * fcgi__checkout_wait() told, or an earlier moment. */
unsigned fcgi__checkout_await(struct fcgi__checkout *checkout,
                              const struct fcgi__wait *wait);

/* Give up, unless the connection is ready. */
void fcgi__checkout_cancel(struct fcgi__checkout *checkout);

#endif
