/*
 * An fcgi_loop in libevent, by the adapter that comes with the library.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcgi_client/loop_libevent.h>

#include "load.h"

static struct fcgi_loop_libevent fcgi;

static struct fcgi_loop *open_loop(const char *address,
                                   const struct fcgi_client_config *config)
{
    struct event_base *base = event_base_new();
    assert_non_null(base);
    assert_int_equal(fcgi_loop_libevent_new(&fcgi, base, address, config),
                     FCGI_OK);
    return fcgi.loop;
}

static void wake(evutil_socket_t fd, short what, void *none)
{
    (void)fd;
    (void)what;
    (void)none;
}

static void turn(int milliseconds)
{
    struct timeval most = {milliseconds / 1000, milliseconds % 1000 * 1000};
    if (milliseconds >= 0) {
        assert_int_equal(
            event_base_once(fcgi.base, -1, EV_TIMEOUT, wake, NULL, &most), 0);
    }
    assert_int_equal(event_base_loop(fcgi.base, EVLOOP_ONCE), 0);
}

static void close_loop(void)
{
    struct event_base *base = fcgi.base;
    fcgi_loop_libevent_free(&fcgi);
    event_base_free(base);
}

int main(void)
{
    static const struct load_host host = {open_loop, turn, close_loop};
    return load_run_loop_tests("fcgi_loop in libevent", &host);
}
