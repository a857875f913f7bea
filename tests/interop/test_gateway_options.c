/*
 * What operators ask of the gateways among the examples: variables of their
 * own, how connections to the application are kept, how large heads may be; and
 * what is handed on as it came.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake.h"
#include "front.h"
#include "process.h"
#include "program.h"
#include "site.h"
#include "test.h"
#include "web.h"

#define HOST "Host: test\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST "\r\n"

/* An application that answers "hello", and a gateway in front of it. */
struct scene {
    struct fake *app;
    struct front *front;
};

static struct scene begin_with(const char *program, struct fake *app,
                               const char *const *options)
{
    struct scene scene = {
        app, front_start(program, fake_address(app), "/srv", options)};
    if (scene.front == NULL) {
        print_message("there is no %s\n", program);
        fake_stop(app);
        skip();
    }
    return scene;
}

static struct scene begin(const char *const *options)
{
    return begin_with("fcgi-gateway", fake_serve(FAKE_UNIX), options);
}

static void end(struct scene *scene)
{
    assert_true(front_stop(scene->front));
    fake_stop(scene->app);
}

static void assert_status(const struct scene *scene, const char *text,
                          int status)
{
    struct web_answer answer;
    web_ask(front_address(scene->front), text, &answer);
    assert_int_equal(answer.status, status);
    web_answer_free(&answer);
}

/* NULL: there must be no such variable. */
static void assert_variable(const struct scene *scene, size_t nth,
                            const char *name, const char *value)
{
    char *found = wire_request_param(fake_request(scene->app, nth), name);
    if (value == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, value);
    }
    free(found);
}

/*
 * Variables.
 */

static void assert_sets_variables(const char *program)
{
    static const char *const options[] = {
        "-p", "APP_ENV=production",      "-p", "SERVER_NAME=first",
        "-p", "SERVER_NAME=shop.test=x", "-p", "HTTP_X_SECRET=",
        NULL};
    struct scene scene = begin_with(program, fake_serve(FAKE_UNIX), options);
    for (size_t i = 0; i < 2; i++) {
        assert_status(
            &scene, "GET /a.php HTTP/1.1\r\n" HOST "X-Secret: 42\r\n\r\n", 200);
        assert_variable(&scene, i, "APP_ENV", "production");
        assert_variable(&scene, i, "SERVER_NAME", "shop.test=x");
        assert_variable(&scene, i, "HTTP_X_SECRET", "");
        assert_variable(&scene, i, "SCRIPT_NAME", "/a.php");
    }
    end(&scene);
}

static void fcgi_gateway_sets_variables(void **state)
{
    (void)state;
    assert_sets_variables("fcgi-gateway");
}

static void gateway_threads_sets_variables(void **state)
{
    (void)state;
    assert_sets_variables("gateway-threads");
}

/*
 * Connections to the application.
 */

static void ask_times(const struct scene *scene, int times)
{
    for (int i = 0; i < times; i++) {
        assert_status(scene, GET, 200);
    }
}

static void a_connection_has_so_many_requests(void **state)
{
    static const char *const options[] = {"--requests", "2", NULL};
    struct scene scene = begin(options);
    (void)state;
    ask_times(&scene, 4);
    assert_int_equal(fake_count(scene.app, FAKE_ACCEPTED), 2);
    end(&scene);
}

static void a_connection_is_kept_for_so_long(void **state)
{
    static const char *const options[] = {"--idle", "1", NULL};
    struct scene scene = begin(options);
    int64_t began = now_ms();
    (void)state;
    ask_times(&scene, 2);
    fake_await(scene.app, FAKE_LEFT, 1);
    assert_in_range(now_ms() - began, 900, 1900);
    assert_int_equal(fake_count(scene.app, FAKE_ACCEPTED), 1);
    end(&scene);
}

static void no_connection_is_kept_where_none_may_be(void **state)
{
    static const char *const options[] = {"--no-keep", NULL};
    struct scene scene = begin(options);
    (void)state;
    ask_times(&scene, 3);
    assert_int_equal(fake_count(scene.app, FAKE_ACCEPTED), 3);
    end(&scene);
}

/* It works on behind its answer, over the connection that it answered on. */
static void no_request_waits_for_work_behind_an_answer(void **state)
{
    static const char *const options[] = {"--no-keep", NULL};
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_ANSWER("X: y\r\n\r\nhello"),
        FAKE_PAUSE,  FAKE_ACCEPT,       FAKE_SERVE};
    (void)state;
    struct scene scene =
        begin_with("fcgi-gateway", FAKE_RUN(FAKE_UNIX, steps), options);
    assert_status(&scene, GET, 200);
    assert_status(&scene, GET, 200);
    fake_go(scene.app);
    end(&scene);
}

