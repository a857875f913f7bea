/*
 * lease - asking a pool for a connection; and the two blocking functions of
 * the pool, which are loops over it.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <string.h>

#include <fcgi_client/error.h>

#include "../net/clock.h"
#include "checkout.h"
#include "trace.h"

static void enter(struct fcgi__checkout *lease, enum fcgi__checkout_phase phase,
                  int64_t now)
{
    if (lease->phase == FCGI__CHECKOUT_QUEUED) {
        lease->queue_us += now - lease->since;
    } else if (lease->phase == FCGI__CHECKOUT_DIALLING) {
        lease->connect_us += now - lease->since;
    }
    if (phase > lease->reached) {
        lease->reached = phase;
    }
    lease->phase = phase;
    lease->since = now;
}

static bool is_time_limit(int error)
{
    return error == FCGI_ERR_CONNECT_TIMEOUT ||
           error == FCGI_ERR_BACKLOG_FULL || error == FCGI_ERR_QUEUE_TIMEOUT;
}

static void trace(const struct fcgi__checkout *lease, enum fcgi_trace_kind kind,
                  int fd, int error)
{
    fcgi__trace(fcgi__pool_config(lease->pool), kind, fd, error);
}

/* The slot goes back, for the next who waits. */
static int fail(struct fcgi__checkout *lease, int error, int64_t now)
{
    if (is_time_limit(error)) {
        fcgi__pool_count_timeout(lease->pool);
        trace(lease, FCGI_TRACE_TIMED_OUT, -1, error);
    }
    if (lease->connection != NULL) {
        lease->connection->dialling = NULL;
        (void)fcgi__pool_return(lease->pool, lease->connection, false, now,
                                NULL);
        lease->connection = NULL;
    }
    enter(lease, FCGI__CHECKOUT_NONE, now);
    return error;
}

static int connected(struct fcgi__checkout *lease, int64_t now)
{
    lease->connection->dialled = now;
    /* Another may have connected before it, though it began later. */
    lease->connection->alone = fcgi__pool_is_lone(lease->pool);
    trace(lease, FCGI_TRACE_DIALLED, lease->connection->fd, FCGI_OK);
    enter(lease, FCGI__CHECKOUT_READY, now);
    return FCGI_OK;
}

static int advance_dial(struct fcgi__checkout *lease, int64_t now)
{
    int rc = lease->connection->orphaned
                 ? FCGI_ERR_STATE /* this is the child of a fork() */
                 : fcgi__dial_advance(&lease->dial, now);

    if (rc == FCGI_WAIT) {
        return rc;
    }
    now = fcgi__now();
    if (rc == FCGI_OK) {
        lease->connection->fd = lease->dial.fd;
        lease->connection->dialling = NULL;
        lease->dial.fd = -1;
    }
    lease->system_error = lease->dial.system_error;
    fcgi__dial_end(&lease->dial);
    return rc == FCGI_OK ? connected(lease, now) : fail(lease, rc, now);
}

/* The host connects in its own way. */
static int dial_by_host(struct fcgi__checkout *lease,
                        const struct fcgi_pool_config *config)
{
    int fd = -1;
    int64_t now;
    int rc;

    errno = 0;
    rc = config->dial(config->dial_context, &fd);
    lease->system_error = errno;
    now = fcgi__now();
    if (rc < 0) {
        return fail(lease, rc, now);
    }
    if (rc > 0 || fd < 0) {
        return fail(lease, FCGI_ERR_CONNECT, now);
    }
    lease->system_error = 0;
    lease->connection->fd = fd;
    rc = fcgi__net_adopt(fd);
    if (rc != FCGI_OK) {
        lease->system_error = errno;
        return fail(lease, rc, now);
    }
    return connected(lease, now);
}

