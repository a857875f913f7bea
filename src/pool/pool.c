/*
 * pool - the connections of one upstream, under one lock, and what must not be
 * done under it: making and closing, the thread that evicts, fork().
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <pthread.h>

#include <fcgi_client/error.h>

#include "../base/buffer.h"
#include "../net/clock.h"
#include "../net/condition.h"
#include "../net/fork.h"
#include "../net/net.h"
#include "../net/self_pipe.h"
#include "evictor.h"
#include "pool.h"
#include "trace.h"

/* How many spares are kept: as many calls at a time allocate nothing. */
#define SPARES_MAX 64

enum thread_state { NO_THREAD, STARTING, RUNNING };

struct fcgi_pool {
    struct fcgi__forkable forkable; /* first: fork() finds the pool by it */
    struct fcgi_allocator allocator;
    struct fcgi_pool_config config;
    struct fcgi__address address;

    pthread_mutex_t lock;
    struct fcgi__pool_state slots;
    struct fcgi__turns own_turns; /* of calls whose host has given no others */
    struct fcgi__turns *turns;    /* those, and the hosts' */
    struct fcgi__cached_call *spares;
    int spare_count;
    enum thread_state thread;
    int64_t wakes; /* when the thread looks again by itself */
    struct fcgi__evictor evictor;
};

static void lock(struct fcgi_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
}

static void unlock(struct fcgi_pool *pool)
{
    (void)pthread_mutex_unlock(&pool->lock);
}

/* A fork() just now has left a copy in the child, which knows nothing of it;
 * the application is to see the end nevertheless. Where no connection is kept,
 * it is the application that closes. */
static void close_socket(struct fcgi_pool *pool,
                         struct fcgi__dropped_fd leaving)
{
    if (leaving.evicted) {
        fcgi__trace(&pool->config, FCGI_TRACE_EVICTED, leaving.fd, FCGI_OK);
    }
    if (leaving.fd >= 0 && pool->config.max_idle > 0) {
        fcgi__net_shutdown(leaving.fd);
    }
    fcgi__net_close(leaving.fd);
}

/* Close and free what was taken out of the lists. */
static void close_chain(struct fcgi_pool *pool, struct fcgi_connection *chain)
{
    while (chain != NULL) {
        struct fcgi_connection *next = chain->older;
        struct fcgi__dropped_fd leaving = {chain->fd, chain->evicted};
        if (chain->orphaned) {
            fcgi__net_close(chain->fd); /* the parent has it too */
        } else {
            close_socket(pool, leaving);
        }
        fcgi__release(&pool->allocator, chain);
        chain = next;
    }
}

/*
 * Leasing.
 */

/* Two threads may open it at a time. */
static int open_turns(struct fcgi_pool *pool, struct fcgi__turns *turns)
{
    int bell[2];
    bool was_open;

    if (fcgi__self_pipe_open(bell) != FCGI_OK) {
        return FCGI_ERR_SYSTEM;
    }
    lock(pool);
    was_open = turns->open;
    if (!was_open) {
        turns->open = true;
        turns->bell[0] = bell[0];
        turns->bell[1] = bell[1];
    }
    unlock(pool);
    if (was_open) {
        fcgi__self_pipe_close(bell);
    }
    return FCGI_OK;
}

static int bring(struct fcgi_pool *pool, int need,
                 struct fcgi_connection **blank, struct fcgi__waiter *waiter)
{
    if (need == FCGI__NEEDS_WAKEUP) {
        return waiter->turns == NULL ? fcgi__waiter_open(waiter)
                                     : open_turns(pool, waiter->turns);
    }
    *blank = fcgi__allocate(&pool->allocator, sizeof(**blank));
    if (*blank == NULL) {
        return FCGI_ERR_NO_MEMORY;
    }
    (void)fcgi__connection_empty(*blank);
    return FCGI_OK;
}

int fcgi__pool_acquire(struct fcgi_pool *pool, int64_t now, bool fresh,
                       struct fcgi__waiter *waiter,
                       struct fcgi_connection **connection)
{
    struct fcgi_connection *chain = NULL;
    struct fcgi_connection *blank = NULL;
    int brought = FCGI_OK;
    int rc = FCGI__NEEDS_SLOT;

    *connection = NULL;
    while (brought == FCGI_OK &&
           (rc == FCGI__NEEDS_SLOT || rc == FCGI__NEEDS_WAKEUP)) {
        lock(pool);
        rc = fcgi__pool_state_take(&pool->slots, now, fresh, &blank, waiter,
                                   connection, &chain);
        unlock(pool);
        if (rc == FCGI__NEEDS_SLOT || rc == FCGI__NEEDS_WAKEUP) {
            brought = bring(pool, rc, &blank, waiter);
        }
    }
    close_chain(pool, chain);
    fcgi__release(&pool->allocator, blank);
    if (rc != FCGI_WAIT) {
        fcgi__waiter_close(waiter);
    }
    return brought == FCGI_OK ? rc : brought;
}

