/*
 * Threads: one client and one pool used by many at the same time. Run under
 * ThreadSanitizer too.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "process.h"

#define THREADS 8
#define ROUNDS 100

/* The threads; what went wrong is told when all are done. */
static struct worker {
    size_t number;
    struct fcgi_client *client;
    struct fcgi_pool *pool;
    bool posts;       /* what must not run twice */
    size_t most_open; /* the most connections it ever saw open */
    size_t wrong;     /* answers that were not its own */
    size_t done;
    int rc; /* the first code that was no success */
} workers[THREADS];

/* Where they wait for each other. */
static pthread_barrier_t barrier;

/* One of them has done something. */
static atomic_bool begun;

static void begin_all(void **state, void *(*work)(void *worker))
{
    struct fixture *f = *state;
    atomic_store(&begun, false);
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] =
            (struct worker){.number = i, .client = f->client, .pool = f->pool};
        fixture_thread(state, work, &workers[i]);
    }
}

static void run_all(void **state, void *(*work)(void *worker))
{
    begin_all(state, work);
    fixture_join(state);
}

/* What ends when the client or the pool is closed. */
static void run_until_closed(void **state, void *(*work)(void *worker))
{
    struct fixture *f = *state;
    begin_all(state, work);
    while (!atomic_load(&begun)) {
        (void)sched_yield();
    }
    if (f->client != NULL) {
        fcgi_client_close(f->client);
    } else {
        fcgi_pool_close(f->pool);
    }
    fixture_join(state);
}

static void assert_all_well(void)
{
    for (size_t i = 0; i < THREADS; i++) {
        assert_code(workers[i].rc, FCGI_OK);
        assert_int_equal(workers[i].wrong, 0);
    }
}

static void note(struct worker *worker, int rc)
{
    if (worker->rc == FCGI_OK) {
        worker->rc = rc;
    }
}

/* Send a body of its own, and expect that one back. */
static void ask_own(struct worker *worker, struct fcgi_response *response)
{
    char text[32];
    snprintf(text, sizeof(text), "%zu of %zu", worker->done, worker->number);
    struct fcgi_request request =
        worker->posts ? post_text(text) : put_text(text);
    note(worker, fcgi_client_do(worker->client, &request, response));
    worker->wrong += response->body.len != strlen(text) ||
                     memcmp(response->body.data, text, strlen(text)) != 0;
    worker->done += 1;
    struct fcgi_pool_stats stats = stats_of(worker->client);
    if (stats.open > worker->most_open) {
        worker->most_open = stats.open;
    }
}

static void *ask_many(void *argument)
{
    struct worker *worker = argument;
    struct fcgi_response response = {0};
    for (size_t i = 0; i < ROUNDS; i++) {
        ask_own(worker, &response);
    }
    fcgi_response_free(&response);
    return NULL;
}

static void each_thread_gets_its_own_answers(void **state)
{
    static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_serve(state, families[i], NULL);
        run_all(state, ask_many);
        assert_all_well();
        struct fcgi_pool_stats stats = stats_of(f->client);
        /* For one that a busy machine lets wait another is closed. */
        assert_in_range(stats.dials, 1, THREADS + stats.rescues);
        assert_int_equal(stats.dials + stats.reuses, THREADS * ROUNDS);
        assert_int_equal(stats.open, stats.idle);
    }
}

static void no_more_connections_open_than_allowed(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_open = 2}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    run_all(state, ask_many);
    assert_all_well();
    for (size_t i = 0; i < THREADS; i++) {
        assert_in_range(workers[i].most_open, 1, 2);
    }
    struct fcgi_pool_stats stats = stats_of(f->client);
    assert_in_range(stats.dials, 2, 2 + stats.rescues);
    assert_int_equal(stats.waiting, 0);
}

/* Connections that hardly live, so that dialling, eviction, retries and the
 * queue all happen at once. */
static void everything_at_once_gives_right_answers(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_SERVE_TIMES(7),
                                              FAKE_CLOSE};
    struct fcgi_client_config config = {.pool = {.max_open = 5,
                                                 .max_idle = 3,
                                                 .max_age_ms = 20,
                                                 .max_requests = 50,
                                                 .idle_timeout_ms = 1}};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, &config);
    run_all(state, ask_many);
    assert_all_well();
    assert_int_equal(stats_of(f->client).waiting, 0);
}

static void *post_many(void *argument)
{
    struct worker *worker = argument;
    worker->posts = true;
    return ask_many(worker);
}

/* Whatever is sent over a connection that was idle is lost there. */
static void a_post_of_any_thread_runs_once(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_SERVE_TIMES(1),
                                              FAKE_READ_REQUEST, FAKE_CLOSE};
    struct fcgi_client_config config = {.pool = {.max_open = 5}};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, &config);
    run_all(state, post_many);
    assert_all_well();
    struct fcgi_pool_stats stats = stats_of(f->client);
    assert_int_equal(fake_count(f->app, FAKE_ASKED), THREADS * ROUNDS);
    assert_int_equal(stats.dials, THREADS * ROUNDS);
    assert_int_equal(stats.retries, 0);
    assert_in_range(stats.yielded, 1, THREADS * ROUNDS - 1);
    assert_int_equal(stats.open, stats.idle);
}

/* Whose turn comes while the time to wait ends either takes it or lets the next
 * one have it: the only place is never lost. */
