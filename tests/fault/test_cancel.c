/*
 * Requests that are given up: by a sink, by a source that fails, by a time
 * limit. The application is told where that can be done without waiting, and
 * the connection is not used again.
 */
#define _POSIX_C_SOURCE 200809L

#include <string.h>

#include "fixture.h"
#include "pattern.h"
#include "process.h"

#define THEN_SERVES FAKE_ACCEPT, FAKE_SERVE

static int cancel_at_head(void *context, const struct fcgi_response *response)
{
    (void)context;
    (void)response;
    return 1;
}

static int cancel_at_body(void *context, const void *data, size_t *len)
{
    (void)context;
    (void)data;
    (void)len;
    return 1;
}

static int cancel_at_stderr(void *context, const void *data, size_t len)
{
    (void)context;
    (void)data;
    (void)len;
    return 1;
}

/* The application is told, and the connection dropped. */
static void assert_cancels(void **state, const struct fcgi_sink *sink)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT,
        FAKE_READ_REQUEST,
        FAKE_CORK,
        FAKE_STDERR("a warning"),
        FAKE_STDOUT("Status: 200\r\n\r\nbody"),
        FAKE_UNCORK,
        THEN_SERVES};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    f->request.sink = *sink;
    struct fcgi_outcome outcome =
        ask_expecting(f->client, &f->request, FCGI_ERR_CANCELLED);
    assert_true(outcome.may_have_run);
    fake_await(f->app, FAKE_LEFT, 1);
    assert_int_equal(fake_count(f->app, FAKE_ABORTED), 1);
    assert_true(fake_request(f->app, 0)->aborted);
    assert_false(ask_hello(f->client).reused);
}

static void a_sink_that_cancels_aborts_the_request(void **state)
{
    struct fcgi_sink head = {.head = cancel_at_head};
    struct fcgi_sink body = {.body = cancel_at_body};
    struct fcgi_sink stderr_data = {.stderr_data = cancel_at_stderr};
    assert_cancels(state, &head);
    assert_cancels(state, &body);
    assert_cancels(state, &stderr_data);
}

/* A record cannot be begun amid another one. */
static void an_abort_never_breaks_into_another_record(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_PARAMS, FAKE_STDOUT("Status: 200\r\n\r\nbody"),
        FAKE_PAUSE, THEN_SERVES};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    struct pattern_upload upload = {.len = 20000000};
    struct fcgi_request request = post_request(pattern_source(&upload));
    request.sink.head = cancel_at_head;
    ask_expecting(f->client, &request, FCGI_ERR_CANCELLED);
    fake_go(f->app);
    fake_await(f->app, FAKE_LEFT, 1);
    const struct wire_request *seen = fake_request(f->app, 0);
    assert_true(pattern_matches(seen->body.data, 0, seen->body.len));
    assert_int_equal(seen->body_ends, 0);
}

static void a_time_limit_aborts_the_request(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              THEN_SERVES};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    f->request.timeouts.first_byte_ms = 30;
    ask_expecting(f->client, &f->request, FCGI_ERR_FIRST_BYTE_TIMEOUT);
    fake_await(f->app, FAKE_LEFT, 1);
    assert_int_equal(fake_count(f->app, FAKE_ABORTED), 1);
}

/* A body that breaks off must never look like a whole one. */
static int read_then_fail(void *context, void *buf, size_t cap, size_t *got)
{
    size_t *reads = context;
    *reads += 1;
    *got = *reads == 1 && cap >= 4 ? 4 : 0;
    memset(buf, 'x', *got);
    return *reads == 1 ? FCGI_OK : FCGI_ERR_SOURCE;
}

static void a_source_that_fails_ends_no_body(void **state)
{
    size_t reads = 0;
    struct fcgi_source source = {.read = read_then_fail, .context = &reads};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_request request = post_request(source);
    ask_expecting(f->client, &request, FCGI_ERR_SOURCE);
    assert_int_equal(stats_of(f->client).open, 0);
    fake_await(f->app, FAKE_LEFT, 1);
    assert_int_equal(fake_count(f->app, FAKE_ASKED), 0);
    assert_int_equal(fake_request(f->app, 0)->body_ends, 0);
    assert_true(fake_request(f->app, 0)->aborted);
}

/* The peer does not even read: giving up must not wait for it. */
static void giving_up_waits_for_nobody(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_PAUSE};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    struct pattern_upload upload = {.len = UINT64_C(1) << 40};
    struct fcgi_request request = post_request(pattern_source(&upload));
    request.timeouts.total_ms = 40;
    int64_t start = now_ms();
    ask_expecting(f->client, &request, FCGI_ERR_DEADLINE);
    assert_true(elapsed(start, 40));
    assert_int_equal(stats_of(f->client).open, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_sink_that_cancels_aborts_the_request),
        fixture_test(an_abort_never_breaks_into_another_record),
        fixture_test(a_time_limit_aborts_the_request),
        fixture_test(a_source_that_fails_ends_no_body),
        fixture_test(giving_up_waits_for_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
