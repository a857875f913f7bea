/*
 * Time limits: each ends with a code of its own, not before its time and not
 * absurdly later, and the connection is not used again. What must not count is
 * in test_charges.c, what renews one in test_renewals.c.
 */
#define _POSIX_C_SOURCE 200809L

#include "fixture.h"
#include "pattern.h"
#include "process.h"
#include "watchdog.h"

#define LIMIT 60

static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};

/* Ask an application that runs this script: a time limit ends it. */
static void assert_ends(void **state, enum fake_family family,
                        const struct fake_step *script, size_t count,
                        const struct fcgi_client_config *config,
                        const struct fcgi_request *request, int want)
{
    struct fixture *f = fixture_start(state, family, script, count, config);
    int64_t start = now_ms();
    struct fcgi_outcome outcome = ask_expecting(f->client, request, want);
    assert_true(elapsed(start, LIMIT));
    assert_false(outcome.retried);
    assert_int_equal(stats_of(f->client).timeouts, 1);
    assert_int_equal(stats_of(f->client).open, 0);
}

/* Whether the limits are those of the request or of the client, which knows
 * them when it dials. */
static void assert_limited(void **state, const struct fake_step *script,
                           size_t count, const struct fcgi_request *request,
                           int want)
{
    static const struct fcgi_timeouts none;
    struct fcgi_client_config config = {.timeouts = request->timeouts};
    for (size_t i = 0; i < 2; i++) {
        struct fcgi_request unlimited = *request;
        unlimited.timeouts = none;
        assert_ends(state, families[i], script, count, NULL, request, want);
        assert_ends(state, families[i], script, count, &config, &unlimited,
                    want);
    }
}

static void a_body_nobody_reads_ends_at_the_write_limit(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_PAUSE};
    struct pattern_upload upload = {.len = UINT64_C(1) << 40};
    struct fcgi_request request = post_request(pattern_source(&upload));
    request.timeouts.write_ms = LIMIT;
    assert_limited(state, FAKE_STEPS(script), &request, FCGI_ERR_WRITE_TIMEOUT);
}

/* However much is received meanwhile. On one processor the client always finds
 * something to receive. */
static void the_write_limit_holds_while_the_answer_flows(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ_PARAMS,
                                              FAKE_FLOOD};
    struct pattern_upload upload = {.len = UINT64_C(1) << 40};
    struct fcgi_request request = post_request(pattern_source(&upload));
    request.timeouts.write_ms = LIMIT;
    request.timeouts.total_ms = 30000;
    share_one_processor(true);
    assert_limited(state, FAKE_STEPS(script), &request, FCGI_ERR_WRITE_TIMEOUT);
    share_one_processor(false);
}

static const struct fake_step never_answers[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                                 FAKE_PAUSE};

static void
an_answer_that_never_begins_ends_at_the_first_byte_limit(void **state)
{
    struct fcgi_request request = get_request();
    request.timeouts.first_byte_ms = LIMIT;
    assert_limited(state, FAKE_STEPS(never_answers), &request,
                   FCGI_ERR_FIRST_BYTE_TIMEOUT);
}

static void an_answer_that_stops_ends_at_the_idle_limit(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_STDOUT("Status: 200\r\n\r\nha"),
        FAKE_PAUSE};
    struct fcgi_request request = get_request();
    request.timeouts.idle_ms = LIMIT;
    assert_limited(state, FAKE_STEPS(script), &request, FCGI_ERR_IDLE_TIMEOUT);
}

/* A connection that was dialled for itself, and on which a receive waits for
 * ever, is one that was used before. */
static void assert_kept_on_a_used_connection(void **state, int limit_ms)
{
    struct fcgi_client_config config = {
        .timeouts = {.first_byte_ms = limit_ms}};
    struct fcgi_connection *connection;
    struct fixture *f = fixture_run(state, FAKE_UNIX, never_answers, &config);
    assert_code(fcgi_pool_get(f->pool, &connection, NULL), FCGI_OK);
    fcgi_pool_put(f->pool, connection);
    watchdog_watch("fcgi_client_do()");
    ask_expecting(f->client, &f->request, FCGI_ERR_FIRST_BYTE_TIMEOUT);
    watchdog_rest();
}