static int start_dial(struct fcgi__checkout *lease, int64_t now)
{
    const struct fcgi_pool_config *config = fcgi__pool_config(lease->pool);
    int rc;

    enter(lease, FCGI__CHECKOUT_DIALLING, now);
    lease->connection->alone = fcgi__pool_count_dial(lease->pool);
    if (config->dial != NULL) {
        return dial_by_host(lease, config);
    }
    rc = fcgi__dial_start(&lease->dial, fcgi__pool_address(lease->pool),
                          fcgi__after(now, lease->options.connect_ms),
                          &lease->shown);
    now = fcgi__now();
    if (rc != FCGI_OK) {
        lease->system_error = lease->dial.system_error;
        fcgi__dial_end(&lease->dial);
        return fail(lease, rc, now);
    }
    lease->connection->dialling = &lease->dial.fd;
    return advance_dial(lease, now);
}

static void replace(struct fcgi__checkout *lease, int64_t now, bool fresh)
{
    int dead = fcgi__pool_replace(lease->pool, now, fresh, &lease->connection);

    trace(lease, FCGI_TRACE_STALE, dead, FCGI_OK);
    fcgi__net_shutdown(dead);
    fcgi__exposed_fd_retain(&lease->shown, &dead);
    fcgi__net_close(dead);
}

/* A slot was had: make sure that it is worth having. */
static int use_slot(struct fcgi__checkout *lease, int64_t now)
{
    bool fresh = lease->options.want != FCGI__WANTS_ANY;

    if (fresh && lease->connection->fd >= 0) {
        fcgi__pool_yield(lease->pool, lease->connection);
    }
    while (lease->connection->fd >= 0 &&
           (lease->options.check || lease->connection->suspect) &&
           !fcgi__net_is_idle(lease->connection->fd)) {
        replace(lease, now, fresh);
    }
    if (lease->connection->fd < 0) {
        return start_dial(lease, now);
    }
    trace(lease, FCGI_TRACE_REUSED, lease->connection->fd, FCGI_OK);
    enter(lease, FCGI__CHECKOUT_READY, now);
    return FCGI_OK;
}

static int leased(struct fcgi__checkout *lease, int rc, int64_t now)
{
    switch (rc) {
    case FCGI_OK:
        return use_slot(lease, now);
    case FCGI_WAIT:
        return rc;
    default:
        lease->system_error = rc == FCGI_ERR_SYSTEM ? errno : 0;
        return fail(lease, rc, now);
    }
}

int fcgi__checkout_start(struct fcgi__checkout *lease, struct fcgi_pool *pool,
                         const struct fcgi__checkout_options *options,
                         struct fcgi_connection *idle, int64_t now)
{
    int rc = FCGI_OK;

    lease->pool = pool;
    lease->options = *options;
    lease->phase = lease->reached = FCGI__CHECKOUT_NONE;
    lease->connection = idle;
    lease->since = now;
    lease->queue_us = 0;
    lease->connect_us = 0;
    lease->system_error = 0;
    fcgi__exposed_fd_init(&lease->shown);
    if (idle == NULL) {
        rc = fcgi__pool_acquire(pool, now, options->want == FCGI__WANTS_BESIDE,
                                &lease->waiter, &lease->connection);
    }
    if (rc == FCGI_WAIT) {
        enter(lease, FCGI__CHECKOUT_QUEUED, now);
    }
    return leased(lease, rc, now);
}

static int advance_queue(struct fcgi__checkout *lease, int64_t now)
{
    int rc = fcgi__pool_claim(lease->pool, &lease->waiter, &lease->connection);

    if (rc == FCGI_WAIT &&
        now >= fcgi__after(lease->since, lease->options.queue_ms)) {
        fcgi__pool_leave(lease->pool, &lease->waiter);
        rc = FCGI_ERR_QUEUE_TIMEOUT;
    }
    if (rc != FCGI_WAIT) {
        fcgi__waiter_close(&lease->waiter);
    }
    return leased(lease, rc, now);
}

int fcgi__checkout_advance(struct fcgi__checkout *lease, int64_t now)
{
    return lease->phase == FCGI__CHECKOUT_QUEUED ? advance_queue(lease, now)
                                                 : advance_dial(lease, now);
}

