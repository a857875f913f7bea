/*
 * What renews a time limit: progress, however slow, is not silence.
 */
#define _POSIX_C_SOURCE 200809L

#include "fixture.h"
#include "pattern.h"
#include "process.h"

/* So many pauses, each well within the limit, are longer than it together. */
#define PAUSES 6
#define PAUSE_MS 300
#define PATIENT 1600

static void *go_now_and_then(void *app)
{
    for (size_t i = 1; i <= PAUSES; i++) {
        fake_await(app, FAKE_PAUSED, i);
        pass_ms(PAUSE_MS);
        fake_go(app);
    }
    return NULL;
}

static void assert_lasts(void **state, const struct fake_step *script,
                         size_t count, const struct fcgi_request *request,
                         const char *body)
{
    struct fixture *f = fixture_start(state, FAKE_UNIX, script, count, NULL);
    int64_t start = now_ms();
    fixture_thread(state, go_now_and_then, f->app);
    ask_expecting_body(f->client, request, body);
    fixture_join(state);
    assert_true(elapsed(start, PAUSES * PAUSE_MS));
}

static void each_byte_renews_the_idle_limit(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT,
                                              FAKE_READ_REQUEST,
                                              FAKE_STDOUT("A: 1\r\n\r\n"),
                                              FAKE_PAUSE,
                                              FAKE_STDOUT("a"),
                                              FAKE_PAUSE,
                                              FAKE_STDERR("on"),
                                              FAKE_PAUSE,
                                              FAKE_STDOUT("b"),
                                              FAKE_PAUSE,
                                              FAKE_SEND("\x01"),
                                              FAKE_PAUSE,
                                              FAKE_SEND("\x0b\0\0\0\0\0\0"),
                                              FAKE_PAUSE,
                                              FAKE_END(WIRE_COMPLETE)};
    struct fcgi_request request = get_request();
    request.timeouts.idle_ms = PATIENT;
    assert_lasts(state, FAKE_STEPS(script), &request, "ab");
}

static const struct fake_step reads_slowly[] = {
    FAKE_ACCEPT,        FAKE_READ_PARAMS,   FAKE_PAUSE,
    FAKE_READ(1000000), FAKE_PAUSE,         FAKE_READ(1000000),
    FAKE_PAUSE,         FAKE_READ(1000000), FAKE_PAUSE,
    FAKE_READ(1000000), FAKE_PAUSE,         FAKE_READ(1000000),
    FAKE_PAUSE,         FAKE_READ(1000000), FAKE_ANSWER("A: 1\r\n\r\nenough")};

static void each_byte_accepted_renews_the_write_limit(void **state)
{
    struct pattern_upload upload = {.len = 10000000};
    struct fcgi_request request = post_request(pattern_source(&upload));
    request.timeouts.write_ms = PATIENT;
    assert_lasts(state, FAKE_STEPS(reads_slowly), &request, "enough");
}

/* A peer that is still reading owes no answer, however long it pauses. */
static void the_first_byte_limit_begins_when_all_is_sent(void **state)
{
    struct pattern_upload upload = {.len = 10000000};
    struct fcgi_request request = post_request(pattern_source(&upload));
    request.timeouts.first_byte_ms = PAUSE_MS / 3;
    assert_lasts(state, FAKE_STEPS(reads_slowly), &request, "enough");
}

/* The answer has begun and goes on only when the body was read. */
static void what_is_sent_renews_the_idle_limit(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT,          FAKE_READ_PARAMS,   FAKE_STDOUT("A: 1\r\n\r\n"),
        FAKE_PAUSE,           FAKE_READ(1000000), FAKE_PAUSE,
        FAKE_READ(1000000),   FAKE_PAUSE,         FAKE_READ(1000000),
        FAKE_PAUSE,           FAKE_READ(1000000), FAKE_PAUSE,
        FAKE_READ(1000000),   FAKE_PAUSE,         FAKE_READ(1000000),
        FAKE_ANSWER("enough")};
    struct pattern_upload upload = {.len = 10000000};
    struct fcgi_request request = post_request(pattern_source(&upload));
    request.timeouts.idle_ms = PATIENT;
    assert_lasts(state, FAKE_STEPS(script), &request, "enough");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(each_byte_renews_the_idle_limit),
        fixture_test(each_byte_accepted_renews_the_write_limit),
        fixture_test(the_first_byte_limit_begins_when_all_is_sent),
        fixture_test(what_is_sent_renews_the_idle_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
