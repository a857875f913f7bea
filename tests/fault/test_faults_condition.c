/*
 * The condition that threads wait on, made while libc refuses to, and the
 * moment that libc is told to wait until.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <pthread.h>

#include <fcgi_client/error.h>

#include "../../src/net/condition.h"
#include "ask.h"
#include "faults.h"
#include "test.h"

static void assert_refused(const struct fault_way *way)
{
    pthread_cond_t condition;
    faults_begin(way, 1);
    int rc = fcgi__condition_init(&condition);
    int error = errno;
    if (!faults_end()) {
        skip(); /* nothing of the kind is called on this system */
    }
    assert_code(rc, FCGI_ERR_SYSTEM);
    assert_int_equal(error, way->error);
}

static void a_condition_that_cannot_be_made_is_a_system_error(void **state)
{
    static const struct fault_way way = {FAULT_CONDITION, FAULT_REFUSES, EAGAIN,
                                         false};
    (void)state;
    assert_refused(&way);
}

static void attributes_that_cannot_be_made_are_a_system_error(void **state)
{
    static const struct fault_way way = {FAULT_ATTRIBUTES, FAULT_REFUSES,
                                         ENOMEM, false};
    (void)state;
    assert_refused(&way);
}

static void an_error_from_before_is_not_one_of_the_condition(void **state)
{
    (void)state;
    pthread_cond_t condition;
    errno = EIO;
    assert_code(fcgi__condition_init(&condition), FCGI_OK);
    fcgi__condition_destroy(&condition);
}

/* Until then, which is over: the wait ends at once. */
static void assert_awaited(int64_t until, time_t s, long ns)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition;
    struct timespec moment;
    assert_code(fcgi__condition_init(&condition), FCGI_OK);
    assert_int_equal(pthread_mutex_lock(&lock), 0);
    faults_begin(NULL, 0);
    fcgi__condition_wait(&condition, &lock, until);
    (void)faults_end();
    assert_int_equal(pthread_mutex_unlock(&lock), 0);
    fcgi__condition_destroy(&condition);
    if (!faults_awaited_moment(&moment)) {
        skip(); /* libc is told of no moment on this system */
    }
    assert_int_equal(moment.tv_sec, s);
    assert_int_equal(moment.tv_nsec, ns);
}

static void a_moment_in_microseconds_is_seconds_and_nanoseconds(void **state)
{
    (void)state;
    assert_awaited(1, 0, 1000);
    assert_awaited(999999, 0, 999999000);
    assert_awaited(1000000, 1, 0);
    assert_awaited(1999999, 1, 999999000);
    assert_awaited(2000001, 2, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_condition_that_cannot_be_made_is_a_system_error),
        cmocka_unit_test(attributes_that_cannot_be_made_are_a_system_error),
        cmocka_unit_test(an_error_from_before_is_not_one_of_the_condition),
        cmocka_unit_test(a_moment_in_microseconds_is_seconds_and_nanoseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
