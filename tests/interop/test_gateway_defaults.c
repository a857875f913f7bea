/*
 * What holds for a client at its defaults holds through both gateways among the
 * examples: nothing runs twice, nobody starves. In front of PHP-FPM, of uWSGI,
 * which closes after each answer, and of libfcgi programs that serve one
 * connection at a time.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcgi_client.h>

#include "app.h"
#include "ask.h"
#include "fake.h"
#include "front.h"
#include "pattern.h"
#include "php_fpm.h"
#include "process.h"
#include "program.h"
#include "run_log.h"
#include "uwsgi.h"
#include "web.h"

#define HOST "Host: test\r\n"
#define MEGABYTE ((size_t)1024 * 1024)

static struct front *start_front(const char *program, const char *upstream,
                                 const char *option)
{
    char *root = php_fpm_script("");
    const char *const options[] = {option, NULL};
    struct front *front = front_start(program, upstream, root, options);
    free(root);
    if (front == NULL) {
        print_message("there is no %s\n", program);
        skip();
    }
    return front;
}

/* ---- nothing runs twice ------------------------------------------------- */

#define VISITORS 10
#define KILLED_S 2

struct visitor {
    pthread_t thread;
    const struct front *front;
    const char *query;
    int number;
    int status;
};

static void *think_and_post(void *context)
{
    struct visitor *v = context;
    struct web_answer answer;
    web_ask(front_address(v->front), "GET /hello.php HTTP/1.1\r\n" HOST "\r\n",
            &answer);
    web_answer_free(&answer);
    pass_ms(1500);
    struct web *web = web_open(front_address(v->front));
    (void)web_sendf(web,
                    "POST /runs.php?%s&n=%d HTTP/1.1\r\n" HOST
                    "Content-Length: 6\r\n\r\n10 EUR",
                    v->query, v->number);
    web_read(web, &answer);
    v->status = answer.status;
    web_answer_free(&answer);
    web_close(web);
    return NULL;
}

/* PHP-FPM counts the pause against request_terminate_timeout. */
static void posts_behind_a_pause_run_once(const char *program)
{
    static const struct php_fpm_options options = {.max_children = 2 * VISITORS,
                                                   .terminate_s = KILLED_S};
    struct visitor visitors[VISITORS];
    if (!php_fpm_installed()) {
        skip();
    }
    struct php_fpm *fpm = php_fpm_start(&options);
    struct front *front = start_front(program, php_fpm_address(fpm), NULL);
    struct run_log *log = run_log_new();
    for (int i = 0; i < VISITORS; i++) {
        visitors[i] = (struct visitor){
            .front = front, .query = run_log_query(log, 1600), .number = i};
        assert_int_equal(pthread_create(&visitors[i].thread, NULL,
                                        think_and_post, &visitors[i]),
                         0);
    }
    for (int i = 0; i < VISITORS; i++) {
        assert_int_equal(pthread_join(visitors[i].thread, NULL), 0);
        assert_int_equal(visitors[i].status, 200);
    }
    assert_int_equal(run_log_begun(log), VISITORS);
    assert_int_equal(run_log_repeated(log), 0);
    run_log_free(log);
    assert_true(front_stop(front));
    php_fpm_stop(fpm);
}

static void through_fcgi_gateway_a_post_behind_a_pause_runs_once(void **state)
{
    (void)state;
    posts_behind_a_pause_run_once("fcgi-gateway");
}

static void
through_gateway_threads_a_post_behind_a_pause_runs_once(void **state)
{
    (void)state;
    posts_behind_a_pause_run_once("gateway-threads");
}

/* ---- applications that close -------------------------------------------- */

#define UPLOADS 200

static int get(struct web *web)
{
    struct web_answer answer;
    (void)web_send(web, "GET /a.php HTTP/1.1\r\n" HOST "\r\n");
    web_read(web, &answer);
    int status = answer.status;
    web_answer_free(&answer);
    return status;
}

static int upload(struct web *web, const char *body)
{
    struct web_answer answer;
    (void)web_sendf(
        web, "POST /a.php HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
        MEGABYTE);
    (void)web_send_bytes(web, body, MEGABYTE);
    web_read(web, &answer);
    int status = answer.status;
    web_answer_free(&answer);
    return status;
}

