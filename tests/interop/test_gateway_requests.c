/*
 * Requests that are malformed, too large, or made to mislead: none of them may
 * reach the application, and each is answered with the status that says why.
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
#include "program.h"
#include "web.h"

#define HOST "Host: test\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define POST "POST / HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

struct setup {
    struct fake *app;
    struct front *front;
    bool is_strict; /* it says why, and closes */
};

struct wrong {
    int status;
    const char *text;
};

static struct setup *setup_of(void **state)
{
    if (*state == NULL) {
        skip();
    }
    return *state;
}

/* Nobody has asked the application anything, and the gateway lives. */
static void assert_kept_from(struct setup *setup)
{
    struct web_answer answer;
    size_t asked = fake_count(setup->app, FAKE_ASKED);
    web_ask(front_address(setup->front), GET "\r\n", &answer);
    assert_int_equal(answer.status, 200);
    web_answer_free(&answer);
    assert_int_equal(fake_count(setup->app, FAKE_BEGUN), asked + 1);
}

/* What libmicrohttpd refuses by itself may get another status, or none. */
static bool is_as_wanted(const struct setup *setup, struct web *web,
                         const struct web_answer *answer, int status)
{
    return setup->is_strict ? answer->status == status && web_await_close(web)
                            : answer->status == 0 || answer->status >= 400;
}

/* Send it whole, or byte by byte; it must be refused, and nothing behind it
 * may count. */
static void assert_refused(struct setup *setup, const struct wrong *wrong,
                           bool each)
{
    struct web *web = web_open(front_address(setup->front));
    struct web_answer answer;
    size_t len = strlen(wrong->text);
    size_t begun = fake_count(setup->app, FAKE_BEGUN);
    for (size_t i = 0; i < len && each; i++) {
        (void)web_send_bytes(web, wrong->text + i, 1);
    }
    if (!each) {
        (void)web_send(web, wrong->text);
        (void)web_send(web, setup->is_strict ? GET "\r\n" : "");
    }
    web_read(web, &answer);
    if (!is_as_wanted(setup, web, &answer, wrong->status) ||
        fake_count(setup->app, FAKE_BEGUN) != begun) {
        fail_msg("%d instead of %d for: %.200s", answer.status, wrong->status,
                 wrong->text);
    }
    web_answer_free(&answer);
    web_close(web);
}

static void assert_all_refused(void **state, const struct wrong *wrongs,
                               size_t count)
{
    struct setup *setup = setup_of(state);
    for (size_t i = 0; i < count; i++) {
        assert_refused(setup, &wrongs[i], false);
        assert_refused(setup, &wrongs[i], true);
    }
    assert_kept_from(setup);
}

#define ASSERT_ALL_REFUSED(state, wrongs)                                      \
    assert_all_refused(state, wrongs, sizeof(wrongs) / sizeof((wrongs)[0]))

static void lines_that_are_no_request_are_refused(void **state)
{
    static const struct wrong wrongs[] = {
        {400, "nonsense\r\n\r\n"},
        {400, "get / HTTP/1.1\r\n" HOST "\r\n"},
        {400, "G3T / HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET  / HTTP/1.1\r\n" HOST "\r\n"},
        {400, " GET / HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET / HTTP/1.1\n" HOST "\r\n"},
        {400, "GET /\x7f HTTP/1.1\r\n" HOST "\r\n"},
        {505, "GET / HTTP/1.1 \r\n" HOST "\r\n"},
        {505, "GET / HTTP/1.2\r\n" HOST "\r\n"},
        {505, "GET / HTTP/1\r\n" HOST "\r\n"},
        {400, "\xc3\xa9"},
        {400, "G\tET / HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET\r\n\r\n"},
        {505, "GET /\r\n\r\n"},
        {400, "GET / / HTTP/1.1\r\n" HOST "\r\n"},
        {505, "GET / HTTP/1.1x\r\n" HOST "\r\n"},
        {400, "GET / HTTQ/1.1\r\n" HOST "\r\n"},
        {400, "GET / RTSP/1.0\r\n\r\n"},
        {400, "GET / ICE/1.0\r\n\r\n"},
        {400, "SOURCE / ICE/1.0\r\n\r\n"},
        {400, "OPTIONS * RTSP/1.0\r\n\r\n"},
        {400, "\x16\x03\x01\x02"},
        {501, "CONNECT test:80 HTTP/1.1\r\n" HOST "\r\n"},
        {501, "TRACE / HTTP/1.1\r\n" HOST "\r\n"},
        {505, "GET / HTTP/2.0\r\n" HOST "\r\n"},
        {505, "GET / HTTP/0.9\r\n" HOST "\r\n"},
        {505, "GET / HTTP/3.7\r\n" HOST "\r\n"},
    };
    ASSERT_ALL_REFUSED(state, wrongs);
}

