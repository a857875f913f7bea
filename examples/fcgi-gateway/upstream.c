/*
 * upstream - the application as one worker sees it.
 *
 * When a descriptor is closed, the kernel drops its registration, but libevent
 * keeps it: a number that comes up again must be registered again. The pool's
 * trace tells which connections are new and which are reused.
 */
#define _POSIX_C_SOURCE 200809L

#include "upstream.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event_struct.h>

struct watch {
    struct upstream *upstream;
    void *owner; /* of the call; NULL: the connection is idle, or closed */
    struct event reading;
    struct event writing;
    bool registered;
};

static void on_event(evutil_socket_t fd, short what, void *context)
{
    struct watch *watch = context;

    (void)fd;
    (void)what;
    if (watch->owner != NULL) {
        watch->upstream->ready(watch->owner);
    }
}

/*
 * Watches.
 */

static struct watch *find_watch(const struct upstream *upstream, int fd)
{
    return (size_t)fd < upstream->watch_count ? upstream->watches[fd] : NULL;
}

static bool grow_table(struct upstream *upstream, int fd)
{
    size_t count = (size_t)fd + 64;
    struct watch **watches =
        realloc(upstream->watches, count * sizeof(struct watch *));

    if (watches == NULL) {
        return false;
    }
    for (size_t i = upstream->watch_count; i < count; i++) {
        watches[i] = NULL;
    }
    upstream->watches = watches;
    upstream->watch_count = count;
    return true;
}

static struct watch *make_watch(struct upstream *upstream, int fd)
{
    struct watch *watch;

    if ((size_t)fd >= upstream->watch_count && !grow_table(upstream, fd)) {
        return NULL;
    }
    watch = calloc(1, sizeof(*watch));
    if (watch != NULL) {
        watch->upstream = upstream;
        (void)event_assign(&watch->reading, upstream->base, fd,
                           EV_READ | EV_PERSIST | EV_ET, on_event, watch);
        (void)event_assign(&watch->writing, upstream->base, fd,
                           EV_WRITE | EV_PERSIST | EV_ET, on_event, watch);
    }
    upstream->watches[fd] = watch;
    return watch;
}

static void unregister(struct watch *watch)
{
    if (watch->registered) {
        (void)event_del(&watch->reading);
        (void)event_del(&watch->writing);
        watch->registered = false;
    }
}

static int register_again(struct watch *watch)
{
    unregister(watch);
    if (event_add(&watch->reading, NULL) != 0) {
        return FCGI_ERR_NO_MEMORY;
    }
    watch->registered = true;
    return FCGI_OK;
}

void upstream_unregister(struct upstream *upstream, int fd)
{
    struct watch *watch = find_watch(upstream, fd);

    if (watch != NULL) {
        unregister(watch);
    }
}

static void on_trace(void *context, const struct fcgi_trace_event *event)
{
    struct upstream *upstream = context;

    if (event->kind == FCGI_TRACE_DIALLED) {
        upstream_unregister(upstream, event->fd);
    } else if (event->kind == FCGI_TRACE_REUSED) {
        upstream->reused = event->fd;
    }
}

/*
 * Calls.
 */

/* Calls that have waited for a connection have their turn. */
static void on_wakeup(evutil_socket_t fd, short what, void *context)
{
    struct upstream *upstream = context;
    struct fcgi_call *call;

    (void)fd;
    (void)what;
    for (call = fcgi_wakeup_next(upstream->wakeup); call != NULL;
         call = fcgi_wakeup_next(upstream->wakeup)) {
        upstream->ready(fcgi_call_context(call));
    }
}

int upstream_start_call(struct upstream *upstream, struct upstream_call *call,
                        struct fcgi_request *request,
                        struct fcgi_response *response, void *owner)
{
    call->watch = NULL;
    request->wakeup = upstream->wakeup;
    request->context = owner;
    return fcgi_call_start(&call->call, upstream->client, request, response);
}

static void change_owner(struct upstream_call *call, struct watch *watch,
                         void *owner)
{
    if (call->watch != NULL) {
        call->watch->owner = NULL;
    }
    call->watch = watch;
    watch->owner = owner;
}

