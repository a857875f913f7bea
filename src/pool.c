/*
 * pool - the connections of one upstream, and who waits for one.
 *
 *     idle:     newest <-> ... <-> oldest      taken from the left, evicted
 *                                              from the right
 *     waiters:  first -> ... -> last           served in order; while there is
 *                                              one, nothing is idle
 *     open:     every connection, idle or leased
 *
 * One lock guards all of it. No descriptor is closed and nobody's code is
 * called under it; the one system call made there wakes a waiter, which might
 * be gone once the lock is.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

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
 * neither memory nor a pipe is made under the lock. */
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
    struct fcgi_pool_stats stats;
    struct fcgi_connection *newest, *oldest;
    struct fcgi_connection *all;
    struct fcgi__waiter *first, *last;
    struct fcgi__spare *spares;
    int spare_count;
    enum thread_state thread;
    struct fcgi__evictor evictor;
};

/*
 * Lists. A chain is a list of connections that were taken out of all others,
 * linked by `older`, to be closed once the lock is released.
 */

static void add_to_all(struct fcgi_pool *pool, struct fcgi_connection *c)
{
    c->previous = NULL;
    c->next = pool->all;
    if (c->next != NULL) {
        c->next->previous = c;
    }
    pool->all = c;
    pool->stats.open += 1;
}

static void remove_from_all(struct fcgi_pool *pool, struct fcgi_connection *c)
{
    *(c->previous == NULL ? &pool->all : &c->previous->next) = c->next;
    if (c->next != NULL) {
        c->next->previous = c->previous;
    }
    pool->stats.open -= c->orphaned ? 0 : 1;
}

static void push_idle(struct fcgi_pool *pool, struct fcgi_connection *c)
{
    c->lending = FCGI__IDLE;
    c->epoch = pool->epoch;
    c->newer = NULL;
    c->older = pool->newest;
    *(c->older == NULL ? &pool->oldest : &c->older->newer) = c;
    pool->newest = c;
    pool->stats.idle += 1;
}

static void remove_idle(struct fcgi_pool *pool, struct fcgi_connection *c)
{
    *(c->newer == NULL ? &pool->newest : &c->newer->older) = c->older;
    *(c->older == NULL ? &pool->oldest : &c->older->newer) = c->newer;
    c->lending = FCGI__LEASED;
    pool->stats.idle -= 1;
}

static void doom(struct fcgi_pool *pool, struct fcgi_connection *c,
                 struct fcgi_connection **chain)
{
    remove_from_all(pool, c);
    c->older = *chain;
    *chain = c;
}

static void close_chain(struct fcgi_pool *pool, struct fcgi_connection *chain)
{
    while (chain != NULL) {
        struct fcgi_connection *next = chain->older;
        fcgi__net_close(chain->fd);
        fcgi__release(&pool->allocator, chain);
        chain = next;
    }
}

/* Make a slot as good as new; the socket it had is the caller's to close. */
static int empty_slot(struct fcgi_connection *c)
{
    int fd = c->fd;

    c->fd = -1;
    c->reused = false;
    c->suspect = false;
    c->last_id = 0;
    c->requests = 0;
    return fd;
}

/* When an idle connection's time is over, or its age. */
static int64_t expiry(const struct fcgi_pool *pool,
                      const struct fcgi_connection *c)
{
    int64_t idle = fcgi__after(c->idle_since, pool->config.idle_timeout_ms);
    int64_t age = fcgi__after(c->dialled, pool->config.max_age_ms);

    return idle < age ? idle : age;
}

/* The idle connection used last whose time is not over; those passed over go
 * to the chain. */
static struct fcgi_connection *pop_idle(struct fcgi_pool *pool, int64_t now,
                                        struct fcgi_connection **chain)
{
    while (pool->newest != NULL) {
        struct fcgi_connection *c = pool->newest;
        remove_idle(pool, c);
        if (expiry(pool, c) > now) {
            c->reused = true;
            c->suspect = c->epoch != pool->epoch;
            pool->stats.reuses += 1;
            return c;
        }
        pool->stats.evictions += 1;
        doom(pool, c, chain);
    }
    return NULL;
}

/*
 * Waiters.
 */

static void wake(struct fcgi__waiter *waiter, int status)
{
    waiter->status = status;
    fcgi__net_ring(waiter->pipe[1]);
}

