/*
 * An fcgi_loop in libuv, by the adapter that comes with the library.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcgi_client/loop_libuv.h>

#include "load.h"

static uv_loop_t uv;
static uv_timer_t waking;
static struct fcgi_loop_libuv fcgi;

static struct fcgi_loop *open_loop(const char *address,
                                   const struct fcgi_client_config *config)
{
    assert_int_equal(uv_loop_init(&uv), 0);
    assert_int_equal(uv_timer_init(&uv, &waking), 0);
    assert_int_equal(fcgi_loop_libuv_new(&fcgi, &uv, address, config), FCGI_OK);
    return fcgi.loop;
}

static void wake(uv_timer_t *timer)
{
    (void)timer;
}

/* libuv waits for nothing when only idle connections are left, as a program
 * that has nothing to do ends: a timer of the test's own keeps it going. It
 * repeats, because uv_run() calls timers before it waits, too. */
static void turn(int milliseconds)
{
    int most =
        milliseconds < 0 ? fcgi_loop_timeout_ms(fcgi.loop) : milliseconds;
    assert_int_equal(uv_timer_start(&waking, wake, (uint64_t)most, 1), 0);
    (void)uv_run(&uv, UV_RUN_ONCE);
}

static void close_loop(void)
{
    fcgi_loop_libuv_free(&fcgi);
    uv_close((uv_handle_t *)&waking, NULL);
    assert_int_equal(uv_run(&uv, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&uv), 0);
}

int main(void)
{
    (void)uv_default_loop(); /* opens what libuv keeps for the whole process */
    static const struct load_host host = {open_loop, turn, close_loop};
    return load_run_loop_tests("fcgi_loop in libuv", &host);
}