struct fcgi__cached_call *fcgi__pool_take(struct fcgi_pool *pool, int64_t now,
                                          struct fcgi_connection **connection)
{
    struct fcgi_connection *chain = NULL;
    struct fcgi__cached_call *spare;

    lock(pool);
    spare = pool->spares;
    if (spare != NULL) {
        pool->spares = spare->next;
        pool->spare_count -= 1;
    }
    *connection = fcgi__pool_state_pop(&pool->slots, now, &chain);
    unlock(pool);
    close_chain(pool, chain);
    return spare;
}

void fcgi__pool_await_turn(struct fcgi_pool *pool, struct fcgi__waiter *waiter,
                           int64_t until)
{
    lock(pool);
    while (waiter->status == FCGI_WAIT && fcgi__now() < until) {
        fcgi__condition_wait(&waiter->turn, &pool->lock, until);
    }
    unlock(pool);
}

static void strike_from_turns(struct fcgi__waiter *waiter)
{
    if (waiter->turns != NULL) {
        fcgi__turns_remove(waiter->turns, waiter);
    }
}

int fcgi__pool_claim(struct fcgi_pool *pool, struct fcgi__waiter *waiter,
                     struct fcgi_connection **connection)
{
    int rc;

    lock(pool);
    strike_from_turns(waiter);
    rc = waiter->status;
    *connection = waiter->connection;
    unlock(pool);
    return rc;
}

void fcgi__pool_leave(struct fcgi_pool *pool, struct fcgi__waiter *waiter)
{
    struct fcgi_connection *had;

    lock(pool);
    if (waiter->status == FCGI_WAIT) {
        fcgi__queue_leave(&pool->slots.queue, waiter);
    }
    strike_from_turns(waiter);
    had = waiter->connection;
    unlock(pool);
    (void)fcgi__pool_return(pool, had, true, fcgi__now(), NULL);
}

int fcgi__pool_replace(struct fcgi_pool *pool, int64_t now, bool fresh,
                       struct fcgi_connection **connection)
{
    struct fcgi_connection *slot = *connection;
    struct fcgi_connection *chain = NULL;
    int dead;

    lock(pool);
    fcgi__pool_state_replace(&pool->slots, now, fresh, connection, &chain);
    dead = fcgi__connection_empty(slot);
    unlock(pool);
    close_chain(pool, chain);
    return dead;
}

void fcgi__pool_yield(struct fcgi_pool *pool,
                      struct fcgi_connection *connection)
{
    struct fcgi__dropped_fd leaving = {-1, true};

    lock(pool);
    fcgi__pool_state_yield(&pool->slots);
    leaving.fd = fcgi__connection_empty(connection);
    unlock(pool);
    close_socket(pool, leaving);
}

/*
 * Rescuing.
 */

void fcgi__pool_rescue(struct fcgi_pool *pool, bool first)
{
    struct fcgi_connection *chain = NULL;

    lock(pool);
    fcgi__pool_state_rescue(&pool->slots, first, &chain);
    unlock(pool);
    close_chain(pool, chain);
}

void fcgi__pool_end_rescue(struct fcgi_pool *pool)
{
    lock(pool);
    fcgi__pool_state_end_rescue(&pool->slots);
    unlock(pool);
}

/*
 * Turns.
 */

struct fcgi__turns *fcgi__pool_turns(struct fcgi_pool *pool)
{
    return &pool->own_turns;
}

static void link_turns(struct fcgi_pool *pool, struct fcgi__turns *turns)
{
    turns->next = pool->turns;
    pool->turns = turns;
}

int fcgi__pool_add_turns(struct fcgi_pool *pool, struct fcgi__turns *turns)
{
    int rc = open_turns(pool, turns);

    if (rc == FCGI_OK) {
        lock(pool);
        link_turns(pool, turns);
        unlock(pool);
    }
    return rc;
}

void fcgi__pool_remove_turns(struct fcgi_pool *pool, struct fcgi__turns *turns)
{
    struct fcgi__turns **link = &pool->turns;

    lock(pool);
    while (*link != turns) {
        link = &(*link)->next;
    }
    *link = turns->next;
    unlock(pool);
    fcgi__turns_close(turns);
}

struct fcgi_call *fcgi__pool_next_turn(struct fcgi_pool *pool,
                                       struct fcgi__turns *turns)
{
    struct fcgi_call *call = NULL;

