/*
 * Waiting for a connection where as many are open as may be: who gets the next
 * one, who is refused, and what happens to the places.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../src/pool/checkout.h"
#include "fixture.h"
#include "host.h"
#include "process.h"

#define WAITERS 5

/* A thread that takes a connection, notes its turn, and gives it back. */
static struct waiter {
    struct fcgi_pool *pool;
    int rc;
    size_t turn;
} waiters[WAITERS];

/* How many have had their turn. */
static atomic_size_t turns;

static void *wait_for_turn(void *argument)
{
    struct waiter *waiter = argument;
    struct fcgi_connection *connection;
    waiter->rc = fcgi_pool_get(waiter->pool, &connection, NULL);
    waiter->turn = atomic_fetch_add(&turns, 1);
    fcgi_pool_put(waiter->pool, connection);
    return NULL;
}

/* Start threads, each when the one before it waits. */
static void begin_waiting(void **state, size_t count)
{
    struct fixture *f = *state;
    atomic_store(&turns, 0);
    for (size_t i = 0; i < count; i++) {
        waiters[i] = (struct waiter){.pool = f->pool};
        fixture_thread(state, wait_for_turn, &waiters[i]);
        await_waiting(f->pool, i + 1);
    }
}

static struct fixture *begin_with_pool_of_one(void **state)
{
    struct fcgi_pool_config config = {.max_open = 1};
    return fixture_pool(state, FAKE_UNIX, &config);
}

static void who_waits_longest_is_served_first(void **state)
{
    struct fixture *f = begin_with_pool_of_one(state);
    struct fcgi_connection *connection = take(f->pool);
    begin_waiting(state, WAITERS);
    fcgi_pool_put(f->pool, connection);
    fixture_join(state);
    for (size_t i = 0; i < WAITERS; i++) {
        assert_code(waiters[i].rc, FCGI_OK);
        assert_int_equal(waiters[i].turn, i);
    }
    assert_int_equal(stats_of_pool(f->pool).dials, 1);
}

static void threads_that_wait_cost_no_descriptor(void **state)
{
    struct fixture *f = begin_with_pool_of_one(state);
    struct fcgi_connection *connection = take(f->pool);
    fake_await(f->app, FAKE_ACCEPTED, 1);
    size_t before = open_descriptors();
    begin_waiting(state, WAITERS);
    assert_int_equal(open_descriptors(), before);
    fcgi_pool_put(f->pool, connection);
    fixture_join(state);
}

static void a_newcomer_does_not_overtake(void **state)
{
    struct fixture *f = begin_with_pool_of_one(state);
    struct fcgi_connection *connection = take(f->pool);
    begin_waiting(state, 1);
    fcgi_pool_put(f->pool, connection);
    connection = take(f->pool);
    assert_int_equal(atomic_load(&turns), 1);
    fcgi_pool_put(f->pool, connection);
    fixture_join(state);
}

static void who_waits_may_dial_when_a_connection_is_discarded(void **state)
{
    struct fixture *f = begin_with_pool_of_one(state);
    struct fcgi_connection *connection = take(f->pool);
    begin_waiting(state, 1);
    fcgi_pool_discard(f->pool, connection);
    fixture_join(state);
    assert_code(waiters[0].rc, FCGI_OK);
    assert_int_equal(stats_of_pool(f->pool).dials, 2);
    assert_int_equal(stats_of_pool(f->pool).open, 1);
}

static void a_full_queue_refuses_at_once(void **state)
{
    struct fcgi_pool_config config = {.max_open = 1, .max_waiting = 1};
    struct fixture *f = fixture_pool(state, FAKE_UNIX, &config);
    struct fcgi_connection *connection = take(f->pool);
    struct fcgi_connection *refused = connection;
    begin_waiting(state, 1);
    assert_code(fcgi_pool_get(f->pool, &refused, NULL), FCGI_ERR_QUEUE_FULL);
    assert_null(refused);
    assert_int_equal(stats_of_pool(f->pool).waiting, 1);
    fcgi_pool_put(f->pool, connection);
    fixture_join(state);
    assert_code(waiters[0].rc, FCGI_OK);
}