static void *wait_briefly(void *argument)
{
    struct worker *worker = argument;
    for (size_t i = 0; i < ROUNDS; i++) {
        struct fcgi_connection *connection;
        int rc = fcgi_pool_get(worker->pool, &connection, NULL);
        if (rc == FCGI_OK) {
            pass_ms(1);
            fcgi_pool_put(worker->pool, connection);
            worker->done += 1;
        } else if (rc != FCGI_ERR_QUEUE_TIMEOUT) {
            note(worker, rc);
        }
    }
    return NULL;
}

static void giving_up_waiting_loses_no_place(void **state)
{
    struct fcgi_pool_config config = {.max_open = 1, .queue_timeout_ms = 1};
    struct fixture *f = fixture_pool(state, FAKE_UNIX, &config);
    run_all(state, wait_briefly);
    assert_all_well();
    assert_true(stats_of_pool(f->pool).timeouts > 0);
    assert_int_equal(stats_of_pool(f->pool).open, 1);
    assert_int_equal(stats_of_pool(f->pool).idle, 1);
    fcgi_pool_put(f->pool, take(f->pool));
}

/* ---- restart ----------------------------------------------------------- */

/* All ask at the same time, so that each has a connection of its own; then the
 * application restarts; then all ask again. */
static void *ask_around_restart(void *argument)
{
    struct worker *worker = argument;
    struct fcgi_response response = {0};
    ask_own(worker, &response);
    (void)pthread_barrier_wait(&barrier);
    (void)pthread_barrier_wait(&barrier);
    ask_own(worker, &response);
    fcgi_response_free(&response);
    return NULL;
}

static void a_restart_fails_no_request_of_any_thread(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    keep_idle(f->app, f->client, THREADS);
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS + 1), 0);
    begin_all(state, ask_around_restart);
    (void)pthread_barrier_wait(&barrier);
    fake_restart(f->app);
    (void)pthread_barrier_wait(&barrier);
    fixture_join(state);
    assert_all_well();
    assert_in_range(stats_of(f->client).retries, 1, THREADS);
    pthread_barrier_destroy(&barrier);
}

/* ---- closing ----------------------------------------------------------- */

static void *get_and_put(void *argument)
{
    struct worker *worker = argument;
    int rc = FCGI_OK;
    while (rc == FCGI_OK) {
        struct fcgi_connection *connection;
        rc = fcgi_pool_get(worker->pool, &connection, NULL);
        if (worker->number % 3 == 0) {
            fcgi_pool_discard(worker->pool, connection);
        } else {
            fcgi_pool_put(worker->pool, connection);
        }
        atomic_store(&begun, true);
    }
    note(worker, rc);
    return NULL;
}

/* Puts that race the close must leave no connection behind. */
static void close_leaks_nothing_that_is_put_meanwhile(void **state)
{
    for (size_t round = 0; round < 10; round++) {
        struct fixture *f = fixture_pool(state, FAKE_UNIX, NULL);
        run_until_closed(state, get_and_put);
        for (size_t i = 0; i < THREADS; i++) {
            assert_code(workers[i].rc, FCGI_ERR_POOL_CLOSED);
        }
        assert_int_equal(stats_of_pool(f->pool).open, 0);
    }
}

static void *close_pool(void *argument)
{
    struct worker *worker = argument;
    (void)pthread_barrier_wait(&barrier);
    fcgi_pool_close(worker->pool);
    return NULL;
}

static void any_number_of_threads_may_close(void **state)
{
    struct fixture *f = fixture_pool(state, FAKE_UNIX, NULL);
    fcgi_pool_put(f->pool, take(f->pool));
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    run_all(state, close_pool);
    fake_await(f->app, FAKE_LEFT, 1);
    assert_int_equal(stats_of_pool(f->pool).open, 0);
    pthread_barrier_destroy(&barrier);
}

static void *ask_until_closed(void *argument)
{
    struct worker *worker = argument;
    struct fcgi_response response = {0};
    while (worker->rc == FCGI_OK) {
        ask_own(worker, &response);
        atomic_store(&begun, true);
    }
    fcgi_response_free(&response);
    return NULL;
}

/* Every request either is answered or was never sent. */
static void closing_a_client_breaks_no_request_under_way(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    run_until_closed(state, ask_until_closed);
    for (size_t i = 0; i < THREADS; i++) {
        assert_code(workers[i].rc, FCGI_ERR_POOL_CLOSED);
        /* The one that was refused had no body. */
        assert_int_equal(workers[i].wrong, 1);
    }
    assert_int_equal(stats_of(f->client).open, 0);
}

/* Idle connections end all the time while others are put and taken. */
static void *put_and_take(void *argument)
{
    struct worker *worker = argument;
    for (size_t i = 0; i < ROUNDS; i++) {
        struct fcgi_connection *connection;
        note(worker, fcgi_pool_get(worker->pool, &connection, NULL));
        fcgi_pool_put(worker->pool, connection);
        (void)fcgi_pool_evict(worker->pool);
    }
    return NULL;
}

static void eviction_disturbs_no_one(void **state)
{
    struct fcgi_pool_config config = {.idle_timeout_ms = 1};
    (void)fixture_pool(state, FAKE_UNIX, &config);
    run_all(state, put_and_take);
    assert_all_well();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(each_thread_gets_its_own_answers),
        fixture_test(no_more_connections_open_than_allowed),
        fixture_test(everything_at_once_gives_right_answers),
        fixture_test(a_post_of_any_thread_runs_once),
        fixture_test(giving_up_waiting_loses_no_place),
        fixture_test(a_restart_fails_no_request_of_any_thread),
        fixture_test(close_leaks_nothing_that_is_put_meanwhile),
        fixture_test(any_number_of_threads_may_close),
        fixture_test(closing_a_client_breaks_no_request_under_way),
        fixture_test(eviction_disturbs_no_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
