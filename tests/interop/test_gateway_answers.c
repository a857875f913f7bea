/*
 * What an application that misbehaves does to the clients of a gateway: they
 * get a 502, a 503 or a 504, or an answer that can be seen to be cut off, and
 * never half of one that passes for whole.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "fake.h"
#include "front.h"
#include "program.h"
#include "web.h"

#define GET "GET /some HTTP/1.1\r\nHost: test\r\n\r\n"
#define HEAD "Content-Type: text/plain\r\n"

/* More than a client takes that does not read, or the gateway of what comes
 * behind a request; less than the system keeps on the way. */
#define LONG ((size_t)150 * 1024)

/* An application, and a gateway in front of it that waits for a second. */
struct pair {
    struct fake *app;
    struct front *front;
};

/* Which of the gateways; NULL: it is not there. */
static const char *program_of(void **state)
{
    if (*state == NULL) {
        skip();
    }
    return *state;
}

static struct pair start_pair(void **state, const struct fake_step *steps,
                              size_t count)
{
    static const char *const options[] = {"--timeout", "1", NULL};
    struct pair pair = {.app = fake_start(FAKE_UNIX, steps, count)};
    const char *program = program_of(state);
    bool is_named = strcmp(program, "fcgi-gateway") == 0;
    pair.front = front_start(program, fake_address(pair.app), "/srv",
                             is_named ? options : options + 1);
    return pair;
}

static void end_pair(struct pair *pair)
{
    assert_true(front_stop(pair->front));
    fake_stop(pair->app);
}

/* What a GET is answered when the application does these steps. */
static void assert_answered(void **state, const struct fake_step *steps,
                            size_t count, int status, const char *reason)
{
    struct pair pair = start_pair(state, steps, count);
    struct web_answer answer;
    web_ask(front_address(pair.front), GET, &answer);
    if (answer.status != status || answer.cut) {
        fail_msg("%d instead of %d: %s", answer.status, status, reason);
    }
    /* One line that says which request, and why. */
    if (reason != NULL && !front_await(pair.front, reason)) {
        fail_msg("it did not say: %s", reason);
    }
    assert_int_equal(front_has_said(pair.front, "GET /some: "), reason != NULL);
    web_answer_free(&answer);
    end_pair(&pair);
}

#define ASSERT_ANSWERED(state, status, reason, ...)                            \
    do {                                                                       \
        static const struct fake_step steps[] = {                              \
            FAKE_ACCEPT, FAKE_READ_REQUEST, __VA_ARGS__};                      \
        assert_answered(state, FAKE_STEPS(steps), status, reason);             \
    } while (0)

static void a_connection_that_ends_early_is_a_502(void **state)
{
    ASSERT_ANSWERED(state, 502, "closed before the response", FAKE_CLOSE);
    ASSERT_ANSWERED(state, 502, "closed amid the response",
                    FAKE_SEND("\1\6\0\1\0"), FAKE_CLOSE);
    ASSERT_ANSWERED(state, 502, "closed amid the response",
                    FAKE_STDOUT("Content-Ty"), FAKE_CLOSE);
}

/* Whether the head has been handed on by then is for the scheduler to say. */
static void a_connection_that_ends_behind_the_head_is_a_502_or_cut(void **state)
{
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST,
        FAKE_STDOUT(HEAD "Content-Length: 4\r\n\r\n"), FAKE_CLOSE};
    struct pair pair = start_pair(state, FAKE_STEPS(steps));
    struct web_answer answer;
    web_ask(front_address(pair.front), GET, &answer);
    assert_true(answer.status == 502 || (answer.status == 200 && answer.cut));
    assert_true(front_await(pair.front, "closed amid the response"));
    web_answer_free(&answer);
    end_pair(&pair);
}

static void what_is_not_fastcgi_is_a_502(void **state)
{
    ASSERT_ANSWERED(state, 502, "HTTP or TLS",
                    FAKE_SEND("HTTP/1.1 400 Bad Request\r\n\r\n"), FAKE_CLOSE);
    ASSERT_ANSWERED(state, 502, "invalid record header",
                    FAKE_SEND("\2\6\0\1\0\0\0\0"));
    ASSERT_ANSWERED(state, 502, "record not allowed",
                    FAKE_RECORD(WIRE_PARAMS, "x"));
}

