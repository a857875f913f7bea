/*
 * pool - what leasing a connection takes, step by step and without blocking,
 * for the layers above.
 */
#ifndef FCGI__POOL_H
#define FCGI__POOL_H

#include <stdbool.h>
#include <stdint.h>

#include <fcgi_client/pool.h>

#include "../net/address.h"
#include "pool_state.h"

struct fcgi_call;

/* Memory that a layer above keeps for its next call, linked by its first
 * member. Those kept when the pool ends are released by it. */
struct fcgi__cached_call {
    struct fcgi__cached_call *next;
    void (*release)(struct fcgi__cached_call *spare);
};

/* Options with every default filled in: of what can be off, -1 is off for a
 * time, INT_MAX is unlimited for a number. FCGI_OK or FCGI_ERR_ARGUMENT. */
int fcgi__pool_config_resolve(struct fcgi_pool_config *config,
                              const struct fcgi_pool_config *options);

/* The pool's, resolved. */
const struct fcgi_pool_config *fcgi__pool_config(const struct fcgi_pool *pool);

const struct fcgi__address *fcgi__pool_address(const struct fcgi_pool *pool);

/* The quick way, under one lock: a spare (NULL: none is kept), and an idle
 * connection (NULL: none is), unless there is no place for one. */
struct fcgi__cached_call *fcgi__pool_take(struct fcgi_pool *pool, int64_t now,
                                          struct fcgi_connection **connection);

/* Take a slot. FCGI_OK: an idle connection (its fd is not -1), unless `fresh`
 * is asked for, or an empty slot to be dialled; FCGI_WAIT: queued as `waiter`;
 * FCGI_ERR_POOL_CLOSED, FCGI_ERR_QUEUE_FULL, FCGI_ERR_NO_MEMORY or
 * FCGI_ERR_SYSTEM (errno tells). */
int fcgi__pool_acquire(struct fcgi_pool *pool, int64_t now, bool fresh,
                       struct fcgi__waiter *waiter,
                       struct fcgi_connection **connection);

/* Block until the turn of a waiter, which is a thread's, has come, or until
 * that moment. */
void fcgi__pool_await_turn(struct fcgi_pool *pool, struct fcgi__waiter *waiter,
                           int64_t until);

/* Ask whether a queued waiter's turn has come: as fcgi__pool_acquire(). The
 * waiter stays open. */
int fcgi__pool_claim(struct fcgi_pool *pool, struct fcgi__waiter *waiter,
                     struct fcgi_connection **connection);

/* Stop waiting; a turn that has come meanwhile goes to the next. The waiter
 * stays open. */
void fcgi__pool_leave(struct fcgi_pool *pool, struct fcgi__waiter *waiter);

/* The leased connection is dead: suspect all that are idle. Its slot is filled
 * with another idle one unless `fresh`, or left empty. Returns the dead socket,
 * which is the caller's to close. */
int fcgi__pool_replace(struct fcgi_pool *pool, int64_t now, bool fresh,
                       struct fcgi_connection **connection);

/* Close a leased connection that was idle, whose slot is to have a new one. */
void fcgi__pool_yield(struct fcgi_pool *pool,
                      struct fcgi_connection *connection);

/* A request has waited long for its first byte over a connection of its own
 * dialling: it is owed the closing of one that is kept. `first`: for the first
 * time. The second function ends that. */
void fcgi__pool_rescue(struct fcgi_pool *pool, bool first);
void fcgi__pool_end_rescue(struct fcgi_pool *pool);

/* Give a connection (or NULL) back at a moment that is known, with a spare (or
 * NULL) to be kept beside it. Returns the spare if enough are kept. */
struct fcgi__cached_call *fcgi__pool_return(struct fcgi_pool *pool,
                                            struct fcgi_connection *connection,
                                            bool reusable, int64_t now,
                                            struct fcgi__cached_call *spare);

/* Where the calls of one event loop hear of their turns: the pool's own, which
 * is opened when it is needed; or the caller's, which is linked in and opened
 * here (FCGI_OK or FCGI_ERR_SYSTEM), and closed by the third function. */
struct fcgi__turns *fcgi__pool_turns(struct fcgi_pool *pool);
int fcgi__pool_add_turns(struct fcgi_pool *pool, struct fcgi__turns *turns);
void fcgi__pool_remove_turns(struct fcgi_pool *pool, struct fcgi__turns *turns);

/* The next call whose turn has come, which is told once; NULL: none. */
struct fcgi_call *fcgi__pool_next_turn(struct fcgi_pool *pool,
                                       struct fcgi__turns *turns);

/* Whether only one connection is open, which is the caller's. */
bool fcgi__pool_is_lone(struct fcgi_pool *pool);

/* Count for the statistics; the first returns fcgi__pool_is_lone(). */
bool fcgi__pool_count_dial(struct fcgi_pool *pool);
void fcgi__pool_count_retry(struct fcgi_pool *pool);
void fcgi__pool_count_timeout(struct fcgi_pool *pool);

#endif