static void a_connection_dialled_for_itself_keeps_the_limits(void **state)
{
    assert_kept_on_a_used_connection(state, LIMIT);
}

/* A receive may wait by itself for half of it. Of one millisecond that is
 * nothing, and nothing would mean for ever. */
static void a_limit_of_a_few_milliseconds_is_kept(void **state)
{
    for (int limit_ms = 1; limit_ms <= 4; limit_ms++) {
        assert_kept_on_a_used_connection(state, limit_ms);
    }
}

static void one_byte_of_content_begins_the_answer(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_SEND("\x01\x06\0\x01\0\x09\0\0A"),
        FAKE_PAUSE};
    struct fcgi_request request = get_request();
    request.timeouts.first_byte_ms = 10000;
    request.timeouts.idle_ms = LIMIT;
    assert_limited(state, FAKE_STEPS(script), &request, FCGI_ERR_IDLE_TIMEOUT);
}

static void a_header_alone_begins_no_answer(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_SEND("\x01\x06\0\x01\0\x09\0\0"),
        FAKE_PAUSE};
    struct fcgi_request request = get_request();
    request.timeouts.first_byte_ms = LIMIT;
    request.timeouts.idle_ms = 10000;
    assert_limited(state, FAKE_STEPS(script), &request,
                   FCGI_ERR_FIRST_BYTE_TIMEOUT);
}

static void the_whole_limit_ends_a_silent_request(void **state)
{
    struct fcgi_request request = get_request();
    request.timeouts.total_ms = LIMIT;
    assert_limited(state, FAKE_STEPS(never_answers), &request,
                   FCGI_ERR_DEADLINE);
}

static int ignore(void *context, const void *data, size_t len)
{
    (void)context;
    (void)data;
    (void)len;
    return 0;
}

static void the_whole_limit_ends_a_busy_request(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              FAKE_FLOOD};
    struct fcgi_request request = get_request();
    request.sink.stderr_data = ignore;
    request.timeouts.total_ms = LIMIT;
    assert_limited(state, FAKE_STEPS(script), &request, FCGI_ERR_DEADLINE);
}

/* The shorter of two limits is the one that is named. */
static void the_limit_that_ends_first_is_named(void **state)
{
    struct fcgi_request request = get_request();
    request.timeouts.total_ms = 10000;
    request.timeouts.first_byte_ms = LIMIT;
    assert_limited(state, FAKE_STEPS(never_answers), &request,
                   FCGI_ERR_FIRST_BYTE_TIMEOUT);
    request.timeouts.total_ms = LIMIT;
    request.timeouts.first_byte_ms = 10000;
    assert_limited(state, FAKE_STEPS(never_answers), &request,
                   FCGI_ERR_DEADLINE);
}

static void a_limit_holds_where_the_others_are_off(void **state)
{
    struct fcgi_request request = get_request();
    request.timeouts = (struct fcgi_timeouts){.connect_ms = -1,
                                              .write_ms = -1,
                                              .first_byte_ms = -1,
                                              .idle_ms = -1,
                                              .total_ms = LIMIT,
                                              .queue_ms = -1};
    assert_limited(state, FAKE_STEPS(never_answers), &request,
                   FCGI_ERR_DEADLINE);
    request.timeouts.total_ms = -1;
    request.timeouts.first_byte_ms = LIMIT;
    assert_limited(state, FAKE_STEPS(never_answers), &request,
                   FCGI_ERR_FIRST_BYTE_TIMEOUT);
}

/* Lets the application answer, but not soon. */
static void *let_answer(void *app)
{
    pass_ms(3 * LIMIT);
    fake_go(app);
    return NULL;
}

/* The client's own have been told to the socket. */
static void without_a_limit_an_answer_may_take_its_time(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_PAUSE,
        FAKE_ANSWER("Status: 200\r\n\r\nat last")};
    struct fcgi_client_config config = {
        .timeouts = {.first_byte_ms = LIMIT, .idle_ms = LIMIT}};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, &config);
    f->request.timeouts = (struct fcgi_timeouts){
        .write_ms = -1, .first_byte_ms = -1, .idle_ms = -1, .total_ms = -1};
    fixture_thread(state, let_answer, f->app);
    ask_expecting_body(f->client, &f->request, "at last");
    fixture_join(state);
}

