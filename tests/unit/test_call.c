/*
 * The pollable call: one request driven by a host that waits by itself. What it
 * does is what fcgi_client_do() does; here is what a plain one looks like.
 *
 * The host in tests/support holds each call to the rules of its descriptor at
 * every step, and to sleeping nowhere.
 */
#define _POSIX_C_SOURCE 200809L

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "feeder.h"
#include "fixture.h"
#include "host.h"
#include "pattern.h"
#include "process.h"
#include "recorder.h"
#include "ticks.h"

#define LARGE 5000000

static const enum fake_family families[] = {FAKE_UNIX, FAKE_ABSTRACT, FAKE_TCP};

/* ---- one call ----------------------------------------------------------- */

static void a_call_brings_the_answer(void **state)
{
    for (size_t i = 0; i < 3; i++) {
        struct fixture *f = fixture_serve(state, families[i], NULL);
        struct fcgi_request request = put_text("ping");
        struct fcgi_outcome first =
            host_expecting_body(f->client, &request, "ping");
        struct fcgi_outcome second =
            host_expecting_body(f->client, &request, "ping");
        assert_int_equal(first.phase, FCGI_PHASE_END);
        assert_false(first.reused);
        assert_true(second.reused);
        assert_int_equal(stats_of(f->client).idle, 1);
    }
}

/* A host may register a call before it advances it: then descriptor or time
 * must call it back. */
static void a_call_that_was_begun_is_due_at_once(void **state)
{
    for (size_t i = 0; i < 4; i++) {
        struct fixture *f = fixture_serve(state, families[i % 2 * 2], NULL);
        if (i >= 2) {
            ask_hello(f->client); /* and be begun on a pooled connection */
        }
        fixture_begin(f);
        struct pollfd one = {fcgi_call_fd(f->call), 0, 0};
        one.events = fcgi_call_events(f->call) & FCGI_EVENT_WRITE ? POLLOUT : 0;
        assert_true(fcgi_call_timeout_ms(f->call) == 0 ||
                    host_poll(&one, 1, 5000) > 0);
        assert_code(host_run(f->call), FCGI_OK);
    }
}

static void starting_alone_sends_nothing(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    struct wire received = {0};
    fixture_begin(f);
    assert_true(peer_receive(&f->peer, 0, &received));
    assert_int_equal(received.len, 0);
}

static void the_params_may_go_once_the_call_has_begun(void **state)
{
    char value[] = "kept";
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_param params[] = {FCGI_PARAM("TOKEN", value)};
    f->request = (struct fcgi_request){.params = params, .param_count = 1};
    fixture_begin(f);
    memset(value, 'x', 4);
    memset(params, 0, sizeof(params));
    memset(&f->request, 0, sizeof(f->request));
    assert_code(host_run(f->call), FCGI_OK);
    char *seen = wire_request_param(fake_request(f->app, 0), "TOKEN");
    assert_string_equal(seen, "kept");
    free(seen);
}

static void an_ended_call_says_the_same_again(void **state)
{
    static const struct fake_step closes[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              FAKE_CLOSE};
    for (size_t i = 0; i < 2; i++) {
        int want = i == 0 ? FCGI_OK : FCGI_ERR_CLOSED;
        struct fixture *f = i == 0
                                ? fixture_serve(state, FAKE_UNIX, NULL)
                                : fixture_run(state, FAKE_UNIX, closes, NULL);
        fixture_begin(f);
        assert_code(host_run(f->call), want);
        assert_code(host_advance(f->call), want);
        assert_code(host_resume(f->call), want);
        assert_int_equal(fcgi_call_timeout_ms(f->call), 0);
        host_cancel(f->call);
        assert_code(host_advance(f->call), want);
        assert_code(f->response.outcome.error, want);
    }
}

/* Whenever and however often: nothing depends on what poll() said. */
static void advancing_without_need_does_no_harm(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_TCP, NULL);
    struct pattern_upload upload = {.len = 1000000};
    f->request = post_request(pattern_source(&upload));
    fixture_begin(f);
    int rc = FCGI_WAIT;
    while (rc == FCGI_WAIT) {
        rc = host_advance(f->call);
        rc = rc == FCGI_WAIT ? host_resume(f->call) : rc;
    }
    assert_code(rc, FCGI_OK);
    assert_int_equal(f->response.body.len, 1000000);
    assert_true(pattern_matches(f->response.body.data, 0, 1000000));
}

