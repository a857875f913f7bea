/*
 * What the event-driven gateway does beyond answering: it streams, holds back,
 * lets go of clients that leave, keeps connections, survives restarts of the
 * application, and stops when it is told.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "app.h"
#include "fake.h"
#include "front.h"
#include "pattern.h"
#include "php_fpm.h"
#include "process.h"
#include "program.h"
#include "temp.h"
#include "web.h"

#define HOST "Host: test\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST "\r\n"
#define LARGE ((size_t)64 * 1024 * 1024)

/* What the largest body may add to its memory, in KiB. */
#define GROWTH_KIB 4096

static struct front *start(void **state, const char *upstream,
                           const char *const *options)
{
    if (*state == NULL) {
        skip();
        return NULL;
    }
    char *root = php_fpm_script("");
    struct front *front = front_start("fcgi-gateway", upstream, root, options);
    free(root);
    return front;
}

static void assert_get(const struct front *front, const char *target,
                       int status)
{
    struct web *web = web_open(front_address(front));
    struct web_answer answer;
    (void)web_sendf(web, "GET %s HTTP/1.1\r\n" HOST "\r\n", target);
    web_read(web, &answer);
    assert_int_equal(answer.status, status);
    web_answer_free(&answer);
    web_close(web);
}

/*
 * Connections.
 */

static void requests_of_different_clients_share_a_connection(void **state)
{
    struct fake *app = fake_serve(FAKE_UNIX);
    struct front *front = start(state, fake_address(app), NULL);
    for (int i = 0; i < 10; i++) {
        assert_get(front, "/", 200);
    }
    assert_int_equal(fake_count(app, FAKE_ACCEPTED), 1);
    assert_true(front_stop(front));
    fake_stop(app);
}

static void clients_wait_for_a_connection_where_there_may_be_one(void **state)
{
    static const char *const options[] = {"--connections", "1", NULL};
    struct fake *app = fake_serve(FAKE_TCP);
    struct front *front = start(state, fake_address(app), options);
    struct web *webs[20];
    for (int i = 0; i < 20; i++) {
        webs[i] = web_open(front_address(front));
        (void)web_send(webs[i], GET);
    }
    for (int i = 0; i < 20; i++) {
        struct web_answer answer;
        web_read(webs[i], &answer);
        assert_int_equal(answer.status, 200);
        web_answer_free(&answer);
        web_close(webs[i]);
    }
    assert_int_equal(fake_count(app, FAKE_ACCEPTED), 1);
    assert_true(front_stop(front));
    fake_stop(app);
}

static void a_restart_of_the_application_is_not_noticed(void **state)
{
    struct fake *app = fake_serve(FAKE_UNIX);
    struct front *front = start(state, fake_address(app), NULL);
    for (int i = 0; i < 5; i++) {
        assert_get(front, "/", 200);
        fake_restart(app);
    }
    assert_int_equal(fake_count(app, FAKE_ANSWERED), 5);
    assert_true(front_stop(front));
    fake_stop(app);
}

static void php_may_start_later_and_go_and_come_again(void **state)
{
    static const struct php_fpm_options options = {.max_children = 2};
    if (!php_fpm_installed()) {
        skip();
    }
    struct php_fpm *fpm = php_fpm_start(&options);
    php_fpm_down(fpm);
    struct front *front = start(state, php_fpm_address(fpm), NULL);
    for (int i = 0; i < 2; i++) {
        assert_get(front, "/server.php", 502);
        assert_true(front_await(front, "could not connect: "));
        php_fpm_up(fpm);
        assert_get(front, "/server.php", 200);
        php_fpm_down(fpm);
    }
    assert_true(front_stop(front));
    php_fpm_stop(fpm);
}

/* The descriptors of connections that were closed come up again, for clients
 * and for the application by turns. */
