/*
 * slots - who has which connection of a pool: leased, idle, or waited for.
 *
 * While somebody waits nothing is idle and no slot is free: what comes back is
 * handed to the first in the queue.
 *
 * It is its pool's, and under its lock: nothing here opens or closes a
 * descriptor, allocates, or calls the user's code. The one system call wakes a
 * waiter, which might be gone once the lock is released. Connections to close
 * are put into a chain, which is closed once no lock is held.
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
    unsigned epoch; /* grows when a connection is found dead */
    struct fcgi__connections connections;
    struct fcgi__queue queue;
    struct fcgi__keepalive keepalive;
    struct fcgi_pool_stats counts; /* but idle, open and waiting */
};

/* What a caller must bring before a slot or a place in the queue can be had:
 * memory, or what the waiter is woken by. Neither is made under the lock. */
enum fcgi__need { FCGI__NEEDS_SLOT = 2, FCGI__NEEDS_WAKEUP = 3 };

/* A socket that is to be closed once no lock is held. */
struct fcgi__dropped_fd {
    int fd; /* -1: none */
    bool evicted;
};

void fcgi__pool_state_init(struct fcgi__pool_state *slots,
                           const struct fcgi_pool_config *config);

/* The newest idle connection whose time is not over, leased; NULL: none. */
struct fcgi_connection *fcgi__pool_state_pop(struct fcgi__pool_state *slots,
                                             int64_t now,
                                             struct fcgi_connection **chain);

/* An idle connection unless `fresh`, else an empty slot, which is `*blank`,
 * else a place in the queue. FCGI_OK, FCGI_WAIT, FCGI_ERR_POOL_CLOSED,
 * FCGI_ERR_QUEUE_FULL or enum fcgi__need. */
int fcgi__pool_state_take(struct fcgi__pool_state *slots, int64_t now,
                          bool fresh, struct fcgi_connection **blank,
                          struct fcgi__waiter *waiter,
                          struct fcgi_connection **connection,
                          struct fcgi_connection **chain);

/* A leased connection was dead, and is the caller's to empty: suspect all that
 * are idle, and put one of them in its place, unless `fresh`. */
void fcgi__pool_state_replace(struct fcgi__pool_state *slots, int64_t now,
                              bool fresh, struct fcgi_connection **connection,
                              struct fcgi_connection **chain);

/* A leased connection, which was idle, is given up for a new one in its slot,
 * and is the caller's to empty. */
void fcgi__pool_state_yield(struct fcgi__pool_state *slots);

/* A request has waited for its first byte for long; `first`: it has not called
 * this before. Close the connection that was idle longest, or else owe it the
 * next one that comes back. */
void fcgi__pool_state_rescue(struct fcgi__pool_state *slots, bool first,
                             struct fcgi_connection **chain);

/* It waits no longer. */
void fcgi__pool_state_end_rescue(struct fcgi__pool_state *slots);

/* Take a leased connection back. */
void fcgi__pool_state_give(struct fcgi__pool_state *slots,
                           struct fcgi_connection *c, bool reusable,
                           int64_t now, struct fcgi__dropped_fd *leaving,
                           struct fcgi_connection **chain);

/* When the newest idle connection will be over; FCGI__NEVER: not, or there is
 * none. */
int64_t fcgi__pool_state_newest_expiry(const struct fcgi__pool_state *slots);

/* Take out what is over; returns when the next one will be. */
int64_t fcgi__pool_state_evict(struct fcgi__pool_state *slots, int64_t now,
                               struct fcgi_connection **chain);

/* Take out all that are idle, and send away who waits. */
void fcgi__pool_state_close(struct fcgi__pool_state *slots,
                            struct fcgi_connection **chain);

/* Take out all. */
void fcgi__pool_state_end(struct fcgi__pool_state *slots,
                          struct fcgi_connection **chain);

/* In the child of a fork(), where the sockets and the waiters are the
 * parent's. */
void fcgi__pool_state_forget(struct fcgi__pool_state *slots);

void fcgi__pool_state_count(const struct fcgi__pool_state *slots,
                            struct fcgi_pool_stats *stats);

#endif
