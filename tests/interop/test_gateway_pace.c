/*
 * Time that others take of fcgi-gateway: a client that is slow holds no part of
 * the application while its request is gathered, and is given up where it does
 * not keep the least rate; an application has a limit for the whole of an
 * answer.
 */
#define _POSIX_C_SOURCE 200809L

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
#include "pattern.h"
#include "php_fpm.h"
#include "process.h"
#include "site.h"
#include "web.h"

#define HOST "Host: test\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST "\r\n"
#define POST "POST / HTTP/1.1\r\n" HOST

#define MEGABYTE ((size_t)1024 * 1024)

/* What goes on for longer does not end. */
#define ENDLESS_MS 8000

/*
 * Uploads that are gathered.
 */

#define CHILDREN 2

static void slow_uploads_hold_no_child_of_php(void **state)
{
    static const struct php_fpm_options children = {.max_children = CHILDREN};
    static const char *const options[] = {"--timeout", "3", NULL};
    struct web *slow[CHILDREN];
    struct web_answer answer;
    if (!php_fpm_installed()) {
        skip();
    }
    struct php_fpm *fpm = php_fpm_start(&children);
    struct front *front = site_gateway(state, php_fpm_address(fpm), options);
    for (int i = 0; i < CHILDREN; i++) {
        slow[i] = web_open(front_address(front));
        (void)web_send(slow[i], "POST /hash.php HTTP/1.1\r\n" HOST
                                "Content-Length: 10\r\n\r\n1");
    }
    int64_t began = now_ms();
    web_ask(front_address(front), "GET /server.php HTTP/1.1\r\n" HOST "\r\n",
            &answer);
    assert_int_equal(answer.status, 200);
    assert_true(now_ms() - began < 1000);
    web_answer_free(&answer);
    for (int i = 0; i < CHILDREN; i++) {
        (void)web_send(slow[i], "234567890");
        web_read(slow[i], &answer);
        assert_int_equal(answer.status, 200);
        assert_int_equal(strncmp(answer.body, "10 ", 3), 0);
        web_answer_free(&answer);
        web_close(slow[i]);
    }
    assert_true(front_stop(front));
    php_fpm_stop(fpm);
}

/* Of each kind: the application is not asked before the end has come. */
static void a_body_is_gathered_before_the_application_is_asked(void **state)
{
    static const char *const begins[] = {
        POST "Content-Length: 5\r\n\r\nhell",
        POST "Transfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n1\r\n",
    };
    static const char *const ends[] = {"o", "o\r\n0\r\n\r\n"};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct front *front = site_gateway(state, fake_address(app), NULL);
    for (size_t i = 0; i < 2; i++) {
        struct web *web = web_open(front_address(front));
        struct web_answer answer;
        (void)web_send(web, begins[i]);
        /* What others ask behind it is answered before. */
        web_ask(front_address(front), GET, &answer);
        web_answer_free(&answer);
        assert_int_equal(fake_count(app, FAKE_BEGUN), 2 * i + 1);
        (void)web_send(web, ends[i]);
        web_read(web, &answer);
        assert_string_equal(answer.body, "hello");
        web_answer_free(&answer);
        web_close(web);
    }
    assert_true(front_stop(front));
    fake_stop(app);
}

/*
 * The least rate.
 */

/* What a client sends at a time, so slowly that it is given up. */
struct drip {
    const char *begin;
    const char *drop;
};

static const struct drip drips[] = {
    {"GET / HTTP/1.1\r\nX: ", "x"},
    {POST "Content-Length: 1000\r\n\r\n", "x"},
    {POST "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"},
    {POST "Content-Length: 1000000\r\n\r\n", "x"},
};

#define DRIPS (sizeof(drips) / sizeof(drips[0]))

/* Let each drip until all have been told something, or for far too long. */
static void drip(struct web **webs, int64_t *took)
{
    int64_t began = now_ms();
    size_t left = DRIPS;
    while (left > 0 && now_ms() - began < ENDLESS_MS) {
        for (size_t i = 0; i < DRIPS; i++) {
            if (took[i] == 0 && web_hears(webs[i], 0)) {
                took[i] = now_ms() - began;
                left -= 1;
            } else if (took[i] == 0) {
                (void)web_send(webs[i], drips[i].drop);
            }
        }
        pass_ms(50);
    }
}

/* A byte or so each 50 ms, as a head, in a body that is gathered, and in one
 * that is handed on. */
