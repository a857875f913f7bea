/*
 * What went wrong for others on a connection: one request that blocked itself,
 * lost its answer or took another's. Each is shown to be impossible here. What
 * went wrong in pools and retries is in test_pool.c and its neighbours.
 */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>

#include "fixture.h"
#include "pattern.h"
#include "process.h"

static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};

/* How the next request behaves after one that left something behind. */
#define THEN_SERVES FAKE_ACCEPT, FAKE_SERVE

/* Ask an application that runs this script, and expect this; its connection is
 * not used again. */
static void assert_dropped(void **state, const struct fake_step *script,
                           size_t count, const struct fcgi_request *request,
                           int want, const char *body)
{
    struct fixture *f = fixture_start(state, FAKE_UNIX, script, count, NULL);
    ask_and_check(fcgi_client_do, f->client, request, want, body, __FILE__,
                  __LINE__);
    assert_int_equal(stats_of(f->client).open, 0);
    struct fcgi_outcome outcome = ask_hello(f->client);
    assert_false(outcome.reused);
    assert_false(outcome.retried);
}

/* ---- early answers ----------------------------------------------------- */

/* The application answers without reading the body, and closes: the upload
 * fails with EPIPE or ECONNRESET, and the answer must not be lost to that. */
static void an_early_answer_survives_the_failed_upload(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_PARAMS,
        FAKE_ANSWER("Status: 413 Too Large\r\n\r\nno"), FAKE_CLOSE};
    for (size_t i = 0; i < 20; i++) {
        struct pattern_upload upload = {.len = 20000000};
        struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
        struct fcgi_request request = post_request(pattern_source(&upload));
        assert_code(fcgi_client_do(f->client, &request, &f->response), FCGI_OK);
        assert_int_equal(f->response.status, 413);
        assert_string_equal(f->response.body.data, "no");
        assert_int_equal(stats_of(f->client).open, 0);
    }
}

/* The socket still takes bytes, but they are no use any more. */
static void an_early_end_stops_the_upload_and_drops_the_socket(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_PARAMS, FAKE_ANSWER("Status: 401\r\n\r\nwho?"),
        THEN_SERVES};
    for (size_t i = 0; i < 2; i++) {
        struct pattern_upload upload = {.len = UINT64_C(1) << 50};
        struct fixture *f = fixture_run(state, families[i], script, NULL);
        struct fcgi_request request = post_request(pattern_source(&upload));
        ask_expecting_body(f->client, &request, "who?");
        assert_true(upload.at < upload.len);
        fake_await(f->app, FAKE_LEFT, 1);
        assert_false(ask_hello(f->client).reused);
    }
}

/* ---- answers that end badly -------------------------------------------- */

static void an_end_before_any_byte_is_no_success(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              FAKE_CLOSE, THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(state, FAKE_STEPS(script), &request, FCGI_ERR_CLOSED, "");
}

static void an_end_between_records_is_no_success(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT,     FAKE_READ_REQUEST, FAKE_STDOUT("A: 1\r\n\r\nwhole?"),
        FAKE_STDOUT(""), FAKE_CLOSE,        THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(state, FAKE_STEPS(script), &request, FCGI_ERR_TRUNCATED,
                   "whole?");
}

static void an_end_amid_a_record_does_not_hang(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT,
                                              FAKE_READ_REQUEST,
                                              FAKE_PROMISE(WIRE_STDOUT, 100),
                                              FAKE_SEND("A: 1\r\n\r\nha"),
                                              FAKE_CLOSE,
                                              THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(state, FAKE_STEPS(script), &request, FCGI_ERR_TRUNCATED,
                   "ha");
}

static void an_end_amid_a_header_does_not_hang(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT,           FAKE_READ_REQUEST, FAKE_STDOUT("A: 1\r\n\r\nha"),
        FAKE_SEND("\x01\x06"), FAKE_CLOSE,        THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(state, FAKE_STEPS(script), &request, FCGI_ERR_TRUNCATED,
                   "ha");
}