static void a_malformed_head_is_a_502(void **state)
{
    ASSERT_ANSWERED(state, 502, "malformed head",
                    FAKE_ANSWER("this is no head\r\n\r\n"));
    ASSERT_ANSWERED(state, 502, "malformed head",
                    FAKE_ANSWER("X : a\r\n\r\nbody"));
    ASSERT_ANSWERED(state, 502, "malformed head",
                    FAKE_ANSWER("X: a\rSet-Cookie: b\r\n\r\nbody"));
    ASSERT_ANSWERED(state, 502, "malformed head",
                    FAKE_ANSWER("Status: none\r\n\r\nbody"));
    ASSERT_ANSWERED(state, 502, "malformed head",
                    FAKE_ANSWER("Status: 42\r\n\r\nbody"));
    ASSERT_ANSWERED(state, 502, "malformed head",
                    FAKE_ANSWER("Content-Length: x\r\n\r\nbody"));
    ASSERT_ANSWERED(state, 502, "malformed head",
                    FAKE_ANSWER("Content-Length: 4\r\n"
                                "Content-Length: 5\r\n\r\nbody!"));
    ASSERT_ANSWERED(state, 502, "before its head was complete",
                    FAKE_ANSWER(HEAD));
    ASSERT_ANSWERED(state, 502, "before its head was complete",
                    FAKE_END(WIRE_COMPLETE));
}

/* It would be followed by another, as clients see it. */
static void a_head_that_is_none_of_an_answer_is_a_502(void **state)
{
    ASSERT_ANSWERED(state, 502, "malformed head",
                    FAKE_ANSWER("Status: 100 Continue\r\n\r\n"));
    ASSERT_ANSWERED(state, 502, "malformed head",
                    FAKE_ANSWER("Status: 101 Switching Protocols\r\n\r\n"));
}

static void a_head_that_is_too_large_is_a_502(void **state)
{
    static const struct fake_step line = FAKE_STDOUT(
        "X-Long: 0123456789012345678901234567890123456789012345678901234\r\n");
    struct fake_step steps[1200] = {FAKE_ACCEPT, FAKE_READ_REQUEST};
    for (size_t i = 2; i < 1200; i++) {
        steps[i] = line;
    }
    assert_answered(state, FAKE_STEPS(steps), 502, "head of the response is");
}

static void a_body_shorter_than_its_length_is_a_502_or_cut(void **state)
{
    ASSERT_ANSWERED(state, 502, "shorter than its Content-Length",
                    FAKE_ANSWER("Content-Length: 10\r\n\r\nshort"));
}

static void refusals_of_the_application_are_told_apart(void **state)
{
    ASSERT_ANSWERED(state, 503, "overloaded", FAKE_END(WIRE_OVERLOADED));
    ASSERT_ANSWERED(state, 502, "multiplex", FAKE_END(WIRE_CANT_MPX_CONN));
    ASSERT_ANSWERED(state, 502, "role", FAKE_END(WIRE_UNKNOWN_ROLE));
    ASSERT_ANSWERED(state, 502, "unknown status", FAKE_END(77));
}

static void silence_is_a_504(void **state)
{
    ASSERT_ANSWERED(state, 504, "waiting for a response", FAKE_PAUSE);
    ASSERT_ANSWERED(state, 504, "time limit exceeded amid the response",
                    FAKE_STDOUT("Content-Ty"), FAKE_PAUSE);
}

static void nobody_there_is_a_502(void **state)
{
    struct front *front =
        front_start(program_of(state), "127.0.0.1:1", "/srv", NULL);
    struct web_answer answer;
    web_ask(front_address(front), GET, &answer);
    assert_int_equal(answer.status, 502);
    assert_true(front_await(front, "could not connect"));
    web_answer_free(&answer);
    assert_true(front_stop(front));
}

static void a_body_is_cut_at_its_length(void **state)
{
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST,
        FAKE_ANSWER("Content-Length: 4\r\n\r\nbodyHTTP/1.1 200 OK\r\n\r\n"),
        FAKE_ACCEPT, FAKE_SERVE};
    struct pair pair = start_pair(state, FAKE_STEPS(steps));
    struct web *web = web_open(front_address(pair.front));
    struct web_answer answer;
    (void)web_send(web, GET);
    web_read(web, &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "body");
    web_answer_free(&answer);
    (void)web_send(web, GET);
    web_read(web, &answer);
    assert_string_equal(answer.body, "hello");
    web_answer_free(&answer);
    web_close(web);
    end_pair(&pair);
}