static void descriptors_that_come_up_again_are_watched(void **state)
{
    struct fake *app = fake_serve(FAKE_UNIX);
    struct front *front = start(state, fake_address(app), NULL);
    for (int round = 0; round < 20; round++) {
        struct web *webs[8];
        for (int i = 0; i < 8; i++) {
            webs[i] = web_open(front_address(front));
            (void)web_send(webs[i], GET);
        }
        for (int i = 0; i < 8; i++) {
            struct web_answer answer;
            web_read(webs[i], &answer);
            assert_int_equal(answer.status, 200);
            web_answer_free(&answer);
        }
        if (round % 3 == 0) {
            fake_restart(app);
        }
        for (int i = 0; i < 8; i++) {
            web_close(webs[i]);
        }
    }
    assert_true(front_stop(front));
    fake_stop(app);
}

/*
 * Clients that leave.
 */

/* An application that reads, and says nothing; a request is at work there. */
struct silent {
    struct fake *app;
    struct front *front;
    size_t descriptors; /* of the gateway, while nothing goes on */
    struct web *web;
};

/* Bodies are handed on as they come. */
static struct silent begin_silent(void **state, const struct fake_step *steps,
                                  size_t count)
{
    static const char *const options[] = {"--connections", "1", "--gather", "0",
                                          NULL};
    struct silent silent = {.app = fake_start(FAKE_UNIX, steps, count)};
    silent.front = start(state, fake_address(silent.app), options);
    silent.descriptors = front_descriptors(silent.front);
    silent.web = web_open(front_address(silent.front));
    return silent;
}

/* The application has seen the client leave, and all that it had is free, and
 * of use to others. */
static void end_silent(struct silent *silent)
{
    struct web *webs[4];
    assert_true(front_await_descriptors(silent->front, silent->descriptors));
    for (int i = 0; i < 4; i++) {
        webs[i] = web_open(front_address(silent->front));
        (void)web_send(webs[i], GET);
    }
    for (int i = 0; i < 4; i++) {
        struct web_answer answer;
        web_read(webs[i], &answer);
        assert_int_equal(answer.status, 200);
        web_answer_free(&answer);
        web_close(webs[i]);
    }
    assert_true(front_stop(silent->front));
    fake_stop(silent->app);
}

static void a_client_that_leaves_while_it_waits_frees_all(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                             FAKE_ACCEPT, FAKE_SERVE};
    struct silent silent = begin_silent(state, FAKE_STEPS(steps));
    (void)web_send(silent.web, GET);
    fake_await(silent.app, FAKE_ASKED, 1);
    web_close(silent.web);
    fake_await(silent.app, FAKE_ABORTED, 1);
    fake_await(silent.app, FAKE_LEFT, 1);
    end_silent(&silent);
}

static void a_client_that_is_torn_away_frees_all(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                             FAKE_ACCEPT, FAKE_SERVE};
    struct silent silent = begin_silent(state, FAKE_STEPS(steps));
    (void)web_send(silent.web, GET GET);
    fake_await(silent.app, FAKE_ASKED, 1);
    web_reset(silent.web);
    fake_await(silent.app, FAKE_LEFT, 1);
    end_silent(&silent);
}

static void a_client_that_leaves_amid_its_upload_frees_all(void **state)
{
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_PARAMS, FAKE_REACH, FAKE_ACCEPT, FAKE_SERVE};
    struct silent silent = begin_silent(state, FAKE_STEPS(steps));
    (void)web_send(silent.web, "POST / HTTP/1.1\r\n" HOST
                               "Content-Length: 1000000\r\n\r\nbegin");
    fake_await(silent.app, FAKE_REACHED, 1);
    web_close(silent.web);
    fake_await(silent.app, FAKE_LEFT, 1);
    end_silent(&silent);
}

static void a_client_that_leaves_amid_its_head_frees_all(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_SERVE};
    struct silent silent = begin_silent(state, FAKE_STEPS(steps));
    (void)web_send(silent.web, "GET / HTT");
    web_close(silent.web);
    end_silent(&silent);
}

