/*
 * The pool: which connection is handed out, which are kept, and how they end.
 * Waiting for one is in test_queue.c, eviction in test_eviction.c, the host's
 * own dialling in test_dial.c.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../src/pool/pool.h"
#include "fixture.h"
#include "process.h"

/* ---- which one --------------------------------------------------------- */

static void the_connection_used_last_is_used_first(void **state)
{
    struct fixture *f = fixture_pool(state, FAKE_UNIX, NULL);
    struct fcgi_connection *first = take(f->pool);
    struct fcgi_connection *second = take(f->pool);
    int first_fd = fcgi_connection_fd(first);
    int second_fd = fcgi_connection_fd(second);
    fcgi_pool_put(f->pool, second);
    fcgi_pool_put(f->pool, first);
    first = take(f->pool);
    assert_int_equal(fcgi_connection_fd(first), first_fd);
    second = take(f->pool);
    assert_int_equal(fcgi_connection_fd(second), second_fd);
    fcgi_pool_discard(f->pool, first);
    fcgi_pool_discard(f->pool, second);
}

static void get_tells_whether_the_connection_was_idle(void **state)
{
    struct fixture *f = fixture_pool(state, FAKE_UNIX, NULL);
    struct fcgi_connection *connection;
    bool reused = true;
    assert_code(fcgi_pool_get(f->pool, &connection, &reused), FCGI_OK);
    assert_false(reused);
    fcgi_pool_put(f->pool, connection);
    assert_code(fcgi_pool_get(f->pool, &connection, &reused), FCGI_OK);
    assert_true(reused);
    fcgi_pool_discard(f->pool, connection);
}

static void dial_goes_past_the_idle_ones(void **state)
{
    struct fixture *f = fixture_pool(state, FAKE_UNIX, NULL);
    struct fcgi_connection *connection;
    fcgi_pool_put(f->pool, take(f->pool));
    assert_code(fcgi_pool_dial(f->pool, &connection), FCGI_OK);
    fake_await(f->app, FAKE_ACCEPTED, 2);
    assert_int_equal(stats_of_pool(f->pool).idle, 1);
    assert_int_equal(stats_of_pool(f->pool).open, 2);
    fcgi_pool_discard(f->pool, connection);
}

static void a_connection_is_blocking_and_closed_on_exec(void **state)
{
    static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_pool(state, families[i], NULL);
        struct fcgi_connection *connection = take(f->pool);
        int fd = fcgi_connection_fd(connection);
        assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
        fcgi_pool_discard(f->pool, connection);
    }
}

/* A small request must not wait for the acknowledgement of the one before. */
static void a_tcp_connection_sends_without_delay(void **state)
{
    int on = 0;
    socklen_t len = sizeof(on);
    struct fixture *f = fixture_pool(state, FAKE_TCP, NULL);
    struct fcgi_connection *connection = take(f->pool);
    assert_int_equal(getsockopt(fcgi_connection_fd(connection), IPPROTO_TCP,
                                TCP_NODELAY, &on, &len),
                     0);
    assert_int_not_equal(on, 0);
    fcgi_pool_discard(f->pool, connection);
}

static void ids_are_never_0_and_always_change(void **state)
{
    struct fixture *f = fixture_pool(state, FAKE_UNIX, NULL);
    struct fcgi_connection *connection = take(f->pool);
    uint16_t before = 0;
    for (size_t i = 0; i < 200000; i++) {
        uint16_t id = fcgi_connection_next_id(connection);
        assert_int_not_equal(id, 0);
        assert_int_not_equal(id, before);
        before = id;
    }
    fcgi_pool_discard(f->pool, connection);
}

/* ---- how many are kept ------------------------------------------------- */

static void no_more_are_kept_idle_than_allowed(void **state)
{
    struct fcgi_pool_config config = {.max_idle = 1};
    struct fixture *f = fixture_pool(state, FAKE_UNIX, &config);
    struct fcgi_connection *first = take(f->pool);
    struct fcgi_connection *second = take(f->pool);
    fcgi_pool_put(f->pool, first);
    fcgi_pool_put(f->pool, second);
    fake_await(f->app, FAKE_LEFT, 1);
    assert_int_equal(stats_of_pool(f->pool).idle, 1);
    assert_int_equal(stats_of_pool(f->pool).open, 1);
    assert_int_equal(stats_of_pool(f->pool).evictions, 1);
}

