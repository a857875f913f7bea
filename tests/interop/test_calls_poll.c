/*
 * Many calls at a time, driven by poll(): one array for all of them, made anew
 * each time.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>

#include <fcgi_client/call.h>

#include "load.h"

static short events_of(const struct load_call *call)
{
    unsigned wanted = load_events(call);
    short events = 0;
    if (wanted & FCGI_EVENT_READ) {
        events |= POLLIN;
    }
    if (wanted & FCGI_EVENT_WRITE) {
        events |= POLLOUT;
    }
    return events;
}

/* What all of them wait for; returns how long. */
static int gather(struct load *load, struct pollfd *watched)
{
    int shortest = -1;
    for (size_t i = 0; i < LOAD_CALLS; i++) {
        struct load_call *call = load_call(load, i);
        watched[i].fd = -1;
        watched[i].revents = 0;
        if (call == NULL) {
            continue;
        }
        int timeout = load_timeout_ms(call);
        watched[i].fd = load_fd(call);
        watched[i].events = events_of(call);
        if (timeout >= 0 && (shortest < 0 || timeout < shortest)) {
            shortest = timeout;
        }
    }
    return shortest;
}

static void drive(struct load *load)
{
    static struct pollfd watched[LOAD_CALLS];
    while (load_left(load) > 0) {
        int timeout = gather(load, watched);
        assert_true(poll(watched, LOAD_CALLS, timeout) >= 0);
        for (size_t i = 0; i < LOAD_CALLS; i++) {
            struct load_call *call = load_call(load, i);
            assert_int_equal(watched[i].revents & POLLNVAL, 0);
            if (call == NULL ||
                (watched[i].revents == 0 && load_timeout_ms(call) != 0)) {
                continue;
            }
            if (load_step(call) != FCGI_WAIT) {
                load_finish(call);
            }
        }
    }
}

int main(void)
{
    return load_run_tests("poll", drive, false);
}
