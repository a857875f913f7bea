/*
 * checkout - obtaining a connection from a pool.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>

#include <fcgi_client/error.h>

#include "../net/clock.h"
#include "checkout.h"
#include "trace.h"

static void enter_phase(struct fcgi__checkout *checkout,
                        enum fcgi__checkout_phase phase, int64_t now)
{
    if (checkout->phase == FCGI__CHECKOUT_QUEUED) {
        checkout->queue_us += now - checkout->since;
    } else if (checkout->phase == FCGI__CHECKOUT_DIALLING) {
        checkout->connect_us += now - checkout->since;
    }
    if (phase > checkout->reached) {
        checkout->reached = phase;
    }
    checkout->phase = phase;
    checkout->since = now;
}

static void trace_checkout(const struct fcgi__checkout *checkout,
                           enum fcgi_trace_kind kind, int fd)
{
    fcgi__trace(fcgi__pool_config(checkout->pool), kind, fd, FCGI_OK);
}

/* Give the slot back; the next waiter gets it, if there is one. */
static int fail_checkout(struct fcgi__checkout *checkout, int error,
                         int64_t now)
{
    if (checkout->connection != NULL) {
        checkout->connection->dialling = NULL;
        (void)fcgi__pool_return(checkout->pool, checkout->connection, false,
                                now, NULL);
        checkout->connection = NULL;
    }
    enter_phase(checkout, FCGI__CHECKOUT_NONE, now);
    return error;
}

/*
 * Dialling.
 */

static int finish_dial(struct fcgi__checkout *checkout, int64_t now)
{
    checkout->connection->dialled = now;
    /* Ask again: another may have begun later and connected first. */
    checkout->connection->connected_alone = fcgi__pool_is_lone(checkout->pool);
    trace_checkout(checkout, FCGI_TRACE_DIALLED, checkout->connection->fd);
    enter_phase(checkout, FCGI__CHECKOUT_READY, now);
    return FCGI_OK;
}

static int advance_dial(struct fcgi__checkout *checkout, int64_t now)
{
    int rc = checkout->connection->inherited
                 ? FCGI_ERR_STATE /* this is the child of a fork() */
                 : fcgi__dial_advance(&checkout->dial, now);

    if (rc == FCGI_WAIT) {
        return rc;
    }
    now = fcgi__now();
    if (rc == FCGI_OK) {
        checkout->connection->fd = checkout->dial.fd;
        checkout->connection->dialling = NULL;
        checkout->dial.fd = -1;
    }
    checkout->system_error = checkout->dial.system_error;
    fcgi__dial_end(&checkout->dial);
    return rc == FCGI_OK ? finish_dial(checkout, now)
                         : fail_checkout(checkout, rc, now);
}

/* The host's own function connects. */
static int dial_by_host(struct fcgi__checkout *checkout,
                        const struct fcgi_pool_config *config)
{
    int fd = -1;
    int64_t now;
    int rc;

    errno = 0;
    rc = config->dial(config->dial_context, &fd);
    checkout->system_error = errno;
    now = fcgi__now();
    if (rc < 0) {
        return fail_checkout(checkout, rc, now);
    }
    if (rc > 0 || fd < 0) {
        return fail_checkout(checkout, FCGI_ERR_CONNECT, now);
    }
    checkout->system_error = 0;
    checkout->connection->fd = fd;
    fcgi__socket_opened(fcgi__pool_observer(checkout->pool), fd);
    rc = fcgi__net_adopt(fd);
    if (rc != FCGI_OK) {
        checkout->system_error = errno;
        return fail_checkout(checkout, rc, now);
    }
    return finish_dial(checkout, now);
}

static int begin_dial(struct fcgi__checkout *checkout, int64_t now)
{
    const struct fcgi_pool_config *config = fcgi__pool_config(checkout->pool);
    int rc;

    enter_phase(checkout, FCGI__CHECKOUT_DIALLING, now);
    checkout->connection->connected_alone =
        fcgi__pool_count_dial(checkout->pool);
    if (config->dial != NULL) {
        return dial_by_host(checkout, config);
    }
    rc = fcgi__dial_start(&checkout->dial, fcgi__pool_address(checkout->pool),
                          fcgi__after(now, checkout->options.connect_ms),
                          &checkout->exposed);
    now = fcgi__now();
    if (rc != FCGI_OK) {
        checkout->system_error = checkout->dial.system_error;
        fcgi__dial_end(&checkout->dial);
        return fail_checkout(checkout, rc, now);
    }
    checkout->connection->dialling = &checkout->dial.fd;
    return advance_dial(checkout, now);
}

/*
 * Using a slot.
 */

/* `fresh`: with an empty slot, rather than another idle connection. */
static void replace_dead(struct fcgi__checkout *checkout, int64_t now,
                         bool fresh)
{
    int dead =
        fcgi__pool_replace(checkout->pool, now, fresh, &checkout->connection);

    trace_checkout(checkout, FCGI_TRACE_STALE, dead);
    fcgi__net_shutdown(dead);
    fcgi__exposed_fd_retain(&checkout->exposed, &dead);
    fcgi__socket_close(fcgi__pool_observer(checkout->pool), dead);
}

