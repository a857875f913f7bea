/*
 * The condition that threads wait on: a wait ends when it is signalled or when
 * its moment has come, with the lock, and a thread cannot be cancelled amid it.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

#include <fcgi_client/error.h>

#include "../../src/net/clock.h"
#include "../../src/net/condition.h"
#include "ask.h"
#include "process.h"
#include "test.h"
#include "watchdog.h"

#define WAIT_MS 30

/* Far away; and what ends a test that hangs. */
#define FAR_MS 20000
#define LIMIT_MS 10000

/* A wait may end for no reason, but not all the time: where conditions have no
 * monotonic clock it does so every 2 ms. */
#define ROUNDS_MAX (WAIT_MS / 2 + 1)

/* Something that one thread waits for and another brings about. */
struct event {
    pthread_mutex_t lock;
    pthread_cond_t condition;
    int64_t until;
    bool waits; /* seen under the lock: the thread has released it */
    bool happens;
    bool had_lock; /* when the wait was over */
    size_t rounds;
    int state; /* of its being cancellable, before and after */
};

/* The lock tells a thread that unlocks it without holding it. */
static void begin(struct event *event, int64_t until)
{
    pthread_mutexattr_t attributes;
    *event = (struct event){.until = until};
    assert_int_equal(pthread_mutexattr_init(&attributes), 0);
    assert_int_equal(
        pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK), 0);
    assert_int_equal(pthread_mutex_init(&event->lock, &attributes), 0);
    assert_int_equal(pthread_mutexattr_destroy(&attributes), 0);
    assert_code(fcgi__condition_init(&event->condition), FCGI_OK);
    watchdog_watch_for("a wait", LIMIT_MS);
}

static void end(struct event *event)
{
    watchdog_rest();
    fcgi__condition_destroy(&event->condition);
    assert_int_equal(pthread_mutex_destroy(&event->lock), 0);
}

static void wait_for(struct event *event)
{
    (void)pthread_mutex_lock(&event->lock);
    event->waits = true;
    while (!event->happens && fcgi__now() < event->until) {
        fcgi__condition_wait(&event->condition, &event->lock, event->until);
        event->rounds += 1;
    }
    event->had_lock = pthread_mutex_unlock(&event->lock) == 0;
}

static void *wait_cancellably(void *argument)
{
    struct event *event = argument;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &event->state);
    wait_for(event);
    pthread_testcancel();
    return NULL;
}

static void *wait_uncancellably(void *argument)
{
    struct event *event = argument;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &event->state);
    wait_for(event);
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &event->state);
    return NULL;
}

/* Returns when the thread waits. */
static pthread_t begin_to_wait(struct event *event, void *(*wait)(void *))
{
    pthread_t thread;
    bool waits = false;
    assert_int_equal(pthread_create(&thread, NULL, wait, event), 0);
    while (!waits) {
        (void)sched_yield();
        assert_int_equal(pthread_mutex_lock(&event->lock), 0);
        waits = event->waits;
        assert_int_equal(pthread_mutex_unlock(&event->lock), 0);
    }
    return thread;
}

static void let_happen(struct event *event)
{
    assert_int_equal(pthread_mutex_lock(&event->lock), 0);
    event->happens = true;
    fcgi__condition_signal(&event->condition);
    assert_int_equal(pthread_mutex_unlock(&event->lock), 0);
}

/* Returns what the thread has returned. */
static void *end_waiting(pthread_t thread)
{
    void *result;
    assert_int_equal(pthread_join(thread, &result), 0);
    return result;
}

/* ---- when a wait ends --------------------------------------------------- */

static void a_wait_ends_at_its_moment(void **state)
{
    (void)state;
    struct event event;
    int64_t start = now_ms();
    begin(&event, fcgi__after(fcgi__now(), WAIT_MS));
    wait_for(&event);
    assert_true(elapsed(start, WAIT_MS));
    assert_in_range(event.rounds, 1, ROUNDS_MAX);
    assert_true(event.had_lock);
    end(&event);
}

