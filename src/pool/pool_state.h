/*
 * pool_state - the pool's bookkeeping: which connections are checked out or
 * idle, and who waits for one.
 *
 * While anybody waits, no connection is idle and no slot is free: what is given
 * back goes to the first in the queue.
 *
 * All of it is guarded by the pool's lock. Nothing here opens or closes a
 * descriptor, allocates, or calls the user's code. The one system call wakes a
 * waiter, which may be freed once the lock is released. Connections to close
 * are moved to a list, which the caller closes once no lock is held.
 */
#ifndef FCGI__POOL_STATE_H
#define FCGI__POOL_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include <fcgi_client/pool.h>

#include "connection.h"
#include "keepalive.h"
#include "queue.h"

struct fcgi__pool_state {
    const struct fcgi_pool_config *config; /* resolved */
    bool closed;
    unsigned epoch; /* increased when a connection is found dead */
    struct fcgi__connections connections;
    struct fcgi__queue queue;
    struct fcgi__keepalive keepalive;
    struct fcgi_pool_stats counts; /* except idle, open and waiting */
};

/* What the caller must provide before a slot or a place in the queue can be
 * taken: memory, or what the waiter is woken by. Neither is made under the
 * lock. */
enum fcgi__need { FCGI__NEEDS_SLOT = 2, FCGI__NEEDS_WAKEUP = 3 };

/* A socket to be closed once no lock is held. */
struct fcgi__dropped_fd {
    int fd; /* -1: none */
    bool evicted;
};

void fcgi__pool_state_init(struct fcgi__pool_state *state,
                           const struct fcgi_pool_config *config);

/* Check out the newest idle connection that has not expired; NULL: none. */
struct fcgi_connection *fcgi__pool_state_pop(struct fcgi__pool_state *state,
                                             int64_t now,
                                             struct fcgi_connection **to_close);

/* Check out an idle connection unless `fresh`, else an empty slot, which is
 * `*new_slot`; else join the queue. FCGI_OK, FCGI_WAIT, FCGI_ERR_POOL_CLOSED,
 * FCGI_ERR_QUEUE_FULL or enum fcgi__need. */
int fcgi__pool_state_take(struct fcgi__pool_state *state, int64_t now,
                          bool fresh, struct fcgi_connection **new_slot,
                          struct fcgi__waiter *waiter,
                          struct fcgi_connection **connection,
                          struct fcgi_connection **to_close);

/* A checked-out connection was dead, and the caller will empty it: suspect all
 * idle ones, and replace it by one of them unless `fresh`. */
void fcgi__pool_state_replace(struct fcgi__pool_state *state, int64_t now,
                              bool fresh, struct fcgi_connection **connection,
                              struct fcgi_connection **to_close);

/* The idle connection with that descriptor; NULL: there is none. */
struct fcgi_connection *
fcgi__pool_state_find_idle(const struct fcgi__pool_state *state, int fd);

/* An idle connection is dead: unlink it, and suspect all others. */
void fcgi__pool_state_drop_dead(struct fcgi__pool_state *state,
                                struct fcgi_connection *c,
                                struct fcgi_connection **to_close);

/* A checked-out connection that was idle makes way for a new one in its slot.
 * The caller will empty it. */
void fcgi__pool_state_yield(struct fcgi__pool_state *state);

/* A request has waited long for its first byte: close the connection that has
 * been idle longest, or else owe the request the next one given back. `first`:
 * the request has not called this before. */
void fcgi__pool_state_rescue(struct fcgi__pool_state *state, bool first,
                             struct fcgi_connection **to_close);

/* That request no longer waits. */
void fcgi__pool_state_end_rescue(struct fcgi__pool_state *state);

/* Take a checked-out connection back. */
void fcgi__pool_state_give(struct fcgi__pool_state *state,
                           struct fcgi_connection *c, bool reusable,
                           int64_t now, struct fcgi__dropped_fd *dropped,
                           struct fcgi_connection **to_close);

/* When the newest idle connection expires; FCGI__NEVER if it does not, or there
 * is none. */
int64_t fcgi__pool_state_newest_expiry(const struct fcgi__pool_state *state);

/* Evict idle connections that have expired. Returns when the next one will. */
int64_t fcgi__pool_state_evict(struct fcgi__pool_state *state, int64_t now,
                               struct fcgi_connection **to_close);

/* Unlink all idle connections, and wake all waiters with an error. */
void fcgi__pool_state_close(struct fcgi__pool_state *state,
                            struct fcgi_connection **to_close);

/* Unlink all connections. */
void fcgi__pool_state_end(struct fcgi__pool_state *state,
                          struct fcgi_connection **to_close);

/* In the child of a fork(), where the sockets and the waiters are the
 * parent's. */
void fcgi__pool_state_forget(struct fcgi__pool_state *state);

void fcgi__pool_state_count(const struct fcgi__pool_state *state,
                            struct fcgi_pool_stats *stats);

#endif