static void the_response_outlives_call_and_client(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_request request = post_text("mine alone");
    assert_code(host_do(f->client, &request, &f->response), FCGI_OK);
    fixture_free_client(f);
    assert_int_equal(f->response.status, 200);
    assert_string_equal(f->response.body.data, "mine alone");
}

static void a_response_serves_one_call_after_another(void **state)
{
    static const char *const bodies[] = {"a longer body", "short", ""};
    static const char *const wanted[] = {"a longer body", "short", "hello"};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    for (size_t i = 0; i < 3; i++) {
        struct fcgi_request request = post_text(bodies[i]);
        assert_code(host_do(f->client, &request, &f->response), FCGI_OK);
        assert_string_equal(f->response.body.data, wanted[i]);
    }
}

static void a_sink_is_given_the_answer_in_order(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_STDERR("oh"),
        FAKE_ANSWER_EACH("Status: 201\r\n\r\nbody")};
    struct recorder r = {0};
    struct fixture *f = fixture_run(state, FAKE_TCP, script, NULL);
    f->request.sink = recorder_sink(&r);
    host_expecting(f->client, &f->request, FCGI_OK);
    recorder_assert(&r, "[stderr]oh[head 201][body]body");
    recorder_free(&r);
}

static void each_role_has_its_streams(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    f->request.role = FCGI_ROLE_AUTHORIZER;
    host_expecting_body(f->client, &f->request, "hello");
    f->request.role = FCGI_ROLE_FILTER;
    f->request.body = (struct fcgi_source){.data = "stdin", .len = 5};
    f->request.data = (struct fcgi_source){.data = "data", .len = 4};
    host_expecting_body(f->client, &f->request, "stdin");
    assert_int_equal(fake_request(f->app, 0)->body_ends, 0);
    assert_int_equal(fake_request(f->app, 1)->body_ends, 1);
    assert_int_equal(fake_request(f->app, 1)->data.len, 4);
    assert_int_equal(fake_request(f->app, 1)->data_ends, 1);
}

/* ---- both ways at once -------------------------------------------------- */

static void a_large_body_and_a_large_answer_arrive_whole(void **state)
{
    for (size_t i = 0; i < 3; i++) {
        struct fixture *f = fixture_serve(state, families[i], NULL);
        struct pattern_upload upload = {.len = LARGE};
        struct pattern_download download = {0};
        struct fcgi_request request = post_request(pattern_source(&upload));
        request.sink = pattern_sink(&download);
        host_expecting(f->client, &request, FCGI_OK);
        assert_int_equal(download.at, LARGE);
        assert_false(download.wrong);
        assert_int_equal(fake_request(f->app, 0)->body.len, LARGE);
        assert_true(
            pattern_matches(fake_request(f->app, 0)->body.data, 0, LARGE));
    }
}

/* It reads nothing before all it has to say was taken. */
static void an_application_that_writes_first_locks_nothing_up(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT,      FAKE_READ_PARAMS,  FAKE_STDOUT("Status: 200\r\n\r\n"),
        FAKE_BODY(LARGE), FAKE_READ_REQUEST, FAKE_END(WIRE_COMPLETE)};
    for (size_t i = 0; i < 3; i++) {
        struct fixture *f = fixture_run(state, families[i], script, NULL);
        struct pattern_upload upload = {.len = LARGE};
        struct pattern_download download = {0};
        struct fcgi_request request = post_request(pattern_source(&upload));
        request.sink = pattern_sink(&download);
        host_expecting(f->client, &request, FCGI_OK);
        assert_int_equal(download.at, LARGE);
        assert_int_equal(fake_request(f->app, 0)->body.len, LARGE);
    }
}

static void signals_disturb_no_call(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_TCP, NULL);
    ticks_begin();
    for (size_t i = 0; i < 10; i++) {
        struct pattern_upload upload = {.len = 1000000};
        struct fcgi_request request = post_request(pattern_source(&upload));
        assert_code(host_do(f->client, &request, &f->response), FCGI_OK);
        assert_int_equal(f->response.body.len, 1000000);
        assert_true(pattern_matches(f->response.body.data, 0, 1000000));
    }
    assert_true(ticks_end() > 0);
}

/* ---- the account -------------------------------------------------------- */

