/*
 * Waiting for a connection where as many are open as may be: who gets the next
 * one, who is refused, and what happens to the places.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fcgi_client.h>

#include "../../src/pool/checkout.h"
#include "ask.h"
#include "fake.h"
#include "process.h"

#define WAITERS 5

/* The order in which waiters were served. */
struct turns {
    pthread_mutex_t lock;
    size_t served;
};

/* A thread that takes a connection, notes its turn, and gives it back. */
struct waiter {
    pthread_t thread;
    struct fcgi_pool *pool;
    struct turns *turns;
    int rc;
    size_t turn;
};

static size_t next_turn(struct turns *turns)
{
    pthread_mutex_lock(&turns->lock);
    size_t turn = turns->served;
    turns->served += 1;
    pthread_mutex_unlock(&turns->lock);
    return turn;
}

static void *wait_for_turn(void *argument)
{
    struct waiter *waiter = argument;
    struct fcgi_connection *connection;
    waiter->rc = fcgi_pool_get(waiter->pool, &connection, NULL);
    waiter->turn = next_turn(waiter->turns);
    fcgi_pool_put(waiter->pool, connection);
    return NULL;
}

/* Start threads, each when the one before it waits. */
static void begin_waiting(struct waiter *waiters, size_t count,
                          struct fcgi_pool *pool, struct turns *turns)
{
    for (size_t i = 0; i < count; i++) {
        waiters[i] = (struct waiter){.pool = pool, .turns = turns};
        assert_int_equal(pthread_create(&waiters[i].thread, NULL, wait_for_turn,
                                        &waiters[i]),
                         0);
        await_waiting(pool, i + 1);
    }
}

static void end_waiting(struct waiter *waiters, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pthread_join(waiters[i].thread, NULL), 0);
    }
}

static struct fcgi_pool *pool_of_one(const struct fake *app)
{
    struct fcgi_pool_config config = {.max_open = 1};
    return pool_for(app, &config);
}

static void who_waits_longest_is_served_first(void **state)
{
    (void)state;
    struct waiter waiters[WAITERS];
    struct turns turns = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_pool *pool = pool_of_one(app);
    struct fcgi_connection *connection = take(pool);
    begin_waiting(waiters, WAITERS, pool, &turns);
    fcgi_pool_put(pool, connection);
    end_waiting(waiters, WAITERS);
    for (size_t i = 0; i < WAITERS; i++) {
        assert_code(waiters[i].rc, FCGI_OK);
        assert_int_equal(waiters[i].turn, i);
    }
    assert_int_equal(stats_of_pool(pool).dials, 1);
    fcgi_pool_free(pool);
    fake_stop(app);
}

static void threads_that_wait_cost_no_descriptor(void **state)
{
    (void)state;
    struct waiter waiters[WAITERS];
    struct turns turns = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_pool *pool = pool_of_one(app);
    struct fcgi_connection *connection = take(pool);
    fake_await(app, FAKE_ACCEPTED, 1);
    size_t before = open_descriptors();
    begin_waiting(waiters, WAITERS, pool, &turns);
    assert_int_equal(open_descriptors(), before);
    fcgi_pool_put(pool, connection);
    end_waiting(waiters, WAITERS);
    fcgi_pool_free(pool);
    fake_stop(app);
}

static void a_newcomer_does_not_overtake(void **state)
{
    (void)state;
    struct waiter waiter;
    struct turns turns = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_pool *pool = pool_of_one(app);
    struct fcgi_connection *connection = take(pool);
    begin_waiting(&waiter, 1, pool, &turns);
    fcgi_pool_put(pool, connection);
    connection = take(pool);
    assert_int_equal(next_turn(&turns), 1);
    fcgi_pool_put(pool, connection);
    end_waiting(&waiter, 1);
    fcgi_pool_free(pool);
    fake_stop(app);
}

static void who_waits_may_dial_when_a_connection_is_discarded(void **state)
{
    (void)state;
    struct waiter waiter;
    struct turns turns = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_pool *pool = pool_of_one(app);
    struct fcgi_connection *connection = take(pool);
    begin_waiting(&waiter, 1, pool, &turns);
    fcgi_pool_discard(pool, connection);
    end_waiting(&waiter, 1);
    assert_code(waiter.rc, FCGI_OK);
    assert_int_equal(stats_of_pool(pool).dials, 2);
    assert_int_equal(stats_of_pool(pool).open, 1);
    fcgi_pool_free(pool);
    fake_stop(app);
}

