/*
 * The outcome: what a caller learns of a request, whether it went well or not.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdlib.h>

#include "fixture.h"
#include "pattern.h"
#include "process.h"

/* Bytes of a record that a request or an answer comes to. */
static uint64_t padded(size_t content)
{
    return 8 + (content + 7) / 8 * 8;
}

static void a_good_outcome_counts_bytes_and_records(void **state)
{
    static const char answer[] = "Status: 200\r\n\r\nhello";
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    for (int i = 0; i < 2; i++) {
        struct fcgi_outcome outcome = ask_hello(f->client);
        size_t params = fake_request(f->app, 0)->params.len;
        assert_int_equal(outcome.phase, FCGI_PHASE_END);
        assert_int_equal(outcome.reused, i == 1);
        assert_false(outcome.retried);
        assert_int_equal(outcome.system_error, 0);
        /* BEGIN, PARAMS and its end, the end of STDIN. */
        assert_int_equal(outcome.records_sent, 4);
        assert_int_equal(outcome.bytes_sent, 16 + padded(params) + 8 + 8);
        /* STDOUT and its end, END_REQUEST. */
        assert_int_equal(outcome.records_received, 3);
        assert_int_equal(outcome.bytes_received,
                         padded(sizeof(answer) - 1) + 8 + 16);
    }
}

static void times_are_in_order(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    int64_t start = now_ms();
    struct fcgi_outcome outcome = ask_hello(f->client);
    int64_t took = now_ms() - start;
    assert_in_range(outcome.queue_us, 0, outcome.total_us);
    assert_in_range(outcome.connect_us, 0, outcome.first_byte_us);
    assert_in_range(outcome.first_byte_us, 1, outcome.total_us);
    assert_in_range(outcome.total_us, 1, (took + 1) * 1000);
}

static void an_answer_that_never_came_has_no_first_byte(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              FAKE_PAUSE, FAKE_CLOSE};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    f->request.timeouts.first_byte_ms = 40;
    struct fcgi_outcome outcome =
        ask_expecting(f->client, &f->request, FCGI_ERR_FIRST_BYTE_TIMEOUT);
    assert_int_equal(outcome.first_byte_us, -1);
    assert_in_range(outcome.total_us, 40000, INT64_MAX);
}

static void the_wait_for_a_connection_is_timed(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_open = 1}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    struct fcgi_connection *connection = take(f->pool);
    f->request.timeouts.queue_ms = 40;
    struct fcgi_outcome outcome =
        ask_expecting(f->client, &f->request, FCGI_ERR_QUEUE_TIMEOUT);
    assert_int_equal(outcome.phase, FCGI_PHASE_QUEUE);
    assert_in_range(outcome.queue_us, 40000, outcome.total_us);
    assert_false(outcome.may_have_run);
    assert_true(outcome.safe_to_repeat);
    fcgi_pool_put(f->pool, connection);
}

static void a_failed_connect_tells_errno_and_is_safe_to_repeat(void **state)
{
    struct fixture *f = *state;
    const char *path = fixture_path(state, "absent");
    struct fcgi_request request = post_text("body");
    assert_code(fcgi_client_new(&f->client, path, NULL), FCGI_OK);
    struct fcgi_outcome outcome =
        ask_expecting(f->client, &request, FCGI_ERR_CONNECT);
    assert_int_equal(outcome.system_error, ENOENT);
    assert_int_equal(outcome.phase, FCGI_PHASE_CONNECT);
    assert_false(outcome.may_have_run);
    assert_true(outcome.safe_to_repeat);
    assert_int_equal(outcome.bytes_sent, 0);
}

/* Ask an application that runs this script, which is not going to end well. */
static struct fcgi_outcome
fail_with(void **state, const struct fake_step *script, size_t count,
          const struct fcgi_request *request, int want)
{
    struct fixture *f = fixture_start(state, FAKE_UNIX, script, count, NULL);
    struct fcgi_outcome outcome = ask_expecting(f->client, request, want);
    assert_int_equal(stats_of(f->client).open, 0);
    return outcome;
}

static const struct fake_step mute_script[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                               FAKE_CLOSE};

static void a_get_is_safe_to_repeat_though_it_may_have_run(void **state)
{
    struct fcgi_request request = get_request();
    struct fcgi_outcome outcome =
        fail_with(state, FAKE_STEPS(mute_script), &request, FCGI_ERR_CLOSED);
    assert_int_equal(outcome.phase, FCGI_PHASE_WAIT);
    assert_true(outcome.may_have_run);
    assert_true(outcome.safe_to_repeat);
}

static void a_post_that_may_have_run_is_not_safe_to_repeat(void **state)
{
    struct fcgi_request request = post_text("body");
    struct fcgi_outcome outcome =
        fail_with(state, FAKE_STEPS(mute_script), &request, FCGI_ERR_CLOSED);
    assert_int_equal(outcome.phase, FCGI_PHASE_WAIT);
    assert_true(outcome.may_have_run);
    assert_false(outcome.safe_to_repeat);
}

/* Nobody says what the method is, so that it may be any. */
static void a_request_without_a_method_is_not_safe_to_repeat(void **state)
{
    struct fcgi_request request = {.param_count = 0};
    struct fcgi_outcome outcome =
        fail_with(state, FAKE_STEPS(mute_script), &request, FCGI_ERR_CLOSED);
    assert_true(outcome.may_have_run);
    assert_false(outcome.safe_to_repeat);
}

