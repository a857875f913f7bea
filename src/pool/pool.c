/*
 * pool - the connections of one application: its bookkeeping under one lock,
 * and what must not be done under a lock: allocating, closing, tracing,
 * starting the thread that evicts.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <pthread.h>

#include <fcgi_client/error.h>

#include "../base/allocator.h"
#include "../net/clock.h"
#include "../net/condition.h"
#include "../net/fork.h"
#include "../net/net.h"
#include "../net/self_pipe.h"
#include "evictor.h"
#include "pool.h"
#include "trace.h"

/* A warm client with no more calls at a time than this allocates nothing. */
#define CACHED_CALLS_MAX 64

enum thread_state { NO_THREAD, STARTING, RUNNING };

struct fcgi_pool {
    struct fcgi__forkable forkable; /* first: fork() finds the pool by it */
    struct fcgi_allocator allocator;
    struct fcgi_pool_config config;
    struct fcgi__address address;
    struct fcgi__socket_observer observer;

    pthread_mutex_t lock;
    struct fcgi__pool_state state;
    struct fcgi__turns own_turns; /* of calls without a wake-up */
    struct fcgi__turns *turns;    /* those, and the wake-ups' */
    struct fcgi__cached_call *cached_calls;
    int cached_count;
    enum thread_state thread;
    int64_t wakes_at; /* when the thread wakes by itself */
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

/* The child of a fork() may have a copy that it knows nothing of: shut the
 * connection down, so that the application sees its end nevertheless. Where no
 * connection is kept, the application closes. */
static void close_socket(struct fcgi_pool *pool,
                         struct fcgi__dropped_fd dropped)
{
    if (dropped.evicted) {
        fcgi__trace(&pool->config, FCGI_TRACE_EVICTED, dropped.fd, FCGI_OK);
    }
    if (dropped.fd >= 0 && pool->config.max_idle > 0) {
        fcgi__net_shutdown(dropped.fd);
    }
    fcgi__socket_close(&pool->observer, dropped.fd);
}

/* Close and free a list of unlinked connections. */
static void close_connections(struct fcgi_pool *pool,
                              struct fcgi_connection *to_close)
{
    while (to_close != NULL) {
        struct fcgi_connection *next = to_close->older;
        struct fcgi__dropped_fd dropped = {to_close->fd, to_close->evicted};
        if (to_close->inherited) {
            fcgi__net_close(to_close->fd); /* the parent has it too */
        } else {
            close_socket(pool, dropped);
        }
        fcgi__release(&pool->allocator, to_close);
        to_close = next;
    }
}

/*
 * Acquiring.
 */

/* Two threads may do so at the same time. */
static int open_turns(struct fcgi_pool *pool, struct fcgi__turns *turns)
{
    int self_pipe[2];
    bool was_open;

    if (fcgi__self_pipe_open(self_pipe) != FCGI_OK) {
        return FCGI_ERR_SYSTEM;
    }
    lock(pool);
    was_open = turns->open;
    if (!was_open) {
        turns->open = true;
        turns->self_pipe[0] = self_pipe[0];
        turns->self_pipe[1] = self_pipe[1];
    }
    unlock(pool);
    if (was_open) {
        fcgi__self_pipe_close(self_pipe);
    }
    return FCGI_OK;
}

static int provide_need(struct fcgi_pool *pool, int need,
                        struct fcgi_connection **new_slot,
                        struct fcgi__waiter *waiter)
{
    if (need == FCGI__NEEDS_WAKEUP) {
        return waiter->turns == NULL ? fcgi__waiter_open(waiter)
                                     : open_turns(pool, waiter->turns);
    }
    *new_slot = fcgi__allocate(&pool->allocator, sizeof(**new_slot));
    if (*new_slot == NULL) {
        return FCGI_ERR_NO_MEMORY;
    }
    (void)fcgi__connection_empty(*new_slot);
    return FCGI_OK;
}

int fcgi__pool_acquire(struct fcgi_pool *pool, int64_t now, bool fresh,
                       struct fcgi__waiter *waiter,
                       struct fcgi_connection **connection)
{
    struct fcgi_connection *to_close = NULL;
    struct fcgi_connection *new_slot = NULL;
    int provided = FCGI_OK;
    int rc = FCGI__NEEDS_SLOT;