static void the_outcome_tells_where_the_time_went(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_open = 1}};
    struct fixture *f = fixture_peer(state, &config);
    struct fcgi_connection *connection = take(f->pool);
    const struct fcgi_outcome *outcome = &f->response.outcome;
    fixture_begin(f);
    pass_ms(20);
    fcgi_pool_put(f->pool, connection);
    assert_code(host_settle(f->call), FCGI_WAIT);
    pass_ms(20);
    peer_answer(&f->peer, 0, 1, "A: 1\r\n\r\nbody");
    assert_code(host_run(f->call), FCGI_OK);
    assert_true(outcome->queue_us >= 20000);
    assert_true(outcome->first_byte_us >= outcome->queue_us + 20000);
    assert_true(outcome->total_us >= outcome->first_byte_us);
    assert_int_equal(outcome->connect_us, 0);
    assert_int_equal(outcome->phase, FCGI_PHASE_END);
    assert_int_equal(outcome->records_sent, 4);
    assert_int_equal(outcome->records_received, 3);
}

/* ---- memory ------------------------------------------------------------- */

/* The client has had one such call before. */
static void assert_allocates_nothing(void **state,
                                     const struct fcgi_request *request,
                                     bool reuses)
{
    struct fixture *f = *state;
    struct fcgi_client_config config = {
        .pool = {.allocator = counting_allocator(&f->memory)}};
    fixture_serve(state, FAKE_UNIX, &config);
    assert_code(host_do(f->client, request, &f->response), FCGI_OK);
    size_t calls = f->memory.calls;
    for (size_t i = 0; i < 100; i++) {
        assert_code(host_do(f->client, request, &f->response), FCGI_OK);
        assert_int_equal(f->response.outcome.reused, reuses);
    }
    assert_int_equal(f->memory.calls, calls);
}

static void a_warm_call_allocates_nothing(void **state)
{
    struct fcgi_request request = put_text("the same each time");
    assert_allocates_nothing(state, &request, true);
}

/* The place of the idle connection that yields is used again. */
static void a_warm_call_over_a_new_connection_allocates_nothing(void **state)
{
    struct fcgi_request request = post_text("the same each time");
    assert_allocates_nothing(state, &request, false);
}

/* One request with a body that is read, answered by the peer; returns how it
 * ended. */
static int ask_peer(struct fixture *f)
{
    struct feeder feeder = {.data = "a body", .len = 6, .chunk = 2};
    f->request = post_request(feeder_source(&feeder));
    int rc = host_start(&f->call, f->client, &f->request, &f->response);
    if (rc == FCGI_OK) {
        rc = host_advance(f->call);
        if (rc == FCGI_WAIT) {
            peer_answer(&f->peer, 0, 1, "A: 1\r\nB: 2\r\n\r\nbody");
            rc = host_run(f->call);
        }
    }
    assert_code(f->response.outcome.error, rc);
    return rc;
}

/* The same on a client of its own, with `fail_at` counted from there. */
static int ask_short_of_memory(void **state, size_t fail_at, size_t *calls)
{
    struct fixture *f = *state;
    struct fcgi_client_config config = {
        .pool = {.allocator = counting_allocator(&f->memory)}};
    fixture_peer(state, &config);
    size_t before = f->memory.calls;
    f->memory.fail_at = fail_at == 0 ? 0 : before + fail_at;
    int rc = ask_peer(f);
    *calls = f->memory.calls - before;
    assert_int_equal(f->memory.failures, fail_at > 0);
    return rc;
}

static void each_allocation_may_fail(void **state)
{
    size_t calls;
    size_t ignored;
    assert_code(ask_short_of_memory(state, 0, &calls), FCGI_OK);
    assert_true(calls > 5);
    for (size_t i = 1; i <= calls; i++) {
        assert_code(ask_short_of_memory(state, i, &ignored),
                    FCGI_ERR_NO_MEMORY);
    }
}

/* ---- errors ------------------------------------------------------------- */

static const struct fake_step closes[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                          FAKE_CLOSE};
static const struct fake_step breaks_off[] = {
    FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_STDOUT("A: 1\r\n\r\nha"), FAKE_CLOSE};
static const struct fake_step speaks_http[] = {
    FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_SEND("HTTP/1.1 400 No\r\n\r\n")};
