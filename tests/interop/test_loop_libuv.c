/*
 * Many calls at a time, driven by libuv: a handle for the descriptor of each,
 * as long as it is the same, and a timer.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include <uv.h>

#include <fcgi_client/call.h>

#include "load.h"

struct watcher {
    struct load *load;
    struct load_call *call;
    uv_loop_t *loop;
    uv_poll_t *poll; /* of `fd`; NULL: none */
    int fd;
    uv_timer_t timer;
};

static int events_of(const struct load_call *call)
{
    unsigned wanted = load_events(call);
    return (wanted & FCGI_EVENT_READ ? UV_READABLE : 0) |
           (wanted & FCGI_EVENT_WRITE ? UV_WRITABLE : 0);
}

static void step(struct watcher *w);

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status; /* The call finds out by itself. */
    (void)events;
    step(poll->data);
}

static void on_time(uv_timer_t *timer)
{
    step(timer->data);
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

/* libuv may still use the handle, but not its descriptor any more. */
static void forget(struct watcher *w)
{
    if (w->poll != NULL) {
        assert_int_equal(uv_poll_stop(w->poll), 0);
        uv_close((uv_handle_t *)w->poll, free_handle);
        w->poll = NULL;
    }
    w->fd = -1;
}

static void watch(struct watcher *w, int fd)
{
    w->poll = malloc(sizeof(*w->poll));
    assert_non_null(w->poll);
    assert_int_equal(uv_poll_init(w->loop, w->poll, fd), 0);
    w->poll->data = w;
    w->fd = fd;
}

static void update(struct watcher *w)
{
    int fd = load_fd(w->call);
    int timeout = load_timeout_ms(w->call);
    if (fd != w->fd) {
        forget(w);
    }
    if (fd >= 0) {
        if (w->poll == NULL) {
            watch(w, fd);
        }
        assert_int_equal(uv_poll_start(w->poll, events_of(w->call), on_poll),
                         0);
    }
    if (timeout < 0) {
        assert_int_equal(uv_timer_stop(&w->timer), 0);
        return;
    }
    /* Its clock stands still while handles are dealt with. */
    uv_update_time(w->loop);
    assert_int_equal(uv_timer_start(&w->timer, on_time, (uint64_t)timeout, 0),
                     0);
}

static struct watcher watchers[LOAD_CALLS];
static uv_poll_t turns;

static void step(struct watcher *w)
{
    if (load_step(w->call) == FCGI_WAIT) {
        update(w);
        return;
    }
    forget(w);
    uv_close((uv_handle_t *)&w->timer, NULL);
    load_finish(w->call);
    if (load_left(w->load) == 0) {
        uv_close((uv_handle_t *)&turns, NULL);
    }
}

static void on_turns(uv_poll_t *poll, int status, int events)
{
    struct load *load = poll->data;
    size_t nth;
    (void)status;
    (void)events;
    for (nth = load_next_turn(load); nth < LOAD_CALLS;
         nth = load_next_turn(load)) {
        step(&watchers[nth]);
    }
}

static void drive(struct load *load)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_poll_init(&loop, &turns, load_turns_fd(load)), 0);
    turns.data = load;
    assert_int_equal(uv_poll_start(&turns, UV_READABLE, on_turns), 0);
    for (size_t i = 0; i < LOAD_CALLS; i++) {
        struct watcher *w = &watchers[i];
        *w = (struct watcher){
            .load = load, .call = load_call(load, i), .loop = &loop};
        w->fd = -1;
        assert_int_equal(uv_timer_init(&loop, &w->timer), 0);
        w->timer.data = w;
        update(w);
    }
    /* Returns once no handle is left. */
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* The first loop of a process opens descriptors that stay. */
static void make_first_loop(void)
{
    uv_loop_t loop;
    if (uv_loop_init(&loop) != 0 || uv_loop_close(&loop) != 0) {
        abort();
    }
}

int main(void)
{
    make_first_loop();
    return load_run_tests("libuv", drive, true);
}