static void a_wait_ends_at_its_time_limit(void **state)
{
    struct fcgi_pool_config config = {.max_open = 1, .queue_timeout_ms = 50};
    struct fixture *f = fixture_pool(state, FAKE_UNIX, &config);
    struct fcgi_connection *connection = take(f->pool);
    struct fcgi_connection *refused = connection;
    int64_t start = now_ms();
    assert_code(fcgi_pool_get(f->pool, &refused, NULL), FCGI_ERR_QUEUE_TIMEOUT);
    assert_true(elapsed(start, 50));
    assert_null(refused);
    assert_int_equal(stats_of_pool(f->pool).waiting, 0);
    assert_int_equal(stats_of_pool(f->pool).timeouts, 1);
    fcgi_pool_put(f->pool, connection);
    fcgi_pool_put(f->pool, take(f->pool));
}

/* Where its own limits say nothing, a client has those of its pool. */
static void a_clients_wait_ends_at_the_limit_of_its_pool(void **state)
{
    struct fcgi_client_config config = {
        .timeouts = {.total_ms = 2000},
        .pool = {.max_open = 1, .queue_timeout_ms = 100}};
    for (int i = 0; i < 2; i++) {
        struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
        struct fcgi_connection *connection = take(f->pool);
        ask_expecting(f->client, &f->request,
                      i == 0 ? FCGI_ERR_QUEUE_TIMEOUT : FCGI_ERR_DEADLINE);
        fcgi_pool_put(f->pool, connection);
        config.timeouts.queue_ms = -1;
    }
}

/* One who gave up must not be served in the place of the next. */
static void who_gave_up_waiting_is_not_served(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_open = 1}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    struct fcgi_connection *connection = take(f->pool);
    f->request.timeouts.queue_ms = 30;
    ask_expecting(f->client, &f->request, FCGI_ERR_QUEUE_TIMEOUT);
    begin_waiting(state, 1);
    fcgi_pool_put(f->pool, connection);
    fixture_join(state);
    assert_code(waiters[0].rc, FCGI_OK);
}

static void closing_wakes_all_who_wait(void **state)
{
    struct fixture *f = begin_with_pool_of_one(state);
    struct fcgi_connection *connection = take(f->pool);
    begin_waiting(state, WAITERS);
    fcgi_pool_close(f->pool);
    fixture_join(state);
    for (size_t i = 0; i < WAITERS; i++) {
        assert_code(waiters[i].rc, FCGI_ERR_POOL_CLOSED);
    }
    assert_int_equal(stats_of_pool(f->pool).waiting, 0);
    fcgi_pool_put(f->pool, connection);
}

static void a_closed_client_wakes_the_request_that_waits(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_open = 1}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    struct fcgi_connection *connection = take(f->pool);
    begin_waiting(state, 1);
    fcgi_client_close(f->client);
    fixture_join(state);
    assert_code(waiters[0].rc, FCGI_ERR_POOL_CLOSED);
    fcgi_pool_discard(f->pool, connection);
}

/* Not for the standard input, say: that would be no waiting. */
static void what_dials_waits_for_its_socket_alone(void **state)
{
    const struct fcgi__checkout dialling = {.phase = FCGI__CHECKOUT_DIALLING,
                                            .dial = {.fd = 9}};
    struct fcgi__wait wait;
    (void)state;
    fcgi__checkout_wait(&dialling, &wait);
    assert_int_equal(wait.fd, 9);
    assert_true(wait.other_fd < 0);
}

/* A turn that has come and is not taken is the next one's. */
static void a_call_given_up_passes_its_turn_on(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_open = 1}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    struct fcgi_connection *connection = take(f->pool);
    fixture_begin(f);
    assert_code(host_advance(f->call), FCGI_WAIT);
    assert_int_equal(stats_of_pool(f->pool).waiting, 1);
    fcgi_pool_put(f->pool, connection);
    assert_int_equal(stats_of_pool(f->pool).waiting, 0);
    begin_waiting(state, 1);
    fixture_free_call(f);
    fixture_join(state);
    assert_code(waiters[0].rc, FCGI_OK);
    assert_int_equal(stats_of_pool(f->pool).open, 1);
}

/* ---- places ------------------------------------------------------------ */

/* A dial function that fails some times, then connects. */
struct clumsy {
    size_t failures;
    int far;
};

