/*
 * The limits of fcgi-gateway are what they say, to the byte where they are
 * bytes: the greatest head, the framing of chunks, the connections of all its
 * workers. And what it does for applications that cannot stand an abort, and
 * behind a proxy that is trusted.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "front.h"
#include "site.h"
#include "web.h"

#define HOST "Host: test\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST "\r\n"
#define POST "POST / HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n"

#define HEAD_MAX ((size_t)64 * 1024)

/*
 * Heads.
 */

static void assert_head(void **state, const char *lines, size_t len,
                        const char *body, int status)
{
    struct fake *app = fake_serve(FAKE_UNIX);
    struct front *front = site_gateway(state, fake_address(app), NULL);
    struct web *web = web_open(front_address(front));
    struct web_answer answer;
    char *head = web_head(lines, len);
    (void)web_send(web, head);
    (void)web_send(web, body);
    web_read(web, &answer);
    assert_int_equal(answer.status, status);
    if (status == 200) {
        assert_string_equal(answer.body, "hello");
    }
    free(head);
    web_answer_free(&answer);
    web_close(web);
    assert_true(front_stop(front));
    fake_stop(app);
}

static void the_greatest_head_may_have_a_chunked_body(void **state)
{
    assert_head(state, CHUNKED, HEAD_MAX, "5\r\nhello\r\n0\r\n\r\n", 200);
    assert_head(state, CHUNKED, HEAD_MAX - 1, "5\r\nhello\r\n0\r\n\r\n", 200);
}

static void the_greatest_head_may_have_a_body_of_known_length(void **state)
{
    static const char lines[] = POST "Content-Length: 5\r\n";
    assert_head(state, lines, HEAD_MAX, "hello", 200);
    assert_head(state, lines, HEAD_MAX - 1, "hello", 200);
}

static void the_greatest_head_may_have_no_body(void **state)
{
    assert_head(state, "GET / HTTP/1.1\r\n" HOST, HEAD_MAX, "", 200);
}

static void a_head_of_a_byte_more_is_refused(void **state)
{
    assert_head(state, CHUNKED, HEAD_MAX + 1, "5\r\nhello\r\n0\r\n\r\n", 431);
    assert_head(state, "GET / HTTP/1.1\r\n" HOST, HEAD_MAX + 1, "", 431);
}

/*
 * Chunks: what frames them may take 16 KiB, and 8 bytes for each of the body.
 */

/* So many chunks of one byte, each begun by that line. */
static void assert_chunks(void **state, const char *line, size_t count,
                          int status)
{
    struct fake *app = fake_serve(FAKE_UNIX);
    struct front *front = site_gateway(state, fake_address(app), NULL);
    struct web *web = web_open(front_address(front));
    struct web_answer answer;
    struct wire body = {0};
    for (size_t i = 0; i < count; i++) {
        wire_text(&body, line);
        wire_text(&body, "\r\nx\r\n");
    }
    wire_text(&body, "0\r\n\r\n");
    (void)web_send(web, CHUNKED "\r\n");
    (void)web_send_bytes(web, body.data, body.len);
    web_read(web, &answer);
    assert_int_equal(answer.status, status);
    assert_int_equal(fake_count(app, FAKE_BEGUN), status == 200);
    if (status == 200) {
        assert_int_equal(answer.len, count);
    }
    wire_free(&body);
    web_answer_free(&answer);
    web_close(web);
    assert_true(front_stop(front));
    fake_stop(app);
}

/* Some 7 bytes for one: that may go on. */
static void chunks_of_one_byte_are_taken(void **state)
{
    assert_chunks(state, "1;x", 50000, 200);
}

/* 16 for one: what they take beside 8 comes to more than 16 KiB. */
static void extensions_of_small_chunks_are_bounded(void **state)
{
    assert_chunks(state, "1;x=1234567890", 1500, 200);
    assert_chunks(state, "1;x=1234567890", 3000, 400);
}

static void long_extensions_are_bounded_in_sum(void **state)
{
    static char line[15100];
    (void)snprintf(line, sizeof(line), "1;%0*d", 15000, 0);
    assert_chunks(state, line, 1, 200);
    assert_chunks(state, line, 2, 400);
}

/*
 * Connections.
 */

#define ASKERS 100

/* Four workers share five connections: so many at a time, and no more. The
 * first request of each connection waits until all have been sent. One that
 * waits so long has an idle connection closed, and another may take its place:
 * what counts is how many there are at once. */
