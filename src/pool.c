/*
 * pool - the connections of one upstream: leased, idle, and waited for.
 *
 * While somebody waits nothing is idle and no slot is free: what comes back is
 * handed to the first in the queue.
 *
 * One lock guards all of it. No descriptor is made or closed, no memory had
 * and nobody's code called under it; the one system call made there wakes a
 * waiter, which might be gone once the lock is.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>

#include <fcgi_client/error.h>

#include "buffer.h"
#include "clock.h"
#include "evictor.h"
#include "fork.h"
#include "net.h"
#include "pool.h"

/* How many spares are kept: as many calls at a time allocate nothing. */
#define SPARES_MAX 64

/* What a caller must bring before a slot or a place in the queue can be had:
 * neither is made under the lock. */
enum need { NEEDS_BLANK = 2, NEEDS_PIPE = 3 };

enum thread_state { NO_THREAD, STARTING, AWAKE, SLEEPS_FOR_EVER };

struct fcgi_pool {
    struct fcgi__forkable forkable; /* first: fork() finds the pool by it */
    struct fcgi_allocator allocator;
    struct fcgi_pool_config config;
    struct fcgi__address address;

    pthread_mutex_t lock;
    bool closed;
    unsigned epoch; /* grows when a connection is found dead */
    struct fcgi__connections connections;
    struct fcgi__queue queue;
    struct fcgi__spare *spares;
    int spare_count;
    struct fcgi_pool_stats counts; /* but idle, open and waiting */
    enum thread_state thread;
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

void fcgi__pool_trace(const struct fcgi_pool *pool,
                      const struct fcgi_trace_event *event)
{
    if (pool->config.trace != NULL) {
        pool->config.trace(pool->config.trace_context, event);
    }
}

/* A socket that is to be closed once no lock is held. */
struct leaving {
    int fd; /* -1: none */
    bool evicted;
};

static void close_socket(struct fcgi_pool *pool, struct leaving leaving)
{
    struct fcgi_trace_event event = {.kind = FCGI_TRACE_EVICTED};

    if (leaving.evicted) {
        event.fd = leaving.fd;
        fcgi__pool_trace(pool, &event);
    }
    fcgi__net_close(leaving.fd);
}

/* Close and free what was taken out of the lists. */
static void close_chain(struct fcgi_pool *pool, struct fcgi_connection *chain)
{
    while (chain != NULL) {
        struct fcgi_connection *next = chain->older;
        struct leaving leaving = {chain->fd, chain->evicted};
        close_socket(pool, leaving);
        fcgi__release(&pool->allocator, chain);
        chain = next;
    }
}

/*
 * Leasing.
 */

/* When an idle connection's time is over, or its age. */
static int64_t expiry(const struct fcgi_pool *pool,
                      const struct fcgi_connection *c)
{
    int64_t idle = fcgi__after(c->idle_since, pool->config.idle_timeout_ms);
    int64_t age = fcgi__after(c->dialled, pool->config.max_age_ms);

    return idle < age ? idle : age;
}

static void note_eviction(struct fcgi_pool *pool, struct fcgi_connection *c)
{
    pool->counts.evictions += 1;
    c->evicted = true;
}

static void evict_idle(struct fcgi_pool *pool, struct fcgi_connection *c,
                       struct fcgi_connection **chain)
{
    note_eviction(pool, c);
    fcgi__connections_remove_idle(&pool->connections, c);
    fcgi__connections_doom(&pool->connections, c, chain);
}

static void lend_again(struct fcgi_pool *pool, struct fcgi_connection *c,
                       bool suspect)
{
    c->reused = true;
    c->suspect = suspect;
    pool->counts.reuses += 1;
}

/* The newest idle connection whose time is not over. */
static struct fcgi_connection *pop_idle(struct fcgi_pool *pool, int64_t now,
                                        struct fcgi_connection **chain)
{
    struct fcgi_connection *c;

