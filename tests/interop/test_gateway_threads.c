/*
 * gateway-threads: what it answers to HEAD, what it refuses by itself and that
 * nothing is read behind a refusal, what its options do. By itself and behind
 * HAProxy, which takes an answer that is not HTTP for a 502.
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake.h"
#include "front.h"
#include "process.h"
#include "program.h"
#include "temp.h"
#include "web.h"

#define HOST "Host: test\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST "\r\n"
#define HEAD "HEAD / HTTP/1.1\r\n" HOST "\r\n"
#define POST "POST / HTTP/1.1\r\n" HOST

#define BODY_MAX ((size_t)16 << 20)
#define BALANCER "/usr/sbin/haproxy"

struct scene {
    struct fake *app;
    struct front *front;
    struct web *web;
};

static struct scene begin(const struct fake_step *steps, size_t count,
                          const char *const *options)
{
    struct scene scene = {.app = fake_start(FAKE_UNIX, steps, count)};

    scene.front = front_start("gateway-threads", fake_address(scene.app),
                              "/srv/www", options);
    if (scene.front == NULL) {
        fake_stop(scene.app);
        (void)program_missing("gateway-threads");
        skip();
    }
    scene.web = web_open(front_address(scene.front));
    return scene;
}

static struct scene begin_serving(const char *const *options)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_SERVE};

    return begin(FAKE_STEPS(steps), options);
}

static void end(struct scene *scene)
{
    web_close(scene->web);
    assert_true(front_stop(scene->front));
    fake_stop(scene->app);
}

/* It is refused with that status, and the connection ends. */
static void assert_closed(struct web *web, int status)
{
    struct web_answer answer;

    web_read(web, &answer);
    assert_int_equal(answer.status, status);
    assert_true(web_has_line(&answer, "Connection: close"));
    assert_true(web_await_close(web));
    web_answer_free(&answer);
}

/* So, and the application was asked nothing. */
static void assert_refused(struct scene *scene, int status)
{
    assert_closed(scene->web, status);
    assert_int_equal(fake_count(scene->app, FAKE_BEGUN), 0);
}

static void assert_answered(struct web *web, const char *body)
{
    struct web_answer answer;

    web_read(web, &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, body);
    web_answer_free(&answer);
}

/*
 * HEAD.
 */

#define TELLING_LENGTH                                                         \
    FAKE_ACCEPT, FAKE_READ_REQUEST,                                            \
        FAKE_ANSWER("Content-Length: 1234\r\n\r\n"), FAKE_SERVE
#define TELLING_NOTHING                                                        \
    FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_ANSWER("X: y\r\n\r\n"), FAKE_SERVE

static void head_is_answered_with_the_applications_length_alone(void **state)
{
    (void)state;
    static const struct fake_step steps[] = {TELLING_LENGTH};
    struct scene scene = begin(FAKE_STEPS(steps), NULL);
    struct web_answer answer;

    (void)web_send(scene.web, HEAD GET);
    web_read_head(scene.web, &answer);
    assert_int_equal(web_count_lines(&answer, "Content-Length:"), 1);
    assert_true(web_has_line(&answer, "Content-Length: 1234"));
    assert_answered(scene.web, "hello");
    web_answer_free(&answer);
    end(&scene);
}

/* Not even by the end of a chunked one, as libmicrohttpd would send it. */
static void
head_is_answered_without_a_body_where_none_tells_its_length(void **state)
{
    (void)state;
    static const struct fake_step steps[] = {TELLING_NOTHING};
    struct scene scene = begin(FAKE_STEPS(steps), NULL);
    struct web_answer answer;

    (void)web_send(scene.web, HEAD);
    web_read_head(scene.web, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(web_has_line(&answer, "X: y"));
    assert_int_equal(web_count_lines(&answer, "Content-Length:"), 0);
    assert_true(web_await_close(scene.web));
    web_answer_free(&answer);
    end(&scene);
}

/*
 * Behind HAProxy.
 */

struct balancer {
    struct temp *folder;
    struct program *program;
    char address[32];
};

static int listen_anywhere(char *address, size_t cap)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    (void)snprintf(address, cap, "127.0.0.1:%u", (unsigned)ntohs(in.sin_port));
    return fd;
}

static void write_config(const char *path, const char *server)
{
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    (void)fprintf(out,
                  "defaults\n mode http\n timeout connect 2s\n"
                  " timeout client 1m\n timeout server 1m\n"
                  "listen one\n bind fd@3\n server gateway %s\n",
                  server);
    assert_int_equal(fclose(out), 0);
}

/* HAProxy closes descriptor 0, which its listener is at first. Whoever connects
 * before it has begun waits in the listener's queue. */
static struct balancer start_balancer(const char *server)
{
    struct balancer balancer = {.folder = temp_new()};
    char *config = temp_path(balancer.folder, "config");
    const char *const arguments[] = {"-c", "exec \"$0\" -db -q -f \"$1\" 3<&0",
                                     BALANCER, config, NULL};
    struct program_spec spec = {
        .path = "/bin/sh",
        .arguments = arguments,
        .listener =
            listen_anywhere(balancer.address, sizeof(balancer.address))};

