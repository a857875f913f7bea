/*
 * Eviction: idle connections end in the background when their time is over,
 * by a thread of the pool's own or by its host.
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "process.h"

/* ---- by the thread ----------------------------------------------------- */

static void an_idle_connection_is_closed_in_the_background(void **state)
{
    struct fcgi_pool_config config = {.idle_timeout_ms = 40};
    struct fixture *f = fixture_pool(state, FAKE_UNIX, &config);
    struct fcgi_connection *connection = take(f->pool);
    int64_t start = now_ms();
    fcgi_pool_put(f->pool, connection);
    fake_await(f->app, FAKE_LEFT, 1);
    assert_true(elapsed(start, 40));
    assert_int_equal(stats_of_pool(f->pool).idle, 0);
    assert_int_equal(stats_of_pool(f->pool).open, 0);
    assert_int_equal(stats_of_pool(f->pool).evictions, 1);
}

/* The thread sleeps for ever once the pool is empty; the next put wakes it. */
static void eviction_goes_on_after_the_pool_was_empty(void **state)
{
    struct fcgi_client_config config = {.pool = {.idle_timeout_ms = 10}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    for (size_t i = 1; i <= 3; i++) {
        ask_hello(f->client);
        fake_await(f->app, FAKE_LEFT, i);
    }
    assert_int_equal(stats_of(f->client).evictions, 3);
    assert_int_equal(stats_of(f->client).dials, 3);
}

static void what_is_not_needed_is_closed_beside_what_is(void **state)
{
    struct fcgi_client_config config = {.pool = {.idle_timeout_ms = 200}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    keep_idle(f->app, f->client, 3);
    while (fake_count(f->app, FAKE_LEFT) < 2) {
        ask_hello(f->client);
    }
    ask_hello(f->client);
    assert_int_equal(stats_of(f->client).stale, 0);
}

static void too_old_a_connection_is_closed_in_the_background(void **state)
{
    struct fcgi_pool_config config = {.max_age_ms = 40};
    struct fixture *f = fixture_pool(state, FAKE_UNIX, &config);
    int64_t start = now_ms();
    fcgi_pool_put(f->pool, take(f->pool));
    fake_await(f->app, FAKE_LEFT, 1);
    assert_true(elapsed(start, 40));
    assert_int_equal(stats_of_pool(f->pool).evictions, 1);
}

/* The thread sleeps for the younger one, which came back first. */
static void what_comes_back_with_less_time_left_is_closed_first(void **state)
{
    struct fcgi_pool_config config = {.max_age_ms = 1000};
    struct fixture *f = fixture_pool(state, FAKE_UNIX, &config);
    struct fcgi_connection *older = take(f->pool);
    pass_ms(800);
    fcgi_pool_put(f->pool, take(f->pool));
    pass_ms(50); /* for the thread to fall asleep */
    fcgi_pool_put(f->pool, older);
    fake_await(f->app, FAKE_LEFT, 1);
    assert_int_equal(stats_of_pool(f->pool).evictions, 1);
    assert_int_equal(stats_of_pool(f->pool).idle, 1);
}

/* The threads of this process while there is neither a pool nor a fake. */
static size_t alone;

static void *end_at_once(void *argument)
{
    return argument;
}

/* A sanitizer's own thread starts with the first other one. */
static int count_threads(void **state)
{
    pthread_t thread;
    (void)state;
    if (pthread_create(&thread, NULL, end_at_once, NULL) != 0) {
        return -1;
    }
    (void)pthread_join(thread, NULL);
    do {
        alone = running_threads();
        pass_ms(20);
    } while (running_threads() != alone);
    return 0;
}

/* The other end of the last connection dialled. */
static int far;

/* A dial function that needs no other thread. */
static int dial_pair(void *context, int *fd)
{
    int fds[2];
    (void)context;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) {
        return FCGI_ERR_SYSTEM;
    }
    *fd = fds[0];
    far = fds[1];
    return FCGI_OK;
}

static void close_far(void *unused)
{
    (void)unused;
    if (far >= 0) {
        (void)close(far);
    }
}

/* A pool beside which this process runs only its main thread. */
static struct fixture *begin_alone(void **state, struct fcgi_pool_config config)
{
    struct fixture *f = *state;
    config.dial = dial_pair;
    far = -1;
    fixture_defer(state, close_far, NULL);
    assert_true(await_threads(alone));
    assert_code(fcgi_pool_new(&f->pool, "/nowhere", &config), FCGI_OK);
    return f;
}

static void the_thread_starts_with_the_first_connection_kept(void **state)
{
    struct fcgi_pool_config config = {0};
    struct fixture *f = begin_alone(state, config);
    struct fcgi_connection *connection = take(f->pool);
    assert_int_equal(running_threads(), alone);
    fcgi_pool_put(f->pool, connection);
    assert_int_equal(running_threads(), alone + 1);
    fcgi_pool_put(f->pool, take(f->pool));
    assert_int_equal(running_threads(), alone + 1);
    fixture_free_client(f);
    assert_true(await_threads(alone));
}

/* Once it has closed a connection it has come to run. */
static void the_thread_runs_no_signal_handler(void **state)
{
    static const int signals[] = {SIGALRM, SIGTERM, SIGINT, SIGCHLD,
                                  SIGPIPE, SIGHUP,  SIGUSR1};
    enum { COUNT = sizeof(signals) / sizeof(signals[0]) };
    char byte;
    size_t before[COUNT];
    struct fcgi_pool_config config = {.idle_timeout_ms = 5};
    struct fixture *f = begin_alone(state, config);
    for (size_t i = 0; i < COUNT; i++) {
        before[i] = threads_open_to(signals[i]);
    }
    fcgi_pool_put(f->pool, take(f->pool));
    assert_int_equal(read_on(far, &byte, 1), 0);
    assert_int_equal(running_threads(), alone + 1);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(threads_open_to(signals[i]), before[i]);
    }
}

