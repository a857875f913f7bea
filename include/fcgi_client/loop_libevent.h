/*
 * loop_libevent - fcgi_loop for a program with libevent.
 *
 *     struct fcgi_loop_libevent fcgi;
 *     fcgi_loop_libevent_new(&fcgi, base, "unix:/run/php/php-fpm.sock", NULL);
 *     fcgi_loop_start(fcgi.loop, &request, &response, done, NULL);
 *     event_base_dispatch(base);
 *
 *     fcgi_loop_libevent_free(&fcgi);
 */
#ifndef FCGI_CLIENT_LOOP_LIBEVENT_H
#define FCGI_CLIENT_LOOP_LIBEVENT_H

#include <string.h>

#include <event2/event.h>

#include <fcgi_client/loop.h>

struct fcgi_loop_libevent {
    struct fcgi_loop *loop;
    struct event_base *base;
    struct event *timer;
};

static inline void fcgi_loop_libevent_on_event(evutil_socket_t fd, short what,
                                               void *context)
{
    struct fcgi_loop_libevent *fcgi = (struct fcgi_loop_libevent *)context;

    fcgi_loop_ready(
        fcgi->loop, (int)fd,
        ((what & EV_READ) != 0 ? (unsigned)FCGI_EVENT_READ : 0U) |
            ((what & EV_WRITE) != 0 ? (unsigned)FCGI_EVENT_WRITE : 0U));
}

static inline void fcgi_loop_libevent_on_timer(evutil_socket_t fd, short what,
                                               void *context)
{
    (void)fd;
    (void)what;
    fcgi_loop_expire(((struct fcgi_loop_libevent *)context)->loop);
}

static inline int fcgi_loop_libevent_watch(void *context, int fd,
                                           unsigned events, void **own)
{
    struct fcgi_loop_libevent *fcgi = (struct fcgi_loop_libevent *)context;
    short what =
        (short)(EV_PERSIST | ((events & FCGI_EVENT_READ) != 0 ? EV_READ : 0) |
                ((events & FCGI_EVENT_WRITE) != 0 ? EV_WRITE : 0));

    if (*own != NULL) {
        event_free((struct event *)*own);
        *own = NULL;
    }
    if (events == 0) {
        return FCGI_OK;
    }
    *own = event_new(fcgi->base, fd, what, fcgi_loop_libevent_on_event, fcgi);
    return *own != NULL && event_add((struct event *)*own, NULL) == 0
               ? FCGI_OK
               : FCGI_ERR_NO_MEMORY;
}

static inline void fcgi_loop_libevent_set_timer(void *context, int milliseconds)
{
    struct fcgi_loop_libevent *fcgi = (struct fcgi_loop_libevent *)context;
    struct timeval after = {milliseconds / 1000, milliseconds % 1000 * 1000};

    if (milliseconds < 0) {
        (void)evtimer_del(fcgi->timer);
    } else {
        (void)evtimer_add(fcgi->timer, &after);
    }
}

/** Free the loop. NULL in its place is allowed. */
static inline void fcgi_loop_libevent_free(struct fcgi_loop_libevent *fcgi)
{
    fcgi_loop_free(fcgi->loop);
    fcgi->loop = NULL;
    if (fcgi->timer != NULL) {
        event_free(fcgi->timer);
        fcgi->timer = NULL;
    }
}

/** Make a loop in an event base: see fcgi_loop_new(). `fcgi` must stay where it
 *  is until fcgi_loop_libevent_free(). */
static inline int
fcgi_loop_libevent_new(struct fcgi_loop_libevent *fcgi, struct event_base *base,
                       const char *address,
                       const struct fcgi_client_config *config)
{
    struct fcgi_loop_host host;
    int rc = FCGI_ERR_NO_MEMORY;

    memset(&host, 0, sizeof(host));
    host.watch = fcgi_loop_libevent_watch;
    host.set_timer = fcgi_loop_libevent_set_timer;
    host.context = fcgi;
    fcgi->loop = NULL;
    fcgi->base = base;
    fcgi->timer = evtimer_new(base, fcgi_loop_libevent_on_timer, fcgi);
    if (fcgi->timer != NULL) {
        rc = fcgi_loop_new(&fcgi->loop, address, config, &host);
    }
    if (rc != FCGI_OK) {
        fcgi_loop_libevent_free(fcgi);
    }
    return rc;
}

#endif