static void serve_first(struct fcgi_pool *pool, struct fcgi_connection *c)
{
    struct fcgi__waiter *waiter = pool->first;

    pool->first = waiter->next;
    if (pool->first == NULL) {
        pool->last = NULL;
    }
    pool->stats.waiting -= 1;
    waiter->connection = c;
    wake(waiter, FCGI_OK);
}

static int queue(struct fcgi_pool *pool, struct fcgi__waiter *waiter)
{
    if (pool->stats.waiting >= (size_t)pool->config.max_waiting) {
        return FCGI_ERR_QUEUE_FULL;
    }
    waiter->next = NULL;
    waiter->connection = NULL;
    waiter->status = FCGI_WAIT;
    *(pool->last == NULL ? &pool->first : &pool->last->next) = waiter;
    pool->last = waiter;
    pool->stats.waiting += 1;
    return FCGI_WAIT;
}

static void unqueue(struct fcgi_pool *pool, struct fcgi__waiter *waiter)
{
    struct fcgi__waiter **link = &pool->first;
    struct fcgi__waiter *before = NULL;

    while (*link != waiter) {
        before = *link;
        link = &before->next;
    }
    *link = waiter->next;
    if (pool->last == waiter) {
        pool->last = before;
    }
    pool->stats.waiting -= 1;
}

void fcgi__waiter_close(struct fcgi__waiter *waiter)
{
    if (waiter->open) {
        fcgi__net_close(waiter->pipe[0]);
        fcgi__net_close(waiter->pipe[1]);
        waiter->open = false;
    }
}

/*
 * Leasing.
 */

static bool is_full(const struct fcgi_pool *pool)
{
    return pool->stats.open >= (size_t)pool->config.max_open;
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
    if (pool->first == NULL && !fresh) {
        *connection = pop_idle(pool, now, chain);
    }
    if (*connection != NULL) {
        return FCGI_OK;
    }
    if (fresh && pool->oldest != NULL && is_full(pool)) {
        struct fcgi_connection *oldest = pool->oldest;
        remove_idle(pool, oldest);
        doom(pool, oldest, chain);
    }
    if (pool->first != NULL || is_full(pool)) {
        return waiter->open ? queue(pool, waiter) : NEEDS_PIPE;
    }
    if (*blank == NULL) {
        return NEEDS_BLANK;
    }
    *connection = *blank;
    *blank = NULL;
    add_to_all(pool, *connection);
    return FCGI_OK;
}

static int bring_blank(const struct fcgi_pool *pool,
                       struct fcgi_connection **blank)
{
    *blank = fcgi__allocate(&pool->allocator, sizeof(**blank));
    if (*blank == NULL) {
        return FCGI_ERR_NO_MEMORY;
    }
    (void)empty_slot(*blank);
    return FCGI_OK;
}