/* Make sure that the slot's connection can be used, or dial one. */
static int use_slot(struct fcgi__checkout *checkout, int64_t now)
{
    bool wants_new = checkout->options.want != FCGI__WANTS_ANY;

    if (wants_new && checkout->connection->fd >= 0) {
        fcgi__pool_yield(checkout->pool, checkout->connection);
    }
    while (checkout->connection->fd >= 0 &&
           (checkout->options.check || checkout->connection->suspect) &&
           !fcgi__net_is_idle(checkout->connection->fd)) {
        replace_dead(checkout, now, false);
    }
    if (checkout->connection->fd < 0) {
        return begin_dial(checkout, now);
    }
    trace_checkout(checkout, FCGI_TRACE_REUSED, checkout->connection->fd);
    enter_phase(checkout, FCGI__CHECKOUT_READY, now);
    return FCGI_OK;
}

/* Go on with what the pool answered. */
static int use_answer(struct fcgi__checkout *checkout, int rc, int64_t now)
{
    switch (rc) {
    case FCGI_OK:
        return use_slot(checkout, now);
    case FCGI_WAIT:
        return rc;
    default:
        checkout->system_error = rc == FCGI_ERR_SYSTEM ? errno : 0;
        return fail_checkout(checkout, rc, now);
    }
}

/*
 * The steps.
 */

int fcgi__checkout_begin(struct fcgi__checkout *checkout,
                         struct fcgi_pool *pool,
                         const struct fcgi__checkout_options *options,
                         struct fcgi_connection *idle, int64_t now)
{
    int rc = FCGI_OK;

    checkout->pool = pool;
    checkout->options = *options;
    checkout->phase = checkout->reached = FCGI__CHECKOUT_NONE;
    checkout->connection = idle;
    checkout->since = now;
    checkout->queue_us = 0;
    checkout->connect_us = 0;
    checkout->system_error = 0;
    fcgi__exposed_fd_init(&checkout->exposed, fcgi__pool_observer(pool));
    fcgi__waiter_init(&checkout->waiter, options->call, options->turns);
    if (idle == NULL) {
        rc = fcgi__pool_acquire(pool, now, options->want == FCGI__WANTS_BESIDE,
                                &checkout->waiter, &checkout->connection);
    }
    if (rc == FCGI_WAIT) {
        enter_phase(checkout, FCGI__CHECKOUT_QUEUED, now);
    }
    return use_answer(checkout, rc, now);
}

static int advance_queue(struct fcgi__checkout *checkout, int64_t now)
{
    int rc = fcgi__pool_claim(checkout->pool, &checkout->waiter,
                              &checkout->connection);

    if (rc == FCGI_WAIT &&
        now >= fcgi__after(checkout->since, checkout->options.queue_ms)) {
        fcgi__pool_leave(checkout->pool, &checkout->waiter);
        rc = FCGI_ERR_QUEUE_TIMEOUT;
    }
    if (rc != FCGI_WAIT) {
        fcgi__waiter_close(&checkout->waiter);
    }
    return use_answer(checkout, rc, now);
}

int fcgi__checkout_advance(struct fcgi__checkout *checkout, int64_t now)
{
    return checkout->phase == FCGI__CHECKOUT_QUEUED
               ? advance_queue(checkout, now)
               : advance_dial(checkout, now);
}

int fcgi__checkout_redial(struct fcgi__checkout *checkout, int64_t now)
{
    replace_dead(checkout, now, true);
    return use_slot(checkout, now);
}

void fcgi__checkout_wait(const struct fcgi__checkout *checkout,
                         struct fcgi__wait *wait)
{
    const struct fcgi__turns *turns = checkout->waiter.turns;

    if (checkout->phase == FCGI__CHECKOUT_DIALLING) {
        fcgi__dial_wait(&checkout->dial, wait);
        return;
    }
    wait->fd = -1;
    wait->events = 0;
    wait->other_fd = -1;
    wait->until = fcgi__after(checkout->since, checkout->options.queue_ms);
    if (turns == fcgi__pool_turns(checkout->pool)) {
        wait->fd = fcgi__turns_fd(turns);
        wait->events = FCGI__READABLE;
    }
    if (turns != NULL && !turns->open) {
        wait->until = checkout->since; /* this is the child of a fork() */
    }
}

unsigned fcgi__checkout_await(struct fcgi__checkout *checkout,
                              const struct fcgi__wait *wait)
{
    if (checkout->phase != FCGI__CHECKOUT_QUEUED) {
        return fcgi__net_wait(wait);
    }
    fcgi__pool_await_turn(checkout->pool, &checkout->waiter, wait->until);
    return 0;
}

void fcgi__checkout_cancel(struct fcgi__checkout *checkout)
{
    if (checkout->phase == FCGI__CHECKOUT_QUEUED) {
        fcgi__pool_leave(checkout->pool, &checkout->waiter);
        fcgi__waiter_close(&checkout->waiter);
    } else if (checkout->phase == FCGI__CHECKOUT_DIALLING) {
        fcgi__dial_end(&checkout->dial);
    }
    if (checkout->phase != FCGI__CHECKOUT_NONE) {
        (void)fail_checkout(checkout, FCGI_ERR_CANCELLED, fcgi__now());
    }
}
