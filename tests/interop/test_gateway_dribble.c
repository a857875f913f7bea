/*
 * An application that sends something all the time, which brings a request
 * nothing, keeps no client of fcgi-gateway waiting beyond its limit.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dribble.h"
#include "fake.h"
#include "front.h"
#include "process.h"
#include "site.h"
#include "web.h"

#define GET "GET / HTTP/1.1\r\nHost: test\r\n\r\n"

#define STEPS 5

/* In milliseconds: the limit is a second. */
#define LATE 4000

/* One connection for each kind, in the order in which they are dialled. */
static void write_script(struct fake_step *script)
{
    for (size_t i = 0; i < DRIBBLES; i++) {
        const struct dribble *d = &dribbles[i];
        const struct fake_step steps[STEPS] = {
            FAKE_ACCEPT, FAKE_SERVE_TIMES(d->served), FAKE_READ_REQUEST,
            d->first, d->rest};
        memcpy(script + i * STEPS, steps, sizeof(steps));
    }
}

static void
a_client_of_an_application_that_dribbles_is_told_in_time(void **state)
{
    static const char *const options[] = {"--timeout", "1", NULL};
    struct fake_step script[DRIBBLES * STEPS];
    struct web *webs[DRIBBLES];
    struct web_answer answer;
    write_script(script);
    struct fake *app = FAKE_RUN(FAKE_UNIX, script);
    struct front *front = site_gateway(state, fake_address(app), options);
    web_ask(front_address(front), GET, &answer); /* what is served before */
    assert_int_equal(answer.status, 200);
    web_answer_free(&answer);
    int64_t began = now_ms();
    for (size_t i = 0; i < DRIBBLES; i++) {
        webs[i] = web_open(front_address(front));
        (void)web_send(webs[i], GET);
    }
    for (size_t i = 0; i < DRIBBLES; i++) {
        assert_true(web_hears(webs[i], LATE));
        assert_in_range(now_ms() - began, 1000, LATE);
        web_read(webs[i], &answer);
        assert_int_equal(answer.status, 504);
        web_answer_free(&answer);
        web_close(webs[i]);
    }
    fake_await(app, FAKE_LEFT, DRIBBLES);
    assert_int_equal(fake_count(app, FAKE_ACCEPTED), DRIBBLES);
    assert_true(front_stop(front));
    fake_stop(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_client_of_an_application_that_dribbles_is_told_in_time),
    };
    return cmocka_run_group_tests(tests, site_finds_gateway, NULL);
}