static void by_default_32_are_kept(void **state)
{
    struct fcgi_connection *connections[33];
    struct fixture *f = fixture_pool(state, FAKE_UNIX, NULL);
    for (size_t i = 0; i < 33; i++) {
        connections[i] = take(f->pool);
    }
    for (size_t i = 0; i < 33; i++) {
        fcgi_pool_put(f->pool, connections[i]);
    }
    assert_int_equal(stats_of_pool(f->pool).idle, 32);
}

static void the_defaults_can_be_read(void **state)
{
    struct fixture *f = *state;
    struct fcgi_pool_config config;
    memset(&config, 0xff, sizeof(config));
    fcgi_pool_config_init(&config);
    assert_int_equal(config.max_idle, 32);
    assert_int_equal(config.idle_timeout_ms, 2000);
    assert_int_equal(config.connect_timeout_ms, 5000);
    assert_false(config.evict_by_host);
    assert_null(config.dial);
    assert_code(fcgi_pool_new(&f->pool, "/socket", &config), FCGI_OK);
}

static void with_reuse_off_none_is_kept(void **state)
{
    struct fcgi_pool_config config = {.max_idle = -1};
    struct fixture *f = fixture_pool(state, FAKE_UNIX, &config);
    fcgi_pool_put(f->pool, take(f->pool));
    fake_await(f->app, FAKE_LEFT, 1);
    assert_int_equal(stats_of_pool(f->pool).open, 0);
}

static void with_reuse_off_the_application_is_not_asked_to_keep(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_idle = -1}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    for (size_t i = 0; i < 3; i++) {
        struct fcgi_outcome outcome = ask_hello(f->client);
        assert_false(outcome.reused);
        assert_int_equal(fake_request(f->app, i)->flags, 0);
    }
    assert_int_equal(fake_count(f->app, FAKE_ACCEPTED), 3);
}

static void a_connection_serves_only_so_many_requests(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_requests = 2}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    for (size_t i = 0; i < 5; i++) {
        ask_hello(f->client);
        assert_int_equal(fake_request_connection(f->app, i), i / 2);
    }
    assert_int_equal(stats_of(f->client).evictions, 2);
    assert_int_equal(stats_of(f->client).stale, 0);
}

/* Ids would repeat: a late record could pass for a later request's. */
static void a_connection_that_has_used_all_ids_is_closed(void **state)
{
    for (int most = -1; most < 100001; most += 100001) {
        struct fcgi_pool_config config = {.max_requests = most};
        struct fixture *f = fixture_pool(state, FAKE_UNIX, &config);
        struct fcgi_connection *connection = take(f->pool);
        for (int i = 0; i < 65534; i++) {
            (void)fcgi_connection_next_id(connection);
        }
        fcgi_pool_put(f->pool, connection);
        assert_int_equal(stats_of_pool(f->pool).idle, 1);
        (void)fcgi_connection_next_id(take(f->pool));
        fcgi_pool_put(f->pool, connection);
        assert_int_equal(stats_of_pool(f->pool).idle, 0);
    }
}

/* The second request must come too late for the connection, whatever the
 * machine does meanwhile. */
static void an_old_connection_is_not_used_again(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_age_ms = 30}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    ask_hello(f->client);
    pass_ms(31);
    struct fcgi_outcome outcome = ask_hello(f->client);
    assert_false(outcome.reused);
    assert_false(outcome.retried);
    fake_await(f->app, FAKE_LEFT, 1);
    assert_true(stats_of(f->client).evictions >= 1);
}

static void a_connection_too_old_to_be_kept_is_closed(void **state)
{
    struct fcgi_pool_config config = {.max_age_ms = 10};
    struct fixture *f = fixture_pool(state, FAKE_UNIX, &config);
    struct fcgi_connection *connection = take(f->pool);
    pass_ms(11);
    fcgi_pool_put(f->pool, connection);
    assert_int_equal(stats_of_pool(f->pool).open, 0);
}