static void a_client_that_leaves_amid_a_download_frees_all(void **state)
{
    static const struct fake_step steps[] = {
        FAKE_ACCEPT,      FAKE_READ_REQUEST, FAKE_STDOUT("X: y\r\n\r\n"),
        FAKE_BODY(LARGE), FAKE_ACCEPT,       FAKE_SERVE};
    struct silent silent = begin_silent(state, FAKE_STEPS(steps));
    (void)web_send(silent.web, GET);
    assert_true(web_await_text(silent.web, "X: y\r\n"));
    web_close(silent.web);
    fake_await(silent.app, FAKE_LEFT, 1);
    end_silent(&silent);
}

/*
 * Large bodies.
 */

static struct php_fpm *start_php(void)
{
    static const struct php_fpm_options options = {.max_children = 2,
                                                   .memory = "512M"};
    if (!php_fpm_installed()) {
        skip();
    }
    return php_fpm_start(&options);
}

static void send_pattern(struct web *web, size_t len)
{
    char *body = pattern_make(len);
    assert_true(web_send_bytes(web, body, len));
    free(body);
}

static void assert_hashed(const struct web_answer *answer, size_t len)
{
    char hash[17];
    char expected[64];
    pattern_hash(hash, len);
    (void)snprintf(expected, sizeof(expected), "%zu %s", len, hash);
    assert_string_equal(answer->body, expected);
}

static void assert_flat(const struct front *front, size_t before)
{
    size_t peak = front_peak(front);
    print_message("64 MiB: resident %zu KiB before, %zu KiB at the most\n",
                  before, peak);
    assert_in_range(peak, 0, before + GROWTH_KIB);
}

static void a_large_upload_costs_no_memory(void **state)
{
    struct php_fpm *fpm = start_php();
    struct front *front = start(state, php_fpm_address(fpm), NULL);
    struct web_answer answer;
    assert_get(front, "/hash.php", 200);
    size_t before = front_resident(front);
    struct web *web = web_open(front_address(front));
    (void)web_sendf(
        web, "PUT /hash.php HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
        LARGE);
    send_pattern(web, LARGE);
    web_read(web, &answer);
    assert_hashed(&answer, LARGE);
    assert_flat(front, before);
    web_answer_free(&answer);
    web_close(web);
    assert_true(front_stop(front));
    php_fpm_stop(fpm);
}

/* The client reads nothing until the application has said all it can. */
static void a_large_download_costs_no_memory(void **state)
{
    struct php_fpm *fpm = start_php();
    struct front *front = start(state, php_fpm_address(fpm), NULL);
    struct web_answer answer;
    assert_get(front, "/hash.php", 200);
    size_t before = front_resident(front);
    struct web *web = web_open(front_address(front));
    (void)web_sendf(web, "GET /pattern.php?lines=%zu HTTP/1.1\r\n" HOST "\r\n",
                    LARGE / 16);
    assert_true(web_await_text(web, "\r\n\r\n"));
    web_read(web, &answer);
    assert_int_equal(answer.len, LARGE);
    assert_true(pattern_matches(answer.body, 0, LARGE));
    assert_flat(front, before);
    web_answer_free(&answer);
    web_close(web);
    assert_true(front_stop(front));
    php_fpm_stop(fpm);
}

/* Wait until the application can send no more: nothing tells when that is. */
static size_t await_standstill(struct fake *app)
{
    size_t before = 0;
    size_t sent = fake_count(app, FAKE_REACHED);
    while (sent == 0 || sent > before) {
        before = sent;
        pass_ms(100);
        sent = fake_count(app, FAKE_REACHED);
    }
    return sent;
}

#define PARTS 64

