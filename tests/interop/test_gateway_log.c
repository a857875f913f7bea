/*
 * The access log of fcgi-gateway: each request that had begun is a line, one,
 * however it ended, with what was sent of the answer and why it ended badly.
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
#define GET "GET /x HTTP/1.1\r\n" HOST "\r\n"
#define POST "POST /x HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

#define GOT "GET /x HTTP/1.1"
#define POSTED "POST /x HTTP/1.1"
#define NOT_READ "- - HTTP/1.1"
#define LEFT "client left"
#define SLOW "client too slow"
#define WHOLE "-"

#define LARGE ((size_t)64 * 1024 * 1024)
#define LINES_MAX 8

/* A client of the gateway, and an application. Connections to it are not kept,
 * so that the descriptors tell when all is over. */
struct scene {
    struct fake *app;
    struct front *front;
    size_t descriptors; /* of the gateway, while nothing goes on */
    struct web *web;
};

static struct scene begin_with(void **state, const char *const *options,
                               const struct fake_step *steps, size_t count)
{
    struct scene scene = {.app = fake_start(FAKE_UNIX, steps, count)};
    scene.front = site_gateway(state, fake_address(scene.app), options);
    scene.descriptors = front_descriptors(scene.front);
    scene.web = web_open(front_address(scene.front));
    return scene;
}

#define LOGGING "--access-log", "--no-keep", "--client-timeout", "1"

static struct scene begin(void **state, const struct fake_step *steps,
                          size_t count)
{
    static const char *const options[] = {LOGGING, NULL};
    return begin_with(state, options, steps, count);
}

/* All bodies are handed on as they come. */
static struct scene begin_streaming(void **state, const struct fake_step *steps,
                                    size_t count)
{
    static const char *const options[] = {LOGGING, "--stream-chunked",
                                          "--gather", "0", NULL};
    return begin_with(state, options, steps, count);
}

static void end(struct scene *scene)
{
    assert_true(front_stop(scene->front));
    fake_stop(scene->app);
}

/* What stands in a line. */
struct line {
    char request[100];
    int status;
    size_t bytes;
    char why[40];
};

static bool read_line(const char *text, struct line *line)
{
    int end = 0;
    int read = sscanf(
        text, "127.0.0.1 - - [%*[^]]] \"%99[^\"]\" %d %zu \"%39[^\"]\"%n",
        line->request, &line->status, &line->bytes, line->why, &end);
    return read == 4 && text[end] == '\n';
}

/* All lines that there are when the gateway has let go of everybody. */
static size_t read_lines(const struct scene *scene, struct line *lines)
{
    size_t count = 0;
    assert_true(front_await(scene->front, "127.0.0.1 - - ["));
    assert_true(front_await_descriptors(scene->front, scene->descriptors));
    char *output = front_output(scene->front);
    const char *at = strstr(output, "127.0.0.1 - - [");
    while (at != NULL) {
        assert_true(count < LINES_MAX);
        if (!read_line(at, &lines[count])) {
            fail_msg("not so long a line: %.200s", at);
        }
        count += 1;
        at = strstr(at + 1, "127.0.0.1 - - [");
    }
    free(output);
    return count;
}

static void assert_line(const struct line *line, const char *request,
                        int status, const char *why)
{
    assert_string_equal(line->request, request);
    assert_int_equal(line->status, status);
    assert_string_equal(line->why, why);
}

/* There is one line, which says this. */
static void assert_logged(const struct scene *scene, const char *request,
                          int status, size_t bytes, const char *why)
{
    struct line lines[LINES_MAX];
    assert_int_equal(read_lines(scene, lines), 1);
    assert_line(&lines[0], request, status, why);
    assert_int_equal(lines[0].bytes, bytes);
}

/* The answer has this status; 0: no answer comes. */
static void assert_status(const struct scene *scene, int status)
{
    struct web_answer answer;
    web_read(scene->web, &answer);
    assert_int_equal(answer.status, status);
    web_answer_free(&answer);
}