static void records_of_another_request_are_no_part_of_it(void **state)
{
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST,
        FAKE_STRANGER(WIRE_STDOUT, "Status: 200\r\n\r\nstranger"),
        FAKE_ANSWER(HEAD "\r\nown")};
    struct pair pair = start_pair(state, FAKE_STEPS(steps));
    struct web_answer answer;
    web_ask(front_address(pair.front), GET, &answer);
    assert_string_equal(answer.body, "own");
    web_answer_free(&answer);
    end_pair(&pair);
}

static void what_the_application_complains_of_is_logged(void **state)
{
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST,
        FAKE_STDERR("first complaint\nsecond\33[2J\n"),
        FAKE_ANSWER(HEAD "\r\nanswer")};
    struct pair pair = start_pair(state, FAKE_STEPS(steps));
    struct web_answer answer;
    web_ask(front_address(pair.front), GET, &answer);
    assert_string_equal(answer.body, "answer");
    assert_true(front_await(pair.front, "/some: application: first complaint"));
    assert_true(front_await(pair.front, "second?[2J"));
    web_answer_free(&answer);
    end_pair(&pair);
}

static void fields_of_the_connection_are_not_handed_on(void **state)
{
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST,
        FAKE_ANSWER(HEAD "Connection: close, X-Hop\r\nKeep-Alive: max=1\r\n"
                         "X-Hop: hop\r\nTransfer-Encoding: chunked\r\n"
                         "Upgrade: else\r\nX-Kept: kept\r\n\r\nanswer")};
    struct pair pair = start_pair(state, FAKE_STEPS(steps));
    struct web_answer answer;
    web_ask(front_address(pair.front), GET, &answer);
    assert_string_equal(answer.body, "answer");
    assert_int_equal(web_count_lines(&answer, "Connection:"), 0);
    assert_int_equal(web_count_lines(&answer, "Keep-Alive:"), 0);
    assert_int_equal(web_count_lines(&answer, "Transfer-Encoding:"), 0);
    assert_int_equal(web_count_lines(&answer, "X-Hop:"), 0);
    assert_true(web_has_line(&answer, "X-Kept: kept"));
    web_answer_free(&answer);
    end_pair(&pair);
}

static void there_is_one_date(void **state)
{
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST,
        FAKE_ANSWER("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n"),
        FAKE_READ_REQUEST, FAKE_ANSWER(HEAD "\r\n")};
    struct pair pair = start_pair(state, FAKE_STEPS(steps));
    struct web_answer answer;
    web_ask(front_address(pair.front), GET, &answer);
    assert_int_equal(web_count_lines(&answer, "Date:"), 1);
    assert_true(web_has_line(&answer, "Date: Thu, 01 Jan 1970 00:00:00 GMT"));
    web_answer_free(&answer);
    web_ask(front_address(pair.front), GET, &answer);
    assert_int_equal(web_count_lines(&answer, "Date:"), 1);
    web_answer_free(&answer);
    end_pair(&pair);
}