static void a_client_below_the_least_rate_is_given_up(void **state)
{
    static const char *const options[] = {"--client-timeout", "1", "--gather",
                                          "1000", NULL};
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_READ_REQUEST};
    struct fake *app = FAKE_RUN(FAKE_UNIX, steps);
    struct front *front = site_gateway(state, fake_address(app), options);
    struct web *webs[DRIPS];
    int64_t took[DRIPS] = {0};
    for (size_t i = 0; i < DRIPS; i++) {
        webs[i] = web_open(front_address(front));
        (void)web_send(webs[i], drips[i].begin);
    }
    drip(webs, took);
    for (size_t i = 0; i < DRIPS; i++) {
        struct web_answer answer;
        print_message("%d ms: %.40s\n", (int)took[i], drips[i].begin);
        assert_in_range(took[i], 900, 900 + 5000);
        web_read(webs[i], &answer);
        assert_int_equal(answer.status, 408);
        web_answer_free(&answer);
        web_close(webs[i]);
    }
    assert_int_equal(fake_count(app, FAKE_BEGUN), 1);
    fake_await(app, FAKE_LEFT, 1);
    assert_true(front_stop(front));
    fake_stop(app);
}

/* For nearly twice the client's time; what it sends is handed on. */
static void send_at(struct web *web, size_t bytes, size_t *sent)
{
    char piece[200];
    int64_t began = now_ms();
    memset(piece, 'x', sizeof(piece));
    *sent = 0;
    while (now_ms() - began < 1800) {
        (void)web_send_bytes(web, piece, bytes);
        *sent += bytes;
        pass_ms(50);
    }
}

static void assert_goes_on(void **state, const char *const *options,
                           size_t bytes)
{
    struct fake *app = fake_serve(FAKE_UNIX);
    struct front *front = site_gateway(state, fake_address(app), options);
    struct web *web = web_open(front_address(front));
    struct web_answer answer;
    size_t sent;
    (void)web_send(web, POST "Content-Length: 100000\r\n\r\n");
    send_at(web, bytes, &sent);
    assert_false(web_hears(web, 0));
    char *rest = calloc(1, 100000 - sent);
    (void)web_send_bytes(web, rest, 100000 - sent);
    web_read(web, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.len, 100000);
    free(rest);
    web_answer_free(&answer);
    web_close(web);
    assert_true(front_stop(front));
    fake_stop(app);
}

/* 200 bytes each 50 ms, or not quite so often: far more than 500 a second. */
static void a_client_that_keeps_the_least_rate_goes_on(void **state)
{
    static const char *const options[] = {"--client-timeout", "1", "--gather",
                                          "0", NULL};
    assert_goes_on(state, options, 200);
}

static void without_a_least_rate_a_client_has_but_to_move(void **state)
{
    static const char *const options[] = {
        "--client-timeout", "1", "--gather", "0", "--least-rate", "0", NULL};
    assert_goes_on(state, options, 1);
}

/* The gateway has no room for more, and does not wait for the client. */
static void a_client_is_not_blamed_for_a_slow_application(void **state)
{
    static const char *const options[] = {"--client-timeout", "1", "--gather",
                                          "0", NULL};
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_READ_PARAMS,
                                             FAKE_PAUSE, FAKE_READ_REQUEST,
                                             FAKE_ANSWER("X: y\r\n\r\nread")};
    struct fake *app = FAKE_RUN(FAKE_UNIX, steps);
    struct front *front = site_gateway(state, fake_address(app), options);
    struct web *web = web_open(front_address(front));
    struct web_answer answer;
    char *body = pattern_make(MEGABYTE);
    (void)web_sendf(web, POST "Content-Length: %zu\r\n\r\n", MEGABYTE);
    (void)web_send_bytes(web, body, MEGABYTE);
    fake_await(app, FAKE_PAUSED, 1);
    pass_ms(1300);
    assert_false(web_hears(web, 0));
    fake_go(app);
    web_read(web, &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "read");
    free(body);
    web_answer_free(&answer);
    web_close(web);
    assert_true(front_stop(front));
    fake_stop(app);
}

/*
 * Readers.
 */

/* More than is read, and than the sockets hold. */
#define LARGE (48 * MEGABYTE)

/* Read at most 3.2 MB a second until the application is rid of it; returns how
 * long that took. So fast, since the sockets hold megabytes, and the gateway
 * sees no move before a good part of these has been read. */