/* Whatever the part of a second is at which it ends. */
static void short_waits_end_at_their_moments_all_through_a_second(void **state)
{
    (void)state;
    int64_t start = fcgi__now();
    size_t rounds = 0;
    size_t waits = 0;
    for (; fcgi__now() < start + 1000000; waits++) {
        struct event event;
        begin(&event, fcgi__after(fcgi__now(), WAIT_MS));
        wait_for(&event);
        rounds += event.rounds;
        end(&event);
    }
    assert_in_range(rounds, waits, waits * ROUNDS_MAX);
}

static void a_moment_that_is_over_is_not_waited_for(void **state)
{
    (void)state;
    struct event event;
    int64_t start = now_ms();
    begin(&event, fcgi__now() - 1);
    (void)pthread_mutex_lock(&event.lock);
    fcgi__condition_wait(&event.condition, &event.lock, event.until);
    assert_int_equal(pthread_mutex_unlock(&event.lock), 0);
    assert_true(elapsed(start, 0));
    end(&event);
}

static void a_signal_ends_a_wait_before_its_moment(void **state)
{
    (void)state;
    struct event event;
    int64_t start = now_ms();
    begin(&event, fcgi__after(fcgi__now(), FAR_MS));
    pthread_t thread = begin_to_wait(&event, wait_cancellably);
    let_happen(&event);
    assert_null(end_waiting(thread));
    assert_true(elapsed(start, 0));
    assert_true(event.had_lock);
    end(&event);
}

static void a_wait_without_a_moment_ends_with_a_signal_alone(void **state)
{
    (void)state;
    struct event event;
    begin(&event, FCGI__NEVER);
    pthread_t thread = begin_to_wait(&event, wait_cancellably);
    pass_ms(WAIT_MS); /* which end other waits */
    let_happen(&event);
    assert_null(end_waiting(thread));
    assert_in_range(event.rounds, 1, ROUNDS_MAX / 2);
    assert_true(event.had_lock);
    end(&event);
}

/* ---- cancelling --------------------------------------------------------- */

static int64_t moment(bool timed)
{
    return timed ? fcgi__after(fcgi__now(), FAR_MS) : FCGI__NEVER;
}

/* Its end would leave the lock to nobody. */
static void a_thread_is_cancelled_only_after_its_wait(void **state)
{
    (void)state;
    for (int timed = 0; timed < 2; timed++) {
        struct event event;
        begin(&event, moment(timed));
        pthread_t thread = begin_to_wait(&event, wait_cancellably);
        assert_int_equal(pthread_cancel(thread), 0);
        let_happen(&event);
        assert_true(end_waiting(thread) == PTHREAD_CANCELED);
        assert_true(event.had_lock);
        end(&event);
    }
}

static void a_wait_leaves_a_thread_as_cancellable_as_it_was(void **state)
{
    (void)state;
    for (int timed = 0; timed < 2; timed++) {
        struct event event;
        begin(&event, moment(timed));
        pthread_t thread = begin_to_wait(&event, wait_uncancellably);
        assert_int_equal(pthread_cancel(thread), 0);
        let_happen(&event);
        assert_null(end_waiting(thread));
        assert_int_equal(event.state, PTHREAD_CANCEL_DISABLE);
        end(&event);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_ends_at_its_moment),
        cmocka_unit_test(short_waits_end_at_their_moments_all_through_a_second),
        cmocka_unit_test(a_moment_that_is_over_is_not_waited_for),
        cmocka_unit_test(a_signal_ends_a_wait_before_its_moment),
        cmocka_unit_test(a_wait_without_a_moment_ends_with_a_signal_alone),
        cmocka_unit_test(a_thread_is_cancelled_only_after_its_wait),
        cmocka_unit_test(a_wait_leaves_a_thread_as_cancellable_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
