/*
 * Many calls at a time, driven by libevent: one persistent event for each, with
 * the descriptor and the time of its call.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>

#include <fcgi_client/call.h>

#include "load.h"

struct watcher {
    struct load *load;
    struct load_call *call;
    struct event_base *base;
    struct event *event;
    int fd;
    short events;
};

static short events_of(const struct load_call *call)
{
    unsigned wanted = load_events(call);
    short events = EV_PERSIST;
    if (wanted & FCGI_EVENT_READ) {
        events |= EV_READ;
    }
    if (wanted & FCGI_EVENT_WRITE) {
        events |= EV_WRITE;
    }
    return events;
}

static void on_event(evutil_socket_t fd, short what, void *context);

/* An event is made anew where the descriptor, or what it is watched for, has
 * changed; its time is set in any case. */
static void update(struct watcher *w)
{
    int fd = load_fd(w->call);
    short events = events_of(w->call);
    int timeout = load_timeout_ms(w->call);
    struct timeval time = {timeout / 1000, timeout % 1000 * 1000};
    if (w->event == NULL || fd != w->fd || events != w->events) {
        if (w->event != NULL) {
            event_free(w->event);
        }
        w->fd = fd;
        w->events = events;
        w->event = event_new(w->base, fd, events, on_event, w);
        assert_non_null(w->event);
    } else {
        assert_int_equal(event_remove_timer(w->event), 0);
    }
    assert_int_equal(event_add(w->event, timeout < 0 ? NULL : &time), 0);
}

static void on_event(evutil_socket_t fd, short what, void *context)
{
    struct watcher *w = context;
    (void)fd;
    (void)what;
    if (load_step(w->call) == FCGI_WAIT) {
        update(w);
        return;
    }
    event_free(w->event);
    w->event = NULL;
    load_finish(w->call);
    if (load_left(w->load) == 0) {
        assert_int_equal(event_base_loopbreak(w->base), 0);
    }
}

static struct watcher watchers[LOAD_CALLS];

static void on_turns(evutil_socket_t fd, short what, void *context)
{
    struct load *load = context;
    size_t nth;
    for (nth = load_next_turn(load); nth < LOAD_CALLS;
         nth = load_next_turn(load)) {
        on_event(fd, what, &watchers[nth]);
    }
}

static void drive(struct load *load)
{
    struct event_base *base = event_base_new();
    struct event *turns = event_new(base, load_turns_fd(load),
                                    EV_READ | EV_PERSIST, on_turns, load);
    assert_non_null(turns);
    assert_int_equal(event_add(turns, NULL), 0);
    for (size_t i = 0; i < LOAD_CALLS; i++) {
        watchers[i] =
            (struct watcher){load, load_call(load, i), base, NULL, -1, 0};
        update(&watchers[i]);
    }
    assert_true(event_base_dispatch(base) >= 0);
    event_free(turns);
    event_base_free(base);
}

int main(void)
{
    int failed = load_run_tests("libevent", drive, true);
    libevent_global_shutdown();
    return failed;
}