static void a_slow_client_holds_the_application_back(void **state)
{
    static const struct fake_step part[] = {FAKE_BODY(LARGE / PARTS),
                                            FAKE_REACH};
    struct fake_step steps[3 + 2 * PARTS + 1] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                                 FAKE_STDOUT("X: y\r\n\r\n")};
    struct fake_step end = FAKE_END(WIRE_COMPLETE);
    for (size_t i = 0; i < PARTS; i++) {
        memcpy(&steps[3 + 2 * i], part, sizeof(part));
    }
    steps[3 + 2 * PARTS] = end;
    struct fake *app = FAKE_RUN(FAKE_UNIX, steps);
    struct front *front = start(state, fake_address(app), NULL);
    struct web *slow = web_open(front_address(front));
    struct web_answer answer;
    size_t before = front_resident(front);
    (void)web_send(slow, GET);
    assert_in_range(await_standstill(app), 1, PARTS / 2);
    /* Others are served meanwhile. */
    web_ask(front_address(front), "TRACE / HTTP/1.1\r\n\r\n", &answer);
    assert_int_equal(answer.status, 501);
    web_answer_free(&answer);
    assert_in_range(front_peak(front), 0, before + GROWTH_KIB);
    web_read(slow, &answer);
    assert_true(web_has_line(&answer, "Transfer-Encoding: chunked"));
    assert_int_equal(answer.len, LARGE);
    for (size_t at = 0; at < LARGE; at += LARGE / PARTS) {
        assert_true(pattern_matches(answer.body + at, 0, LARGE / PARTS));
    }
    web_answer_free(&answer);
    web_close(slow);
    assert_true(front_stop(front));
    fake_stop(app);
}

/*
 * Streaming: app_libfcgi hands back what it gets as it gets it.
 */

static struct app *start_libfcgi(void)
{
    char *path = program_built("app_libfcgi");
    if (path == NULL) {
        skip();
    }
    struct app *app = app_start(path, false);
    free(path);
    return app;
}

/* So that bodies are handed on as they come, as long ones always are. */
static const char *const gather_nothing[] = {"--gather", "0", NULL};

static void a_body_arrives_while_it_is_sent(void **state)
{
    struct app *app = start_libfcgi();
    struct front *front = start(state, app_address(app), gather_nothing);
    struct web *web = web_open(front_address(front));
    struct web_answer answer;
    (void)web_send(web, "POST / HTTP/1.1\r\n" HOST
                        "Content-Length: 10\r\n\r\nfirst");
    assert_true(web_await_text(web, "\n\nfirst"));
    (void)web_send(web, "later");
    web_read(web, &answer);
    assert_non_null(strstr(answer.body, "\n\nfirstlater"));
    web_answer_free(&answer);
    web_close(web);
    assert_true(front_stop(front));
    app_stop(app);
}