static void targets_that_lead_astray_are_refused(void **state)
{
    static const struct wrong wrongs[] = {
        {400, "GET /../etc/passwd HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET /a/../../etc/passwd HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET /%2e%2e/etc/passwd HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET /..%2fetc/passwd HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET /a%00.php HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET /a%0d%0ab HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET /%zz HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET /% HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET a.php HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET /a\x01 HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET * HTTP/1.1\r\n" HOST "\r\n"},
    };
    ASSERT_ALL_REFUSED(state, wrongs);
}

static void fields_that_are_malformed_are_refused(void **state)
{
    static const struct wrong wrongs[] = {
        {400, GET "no colon\r\n\r\n"},
        {400, GET "Space : x\r\n\r\n"},
        {400, GET ": x\r\n\r\n"},
        {400, GET "X: a\r\n folded\r\n\r\n"},
        {400, GET "X: a\r\n\tfolded\r\n\r\n"},
        {400, GET "X: a\r\n \r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n Host: test\r\n\r\n"},
        {400, GET "X: a\rb\r\n\r\n"},
        {400, GET "X: a\r\n\rX: b\r\n\r\n"},
        {400, GET "X: a\x01\r\n\r\n"},
        {400, GET "X\x80: a\r\n\r\n"},
        {400, GET "X(y): a\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n\r\n"},
        {400, GET HOST "\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
    };
    ASSERT_ALL_REFUSED(state, wrongs);
}

static void lengths_that_disagree_are_refused(void **state)
{
    static const struct wrong wrongs[] = {
        {400, POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"},
        {400, POST "Content-Length: 5, 5\r\n\r\nhello"},
        {400, POST "Content-Length: +5\r\n\r\nhello"},
        {400, POST "Content-Length: -5\r\n\r\nhello"},
        {400, POST "Content-Length: 0x5\r\n\r\nhello"},
        {400, POST "Content-Length: 5 5\r\n\r\nhello"},
        {400, POST "Content-Length: \r\n\r\nhello"},
        {400, POST "Content-Length: 99999999999999999999\r\n\r\nhello"},
        {400, POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "0\r\n\r\n"},
        {400, POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
                   "0\r\n\r\n"},
    };
    ASSERT_ALL_REFUSED(state, wrongs);
}

/* RFC 9110, section 8.6, would let the first of these pass. */
static void lengths_that_are_strange_are_refused(void **state)
{
    static const struct wrong wrongs[] = {
        {413, POST "Content-Length: 9223372036854775808\r\n\r\nhello"},
        {400, POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"},
    };
    ASSERT_ALL_REFUSED(state, wrongs);
}

static void codings_that_nobody_decodes_are_refused(void **state)
{
    static const struct wrong wrongs[] = {
        {501, POST "Transfer-Encoding: gzip\r\n\r\n"},
        {501, POST "Transfer-Encoding: gzip, chunked\r\n\r\n"},
        {501, POST "Transfer-Encoding: chunked, chunked\r\n\r\n"},
        {501, POST "Transfer-Encoding: chunked, identity\r\n\r\n"},
        {501, POST "Transfer-Encoding: xchunked\r\n\r\n"},
        {501, POST "Transfer-Encoding: chunked\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n"},
        {400, POST "Transfer-Encoding: \x0b"
                   "chunked\r\n\r\n"},
        {400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
              "0\r\n\r\n"},
    };
    ASSERT_ALL_REFUSED(state, wrongs);
}

static void chunks_that_are_malformed_are_refused(void **state)
{
    static const struct wrong wrongs[] = {
        {400, CHUNKED "x\r\nhello\r\n0\r\n\r\n"},
        {400, CHUNKED "-1\r\nhello\r\n0\r\n\r\n"},
        {400, CHUNKED "0x5\r\nhello\r\n0\r\n\r\n"},
        {400, CHUNKED "5\r\nhelloXX0\r\n\r\n"},
        {400, CHUNKED "4\r\nhello\r\n0\r\n\r\n"},
        {400, CHUNKED "ffffffffffffffffff\r\nhello\r\n0\r\n\r\n"},
        {400, CHUNKED "\r\nhello\r\n0\r\n\r\n"},
        {400, CHUNKED "5\r\nhello\r\n0\r\n: no name\r\n\r\n"},
        {400, CHUNKED "5\r\nhello\r\n0\r\nX: a\r\n:GET\r\n\r\n"},
        {413, CHUNKED "1000001\r\n"},
    };
    /* What is too long is known when that much has come, not before. */
    assert_all_refused(state, wrongs, sizeof(wrongs) / sizeof(wrongs[0]) - 1);
}

/* A line of that length: `before`, as many x, `after`. */
static char *stretch(const char *before, size_t count, const char *after)
{
    size_t len = strlen(before) + count + strlen(after) + 1;
    char *text = malloc(len);
    assert_non_null(text);
    (void)snprintf(text, len, "%s%*s%s", before, (int)count, "", after);
    for (size_t i = 0; i < count; i++) {
        text[strlen(before) + i] = 'x';
    }
    return text;
}

static void what_is_too_long_is_refused(void **state)
{
    static const struct {
        int status;
        const char *before, *after;
    } cases[] = {
        {414, "GET /", " HTTP/1.1\r\n" HOST "\r\n"},
        {414, "GET /?", ""},
        {431, GET "X: ", "\r\n\r\n"},
        {431, GET, ": x\r\n\r\n"},
        {431, GET "X: ", ""},
    };
    struct setup *setup = setup_of(state);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t count = 66000; count <= 100000; count += 34000) {
            char *text = stretch(cases[i].before, count, cases[i].after);
            struct wrong wrong = {cases[i].status, text};
            assert_refused(setup, &wrong, false);
            free(text);
        }
    }
    assert_kept_from(setup);
}

static void too_many_fields_are_refused(void **state)
{
    struct setup *setup = setup_of(state);
    static char text[100000];
    size_t at = (size_t)snprintf(text, sizeof(text), "%s", GET);
    for (int i = 0; i < 200; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, "X-%d: x\r\n", i);
    }
    (void)snprintf(text + at, sizeof(text) - at, "\r\n");
    struct wrong wrong = {431, text};
    assert_refused(setup, &wrong, false);
    assert_kept_from(setup);
}

