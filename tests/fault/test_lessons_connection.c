/*
 * What went wrong for others on a connection: one request that blocked itself,
 * lost its answer or took another's. Each is shown to be impossible here. What
 * went wrong in pools and retries is in test_pool.c and its neighbours.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <fcgi_client.h>

#include "ask.h"
#include "fake.h"
#include "pattern.h"
#include "process.h"

static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};

/* How the next request behaves after one that left something behind. */
#define THEN_SERVES FAKE_ACCEPT, FAKE_SERVE

/* Ask an application that runs this script, and expect this; its connection is
 * not used again. */
static void assert_dropped(const struct fake_step *script, size_t count,
                           const struct fcgi_request *request, int want,
                           const char *body)
{
    struct fake *app = fake_start(FAKE_UNIX, script, count);
    struct fcgi_client *client = client_for(app, NULL);
    ask_and_check(client, request, want, body, __FILE__, __LINE__);
    assert_int_equal(stats_of(client).open, 0);
    struct fcgi_outcome outcome = ask_hello(client);
    assert_false(outcome.reused);
    assert_false(outcome.retried);
    fcgi_client_free(client);
    fake_stop(app);
}

/* ---- early answers ----------------------------------------------------- */

/* The application answers without reading the body, and closes: the upload
 * fails with EPIPE or ECONNRESET, and the answer must not be lost to that. */
static void an_early_answer_survives_the_failed_upload(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_PARAMS,
        FAKE_ANSWER("Status: 413 Too Large\r\n\r\nno"), FAKE_CLOSE};
    for (size_t i = 0; i < 20; i++) {
        struct pattern_upload upload = {.len = 20000000};
        struct fake *app = FAKE_RUN(FAKE_UNIX, script);
        struct fcgi_client *client = client_for(app, NULL);
        struct fcgi_request request = post_request(pattern_source(&upload));
        struct fcgi_response response = {0};
        assert_code(fcgi_client_do(client, &request, &response), FCGI_OK);
        assert_int_equal(response.status, 413);
        assert_string_equal(response.body.data, "no");
        assert_int_equal(stats_of(client).open, 0);
        fcgi_response_free(&response);
        fcgi_client_free(client);
        fake_stop(app);
    }
}

/* The socket still takes bytes, but they are no use any more. */
static void an_early_end_stops_the_upload_and_drops_the_socket(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_PARAMS, FAKE_ANSWER("Status: 401\r\n\r\nwho?"),
        THEN_SERVES};
    for (size_t i = 0; i < 2; i++) {
        struct pattern_upload upload = {.len = UINT64_C(1) << 50};
        struct fake *app = FAKE_RUN(families[i], script);
        struct fcgi_client *client = client_for(app, NULL);
        struct fcgi_request request = post_request(pattern_source(&upload));
        ask_expecting_body(client, &request, "who?");
        assert_true(upload.at < upload.len);
        fake_await(app, FAKE_LEFT, 1);
        assert_false(ask_hello(client).reused);
        fcgi_client_free(client);
        fake_stop(app);
    }
}

/* ---- answers that end badly -------------------------------------------- */

static void an_end_before_any_byte_is_no_success(void **state)
{
    (void)state;
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              FAKE_CLOSE, THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(FAKE_STEPS(script), &request, FCGI_ERR_CLOSED, "");
}

static void an_end_between_records_is_no_success(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT,     FAKE_READ_REQUEST, FAKE_STDOUT("A: 1\r\n\r\nwhole?"),
        FAKE_STDOUT(""), FAKE_CLOSE,        THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(FAKE_STEPS(script), &request, FCGI_ERR_TRUNCATED, "whole?");
}

