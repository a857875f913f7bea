/*
 * The pool, who waits for it, its thread, and a child's copy of it, while every
 * call to the system and to the allocator fails in turn (fault_sweep.h).
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <fcgi_client.h>

#include "ask.h"
#include "fault_sweep.h"
#include "process.h"
#include "test.h"

static int ask(struct stage *stage)
{
    return fcgi_client_do(stage->client, &stage->request, &stage->response);
}

/* ---- leasing ------------------------------------------------------------ */

static int get_put_dial_discard(struct stage *stage)
{
    struct fcgi_pool *pool = fcgi_client_pool(stage->client);
    struct fcgi_connection *connection;
    int rc = fcgi_pool_get(pool, &connection, NULL);
    assert_int_equal(connection == NULL, rc != FCGI_OK);
    fcgi_pool_put(pool, connection);
    if (rc != FCGI_OK) {
        return rc;
    }
    rc = fcgi_pool_dial(pool, &connection);
    assert_int_equal(connection == NULL, rc != FCGI_OK);
    fcgi_pool_discard(pool, connection);
    return rc;
}

/* ---- waiting ------------------------------------------------------------ */

/* The only connection, and a thread beside the one that acts. */
static struct fcgi_connection *only;
static pthread_t beside;
static atomic_bool acted;
static int rc_beside;

#define ONE_ONLY .config = {.pool = {.max_open = 1}}

static void take_only(struct stage *stage)
{
    only = take(fcgi_client_pool(stage->client));
}

static void run_beside(void *(*run)(void *), struct stage *stage)
{
    atomic_store(&acted, false);
    assert_int_equal(pthread_create(&beside, NULL, run, stage), 0);
}

static void join_beside(void)
{
    atomic_store(&acted, true);
    assert_int_equal(pthread_join(beside, NULL), 0);
}

static void *give_back_once_waited_for(void *argument)
{
    const struct stage *stage = argument;
    while (stats_of(stage->client).waiting == 0 && !atomic_load(&acted)) {
        (void)sched_yield();
    }
    fcgi_pool_put(fcgi_client_pool(stage->client), only);
    return NULL;
}

static void let_the_only_one_come_back(struct stage *stage)
{
    take_only(stage);
    run_beside(give_back_once_waited_for, stage);
}

static void join(struct stage *stage)
{
    (void)stage;
    join_beside();
}

static void wait_in_vain(struct stage *stage)
{
    take_only(stage);
    stage->request.timeouts.queue_ms = 10;
}

static void give_back(struct stage *stage)
{
    fcgi_pool_put(fcgi_client_pool(stage->client), only);
}

static void *ask_beside(void *argument)
{
    const struct stage *stage = argument;
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    rc_beside = fcgi_client_do(stage->client, &request, &response);
    fcgi_response_free(&response);
    return NULL;
}

static void let_another_wait(struct stage *stage)
{
    take_only(stage);
    run_beside(ask_beside, stage);
    await_waiting(fcgi_client_pool(stage->client), 1);
}

static int put_the_only_one(struct stage *stage)
{
    give_back(stage);
    return FCGI_OK;
}

static void assert_the_other_was_served(struct stage *stage)
{
    (void)stage;
    join_beside();
    assert_code(rc_beside, FCGI_OK);
}

static int close_it(struct stage *stage)
{
    fcgi_client_close(stage->client);
    stage->closed = true;
    return FCGI_OK;
}

static void assert_the_other_was_told(struct stage *stage)
{
    join_beside();
    assert_code(rc_beside, FCGI_ERR_POOL_CLOSED);
    give_back(stage);
    assert_int_equal(stats_of(stage->client).open, 0);
}

/* ---- evicting ----------------------------------------------------------- */

static void keep_some_for_too_long(struct stage *stage)
{
    keep_idle(stage->app, stage->client, 3);
    pass_ms(2);
}

static int evict(struct stage *stage)
{
    assert_int_equal(fcgi_pool_evict(fcgi_client_pool(stage->client)), -1);
    assert_int_equal(stats_of(stage->client).evictions, 3);
    return FCGI_OK;
}

