/*
 * An fcgi_loop in epoll, edge-triggered by the adapter that comes with the
 * library.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include <fcgi_client/loop_epoll.h>

#include "load.h"

#define TAG (UINT64_C(7) << 32)

static struct fcgi_loop_epoll fcgi;

static struct fcgi_loop *open_loop(const char *address,
                                   const struct fcgi_client_config *config)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    assert_true(epoll >= 0);
    assert_int_equal(fcgi_loop_epoll_new(&fcgi, epoll, TAG, address, config),
                     FCGI_OK);
    return fcgi.loop;
}

static int shorter(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void turn(int milliseconds)
{
    struct epoll_event events[64];
    int count =
        epoll_wait(fcgi.epoll, events, 64,
                   shorter(milliseconds, fcgi_loop_timeout_ms(fcgi.loop)));
    assert_true(count >= 0 || errno == EINTR);
    for (int i = 0; i < count; i++) {
        assert_true(fcgi_loop_epoll_ready(&fcgi, &events[i]));
    }
    fcgi_loop_expire(fcgi.loop);
}

static void close_loop(void)
{
    fcgi_loop_free(fcgi.loop);
    assert_int_equal(close(fcgi.epoll), 0);
}

int main(void)
{
    static const struct load_host host = {open_loop, turn, close_loop};
    return load_run_loop_tests("fcgi_loop in epoll", &host);
}