/* The answer is there, and its end; then a reset instead of a close. */
static void a_whole_answer_survives_a_reset(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_ANSWER("A: 1\r\n\r\nwhole"),
        FAKE_PAUSE,  FAKE_RESET,        THEN_SERVES};
    struct fixture *f = fixture_run(state, FAKE_TCP, script, NULL);
    ask_expecting_body(f->client, &f->request, "whole");
    fake_go(f->app);
    fake_await(f->app, FAKE_CLOSED, 1);
    assert_true(ask_hello(f->client).retried);
}

/* ---- stderr ------------------------------------------------------------ */

static void empty_stderr_does_not_hang(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT,
                                              FAKE_READ_REQUEST,
                                              FAKE_STDERR(""),
                                              FAKE_ANSWER("A: 1\r\n\r\nbody"),
                                              FAKE_READ_REQUEST,
                                              FAKE_STDOUT("A: 1\r\n\r\nbody"),
                                              FAKE_STDERR(""),
                                              FAKE_STDERR(""),
                                              FAKE_END(WIRE_COMPLETE)};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    ask_expecting_body(f->client, &f->request, "body");
    assert_true(ask_expecting_body(f->client, &f->request, "body").reused);
}

static void large_stderr_is_cut_and_hides_no_answer(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_BULK(WIRE_STDERR, 3000000),
        FAKE_ANSWER("A: 1\r\n\r\nbody"), FAKE_SERVE};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    assert_code(fcgi_client_do(f->client, &f->request, &f->response), FCGI_OK);
    assert_true(f->response.stderr_cut);
    assert_int_equal(f->response.stderr_data.len, 65536);
    assert_true(pattern_matches(f->response.stderr_data.data, 0, 65536));
    assert_string_equal(f->response.body.data, "body");
    assert_true(ask_hello(f->client).reused);
}

static void stderr_never_spills_into_the_body(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT,        FAKE_READ_REQUEST,   FAKE_STDERR("1"),
        FAKE_STDOUT("A: "), FAKE_STDERR("2"),    FAKE_STDOUT("1\r\n\r"),
        FAKE_STDERR("3"),   FAKE_STDOUT("\nbo"), FAKE_STDERR("4"),
        FAKE_STDOUT("dy"),  FAKE_STDERR("5"),    FAKE_END(WIRE_COMPLETE)};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    assert_code(fcgi_client_do(f->client, &f->request, &f->response), FCGI_OK);
    assert_string_equal(f->response.body.data, "body");
    assert_string_equal(f->response.stderr_data.data, "12345");
}

/* ---- what is left on a connection -------------------------------------- */

static void a_second_end_drops_the_connection(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT,
                                              FAKE_READ_REQUEST,
                                              FAKE_CORK,
                                              FAKE_STDOUT("A: 1\r\n\r\nbody"),
                                              FAKE_END(WIRE_COMPLETE),
                                              FAKE_END(WIRE_COMPLETE),
                                              FAKE_UNCORK,
                                              THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(state, FAKE_STEPS(script), &request, FCGI_OK, "body");
}

static void bytes_behind_the_end_drop_the_connection(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT,       FAKE_READ_REQUEST,
        FAKE_CORK,         FAKE_ANSWER("A: 1\r\n\r\nbody"),
        FAKE_SEND("\x01"), FAKE_UNCORK,
        THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(state, FAKE_STEPS(script), &request, FCGI_OK, "body");
}

/* It comes when the first request is done with the connection already, and
 * belongs to no other. */
static void a_late_second_end_ends_no_other_request(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_SERVE_TIMES(1), FAKE_PAUSE, FAKE_END(WIRE_COMPLETE),
        FAKE_REACH,  FAKE_SERVE};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    ask_hello(f->client);
    fake_go(f->app);
    fake_await(f->app, FAKE_REACHED, 1);
    ask_hello(f->client);
    assert_int_equal(stats_of(f->client).open, 0);
}

