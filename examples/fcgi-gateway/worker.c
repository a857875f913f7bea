/*
 * worker - a thread, its event loop, and what its connections share.
 */
#define _POSIX_C_SOURCE 200809L

#include "worker.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <event2/listener.h>

#include "connection.h"
#include "transaction.h"

/*
 * Time.
 */

void worker_update_clock(struct worker *worker)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    worker->now = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *worker_date(struct worker *worker)
{
    time_t now = time(NULL);
    struct tm utc;

    if (now != worker->date_time) {
        (void)gmtime_r(&now, &utc);
        (void)strftime(worker->date, sizeof(worker->date),
                       "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
        worker->date_time = now;
    }
    return worker->date;
}

/*
 * Accepting.
 */

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
                      struct sockaddr *address, int len, void *context)
{
    struct worker *worker = context;

    (void)listener;
    worker_update_clock(worker);
    connection_open(worker, fd, address, (socklen_t)len);
}

/* Descriptors have probably run out: accept again after a pause. */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
    const struct timeval after = {0, 100000};
    struct worker *worker = context;

    (void)evconnlistener_disable(listener);
    (void)evtimer_add(worker->pause, &after);
}

static void on_pause_over(evutil_socket_t fd, short what, void *context)
{
    struct worker *worker = context;

    (void)fd;
    (void)what;
    if (worker->listener != NULL) {
        (void)evconnlistener_enable(worker->listener);
    }
}

/*
 * Stopping.
 */

static void on_stop(evutil_socket_t fd, short what, void *context)
{
    struct worker *worker = context;
    struct connection *connection = worker->connections;

    (void)fd;
    (void)what;
    worker->stopping = true;
    evconnlistener_free(worker->listener);
    worker->listener = NULL;
    while (connection != NULL) {
        struct connection *next = connection_next(connection);
        connection_stop(connection);
        connection = next;
    }
    if (worker->connections == NULL) {
        (void)event_base_loopbreak(worker->base);
    }
}

/*
 * Beginning and end.
 */

/* Without locks, as no other thread uses it. */
static struct event_base *make_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config != NULL) {
        (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        base = event_base_new_with_config(config);
        event_config_free(config);
    }
    return base;
}

/* The share of this worker; 0: no limit. */
static int share_connections(const struct worker *worker)
{
    int count = worker->options->connections;
    int workers = worker->options->workers;

    return count / workers + (worker->number < count % workers);
}

static int open_upstream(struct worker *worker)
{
    const struct options *options = worker->options;
    struct fcgi_client_config config = {
        .timeouts.first_byte_ms = options->timeout_ms,
        .timeouts.idle_ms = options->timeout_ms,
        .timeouts.queue_ms = options->timeout_ms,
        .timeouts.total_ms = options->total_ms,
        .no_abort = options->no_abort,
        .pool.max_idle = options->no_keep ? -1 : 0,
        .pool.max_requests = options->requests,
        .pool.idle_timeout_ms = options->idle_ms,
        .pool.max_open = share_connections(worker),
    };

    return fcgi_loop_libevent_new(&worker->upstream, worker->base,
                                  options->upstream, &config);
}

static bool open_events(struct worker *worker, int fd, int stop)
{
    worker->listener = evconnlistener_new(
        worker->base, on_accept, worker,
        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1, fd);
    worker->stopper = event_new(worker->base, stop, EV_READ, on_stop, worker);
    worker->pause = evtimer_new(worker->base, on_pause_over, worker);
    if (worker->listener == NULL || worker->stopper == NULL ||
        worker->pause == NULL) {
        return false;
    }
    evconnlistener_set_error_cb(worker->listener, on_accept_error);
    return event_add(worker->stopper, NULL) == 0;
}

int worker_open(struct worker *worker, const struct options *options,
                int number, int fd, int stop)
{
    int rc;

    memset(worker, 0, sizeof(*worker));
    worker->options = options;
    worker->number = number;
    worker->memory.max = options->memory;
    worker->site.root = options->root;
    worker->site.index = options->index;
    worker->site.folding = FCGI_CGI_FOLDING_DROP;
    worker->site.drop_connection_named = options->drop_connection_named;
    worker->base = make_base();
    if (worker->base == NULL) {
        return FCGI_ERR_SYSTEM;
    }
    rc = open_upstream(worker);
    if (rc == FCGI_OK) {
        rc = fcgi_cgi_new(&worker->cgi, NULL);
    }
    if (rc == FCGI_OK && !open_events(worker, fd, stop)) {
        rc = FCGI_ERR_NO_MEMORY;
    }
    return rc;
}

void worker_run(struct worker *worker)
{
    (void)event_base_dispatch(worker->base);
}

void worker_close(struct worker *worker)
{
    (void)transaction_free_cached(worker);
    memory_free_spares(&worker->memory);
    fcgi_loop_libevent_free(&worker->upstream);
    fcgi_cgi_free(worker->cgi);
    event_free(worker->stopper);
    event_free(worker->pause);
    event_base_free(worker->base);
}
