/*
 * What an HTTP client gets from PHP, and from an application made with
 * libfcgi, through either of the gateways among the examples.
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

#include "front.h"
#include "output.h"
#include "pattern.h"
#include "site.h"
#include "temp.h"
#include "web.h"

#define HOST "Host: test\r\n"
#define MEGABYTE ((size_t)1024 * 1024)

static const char *address_of(void **state)
{
    return front_address(site_get(state)->front);
}

/* Ask, over a connection of its own; the answer must be whole. */
static void ask(void **state, const char *text, struct web_answer *answer)
{
    web_ask(address_of(state), text, answer);
    assert_false(answer->cut);
}

/* Whether server.php has printed that variable so. */
static bool reported(const struct web_answer *answer, const char *name,
                     const char *value)
{
    char line[400];
    (void)snprintf(line, sizeof(line), "\n%zu:%s=%zu:%s\n", strlen(name), name,
                   strlen(value), value);
    return strstr(answer->body, line) != NULL;
}

static void assert_hashed(const struct web_answer *answer, uint64_t len)
{
    char hash[17];
    char expected[64];
    pattern_hash(hash, len);
    (void)snprintf(expected, sizeof(expected), "%zu %s", (size_t)len, hash);
    assert_int_equal(answer->status, 200);
    assert_string_equal(answer->body, expected);
}

/* Send the first `len` bytes of the pattern. */
static void send_pattern(struct web *web, size_t len)
{
    char *body = pattern_make(len);
    assert_true(web_send_bytes(web, body, len));
    free(body);
}

static void a_get_reaches_the_script_with_its_query(void **state)
{
    struct web_answer answer;
    ask(state, "GET /server.php?a=1&b=%20 HTTP/1.1\r\n" HOST "\r\n", &answer);
    assert_int_equal(answer.status, 200);
    assert_true(reported(&answer, "REQUEST_METHOD", "GET"));
    assert_true(reported(&answer, "QUERY_STRING", "a=1&b=%20"));
    assert_true(reported(&answer, "SCRIPT_NAME", "/server.php"));
    assert_true(reported(&answer, "REQUEST_URI", "/server.php?a=1&b=%20"));
    assert_true(reported(&answer, "HTTP_HOST", "test"));
    assert_true(reported(&answer, "REMOTE_ADDR", "127.0.0.1"));
    web_answer_free(&answer);
}

static void what_follows_the_script_is_its_path_info(void **state)
{
    struct web_answer answer;
    ask(state, "GET /a/%2e%2e/server.php/b%20c/d HTTP/1.1\r\n" HOST "\r\n",
        &answer);
    assert_true(reported(&answer, "SCRIPT_NAME", "/server.php"));
    assert_true(reported(&answer, "PATH_INFO", "/b c/d"));
    web_answer_free(&answer);
}