static void an_end_amid_a_record_does_not_hang(void **state)
{
    (void)state;
    static const struct fake_step script[] = {FAKE_ACCEPT,
                                              FAKE_READ_REQUEST,
                                              FAKE_PROMISE(WIRE_STDOUT, 100),
                                              FAKE_SEND("A: 1\r\n\r\nha"),
                                              FAKE_CLOSE,
                                              THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(FAKE_STEPS(script), &request, FCGI_ERR_TRUNCATED, "ha");
}

static void an_end_amid_a_header_does_not_hang(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT,           FAKE_READ_REQUEST, FAKE_STDOUT("A: 1\r\n\r\nha"),
        FAKE_SEND("\x01\x06"), FAKE_CLOSE,        THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(FAKE_STEPS(script), &request, FCGI_ERR_TRUNCATED, "ha");
}

/* The answer is there, and its end; then a reset instead of a close. */
static void a_whole_answer_survives_a_reset(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_ANSWER("A: 1\r\n\r\nwhole"),
        FAKE_PAUSE,  FAKE_RESET,        THEN_SERVES};
    struct fake *app = FAKE_RUN(FAKE_TCP, script);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = get_request();
    ask_expecting_body(client, &request, "whole");
    fake_go(app);
    fake_await(app, FAKE_CLOSED, 1);
    assert_true(ask_hello(client).retried);
    fcgi_client_free(client);
    fake_stop(app);
}

/* ---- stderr ------------------------------------------------------------ */

static void empty_stderr_does_not_hang(void **state)
{
    (void)state;
    static const struct fake_step script[] = {FAKE_ACCEPT,
                                              FAKE_READ_REQUEST,
                                              FAKE_STDERR(""),
                                              FAKE_ANSWER("A: 1\r\n\r\nbody"),
                                              FAKE_READ_REQUEST,
                                              FAKE_STDOUT("A: 1\r\n\r\nbody"),
                                              FAKE_STDERR(""),
                                              FAKE_STDERR(""),
                                              FAKE_END(WIRE_COMPLETE)};
    struct fake *app = FAKE_RUN(FAKE_UNIX, script);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = get_request();
    ask_expecting_body(client, &request, "body");
    assert_true(ask_expecting_body(client, &request, "body").reused);
    fcgi_client_free(client);
    fake_stop(app);
}

static void large_stderr_is_cut_and_hides_no_answer(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_BULK(WIRE_STDERR, 3000000),
        FAKE_ANSWER("A: 1\r\n\r\nbody"), FAKE_SERVE};
    struct fake *app = FAKE_RUN(FAKE_UNIX, script);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    assert_code(fcgi_client_do(client, &request, &response), FCGI_OK);
    assert_true(response.stderr_cut);
    assert_int_equal(response.stderr_data.len, 65536);
    assert_true(pattern_matches(response.stderr_data.data, 0, 65536));
    assert_string_equal(response.body.data, "body");
    assert_true(ask_hello(client).reused);
    fcgi_response_free(&response);
    fcgi_client_free(client);
    fake_stop(app);
}

static void stderr_never_spills_into_the_body(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT,        FAKE_READ_REQUEST,   FAKE_STDERR("1"),
        FAKE_STDOUT("A: "), FAKE_STDERR("2"),    FAKE_STDOUT("1\r\n\r"),
        FAKE_STDERR("3"),   FAKE_STDOUT("\nbo"), FAKE_STDERR("4"),
        FAKE_STDOUT("dy"),  FAKE_STDERR("5"),    FAKE_END(WIRE_COMPLETE)};
    struct fake *app = FAKE_RUN(FAKE_UNIX, script);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    assert_code(fcgi_client_do(client, &request, &response), FCGI_OK);
    assert_string_equal(response.body.data, "body");
    assert_string_equal(response.stderr_data.data, "12345");
    fcgi_response_free(&response);
    fcgi_client_free(client);
    fake_stop(app);
}

/* ---- what is left on a connection -------------------------------------- */

