/*
 * pool - what leasing a connection takes, step by step and without blocking,
 * for the layers above.
 *
 * A connection is a slot of the pool: it counts as open from the moment it is
 * leased, dialled or not, and keeps its place while a dead socket is replaced.
 */
#ifndef FCGI__POOL_H
#define FCGI__POOL_H

#include <stdbool.h>
#include <stdint.h>

#include <fcgi_client/pool.h>

#include "address.h"

enum fcgi__lending { FCGI__LEASED, FCGI__IDLE };

struct fcgi_connection {
    int fd; /* -1: not dialled yet, or closed by fork() */
    enum fcgi__lending lending;
    bool reused;   /* it was idle, and so may be stale; */
    bool suspect;  /* another one of its time was */
    bool orphaned; /* the process forked: the pool counts it no more */
    uint16_t last_id;
    int requests;
    unsigned epoch; /* the pool's, when it came back alive */
    int64_t dialled;
    int64_t idle_since;
    struct fcgi_connection *newer, *older;   /* among the idle */
    struct fcgi_connection *next, *previous; /* among all of the pool */
};

/* The id that fcgi_connection_next_id() will give. */
uint16_t fcgi__connection_peek_id(const struct fcgi_connection *connection);

/* Who waits for a connection. All zero at first; after use,
 * fcgi__waiter_close(). */
struct fcgi__waiter {
    struct fcgi__waiter *next;
    int status; /* FCGI_WAIT while queued */
    struct fcgi_connection *connection;
    bool open;   /* it has its pipe, */
    int pipe[2]; /* pipe[0] of which becomes readable when its turn comes */
};

/* Memory that the layer above keeps for the next call, linked by its first
 * member. */
struct fcgi__spare {
    struct fcgi__spare *next;
};

/* The pool's options, resolved: no 0 stands for a default any more, and -1 is
 * INT_MAX where it means unlimited. */
const struct fcgi_pool_config *fcgi__pool_config(const struct fcgi_pool *pool);

const struct fcgi__address *fcgi__pool_address(const struct fcgi_pool *pool);

/* The quick way, under one lock: a spare (NULL: none is kept), and an idle
 * connection (NULL: none is, or others wait). */
struct fcgi__spare *fcgi__pool_take(struct fcgi_pool *pool, int64_t now,
                                    struct fcgi_connection **connection);

/* Take a slot. FCGI_OK: an idle connection (its fd is not -1), unless `fresh`
 * is asked for, or an empty slot to be dialled; FCGI_WAIT: queued as `waiter`;
 * FCGI_ERR_POOL_CLOSED, FCGI_ERR_QUEUE_FULL, FCGI_ERR_NO_MEMORY or
 * FCGI_ERR_SYSTEM. */
int fcgi__pool_lease(struct fcgi_pool *pool, int64_t now, bool fresh,
                     struct fcgi__waiter *waiter,
                     struct fcgi_connection **connection);

/* Ask whether a queued waiter's turn has come: as fcgi__pool_lease(). */
int fcgi__pool_claim(struct fcgi_pool *pool, struct fcgi__waiter *waiter,
                     struct fcgi_connection **connection);

/* Stop waiting; a turn that has come meanwhile goes to the next. */
void fcgi__pool_leave(struct fcgi_pool *pool, struct fcgi__waiter *waiter);

void fcgi__waiter_close(struct fcgi__waiter *waiter);

/* The leased connection is dead: close it, and suspect all that are idle. Its
 * slot is filled with another idle one unless `fresh`, or left empty. */
void fcgi__pool_replace(struct fcgi_pool *pool, int64_t now, bool fresh,
                        struct fcgi_connection **connection);

/* A slot is about to be dialled: count it. */
void fcgi__pool_dialling(struct fcgi_pool *pool);

/* Give a connection back at a moment that is known, with a spare (or NULL) to
 * be kept beside it. Returns the spare if enough are kept. */
struct fcgi__spare *fcgi__pool_return(struct fcgi_pool *pool,
                                      struct fcgi_connection *connection,
                                      bool reusable, int64_t now,
                                      struct fcgi__spare *spare);

/* Count for the statistics. */
void fcgi__pool_count_retry(struct fcgi_pool *pool);
void fcgi__pool_count_timeout(struct fcgi_pool *pool);

#endif
