/*
 * What gateway-threads answers by itself, and to HEAD.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake.h"
#include "front.h"
#include "program.h"
#include "web.h"

#define HOST "Host: test\r\n"

struct scene {
    struct fake *app;
    struct front *front;
    struct web *web;
};

static struct scene begin(const struct fake_step *steps, size_t count)
{
    struct scene scene = {.app = fake_start(FAKE_UNIX, steps, count)};

    scene.front = front_start("gateway-threads", fake_address(scene.app),
                              "/srv/www", NULL);
    if (scene.front == NULL) {
        fake_stop(scene.app);
        (void)program_missing("gateway-threads");
        skip();
    }
    scene.web = web_open(front_address(scene.front));
    return scene;
}

static void end(struct scene *scene)
{
    web_close(scene->web);
    assert_true(front_stop(scene->front));
    fake_stop(scene->app);
}

/* It is refused with that status, and the connection ends. */
static void assert_refused(struct scene *scene, int status)
{
    struct web_answer answer;

    web_read(scene->web, &answer);
    assert_int_equal(answer.status, status);
    assert_true(web_has_line(&answer, "Connection: close"));
    assert_true(web_await_close(scene->web));
    assert_int_equal(fake_count(scene->app, FAKE_BEGUN), 0);
    web_answer_free(&answer);
}

static void head_is_answered_with_the_applications_length_alone(void **state)
{
    (void)state;
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST,
        FAKE_ANSWER("Content-Length: 1234\r\n\r\n")};
    struct scene scene = begin(FAKE_STEPS(steps));
    struct web_answer answer;

    (void)web_send(scene.web, "HEAD / HTTP/1.1\r\n" HOST "\r\n");
    web_read_head(scene.web, &answer);
    assert_int_equal(web_count_lines(&answer, "Content-Length:"), 1);
    assert_true(web_has_line(&answer, "Content-Length: 1234"));
    web_answer_free(&answer);
    end(&scene);
}

static void fields_beyond_the_table_are_refused(void **state)
{
    (void)state;
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_SERVE};
    struct scene scene = begin(FAKE_STEPS(steps));

    (void)web_send(scene.web, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 100; i++) {
        (void)web_send(scene.web, "X: y\r\n");
    }
    (void)web_send(scene.web, "\r\n");
    assert_refused(&scene, 431);
    end(&scene);
}

/* Nor is what stands behind it taken for a request. */
static void nothing_is_read_behind_a_refusal(void **state)
{
    (void)state;
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_SERVE};
    struct scene scene = begin(FAKE_STEPS(steps));

    (void)web_send(scene.web, "GET /../.. HTTP/1.1\r\n" HOST "\r\n"
                              "GET / HTTP/1.1\r\n" HOST "\r\n");
    assert_refused(&scene, 400);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_is_answered_with_the_applications_length_alone),
        cmocka_unit_test(fields_beyond_the_table_are_refused),
        cmocka_unit_test(nothing_is_read_behind_a_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