/*
 * Clients that leave.
 */

static void a_client_that_leaves_before_the_answer(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_READ_REQUEST};
    struct scene scene = begin(state, FAKE_STEPS(steps));
    (void)web_send(scene.web, GET);
    fake_await(scene.app, FAKE_ASKED, 1);
    web_close(scene.web);
    assert_logged(&scene, GOT, 499, 0, LEFT);
    end(&scene);
}

/* Either way to leave. */
static void assert_leaving_is_logged(void **state, void (*leave)(struct web *))
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                             FAKE_STDOUT("X: y\r\n\r\n"),
                                             FAKE_BODY(LARGE)};
    struct line lines[LINES_MAX];
    struct scene scene = begin(state, FAKE_STEPS(steps));
    (void)web_send(scene.web, GET);
    assert_true(web_await_text(scene.web, "\r\n\r\n"));
    leave(scene.web);
    assert_int_equal(read_lines(&scene, lines), 1);
    assert_line(&lines[0], GOT, 200, LEFT);
    assert_in_range(lines[0].bytes, 0, LARGE - 1);
    end(&scene);
}

static void a_client_that_leaves_amid_the_answer(void **state)
{
    assert_leaving_is_logged(state, web_close);
}

static void a_client_that_is_torn_away_amid_the_answer(void **state)
{
    assert_leaving_is_logged(state, web_reset);
}

static void a_client_that_leaves_amid_a_body_that_is_gathered(void **state)
{
    static const char *const texts[] = {
        POST "Content-Length: 10\r\n\r\nhalf",
        CHUNKED "4\r\nha",
    };
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_SERVE};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct scene scene = begin(state, FAKE_STEPS(steps));
        (void)web_send(scene.web, texts[i]);
        web_close(scene.web);
        assert_logged(&scene, POSTED, 499, 0, LEFT);
        end(&scene);
    }
}

static void a_client_that_leaves_amid_a_body_that_is_streamed(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_READ_PARAMS,
                                             FAKE_REACH};
    struct scene scene = begin_streaming(state, FAKE_STEPS(steps));
    (void)web_send(scene.web, POST "Content-Length: 10\r\n\r\nhalf");
    fake_await(scene.app, FAKE_REACHED, 1);
    web_close(scene.web);
    assert_logged(&scene, POSTED, 499, 0, LEFT);
    end(&scene);
}

/* One byte is the beginning of a request, none is not. */
static void a_client_that_leaves_amid_the_head(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_SERVE};
    struct line lines[LINES_MAX];
    struct scene scene = begin(state, FAKE_STEPS(steps));
    web_close(scene.web);
    scene.web = web_open(front_address(scene.front));
    (void)web_send(scene.web, "G");
    web_close(scene.web);
    assert_int_equal(read_lines(&scene, lines), 1);
    assert_int_equal(lines[0].status, 499);
    assert_int_equal(lines[0].bytes, 0);
    assert_string_equal(lines[0].why, LEFT);
    end(&scene);
}

/* The reset often comes along with the bytes before it, and nothing tells of it
 * again: who waits for more must find it. */
static void clients_that_are_torn_away_amid_a_request(void **state)
{
    static const char *const texts[] = {
        "GET /x HT",
        POST "Content-Length: 10\r\n\r\nhalf",
        CHUNKED "4\r\nha",
    };
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_SERVE};
    static const char *const options[] = {"--access-log", "--no-keep",
                                          "--client-timeout", "600", NULL};
    struct scene scene = begin_with(state, options, FAKE_STEPS(steps));
    for (int i = 0; i < 100; i++) {
        web_reset(scene.web);
        scene.web = web_open(front_address(scene.front));
        (void)web_send(scene.web, texts[i % 3]);
    }
    web_reset(scene.web);
    assert_true(front_await_descriptors(scene.front, scene.descriptors));
    end(&scene);
}

/*
 * What the gateway answers by itself.
 */

