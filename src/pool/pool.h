/*
 * pool - what the layers above need of a pool beyond its public face. Nothing
 * here blocks, but fcgi__pool_await_turn().
 */
#ifndef FCGI__POOL_H
#define FCGI__POOL_H

#include <stdbool.h>
#include <stdint.h>

#include <fcgi_client/pool.h>

#include "../net/address.h"
#include "pool_state.h"

struct fcgi__socket_observer;
struct fcgi_call;

/* A call that the layer above has kept for the next request, linked by its
 * first member. The pool releases those it holds when it is freed. */
struct fcgi__cached_call {
    struct fcgi__cached_call *next;
    void (*release)(struct fcgi__cached_call *cached);
};

/* Options with every default filled in. What is off is -1 for a time and
 * INT_MAX for a number. FCGI_OK or FCGI_ERR_ARGUMENT. */
int fcgi__pool_config_resolve(struct fcgi_pool_config *config,
                              const struct fcgi_pool_config *options);

/* The pool's options, resolved. */
const struct fcgi_pool_config *fcgi__pool_config(const struct fcgi_pool *pool);

const struct fcgi__address *fcgi__pool_address(const struct fcgi_pool *pool);

/* The host that is told of the pool's sockets. */
const struct fcgi__socket_observer *
fcgi__pool_observer(const struct fcgi_pool *pool);

/* The fast way, under one lock: take a cached call (NULL: there is none) and an
 * idle connection (NULL: there is none). */
struct fcgi__cached_call *fcgi__pool_take(struct fcgi_pool *pool, int64_t now,
                                          struct fcgi_connection **connection);

/* Acquire a connection. FCGI_OK: an idle one (its fd is not -1) unless `fresh`,
 * or an empty slot to dial in; FCGI_WAIT: `waiter` is queued;
 * FCGI_ERR_POOL_CLOSED, FCGI_ERR_QUEUE_FULL, FCGI_ERR_NO_MEMORY or
 * FCGI_ERR_SYSTEM (errno tells). */
int fcgi__pool_acquire(struct fcgi_pool *pool, int64_t now, bool fresh,
                       struct fcgi__waiter *waiter,
                       struct fcgi_connection **connection);

/* Block until it is the waiter's turn, or until that moment. */
void fcgi__pool_await_turn(struct fcgi_pool *pool, struct fcgi__waiter *waiter,
                           int64_t until);

/* Ask whether it is a queued waiter's turn. Returns what fcgi__pool_acquire()
 * does. The waiter stays open. */
int fcgi__pool_claim(struct fcgi_pool *pool, struct fcgi__waiter *waiter,
                     struct fcgi_connection **connection);

/* Stop waiting. If it is the waiter's turn already, it passes to the next. The
 * waiter stays open. */
void fcgi__pool_leave(struct fcgi_pool *pool, struct fcgi__waiter *waiter);

/* A checked-out connection is dead: suspect all idle ones. Its slot takes over
 * another idle one unless `fresh`, or is left empty. Returns the dead socket,
 * which the caller must close. */
int fcgi__pool_replace(struct fcgi_pool *pool, int64_t now, bool fresh,
                       struct fcgi_connection **connection);

/* Close a checked-out connection that was idle, to dial a new one in its
 * slot. */
void fcgi__pool_yield(struct fcgi_pool *pool,
                      struct fcgi_connection *connection);

/* A request has waited long for its first byte over a connection dialled for
 * it: close an idle connection for it, or the next one given back. `first`: the
 * request has not called this before. */
void fcgi__pool_rescue(struct fcgi_pool *pool, bool first);

/* That request no longer waits. */
void fcgi__pool_end_rescue(struct fcgi_pool *pool);

/* Give a connection (or NULL) back, together with a call (or NULL) to cache.
 * Returns the call if enough are cached. */
struct fcgi__cached_call *fcgi__pool_return(struct fcgi_pool *pool,
                                            struct fcgi_connection *connection,
                                            bool reusable, int64_t now,
                                            struct fcgi__cached_call *cached);

/* Where the calls of an event loop are told their turns: the pool's own, which
 * is opened when it is needed. */
struct fcgi__turns *fcgi__pool_turns(struct fcgi_pool *pool);

/* The same for one event loop of several: opened and linked here. FCGI_OK or
 * FCGI_ERR_SYSTEM. */
int fcgi__pool_add_turns(struct fcgi_pool *pool, struct fcgi__turns *turns);

void fcgi__pool_remove_turns(struct fcgi_pool *pool, struct fcgi__turns *turns);

/* The next call whose turn it is; each is told once. NULL: none. */
struct fcgi_call *fcgi__pool_next_turn(struct fcgi_pool *pool,
                                       struct fcgi__turns *turns);

/* Whether only one connection is open, the caller's. */
bool fcgi__pool_is_lone(struct fcgi_pool *pool);

/* Count a dial. Returns what fcgi__pool_is_lone() does. */
bool fcgi__pool_count_dial(struct fcgi_pool *pool);

void fcgi__pool_count_retry(struct fcgi_pool *pool);

/* Count and trace an error, if it is a time limit that has expired. Returns
 * whether it is. `fd` is the connection's; -1: none. */
bool fcgi__pool_note_expiry(struct fcgi_pool *pool, int fd, int error);

#endif