/* The next answer on that connection shows that nothing was left over. */
static void what_has_no_body_gets_none(void **state)
{
    static const struct fake_step steps[] = {
        FAKE_ACCEPT,
        FAKE_READ_REQUEST,
        FAKE_ANSWER("Status: 204 No Content\r\nContent-Length: 4\r\n\r\nbody"),
        FAKE_READ_REQUEST,
        FAKE_ANSWER("Status: 304 Not Modified\r\nETag: \"x\"\r\n\r\nbody"),
        FAKE_READ_REQUEST,
        FAKE_ANSWER("Content-Length: 4\r\n\r\nbody"),
        FAKE_SERVE};
    struct pair pair = start_pair(state, FAKE_STEPS(steps));
    struct web *web = web_open(front_address(pair.front));
    struct web_answer answer;
    (void)web_send(web, GET GET "HEAD / HTTP/1.1\r\nHost: test\r\n\r\n" GET);
    web_read(web, &answer);
    assert_int_equal(answer.status, 204);
    assert_int_equal(web_count_lines(&answer, "Content-Length:"), 0);
    web_answer_free(&answer);
    web_read(web, &answer);
    assert_int_equal(answer.status, 304);
    assert_true(web_has_line(&answer, "ETag: \"x\""));
    web_answer_free(&answer);
    web_read_head(web, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(web_has_line(&answer, "Content-Length: 4"));
    web_answer_free(&answer);
    web_read(web, &answer);
    assert_string_equal(answer.body, "hello");
    web_answer_free(&answer);
    web_close(web);
    end_pair(&pair);
}

/*
 * What only a gateway does that streams.
 */

static void an_answer_that_ends_amid_its_body_is_cut(void **state)
{
    static const struct fake_step closes[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              FAKE_STDOUT(HEAD "\r\nbegin"),
                                              FAKE_PAUSE, FAKE_CLOSE};
    struct pair pair = start_pair(state, FAKE_STEPS(closes));
    struct web *web = web_open(front_address(pair.front));
    struct web_answer answer;
    (void)web_send(web, GET);
    fake_await(pair.app, FAKE_PAUSED, 1);
    fake_go(pair.app);
    web_read(web, &answer);
    assert_true(answer.status == 502 || answer.cut);
    assert_true(front_await(pair.front, "closed amid the response"));
    web_answer_free(&answer);
    web_close(web);
    end_pair(&pair);
}

static void silence_amid_a_body_cuts_the_answer(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                             FAKE_STDOUT(HEAD "\r\nbegin"),
                                             FAKE_PAUSE};
    struct pair pair = start_pair(state, FAKE_STEPS(steps));
    struct web_answer answer;
    web_ask(front_address(pair.front), GET, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(answer.cut);
    assert_string_equal(answer.body, "begin");
    assert_true(front_await(pair.front, "time limit exceeded amid"));
    web_answer_free(&answer);
    end_pair(&pair);
}

static void what_is_flushed_arrives_before_the_end(void **state)
{
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST,
        FAKE_STDOUT(HEAD "Content-Length: 8\r\n\r\nhalf"), FAKE_PAUSE,
        FAKE_ANSWER("rest")};
    struct pair pair = start_pair(state, FAKE_STEPS(steps));
    struct web *web = web_open(front_address(pair.front));
    (void)web_send(web, GET);
    assert_true(web_await_text(web, "\r\n\r\nhalf"));
    fake_go(pair.app);
    struct web_answer answer;
    web_read(web, &answer);
    assert_string_equal(answer.body, "halfrest");
    web_answer_free(&answer);
    web_close(web);
    end_pair(&pair);
}

/* HTTP/1.0 knows no chunks. */
static void an_end_nobody_knows_is_told_by_closing(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                             FAKE_STDOUT(HEAD "\r\nhalf"),
                                             FAKE_PAUSE, FAKE_ANSWER("rest")};
    struct pair pair = start_pair(state, FAKE_STEPS(steps));
    struct web *web = web_open(front_address(pair.front));
    (void)web_send(web, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_true(web_await_text(web, "\r\n\r\nhalf"));
    fake_go(pair.app);
    struct web_answer answer;
    web_read(web, &answer);
    assert_int_equal(web_count_lines(&answer, "Transfer-Encoding:"), 0);
    assert_true(web_has_line(&answer, "Connection: close"));
    assert_string_equal(answer.body, "halfrest");
    web_answer_free(&answer);
    web_close(web);
    end_pair(&pair);
}

/* Then only a reset tells that it is not whole. */
static void an_end_nobody_knows_is_told_from_a_cut(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                             FAKE_STDOUT(HEAD "\r\nhalf"),
                                             FAKE_PAUSE, FAKE_CLOSE};
    struct pair pair = start_pair(state, FAKE_STEPS(steps));
    struct web *web = web_open(front_address(pair.front));
    char bytes[256];
    ssize_t got;
    (void)web_send(web, "GET / HTTP/1.0\r\n\r\n");
    assert_true(web_await_text(web, "\r\n\r\nhalf"));
    fake_go(pair.app);
    do {
        got = recv(web_fd(web), bytes, sizeof(bytes), 0);
    } while (got > 0);
    assert_int_equal(got, -1);
    assert_int_equal(errno, ECONNRESET);
    web_close(web);
    end_pair(&pair);
}