static void a_second_end_drops_the_connection(void **state)
{
    (void)state;
    static const struct fake_step script[] = {FAKE_ACCEPT,
                                              FAKE_READ_REQUEST,
                                              FAKE_CORK,
                                              FAKE_STDOUT("A: 1\r\n\r\nbody"),
                                              FAKE_END(WIRE_COMPLETE),
                                              FAKE_END(WIRE_COMPLETE),
                                              FAKE_UNCORK,
                                              THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(FAKE_STEPS(script), &request, FCGI_OK, "body");
}

static void bytes_behind_the_end_drop_the_connection(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT,       FAKE_READ_REQUEST,
        FAKE_CORK,         FAKE_ANSWER("A: 1\r\n\r\nbody"),
        FAKE_SEND("\x01"), FAKE_UNCORK,
        THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(FAKE_STEPS(script), &request, FCGI_OK, "body");
}

/* It comes when the first request is done with the connection already, and
 * belongs to no other. */
static void a_late_second_end_ends_no_other_request(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_SERVE_TIMES(1), FAKE_PAUSE, FAKE_END(WIRE_COMPLETE),
        FAKE_REACH,  FAKE_SERVE};
    struct fake *app = FAKE_RUN(FAKE_UNIX, script);
    struct fcgi_client *client = client_for(app, NULL);
    ask_hello(client);
    fake_go(app);
    fake_await(app, FAKE_REACHED, 1);
    ask_hello(client);
    assert_int_equal(stats_of(client).open, 0);
    fcgi_client_free(client);
    fake_stop(app);
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
    (void)state;
    static const struct fake_step script[] = {FAKE_ACCEPT,
                                              FAKE_READ_REQUEST,
                                              FAKE_STDOUT("A: 1\r\n\r\nbody"),
                                              FAKE_PADDED_END(5),
                                              FAKE_SEND("\x01\x06"),
                                              FAKE_PAUSE,
                                              FAKE_SEND("\x01\x03\x01"),
                                              FAKE_SERVE};
    pthread_t thread;
    struct fake *app = FAKE_RUN(FAKE_UNIX, script);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = get_request();
    assert_int_equal(pthread_create(&thread, NULL, go_when_awaited, app), 0);
    ask_expecting_body(client, &request, "body");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(ask_hello(client).reused);
    fcgi_client_free(client);
    fake_stop(app);
}

static void an_end_whose_padding_never_comes_drops_the_connection(void **state)
{
    (void)state;
    static const struct fake_step script[] = {FAKE_ACCEPT,
                                              FAKE_READ_REQUEST,
                                              FAKE_STDOUT("A: 1\r\n\r\nbody"),
                                              FAKE_PADDED_END(5),
                                              FAKE_SEND("\x01\x06"),
                                              FAKE_CLOSE,
                                              THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(FAKE_STEPS(script), &request, FCGI_OK, "body");
}

/* It has closed with what it did not read: over a Unix socket that is a reset
 * too, behind all that it has sent. */
static void a_reset_behind_an_end_without_its_padding_is_no_error(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT,        FAKE_READ_PARAMS, FAKE_STDOUT("A: 1\r\n\r\nbody"),
        FAKE_PADDED_END(5), FAKE_RESET,       THEN_SERVES};
    struct fcgi_request request = post_text("not read");
    assert_dropped(FAKE_STEPS(script), &request, FCGI_OK, "body");
}

static void a_record_of_another_request_is_not_part_of_the_answer(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT,
        FAKE_READ_REQUEST,
        FAKE_STDOUT("A: 1\r\n\r\nbo"),
        FAKE_STRANGER(WIRE_STDOUT, "intruder"),
        FAKE_STRANGER(WIRE_STDERR, "intruder"),
        FAKE_STRANGER(WIRE_END, "\0\0\0\0\0\0\0"),
        FAKE_STDOUT("dy"),
        FAKE_END(WIRE_COMPLETE),
        THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(FAKE_STEPS(script), &request, FCGI_OK, "body");
}

/* What nobody asked for lies on the idle connection, and begins with what
 * looks like an answer. */
static void unread_bytes_do_not_answer_the_next_request(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT,
        FAKE_SERVE_TIMES(1),
        FAKE_ANSWER("Status: 200\r\n\r\nthe wrong one"),
        FAKE_REACH,
        FAKE_SERVE,
        THEN_SERVES};
    for (size_t i = 0; i < 2; i++) {
        struct fake *app = FAKE_RUN(families[i], script);
        struct fcgi_client *client = client_for(app, NULL);
        ask_hello(client);
        fake_await(app, FAKE_REACHED, 1);
        ask_hello(client);
        ask_hello(client);
        fcgi_client_free(client);
        fake_stop(app);
    }
}

/* ---- requests that were given up --------------------------------------- */