    write_config(config, server);
    balancer.program = program_start(&spec);
    (void)close(spec.listener);
    free(config);
    return balancer;
}

static void stop_balancer(struct balancer *balancer)
{
    program_stop(balancer->program);
    temp_free(balancer->folder);
}

/* HEAD, and a GET behind it: that has its own body, and nothing before it. */
static void assert_head_works_behind_haproxy(const struct fake_step *steps,
                                             size_t count, const char *line)
{
    if (!program_exists(BALANCER)) {
        skip();
    }
    struct scene scene = begin(steps, count, NULL);
    struct balancer balancer = start_balancer(front_address(scene.front));
    struct web *web = web_open(balancer.address);
    struct web_answer answer;

    (void)web_send(web, HEAD GET);
    web_read_head(web, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(web_has_line(&answer, line));
    assert_answered(web, "hello");
    web_answer_free(&answer);
    web_close(web);
    stop_balancer(&balancer);
    end(&scene);
}

static void haproxy_hands_on_the_length_that_head_was_told(void **state)
{
    (void)state;
    static const struct fake_step steps[] = {TELLING_LENGTH};

    assert_head_works_behind_haproxy(FAKE_STEPS(steps), "Content-Length: 1234");
}

static void haproxy_hands_on_an_answer_to_head_without_length(void **state)
{
    (void)state;
    static const struct fake_step steps[] = {TELLING_NOTHING};

    assert_head_works_behind_haproxy(FAKE_STEPS(steps), "X: y");
}

/*
 * Refusals.
 */

/* With so many fields in all. */
static void send_fields(struct web *web, const char *begin, int count)
{
    (void)web_send(web, begin);
    for (int i = 1; i < count; i++) {
        (void)web_sendf(web, "X-%d: %d\r\n", i, i);
    }
    (void)web_send(web, "\r\n");
}

static void all_of_a_hundred_fields_reach_the_application(void **state)
{
    (void)state;
    struct scene scene = begin_serving(NULL);

    send_fields(scene.web, "GET / HTTP/1.1\r\n" HOST, 100);
    assert_answered(scene.web, "hello");
    for (int i = 1; i < 100; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "HTTP_X_%d", i);
        char *value = wire_request_param(fake_request(scene.app, 0), name);
        assert_non_null(value);
        assert_int_equal(atoi(value), i);
        free(value);
    }
    end(&scene);
}

static void fields_beyond_the_table_are_refused(void **state)
{
    (void)state;
    struct scene scene = begin_serving(NULL);

    send_fields(scene.web, "GET / HTTP/1.1\r\n" HOST, 101);
    assert_refused(&scene, 431);
    end(&scene);
}

/* Nor is what stands behind it taken for a request. */
static void nothing_is_read_behind_a_refusal(void **state)
{
    (void)state;
    struct scene scene = begin_serving(NULL);

    (void)web_send(scene.web, "GET /../.. HTTP/1.1\r\n" HOST "\r\n" GET);
    assert_refused(&scene, 400);
    end(&scene);
}

static void a_body_that_was_not_read_is_no_request(void **state)
{
    (void)state;
    struct scene scene = begin_serving(NULL);

    (void)web_sendf(scene.web, POST "Content-Length: %zu\r\n\r\n" GET,
                    BODY_MAX + 1);
    assert_refused(&scene, 413);
    end(&scene);
}

static void a_client_that_waits_is_refused_before_it_sends(void **state)
{
    (void)state;
    struct scene scene = begin_serving(NULL);

    (void)web_sendf(scene.web,
                    POST "Expect: 100-continue\r\n"
                         "Content-Length: %zu\r\n\r\n",
                    BODY_MAX + 1);
    assert_refused(&scene, 413);
    end(&scene);
}

/* Send it whole, and a request behind it. */
static void send_chunk(struct web *web, size_t len)
{
    char *body = calloc(1, len);

    assert_non_null(body);
    (void)web_sendf(web, POST "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", len);
    (void)web_send_bytes(web, body, len);
    (void)web_send(web, "\r\n0\r\n\r\n" GET);
    free(body);
}

static void a_chunked_body_that_is_too_long_is_refused(void **state)
{
    (void)state;
    struct scene scene = begin_serving(NULL);

    send_chunk(scene.web, BODY_MAX + 1);
    assert_refused(&scene, 413);
    end(&scene);
}

/* What is refused is read on with, so that its client hears of it, but not
 * without end. */
static void a_body_without_end_is_cut(void **state)
{
    (void)state;
    struct scene scene = begin_serving(NULL);

    send_chunk(scene.web, 2 * BODY_MAX + 1);
    assert_true(web_await_close(scene.web));
    assert_int_equal(fake_count(scene.app, FAKE_BEGUN), 0);
    end(&scene);
}

/*
 * Memory.
 */

static struct web *post(const struct scene *scene, size_t len)
{
    struct web *web = web_open(front_address(scene->front));
    char *body = malloc(len);