/* The client has yet to take the answer before the one that is cut, and has
 * sent more than the gateway reads meanwhile: to close would reset the
 * connection, and what is on its way would be lost. */
static void a_cut_takes_nothing_from_the_answer_before(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT,
                                             FAKE_READ_REQUEST,
                                             FAKE_STDOUT(HEAD "\r\n"),
                                             FAKE_BODY(LONG),
                                             FAKE_END(WIRE_COMPLETE),
                                             FAKE_READ_REQUEST,
                                             FAKE_STDOUT(HEAD "\r\nbegin"),
                                             FAKE_PAUSE};
    static const char more[LONG] = "POST / HTTP/1.1\r\nHost: test\r\n"
                                   "Content-Length: 1000000\r\n\r\n";
    const int little = 4096;
    struct pair pair = start_pair(state, FAKE_STEPS(steps));
    struct web *web = web_open(front_address(pair.front));
    struct web_answer answer;
    (void)setsockopt(web_fd(web), SOL_SOCKET, SO_RCVBUF, &little,
                     sizeof(little));
    (void)web_send(web, GET GET);
    (void)web_send_bytes(web, more, sizeof(more));
    assert_true(front_await(pair.front, "time limit exceeded amid"));
    web_read(web, &answer);
    assert_false(answer.cut);
    assert_int_equal(answer.len, LONG);
    web_answer_free(&answer);
    web_read(web, &answer);
    assert_true(answer.cut);
    assert_string_equal(answer.body, "begin");
    web_answer_free(&answer);
    web_close(web);
    end_pair(&pair);
}

static int choose(void **state, const char *name)
{
    static char chosen[32];
    char *path = program_built(name);
    if (path == NULL) {
        return program_missing(name);
    }
    free(path);
    (void)snprintf(chosen, sizeof(chosen), "%s", name);
    *state = chosen;
    return 0;
}

static int choose_events(void **state)
{
    return choose(state, "fcgi-gateway");
}

static int choose_threads(void **state)
{
    return choose(state, "gateway-threads");
}

#define TESTS_OF_BOTH                                                          \
    cmocka_unit_test(a_connection_that_ends_early_is_a_502),                   \
        cmocka_unit_test(                                                      \
            a_connection_that_ends_behind_the_head_is_a_502_or_cut),           \
        cmocka_unit_test(what_is_not_fastcgi_is_a_502),                        \
        cmocka_unit_test(a_malformed_head_is_a_502),                           \
        cmocka_unit_test(a_head_that_is_none_of_an_answer_is_a_502),           \
        cmocka_unit_test(a_head_that_is_too_large_is_a_502),                   \
        cmocka_unit_test(a_body_shorter_than_its_length_is_a_502_or_cut),      \
        cmocka_unit_test(refusals_of_the_application_are_told_apart),          \
        cmocka_unit_test(silence_is_a_504),                                    \
        cmocka_unit_test(nobody_there_is_a_502),                               \
        cmocka_unit_test(a_body_is_cut_at_its_length),                         \
        cmocka_unit_test(records_of_another_request_are_no_part_of_it),        \
        cmocka_unit_test(what_the_application_complains_of_is_logged),         \
        cmocka_unit_test(fields_of_the_connection_are_not_handed_on),          \
        cmocka_unit_test(there_is_one_date),                                   \
        cmocka_unit_test(what_has_no_body_gets_none),                          \
        cmocka_unit_test(an_answer_that_ends_amid_its_body_is_cut)

int main(void)
{
    const struct CMUnitTest events[] = {
        TESTS_OF_BOTH,
        cmocka_unit_test(silence_amid_a_body_cuts_the_answer),
        cmocka_unit_test(what_is_flushed_arrives_before_the_end),
        cmocka_unit_test(an_end_nobody_knows_is_told_by_closing),
        cmocka_unit_test(an_end_nobody_knows_is_told_from_a_cut),
        cmocka_unit_test(a_cut_takes_nothing_from_the_answer_before),
    };
    const struct CMUnitTest threads[] = {TESTS_OF_BOTH};
    int failed = cmocka_run_group_tests_name("fcgi-gateway", events,
                                             choose_events, NULL);
    failed += cmocka_run_group_tests_name("gateway-threads", threads,
                                          choose_threads, NULL);
    return failed;
}