/* A client that has sent HEAD takes what stands behind the head of an answer
 * for the next one (RFC 9110, section 9.3.2). */
static void a_refusal_of_head_has_no_body(void **state)
{
    static const struct wrong wrongs[] = {
        {400, "HEAD / HTTP/1.1\r\n" HOST "no colon\r\n\r\n"},
        {400, "HEAD /a\x01 HTTP/1.1\r\n" HOST "\r\n"},
        {400, "HEAD / HTTP/1.1\r\n\r\n"},
        {400, "HEAD /../a HTTP/1.1\r\n" HOST "\r\n"},
        {505, "HEAD / HTTP/2.0\r\n" HOST "\r\n"},
        {501, "HEAD / HTTP/1.1\r\n" HOST "Transfer-Encoding: x\r\n\r\n"},
        {408, "HEAD / HTTP/1.1\r\n"},
        {408, "\r\nHEAD / HTTP/1.1\r\n"},
    };
    struct setup *setup = setup_of(state);
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        struct web *web = web_open(front_address(setup->front));
        struct web_answer answer;
        (void)web_send(web, wrongs[i].text);
        web_read_head(web, &answer);
        if (answer.status != wrongs[i].status || !web_await_close(web)) {
            fail_msg("%d, or a body, for: %s", answer.status, wrongs[i].text);
        }
        web_answer_free(&answer);
        web_close(web);
    }
}

/* Nearly all that is allowed is. */
static void a_head_of_the_greatest_size_is_taken(void **state)
{
    struct setup *setup = setup_of(state);
    struct web_answer answer;
    char *text = stretch("GET /?", 21000, " HTTP/1.1\r\n" HOST "X: ");
    char *longer = stretch(text, 21000, "\r\nY: ");
    char *longest = stretch(longer, 21000, "\r\n\r\n");
    web_ask(front_address(setup->front), longest, &answer);
    assert_int_equal(answer.status, 200);
    web_answer_free(&answer);
    free(text);
    free(longer);
    free(longest);
}

static void a_chunked_body_that_is_too_long_is_refused(void **state)
{
    struct setup *setup = setup_of(state);
    struct web *web = web_open(front_address(setup->front));
    struct web_answer answer;
    size_t begun = fake_count(setup->app, FAKE_BEGUN);
    char *chunk = stretch("10000\r\n", 65536, "\r\n");
    bool taken = web_send(web, CHUNKED);
    /* The gateway may close before all is sent. */
    for (int i = 0; i < 1000 && taken; i++) {
        taken = web_send(web, chunk);
    }
    web_read(web, &answer);
    assert_int_equal(answer.status, 413);
    assert_int_equal(fake_count(setup->app, FAKE_BEGUN), begun);
    web_answer_free(&answer);
    web_close(web);
    free(chunk);
}