/*
 * Heads.
 */

/* `before`, as many x, `after`; the caller's to free. */
static char *stretch(const char *before, size_t count, const char *after)
{
    size_t size = strlen(before) + count + strlen(after) + 1;
    char *text = malloc(size);
    assert_non_null(text);
    (void)snprintf(text, size, "%s", before);
    memset(text + strlen(before), 'x', count);
    (void)snprintf(text + strlen(before) + count, strlen(after) + 1, "%s",
                   after);
    return text;
}

static void assert_stretched(const struct scene *scene, const char *before,
                             size_t count, const char *after, int status)
{
    char *text = stretch(before, count, after);
    assert_status(scene, text, status);
    free(text);
}

static void assert_takes_large_requests(const char *program)
{
    struct scene scene = begin_with(program, fake_serve(FAKE_UNIX), NULL);
    assert_stretched(&scene, "GET / HTTP/1.1\r\n" HOST "Cookie: a=", 12000,
                     "\r\n\r\n", 200);
    assert_stretched(&scene, "GET /?", 12000, " HTTP/1.1\r\n" HOST "\r\n", 200);
    end(&scene);
}

static void fcgi_gateway_takes_large_requests(void **state)
{
    (void)state;
    assert_takes_large_requests("fcgi-gateway");
}

static void gateway_threads_takes_large_requests(void **state)
{
    (void)state;
    assert_takes_large_requests("gateway-threads");
}

#define COOKIES_4                                                              \
    FAKE_STEP(RECORD, WIRE_STDOUT, cookie, sizeof(cookie) - 1),                \
        FAKE_STEP(RECORD, WIRE_STDOUT, cookie, sizeof(cookie) - 1),            \
        FAKE_STEP(RECORD, WIRE_STDOUT, cookie, sizeof(cookie) - 1),            \
        FAKE_STEP(RECORD, WIRE_STDOUT, cookie, sizeof(cookie) - 1)

/* A field of 20 KB, and eight cookies of 4 KB. */
static void assert_takes_a_large_answer(const char *program)
{
    static char cookie[4097];
    static char field[20001];
    (void)snprintf(cookie, sizeof(cookie), "Set-Cookie: a=%0*d\r\n", 4080, 0);
    (void)snprintf(field, sizeof(field), "X-Long: %0*d\r\n", 19990, 0);
    const struct fake_step steps[] = {
        FAKE_ACCEPT,
        FAKE_READ_REQUEST,
        COOKIES_4,
        COOKIES_4,
        FAKE_STEP(RECORD, WIRE_STDOUT, field, sizeof(field) - 1),
        FAKE_ANSWER("\r\nhello")};
    struct scene scene = begin_with(program, FAKE_RUN(FAKE_UNIX, steps), NULL);
    struct web_answer answer;
    web_ask(front_address(scene.front), GET, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(web_count_lines(&answer, "Set-Cookie: a=0"), 8);
    assert_int_equal(web_count_lines(&answer, "X-Long: 0"), 1);
    assert_string_equal(answer.body, "hello");
    web_answer_free(&answer);
    end(&scene);
}

static void fcgi_gateway_takes_a_large_answer(void **state)
{
    (void)state;
    assert_takes_a_large_answer("fcgi-gateway");
}

static void gateway_threads_takes_a_large_answer(void **state)
{
    (void)state;
    assert_takes_a_large_answer("gateway-threads");
}

static void assert_head_limit(const struct scene *scene, size_t len, int status)
{
    char *head = web_head("GET / HTTP/1.1\r\n" HOST, len);
    assert_status(scene, head, status);
    free(head);
}

/* It is also longer than the body of an answer that is sent with its head. */
static void a_head_may_be_as_long_as_is_said(void **state)
{
    static const char *const options[] = {"--max-head", "200000", NULL};
    struct scene scene = begin(options);
    (void)state;
    assert_head_limit(&scene, 200000, 200);
    assert_head_limit(&scene, 200001, 431);
    assert_true(front_await(
        scene.front,
        "GET /: 431: the request is too large: --max-head is 200000\n"));
    assert_stretched(&scene, "GET /?", 200000, " HTTP/1.1\r\n" HOST "\r\n",
                     414);
    assert_true(front_await(
        scene.front, ": 414: the request is too large: --max-head is 200000"));
    end(&scene);
}

static void a_head_may_be_as_short_as_is_said(void **state)
{
    static const char *const options[] = {"--max-head", "1024", NULL};
    struct scene scene = begin(options);
    (void)state;
    assert_head_limit(&scene, 1024, 200);
    assert_head_limit(&scene, 1025, 431);
    end(&scene);
}

/* Of an application that answers with a head of some 3,000 bytes. */
static void assert_answer_head(const char *limit, int status)
{
    const char *const options[] = {"--max-answer-head", limit, NULL};
    static char head[3001];
    (void)snprintf(head, sizeof(head), "X-Long: %0*d\r\n\r\n", 2900, 0);
    const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST,
        FAKE_STEP(RECORD, WIRE_STDOUT, head, strlen(head)),
        FAKE_ANSWER("hello")};
    struct scene scene =
        begin_with("fcgi-gateway", FAKE_RUN(FAKE_UNIX, steps), options);
    assert_status(&scene, GET, status);
    assert_int_equal(front_has_said(scene.front,
                                    "GET /: 502: head of the response is over "
                                    "its limit: --max-answer-head is 2048"),
                     status == 502);
    end(&scene);
}