static void a_full_queue_refuses_at_once(void **state)
{
    (void)state;
    struct waiter waiter;
    struct turns turns = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_pool_config config = {.max_open = 1, .max_waiting = 1};
    struct fcgi_pool *pool = pool_for(app, &config);
    struct fcgi_connection *connection = take(pool);
    struct fcgi_connection *refused = connection;
    begin_waiting(&waiter, 1, pool, &turns);
    assert_code(fcgi_pool_get(pool, &refused, NULL), FCGI_ERR_QUEUE_FULL);
    assert_null(refused);
    assert_int_equal(stats_of_pool(pool).waiting, 1);
    fcgi_pool_put(pool, connection);
    end_waiting(&waiter, 1);
    assert_code(waiter.rc, FCGI_OK);
    fcgi_pool_free(pool);
    fake_stop(app);
}

static void a_wait_ends_at_its_time_limit(void **state)
{
    (void)state;
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_pool_config config = {.max_open = 1, .queue_timeout_ms = 50};
    struct fcgi_pool *pool = pool_for(app, &config);
    struct fcgi_connection *connection = take(pool);
    struct fcgi_connection *refused = connection;
    int64_t start = now_ms();
    assert_code(fcgi_pool_get(pool, &refused, NULL), FCGI_ERR_QUEUE_TIMEOUT);
    assert_true(elapsed(start, 50));
    assert_null(refused);
    assert_int_equal(stats_of_pool(pool).waiting, 0);
    assert_int_equal(stats_of_pool(pool).timeouts, 1);
    fcgi_pool_put(pool, connection);
    fcgi_pool_put(pool, take(pool));
    fcgi_pool_free(pool);
    fake_stop(app);
}

/* One who gave up must not be served in the place of the next. */
/* Where its own limits say nothing, a client has those of its pool. */
static void a_clients_wait_ends_at_the_limit_of_its_pool(void **state)
{
    (void)state;
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client_config config = {
        .timeouts = {.total_ms = 2000},
        .pool = {.max_open = 1, .queue_timeout_ms = 100}};
    struct fcgi_request request = get_request();
    for (int i = 0; i < 2; i++) {
        struct fcgi_client *client = client_for(app, &config);
        struct fcgi_connection *connection = take(fcgi_client_pool(client));
        ask_expecting(client, &request,
                      i == 0 ? FCGI_ERR_QUEUE_TIMEOUT : FCGI_ERR_DEADLINE);
        fcgi_pool_put(fcgi_client_pool(client), connection);
        fcgi_client_free(client);
        config.timeouts.queue_ms = -1;
    }
    fake_stop(app);
}

static void who_gave_up_waiting_is_not_served(void **state)
{
    (void)state;
    struct waiter waiter;
    struct turns turns = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client_config config = {.pool = {.max_open = 1}};
    struct fcgi_client *client = client_for(app, &config);
    struct fcgi_pool *pool = fcgi_client_pool(client);
    struct fcgi_connection *connection = take(pool);
    struct fcgi_request request = get_request();
    request.timeouts.queue_ms = 30;
    ask_expecting(client, &request, FCGI_ERR_QUEUE_TIMEOUT);
    begin_waiting(&waiter, 1, pool, &turns);
    fcgi_pool_put(pool, connection);
    end_waiting(&waiter, 1);
    assert_code(waiter.rc, FCGI_OK);
    fcgi_client_free(client);
    fake_stop(app);
}

static void closing_wakes_all_who_wait(void **state)
{
    (void)state;
    struct waiter waiters[WAITERS];
    struct turns turns = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_pool *pool = pool_of_one(app);
    struct fcgi_connection *connection = take(pool);
    begin_waiting(waiters, WAITERS, pool, &turns);
    fcgi_pool_close(pool);
    end_waiting(waiters, WAITERS);
    for (size_t i = 0; i < WAITERS; i++) {
        assert_code(waiters[i].rc, FCGI_ERR_POOL_CLOSED);
    }
    assert_int_equal(stats_of_pool(pool).waiting, 0);
    fcgi_pool_put(pool, connection);
    fcgi_pool_free(pool);
    fake_stop(app);
}