static void endless_trailers_are_refused(void **state)
{
    struct setup *setup = setup_of(state);
    struct web *web = web_open(front_address(setup->front));
    struct web_answer answer;
    bool taken = web_send(web, CHUNKED "0\r\n");
    for (int i = 0; i < 100000 && taken; i++) {
        taken = web_send(web, "Trailer: one of very many\r\n");
    }
    web_read(web, &answer);
    assert_int_equal(answer.status, 400);
    web_answer_free(&answer);
    web_close(web);
    assert_kept_from(setup);
}

static void a_client_that_falls_silent_is_told(void **state)
{
    static const char *const texts[] = {
        "GET / HT",
        CHUNKED "5\r\nhel",
        POST "Content-Length: 5\r\n\r\nhel",
    };
    struct setup *setup = setup_of(state);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct web *web = web_open(front_address(setup->front));
        struct web_answer answer;
        (void)web_send(web, texts[i]);
        web_read(web, &answer);
        assert_int_equal(answer.status, 408);
        assert_true(web_await_close(web));
        web_answer_free(&answer);
        web_close(web);
    }
}

/* Nobody has been harmed by these. */
static void what_is_unusual_but_sound_is_taken(void **state)
{
    static const char *const texts[] = {
        "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
        "GET http://test/a.php?b HTTP/1.1\r\n" HOST "\r\n",
        "OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        GET "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        GET "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        GET "X:\t a \t\r\n\r\n",
        GET "X: caf\xc3\xa9\r\n\r\n",
        GET "Expect: something\r\n\r\n",
        "BAN / HTTP/1.1\r\n" HOST "\r\n",
        "M-SEARCH / HTTP/1.1\r\n" HOST "\r\n",
        "GET /caf\xc3\xa9?\xe9 HTTP/1.1\r\n" HOST "\r\n",
        POST
        "Transfer-Encoding: Chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n0\r\n\r\n",
        "REPORT / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello",
    };
    struct setup *setup = setup_of(state);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct web_answer answer;
        web_ask(front_address(setup->front), texts[i], &answer);
        if (answer.status != 200 || strcmp(answer.body, "hello") != 0) {
            fail_msg("%d for: %s", answer.status, texts[i]);
        }
        web_answer_free(&answer);
    }
}

static int start(void **state, const char *program, const char *const *options)
{
    static struct setup setup;
    setup.app = fake_serve(FAKE_UNIX);
    setup.front =
        front_start(program, fake_address(setup.app), "/srv", options);
    setup.is_strict = options != NULL;
    *state = setup.front == NULL ? NULL : &setup;
    return setup.front == NULL ? program_missing(program) : 0;
}

static int start_events(void **state)
{
    static const char *const options[] = {"--client-timeout", "1", "--gather",
                                          "1000000", NULL};
    return start(state, "fcgi-gateway", options);
}

static int start_threads(void **state)
{
    return start(state, "gateway-threads", NULL);
}

static int stop(void **state)
{
    struct setup *setup = *state;
    bool ended = true;
    if (setup != NULL) {
        ended = front_stop(setup->front);
        fake_stop(setup->app);
    }
    return ended ? 0 : -1;
}

#define TESTS_OF_BOTH                                                          \
    cmocka_unit_test(targets_that_lead_astray_are_refused),                    \
        cmocka_unit_test(lengths_that_disagree_are_refused),                   \
        cmocka_unit_test(too_many_fields_are_refused)

/* The other is as strict as libmicrohttpd is. */
int main(void)
{
    const struct CMUnitTest events[] = {
        TESTS_OF_BOTH,
        cmocka_unit_test(lines_that_are_no_request_are_refused),
        cmocka_unit_test(fields_that_are_malformed_are_refused),
        cmocka_unit_test(lengths_that_are_strange_are_refused),
        cmocka_unit_test(codings_that_nobody_decodes_are_refused),
        cmocka_unit_test(chunks_that_are_malformed_are_refused),
        cmocka_unit_test(what_is_too_long_is_refused),
        cmocka_unit_test(a_refusal_of_head_has_no_body),
        cmocka_unit_test(a_head_of_the_greatest_size_is_taken),
        cmocka_unit_test(a_chunked_body_that_is_too_long_is_refused),
        cmocka_unit_test(endless_trailers_are_refused),
        cmocka_unit_test(a_client_that_falls_silent_is_told),
        cmocka_unit_test(what_is_unusual_but_sound_is_taken),
    };
    const struct CMUnitTest threads[] = {TESTS_OF_BOTH};
    int failed =
        cmocka_run_group_tests_name("fcgi-gateway", events, start_events, stop);
    failed += cmocka_run_group_tests_name("gateway-threads", threads,
                                          start_threads, stop);
    return failed;
}