static void an_idle_connection_takes_little_memory(void **state)
{
    struct fixture *f = *state;
    struct fcgi_connection *connections[32];
    struct fcgi_pool_config config = {.allocator =
                                          counting_allocator(&f->memory)};
    fixture_pool(state, FAKE_UNIX, &config);
    fcgi_pool_put(f->pool, take(f->pool));
    size_t before = f->memory.bytes;
    for (size_t i = 0; i < 32; i++) {
        connections[i] = take(f->pool);
    }
    for (size_t i = 0; i < 32; i++) {
        fcgi_pool_put(f->pool, connections[i]);
    }
    assert_int_equal(stats_of_pool(f->pool).idle, 32);
    assert_in_range(f->memory.bytes - before, 31, 31 * 512);
}

/* ---- how they end ------------------------------------------------------ */

static void discard_closes(void **state)
{
    struct fixture *f = fixture_pool(state, FAKE_UNIX, NULL);
    struct fcgi_connection *connection = take(f->pool);
    fake_await(f->app, FAKE_ACCEPTED, 1);
    fcgi_pool_discard(f->pool, connection);
    fake_await(f->app, FAKE_LEFT, 1);
    assert_int_equal(stats_of_pool(f->pool).open, 0);
}

static void no_connection_and_no_pool_are_fine(void **state)
{
    struct fixture *f = fixture_pool(state, FAKE_UNIX, NULL);
    fcgi_pool_put(f->pool, NULL);
    fcgi_pool_discard(f->pool, NULL);
    fcgi_pool_put(NULL, NULL);
    fcgi_pool_close(NULL);
    fcgi_pool_free(NULL);
    fcgi_pool_config_init(NULL);
    assert_int_equal(fcgi_connection_fd(NULL), -1);
    assert_int_equal(stats_of_pool(f->pool).open, 0);
}

/* By mistake: else the pool would hand the same one out to two. */
static void a_connection_put_twice_is_kept_once(void **state)
{
    struct fixture *f = fixture_pool(state, FAKE_UNIX, NULL);
    struct fcgi_connection *first = take(f->pool);
    fcgi_pool_put(f->pool, first);
    fcgi_pool_put(f->pool, first);
    fcgi_pool_discard(f->pool, first);
    assert_int_equal(stats_of_pool(f->pool).idle, 1);
    assert_int_equal(stats_of_pool(f->pool).open, 1);
    first = take(f->pool);
    struct fcgi_connection *second = take(f->pool);
    assert_ptr_not_equal(first, second);
    fcgi_pool_put(f->pool, first);
    fcgi_pool_put(f->pool, second);
}

static void close_ends_the_idle_ones_and_can_be_repeated(void **state)
{
    struct fixture *f = fixture_pool(state, FAKE_UNIX, NULL);
    fcgi_pool_put(f->pool, take(f->pool));
    fcgi_pool_close(f->pool);
    fcgi_pool_close(f->pool);
    fake_await(f->app, FAKE_LEFT, 1);
    assert_int_equal(stats_of_pool(f->pool).open, 0);
}

/* Each time wakes the pool's thread, which has ended: more often than its pipe
 * has room for. */
static void close_can_be_repeated_any_number_of_times(void **state)
{
    struct fixture *f = fixture_pool(state, FAKE_UNIX, NULL);
    fcgi_pool_put(f->pool, take(f->pool));
    (void)alarm(60);
    for (size_t i = 0; i < 100000; i++) {
        fcgi_pool_close(f->pool);
    }
    (void)alarm(0);
}

static void a_closed_pool_neither_hands_out_nor_dials(void **state)
{
    struct fixture *f = fixture_pool(state, FAKE_UNIX, NULL);
    struct fcgi_connection *connection = (struct fcgi_connection *)&f->pool;
    bool reused = true;
    fcgi_pool_close(f->pool);
    assert_code(fcgi_pool_get(f->pool, &connection, &reused),
                FCGI_ERR_POOL_CLOSED);
    assert_null(connection);
    assert_false(reused);
    connection = (struct fcgi_connection *)&f->pool;
    assert_code(fcgi_pool_dial(f->pool, &connection), FCGI_ERR_POOL_CLOSED);
    assert_null(connection);
    assert_int_equal(stats_of_pool(f->pool).dials, 0);
}