static int watch_writing(struct watch *watch, bool wanted)
{
    bool pending = event_pending(&watch->writing, EV_WRITE, NULL) != 0;
    int rc = 0;

    if (wanted && !pending) {
        rc = event_add(&watch->writing, NULL);
    } else if (!wanted && pending) {
        rc = event_del(&watch->writing);
    }
    return rc == 0 ? FCGI_OK : FCGI_ERR_NO_MEMORY;
}

/* The watch of a descriptor; NULL: out of memory. */
static struct watch *find_or_make_watch(struct upstream *upstream, int fd)
{
    struct watch *watch = find_watch(upstream, fd);

    return watch != NULL ? watch : make_watch(upstream, fd);
}

int upstream_watch_call(struct upstream *upstream, struct upstream_call *call)
{
    int fd = fcgi_call_fd(call->call);
    int reused = upstream->reused;
    struct watch *watch;
    bool is_other;
    int rc = FCGI_OK;

    upstream->reused = -1;
    if (fd < 0) {
        return FCGI_OK; /* what is registered may stay registered */
    }
    watch = find_or_make_watch(upstream, fd);
    if (watch == NULL) {
        return FCGI_ERR_NO_MEMORY;
    }
    is_other = watch != call->watch;
    change_owner(call, watch, fcgi_call_context(call->call));
    if (!watch->registered || (is_other && fd != reused)) {
        rc = register_again(watch);
    }
    if (rc == FCGI_OK) {
        rc = watch_writing(watch,
                           (fcgi_call_events(call->call) & FCGI_EVENT_WRITE));
    }
    return rc;
}

/*
 * Idle connections.
 */

static void set_eviction_timer(struct upstream *upstream, int after_ms)
{
    struct timeval after = {after_ms / 1000, after_ms % 1000 * 1000};

    (void)evtimer_add(upstream->evicting, &after);
}

static void on_eviction(evutil_socket_t fd, short what, void *context)
{
    struct upstream *upstream = context;
    int next = fcgi_pool_evict(fcgi_client_pool(upstream->client));

    (void)fd;
    (void)what;
    if (next >= 0) {
        set_eviction_timer(upstream, next);
    }
}

void upstream_end_call(struct upstream *upstream, struct upstream_call *call)
{
    if (call->watch != NULL) {
        (void)watch_writing(call->watch, false);
        call->watch->owner = NULL;
        call->watch = NULL;
    }
    upstream->reused = -1;
    fcgi_call_free(call->call);
    call->call = NULL;
    if (!evtimer_pending(upstream->evicting, NULL)) {
        set_eviction_timer(upstream, 1000);
    }
}

static void free_event(struct event *event)
{
    if (event != NULL) {
        event_free(event);
    }
}

static void close_client(struct upstream *upstream)
{
    free_event(upstream->evicting);
    free_event(upstream->waking);
    fcgi_wakeup_free(upstream->wakeup);
    fcgi_client_free(upstream->client);
}

int upstream_open(struct upstream *upstream, struct event_base *base,
                  const char *address, const struct fcgi_client_config *config,
                  void (*ready)(void *owner))
{
    struct fcgi_client_config own = *config;
    int rc;

    *upstream = (struct upstream){.base = base, .reused = -1, .ready = ready};
    own.pool.evict_by_host = true;
    own.pool.trace = on_trace;
    own.pool.trace_context = upstream;
    rc = fcgi_client_new(&upstream->client, address, &own);
    if (rc != FCGI_OK) {
        return rc;
    }
    rc = fcgi_wakeup_new(&upstream->wakeup, upstream->client);
    if (rc != FCGI_OK) {
        fcgi_client_free(upstream->client);
        return rc;
    }
    upstream->evicting = evtimer_new(base, on_eviction, upstream);
    upstream->waking = event_new(base, fcgi_wakeup_fd(upstream->wakeup),
                                 EV_READ | EV_PERSIST, on_wakeup, upstream);
    if (upstream->evicting == NULL || upstream->waking == NULL ||
        event_add(upstream->waking, NULL) != 0) {
        close_client(upstream);
        return FCGI_ERR_NO_MEMORY;
    }
    return FCGI_OK;
}

void upstream_close(struct upstream *upstream)
{
    for (size_t i = 0; i < upstream->watch_count; i++) {
        if (upstream->watches[i] != NULL) {
            unregister(upstream->watches[i]);
            free(upstream->watches[i]);
        }
    }
    free(upstream->watches);
    close_client(upstream);
}