static void a_body_that_is_too_long(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_SERVE};
    static const char *const options[] = {LOGGING, "--gather", "4", NULL};
    struct scene scene = begin_with(state, options, FAKE_STEPS(steps));
    struct web_answer answer;
    (void)web_send(scene.web, CHUNKED "5\r\nhello\r\n0\r\n\r\n");
    web_read(scene.web, &answer);
    web_close(scene.web);
    assert_int_equal(answer.status, 413);
    assert_logged(&scene, POSTED, 413, answer.len, WHOLE);
    web_answer_free(&answer);
    end(&scene);
}

static void a_body_that_stalls(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_SERVE};
    struct scene scene = begin(state, FAKE_STEPS(steps));
    (void)web_send(scene.web, POST "Content-Length: 10\r\n\r\nhalf");
    assert_status(&scene, 408);
    web_close(scene.web);
    assert_logged(&scene, POSTED, 408, 16, SLOW);
    end(&scene);
}

static void a_body_that_stalls_while_it_is_streamed(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_READ_REQUEST};
    struct scene scene = begin_streaming(state, FAKE_STEPS(steps));
    (void)web_send(scene.web, POST "Content-Length: 10\r\n\r\nhalf");
    assert_status(&scene, 408);
    web_close(scene.web);
    assert_logged(&scene, POSTED, 408, 16, SLOW);
    end(&scene);
}

static void a_head_that_stalls(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_SERVE};
    struct line lines[LINES_MAX];
    struct scene scene = begin(state, FAKE_STEPS(steps));
    (void)web_send(scene.web, "GET /x HT");
    assert_status(&scene, 408);
    web_close(scene.web);
    assert_int_equal(read_lines(&scene, lines), 1);
    assert_int_equal(lines[0].status, 408);
    assert_int_equal(lines[0].bytes, 16);
    assert_string_equal(lines[0].why, SLOW);
    end(&scene);
}

static void a_client_that_stops_to_read(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                             FAKE_STDOUT("X: y\r\n\r\n"),
                                             FAKE_BODY(LARGE)};
    struct line lines[LINES_MAX];
    struct scene scene = begin(state, FAKE_STEPS(steps));
    (void)web_send(scene.web, GET);
    assert_int_equal(read_lines(&scene, lines), 1);
    assert_line(&lines[0], GOT, 200, SLOW);
    assert_in_range(lines[0].bytes, 0, LARGE - 1);
    web_close(scene.web);
    end(&scene);
}

static void what_is_no_request(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_SERVE};
    struct scene scene = begin(state, FAKE_STEPS(steps));
    (void)web_send(scene.web, "nonsense\r\n\r\n");
    assert_status(&scene, 400);
    web_close(scene.web);
    assert_logged(&scene, NOT_READ, 400, 12, WHOLE);
    end(&scene);
}

static void a_request_that_is_refused(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_SERVE};
    struct scene scene = begin(state, FAKE_STEPS(steps));
    (void)web_send(scene.web, "GET /x HTTP/1.1\r\n\r\n");
    assert_status(&scene, 400);
    web_close(scene.web);
    assert_logged(&scene, GOT, 400, 12, WHOLE);
    end(&scene);
}

/*
 * Applications that fail.
 */

static void nobody_who_could_answer(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_CLOSE};
    struct scene scene = begin(state, FAKE_STEPS(steps));
    (void)web_send(scene.web, GET);
    assert_status(&scene, 502);
    web_close(scene.web);
    assert_logged(&scene, GOT, 502, 12, WHOLE);
    end(&scene);
}

static void an_answer_that_is_cut_short(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                             FAKE_STDOUT("X: y\r\n\r\nbegin"),
                                             FAKE_PAUSE, FAKE_CLOSE};
    struct scene scene = begin(state, FAKE_STEPS(steps));
    (void)web_send(scene.web, GET);
    assert_true(web_await_text(scene.web, "begin"));
    fake_go(scene.app);
    assert_status(&scene, 200);
    web_close(scene.web);
    assert_logged(&scene, GOT, 200, 5, "FCGI_ERR_TRUNCATED");
    assert_int_equal(front_has_said(scene.front, "GET /x: 200: "), 1);
    assert_int_equal(front_has_said(scene.front, "GET /x: 0: "), 0);
    end(&scene);
}