static void what_comes_back_to_a_closed_pool_is_closed(void **state)
{
    struct fixture *f = fixture_pool(state, FAKE_UNIX, NULL);
    struct fcgi_connection *put = take(f->pool);
    struct fcgi_connection *discarded = take(f->pool);
    fcgi_pool_close(f->pool);
    assert_int_equal(stats_of_pool(f->pool).open, 2);
    fcgi_pool_put(f->pool, put);
    fcgi_pool_discard(f->pool, discarded);
    fake_await(f->app, FAKE_LEFT, 2);
    assert_int_equal(stats_of_pool(f->pool).open, 0);
}

static void what_an_option_leaves_open_is_as_documented(void **state)
{
    static const struct fcgi_pool_config nothing;
    struct fcgi_pool_config documented, got;
    (void)state;
    fcgi_pool_config_init(&documented);
    assert_int_equal(fcgi__pool_config_resolve(&got, &nothing), FCGI_OK);
    assert_int_equal(got.max_idle, documented.max_idle);
    assert_int_equal(got.idle_timeout_ms, documented.idle_timeout_ms);
    assert_int_equal(got.max_age_ms, -1);
    assert_int_equal(got.max_requests, 65535);
    assert_int_equal(got.max_open, INT_MAX);
    assert_int_equal(got.max_waiting, documented.max_waiting);
    assert_int_equal(got.queue_timeout_ms, -1);
    assert_int_equal(got.connect_timeout_ms, documented.connect_timeout_ms);
}

static void minus_one_turns_an_option_off(void **state)
{
    static const struct fcgi_pool_config off = {.max_idle = -1,
                                                .idle_timeout_ms = -1,
                                                .max_age_ms = -1,
                                                .max_requests = -1,
                                                .max_open = -1,
                                                .max_waiting = -1,
                                                .queue_timeout_ms = -1,
                                                .connect_timeout_ms = -1};
    struct fcgi_pool_config got;
    (void)state;
    assert_int_equal(fcgi__pool_config_resolve(&got, &off), FCGI_OK);
    assert_int_equal(got.max_idle, 0);
    assert_int_equal(got.idle_timeout_ms, -1);
    assert_int_equal(got.max_age_ms, -1);
    assert_int_equal(got.max_requests, 65535);
    assert_int_equal(got.max_open, INT_MAX);
    assert_int_equal(got.max_waiting, INT_MAX);
    assert_int_equal(got.queue_timeout_ms, -1);
    assert_int_equal(got.connect_timeout_ms, -1);
}

/* Memory that gives a connection back at the moment when some is asked for
 * another. */
struct returning_memory {
    struct fcgi_allocator allocator;
    struct fcgi_pool *pool;
    struct fcgi_connection *connection; /* NULL: none, or no more */
};

static void *allocate_and_return(void *context, size_t size)
{
    struct returning_memory *memory = context;
    struct fcgi_connection *back = memory->connection;
    if (back != NULL) {
        memory->connection = NULL;
        fcgi_pool_put(memory->pool, back);
    }
    return memory->allocator.allocate(memory->allocator.context, size);
}

static void *resize_returning(void *context, void *pointer, size_t size)
{
    struct returning_memory *memory = context;
    return memory->allocator.resize(memory->allocator.context, pointer, size);
}

static void release_returning(void *context, void *pointer)
{
    struct returning_memory *memory = context;
    memory->allocator.release(memory->allocator.context, pointer);
}

static void
memory_for_a_connection_that_came_back_meanwhile_is_freed(void **state)
{
    struct fixture *f = *state;
    struct returning_memory *memory = fixture_alloc(state, sizeof(*memory));
    struct fcgi_pool_config config = {.allocator = {allocate_and_return,
                                                    resize_returning,
                                                    release_returning, memory},
                                      .evict_by_host = true};
    memory->allocator = counting_allocator(&f->memory);
    fixture_pool(state, FAKE_UNIX, &config);
    struct fcgi_connection *first = take(f->pool);
    memory->pool = f->pool;
    memory->connection = first;
    struct fcgi_connection *again = take(f->pool);
    assert_ptr_equal(again, first);
    assert_null(memory->connection);
    fcgi_pool_put(f->pool, again);
}