static void a_closed_client_wakes_the_request_that_waits(void **state)
{
    (void)state;
    struct waiter waiter;
    struct turns turns = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_pool_config config = {.max_open = 1};
    struct fcgi_client *client = client_with_pool(app, &config);
    struct fcgi_connection *connection = take(fcgi_client_pool(client));
    begin_waiting(&waiter, 1, fcgi_client_pool(client), &turns);
    fcgi_client_close(client);
    end_waiting(&waiter, 1);
    assert_code(waiter.rc, FCGI_ERR_POOL_CLOSED);
    fcgi_pool_discard(fcgi_client_pool(client), connection);
    fcgi_client_free(client);
    fake_stop(app);
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
    (void)state;
    struct waiter waiter;
    struct turns turns = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_pool_config config = {.max_open = 1};
    struct fcgi_client *client = client_with_pool(app, &config);
    struct fcgi_pool *pool = fcgi_client_pool(client);
    struct fcgi_connection *connection = take(pool);
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    struct fcgi_call *call;
    assert_code(fcgi_call_start(&call, client, &request, &response), FCGI_OK);
    assert_code(fcgi_call_advance(call), FCGI_WAIT);
    assert_int_equal(stats_of_pool(pool).waiting, 1);
    fcgi_pool_put(pool, connection);
    assert_int_equal(stats_of_pool(pool).waiting, 0);
    begin_waiting(&waiter, 1, pool, &turns);
    fcgi_call_free(call);
    end_waiting(&waiter, 1);
    assert_code(waiter.rc, FCGI_OK);
    assert_int_equal(stats_of_pool(pool).open, 1);
    fcgi_response_free(&response);
    fcgi_client_free(client);
    fake_stop(app);
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
    (void)state;
    struct clumsy clumsy = {.failures = 3};
    struct fcgi_pool *pool;
    struct fcgi_connection *connection;
    struct fcgi_pool_config config = {.max_open = 1,
                                      .queue_timeout_ms = 10000,
                                      .dial = dial_clumsily,
                                      .dial_context = &clumsy};
    assert_code(fcgi_pool_new(&pool, "/nowhere", &config), FCGI_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_code(fcgi_pool_get(pool, &connection, NULL), FCGI_ERR_CONNECT);
        assert_int_equal(stats_of_pool(pool).open, 0);
    }
    fcgi_pool_put(pool, take(pool));
    fcgi_pool_free(pool);
    close(clumsy.far);
}

/* The place of a failed dial goes to the next who waits, which dials too. */
static void a_failed_dial_lets_the_next_one_try(void **state)
{
    (void)state;
    struct waiter waiters[2];
    struct turns turns = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct clumsy clumsy = {0};
    struct fcgi_pool *pool;
    struct fcgi_pool_config config = {
        .max_open = 1, .dial = dial_clumsily, .dial_context = &clumsy};
    assert_code(fcgi_pool_new(&pool, "/nowhere", &config), FCGI_OK);
    struct fcgi_connection *connection = take(pool);
    close(clumsy.far);
    clumsy.failures = 1;
    begin_waiting(waiters, 2, pool, &turns);
    fcgi_pool_discard(pool, connection);
    end_waiting(waiters, 2);
    assert_code(waiters[0].rc, FCGI_ERR_CONNECT);
    assert_code(waiters[1].rc, FCGI_OK);
    fcgi_pool_free(pool);
    close(clumsy.far);
}

static void an_evicted_connection_gives_its_place_back(void **state)
{
    (void)state;
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_pool_config config = {
        .max_open = 1, .idle_timeout_ms = 10, .queue_timeout_ms = 10000};
    struct fcgi_pool *pool = pool_for(app, &config);
    fcgi_pool_put(pool, take(pool));
    fake_await(app, FAKE_LEFT, 1);
    struct fcgi_connection *connection = take(pool);
    assert_int_equal(stats_of_pool(pool).dials, 2);
    fcgi_pool_discard(pool, connection);
    fcgi_pool_free(pool);
    fake_stop(app);
}

/* A new connection is asked for while an idle one has the only place. */
static void dialling_takes_the_place_of_an_idle_connection(void **state)
{
    (void)state;
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_pool_config config = {.max_open = 1, .queue_timeout_ms = 10000};
    struct fcgi_pool *pool = pool_for(app, &config);
    struct fcgi_connection *connection;
    fcgi_pool_put(pool, take(pool));
    assert_code(fcgi_pool_dial(pool, &connection), FCGI_OK);
    fake_await(app, FAKE_LEFT, 1);
    assert_int_equal(stats_of_pool(pool).open, 1);
    fcgi_pool_discard(pool, connection);
    fcgi_pool_free(pool);
    fake_stop(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_longest_is_served_first),
        cmocka_unit_test(threads_that_wait_cost_no_descriptor),
        cmocka_unit_test(a_newcomer_does_not_overtake),
        cmocka_unit_test(who_waits_may_dial_when_a_connection_is_discarded),
        cmocka_unit_test(a_full_queue_refuses_at_once),
        cmocka_unit_test(a_wait_ends_at_its_time_limit),
        cmocka_unit_test(a_clients_wait_ends_at_the_limit_of_its_pool),
        cmocka_unit_test(who_gave_up_waiting_is_not_served),
        cmocka_unit_test(closing_wakes_all_who_wait),
        cmocka_unit_test(a_closed_client_wakes_the_request_that_waits),
        cmocka_unit_test(what_dials_waits_for_its_socket_alone),
        cmocka_unit_test(a_call_given_up_passes_its_turn_on),
        cmocka_unit_test(a_failed_dial_gives_its_place_back),
        cmocka_unit_test(a_failed_dial_lets_the_next_one_try),
        cmocka_unit_test(an_evicted_connection_gives_its_place_back),
        cmocka_unit_test(dialling_takes_the_place_of_an_idle_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