    lock(pool);
    if (turns->first != NULL) {
        call = turns->first->call;
        fcgi__turns_remove(turns, turns->first);
    }
    unlock(pool);
    return call;
}

/*
 * Giving back.
 */

static struct fcgi__cached_call *keep_spare(struct fcgi_pool *pool,
                                            struct fcgi__cached_call *spare)
{
    if (spare == NULL || pool->spare_count >= SPARES_MAX) {
        return spare;
    }
    spare->next = pool->spares;
    pool->spares = spare;
    pool->spare_count += 1;
    return NULL;
}

/* What is to be done about the thread. */
enum thread_call { LEAVE_IT, START_IT, WAKE_IT };

/* Now that something may be idle, which may have less time left than all that
 * was. */
static enum thread_call call_thread(struct fcgi_pool *pool)
{
    int64_t expiry = fcgi__pool_state_newest_expiry(&pool->slots);

    if (expiry >= pool->wakes || pool->config.evict_by_host) {
        return LEAVE_IT;
    }
    pool->wakes = 0; /* called once, it looks at all of them */
    if (pool->thread == NO_THREAD) {
        pool->thread = STARTING;
        return START_IT;
    }
    return WAKE_IT;
}

static int64_t evict(void *context);

static void start_thread(struct fcgi_pool *pool)
{
    int rc = fcgi__evictor_start(&pool->evictor, evict, pool);

    lock(pool);
    if (rc == FCGI_OK) {
        pool->thread = RUNNING;
    } else {
        pool->thread = NO_THREAD;
        pool->wakes = FCGI__NEVER;
    }
    unlock(pool);
}

struct fcgi__cached_call *fcgi__pool_return(struct fcgi_pool *pool,
                                            struct fcgi_connection *connection,
                                            bool reusable, int64_t now,
                                            struct fcgi__cached_call *spare)
{
    struct fcgi_connection *chain = NULL;
    struct fcgi__dropped_fd leaving = {-1, false};
    enum thread_call call;

    lock(pool);
    if (connection != NULL) {
        fcgi__pool_state_give(&pool->slots, connection, reusable, now, &leaving,
                              &chain);
    }
    spare = keep_spare(pool, spare);
    call = call_thread(pool);
    unlock(pool);
    close_socket(pool, leaving);
    close_chain(pool, chain);
    if (call == START_IT) {
        start_thread(pool);
    } else if (call == WAKE_IT) {
        fcgi__evictor_ring(&pool->evictor);
    }
    return spare;
}

static void give(struct fcgi_pool *pool, struct fcgi_connection *connection,
                 bool reusable)
{
    if (pool != NULL && connection != NULL &&
        connection->lending == FCGI__CHECKED_OUT) {
        (void)fcgi__pool_return(pool, connection, reusable, fcgi__now(), NULL);
    }
}

void fcgi_pool_put(struct fcgi_pool *pool, struct fcgi_connection *connection)
{
    give(pool, connection, true);
}

void fcgi_pool_discard(struct fcgi_pool *pool,
                       struct fcgi_connection *connection)
{
    give(pool, connection, false);
}

/*
 * Evicting.
 */

/* One round of the thread's. */
static int64_t evict(void *context)
{
    struct fcgi_pool *pool = context;
    struct fcgi_connection *chain = NULL;
    int64_t next = FCGI__EVICTOR_ENDS;

    lock(pool);
    if (!pool->slots.closed) {
        next = fcgi__pool_state_evict(&pool->slots, fcgi__now(), &chain);
        pool->thread = RUNNING;
        pool->wakes = next;
    }
    unlock(pool);
    close_chain(pool, chain);
    return next;
}

