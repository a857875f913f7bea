/*
 * Many calls at a time, each driven by epoll, level-triggered and
 * edge-triggered. A descriptor stays registered from the time it was told until
 * another is, so that one closed too early, or a number used again too early,
 * shows.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <fcgi_client/call.h>

#include "load.h"

#define BATCH 64

/* Stands for the calls whose turn has come. */
#define TURNS LOAD_CALLS

/* What is registered of each call; fd -1: nothing. */
struct registration {
    int fd;
    uint32_t events;
};

struct loop {
    struct load *load;
    int epoll;
    uint32_t trigger; /* EPOLLET or 0 */
    struct registration registered[LOAD_CALLS + 1];
};

static uint32_t events_of(const struct load_call *call)
{
    unsigned wanted = load_events(call);
    return (wanted & FCGI_EVENT_READ ? (uint32_t)EPOLLIN : 0) |
           (wanted & FCGI_EVENT_WRITE ? (uint32_t)EPOLLOUT : 0);
}

static void control(const struct loop *loop, int operation, size_t nth)
{
    const struct registration *r = &loop->registered[nth];
    struct epoll_event event;
    memset(&event, 0, sizeof(event));
    event.events = r->events | loop->trigger;
    event.data.u64 = nth;
    assert_int_equal(epoll_ctl(loop->epoll, operation, r->fd, &event), 0);
}

static void forget(struct loop *loop, size_t nth)
{
    if (loop->registered[nth].fd >= 0) {
        control(loop, EPOLL_CTL_DEL, nth);
        loop->registered[nth].fd = -1;
    }
}

/* Register what the call tells now, where that has changed. */
static void update(struct loop *loop, size_t nth)
{
    struct load_call *call = load_call(loop->load, nth);
    struct registration *r = &loop->registered[nth];
    struct registration now = {load_fd(call), events_of(call)};
    if (now.fd != r->fd) {
        forget(loop, nth);
        *r = now;
        if (r->fd >= 0) {
            control(loop, EPOLL_CTL_ADD, nth);
        }
    } else if (now.events != r->events) {
        *r = now;
        if (r->fd >= 0) {
            control(loop, EPOLL_CTL_MOD, nth);
        }
    }
}

static void step(struct loop *loop, size_t nth)
{
    struct load_call *call = load_call(loop->load, nth);
    if (call == NULL) {
        return; /* It ended while others of this batch were dealt with. */
    }
    if (load_step(call) == FCGI_WAIT) {
        update(loop, nth);
        return;
    }
    forget(loop, nth);
    load_finish(call);
}

static void step_turns(struct loop *loop)
{
    size_t nth;
    for (nth = load_next_turn(loop->load); nth < LOAD_CALLS;
         nth = load_next_turn(loop->load)) {
        step(loop, nth);
    }
}

/* Those whose time it is; returns how long the others may wait. */
static int step_due(struct loop *loop)
{
    int shortest = -1;
    for (size_t i = 0; i < LOAD_CALLS; i++) {
        struct load_call *call = load_call(loop->load, i);
        if (call != NULL && load_timeout_ms(call) == 0) {
            step(loop, i);
        }
        call = load_call(loop->load, i);
        int timeout = call == NULL ? -1 : load_timeout_ms(call);
        if (timeout >= 0 && (shortest < 0 || timeout < shortest)) {
            shortest = timeout;
        }
    }
    return shortest;
}

static void drive(struct load *load, uint32_t trigger)
{
    struct loop loop = {.load = load, .trigger = trigger};
    struct epoll_event events[BATCH];
    loop.epoll = epoll_create1(EPOLL_CLOEXEC);
    assert_true(loop.epoll >= 0);
    loop.registered[TURNS] =
        (struct registration){load_turns_fd(load), EPOLLIN};
    control(&loop, EPOLL_CTL_ADD, TURNS);
    for (size_t i = 0; i < LOAD_CALLS; i++) {
        loop.registered[i].fd = -1;
        update(&loop, i);
    }
    int timeout = step_due(&loop);
    while (load_left(load) > 0) {
        int count = epoll_wait(loop.epoll, events, BATCH, timeout);
        assert_true(count >= 0);
        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 == TURNS) {
                step_turns(&loop);
            } else {
                step(&loop, (size_t)events[i].data.u64);
            }
        }
        timeout = step_due(&loop);
    }
    assert_int_equal(close(loop.epoll), 0);
}

static void drive_by_level(struct load *load)
{
    drive(load, 0);
}

static void drive_by_edge(struct load *load)
{
    drive(load, (uint32_t)EPOLLET);
}

int main(void)
{
    int failed = load_run_tests("epoll, level-triggered", drive_by_level, true);
    return failed +
           load_run_tests("epoll, edge-triggered", drive_by_edge, true);
}