    *connection = NULL;
    while (provided == FCGI_OK &&
           (rc == FCGI__NEEDS_SLOT || rc == FCGI__NEEDS_WAKEUP)) {
        lock(pool);
        rc = fcgi__pool_state_take(&pool->state, now, fresh, &new_slot, waiter,
                                   connection, &to_close);
        unlock(pool);
        if (rc == FCGI__NEEDS_SLOT || rc == FCGI__NEEDS_WAKEUP) {
            provided = provide_need(pool, rc, &new_slot, waiter);
        }
    }
    close_connections(pool, to_close);
    fcgi__release(&pool->allocator, new_slot);
    if (rc != FCGI_WAIT) {
        fcgi__waiter_close(waiter);
    }
    return provided == FCGI_OK ? rc : provided;
}

struct fcgi__cached_call *fcgi__pool_take(struct fcgi_pool *pool, int64_t now,
                                          struct fcgi_connection **connection)
{
    struct fcgi_connection *to_close = NULL;
    struct fcgi__cached_call *cached;

    lock(pool);
    cached = pool->cached_calls;
    if (cached != NULL) {
        pool->cached_calls = cached->next;
        pool->cached_count -= 1;
    }
    *connection = fcgi__pool_state_pop(&pool->state, now, &to_close);
    unlock(pool);
    close_connections(pool, to_close);
    return cached;
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

static void leave_turns(struct fcgi__waiter *waiter)
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
    leave_turns(waiter);
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
        fcgi__queue_leave(&pool->state.queue, waiter);
    }
    leave_turns(waiter);
    had = waiter->connection;
    unlock(pool);
    (void)fcgi__pool_return(pool, had, true, fcgi__now(), NULL);
}

int fcgi__pool_replace(struct fcgi_pool *pool, int64_t now, bool fresh,
                       struct fcgi_connection **connection)
{
    struct fcgi_connection *slot = *connection;
    struct fcgi_connection *to_close = NULL;
    int dead;

    lock(pool);
    fcgi__pool_state_replace(&pool->state, now, fresh, connection, &to_close);
    dead = fcgi__connection_empty(slot);
    unlock(pool);
    close_connections(pool, to_close);
    return dead;
}

void fcgi__pool_yield(struct fcgi_pool *pool,
                      struct fcgi_connection *connection)
{
    struct fcgi__dropped_fd dropped = {-1, true};

    lock(pool);
    fcgi__pool_state_yield(&pool->state);
    dropped.fd = fcgi__connection_empty(connection);
    unlock(pool);
    close_socket(pool, dropped);
}

/*
 * Rescuing.
 */

void fcgi__pool_rescue(struct fcgi_pool *pool, bool first)
{
    struct fcgi_connection *to_close = NULL;

    lock(pool);
    fcgi__pool_state_rescue(&pool->state, first, &to_close);
    unlock(pool);
    close_connections(pool, to_close);
}