static int64_t read_slowly(struct web *web, struct fake *app)
{
    static char room[128 * 1024];
    int64_t began = now_ms();
    while (fake_count(app, FAKE_LEFT) == 0 && now_ms() - began < ENDLESS_MS) {
        (void)recv(web_fd(web), room, sizeof(room), MSG_DONTWAIT);
        pass_ms(40);
    }
    return now_ms() - began;
}

static void a_reader_below_the_least_rate_is_given_up(void **state)
{
    static const char *const options[] = {"--client-timeout", "1",
                                          "--least-rate", "10000000", NULL};
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                             FAKE_STDOUT("X: y\r\n\r\n"),
                                             FAKE_BODY(LARGE)};
    struct fake *app = FAKE_RUN(FAKE_UNIX, steps);
    struct front *front = site_gateway(state, fake_address(app), options);
    struct web *web = web_open(front_address(front));
    (void)web_send(web, GET);
    int64_t took = read_slowly(web, app);
    print_message("%d ms\n", (int)took);
    assert_in_range(took, 900, 900 + 5000);
    web_close(web);
    assert_true(front_stop(front));
    fake_stop(app);
}

/*
 * Applications.
 */

#define DRIBBLE FAKE_PAUSE, FAKE_STDOUT("more")
#define DRIBBLES DRIBBLE, DRIBBLE, DRIBBLE, DRIBBLE, DRIBBLE, DRIBBLE

/* It sends something each 100 ms, and would never end. */
static void an_answer_has_a_limit_for_the_whole(void **state)
{
    static const char *const options[] = {"--total", "1", "--access-log", NULL};
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_STDOUT("X: y\r\n\r\n"),
        DRIBBLES,    DRIBBLES,          DRIBBLES,
        DRIBBLES,    DRIBBLES,          DRIBBLES,
        DRIBBLES,    DRIBBLES};
    struct fake *app = FAKE_RUN(FAKE_UNIX, steps);
    struct front *front = site_gateway(state, fake_address(app), options);
    struct web *web = web_open(front_address(front));
    struct web_answer answer;
    int64_t began = now_ms();
    (void)web_send(web, GET);
    for (int i = 0; i < 40 && fake_count(app, FAKE_LEFT) == 0; i++) {
        fake_go(app);
        pass_ms(100);
    }
    assert_true(elapsed(began, 900));
    assert_int_equal(fake_count(app, FAKE_LEFT), 1);
    web_read(web, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(answer.cut);
    assert_true(front_await(front, "\"FCGI_ERR_DEADLINE\"\n"));
    web_answer_free(&answer);
    web_close(web);
    assert_true(front_stop(front));
    fake_stop(app);
}

/* Its only connection is taken: the second client waits for it. */
static void waiting_for_a_connection_counts_for_the_whole(void **state)
{
    static const char *const options[] = {"--total", "1", "--connections", "1",
                                          NULL};
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                             FAKE_STDOUT("X: y\r\n\r\n"),
                                             FAKE_PAUSE};
    struct fake *app = FAKE_RUN(FAKE_UNIX, steps);
    struct front *front = site_gateway(state, fake_address(app), options);
    struct web *first = web_open(front_address(front));
    struct web_answer answer;
    (void)web_send(first, GET);
    fake_await(app, FAKE_PAUSED, 1);
    int64_t began = now_ms();
    web_ask(front_address(front), GET, &answer);
    /* The first may be given up a moment earlier: its place is free then. */
    assert_true(answer.status == 504 || answer.status == 503 || answer.cut);
    assert_true(now_ms() - began < 1000 + 5000);
    web_answer_free(&answer);
    web_close(first);
    assert_true(front_stop(front));
    fake_stop(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_uploads_hold_no_child_of_php),
        cmocka_unit_test(a_body_is_gathered_before_the_application_is_asked),
        cmocka_unit_test(a_client_below_the_least_rate_is_given_up),
        cmocka_unit_test(a_client_that_keeps_the_least_rate_goes_on),
        cmocka_unit_test(without_a_least_rate_a_client_has_but_to_move),
        cmocka_unit_test(a_client_is_not_blamed_for_a_slow_application),
        cmocka_unit_test(a_reader_below_the_least_rate_is_given_up),
        cmocka_unit_test(an_answer_has_a_limit_for_the_whole),
        cmocka_unit_test(waiting_for_a_connection_counts_for_the_whole),
    };
    return cmocka_run_group_tests(tests, site_finds_gateway, NULL);
}