    assert_non_null(body);
    memset(body, 'x', len);
    (void)web_sendf(web, POST "Content-Length: %zu\r\n\r\n", len);
    (void)web_send_bytes(web, body, len);
    free(body);
    return web;
}

/* One has its body held while the application thinks. */
static void bodies_are_held_up_to_a_sum(void **state)
{
    (void)state;
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST,
        FAKE_PAUSE,  FAKE_ANSWER("Content-Type: a\r\n\r\none"),
        FAKE_ACCEPT, FAKE_SERVE};
    static const char *const options[] = {"--memory", "100000", NULL};
    struct scene scene = begin(FAKE_STEPS(steps), options);
    struct web *first = post(&scene, 60000);
    fake_await(scene.app, FAKE_PAUSED, 1);

    struct web *second = post(&scene, 60000);
    assert_closed(second, 503);
    fake_go(scene.app);
    assert_answered(first, "one");
    struct web *third = post(&scene, 100000);
    struct web_answer answer;
    web_read(third, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.len, 100000);

    web_answer_free(&answer);
    web_close(first);
    web_close(second);
    web_close(third);
    end(&scene);
}

/*
 * Options.
 */

#define NAMED                                                                  \
    "GET / HTTP/1.1\r\n" HOST "Connection: X-Real-IP\r\n"                      \
    "X-Real-IP: 192.0.2.1\r\nKeep-Alive: max=1\r\n\r\n"

static void assert_named_field(const char *const *options, const char *wanted)
{
    struct scene scene = begin_serving(options);

    (void)web_send(scene.web, NAMED);
    assert_answered(scene.web, "hello");
    const struct wire_request *request = fake_request(scene.app, 0);
    char *value = wire_request_param(request, "HTTP_X_REAL_IP");
    assert_string_equal(value == NULL ? "none" : value, wanted);
    assert_null(wire_request_param(request, "HTTP_KEEP_ALIVE"));
    free(value);
    end(&scene);
}

static void a_client_cannot_strip_what_a_proxy_added(void **state)
{
    (void)state;

    assert_named_field(NULL, "192.0.2.1");
}

static void fields_that_connection_names_are_dropped_by_option(void **state)
{
    (void)state;
    static const char *const options[] = {"--drop-connection-named", NULL};

    assert_named_field(options, "none");
}

static void assert_ends_in_time(struct scene *scene)
{
    int64_t since = now_ms();

    (void)web_send(scene->web, GET);
    assert_closed(scene->web, 504);
    assert_in_range(now_ms() - since, 900, 10000);
}

/* The application goes on without end, at a pace that no other limit minds. */
static void a_request_ends_at_the_limit_of_the_whole(void **state)
{
    (void)state;
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_STDOUT("X: y\r\n\r\n"),
        FAKE_REPEAT(50, "\1\6\0\1\0\1\0\0x")};
    static const char *const options[] = {"--total", "1", NULL};
    struct scene scene = begin(FAKE_STEPS(steps), options);

    assert_ends_in_time(&scene);
    end(&scene);
}

/* The application is silent. */
static void assert_aborts(const char *const *options, size_t aborts)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_READ_REQUEST};
    struct scene scene = begin(FAKE_STEPS(steps), options);

    assert_ends_in_time(&scene);
    fake_await(scene.app, FAKE_LEFT, 1);
    assert_int_equal(fake_count(scene.app, FAKE_ABORTED), aborts);
    end(&scene);
}

static void an_application_is_told_that_a_request_is_given_up(void **state)
{
    (void)state;
    static const char *const options[] = {"--total", "1", NULL};

    assert_aborts(options, 1);
}

static void an_application_that_ends_at_an_abort_is_sent_none(void **state)
{
    (void)state;
    static const char *const options[] = {"--no-abort", "--total", "1", NULL};

    assert_aborts(options, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_is_answered_with_the_applications_length_alone),
        cmocka_unit_test(
            head_is_answered_without_a_body_where_none_tells_its_length),
        cmocka_unit_test(haproxy_hands_on_the_length_that_head_was_told),
        cmocka_unit_test(haproxy_hands_on_an_answer_to_head_without_length),
        cmocka_unit_test(all_of_a_hundred_fields_reach_the_application),
        cmocka_unit_test(fields_beyond_the_table_are_refused),
        cmocka_unit_test(nothing_is_read_behind_a_refusal),
        cmocka_unit_test(a_body_that_was_not_read_is_no_request),
        cmocka_unit_test(a_client_that_waits_is_refused_before_it_sends),
        cmocka_unit_test(a_chunked_body_that_is_too_long_is_refused),
        cmocka_unit_test(a_body_without_end_is_cut),
        cmocka_unit_test(bodies_are_held_up_to_a_sum),
        cmocka_unit_test(a_client_cannot_strip_what_a_proxy_added),
        cmocka_unit_test(fields_that_connection_names_are_dropped_by_option),
        cmocka_unit_test(a_request_ends_at_the_limit_of_the_whole),
        cmocka_unit_test(an_application_is_told_that_a_request_is_given_up),
        cmocka_unit_test(an_application_that_ends_at_an_abort_is_sent_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