static void a_chunked_body_is_handed_on_where_that_is_wanted(void **state)
{
    static const char *const options[] = {"--stream-chunked", NULL};
    struct app *app = start_libfcgi();
    struct front *front = start(state, app_address(app), options);
    struct web *web = web_open(front_address(front));
    struct web_answer answer;
    (void)web_send(web, "POST / HTTP/1.1\r\n" HOST
                        "Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    assert_true(web_await_text(web, "\n\nfirst"));
    (void)web_send(web, "5\r\nlater\r\n0\r\n\r\n" GET);
    web_read(web, &answer);
    assert_non_null(strstr(answer.body, "\n\nfirstlater"));
    assert_null(strstr(answer.body, "CONTENT_LENGTH"));
    web_answer_free(&answer);
    web_read(web, &answer);
    assert_int_equal(answer.status, 200);
    web_answer_free(&answer);
    web_close(web);
    assert_true(front_stop(front));
    app_stop(app);
}

static void chunks_that_turn_out_malformed_cut_the_answer(void **state)
{
    static const char *const options[] = {"--stream-chunked", NULL};
    struct app *app = start_libfcgi();
    struct front *front = start(state, app_address(app), options);
    struct web *web = web_open(front_address(front));
    struct web_answer answer;
    (void)web_send(web, "POST / HTTP/1.1\r\n" HOST
                        "Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    assert_true(web_await_text(web, "\n\nfirst"));
    (void)web_send(web, "no chunk\r\n");
    web_read(web, &answer);
    assert_true(answer.cut);
    web_answer_free(&answer);
    web_close(web);
    assert_get(front, "/", 200);
    assert_true(front_stop(front));
    app_stop(app);
}

/* What is left of the body is read and dropped, for some seconds: to close at
 * once would take the answer from a client that still sends. */
static void an_answer_may_come_before_the_body_was_read(void **state)
{
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_PARAMS,
        FAKE_ANSWER("Status: 413 Too Large\r\n\r\ntoo large")};
    struct fake *app = FAKE_RUN(FAKE_UNIX, steps);
    struct front *front = start(state, fake_address(app), gather_nothing);
    struct web *web = web_open(front_address(front));
    struct web_answer answer;
    size_t len = LARGE / 16;
    (void)web_sendf(
        web, "POST / HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", len);
    web_read(web, &answer);
    assert_int_equal(answer.status, 413);
    assert_string_equal(answer.body, "too large");
    send_pattern(web, len);
    assert_true(web_await_close(web));
    web_answer_free(&answer);
    web_close(web);
    assert_true(front_stop(front));
    fake_stop(app);
}

static void a_failure_before_the_body_was_read_closes(void **state)
{
    struct front *front = start(state, "127.0.0.1:1", gather_nothing);
    struct web *web = web_open(front_address(front));
    struct web_answer answer;
    (void)web_send(web,
                   "POST / HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf");
    web_read(web, &answer);
    assert_int_equal(answer.status, 502);
    assert_true(web_has_line(&answer, "Connection: close"));
    (void)web_send(web, "rest");
    assert_true(web_await_close(web));
    web_answer_free(&answer);
    web_close(web);
    assert_true(front_stop(front));
}

/*
 * A thousand at a time.
 */

#define CROWD 1000

/* An application with a connection for each request, none of which it answers
 * before it has them all. */
struct hall {
    struct temp *folder;
    char address[128];
    int listener;
    int fds[CROWD];
    int ids[CROWD];
};

static void open_hall(struct hall *hall)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    hall->folder = temp_new();
    char *path = temp_path(hall->folder, "hall");
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    (void)snprintf(hall->address, sizeof(hall->address), "unix:%s", path);
    free(path);
    hall->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(hall->listener >= 0);
    assert_int_equal(bind(hall->listener, (const struct sockaddr *)&address,
                          sizeof(address)),
                     0);
    assert_int_equal(listen(hall->listener, CROWD), 0);
}

static void receive_request(struct hall *hall, int i)
{
    struct wire_request request = {0};
    uint8_t bytes[4096];
    hall->fds[i] = accept(hall->listener, NULL, NULL);
    assert_true(hall->fds[i] >= 0);
    /* It comes in one piece. */
    ssize_t got = recv(hall->fds[i], bytes, sizeof(bytes), 0);
    assert_true(got > 0);
    (void)wire_request_read(&request, bytes, (size_t)got);
    assert_int_equal(request.body_ends, 1);
    hall->ids[i] = request.id;
    wire_request_free(&request);
}

static void answer_request(struct hall *hall, int i)
{
    struct wire w = {0};
    wire_stdout(&w, hall->ids[i], "Content-Type: text/plain\r\n\r\nhello");
    wire_end(&w, hall->ids[i], 0, WIRE_COMPLETE);
    assert_int_equal(send(hall->fds[i], w.data, w.len, MSG_NOSIGNAL), w.len);
    wire_free(&w);
}

static void close_hall(struct hall *hall)
{
    for (int i = 0; i < CROWD; i++) {
        (void)close(hall->fds[i]);
    }
    (void)close(hall->listener);
    temp_free(hall->folder);
}