static void the_signal_mask_of_the_caller_is_left_alone(void **state)
{
    sigset_t before;
    sigset_t after;
    struct fcgi_pool_config config = {0};
    assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &before), 0);
    struct fixture *f = begin_alone(state, config);
    fcgi_pool_put(f->pool, take(f->pool));
    assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &after), 0);
    for (int signal_number = 1; signal_number < 32; signal_number++) {
        assert_int_equal(sigismember(&after, signal_number),
                         sigismember(&before, signal_number));
    }
}

static void without_reuse_no_thread_starts(void **state)
{
    struct fcgi_pool_config config = {.max_idle = -1};
    struct fixture *f = begin_alone(state, config);
    fcgi_pool_put(f->pool, take(f->pool));
    assert_int_equal(running_threads(), alone);
}

/* Neither for their time nor for their age. */
static void where_nothing_is_evicted_no_thread_starts(void **state)
{
    struct fcgi_pool_config config = {.idle_timeout_ms = -1, .max_age_ms = -1};
    struct fixture *f = begin_alone(state, config);
    fcgi_pool_put(f->pool, take(f->pool));
    assert_int_equal(stats_of_pool(f->pool).idle, 1);
    assert_int_equal(running_threads(), alone);
}

#define TASKS_MAX 64

struct tasks {
    long ids[TASKS_MAX];
    size_t count;
};

static struct tasks list_tasks(void)
{
    struct tasks tasks = {.count = 0};
    DIR *dir = opendir("/proc/self/task");
    assert_non_null(dir);
    for (struct dirent *at = readdir(dir); at != NULL; at = readdir(dir)) {
        assert_true(tasks.count < TASKS_MAX);
        tasks.ids[tasks.count++] = strtol(at->d_name, NULL, 10);
    }
    closedir(dir);
    return tasks;
}

/* The one that was not there before. Ids start anew now and then, so that the
 * highest is not always the newest. */
static long new_task(const struct tasks *before)
{
    struct tasks now = list_tasks();
    for (size_t i = 0; i < now.count; i++) {
        bool was_there = false;
        for (size_t j = 0; j < before->count; j++) {
            was_there = was_there || before->ids[j] == now.ids[i];
        }
        if (!was_there) {
            return now.ids[i];
        }
    }
    fail();
    return 0;
}

/* How often a thread went to sleep. */
static unsigned long sleeps_of(long task)
{
    char path[64];
    char line[200];
    unsigned long count = 0;
    snprintf(path, sizeof(path), "/proc/self/task/%ld/status", task);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        (void)sscanf(line, "voluntary_ctxt_switches: %lu", &count);
    }
    fclose(file);
    return count;
}

static void the_thread_sleeps_while_the_pool_is_empty(void **state)
{
    char byte;
    struct fcgi_pool_config config = {.idle_timeout_ms = 5};
    struct fixture *f = begin_alone(state, config);
    struct fcgi_connection *connection = take(f->pool);
    struct tasks tasks = list_tasks();
    fcgi_pool_put(f->pool, connection);
    assert_int_equal(read_on(far, &byte, 1), 0);
    pass_ms(50); /* for the thread to fall asleep */
    long thread = new_task(&tasks);
    unsigned long before = sleeps_of(thread);
    assert_true(before > 0);
    pass_ms(150);
    /* Once more where the machine was too busy to let it fall asleep. */
    assert_in_range(sleeps_of(thread), before, before + 2);
}