static void options_below_minus_one_are_refused(void **state)
{
    (void)state;
    struct fcgi_pool_config bad[] = {
        {.max_idle = -2},         {.idle_timeout_ms = -2},
        {.max_age_ms = -2},       {.max_requests = -2},
        {.max_open = -2},         {.max_waiting = -2},
        {.queue_timeout_ms = -2}, {.connect_timeout_ms = -2},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fcgi_pool *pool = (struct fcgi_pool *)&pool;
        assert_code(fcgi_pool_new(&pool, "/socket", &bad[i]),
                    FCGI_ERR_ARGUMENT);
        assert_null(pool);
    }
}

static void
no_pool_and_no_place_for_the_connection_are_wrong_arguments(void **state)
{
    struct fixture *f = fixture_pool(state, FAKE_UNIX, NULL);
    struct fcgi_connection *connection = NULL;
    struct fcgi_pool_stats stats = {.dials = 7};
    assert_code(fcgi_pool_evict(NULL), FCGI_ERR_ARGUMENT);
    fcgi_pool_get_stats(NULL, &stats);
    assert_int_equal(stats.dials, 7);
    fcgi_pool_get_stats(f->pool, NULL);
    assert_code(fcgi_pool_get(NULL, &connection, NULL), FCGI_ERR_ARGUMENT);
    assert_code(fcgi_pool_dial(NULL, &connection), FCGI_ERR_ARGUMENT);
    assert_code(fcgi_pool_get(f->pool, NULL, NULL), FCGI_ERR_ARGUMENT);
    assert_code(fcgi_pool_dial(f->pool, NULL), FCGI_ERR_ARGUMENT);
    assert_int_equal(stats_of_pool(f->pool).dials, 0);
}

/* ---- statistics -------------------------------------------------------- */

static void statistics_count_dials_and_reuses(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    for (size_t i = 0; i < 4; i++) {
        ask_hello(f->client);
    }
    struct fcgi_pool_stats stats = stats_of(f->client);
    assert_int_equal(stats.dials, 1);
    assert_int_equal(stats.reuses, 3);
    assert_int_equal(stats.idle, 1);
    assert_int_equal(stats.open, 1);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.stale, 0);
    assert_int_equal(stats.retries, 0);
    assert_int_equal(stats.evictions, 0);
    assert_int_equal(stats.timeouts, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(the_connection_used_last_is_used_first),
        fixture_test(get_tells_whether_the_connection_was_idle),
        fixture_test(dial_goes_past_the_idle_ones),
        fixture_test(a_connection_is_blocking_and_closed_on_exec),
        fixture_test(a_tcp_connection_sends_without_delay),
        fixture_test(ids_are_never_0_and_always_change),
        fixture_test(no_more_are_kept_idle_than_allowed),
        fixture_test(by_default_32_are_kept),
        fixture_test(the_defaults_can_be_read),
        fixture_test(with_reuse_off_none_is_kept),
        fixture_test(with_reuse_off_the_application_is_not_asked_to_keep),
        fixture_test(a_connection_serves_only_so_many_requests),
        fixture_test(a_connection_that_has_used_all_ids_is_closed),
        fixture_test(an_old_connection_is_not_used_again),
        fixture_test(a_connection_too_old_to_be_kept_is_closed),
        fixture_test(an_idle_connection_takes_little_memory),
        fixture_test(discard_closes),
        fixture_test(no_connection_and_no_pool_are_fine),
        fixture_test(a_connection_put_twice_is_kept_once),
        fixture_test(close_ends_the_idle_ones_and_can_be_repeated),
        fixture_test(close_can_be_repeated_any_number_of_times),
        fixture_test(a_closed_pool_neither_hands_out_nor_dials),
        fixture_test(what_comes_back_to_a_closed_pool_is_closed),
        fixture_test(what_an_option_leaves_open_is_as_documented),
        fixture_test(minus_one_turns_an_option_off),
        fixture_test(memory_for_a_connection_that_came_back_meanwhile_is_freed),
        fixture_test(options_below_minus_one_are_refused),
        fixture_test(
            no_pool_and_no_place_for_the_connection_are_wrong_arguments),
        fixture_test(statistics_count_dials_and_reuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