void fcgi__pool_end_rescue(struct fcgi_pool *pool)
{
    lock(pool);
    fcgi__pool_state_end_rescue(&pool->state);
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

static struct fcgi__cached_call *cache_call(struct fcgi_pool *pool,
                                            struct fcgi__cached_call *cached)
{
    if (cached == NULL || pool->cached_count >= CACHED_CALLS_MAX) {
        return cached;
    }
    cached->next = pool->cached_calls;
    pool->cached_calls = cached;
    pool->cached_count += 1;
    return NULL;
}

/* What to do about the thread. */
enum thread_action { LEAVE_IT, START_IT, WAKE_IT };

/* A connection that has become idle may expire before all others. */
static enum thread_action choose_thread_action(struct fcgi_pool *pool)
{
    int64_t expiry = fcgi__pool_state_newest_expiry(&pool->state);

    if (expiry >= pool->wakes_at || pool->config.evict_by_host) {
        return LEAVE_IT;
    }
    pool->wakes_at = 0; /* it looks at all of them when it wakes */
    if (pool->thread == NO_THREAD) {
        pool->thread = STARTING;
        return START_IT;
    }
    return WAKE_IT;
}

static int64_t evict_expired(void *context);

static void start_thread(struct fcgi_pool *pool)
{
    int rc = fcgi__evictor_start(&pool->evictor, evict_expired, pool);

    lock(pool);
    if (rc == FCGI_OK) {
        pool->thread = RUNNING;
    } else {
        pool->thread = NO_THREAD;
        pool->wakes_at = FCGI__NEVER;
    }
    unlock(pool);
}

struct fcgi__cached_call *fcgi__pool_return(struct fcgi_pool *pool,
                                            struct fcgi_connection *connection,
                                            bool reusable, int64_t now,
                                            struct fcgi__cached_call *cached)
{
    struct fcgi_connection *to_close = NULL;
    struct fcgi__dropped_fd dropped = {-1, false};
    enum thread_action action;

    lock(pool);
    if (connection != NULL) {
        fcgi__pool_state_give(&pool->state, connection, reusable, now, &dropped,
                              &to_close);
    }
    cached = cache_call(pool, cached);
    action = choose_thread_action(pool);
    unlock(pool);
    close_socket(pool, dropped);
    close_connections(pool, to_close);
    if (action == START_IT) {
        start_thread(pool);
    } else if (action == WAKE_IT) {
        fcgi__evictor_wake(&pool->evictor);
    }
    return cached;
}

static void give_back(struct fcgi_pool *pool,
                      struct fcgi_connection *connection, bool reusable)
{
    if (pool != NULL && connection != NULL &&
        connection->use == FCGI__CHECKED_OUT) {
        (void)fcgi__pool_return(pool, connection, reusable, fcgi__now(), NULL);
    }
}

void fcgi_pool_put(struct fcgi_pool *pool, struct fcgi_connection *connection)
{
    give_back(pool, connection, true);
}

void fcgi_pool_discard(struct fcgi_pool *pool,
                       struct fcgi_connection *connection)
{
    give_back(pool, connection, false);
}

/*
 * Evicting.
 */

/* What the thread does when it wakes. */
static int64_t evict_expired(void *context)
{
    struct fcgi_pool *pool = context;
    struct fcgi_connection *to_close = NULL;
    int64_t next = FCGI__EVICTOR_ENDS;

    lock(pool);
    if (!pool->state.closed) {
        next = fcgi__pool_state_evict(&pool->state, fcgi__now(), &to_close);
        pool->thread = RUNNING;
        pool->wakes_at = next;
    }
    unlock(pool);
    close_connections(pool, to_close);
    return next;
}

void fcgi_pool_check_idle(struct fcgi_pool *pool, int fd)
{
    struct fcgi_connection *to_close = NULL;
    struct fcgi_connection *idle;

    if (pool == NULL || fd < 0) {
        return;
    }
    lock(pool);
    idle = fcgi__pool_state_find_idle(&pool->state, fd);
    unlock(pool);
    if (idle == NULL || fcgi__net_is_idle(fd)) {
        return;
    }
    fcgi__trace(&pool->config, FCGI_TRACE_STALE, fd, FCGI_OK);
    lock(pool);
    if (fcgi__pool_state_find_idle(&pool->state, fd) == idle) {
        fcgi__pool_state_drop_dead(&pool->state, idle, &to_close);
    }
    unlock(pool);
    close_connections(pool, to_close);
}

int fcgi_pool_evict(struct fcgi_pool *pool)
{
    struct fcgi_connection *to_close = NULL;
    int64_t now = fcgi__now();
    int64_t next;

    if (pool == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    lock(pool);
    next = fcgi__pool_state_evict(&pool->state, now, &to_close);
    unlock(pool);
    close_connections(pool, to_close);
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

const struct fcgi__socket_observer *
fcgi__pool_observer(const struct fcgi_pool *pool)
{
    return &pool->observer;
}

void fcgi_pool_get_stats(struct fcgi_pool *pool, struct fcgi_pool_stats *stats)
{
    if (pool == NULL || stats == NULL) {
        return;
    }
    lock(pool);
    fcgi__pool_state_count(&pool->state, stats);
    unlock(pool);
}

bool fcgi__pool_is_lone(struct fcgi_pool *pool)
{
    bool is_lone;

    lock(pool);
    is_lone = pool->state.connections.open_count == 1;
    unlock(pool);
    return is_lone;
}

bool fcgi__pool_count_dial(struct fcgi_pool *pool)
{
    bool is_lone;

    lock(pool);
    pool->state.counts.dials += 1;
    is_lone = pool->state.connections.open_count == 1;
    unlock(pool);
    return is_lone;
}

void fcgi__pool_count_retry(struct fcgi_pool *pool)
{
    lock(pool);
    pool->state.counts.retries += 1;
    unlock(pool);
}

static bool is_time_limit(int error)
{
    return error == FCGI_ERR_CONNECT_TIMEOUT ||
           error == FCGI_ERR_BACKLOG_FULL || error == FCGI_ERR_QUEUE_TIMEOUT ||
           error == FCGI_ERR_WRITE_TIMEOUT ||
           error == FCGI_ERR_FIRST_BYTE_TIMEOUT ||
           error == FCGI_ERR_IDLE_TIMEOUT || error == FCGI_ERR_DEADLINE;
}

bool fcgi__pool_note_expiry(struct fcgi_pool *pool, int fd, int error)
{
    if (!is_time_limit(error)) {
        return false;
    }
    lock(pool);
    pool->state.counts.timeouts += 1;
    unlock(pool);
    fcgi__trace(&pool->config, FCGI_TRACE_TIMED_OUT, fd, error);
    return true;
}

/*
 * Creating and freeing.
 */

/* In the child of a fork() the sockets, the waiters and the thread are the
 * parent's. */
static void forget_in_child(struct fcgi__forkable *forkable)
{
    struct fcgi_pool *pool = (struct fcgi_pool *)(void *)forkable;

    for (struct fcgi__turns *at = pool->turns; at != NULL; at = at->next) {
        fcgi__turns_forget(at);
    }
    fcgi__pool_state_forget(&pool->state);
    if (pool->thread == RUNNING) {
        fcgi__evictor_forget(&pool->evictor);
    }
    pool->thread = NO_THREAD;
    pool->wakes_at = FCGI__NEVER;
}

static int init_pool(struct fcgi_pool *pool, const char *address,
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
    pool->observer.opened = pool->config.socket_opened;
    pool->observer.closing = pool->config.socket_closing;
    pool->observer.context = pool->config.socket_context;
    fcgi__pool_state_init(&pool->state, &pool->config);
    link_turns(pool, &pool->own_turns);
    pool->wakes_at = FCGI__NEVER;
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
    rc = init_pool(*pool, address, config);
    if (rc != FCGI_OK) {
        fcgi__release(&allocator, *pool);
        *pool = NULL;
    }
    return rc;
}

void fcgi_pool_close(struct fcgi_pool *pool)
{
    struct fcgi_connection *to_close = NULL;
    enum thread_state thread;

    if (pool == NULL) {
        return;
    }
    lock(pool);
    fcgi__pool_state_close(&pool->state, &to_close);
    thread = pool->thread;
    unlock(pool);
    close_connections(pool, to_close);
    if (thread == RUNNING) {
        fcgi__evictor_wake(&pool->evictor);
    }
}

static void free_cached_calls(struct fcgi_pool *pool)
{
    while (pool->cached_calls != NULL) {
        struct fcgi__cached_call *cached = pool->cached_calls;
        pool->cached_calls = cached->next;
        cached->release(cached);
    }
}

void fcgi_pool_free(struct fcgi_pool *pool)
{
    struct fcgi_connection *to_close = NULL;
    struct fcgi_allocator allocator;

    if (pool == NULL) {
        return;
    }
    fcgi_pool_close(pool);
    fcgi__fork_unwatch(&pool->forkable);
    if (pool->thread != NO_THREAD) {
        fcgi__evictor_join(&pool->evictor);
    }
    fcgi__pool_state_end(&pool->state, &to_close);
    close_connections(pool, to_close);
    fcgi__turns_close(&pool->own_turns);
    free_cached_calls(pool);
    (void)pthread_mutex_destroy(&pool->lock);
    allocator = pool->allocator;
    fcgi__release(&allocator, pool);
}