/* The late answer of one that timed out comes when the next is under way. */
static void a_timed_out_requests_late_answer_reaches_no_other(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_PAUSE,
        FAKE_ANSWER("Status: 200\r\n\r\ntoo late"), THEN_SERVES};
    struct fake *app = FAKE_RUN(FAKE_UNIX, script);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = get_request();
    request.timeouts.first_byte_ms = 40;
    ask_expecting(client, &request, FCGI_ERR_FIRST_BYTE_TIMEOUT);
    assert_int_equal(stats_of(client).open, 0);
    fake_go(app);
    struct fcgi_outcome outcome = ask_hello(client);
    assert_false(outcome.reused);
    fcgi_client_free(client);
    fake_stop(app);
}

/* ---- signals ----------------------------------------------------------- */

/* SIGPIPE is at its default in all tests, so that one ends the program. */
static void a_closed_connection_raises_no_sigpipe(void **state)
{
    (void)state;
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ(1000),
                                              FAKE_CLOSE};
    struct sigaction action;
    assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_DFL);
    for (size_t i = 0; i < 2; i++) {
        struct pattern_upload upload = {.len = UINT64_C(1) << 40};
        struct fcgi_response response = {0};
        struct fake *app = FAKE_RUN(families[i], script);
        struct fcgi_client *client = client_for(app, NULL);
        struct fcgi_request request = post_request(pattern_source(&upload));
        int rc = fcgi_client_do(client, &request, &response);
        assert_true(rc == FCGI_ERR_RESET || rc == FCGI_ERR_CLOSED);
        assert_int_equal(stats_of(client).open, 0);
        fcgi_response_free(&response);
        fcgi_client_free(client);
        fake_stop(app);
    }
}

static void the_handlers_of_the_process_are_left_alone(void **state)
{
    (void)state;
    struct sigaction before[32];
    struct fake *app = fake_serve(FAKE_UNIX);
    for (int i = 1; i < 32; i++) {
        assert_int_equal(sigaction(i, NULL, &before[i]), 0);
    }
    struct fcgi_client *client = client_for(app, NULL);
    ask_hello(client);
    for (int i = 1; i < 32; i++) {
        struct sigaction now;
        assert_int_equal(sigaction(i, NULL, &now), 0);
        assert_true(now.sa_handler == before[i].sa_handler);
    }
    fcgi_client_free(client);
    fake_stop(app);
}

/* ---- other peers ------------------------------------------------------- */

static void a_peer_that_speaks_http_is_told_apart(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST,
        FAKE_SEND("HTTP/1.1 400 Bad Request\r\n\r\n"), FAKE_CLOSE, THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_dropped(FAKE_STEPS(script), &request, FCGI_ERR_NOT_FASTCGI, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_early_answer_survives_the_failed_upload),
        cmocka_unit_test(an_early_end_stops_the_upload_and_drops_the_socket),
        cmocka_unit_test(an_end_before_any_byte_is_no_success),
        cmocka_unit_test(an_end_between_records_is_no_success),
        cmocka_unit_test(an_end_amid_a_record_does_not_hang),
        cmocka_unit_test(an_end_amid_a_header_does_not_hang),
        cmocka_unit_test(a_whole_answer_survives_a_reset),
        cmocka_unit_test(empty_stderr_does_not_hang),
        cmocka_unit_test(large_stderr_is_cut_and_hides_no_answer),
        cmocka_unit_test(stderr_never_spills_into_the_body),
        cmocka_unit_test(a_second_end_drops_the_connection),
        cmocka_unit_test(bytes_behind_the_end_drop_the_connection),
        cmocka_unit_test(a_late_second_end_ends_no_other_request),
        cmocka_unit_test(an_end_is_not_over_before_its_padding),
        cmocka_unit_test(an_end_whose_padding_never_comes_drops_the_connection),
        cmocka_unit_test(a_reset_behind_an_end_without_its_padding_is_no_error),
        cmocka_unit_test(a_record_of_another_request_is_not_part_of_the_answer),
        cmocka_unit_test(unread_bytes_do_not_answer_the_next_request),
        cmocka_unit_test(a_timed_out_requests_late_answer_reaches_no_other),
        cmocka_unit_test(a_closed_connection_raises_no_sigpipe),
        cmocka_unit_test(the_handlers_of_the_process_are_left_alone),
        cmocka_unit_test(a_peer_that_speaks_http_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