    for (c = pool->connections.newest; c != NULL;
         c = pool->connections.newest) {
        if (expiry(pool, c) > now) {
            fcgi__connections_remove_idle(&pool->connections, c);
            lend_again(pool, c, c->epoch != pool->epoch);
            break;
        }
        evict_idle(pool, c, chain);
    }
    return c;
}

static bool is_full(const struct fcgi_pool *pool)
{
    return pool->connections.open_count >= (size_t)pool->config.max_open;
}

static int join_queue(struct fcgi_pool *pool, struct fcgi__waiter *waiter)
{
    if (pool->queue.count >= (size_t)pool->config.max_waiting) {
        return FCGI_ERR_QUEUE_FULL;
    }
    if (!waiter->open) {
        return NEEDS_PIPE;
    }
    fcgi__queue_join(&pool->queue, waiter);
    return FCGI_WAIT;
}

/* An idle connection, else an empty slot, else a place in the queue. */
static int take_slot(struct fcgi_pool *pool, int64_t now, bool fresh,
                     struct fcgi_connection **blank,
                     struct fcgi__waiter *waiter,
                     struct fcgi_connection **connection,
                     struct fcgi_connection **chain)
{
    if (pool->closed) {
        return FCGI_ERR_POOL_CLOSED;
    }
    if (!fresh) {
        *connection = pop_idle(pool, now, chain);
        if (*connection != NULL) {
            return FCGI_OK;
        }
    } else if (is_full(pool) && pool->connections.oldest != NULL) {
        evict_idle(pool, pool->connections.oldest, chain);
    }
    if (is_full(pool)) {
        return join_queue(pool, waiter);
    }
    if (*blank == NULL) {
        return NEEDS_BLANK;
    }
    *connection = *blank;
    *blank = NULL;
    fcgi__connections_add(&pool->connections, *connection);
    return FCGI_OK;
}

static int bring(struct fcgi_pool *pool, int need,
                 struct fcgi_connection **blank, struct fcgi__waiter *waiter)
{
    if (need == NEEDS_PIPE) {
        return fcgi__waiter_open(waiter);
    }
    *blank = fcgi__allocate(&pool->allocator, sizeof(**blank));
    if (*blank == NULL) {
        return FCGI_ERR_NO_MEMORY;
    }
    (void)fcgi__connection_empty(*blank);
    return FCGI_OK;
}

int fcgi__pool_lease(struct fcgi_pool *pool, int64_t now, bool fresh,
                     struct fcgi__waiter *waiter,
                     struct fcgi_connection **connection)
{
    struct fcgi_connection *chain = NULL;
    struct fcgi_connection *blank = NULL;
    int brought = FCGI_OK;
    int rc = NEEDS_BLANK;

