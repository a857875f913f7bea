/*
 * connection - an HTTP client in the event loop: its events and its timer drive
 * the transaction that it has, if it has one.
 */
#define _POSIX_C_SOURCE 200809L

#include "gateway_events_connection.h"

#include <stdlib.h>
#include <unistd.h>

#include <event2/event_struct.h>
#include <event2/util.h>

#include "gateway_events_peer.h"
#include "gateway_events_transaction.h"

struct connection {
    struct worker *worker;
    struct connection *next, *previous;
    struct peer peer;
    struct transaction *transaction; /* NULL: it is idle */
    int64_t idle_since;
    struct event reading, writing, timer;
    int64_t timer_at; /* NEVER: it is not set */
};

static void connection_free(struct connection *c)
{
    struct worker *worker = c->worker;

    transaction_end(c->transaction);
    (void)event_del(&c->reading);
    (void)event_del(&c->writing);
    (void)event_del(&c->timer);
    (void)close(c->peer.fd);
    if (c->next != NULL) {
        c->next->previous = c->previous;
    }
    if (c->previous != NULL) {
        c->previous->next = c->next;
    } else {
        worker->connections = c->next;
    }
    free(c);
    if (worker->stopping && worker->connections == NULL) {
        (void)event_base_loopbreak(worker->base);
    }
}

/*
 * Time.
 */

static int64_t idle_deadline(const struct connection *c)
{
    return c->idle_since + c->worker->options->client_timeout_ms;
}

/* A timer that is set for too early is left alone: it is set again when its
 * time has come, once a minute rather than twice a request. */
static void set_timer(struct connection *c)
{
    int64_t at = c->transaction == NULL ? idle_deadline(c)
                                        : transaction_deadline(c->transaction);
    int64_t ms = at - c->worker->now;

    if (at < c->timer_at) {
        const struct timeval after = {ms / 1000, ms % 1000 * 1000};
        (void)evtimer_add(&c->timer, &after);
        c->timer_at = at;
    }
}

/*
 * Going on.
 */

/* Do what the transaction can do; false: the connection is over. */
static bool go_on(struct connection *c)
{
    if (c->transaction == NULL && c->peer.readable) {
        c->transaction = transaction_begin(c->worker, &c->peer, c);
        if (c->transaction == NULL) {
            return false;
        }
    }
    if (c->transaction == NULL) {
        return true;
    }
    switch (transaction_proceed(c->transaction)) {
    case IDLE:
        transaction_end(c->transaction);
        c->transaction = NULL;
        c->idle_since = c->worker->now;
        return true;
    case GONE:
        return false;
    default:
        return true;
    }
}

static void proceed(struct connection *c)
{
    if (!go_on(c)) {
        connection_free(c);
        return;
    }
    if (c->peer.full) {
        (void)event_add(&c->writing, NULL);
    }
    set_timer(c);
}

static void on_client(evutil_socket_t fd, short what, void *context)
{
    struct connection *c = context;

    (void)fd;
    worker_wake(c->worker);
    c->peer.readable = c->peer.readable || (what & (EV_READ | EV_CLOSED));
    c->peer.leaving = c->peer.leaving || (what & EV_CLOSED);
    c->peer.full = c->peer.full && !(what & EV_WRITE);
    proceed(c);
}

void connection_ready(void *connection)
{
    struct connection *c = connection;

    worker_wake(c->worker);
    proceed(c);
}

/* It is the call's time, or the client has taken too long. */
static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct connection *c = context;
    struct transaction *t = c->transaction;

    (void)fd;
    (void)what;
    worker_wake(c->worker);
    c->timer_at = NEVER;
    if (t == NULL && c->worker->now >= idle_deadline(c)) {
        connection_free(c);
        return;
    }
    if (t != NULL && c->worker->now >= transaction_client_deadline(t)) {
        transaction_time_out(t);
    }
    proceed(c);
}

/*
 * Beginning and end.
 */

static void enlist(struct connection *c)
{
    struct worker *worker = c->worker;

    c->next = worker->connections;
    if (c->next != NULL) {
        c->next->previous = c;
    }
    worker->connections = c;
}

void connection_open(struct worker *worker, int fd,
                     const struct sockaddr *address, socklen_t len)
{
    struct connection *c = calloc(1, sizeof(*c));

    upstream_forget(&worker->upstream, fd);
    if (c == NULL) {
        (void)close(fd);
        return;
    }
    c->worker = worker;
    c->timer_at = NEVER;
    c->idle_since = worker->now;
    peer_open(&c->peer, fd, &worker->now, address, len);
    enlist(c);
    (void)event_assign(&c->reading, worker->base, fd,
                       EV_READ | EV_CLOSED | EV_PERSIST | EV_ET, on_client, c);
    (void)event_assign(&c->writing, worker->base, fd, EV_WRITE | EV_ET,
                       on_client, c);
    (void)evtimer_assign(&c->timer, worker->base, on_timer, c);
    (void)event_add(&c->reading, NULL);
    proceed(c);
}

void connection_stop(struct connection *c)
{
    if (c->transaction == NULL) {
        connection_free(c);
    } else {
        c->transaction->answer.keep = false;
    }
}

struct connection *connection_next(const struct connection *c)
{
    return c->next;
}