static int dial_clumsily(void *context, int *fd)
{
    struct clumsy *clumsy = context;
    int fds[2];
    if (clumsy->failures > 0) {
        clumsy->failures -= 1;
        return FCGI_ERR_CONNECT;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) {
        return FCGI_ERR_SYSTEM;
    }
    *fd = fds[0];
    clumsy->far = fds[1];
    return FCGI_OK;
}

static void a_failed_dial_gives_its_place_back(void **state)
{
    struct fixture *f = *state;
    struct clumsy clumsy = {.failures = 3};
    struct fcgi_connection *connection;
    struct fcgi_pool_config config = {.max_open = 1,
                                      .queue_timeout_ms = 10000,
                                      .dial = dial_clumsily,
                                      .dial_context = &clumsy};
    assert_code(fcgi_pool_new(&f->pool, "/nowhere", &config), FCGI_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_code(fcgi_pool_get(f->pool, &connection, NULL),
                    FCGI_ERR_CONNECT);
        assert_int_equal(stats_of_pool(f->pool).open, 0);
    }
    fcgi_pool_put(f->pool, take(f->pool));
    close(clumsy.far);
}

/* The place of a failed dial goes to the next who waits, which dials too. */
static void a_failed_dial_lets_the_next_one_try(void **state)
{
    struct fixture *f = *state;
    struct clumsy clumsy = {0};
    struct fcgi_pool_config config = {
        .max_open = 1, .dial = dial_clumsily, .dial_context = &clumsy};
    assert_code(fcgi_pool_new(&f->pool, "/nowhere", &config), FCGI_OK);
    struct fcgi_connection *connection = take(f->pool);
    close(clumsy.far);
    clumsy.failures = 1;
    begin_waiting(state, 2);
    fcgi_pool_discard(f->pool, connection);
    fixture_join(state);
    assert_code(waiters[0].rc, FCGI_ERR_CONNECT);
    assert_code(waiters[1].rc, FCGI_OK);
    close(clumsy.far);
}

static void an_evicted_connection_gives_its_place_back(void **state)
{
    struct fcgi_pool_config config = {
        .max_open = 1, .idle_timeout_ms = 10, .queue_timeout_ms = 10000};
    struct fixture *f = fixture_pool(state, FAKE_UNIX, &config);
    fcgi_pool_put(f->pool, take(f->pool));
    fake_await(f->app, FAKE_LEFT, 1);
    struct fcgi_connection *connection = take(f->pool);
    assert_int_equal(stats_of_pool(f->pool).dials, 2);
    fcgi_pool_discard(f->pool, connection);
}

/* A new connection is asked for while an idle one has the only place. */
static void dialling_takes_the_place_of_an_idle_connection(void **state)
{
    struct fcgi_pool_config config = {.max_open = 1, .queue_timeout_ms = 10000};
    struct fixture *f = fixture_pool(state, FAKE_UNIX, &config);
    struct fcgi_connection *connection;
    fcgi_pool_put(f->pool, take(f->pool));
    assert_code(fcgi_pool_dial(f->pool, &connection), FCGI_OK);
    fake_await(f->app, FAKE_LEFT, 1);
    assert_int_equal(stats_of_pool(f->pool).open, 1);
    fcgi_pool_discard(f->pool, connection);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(who_waits_longest_is_served_first),
        fixture_test(threads_that_wait_cost_no_descriptor),
        fixture_test(a_newcomer_does_not_overtake),
        fixture_test(who_waits_may_dial_when_a_connection_is_discarded),
        fixture_test(a_full_queue_refuses_at_once),
        fixture_test(a_wait_ends_at_its_time_limit),
        fixture_test(a_clients_wait_ends_at_the_limit_of_its_pool),
        fixture_test(who_gave_up_waiting_is_not_served),
        fixture_test(closing_wakes_all_who_wait),
        fixture_test(a_closed_client_wakes_the_request_that_waits),
        fixture_test(what_dials_waits_for_its_socket_alone),
        fixture_test(a_call_given_up_passes_its_turn_on),
        fixture_test(a_failed_dial_gives_its_place_back),
        fixture_test(a_failed_dial_lets_the_next_one_try),
        fixture_test(an_evicted_connection_gives_its_place_back),
        fixture_test(dialling_takes_the_place_of_an_idle_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