static int bring_pipe(struct fcgi__waiter *waiter)
{
    int rc = fcgi__net_pipe(waiter->pipe);

    waiter->open = rc == FCGI_OK;
    return rc;
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
        (void)pthread_mutex_lock(&pool->lock);
        rc = take_slot(pool, now, fresh, &blank, waiter, connection, &chain);
        (void)pthread_mutex_unlock(&pool->lock);
        if (rc == NEEDS_BLANK) {
            brought = bring_blank(pool, &blank);
        } else if (rc == NEEDS_PIPE) {
            brought = bring_pipe(waiter);
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

    (void)pthread_mutex_lock(&pool->lock);
    spare = pool->spares;
    if (spare != NULL) {
        pool->spares = spare->next;
        pool->spare_count -= 1;
    }
    *connection = pop_idle(pool, now, &chain);
    (void)pthread_mutex_unlock(&pool->lock);
    close_chain(pool, chain);
    return spare;
}

int fcgi__pool_claim(struct fcgi_pool *pool, struct fcgi__waiter *waiter,
                     struct fcgi_connection **connection)
{
    int rc;

    (void)pthread_mutex_lock(&pool->lock);
    rc = waiter->status;
    *connection = waiter->connection;
    (void)pthread_mutex_unlock(&pool->lock);
    if (rc != FCGI_WAIT) {
        fcgi__waiter_close(waiter);
    }
    return rc;
}

void fcgi__pool_leave(struct fcgi_pool *pool, struct fcgi__waiter *waiter)
{
    struct fcgi_connection *granted;

    (void)pthread_mutex_lock(&pool->lock);
    if (waiter->status == FCGI_WAIT) {
        unqueue(pool, waiter);
    }
    granted = waiter->connection;
    (void)pthread_mutex_unlock(&pool->lock);
    fcgi__waiter_close(waiter);
    if (granted != NULL) {
        (void)fcgi__pool_return(pool, granted, granted->fd >= 0, fcgi__now(),
                                NULL);
    }
}

void fcgi__pool_replace(struct fcgi_pool *pool, int64_t now, bool fresh,
                        struct fcgi_connection **connection)
{
    struct fcgi_connection *chain = NULL;
    struct fcgi_connection *other = NULL;
    int dead = empty_slot(*connection);

    (void)pthread_mutex_lock(&pool->lock);
    pool->epoch += 1;
    pool->stats.stale += 1;
    if (!fresh) {
        other = pop_idle(pool, now, &chain);
    }
    if (other != NULL) {
        doom(pool, *connection, &chain);
        *connection = other;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    fcgi__net_close(dead);
    close_chain(pool, chain);
}

void fcgi__pool_dialling(struct fcgi_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    pool->stats.dials += 1;
    (void)pthread_mutex_unlock(&pool->lock);
}

/*
 * Giving back.
 */

static bool is_spent(const struct fcgi_pool *pool,
                     const struct fcgi_connection *c)
{
    return c->requests >= pool->config.max_requests ||
           fcgi__after(c->dialled, pool->config.max_age_ms) <= c->idle_since;
}

static bool may_be_kept(struct fcgi_pool *pool, const struct fcgi_connection *c)
{
    if (pool->closed || pool->config.max_idle == 0) {
        return false;
    }
    if (is_spent(pool, c) ||
        (pool->first == NULL &&
         pool->stats.idle >= (size_t)pool->config.max_idle)) {
        pool->stats.evictions += 1;
        return false;
    }
    return true;
}

/* Where a connection goes that comes back; what is to be closed: a socket, or
 * a whole connection. */
static void take_back(struct fcgi_pool *pool, struct fcgi_connection *c,
                      bool reusable, int *fd, struct fcgi_connection **chain)
{
    bool kept = reusable && !c->orphaned && may_be_kept(pool, c);

    if (kept && pool->first == NULL) {
        push_idle(pool, c);
        return;
    }
    if (pool->first == NULL || pool->closed || c->orphaned) {
        doom(pool, c, chain);
        return;
    }
    if (kept) {
        c->reused = true;
        c->suspect = false;
        pool->stats.reuses += 1;
    } else {
        *fd = empty_slot(c);
    }
    serve_first(pool, c);
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

/* What the eviction thread needs now that something may be idle. */
static enum thread_state call_thread(struct fcgi_pool *pool)
{
    enum thread_state before = pool->thread;

    if (pool->newest == NULL || pool->config.evict_by_host || pool->closed ||
        expiry(pool, pool->newest) == FCGI__NEVER) {
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

    (void)pthread_mutex_lock(&pool->lock);
    if (pool->thread == STARTING) {
        pool->thread = rc == FCGI_OK ? AWAKE : NO_THREAD;
    }
    (void)pthread_mutex_unlock(&pool->lock);
}

struct fcgi__spare *fcgi__pool_return(struct fcgi_pool *pool,
                                      struct fcgi_connection *connection,
                                      bool reusable, int64_t now,
                                      struct fcgi__spare *spare)
{
    struct fcgi_connection *chain = NULL;
    enum thread_state thread;
    int fd = -1;

    (void)pthread_mutex_lock(&pool->lock);
    if (connection != NULL) {
        connection->idle_since = now;
        take_back(pool, connection, reusable && connection->fd >= 0, &fd,
                  &chain);
    }
    spare = keep_spare(pool, spare);
    thread = call_thread(pool);
    (void)pthread_mutex_unlock(&pool->lock);
    fcgi__net_close(fd);
    close_chain(pool, chain);
    if (thread == NO_THREAD) {
        start_thread(pool);
    } else if (thread == SLEEPS_FOR_EVER) {
        fcgi__evictor_ring(&pool->evictor);
    }
    return spare;
}

/*
 * Evicting.
 */

static int64_t next_expiry(const struct fcgi_pool *pool)
{
    int64_t next = FCGI__NEVER;

    for (const struct fcgi_connection *c = pool->oldest; c != NULL;
         c = c->newer) {
        int64_t moment = expiry(pool, c);
        next = moment < next ? moment : next;
    }
    return next;
}

static void doom_expired(struct fcgi_pool *pool, int64_t now,
                         struct fcgi_connection **chain)
{
    struct fcgi_connection *newer;

    for (struct fcgi_connection *c = pool->oldest; c != NULL; c = newer) {
        newer = c->newer;
        if (expiry(pool, c) <= now) {
            pool->stats.evictions += 1;
            remove_idle(pool, c);
            doom(pool, c, chain);
        }
    }
}

/* One round of the thread's. */
static int64_t evict(void *context)
{
    struct fcgi_pool *pool = context;
    struct fcgi_connection *chain = NULL;
    int64_t next = FCGI__EVICTOR_ENDS;

    (void)pthread_mutex_lock(&pool->lock);
    if (!pool->closed) {
        doom_expired(pool, fcgi__now(), &chain);
        next = next_expiry(pool);
        pool->thread = next == FCGI__NEVER ? SLEEPS_FOR_EVER : AWAKE;
    }
    (void)pthread_mutex_unlock(&pool->lock);
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
    (void)pthread_mutex_lock(&pool->lock);
    doom_expired(pool, now, &chain);
    next = next_expiry(pool);
    (void)pthread_mutex_unlock(&pool->lock);
    close_chain(pool, chain);
    return fcgi__milliseconds_until(next, now);
}

/*
 * Making and ending.
 */

void fcgi_pool_config_init(struct fcgi_pool_config *config)
{
    if (config == NULL) {
        return;
    }
    memset(config, 0, sizeof(*config));
    config->max_idle = 32;
    config->idle_timeout_ms = 30000;
    config->max_age_ms = -1;
    config->max_requests = -1;
    config->max_open = -1;
    config->max_waiting = 1024;
    config->queue_timeout_ms = -1;
    config->connect_timeout_ms = 5000;
}

static void resolve(int *option, int standard, int off)
{
    if (*option == 0) {
        *option = standard;
    }
    if (*option == -1) {
        *option = off;
    }
}

static int resolve_config(struct fcgi_pool_config *config,
                          const struct fcgi_pool_config *options)
{
    struct fcgi_pool_config standard;

    fcgi_pool_config_init(&standard);
    *config = options == NULL ? standard : *options;
    if (config->max_idle < -1 || config->idle_timeout_ms < -1 ||
        config->max_age_ms < -1 || config->max_requests < -1 ||
        config->max_open < -1 || config->max_waiting < -1 ||
        config->queue_timeout_ms < -1 || config->connect_timeout_ms < -1) {
        return FCGI_ERR_ARGUMENT;
    }
    resolve(&config->max_idle, standard.max_idle, 0);
    resolve(&config->idle_timeout_ms, standard.idle_timeout_ms, -1);
    resolve(&config->max_age_ms, standard.max_age_ms, -1);
    resolve(&config->max_requests, standard.max_requests, INT_MAX);
    resolve(&config->max_open, standard.max_open, INT_MAX);
    resolve(&config->max_waiting, standard.max_waiting, INT_MAX);
    resolve(&config->queue_timeout_ms, standard.queue_timeout_ms, -1);
    resolve(&config->connect_timeout_ms, standard.connect_timeout_ms, -1);
    return FCGI_OK;
}

/* In the child of a fork(): the sockets are the parent's. Its copies are
 * closed, which shuts nothing down; memory stays until the pool is freed. */
static void forget_in_child(struct fcgi__forkable *forkable)
{
    struct fcgi_pool *pool = (struct fcgi_pool *)(void *)forkable;

    for (struct fcgi_connection *c = pool->all; c != NULL; c = c->next) {
        fcgi__net_close(c->fd);
        c->fd = -1;
        c->orphaned = true;
    }
    for (struct fcgi__waiter *at = pool->first; at != NULL; at = at->next) {
        at->status = FCGI_ERR_POOL_CLOSED;
    }
    if (pool->thread == AWAKE || pool->thread == SLEEPS_FOR_EVER) {
        fcgi__evictor_forget(&pool->evictor);
    }
    pool->thread = NO_THREAD;
    pool->newest = pool->oldest = NULL;
    pool->first = pool->last = NULL;
    pool->stats.idle = pool->stats.open = pool->stats.waiting = 0;
}

int fcgi_pool_new(struct fcgi_pool **pool, const char *address,
                  const struct fcgi_pool_config *config)
{
    struct fcgi_allocator allocator;
    struct fcgi_pool *made;
    int rc;

    if (pool == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    *pool = NULL;
    if (address == NULL ||
        fcgi__allocator_init(&allocator,
                             config == NULL ? NULL : &config->allocator) !=
            FCGI_OK) {
        return FCGI_ERR_ARGUMENT;
    }
    made = fcgi__allocate(&allocator, sizeof(*made));
    if (made == NULL) {
        return FCGI_ERR_NO_MEMORY;
    }
    made->allocator = allocator;
    made->forkable.lock = &made->lock;
    made->forkable.in_child = forget_in_child;
    rc = resolve_config(&made->config, config);
    if (rc == FCGI_OK) {
        rc = fcgi__address_parse(&made->address, address);
    }
    if (rc == FCGI_OK && pthread_mutex_init(&made->lock, NULL) != 0) {
        rc = FCGI_ERR_SYSTEM;
    }
    if (rc != FCGI_OK) {
        goto fail;
    }
    rc = fcgi__fork_watch(&made->forkable);
    if (rc != FCGI_OK) {
        (void)pthread_mutex_destroy(&made->lock);
        goto fail;
    }
    *pool = made;
    return FCGI_OK;
fail:
    fcgi__release(&allocator, made);
    return rc;
}

void fcgi_pool_close(struct fcgi_pool *pool)
{
    struct fcgi_connection *chain = NULL;
    enum thread_state thread;

    if (pool == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&pool->lock);
    pool->closed = true;
    while (pool->newest != NULL) {
        struct fcgi_connection *c = pool->newest;
        remove_idle(pool, c);
        doom(pool, c, &chain);
    }
    while (pool->first != NULL) {
        struct fcgi__waiter *waiter = pool->first;
        unqueue(pool, waiter);
        wake(waiter, FCGI_ERR_POOL_CLOSED);
    }
    thread = pool->thread;
    (void)pthread_mutex_unlock(&pool->lock);
    close_chain(pool, chain);
    if (thread == AWAKE || thread == SLEEPS_FOR_EVER) {
        fcgi__evictor_ring(&pool->evictor);
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
    while (pool->all != NULL) {
        struct fcgi_connection *c = pool->all;
        remove_from_all(pool, c);
        fcgi__net_close(c->fd);
        fcgi__release(&pool->allocator, c);
    }
    (void)pthread_mutex_destroy(&pool->lock);
    allocator = pool->allocator;
    fcgi__release(&allocator, pool);
}

/*
 * Asking.
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
    (void)pthread_mutex_lock(&pool->lock);
    *stats = pool->stats;
    (void)pthread_mutex_unlock(&pool->lock);
}

void fcgi__pool_count_retry(struct fcgi_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    pool->stats.retries += 1;
    (void)pthread_mutex_unlock(&pool->lock);
}

void fcgi__pool_count_timeout(struct fcgi_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    pool->stats.timeouts += 1;
    (void)pthread_mutex_unlock(&pool->lock);
}

void fcgi_pool_put(struct fcgi_pool *pool, struct fcgi_connection *connection)
{
    if (pool != NULL && connection != NULL &&
        connection->lending == FCGI__LEASED) {
        (void)fcgi__pool_return(pool, connection, true, fcgi__now(), NULL);
    }
}

void fcgi_pool_discard(struct fcgi_pool *pool,
                       struct fcgi_connection *connection)
{
    if (pool != NULL && connection != NULL &&
        connection->lending == FCGI__LEASED) {
        (void)fcgi__pool_return(pool, connection, false, fcgi__now(), NULL);
    }
}

int fcgi_connection_fd(const struct fcgi_connection *connection)
{
    return connection->fd;
}

uint16_t fcgi__connection_peek_id(const struct fcgi_connection *connection)
{
    return connection->last_id == UINT16_MAX
               ? 1
               : (uint16_t)(connection->last_id + 1);
}

uint16_t fcgi_connection_next_id(struct fcgi_connection *connection)
{
    connection->requests += 1;
    connection->last_id = fcgi__connection_peek_id(connection);
    return connection->last_id;
}