static void uploads_right_behind_gets_reach_uwsgi(void **state)
{
    (void)state;
    if (!uwsgi_installed()) {
        skip();
    }
    struct uwsgi *uwsgi = uwsgi_start();
    struct front *front =
        start_front("fcgi-gateway", uwsgi_address(uwsgi), NULL);
    struct web *web = web_open(front_address(front));
    char *body = pattern_make(MEGABYTE);
    for (int i = 0; i < UPLOADS; i++) {
        assert_int_equal(get(web), 200);
        assert_int_equal(upload(web, body), 200);
    }
    free(body);
    web_close(web);
    assert_true(front_stop(front));
    uwsgi_stop(uwsgi);
}

/* It closes while the next request is already on its way. */
static void
uploads_reach_an_application_that_closes_a_moment_later(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_SERVE_TIMES(1),
                                              FAKE_PAUSE, FAKE_CLOSE};
    (void)state;
    struct fake *app = FAKE_RUN(FAKE_UNIX, script);
    struct front *front = start_front("fcgi-gateway", fake_address(app), NULL);
    struct web *web = web_open(front_address(front));
    char *body = pattern_make(MEGABYTE);
    for (int i = 0; i < UPLOADS; i++) {
        assert_int_equal(get(web), 200);
        fake_go(app);
        assert_int_equal(upload(web, body), 200);
        fake_go(app);
    }
    free(body);
    web_close(web);
    assert_true(front_stop(front));
    fake_stop(app);
}

static void uwsgi_is_seldom_sent_a_request_over_what_it_closed(void **state)
{
    struct fcgi_client *client;
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    (void)state;
    if (!uwsgi_installed()) {
        skip();
    }
    struct uwsgi *uwsgi = uwsgi_start();
    assert_code(fcgi_client_new(&client, uwsgi_address(uwsgi), NULL), FCGI_OK);
    for (int i = 0; i < 1000; i++) {
        assert_code(fcgi_client_do(client, &request, &response), FCGI_OK);
    }
    print_message("%d sent again\n", (int)stats_of(client).retries);
    assert_in_range(stats_of(client).retries, 0, 20);
    assert_in_range(stats_of(client).dials, 1000, 1020);
    fcgi_response_free(&response);
    fcgi_client_free(client);
    uwsgi_stop(uwsgi);
}

/* ---- applications that serve one connection at a time -------------------- */

#define ASKERS 4
#define ASKS 5

struct asker {
    pthread_t thread;
    const struct front *front;
    int failed;
    int64_t worst_ms;
};

static void *ask_some(void *context)
{
    struct asker *a = context;
    for (int i = 0; i < ASKS; i++) {
        struct web_answer answer;
        int64_t began = now_ms();
        web_ask(front_address(a->front), "GET / HTTP/1.1\r\n" HOST "\r\n",
                &answer);
        int64_t took = now_ms() - began;
        a->failed += answer.status != 200;
        a->worst_ms = took > a->worst_ms ? took : a->worst_ms;
        web_answer_free(&answer);
    }
    return NULL;
}

static void assert_shared(const char *application, const char *option)
{
    struct asker askers[ASKERS];
    char *path = program_built(application);
    if (path == NULL) {
        skip();
    }
    struct app *app = app_start(path, false);
    struct front *front = start_front("fcgi-gateway", app_address(app), option);
    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){.front = front};
        assert_int_equal(
            pthread_create(&askers[i].thread, NULL, ask_some, &askers[i]), 0);
    }
    for (int i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        print_message("worst %d ms\n", (int)askers[i].worst_ms);
        assert_int_equal(askers[i].failed, 0);
        assert_in_range(askers[i].worst_ms, 0, 300);
    }
    assert_true(front_stop(front));
    app_stop(app);
    free(path);
}

static void four_clients_share_one_process(void **state)
{
    (void)state;
    assert_shared("app_libfcgi", NULL);
}

/* A thread whose connection is kept waits behind the one that accepts, which
 * holds the lock until somebody connects: such a program cannot serve kept
 * connections. */
static void four_clients_share_threads_that_take_turns_to_accept(void **state)
{
    (void)state;
    assert_shared("app_threads", "--no-keep");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(through_fcgi_gateway_a_post_behind_a_pause_runs_once),
        cmocka_unit_test(
            through_gateway_threads_a_post_behind_a_pause_runs_once),
        cmocka_unit_test(uploads_right_behind_gets_reach_uwsgi),
        cmocka_unit_test(
            uploads_reach_an_application_that_closes_a_moment_later),
        cmocka_unit_test(uwsgi_is_seldom_sent_a_request_over_what_it_closed),
        cmocka_unit_test(four_clients_share_one_process),
        cmocka_unit_test(four_clients_share_threads_that_take_turns_to_accept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