/* Neither the time out nor anything else holds up the end. */
static void freeing_ends_the_thread_at_once(void **state)
{
    struct fcgi_pool_config config = {.idle_timeout_ms = 3600000};
    int64_t start = now_ms();
    struct fixture *f = begin_alone(state, config);
    fcgi_pool_put(f->pool, take(f->pool));
    fixture_free_client(f);
    assert_true(elapsed(start, 0));
    assert_true(await_threads(alone));
}

/* ---- by the host ------------------------------------------------------- */

static void a_host_that_evicts_has_no_thread_beside_it(void **state)
{
    struct fcgi_pool_config config = {.evict_by_host = true};
    struct fixture *f = begin_alone(state, config);
    fcgi_pool_put(f->pool, take(f->pool));
    assert_int_equal(running_threads(), alone);
}

static void the_host_is_told_when_to_evict_next(void **state)
{
    char byte;
    struct fcgi_pool_config config = {.evict_by_host = true,
                                      .idle_timeout_ms = 60};
    struct fixture *f = begin_alone(state, config);
    assert_int_equal(fcgi_pool_evict(f->pool), -1);
    struct fcgi_connection *connection = take(f->pool);
    assert_int_equal(fcgi_pool_evict(f->pool), -1);
    int64_t start = now_ms();
    fcgi_pool_put(f->pool, connection);
    int next = fcgi_pool_evict(f->pool);
    while (next >= 0) {
        assert_in_range(next, 0, 60);
        pass_ms(next);
        next = fcgi_pool_evict(f->pool);
    }
    assert_true(elapsed(start, 60));
    assert_int_equal(next, -1);
    assert_int_equal(read_on(far, &byte, 1), 0);
    assert_int_equal(stats_of_pool(f->pool).evictions, 1);
}

/* Rounding down would make the host call in vain until the time has come. */
static void the_host_is_not_called_too_early(void **state)
{
    struct fcgi_pool_config config = {.evict_by_host = true,
                                      .idle_timeout_ms = 20};
    struct fixture *f = begin_alone(state, config);
    fcgi_pool_put(f->pool, take(f->pool));
    size_t calls = 0;
    for (int next = 0; next >= 0; next = fcgi_pool_evict(f->pool)) {
        pass_ms(next);
        calls += 1;
    }
    assert_in_range(calls, 1, 3);
}

static void use_renews_the_idle_time(void **state)
{
    int64_t kept;
    struct fcgi_pool_config config = {.evict_by_host = true,
                                      .idle_timeout_ms = 300};
    struct fixture *f = begin_alone(state, config);
    /* Once more where the machine was so busy that the time went by. */
    do {
        fcgi_pool_put(f->pool, take(f->pool));
        pass_ms(200);
        kept = now_ms();
        fcgi_pool_put(f->pool, take(f->pool));
        pass_ms(150);
        fcgi_pool_evict(f->pool);
    } while (now_ms() - kept >= 300);
    assert_int_equal(stats_of_pool(f->pool).idle, 1);
}

static void without_an_idle_time_nothing_is_evicted(void **state)
{
    struct fcgi_pool_config config = {.evict_by_host = true,
                                      .idle_timeout_ms = -1};
    struct fixture *f = begin_alone(state, config);
    fcgi_pool_put(f->pool, take(f->pool));
    assert_int_equal(fcgi_pool_evict(f->pool), -1);
    assert_int_equal(stats_of_pool(f->pool).idle, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(an_idle_connection_is_closed_in_the_background),
        fixture_test(eviction_goes_on_after_the_pool_was_empty),
        fixture_test(what_is_not_needed_is_closed_beside_what_is),
        fixture_test(too_old_a_connection_is_closed_in_the_background),
        fixture_test(what_comes_back_with_less_time_left_is_closed_first),
        fixture_test(the_thread_starts_with_the_first_connection_kept),
        fixture_test(the_thread_runs_no_signal_handler),
        fixture_test(the_signal_mask_of_the_caller_is_left_alone),
        fixture_test(without_reuse_no_thread_starts),
        fixture_test(where_nothing_is_evicted_no_thread_starts),
        fixture_test(the_thread_sleeps_while_the_pool_is_empty),
        fixture_test(freeing_ends_the_thread_at_once),
        fixture_test(a_host_that_evicts_has_no_thread_beside_it),
        fixture_test(the_host_is_told_when_to_evict_next),
        fixture_test(the_host_is_not_called_too_early),
        fixture_test(use_renews_the_idle_time),
        fixture_test(without_an_idle_time_nothing_is_evicted),
    };
    return cmocka_run_group_tests(tests, count_threads, NULL);
}