static void an_answer_to_head_has_a_length_and_no_body(void **state)
{
    struct web *web = web_open(address_of(state));
    struct web_answer answer;
    assert_true(web_send(web,
                         "HEAD /pattern.php?lines=10 HTTP/1.1\r\n" HOST "\r\n"
                         "GET /pattern.php?lines=1 HTTP/1.1\r\n" HOST "\r\n"));
    web_read_head(web, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(web_has_line(&answer, "Content-Length: 160"));
    web_answer_free(&answer);
    web_read(web, &answer);
    assert_string_equal(answer.body, "000000000000000\n");
    web_answer_free(&answer);
    web_close(web);
}

static void a_posted_body_reaches_the_script(void **state)
{
    struct web_answer answer;
    ask(state,
        "POST /cat.php HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n"
        "hello world",
        &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "hello world");
    web_answer_free(&answer);
}

static void a_body_comes_with_any_method(void **state)
{
    static const char *const methods[] = {"GET", "PUT", "DELETE", "PATCH"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        struct web *web = web_open(address_of(state));
        struct web_answer answer;
        (void)web_sendf(web,
                        "%s /cat.php HTTP/1.1\r\n" HOST
                        "Content-Length: 4\r\n\r\nbody",
                        methods[i]);
        web_read(web, &answer);
        assert_string_equal(answer.body, "body");
        web_answer_free(&answer);
        web_close(web);
    }
}

static void a_client_that_waits_is_told_to_go_on(void **state)
{
    struct web *web = web_open(address_of(state));
    struct web_answer answer;
    (void)web_sendf(web,
                    "PUT /hash.php HTTP/1.1\r\n" HOST
                    "Expect: 100-continue\r\nContent-Length: %zu\r\n\r\n",
                    MEGABYTE);
    web_read(web, &answer);
    assert_int_equal(answer.status, 100);
    web_answer_free(&answer);
    send_pattern(web, MEGABYTE);
    web_read(web, &answer);
    assert_hashed(&answer, MEGABYTE);
    web_answer_free(&answer);
    web_close(web);
}

static void a_chunked_body_arrives_with_its_length(void **state)
{
    struct web_answer answer;
    ask(state,
        "POST /server.php HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n1;a=b\r\n \r\n5\r\nworld\r\n0\r\nTrailer: x\r\n\r\n",
        &answer);
    assert_true(reported(&answer, "CONTENT_LENGTH", "11"));
    web_answer_free(&answer);
}

static void a_chunked_body_arrives_whole(void **state)
{
    struct web *web = web_open(address_of(state));
    struct web_answer answer;
    (void)web_send(web, "POST /hash.php HTTP/1.1\r\n" HOST
                        "Transfer-Encoding: chunked\r\n\r\n");
    (void)web_sendf(web, "%zx\r\n", MEGABYTE);
    send_pattern(web, MEGABYTE);
    (void)web_send(web, "\r\n0\r\n\r\n");
    web_read(web, &answer);
    assert_hashed(&answer, MEGABYTE);
    web_answer_free(&answer);
    web_close(web);
}

static void requests_of_http_1_1_share_a_connection(void **state)
{
    struct web *web = web_open(address_of(state));
    for (int i = 0; i < 5; i++) {
        struct web_answer answer;
        (void)web_sendf(
            web,
            "POST /cat.php HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n%d", i);
        web_read(web, &answer);
        assert_int_equal(answer.body[0], '0' + i);
        assert_false(web_has_line(&answer, "Connection: close"));
        web_answer_free(&answer);
    }
    web_close(web);
}

static void a_connection_ends_when_the_client_wants_it(void **state)
{
    struct web *web = web_open(address_of(state));
    struct web_answer answer;
    (void)web_send(web, "GET /server.php HTTP/1.1\r\n" HOST
                        "Connection: close\r\n\r\n");
    web_read(web, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(web_has_line(&answer, "Connection: close"));
    assert_true(web_await_close(web));
    web_answer_free(&answer);
    web_close(web);
}

static void http_1_0_ends_with_the_connection(void **state)
{
    struct web *web = web_open(address_of(state));
    struct web_answer answer;
    (void)web_send(web, "GET /pattern.php?lines=1 HTTP/1.0\r\n\r\n");
    web_read(web, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(web_count_lines(&answer, "Transfer-Encoding"), 0);
    assert_string_equal(answer.body, "000000000000000\n");
    assert_true(web_await_close(web));
    web_answer_free(&answer);
    web_close(web);
}

static void http_1_0_may_keep_its_connection(void **state)
{
    struct web *web = web_open(address_of(state));
    for (int i = 0; i < 2; i++) {
        struct web_answer answer;
        (void)web_send(web, "GET /pattern.php?lines=1 HTTP/1.0\r\n"
                            "Connection: keep-alive\r\n\r\n");
        web_read(web, &answer);
        assert_true(web_has_line(&answer, "Connection: keep-alive"));
        assert_string_equal(answer.body, "000000000000000\n");
        web_answer_free(&answer);
    }
    web_close(web);
}

/* More than fits in any buffer for heads. */
static void pipelined_requests_are_answered_in_order(void **state)
{
    enum { COUNT = 1000 };
    struct web *web = web_open(address_of(state));
    for (int i = 0; i < COUNT; i++) {
        (void)web_sendf(web,
                        "POST /cat.php HTTP/1.1\r\n" HOST
                        "Content-Length: 4\r\n\r\n%04d",
                        i);
    }
    for (int i = 0; i < COUNT; i++) {
        struct web_answer answer;
        char number[16];
        (void)snprintf(number, sizeof(number), "%04d", i);
        web_read(web, &answer);
        assert_string_equal(answer.body, number);
        web_answer_free(&answer);
    }
    web_close(web);
}

static void repeated_fields_are_joined(void **state)
{
    struct web_answer answer;
    ask(state,
        "GET /server.php HTTP/1.1\r\n" HOST "X-A: 1\r\nCookie: a=1\r\n"
        "x-a: 2\r\nCookie: b=2\r\n\r\n",
        &answer);
    assert_true(reported(&answer, "HTTP_X_A", "1, 2"));
    assert_true(reported(&answer, "HTTP_COOKIE", "a=1; b=2"));
    web_answer_free(&answer);
}

static void fields_that_could_pass_for_others_are_left_out(void **state)
{
    struct web_answer answer;
    ask(state,
        "GET /server.php HTTP/1.1\r\n" HOST "Proxy: evil:1\r\n"
        "X_Underscore: evil\r\nX.Dot: evil\r\nContent_Length: 7\r\n"
        "Connection: Keep-Alive\r\nKeep-Alive: evil\r\nTE: evil\r\n\r\n",
        &answer);
    assert_int_equal(answer.status, 200);
    assert_null(strstr(answer.body, "evil"));
    assert_null(strstr(answer.body, "HTTP_PROXY"));
    assert_null(strstr(answer.body, "CONTENT_LENGTH"));
    web_answer_free(&answer);
}

/* A proxy in front adds it, and hands on what its client calls Connection. */
static void a_client_cannot_have_fields_left_out(void **state)
{
    struct web_answer answer;
    ask(state,
        "GET /server.php HTTP/1.1\r\n" HOST
        "Connection: X-Real-IP\r\nX-Real-IP: 192.0.2.1\r\n\r\n",
        &answer);
    assert_true(reported(&answer, "HTTP_X_REAL_IP", "192.0.2.1"));
    web_answer_free(&answer);
}

/* Neither by the gateway, nor by an application that sees the offer. */
static void another_protocol_is_not_taken_up(void **state)
{
    struct web *web = web_open(address_of(state));
    for (int i = 0; i < 2; i++) {
        struct web_answer answer;
        (void)web_send(web, "POST /server.php HTTP/1.1\r\n" HOST
                            "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n"
                            "5\r\nhello\r\n0\r\n\r\n"
                            "GET /server.php HTTP/1.1\r\n" HOST
                            "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
        web_read(web, &answer);
        assert_int_equal(answer.status, 200);
        assert_true(reported(&answer, "CONTENT_LENGTH", "5"));
        assert_null(strstr(answer.body, "websocket"));
        web_answer_free(&answer);
        web_read(web, &answer);
        assert_int_equal(answer.status, 200);
        assert_null(strstr(answer.body, "h2c"));
        web_answer_free(&answer);
    }
    web_close(web);
}

static void repeated_fields_of_an_answer_stay_in_order(void **state)
{
    struct web_answer answer;
    ask(state, "GET /cookies.php HTTP/1.1\r\n" HOST "\r\n", &answer);
    const char *first = strstr(answer.head, "first=1");
    const char *second = strstr(answer.head, "second=2");
    const char *third = strstr(answer.head, "first=3");
    assert_int_equal(web_count_lines(&answer, "Set-Cookie:"), 3);
    assert_true(first != NULL && first < second && second < third);
    web_answer_free(&answer);
}

static void a_redirection_reaches_the_client(void **state)
{
    struct web_answer answer;
    ask(state, "GET /location.php HTTP/1.1\r\n" HOST "\r\n", &answer);
    assert_int_equal(answer.status, 302);
    assert_true(web_has_line(&answer, "Location: /elsewhere?a=1"));
    web_answer_free(&answer);
}

static void an_error_of_php_is_its_own_answer(void **state)
{
    struct web_answer answer;
    ask(state, "GET /fatal.php HTTP/1.1\r\n" HOST "\r\n", &answer);
    assert_int_equal(answer.status, 500);
    assert_true(
        front_await(site_get(state)->front, "function_that_is_not_there"));
    web_answer_free(&answer);
}

/* curl, as a client that somebody else has written. */
static void assert_curl_uploads(void **state, const char *with)
{
    struct temp *folder = temp_new();
    char *file = temp_path(folder, "file");
    char *pattern = pattern_make(4 * MEGABYTE);
    char url[100];
    FILE *stream = fopen(file, "w");
    (void)snprintf(url, sizeof(url), "http://%s/hash.php", address_of(state));
    assert_non_null(stream);
    assert_int_equal(fwrite(pattern, 1, 4 * MEGABYTE, stream), 4 * MEGABYTE);
    assert_int_equal(fclose(stream), 0);
    const char *const arguments[] = {"-s", "-H", with, "-T", file, url, NULL};
    struct web_answer answer = {.status = 200,
                                .body = output_of("/usr/bin/curl", arguments)};
    assert_hashed(&answer, 4 * MEGABYTE);
    web_answer_free(&answer);
    free(pattern);
    free(file);
    temp_free(folder);
}

static void curl_uploads_after_asking_whether_to(void **state)
{
    assert_curl_uploads(state, "X-Nothing: special");
}

static void curl_uploads_in_chunks(void **state)
{
    assert_curl_uploads(state, "Transfer-Encoding: chunked");
}

/*
 * An application made with libfcgi.
 */

static void libfcgi_gets_variables_and_body(void **state)
{
    struct web_answer answer;
    ask(state, "POST /x?y=z HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello",
        &answer);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body, "QUERY_STRING=y=z\n"));
    assert_non_null(strstr(answer.body, "CONTENT_LENGTH=5\n"));
    assert_string_equal(strstr(answer.body, "\n\n"), "\n\nhello");
    web_answer_free(&answer);
}

static void libfcgi_gets_a_large_body(void **state)
{
    struct web *web = web_open(address_of(state));
    struct web_answer answer;
    (void)web_sendf(web,
                    "POST / HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
                    MEGABYTE);
    send_pattern(web, MEGABYTE);
    web_read(web, &answer);
    assert_false(answer.cut);
    const char *body = strstr(answer.body, "\n\n") + 2;
    assert_int_equal(answer.body + answer.len - body, MEGABYTE);
    assert_true(pattern_matches(body, 0, MEGABYTE));
    web_answer_free(&answer);
    web_close(web);
}

/*
 * The groups.
 */

static int start_threads_php(void **state)
{
    return site_of_php(state, "gateway-threads", 4);
}

static int start_events_php(void **state)
{
    return site_of_php(state, "fcgi-gateway", 4);
}

static int start_threads_libfcgi(void **state)
{
    return site_of_libfcgi(state, "gateway-threads");
}

static int start_events_libfcgi(void **state)
{
    return site_of_libfcgi(state, "fcgi-gateway");
}

#define RUN(name, tests, start)                                                \
    cmocka_run_group_tests_name(name, tests, start, site_stop)

int main(void)
{
    const struct CMUnitTest php[] = {
        cmocka_unit_test(a_get_reaches_the_script_with_its_query),
        cmocka_unit_test(what_follows_the_script_is_its_path_info),
        cmocka_unit_test(an_answer_to_head_has_a_length_and_no_body),
        cmocka_unit_test(a_posted_body_reaches_the_script),
        cmocka_unit_test(a_body_comes_with_any_method),
        cmocka_unit_test(a_client_that_waits_is_told_to_go_on),
        cmocka_unit_test(a_chunked_body_arrives_with_its_length),
        cmocka_unit_test(a_chunked_body_arrives_whole),
        cmocka_unit_test(requests_of_http_1_1_share_a_connection),
        cmocka_unit_test(a_connection_ends_when_the_client_wants_it),
        cmocka_unit_test(http_1_0_ends_with_the_connection),
        cmocka_unit_test(http_1_0_may_keep_its_connection),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(repeated_fields_are_joined),
        cmocka_unit_test(fields_that_could_pass_for_others_are_left_out),
        cmocka_unit_test(a_client_cannot_have_fields_left_out),
        cmocka_unit_test(another_protocol_is_not_taken_up),
        cmocka_unit_test(repeated_fields_of_an_answer_stay_in_order),
        cmocka_unit_test(a_redirection_reaches_the_client),
        cmocka_unit_test(an_error_of_php_is_its_own_answer),
        cmocka_unit_test(curl_uploads_after_asking_whether_to),
        cmocka_unit_test(curl_uploads_in_chunks),
    };
    const struct CMUnitTest libfcgi[] = {
        cmocka_unit_test(libfcgi_gets_variables_and_body),
        cmocka_unit_test(libfcgi_gets_a_large_body),
    };
    int failed = RUN("fcgi-gateway, PHP", php, start_events_php);
    failed += RUN("fcgi-gateway, libfcgi", libfcgi, start_events_libfcgi);
    failed += RUN("gateway-threads, PHP", php, start_threads_php);
    failed += RUN("gateway-threads, libfcgi", libfcgi, start_threads_libfcgi);
    return failed;
}