/* Until all that the application has accepted has been closed. */
static void await_eviction(struct stage *stage)
{
    fake_await(stage->app, FAKE_LEFT, fake_count(stage->app, FAKE_ACCEPTED));
}

/* The thread closes what is idle, and sleeps for ever. */
static void ask_and_await_eviction(struct stage *stage)
{
    (void)ask_hello(stage->client);
    await_eviction(stage);
}

static int ask_twice_and_await_evictions(struct stage *stage)
{
    ask_and_await_eviction(stage);
    ask_and_await_eviction(stage);
    return FCGI_OK;
}

static int ask_well(struct stage *stage)
{
    int rc = ask(stage);
    (void)faults_expose(false);
    await_eviction(stage);
    return rc;
}

/* ---- fork --------------------------------------------------------------- */

/* What a child tells. */
struct told {
    int rc;
    bool well;
    bool struck;
};

static void tell_and_end(int fd, struct stage *stage)
{
    struct told told = {.rc = ask(stage)};
    told.struck = faults_end();
    told.well =
        told.rc != FCGI_OK || strcmp(stage->response.body.data, "hello") == 0;
    (void)!write(fd, &told, sizeof(told));
    child_ends_well();
}

static int ask_in_child(struct stage *stage)
{
    struct told told;
    pid_t pid = fork();
    if (pid == 0) {
        tell_and_end(stage->fds[1], stage);
    }
    (void)faults_expose(false);
    (void)await_exit(pid);
    assert_int_equal(read_on(stage->fds[0], &told, sizeof(told)), sizeof(told));
    assert_true(told.well);
    if (told.struck) {
        faults_strike_in_child();
    }
    return told.rc;
}

static void keep_idle_and_leased(struct stage *stage)
{
    assert_int_equal(pipe(stage->fds), 0);
    keep_idle(stage->app, stage->client, 2);
    take_only(stage);
}

int main(void)
{
    static const struct sweep sweeps[] = {
        {.name = "a_lease_of_each_kind", .act = get_put_dial_discard},
        {.name = "a_request_that_waits_for_its_turn",
         .prepare = let_the_only_one_come_back,
         .act = ask,
         .settle = join,
         ONE_ONLY},
        {.name = "a_request_whose_turn_does_not_come",
         .prepare = wait_in_vain,
         .act = ask,
         .want = FCGI_ERR_QUEUE_TIMEOUT,
         .settle = give_back,
         ONE_ONLY},
        {.name = "a_turn_that_is_given_to_another",
         .prepare = let_another_wait,
         .act = put_the_only_one,
         .settle = assert_the_other_was_served,
         ONE_ONLY},
        {.name = "a_close_while_another_waits",
         .prepare = let_another_wait,
         .act = close_it,
         .settle = assert_the_other_was_told,
         ONE_ONLY},
        {.name = "an_eviction_by_the_host",
         .prepare = keep_some_for_too_long,
         .act = evict,
         .config = {.pool = {.idle_timeout_ms = 1}}},
        {.name = "a_start_of_the_thread",
         .evicts = true,
         .act = ask,
         .settle = ask_and_await_eviction,
         .config = {.pool = {.idle_timeout_ms = 1}}},
        {.name = "an_eviction_by_the_thread",
         .evicts = true,
         .act = ask_twice_and_await_evictions,
         .of_threads = true,
         .config = {.pool = {.idle_timeout_ms = 1}}},
        {.name = "a_wake_up_of_the_thread",
         .evicts = true,
         .prepare = ask_and_await_eviction,
         .act = ask_well,
         .config = {.pool = {.idle_timeout_ms = 1}}},
        {.name = "a_request_in_a_child",
         .prepare = keep_idle_and_leased,
         .act = ask_in_child,
         .settle = give_back},
    };
    return sweeps_run(sweeps, sizeof(sweeps) / sizeof(sweeps[0]));
}