static void *go_when_awaited(void *app)
{
    await_main_asleep();
    fake_go(app);
    return NULL;
}

/* The next answer would begin with it. */
static void an_end_is_not_over_before_its_padding(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT,
                                              FAKE_READ_REQUEST,
                                              FAKE_STDOUT("A: 1\r\n\r\nbody"),
                                              FAKE_PADDED_END(5),
                                              FAKE_SEND("\x01\x06"),
                                              FAKE_PAUSE,
                                              FAKE_SEND("\x01\x03\x01"),
                                              FAKE_SERVE};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    fixture_thread(state, go_when_awaited, f->app);
    ask_expecting_body(f->client, &f->request, "body");
    fixture_join(state);
    assert_true(ask_hello(f->client).reused);
}

static void an_end_whose_padding_never_comes_drops_the_connection(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT,
                                              FAKE_READ_REQUEST,
                                              FAKE_STDOUT("A: 1\r\n\r\nbody"),
                                              FAKE_PADDED_END(5),
                                              FAKE_SEND("\x01\x06"),
                                              FAKE_CLOSE,
                                              THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(state, FAKE_STEPS(script), &request, FCGI_OK, "body");
}

/* It has closed with what it did not read: over a Unix socket that is a reset
 * too, behind all that it has sent. */
static void a_reset_behind_an_end_without_its_padding_is_no_error(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT,        FAKE_READ_PARAMS, FAKE_STDOUT("A: 1\r\n\r\nbody"),
        FAKE_PADDED_END(5), FAKE_RESET,       THEN_SERVES};
    struct fcgi_request request = post_text("not read");
    assert_dropped(state, FAKE_STEPS(script), &request, FCGI_OK, "body");
}

static void a_record_of_another_request_is_not_part_of_the_answer(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT,
        FAKE_READ_REQUEST,
        FAKE_STDOUT("A: 1\r\n\r\nbo"),
        FAKE_STRANGER(WIRE_STDOUT, "intruder"),
        FAKE_STRANGER(WIRE_STDERR, "intruder"),
        FAKE_STDOUT("dy"),
        FAKE_END(WIRE_COMPLETE),
        THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(state, FAKE_STEPS(script), &request, FCGI_OK, "body");
}

/* Of the request before, the end comes once more. */
static void a_late_end_of_an_earlier_request_ends_nothing(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT,
        FAKE_SERVE_TIMES(1),
        FAKE_READ_REQUEST,
        FAKE_STDOUT("A: 1\r\n\r\nbo"),
        FAKE_STRANGER(WIRE_END, "\0\0\0\0\0\0\0"),
        FAKE_STDOUT("dy"),
        FAKE_END(WIRE_COMPLETE),
        THEN_SERVES};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    struct fcgi_request request = get_request();
    ask_hello(f->client);
    ask_and_check(fcgi_client_do, f->client, &request, FCGI_OK, "body",
                  __FILE__, __LINE__);
    assert_false(ask_hello(f->client).reused);
}

/* It answers whatever it is asked as if that were the second request. */
static void
an_application_that_answers_another_request_does_not_hang(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST,
        FAKE_STRANGER(WIRE_STDOUT, "A: 1\r\n\r\nbody"),
        FAKE_STRANGER(WIRE_END, "\0\0\0\0\0\0\0"), THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(state, FAKE_STEPS(script), &request, FCGI_ERR_BAD_ID, "");
}

/* What nobody asked for lies on the idle connection, and begins with what
 * looks like an answer. */
static void unread_bytes_do_not_answer_the_next_request(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT,
        FAKE_SERVE_TIMES(1),
        FAKE_ANSWER("Status: 200\r\n\r\nthe wrong one"),
        FAKE_REACH,
        FAKE_SERVE,
        THEN_SERVES};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_run(state, families[i], script, NULL);
        ask_hello(f->client);
        fake_await(f->app, FAKE_REACHED, 1);
        ask_hello(f->client);
        ask_hello(f->client);
    }
}