static void the_idempotent_methods_are_those_of_http(void **state)
{
    static const struct {
        const char *name;
        bool idempotent;
    } methods[] = {
        {"GET", true},   {"HEAD", true},   {"OPTIONS", true},
        {"TRACE", true}, {"PUT", true},    {"DELETE", true},
        {"POST", false}, {"PATCH", false}, {"CONNECT", false},
        {"get", false},  {"GETS", false},  {"", false},
    };
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        struct fcgi_param param = FCGI_PARAM("REQUEST_METHOD", methods[i].name);
        struct fcgi_request request = {.params = &param, .param_count = 1};
        struct fcgi_outcome outcome = fail_with(state, FAKE_STEPS(mute_script),
                                                &request, FCGI_ERR_CLOSED);
        assert_int_equal(outcome.safe_to_repeat, methods[i].idempotent);
    }
}

static void the_method_may_be_among_the_encoded_params(void **state)
{
    struct wire encoded = {0};
    wire_param(&encoded, "REQUEST_METHOD", "GET");
    struct fcgi_request request = {
        .encoded_params = {(const char *)encoded.data, encoded.len}};
    struct fcgi_outcome outcome =
        fail_with(state, FAKE_STEPS(mute_script), &request, FCGI_ERR_CLOSED);
    assert_true(outcome.safe_to_repeat);
    wire_free(&encoded);
}

static void a_refusal_is_safe_to_repeat(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              FAKE_END(WIRE_OVERLOADED)};
    struct fcgi_request request = post_text("body");
    struct fcgi_outcome outcome =
        fail_with(state, FAKE_STEPS(script), &request, FCGI_ERR_OVERLOADED);
    assert_int_equal(outcome.phase, FCGI_PHASE_END);
    assert_false(outcome.may_have_run);
    assert_true(outcome.safe_to_repeat);
}

static void a_half_answer_tells_how_far_it_came(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_STDOUT("Status: 200\r\n\r\nha"),
        FAKE_CLOSE};
    struct fcgi_request request = get_request();
    struct fcgi_outcome outcome =
        fail_with(state, FAKE_STEPS(script), &request, FCGI_ERR_TRUNCATED);
    assert_int_equal(outcome.phase, FCGI_PHASE_RECEIVE);
    assert_int_equal(outcome.records_received, 1);
    assert_int_equal(outcome.bytes_received, 8 + 24);
    assert_in_range(outcome.first_byte_us, 0, outcome.total_us);
}

static void an_upload_that_stalls_was_being_sent(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ_PARAMS,
                                              FAKE_PAUSE, FAKE_CLOSE};
    static char large[4 << 20];
    struct fcgi_source body = {.data = large, .len = sizeof(large)};
    struct fcgi_request request = post_request(body);
    request.timeouts.write_ms = 40;
    struct fcgi_outcome outcome =
        fail_with(state, FAKE_STEPS(script), &request, FCGI_ERR_WRITE_TIMEOUT);
    assert_int_equal(outcome.phase, FCGI_PHASE_SEND);
    assert_in_range(outcome.bytes_sent, 16, sizeof(large));
}

/* Without the end of its params no application runs a request. */
static void a_request_whose_params_stall_cannot_have_run(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_PAUSE};
    size_t len = 4 << 20;
    char *large = pattern_make(len);
    struct fcgi_param param = {"REQUEST_METHOD", large, 14, len};
    struct fcgi_request request = {.params = &param, .param_count = 1};
    request.timeouts.write_ms = 40;
    struct fcgi_outcome outcome =
        fail_with(state, FAKE_STEPS(script), &request, FCGI_ERR_WRITE_TIMEOUT);
    assert_int_equal(outcome.phase, FCGI_PHASE_SEND);
    assert_in_range(outcome.bytes_sent, 16, len);
    assert_false(outcome.may_have_run);
    assert_true(outcome.safe_to_repeat);
    free(large);
}

static void a_failed_request_leaves_no_trace_in_the_next_outcome(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_STDOUT("Status: 200\r\n\r\nha"),
        FAKE_CLOSE,  FAKE_ACCEPT,       FAKE_SERVE};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    assert_code(fcgi_client_do(f->client, &f->request, &f->response),
                FCGI_ERR_TRUNCATED);
    assert_string_equal(f->response.body.data, "ha");
    assert_int_equal(f->response.status, 200);
    assert_int_equal(f->response.protocol_status, -1);
    assert_code(fcgi_client_do(f->client, &f->request, &f->response), FCGI_OK);
    assert_string_equal(f->response.body.data, "hello");
    assert_int_equal(f->response.outcome.error, FCGI_OK);
    assert_int_equal(f->response.outcome.records_received, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_good_outcome_counts_bytes_and_records),
        fixture_test(times_are_in_order),
        fixture_test(an_answer_that_never_came_has_no_first_byte),
        fixture_test(the_wait_for_a_connection_is_timed),
        fixture_test(a_failed_connect_tells_errno_and_is_safe_to_repeat),
        fixture_test(a_get_is_safe_to_repeat_though_it_may_have_run),
        fixture_test(a_post_that_may_have_run_is_not_safe_to_repeat),
        fixture_test(a_request_without_a_method_is_not_safe_to_repeat),
        fixture_test(the_idempotent_methods_are_those_of_http),
        fixture_test(the_method_may_be_among_the_encoded_params),
        fixture_test(a_refusal_is_safe_to_repeat),
        fixture_test(a_half_answer_tells_how_far_it_came),
        fixture_test(an_upload_that_stalls_was_being_sent),
        fixture_test(a_request_whose_params_stall_cannot_have_run),
        fixture_test(a_failed_request_leaves_no_trace_in_the_next_outcome),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