int fcgi__checkout_redial(struct fcgi__checkout *lease, int64_t now)
{
    replace(lease, now, true);
    return use_slot(lease, now);
}

void fcgi__checkout_wait(const struct fcgi__checkout *lease,
                         struct fcgi__wait *wait)
{
    const struct fcgi__turns *turns = lease->waiter.turns;

    if (lease->phase == FCGI__CHECKOUT_DIALLING) {
        fcgi__dial_wait(&lease->dial, wait);
        return;
    }
    wait->fd = -1;
    wait->events = 0;
    wait->other_fd = -1;
    wait->until = fcgi__after(lease->since, lease->options.queue_ms);
    if (turns == fcgi__pool_turns(lease->pool)) {
        wait->fd = fcgi__turns_fd(turns);
        wait->events = FCGI__READABLE;
    }
    if (turns != NULL && !turns->open) {
        wait->until = lease->since; /* this is the child of a fork() */
    }
}

unsigned fcgi__checkout_await(struct fcgi__checkout *lease,
                              const struct fcgi__wait *wait)
{
    if (lease->phase != FCGI__CHECKOUT_QUEUED) {
        return fcgi__net_wait(wait);
    }
    fcgi__pool_await_turn(lease->pool, &lease->waiter, wait->until);
    return 0;
}

void fcgi__checkout_cancel(struct fcgi__checkout *lease)
{
    if (lease->phase == FCGI__CHECKOUT_QUEUED) {
        fcgi__pool_leave(lease->pool, &lease->waiter);
        fcgi__waiter_close(&lease->waiter);
    } else if (lease->phase == FCGI__CHECKOUT_DIALLING) {
        fcgi__dial_end(&lease->dial);
    }
    if (lease->phase != FCGI__CHECKOUT_NONE) {
        (void)fail(lease, FCGI_ERR_CANCELLED, fcgi__now());
    }
}

/*
 * The blocking functions of the pool.
 */

/* Who has it by hand finds it in blocking mode. */
static int let_receives_wait(struct fcgi__checkout *lease)
{
    struct fcgi_connection *connection = lease->connection;

    if (connection->receive_timeout_ms == 0 &&
        fcgi__connection_set_blocking(connection, -1) != FCGI_OK) {
        lease->system_error = errno;
        return fail(lease, FCGI_ERR_SYSTEM, fcgi__now());
    }
    return FCGI_OK;
}

static int get(struct fcgi_pool *pool, enum fcgi__want want,
               struct fcgi_connection **connection)
{
    const struct fcgi_pool_config *config = fcgi__pool_config(pool);
    struct fcgi__checkout_options options = {
        want, false, config->queue_timeout_ms, config->connect_timeout_ms};
    struct fcgi__checkout lease;
    struct fcgi__wait wait;
    int rc;

    memset(&lease.waiter, 0, sizeof(lease.waiter));
    rc = fcgi__checkout_start(&lease, pool, &options, NULL, fcgi__now());
    while (rc == FCGI_WAIT) {
        fcgi__checkout_wait(&lease, &wait);
        (void)fcgi__checkout_await(&lease, &wait);
        rc = fcgi__checkout_advance(&lease, fcgi__now());
    }
    if (rc == FCGI_OK) {
        rc = let_receives_wait(&lease);
    }
    *connection = lease.connection;
    errno = lease.system_error;
    return rc;
}

int fcgi_pool_get(struct fcgi_pool *pool, struct fcgi_connection **connection,
                  bool *reused)
{
    int rc;

    if (pool == NULL || connection == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    rc = get(pool, FCGI__WANTS_ANY, connection);
    if (reused != NULL) {
        *reused = rc == FCGI_OK && (*connection)->reused;
    }
    return rc;
}

int fcgi_pool_dial(struct fcgi_pool *pool, struct fcgi_connection **connection)
{
    if (pool == NULL || connection == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    return get(pool, FCGI__WANTS_BESIDE, connection);
}