/* Room for the descriptors of both sides. */
static bool may_open(rlim_t count)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < count) {
        return false;
    }
    limit.rlim_cur = limit.rlim_cur < count ? count : limit.rlim_cur;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static void a_thousand_slow_requests_share_a_thread(void **state)
{
    static struct hall hall;
    static struct web *webs[CROWD];
    if (!may_open(CROWD * 3)) {
        skip();
    }
    open_hall(&hall);
    struct front *front = start(state, hall.address, NULL);
    size_t before = front_resident(front);
    for (int i = 0; i < CROWD; i++) {
        webs[i] = web_open(front_address(front));
        (void)web_send(webs[i], GET);
        receive_request(&hall, i);
    }
    size_t resident = front_resident(front);
    print_message("%d requests: resident %zu KiB, %zu bytes for each\n", CROWD,
                  resident, (resident - before) * 1024 / CROWD);
    for (int i = 0; i < CROWD; i++) {
        struct web_answer answer;
        answer_request(&hall, i);
        web_read(webs[i], &answer);
        assert_string_equal(answer.body, "hello");
        web_answer_free(&answer);
        web_close(webs[i]);
    }
    assert_true(front_stop(front));
    close_hall(&hall);
}

static void several_workers_share_the_clients(void **state)
{
    static const char *const options[] = {"--workers", "3", "--access-log",
                                          NULL};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct front *front = start(state, fake_address(app), options);
    for (int i = 0; i < 50; i++) {
        assert_get(front, "/", 200);
    }
    assert_true(front_await(front, "127.0.0.1 - - ["));
    assert_true(front_stop(front));
    fake_stop(app);
}

/*
 * Stopping.
 */

static void what_is_under_way_is_finished_before_it_stops(void **state)
{
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_PAUSE,
        FAKE_ANSWER("X: y\r\n\r\nfinished")};
    struct fake *app = FAKE_RUN(FAKE_UNIX, steps);
    struct front *front = start(state, fake_address(app), NULL);
    struct web *idle = web_open(front_address(front));
    struct web *busy = web_open(front_address(front));
    struct web_answer answer;
    (void)web_send(busy, GET);
    fake_await(app, FAKE_PAUSED, 1);
    front_tell(front);
    assert_true(web_await_close(idle));
    fake_go(app);
    web_read(busy, &answer);
    assert_string_equal(answer.body, "finished");
    assert_true(web_has_line(&answer, "Connection: close"));
    assert_true(web_await_close(busy));
    web_answer_free(&answer);
    web_close(busy);
    web_close(idle);
    assert_true(front_stop(front));
    fake_stop(app);
}

static int find_program(void **state)
{
    static char found[] = "";
    char *path = program_built("fcgi-gateway");
    *state = path == NULL ? NULL : found;
    free(path);
    return *state == NULL ? program_missing("fcgi-gateway") : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_of_different_clients_share_a_connection),
        cmocka_unit_test(clients_wait_for_a_connection_where_there_may_be_one),
        cmocka_unit_test(a_restart_of_the_application_is_not_noticed),
        cmocka_unit_test(php_may_start_later_and_go_and_come_again),
        cmocka_unit_test(descriptors_that_come_up_again_are_watched),
        cmocka_unit_test(a_client_that_leaves_while_it_waits_frees_all),
        cmocka_unit_test(a_client_that_is_torn_away_frees_all),
        cmocka_unit_test(a_client_that_leaves_amid_its_head_frees_all),
        cmocka_unit_test(a_client_that_leaves_amid_its_upload_frees_all),
        cmocka_unit_test(a_client_that_leaves_amid_a_download_frees_all),
        cmocka_unit_test(a_large_upload_costs_no_memory),
        cmocka_unit_test(a_large_download_costs_no_memory),
        cmocka_unit_test(a_slow_client_holds_the_application_back),
        cmocka_unit_test(a_body_arrives_while_it_is_sent),
        cmocka_unit_test(a_chunked_body_is_handed_on_where_that_is_wanted),
        cmocka_unit_test(chunks_that_turn_out_malformed_cut_the_answer),
        cmocka_unit_test(an_answer_may_come_before_the_body_was_read),
        cmocka_unit_test(a_failure_before_the_body_was_read_closes),
        cmocka_unit_test(a_thousand_slow_requests_share_a_thread),
        cmocka_unit_test(several_workers_share_the_clients),
        cmocka_unit_test(what_is_under_way_is_finished_before_it_stops),
    };
    return cmocka_run_group_tests(tests, find_program, NULL);
}