static void an_answer_that_is_shorter_than_it_says(void **state)
{
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST,
        FAKE_STDOUT("Content-Length: 10\r\n\r\nbegin"), FAKE_PAUSE,
        FAKE_ANSWER("")};
    struct scene scene = begin(state, FAKE_STEPS(steps));
    (void)web_send(scene.web, GET);
    assert_true(web_await_text(scene.web, "begin"));
    fake_go(scene.app);
    assert_status(&scene, 200);
    web_close(scene.web);
    assert_logged(&scene, GOT, 200, 5, "FCGI_ERR_BODY_SHORT");
    end(&scene);
}

/* It is the client's fault, and the answer is under way. */
static void chunks_that_turn_out_malformed(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_READ_PARAMS,
                                             FAKE_STDOUT("X: y\r\n\r\nbegin")};
    struct line lines[LINES_MAX];
    struct scene scene = begin_streaming(state, FAKE_STEPS(steps));
    (void)web_send(scene.web, CHUNKED "1\r\nx\r\n");
    assert_true(web_await_text(scene.web, "begin"));
    (void)web_send(scene.web, "no chunk\r\n");
    assert_status(&scene, 200);
    web_close(scene.web);
    assert_int_equal(read_lines(&scene, lines), 1);
    assert_int_equal(lines[0].status, 200);
    assert_int_equal(lines[0].bytes, 5);
    assert_string_not_equal(lines[0].why, WHOLE);
    end(&scene);
}

/*
 * All is well.
 */

static void requests_of_one_connection(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_SERVE};
    struct line lines[LINES_MAX];
    struct scene scene = begin(state, FAKE_STEPS(steps));
    (void)web_send(scene.web, GET GET POST "Content-Length: 4\r\n\r\nbody");
    for (int i = 0; i < 3; i++) {
        assert_status(&scene, 200);
    }
    web_close(scene.web);
    assert_int_equal(read_lines(&scene, lines), 3);
    assert_line(&lines[0], GOT, 200, WHOLE);
    assert_line(&lines[1], GOT, 200, WHOLE);
    assert_line(&lines[2], POSTED, 200, WHOLE);
    assert_int_equal(lines[0].bytes, 5);
    assert_int_equal(lines[2].bytes, 4);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_leaves_before_the_answer),
        cmocka_unit_test(a_client_that_leaves_amid_the_answer),
        cmocka_unit_test(a_client_that_is_torn_away_amid_the_answer),
        cmocka_unit_test(a_client_that_leaves_amid_a_body_that_is_gathered),
        cmocka_unit_test(a_client_that_leaves_amid_a_body_that_is_streamed),
        cmocka_unit_test(a_client_that_leaves_amid_the_head),
        cmocka_unit_test(clients_that_are_torn_away_amid_a_request),
        cmocka_unit_test(a_body_that_is_too_long),
        cmocka_unit_test(a_body_that_stalls),
        cmocka_unit_test(a_body_that_stalls_while_it_is_streamed),
        cmocka_unit_test(a_head_that_stalls),
        cmocka_unit_test(a_client_that_stops_to_read),
        cmocka_unit_test(what_is_no_request),
        cmocka_unit_test(a_request_that_is_refused),
        cmocka_unit_test(nobody_who_could_answer),
        cmocka_unit_test(an_answer_that_is_cut_short),
        cmocka_unit_test(an_answer_that_is_shorter_than_it_says),
        cmocka_unit_test(chunks_that_turn_out_malformed),
        cmocka_unit_test(requests_of_one_connection),
    };
    return cmocka_run_group_tests_name("each is one line of the log:", tests,
                                       site_finds_gateway, NULL);
}