static const struct fake_step babbles[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                           FAKE_SEND("babble, babble")};
static const struct fake_step invents[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                           FAKE_RECORD(99, "what is this")};
static const struct fake_step has_no_head[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                               FAKE_END(WIRE_COMPLETE)};
static const struct fake_step has_bad_head[] = {
    FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_ANSWER("no colon\r\n\r\nbody")};
static const struct fake_step is_short[] = {
    FAKE_ACCEPT, FAKE_READ_REQUEST,
    FAKE_ANSWER("Content-Length: 5\r\n\r\nbody")};
static const struct fake_step is_long[] = {
    FAKE_ACCEPT, FAKE_READ_REQUEST,
    FAKE_ANSWER("Content-Length: 3\r\n\r\nbody")};
static const struct fake_step is_overloaded[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                                 FAKE_END(WIRE_OVERLOADED)};
static const struct fake_step cannot_mpx[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              FAKE_END(WIRE_CANT_MPX_CONN)};
static const struct fake_step knows_no_role[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                                 FAKE_END(WIRE_UNKNOWN_ROLE)};
static const struct fake_step ends_oddly[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              FAKE_END(77)};

static const struct {
    const struct fake_step *steps;
    size_t count;
    int want;
} failures[] = {
    {FAKE_STEPS(closes), FCGI_ERR_CLOSED},
    {FAKE_STEPS(breaks_off), FCGI_ERR_TRUNCATED},
    {FAKE_STEPS(speaks_http), FCGI_ERR_NOT_FASTCGI},
    {FAKE_STEPS(babbles), FCGI_ERR_INVALID_HEADER},
    {FAKE_STEPS(invents), FCGI_ERR_BAD_RECORD},
    {FAKE_STEPS(has_no_head), FCGI_ERR_NO_HEAD},
    {FAKE_STEPS(has_bad_head), FCGI_ERR_BAD_HEAD},
    {FAKE_STEPS(is_short), FCGI_ERR_BODY_SHORT},
    {FAKE_STEPS(is_long), FCGI_ERR_BODY_LONG},
    {FAKE_STEPS(is_overloaded), FCGI_ERR_OVERLOADED},
    {FAKE_STEPS(cannot_mpx), FCGI_ERR_CANT_MPX_CONN},
    {FAKE_STEPS(knows_no_role), FCGI_ERR_UNKNOWN_ROLE},
    {FAKE_STEPS(ends_oddly), FCGI_ERR_PROTOCOL_STATUS},
};

static void each_failure_of_the_application_has_its_code(void **state)
{
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        struct fixture *f = fixture_start(state, FAKE_UNIX, failures[i].steps,
                                          failures[i].count, NULL);
        host_expecting(f->client, &f->request, failures[i].want);
        assert_int_equal(stats_of(f->client).idle, 0);
        assert_int_equal(stats_of(f->client).open, 0);
    }
}

static void a_failing_source_ends_the_call(void **state)
{
    struct feeder feeder = {
        .data = "12345678", .len = 8, .chunk = 3, .fails = true, .fail_at = 6};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_request request = post_request(feeder_source(&feeder));
    feeder.error = -12345;
    host_expecting(f->client, &request, FCGI_ERR_SOURCE);
    assert_int_equal(stats_of(f->client).open, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_call_brings_the_answer),
        fixture_test(a_call_that_was_begun_is_due_at_once),
        fixture_test(starting_alone_sends_nothing),
        fixture_test(the_params_may_go_once_the_call_has_begun),
        fixture_test(an_ended_call_says_the_same_again),
        fixture_test(advancing_without_need_does_no_harm),
        fixture_test(the_response_outlives_call_and_client),
        fixture_test(a_response_serves_one_call_after_another),
        fixture_test(a_sink_is_given_the_answer_in_order),
        fixture_test(each_role_has_its_streams),
        fixture_test(a_large_body_and_a_large_answer_arrive_whole),
        fixture_test(an_application_that_writes_first_locks_nothing_up),
        fixture_test(signals_disturb_no_call),
        fixture_test(the_outcome_tells_where_the_time_went),
        fixture_test(a_warm_call_allocates_nothing),
        fixture_test(a_warm_call_over_a_new_connection_allocates_nothing),
        fixture_test(each_allocation_may_fail),
        fixture_test(each_failure_of_the_application_has_its_code),
        fixture_test(a_failing_source_ends_the_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