int fcgi_pool_evict(struct fcgi_pool *pool)
{
    struct fcgi_connection *chain = NULL;
    int64_t now = fcgi__now();
    int64_t next;

    if (pool == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    lock(pool);
    next = fcgi__pool_state_evict(&pool->slots, now, &chain);
    unlock(pool);
    close_chain(pool, chain);
    return fcgi__milliseconds_until(next, now);
}

/*
 * Counting.
 */

const struct fcgi_pool_config *fcgi__pool_config(const struct fcgi_pool *pool)
{
    return &pool->config;
}

const struct fcgi__address *fcgi__pool_address(const struct fcgi_pool *pool)
{
    return &pool->address;
}

void fcgi_pool_get_stats(struct fcgi_pool *pool, struct fcgi_pool_stats *stats)
{
    if (pool == NULL || stats == NULL) {
        return;
    }
    lock(pool);
    fcgi__pool_state_count(&pool->slots, stats);
    unlock(pool);
}

bool fcgi__pool_is_lone(struct fcgi_pool *pool)
{
    bool is_lone;

    lock(pool);
    is_lone = pool->slots.connections.open_count == 1;
    unlock(pool);
    return is_lone;
}

bool fcgi__pool_count_dial(struct fcgi_pool *pool)
{
    bool is_lone;

    lock(pool);
    pool->slots.counts.dials += 1;
    is_lone = pool->slots.connections.open_count == 1;
    unlock(pool);
    return is_lone;
}

static void count(struct fcgi_pool *pool, uint64_t *counter)
{
    lock(pool);
    *counter += 1;
    unlock(pool);
}

void fcgi__pool_count_retry(struct fcgi_pool *pool)
{
    count(pool, &pool->slots.counts.retries);
}

void fcgi__pool_count_timeout(struct fcgi_pool *pool)
{
    count(pool, &pool->slots.counts.timeouts);
}

/*
 * Making and ending.
 */

/* In the child of a fork() the sockets, the waiters and the thread are the
 * parent's. */
static void forget_in_child(struct fcgi__forkable *forkable)
{
    struct fcgi_pool *pool = (struct fcgi_pool *)(void *)forkable;

    for (struct fcgi__turns *at = pool->turns; at != NULL; at = at->next) {
        fcgi__turns_forget(at);
    }
    fcgi__pool_state_forget(&pool->slots);
    if (pool->thread == RUNNING) {
        fcgi__evictor_forget(&pool->evictor);
    }
    pool->thread = NO_THREAD;
    pool->wakes = FCGI__NEVER;
}

static int set_up(struct fcgi_pool *pool, const char *address,
                  const struct fcgi_pool_config *config)
{
    int rc = fcgi__pool_config_resolve(&pool->config, config);

    if (rc == FCGI_OK) {
        rc = fcgi__address_parse(&pool->address, address);
    }
    if (rc != FCGI_OK) {
        return rc;
    }
    errno = pthread_mutex_init(&pool->lock, NULL);
    if (errno != 0) {
        return FCGI_ERR_SYSTEM;
    }
    fcgi__pool_state_init(&pool->slots, &pool->config);
    link_turns(pool, &pool->own_turns);
    pool->wakes = FCGI__NEVER;
    pool->forkable.lock = &pool->lock;
    pool->forkable.in_child = forget_in_child;
    rc = fcgi__fork_watch(&pool->forkable);
    if (rc != FCGI_OK) {
        (void)pthread_mutex_destroy(&pool->lock);
    }
    return rc;
}

int fcgi_pool_new(struct fcgi_pool **pool, const char *address,
                  const struct fcgi_pool_config *config)
{
    struct fcgi_allocator allocator;
    int rc;

    if (pool == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    *pool = NULL;
    rc = fcgi__allocator_init(&allocator,
                              config == NULL ? NULL : &config->allocator);
    if (address == NULL || rc != FCGI_OK) {
        return FCGI_ERR_ARGUMENT;
    }
    *pool = fcgi__allocate(&allocator, sizeof(**pool));
    if (*pool == NULL) {
        return FCGI_ERR_NO_MEMORY;
    }
    (*pool)->allocator = allocator;
    rc = set_up(*pool, address, config);
    if (rc != FCGI_OK) {
        fcgi__release(&allocator, *pool);
        *pool = NULL;
    }
    return rc;
}

void fcgi_pool_close(struct fcgi_pool *pool)
{
    struct fcgi_connection *chain = NULL;
    enum thread_state thread;

    if (pool == NULL) {
        return;
    }
    lock(pool);
    fcgi__pool_state_close(&pool->slots, &chain);
    thread = pool->thread;
    unlock(pool);
    close_chain(pool, chain);
    if (thread == RUNNING) {
        fcgi__evictor_ring(&pool->evictor);
    }
}

static void free_spares(struct fcgi_pool *pool)
{
    while (pool->spares != NULL) {
        struct fcgi__cached_call *spare = pool->spares;
        pool->spares = spare->next;
        spare->release(spare);
    }
}

void fcgi_pool_free(struct fcgi_pool *pool)
{
    struct fcgi_connection *chain = NULL;
    struct fcgi_allocator allocator;

    if (pool == NULL) {
        return;
    }
    fcgi_pool_close(pool);
    fcgi__fork_unwatch(&pool->forkable);
    if (pool->thread != NO_THREAD) {
        fcgi__evictor_join(&pool->evictor);
    }
    fcgi__pool_state_end(&pool->slots, &chain);
    close_chain(pool, chain);
    fcgi__turns_close(&pool->own_turns);
    free_spares(pool);
    (void)pthread_mutex_destroy(&pool->lock);
    allocator = pool->allocator;
    fcgi__release(&allocator, pool);
}