static void the_head_of_an_answer_may_be_as_long_as_is_said(void **state)
{
    (void)state;
    assert_answer_head("4096", 200);
    assert_answer_head("2048", 502);
}

static void a_body_that_is_too_long_is_told_with_its_limit(void **state)
{
    static const char *const options[] = {"--gather", "4", NULL};
    struct scene scene = begin(options);
    (void)state;
    assert_status(&scene,
                  "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
                  "\r\n5\r\nhello\r\n0\r\n\r\n",
                  413);
    assert_true(front_await(scene.front, "--gather is 4"));
    end(&scene);
}

/*
 * What is handed on as it came.
 */

/* To a socket of IPv6, a client of IPv4 has an address of IPv6. */
static void a_client_of_ipv4_has_an_address_of_ipv4(void **state)
{
    static const char *const options[] = {"--listen", "[::]:0", "--access-log",
                                          NULL};
    char address[64];
    (void)state;
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    if (fd < 0 || close(fd) != 0) {
        skip();
    }
    struct scene scene = begin(options);
    struct web_answer answer;
    (void)snprintf(address, sizeof(address), "127.0.0.1%s",
                   strrchr(front_address(scene.front), ':'));
    web_ask(address, GET, &answer);
    assert_int_equal(answer.status, 200);
    web_answer_free(&answer);
    assert_variable(&scene, 0, "REMOTE_ADDR", "127.0.0.1");
    assert_variable(&scene, 0, "SERVER_ADDR", "127.0.0.1");
    assert_true(front_await(scene.front, "\n127.0.0.1 - - ["));
    end(&scene);
}

static void assert_hands_on_methods(const char *program)
{
    static const char *const methods[] = {"BAN", "QUERY", "VERSION-CONTROL",
                                          "BREW", "PROPFIND"};
    struct scene scene = begin_with(program, fake_serve(FAKE_UNIX), NULL);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        char text[100];
        (void)snprintf(text, sizeof(text),
                       "%s / HTTP/1.1\r\n" HOST
                       "Content-Length: 5\r\n\r\nhello",
                       methods[i]);
        assert_status(&scene, text, 200);
        assert_variable(&scene, i, "REQUEST_METHOD", methods[i]);
        assert_variable(&scene, i, "CONTENT_LENGTH", "5");
    }
    end(&scene);
}

static void fcgi_gateway_hands_on_any_method(void **state)
{
    (void)state;
    assert_hands_on_methods("fcgi-gateway");
}

static void gateway_threads_hands_on_any_method(void **state)
{
    (void)state;
    assert_hands_on_methods("gateway-threads");
}

static void assert_hands_on_bytes(const char *program)
{
    struct scene scene = begin_with(program, fake_serve(FAKE_UNIX), NULL);
    assert_status(&scene,
                  "GET /caf\xc3\xa9?q=\xe9\xff HTTP/1.1\r\n" HOST "\r\n", 200);
    assert_variable(&scene, 0, "REQUEST_URI", "/caf\xc3\xa9?q=\xe9\xff");
    assert_variable(&scene, 0, "QUERY_STRING", "q=\xe9\xff");
    end(&scene);
}

static void fcgi_gateway_hands_on_bytes_above_ascii(void **state)
{
    (void)state;
    assert_hands_on_bytes("fcgi-gateway");
}

static void gateway_threads_hands_on_bytes_above_ascii(void **state)
{
    (void)state;
    assert_hands_on_bytes("gateway-threads");
}

/* As a proxy is asked, or a server that is asked as one. */
static void a_target_in_absolute_form_is_known_by_its_path(void **state)
{
    struct scene scene = begin(NULL);
    (void)state;
    assert_status(&scene,
                  "GET http://shop.test/cart/7?x=1 HTTP/1.1\r\n" HOST "\r\n",
                  200);
    assert_variable(&scene, 0, "REQUEST_URI", "/cart/7?x=1");
    assert_variable(&scene, 0, "QUERY_STRING", "x=1");
    end(&scene);
}