/* Shorter or longer than the client's. */
static void a_requests_limit_goes_before_the_clients(void **state)
{
    struct fcgi_client_config longer = {.timeouts = {.first_byte_ms = 30000}};
    struct fcgi_client_config shorter = {.timeouts = {.first_byte_ms = 5}};
    struct fcgi_request request = get_request();
    request.timeouts.first_byte_ms = LIMIT;
    assert_ends(state, FAKE_UNIX, FAKE_STEPS(never_answers), &longer, &request,
                FCGI_ERR_FIRST_BYTE_TIMEOUT);
    assert_ends(state, FAKE_UNIX, FAKE_STEPS(never_answers), &shorter, &request,
                FCGI_ERR_FIRST_BYTE_TIMEOUT);
}

static void what_was_received_before_a_limit_is_kept(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_STDOUT("Status: 200\r\n\r\nha"),
        FAKE_PAUSE};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    f->request.timeouts.idle_ms = LIMIT;
    assert_code(fcgi_client_do(f->client, &f->request, &f->response),
                FCGI_ERR_IDLE_TIMEOUT);
    assert_int_equal(f->response.status, 200);
    assert_string_equal(f->response.body.data, "ha");
}

/* ---- the wait for a connection ----------------------------------------- */

/* Ask while somebody else has the only connection. */
static void assert_limited_in_queue(void **state,
                                    const struct fcgi_timeouts *timeouts,
                                    int want)
{
    struct fcgi_client_config config = {.pool = {.max_open = 1}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    struct fcgi_connection *connection = take(f->pool);
    f->request.timeouts = *timeouts;
    int64_t start = now_ms();
    struct fcgi_outcome outcome = ask_expecting(f->client, &f->request, want);
    assert_true(elapsed(start, LIMIT));
    assert_int_equal(outcome.phase, FCGI_PHASE_QUEUE);
    assert_int_equal(outcome.system_error, 0);
    assert_int_equal(stats_of(f->client).waiting, 0);
    fcgi_pool_put(f->pool, connection);
    ask_hello(f->client);
}

static void the_wait_for_a_connection_ends_at_the_queue_limit(void **state)
{
    struct fcgi_timeouts timeouts = {.queue_ms = LIMIT};
    assert_limited_in_queue(state, &timeouts, FCGI_ERR_QUEUE_TIMEOUT);
}

static void the_whole_limit_includes_the_wait_for_a_connection(void **state)
{
    struct fcgi_timeouts timeouts = {.total_ms = LIMIT};
    assert_limited_in_queue(state, &timeouts, FCGI_ERR_DEADLINE);
}

/* ---- to connect -------------------------------------------------------- */

static void a_silent_peer_ends_at_the_connect_limit(void **state)
{
    struct fixture *f = fixture_clogged(state, FAKE_TCP, NULL);
    f->request.timeouts.connect_ms = LIMIT;
    int64_t start = now_ms();
    struct fcgi_outcome outcome =
        ask_expecting(f->client, &f->request, FCGI_ERR_CONNECT_TIMEOUT);
    assert_true(elapsed(start, LIMIT));
    assert_int_equal(outcome.phase, FCGI_PHASE_CONNECT);
    assert_in_range(outcome.connect_us, LIMIT * 1000, outcome.total_us);
    assert_int_equal(stats_of(f->client).open, 0);
}

static void the_whole_limit_includes_the_connecting(void **state)
{
    struct fixture *f = fixture_clogged(state, FAKE_TCP, NULL);
    f->request.timeouts.total_ms = LIMIT;
    int64_t start = now_ms();
    ask_expecting(f->client, &f->request, FCGI_ERR_DEADLINE);
    assert_true(elapsed(start, LIMIT));
}

static struct fixture *begin_clogged(void **state,
                                     const struct fcgi_pool_config *config)
{
    struct fixture *f = *state;
    f->app = fake_clogged(FAKE_TCP);
    f->pool = pool_for(f->app, config);
    return f;
}

static void the_pools_own_connect_limit_holds(void **state)
{
    struct fcgi_pool_config config = {.connect_timeout_ms = LIMIT};
    struct fixture *f = begin_clogged(state, &config);
    struct fcgi_connection *connection;
    int64_t start = now_ms();
    assert_code(fcgi_pool_get(f->pool, &connection, NULL),
                FCGI_ERR_CONNECT_TIMEOUT);
    assert_true(elapsed(start, LIMIT));
}

static void *hear_late(void *app)
{
    await_main_asleep();
    fake_hear(app);
    return NULL;
}

static void the_pools_own_connect_limit_may_be_off(void **state)
{
    struct fcgi_pool_config config = {.connect_timeout_ms = -1};
    struct fixture *f = begin_clogged(state, &config);
    struct fcgi_connection *connection;
    fixture_thread(state, hear_late, f->app);
    assert_code(fcgi_pool_get(f->pool, &connection, NULL), FCGI_OK);
    fixture_join(state);
    fcgi_pool_put(f->pool, connection);
}

static void
a_listen_queue_that_stays_full_ends_at_the_connect_limit(void **state)
{
    struct fixture *f = fixture_clogged(state, FAKE_UNIX, NULL);
    f->request.timeouts.connect_ms = LIMIT;
    int64_t start = now_ms();
    struct fcgi_outcome outcome =
        ask_expecting(f->client, &f->request, FCGI_ERR_BACKLOG_FULL);
    assert_true(elapsed(start, LIMIT));
    assert_int_equal(outcome.phase, FCGI_PHASE_CONNECT);
    assert_false(outcome.may_have_run);
}

static int dial_late(void *context, int *fd)
{
    struct fixture *f = context;
    pass_ms(2 * LIMIT);
    *fd = fake_connect(f->app);
    return FCGI_OK;
}

/* Nobody waits for an answer any more: nothing is sent in vain. */
static void a_dial_that_outlasts_the_whole_limit_is_of_no_use(void **state)
{
    struct fixture *f = *state;
    struct fcgi_client_config config = {
        .pool = {.dial = dial_late, .dial_context = f}};
    fixture_serve(state, FAKE_UNIX, &config);
    struct fcgi_request request = post_text("late");
    request.timeouts.total_ms = LIMIT;
    struct fcgi_outcome outcome =
        ask_expecting(f->client, &request, FCGI_ERR_DEADLINE);
    assert_int_equal(outcome.bytes_sent, 0);
    assert_false(outcome.may_have_run);
    assert_int_equal(fake_count(f->app, FAKE_BEGUN), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_body_nobody_reads_ends_at_the_write_limit),
        fixture_test(the_write_limit_holds_while_the_answer_flows),
        fixture_test(an_answer_that_never_begins_ends_at_the_first_byte_limit),
        fixture_test(an_answer_that_stops_ends_at_the_idle_limit),
        fixture_test(a_connection_dialled_for_itself_keeps_the_limits),
        fixture_test(a_limit_of_a_few_milliseconds_is_kept),
        fixture_test(one_byte_of_content_begins_the_answer),
        fixture_test(a_header_alone_begins_no_answer),
        fixture_test(the_whole_limit_ends_a_silent_request),
        fixture_test(the_whole_limit_ends_a_busy_request),
        fixture_test(the_limit_that_ends_first_is_named),
        fixture_test(a_limit_holds_where_the_others_are_off),
        fixture_test(without_a_limit_an_answer_may_take_its_time),
        fixture_test(a_requests_limit_goes_before_the_clients),
        fixture_test(what_was_received_before_a_limit_is_kept),
        fixture_test(the_wait_for_a_connection_ends_at_the_queue_limit),
        fixture_test(the_whole_limit_includes_the_wait_for_a_connection),
        fixture_test(a_silent_peer_ends_at_the_connect_limit),
        fixture_test(the_whole_limit_includes_the_connecting),
        fixture_test(a_dial_that_outlasts_the_whole_limit_is_of_no_use),
        fixture_test(the_pools_own_connect_limit_holds),
        fixture_test(the_pools_own_connect_limit_may_be_off),
        fixture_test(a_listen_queue_that_stays_full_ends_at_the_connect_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