    *connection = NULL;
    while (brought == FCGI_OK && (rc == NEEDS_BLANK || rc == NEEDS_PIPE)) {
        lock(pool);
        rc = take_slot(pool, now, fresh, &blank, waiter, connection, &chain);
        unlock(pool);
        if (rc == NEEDS_BLANK || rc == NEEDS_PIPE) {
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

struct fcgi__spare *fcgi__pool_take(struct fcgi_pool *pool, int64_t now,
                                    struct fcgi_connection **connection)
{
    struct fcgi_connection *chain = NULL;
    struct fcgi__spare *spare;

    lock(pool);
    spare = pool->spares;
    if (spare != NULL) {
        pool->spares = spare->next;
        pool->spare_count -= 1;
    }
    if (connection != NULL) {
        *connection = pop_idle(pool, now, &chain);
    }
    unlock(pool);
    close_chain(pool, chain);
    return spare;
}

int fcgi__pool_claim(struct fcgi_pool *pool, struct fcgi__waiter *waiter,
                     struct fcgi_connection **connection)
{
    int rc;

    lock(pool);
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
        fcgi__queue_leave(&pool->queue, waiter);
    }
    had = waiter->connection;
    unlock(pool);
    (void)fcgi__pool_return(pool, had, true, fcgi__now(), NULL);
}

int fcgi__pool_replace(struct fcgi_pool *pool, int64_t now, bool fresh,
                       struct fcgi_connection **connection)
{
    int dead = fcgi__connection_empty(*connection);
    struct fcgi_connection *chain = NULL;
    struct fcgi_connection *other = NULL;

    lock(pool);
    pool->epoch += 1;
    pool->counts.stale += 1;
    if (!fresh) {
        other = pop_idle(pool, now, &chain);
    }
    if (other != NULL) {
        fcgi__connections_doom(&pool->connections, *connection, &chain);
        *connection = other;
    }
    unlock(pool);
    close_chain(pool, chain);
    return dead;
}

/*
 * Giving back.
 */

/* Its call may have ended long before it comes back. */
static bool is_too_old(const struct fcgi_pool *pool,
                       const struct fcgi_connection *c)
{
    int max_age = pool->config.max_age_ms;

    return max_age >= 0 && fcgi__after(c->dialled, max_age) <= fcgi__now();
}

static bool is_spent(const struct fcgi_pool *pool,
                     const struct fcgi_connection *c)
{
    return c->requests >= pool->config.max_requests || is_too_old(pool, c);
}

static bool has_room(const struct fcgi_pool *pool)
{
    return pool->queue.count > 0 ||
           pool->connections.idle_count < (size_t)pool->config.max_idle;
}

static bool may_be_kept(struct fcgi_pool *pool, struct fcgi_connection *c)
{
    if (c->fd < 0 || c->orphaned || pool->closed ||
        pool->config.max_idle == 0) {
        return false;
    }
    if (is_spent(pool, c) || !has_room(pool)) {
        note_eviction(pool, c);
        return false;
    }
    return true;
}

/* The slot of a connection that comes back goes to the first who waits, with
 * its socket or without. */
static void pass_on(struct fcgi_pool *pool, struct fcgi_connection *c,
                    bool kept, struct leaving *leaving)
{
    if (kept) {
        lend_again(pool, c, c->suspect);
    } else {
        leaving->evicted = c->evicted;
        leaving->fd = fcgi__connection_empty(c);
    }
    fcgi__queue_serve(&pool->queue, c, FCGI_OK);
}

static void take_back(struct fcgi_pool *pool, struct fcgi_connection *c,
                      bool reusable, struct leaving *leaving,
                      struct fcgi_connection **chain)
{
    bool kept = reusable && may_be_kept(pool, c);

    if (pool->queue.count > 0 && !c->orphaned) {
        pass_on(pool, c, kept, leaving);
    } else if (kept) {
        /* One that no request was begun on is no less suspect. */
        c->epoch = c->suspect ? pool->epoch - 1 : pool->epoch;
        fcgi__connections_push_idle(&pool->connections, c);
    } else {
        fcgi__connections_doom(&pool->connections, c, chain);
    }
}

static struct fcgi__spare *keep_spare(struct fcgi_pool *pool,
                                      struct fcgi__spare *spare)
{
    if (spare == NULL || pool->spare_count >= SPARES_MAX) {
        return spare;
    }
    spare->next = pool->spares;
    pool->spares = spare;
    pool->spare_count += 1;
    return NULL;
}

/* What is to be done about the thread, now that something may be idle: start
 * it, wake it, or nothing, told by the state it was in. */
static enum thread_state call_thread(struct fcgi_pool *pool)
{
    const struct fcgi_connection *newest = pool->connections.newest;
    enum thread_state before = pool->thread;

    if (newest == NULL || pool->config.evict_by_host ||
        expiry(pool, newest) == FCGI__NEVER) {
        return AWAKE;
    }
    if (before == NO_THREAD) {
        pool->thread = STARTING;
    } else if (before == SLEEPS_FOR_EVER) {
        pool->thread = AWAKE;
    }
    return before;
}

static int64_t evict(void *context);

static void start_thread(struct fcgi_pool *pool)
{
    int rc = fcgi__evictor_start(&pool->evictor, evict, pool);

    lock(pool);
    if (pool->thread == STARTING) {
        pool->thread = rc == FCGI_OK ? AWAKE : NO_THREAD;
    }
    unlock(pool);
}

struct fcgi__spare *fcgi__pool_return(struct fcgi_pool *pool,
                                      struct fcgi_connection *connection,
                                      bool reusable, int64_t now,
                                      struct fcgi__spare *spare)
{
    struct fcgi_connection *chain = NULL;
    struct leaving leaving = {-1, false};
    enum thread_state thread;

    lock(pool);
    if (connection != NULL) {
        connection->idle_since = now;
        take_back(pool, connection, reusable, &leaving, &chain);
    }
    spare = keep_spare(pool, spare);
    thread = call_thread(pool);
    unlock(pool);
    close_socket(pool, leaving);
    close_chain(pool, chain);
    if (thread == NO_THREAD) {
        start_thread(pool);
    } else if (thread == SLEEPS_FOR_EVER) {
        fcgi__evictor_ring(&pool->evictor);
    }
    return spare;
}

static void give(struct fcgi_pool *pool, struct fcgi_connection *connection,
                 bool reusable)
{
    if (pool != NULL && connection != NULL &&
        connection->lending == FCGI__LEASED) {
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

/* Take out what is over; returns when the next one will be. */
static int64_t evict_expired(struct fcgi_pool *pool, int64_t now,
                             struct fcgi_connection **chain)
{
    struct fcgi_connection *c = pool->connections.oldest;
    int64_t next = FCGI__NEVER;

    while (c != NULL) {
        struct fcgi_connection *newer = c->newer;
        int64_t moment = expiry(pool, c);
        if (moment <= now) {
            evict_idle(pool, c, chain);
        } else if (moment < next) {
            next = moment;
        }
        c = newer;
    }
    return next;
}

/* One round of the thread's. */
static int64_t evict(void *context)
{
    struct fcgi_pool *pool = context;
    struct fcgi_connection *chain = NULL;
    int64_t next = FCGI__EVICTOR_ENDS;

    lock(pool);
    if (!pool->closed) {
        next = evict_expired(pool, fcgi__now(), &chain);
        pool->thread = next == FCGI__NEVER ? SLEEPS_FOR_EVER : AWAKE;
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
    next = evict_expired(pool, now, &chain);
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
    *stats = pool->counts;
    stats->idle = pool->connections.idle_count;
    stats->open = pool->connections.open_count;
    stats->waiting = pool->queue.count;
    unlock(pool);
}

static void count(struct fcgi_pool *pool, uint64_t *counter)
{
    lock(pool);
    *counter += 1;
    unlock(pool);
}

void fcgi__pool_count_dial(struct fcgi_pool *pool)
{
    count(pool, &pool->counts.dials);
}

void fcgi__pool_count_retry(struct fcgi_pool *pool)
{
    count(pool, &pool->counts.retries);
}

void fcgi__pool_count_timeout(struct fcgi_pool *pool)
{
    count(pool, &pool->counts.timeouts);
}

/*
 * Making and ending.
 */

/* In the child of a fork() the sockets, the waiters and the thread are the
 * parent's. */
static void forget_in_child(struct fcgi__forkable *forkable)
{
    struct fcgi_pool *pool = (struct fcgi_pool *)(void *)forkable;

    fcgi__connections_orphan(&pool->connections);
    fcgi__queue_forget(&pool->queue, FCGI_ERR_POOL_CLOSED);
    if (pool->thread == AWAKE || pool->thread == SLEEPS_FOR_EVER) {
        fcgi__evictor_forget(&pool->evictor);
    }
    pool->thread = NO_THREAD;
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
    if (pthread_mutex_init(&pool->lock, NULL) != 0) {
        return FCGI_ERR_SYSTEM;
    }
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
    pool->closed = true;
    while (pool->connections.newest != NULL) {
        struct fcgi_connection *c = pool->connections.newest;
        fcgi__connections_remove_idle(&pool->connections, c);
        fcgi__connections_doom(&pool->connections, c, &chain);
    }
    while (pool->queue.count > 0) {
        fcgi__queue_serve(&pool->queue, NULL, FCGI_ERR_POOL_CLOSED);
    }
    thread = pool->thread;
    unlock(pool);
    close_chain(pool, chain);
    if (thread == AWAKE || thread == SLEEPS_FOR_EVER) {
        fcgi__evictor_ring(&pool->evictor);
    }
}

static void free_connections(struct fcgi_pool *pool)
{
    struct fcgi_connection *chain = NULL;

    while (pool->connections.open != NULL) {
        fcgi__connections_doom(&pool->connections, pool->connections.open,
                               &chain);
    }
    close_chain(pool, chain);
}

static void free_spares(struct fcgi_pool *pool)
{
    while (pool->spares != NULL) {
        struct fcgi__spare *spare = pool->spares;
        pool->spares = spare->next;
        spare->release(spare);
    }
}

void fcgi_pool_free(struct fcgi_pool *pool)
{
    struct fcgi_allocator allocator;

    if (pool == NULL) {
        return;
    }
    fcgi_pool_close(pool);
    fcgi__fork_unwatch(&pool->forkable);
    if (pool->thread != NO_THREAD) {
        fcgi__evictor_join(&pool->evictor);
    }
    free_connections(pool);
    free_spares(pool);
    (void)pthread_mutex_destroy(&pool->lock);
    allocator = pool->allocator;
    fcgi__release(&allocator, pool);
}