/*
 * Clients that close their side.
 */

static const struct fake_step pausing[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                           FAKE_PAUSE,
                                           FAKE_ANSWER("X: y\r\n\r\nhello")};

static struct web *half_close(const struct scene *scene, const char *text)
{
    struct web *web = web_open(front_address(scene->front));
    (void)web_send(web, text);
    assert_int_equal(shutdown(web_fd(web), SHUT_WR), 0);
    return web;
}

static void assert_hello(struct web *web)
{
    struct web_answer answer;
    web_read(web, &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "hello");
    web_answer_free(&answer);
}

static void assert_serves_half_closed(const char *program)
{
    struct scene scene =
        begin_with(program, FAKE_RUN(FAKE_UNIX, pausing), NULL);
    struct web *web = half_close(&scene, GET);
    fake_await(scene.app, FAKE_PAUSED, 1);
    fake_go(scene.app);
    assert_hello(web);
    assert_true(web_await_close(web));
    web_close(web);
    end(&scene);
}

static void fcgi_gateway_answers_a_client_that_sends_no_more(void **state)
{
    (void)state;
    assert_serves_half_closed("fcgi-gateway");
}

static void gateway_threads_answers_a_client_that_sends_no_more(void **state)
{
    (void)state;
    assert_serves_half_closed("gateway-threads");
}

static void all_that_a_client_has_asked_is_answered(void **state)
{
    struct scene scene = begin(NULL);
    (void)state;
    struct web *web = half_close(&scene, GET GET GET);
    for (int i = 0; i < 3; i++) {
        assert_hello(web);
    }
    assert_true(web_await_close(web));
    web_close(web);
    end(&scene);
}

/* It may have left: only its answer to something that is sent tells. */
static void a_client_that_sends_no_more_is_probed(void **state)
{
    (void)state;
    struct scene scene =
        begin_with("fcgi-gateway", FAKE_RUN(FAKE_UNIX, pausing), NULL);
    struct web *web = half_close(&scene, GET);
    struct web_answer answer;
    for (int i = 0; i < 2; i++) {
        web_read(web, &answer);
        assert_int_equal(answer.status, 102);
        web_answer_free(&answer);
    }
    fake_go(scene.app);
    assert_hello(web);
    web_close(web);
    end(&scene);
}

/* HTTP/1.0 has nothing to probe with. */
static void a_client_of_http_1_0_is_answered_unprobed(void **state)
{
    (void)state;
    struct scene scene =
        begin_with("fcgi-gateway", FAKE_RUN(FAKE_UNIX, pausing), NULL);
    struct web *web = half_close(&scene, "GET / HTTP/1.0\r\n\r\n");
    assert_false(web_hears(web, 2500));
    fake_go(scene.app);
    assert_hello(web);
    web_close(web);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fcgi_gateway_sets_variables),
        cmocka_unit_test(gateway_threads_sets_variables),
        cmocka_unit_test(a_connection_has_so_many_requests),
        cmocka_unit_test(a_connection_is_kept_for_so_long),
        cmocka_unit_test(no_connection_is_kept_where_none_may_be),
        cmocka_unit_test(no_request_waits_for_work_behind_an_answer),
        cmocka_unit_test(fcgi_gateway_takes_large_requests),
        cmocka_unit_test(gateway_threads_takes_large_requests),
        cmocka_unit_test(fcgi_gateway_takes_a_large_answer),
        cmocka_unit_test(gateway_threads_takes_a_large_answer),
        cmocka_unit_test(a_head_may_be_as_long_as_is_said),
        cmocka_unit_test(a_head_may_be_as_short_as_is_said),
        cmocka_unit_test(the_head_of_an_answer_may_be_as_long_as_is_said),
        cmocka_unit_test(a_body_that_is_too_long_is_told_with_its_limit),
        cmocka_unit_test(a_client_of_ipv4_has_an_address_of_ipv4),
        cmocka_unit_test(fcgi_gateway_hands_on_any_method),
        cmocka_unit_test(gateway_threads_hands_on_any_method),
        cmocka_unit_test(fcgi_gateway_hands_on_bytes_above_ascii),
        cmocka_unit_test(gateway_threads_hands_on_bytes_above_ascii),
        cmocka_unit_test(a_target_in_absolute_form_is_known_by_its_path),
        cmocka_unit_test(fcgi_gateway_answers_a_client_that_sends_no_more),
        cmocka_unit_test(gateway_threads_answers_a_client_that_sends_no_more),
        cmocka_unit_test(all_that_a_client_has_asked_is_answered),
        cmocka_unit_test(a_client_that_sends_no_more_is_probed),
        cmocka_unit_test(a_client_of_http_1_0_is_answered_unprobed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
