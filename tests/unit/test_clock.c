/*
 * Moments and what is left until them, in whole milliseconds that never end
 * too early.
 */
#define _POSIX_C_SOURCE 200809L

#include <limits.h>
#include <time.h>

#include "../../src/net/clock.h"
#include "test.h"

static void a_moment_gone_by_is_now(void **state)
{
    (void)state;
    assert_int_equal(fcgi__milliseconds_until(1000, 1000), 0);
    assert_int_equal(fcgi__milliseconds_until(999, 1000), 0);
    assert_int_equal(fcgi__milliseconds_until(-5000, 1000), 0);
}

/* Rounded down, a wait would end before its moment, and begin again. */
static void what_is_left_is_rounded_up(void **state)
{
    (void)state;
    assert_int_equal(fcgi__milliseconds_until(1001, 1000), 1);
    assert_int_equal(fcgi__milliseconds_until(2000, 1000), 1);
    assert_int_equal(fcgi__milliseconds_until(2001, 1000), 2);
}

static void never_is_minus_one(void **state)
{
    (void)state;
    assert_int_equal(fcgi__milliseconds_until(FCGI__NEVER, 1000), -1);
    assert_int_equal(fcgi__milliseconds_until(FCGI__NEVER, 0), -1);
}

/* poll() takes an int. */
static void what_is_left_is_no_more_than_an_int_holds(void **state)
{
    (void)state;
    const int64_t most = (int64_t)INT_MAX * 1000;
    assert_int_equal(fcgi__milliseconds_until(most, 0), INT_MAX);
    assert_int_equal(fcgi__milliseconds_until(most - 1000, 0), INT_MAX - 1);
    assert_int_equal(fcgi__milliseconds_until(most + 1, 0), INT_MAX);
    assert_int_equal(fcgi__milliseconds_until(1000 * most, 0), INT_MAX);
}

static void the_clock_counts_microseconds_and_only_moves_on(void **state)
{
    (void)state;
    int64_t before = fcgi__now();
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    int64_t between = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    int64_t after = fcgi__now();
    assert_true(before <= between);
    assert_true(between <= after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_gone_by_is_now),
        cmocka_unit_test(what_is_left_is_rounded_up),
        cmocka_unit_test(never_is_minus_one),
        cmocka_unit_test(what_is_left_is_no_more_than_an_int_holds),
        cmocka_unit_test(the_clock_counts_microseconds_and_only_moves_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