static void workers_share_the_connections(void **state)
{
    static const char *const options[] = {"--workers", "4", "--connections",
                                          "5", NULL};
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_PAUSE,
        FAKE_ANSWER("X: y\r\n\r\nhello"), FAKE_SERVE};
    struct fake *app = FAKE_RUN(FAKE_UNIX, steps);
    struct front *front = site_gateway(state, fake_address(app), options);
    struct web *webs[ASKERS];
    for (int i = 0; i < ASKERS; i++) {
        webs[i] = web_open(front_address(front));
        (void)web_send(webs[i], GET);
    }
    fake_await(app, FAKE_PAUSED, 5);
    assert_int_equal(fake_count(app, FAKE_ACCEPTED), 5);
    for (int i = 0; i < ASKERS; i++) {
        fake_go(app);
    }
    for (int i = 0; i < ASKERS; i++) {
        struct web_answer answer;
        web_read(webs[i], &answer);
        assert_string_equal(answer.body, "hello");
        web_answer_free(&answer);
        web_close(webs[i]);
    }
    assert_true(fake_count(app, FAKE_ACCEPTED) - fake_count(app, FAKE_LEFT) <=
                5);
    assert_true(front_stop(front));
    fake_stop(app);
}

/*
 * Aborts.
 */

/* A client leaves amid its upload, another while it waits. */
static void leave_twice(const struct front *front, struct fake *app)
{
    struct web *web = web_open(front_address(front));
    (void)web_send(web, POST "Content-Length: 10\r\n\r\nhalf");
    fake_await(app, FAKE_REACHED, 1);
    web_close(web);
    fake_await(app, FAKE_LEFT, 1);
    web = web_open(front_address(front));
    (void)web_send(web, GET);
    fake_await(app, FAKE_REACHED, 2);
    web_close(web);
    fake_await(app, FAKE_LEFT, 2);
}

/* 0: bodies are handed on as they come. */
#define STREAMING "--gather", "0"

static void assert_aborts(void **state, const char *const *options,
                          size_t count)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_READ_PARAMS,
                                             FAKE_REACH};
    struct fake *app = FAKE_RUN(FAKE_UNIX, steps);
    struct front *front = site_gateway(state, fake_address(app), options);
    leave_twice(front, app);
    assert_int_equal(fake_count(app, FAKE_ABORTED), count);
    assert_true(front_stop(front));
    fake_stop(app);
}

static void an_application_is_told_that_the_client_has_left(void **state)
{
    static const char *const options[] = {STREAMING, NULL};
    assert_aborts(state, options, 2);
}

static void an_application_that_ends_at_an_abort_is_sent_none(void **state)
{
    static const char *const options[] = {STREAMING, "--no-abort", NULL};
    assert_aborts(state, options, 0);
}

/*
 * Fields of the connection.
 */

#define NAMED                                                                  \
    "GET / HTTP/1.1\r\n" HOST "Connection: X-Real-IP, close\r\n"               \
    "X-Real-IP: 1.2.3.4\r\nKeep-Alive: max=1\r\nTE: trailers\r\n\r\n"

static void assert_param(struct fake *app, const char *name, const char *value)
{
    char *found = wire_request_param(fake_request(app, 0), name);
    if (value == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, value);
    }
    free(found);
}

/* What becomes of a field that Connection names; the fixed list is dropped in
 * any case. */
static void assert_named_field(void **state, const char *const *options,
                               const char *value)
{
    struct fake *app = fake_serve(FAKE_UNIX);
    struct front *front = site_gateway(state, fake_address(app), options);
    struct web_answer answer;
    web_ask(front_address(front), NAMED, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(web_has_line(&answer, "Connection: close"));
    web_answer_free(&answer);
    assert_param(app, "HTTP_X_REAL_IP", value);
    assert_param(app, "HTTP_HOST", "test");
    assert_param(app, "HTTP_CONNECTION", NULL);
    assert_param(app, "HTTP_KEEP_ALIVE", NULL);
    assert_param(app, "HTTP_TE", NULL);
    assert_true(front_stop(front));
    fake_stop(app);
}

static void a_client_cannot_strip_what_a_proxy_added(void **state)
{
    assert_named_field(state, NULL, "1.2.3.4");
}

static void fields_that_connection_names_are_dropped_by_option(void **state)
{
    static const char *const options[] = {"--drop-connection-named", NULL};
    assert_named_field(state, options, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_greatest_head_may_have_a_chunked_body),
        cmocka_unit_test(the_greatest_head_may_have_a_body_of_known_length),
        cmocka_unit_test(the_greatest_head_may_have_no_body),
        cmocka_unit_test(a_head_of_a_byte_more_is_refused),
        cmocka_unit_test(chunks_of_one_byte_are_taken),
        cmocka_unit_test(extensions_of_small_chunks_are_bounded),
        cmocka_unit_test(long_extensions_are_bounded_in_sum),
        cmocka_unit_test(workers_share_the_connections),
        cmocka_unit_test(an_application_is_told_that_the_client_has_left),
        cmocka_unit_test(an_application_that_ends_at_an_abort_is_sent_none),
        cmocka_unit_test(a_client_cannot_strip_what_a_proxy_added),
        cmocka_unit_test(fields_that_connection_names_are_dropped_by_option),
    };
    return cmocka_run_group_tests(tests, site_finds_gateway, NULL);
}