/* ---- requests that were given up --------------------------------------- */

/* The late answer of one that timed out comes when the next is under way. */
static void a_timed_out_requests_late_answer_reaches_no_other(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_PAUSE,
        FAKE_ANSWER("Status: 200\r\n\r\ntoo late"), THEN_SERVES};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    f->request.timeouts.first_byte_ms = 40;
    ask_expecting(f->client, &f->request, FCGI_ERR_FIRST_BYTE_TIMEOUT);
    assert_int_equal(stats_of(f->client).open, 0);
    fake_go(f->app);
    struct fcgi_outcome outcome = ask_hello(f->client);
    assert_false(outcome.reused);
}

/* ---- signals ----------------------------------------------------------- */

/* SIGPIPE is at its default in all tests, so that one ends the program. */
static void a_closed_connection_raises_no_sigpipe(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ(1000),
                                              FAKE_CLOSE};
    struct sigaction action;
    assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_DFL);
    for (size_t i = 0; i < 2; i++) {
        struct pattern_upload upload = {.len = UINT64_C(1) << 40};
        struct fixture *f = fixture_run(state, families[i], script, NULL);
        struct fcgi_request request = post_request(pattern_source(&upload));
        int rc = fcgi_client_do(f->client, &request, &f->response);
        assert_true(rc == FCGI_ERR_RESET || rc == FCGI_ERR_CLOSED);
        assert_int_equal(stats_of(f->client).open, 0);
    }
}

static void the_handlers_of_the_process_are_left_alone(void **state)
{
    struct sigaction before[32];
    for (int i = 1; i < 32; i++) {
        assert_int_equal(sigaction(i, NULL, &before[i]), 0);
    }
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    ask_hello(f->client);
    for (int i = 1; i < 32; i++) {
        struct sigaction now;
        assert_int_equal(sigaction(i, NULL, &now), 0);
        assert_true(now.sa_handler == before[i].sa_handler);
    }
}

/* ---- other peers ------------------------------------------------------- */

static void a_peer_that_speaks_http_is_told_apart(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST,
        FAKE_SEND("HTTP/1.1 400 Bad Request\r\n\r\n"), FAKE_CLOSE, THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(state, FAKE_STEPS(script), &request, FCGI_ERR_NOT_FASTCGI,
                   NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(an_early_answer_survives_the_failed_upload),
        fixture_test(an_early_end_stops_the_upload_and_drops_the_socket),
        fixture_test(an_end_before_any_byte_is_no_success),
        fixture_test(an_end_between_records_is_no_success),
        fixture_test(an_end_amid_a_record_does_not_hang),
        fixture_test(an_end_amid_a_header_does_not_hang),
        fixture_test(a_whole_answer_survives_a_reset),
        fixture_test(empty_stderr_does_not_hang),
        fixture_test(large_stderr_is_cut_and_hides_no_answer),
        fixture_test(stderr_never_spills_into_the_body),
        fixture_test(a_second_end_drops_the_connection),
        fixture_test(bytes_behind_the_end_drop_the_connection),
        fixture_test(a_late_second_end_ends_no_other_request),
        fixture_test(an_end_is_not_over_before_its_padding),
        fixture_test(an_end_whose_padding_never_comes_drops_the_connection),
        fixture_test(a_reset_behind_an_end_without_its_padding_is_no_error),
        fixture_test(a_record_of_another_request_is_not_part_of_the_answer),
        fixture_test(a_late_end_of_an_earlier_request_ends_nothing),
        fixture_test(an_application_that_answers_another_request_does_not_hang),
        fixture_test(unread_bytes_do_not_answer_the_next_request),
        fixture_test(a_timed_out_requests_late_answer_reaches_no_other),
        fixture_test(a_closed_connection_raises_no_sigpipe),
        fixture_test(the_handlers_of_the_process_are_left_alone),
        fixture_test(a_peer_that_speaks_http_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
