/*
 * connection - an HTTP client in the event loop: its events and its timer drive
 * its transaction, if it has one.
 */
#define _POSIX_C_SOURCE 200809L

#include "connection.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event_struct.h>
#include <event2/util.h>

#include "log.h"
#include "peer.h"
#include "transaction.h"

/* How long a client may take to close its side, once the gateway has closed its
 * own; and how much of what it still sends is discarded at a time. */
#define LINGER_MS 5000
#define DISCARD_SIZE ((size_t)64 * 1024)

struct connection {
    struct worker *worker;
    struct connection *next, *previous;
    struct peer peer;
    struct transaction *transaction; /* NULL: it is idle, or lingers */
    bool lingers;  /* nothing more is sent: the client must close its side */
    int64_t since; /* when it began to be idle, or to linger */
    struct event timer;
    int64_t timer_at; /* PATIENCE_NEVER: it is not set */
};

static void close_connection(struct connection *c)
{
    struct worker *worker = c->worker;

    transaction_end(c->transaction);
    (void)event_del(&c->timer);
    peer_close(&c->peer);
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

/* When to close it, if it has no transaction. */
static int64_t idle_deadline(const struct connection *c)
{
    return c->since +
           (c->lingers ? LINGER_MS : c->worker->options->client_timeout_ms);
}

/* A timer that is set too early is left as it is, and set again when it
 * expires: once a minute rather than twice a request. */
static void set_timer(struct connection *c)
{
    int64_t at = c->transaction == NULL ? idle_deadline(c)
                                        : transaction_deadline(c->transaction);
    int64_t ms = at > c->worker->now ? at - c->worker->now : 0;

    if (at < c->timer_at) {
        const struct timeval after = {ms / 1000, ms % 1000 * 1000};
        (void)evtimer_add(&c->timer, &after);
        c->timer_at = at;
    }
}

/*
 * Events.
 */

/* There is no request from now on. */
static void end_transaction(struct connection *c)
{
    transaction_end(c->transaction);
    c->transaction = NULL;
    c->since = c->worker->now;
}

/* Discard what the client sends. False: it has closed its side, and the
 * connection is over. */
static bool linger(struct connection *c)
{
    char room[DISCARD_SIZE];
    size_t got;

    c->lingers = true;
    return peer_receive(&c->peer, room, sizeof(room), &got) >= 0;
}

/* There is no memory to read what has been received: a request, which is
 * answered, or the end of the input. The answer has no body, since the request
 * may be HEAD. False: the connection is over. */
static bool turn_away(struct connection *c)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                 "Content-Length: 0\r\n"
                                 "Connection: close\r\n"
                                 "\r\n";

    c->since = c->worker->now;
    if (!linger(c) || peer_send_text(&c->peer, answer) != FCGI_OK) {
        return false;
    }
    (void)shutdown(c->peer.fd, SHUT_WR);
    if (c->worker->options->access_log) {
        log_access(c->peer.remote_addr, NULL, 503, 0, NULL);
    }
    return true;
}

/* Do what can be done without waiting. False: the connection is over. */
static bool go_on(struct connection *c)
{
    if (c->lingers) {
        return linger(c);
    }
    if (c->transaction == NULL && c->peer.readable) {
        c->transaction = transaction_begin(c->worker, &c->peer);
        if (c->transaction == NULL) {
            return turn_away(c);
        }
    }
    if (c->transaction == NULL) {
        return true;
    }
    switch (transaction_proceed(c->transaction)) {
    case STAGE_IDLE:
        end_transaction(c);
        return true;
    case STAGE_LINGERING:
        end_transaction(c);
        return linger(c);
    case STAGE_GONE:
        return false;
    default:
        return true;
    }
}

/* Every event leads here. */
static void proceed(struct connection *c)
{
    peer_begin_event(&c->peer);
    if (!go_on(c)) {
        close_connection(c);
        return;
    }
    peer_end_event(&c->peer);
    set_timer(c);
}

static void on_ready(void *connection)
{
    struct connection *c = connection;

    worker_update_clock(c->worker);
    proceed(c);
}

/* The client may have taken too long. */
static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct connection *c = context;

    (void)fd;
    (void)what;
    worker_update_clock(c->worker);
    c->timer_at = PATIENCE_NEVER;
    if (c->transaction != NULL) {
        transaction_check_client(c->transaction);
    } else if (c->worker->now >= idle_deadline(c)) {
        close_connection(c);
        return;
    }
    proceed(c);
}

/*
 * Beginning and end.
 */

void connection_open(struct worker *worker, int fd,
                     const struct sockaddr *address, socklen_t len)
{
    struct connection *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        (void)close(fd);
        return;
    }
    c->worker = worker;
    c->timer_at = PATIENCE_NEVER;
    c->since = worker->now;
    c->peer.ready = on_ready;
    c->peer.owner = c;
    peer_open(&c->peer, worker->base, fd, address, len);
    (void)evtimer_assign(&c->timer, worker->base, on_timer, c);
    c->next = worker->connections;
    if (c->next != NULL) {
        c->next->previous = c;
    }
    worker->connections = c;
    proceed(c);
}

void connection_stop(struct connection *c)
{
    if (c->transaction != NULL) {
        c->transaction->answer.keep = false;
    } else if (!c->lingers) {
        close_connection(c);
    }
}

struct connection *connection_next(const struct connection *c)
{
    return c->next;
}
