/*
 * The retry: a pooled connection that turns out dead before any byte of the
 * response is replaced, once. What may be sent again is in test_replay.c.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fcgi_client.h>

#include "ask.h"
#include "fake.h"
#include "process.h"

static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};

/* A connection that served once, and then does what these steps say; the next
 * one serves. */
#define SERVED_ONCE FAKE_ACCEPT, FAKE_SERVE_TIMES(1)
#define THEN_SERVES FAKE_ACCEPT, FAKE_SERVE

/* ---- what is retried --------------------------------------------------- */

static void a_connection_closed_while_idle_is_replaced(void **state)
{
    (void)state;
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_CLOSE,
                                              THEN_SERVES};
    for (size_t i = 0; i < 2; i++) {
        struct fake *app = FAKE_RUN(families[i], script);
        struct fcgi_client *client = client_for(app, NULL);
        ask_hello(client);
        fake_await(app, FAKE_CLOSED, 1);
        struct fcgi_outcome outcome = ask_hello(client);
        assert_true(outcome.retried);
        assert_false(outcome.reused);
        assert_int_equal(stats_of(client).retries, 1);
        assert_int_equal(stats_of(client).stale, 1);
        assert_int_equal(stats_of(client).dials, 2);
        assert_int_equal(stats_of(client).open, 1);
        assert_true(ask_hello(client).reused);
        fcgi_client_free(client);
        fake_stop(app);
    }
}

static void a_connection_closed_on_the_request_is_replaced(void **state)
{
    (void)state;
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_READ_REQUEST,
                                              FAKE_CLOSE, THEN_SERVES};
    for (size_t i = 0; i < 2; i++) {
        struct fake *app = FAKE_RUN(families[i], script);
        struct fcgi_client *client = client_for(app, NULL);
        ask_hello(client);
        assert_true(ask_hello(client).retried);
        assert_int_equal(fake_count(app, FAKE_ASKED), 3);
        fcgi_client_free(client);
        fake_stop(app);
    }
}

/* Closed with unread bytes, a Unix socket is reset too. */
static void a_connection_reset_on_the_request_is_replaced(void **state)
{
    (void)state;
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_READ(8),
                                              FAKE_RESET, THEN_SERVES};
    for (size_t i = 0; i < 2; i++) {
        struct fake *app = FAKE_RUN(families[i], script);
        struct fcgi_client *client = client_for(app, NULL);
        ask_hello(client);
        assert_true(ask_hello(client).retried);
        fcgi_client_free(client);
        fake_stop(app);
    }
}

/* The place is the same, but not what it has done. */
static void a_replacement_begins_with_no_requests_to_its_count(void **state)
{
    (void)state;
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_SERVE_TIMES(2),
                                              FAKE_CLOSE, THEN_SERVES};
    struct fcgi_pool_config config = {.max_requests = 3};
    struct fake *app = FAKE_RUN(FAKE_UNIX, script);
    struct fcgi_client *client = client_with_pool(app, &config);
    ask_hello(client);
    ask_hello(client);
    fake_await(app, FAKE_CLOSED, 1);
    assert_true(ask_hello(client).retried);
    for (size_t i = 3; i < 6; i++) {
        ask_hello(client);
        assert_int_equal(fake_request_connection(app, i), i < 5 ? 1 : 2);
    }
    fcgi_client_free(client);
    fake_stop(app);
}

static void a_half_closed_connection_is_replaced(void **state)
{
    (void)state;
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_HALF_CLOSE,
                                              FAKE_REACH, THEN_SERVES};
    for (size_t i = 0; i < 2; i++) {
        struct fake *app = FAKE_RUN(families[i], script);
        struct fcgi_client *client = client_for(app, NULL);
        ask_hello(client);
        fake_await(app, FAKE_REACHED, 1);
        assert_true(ask_hello(client).retried);
        fake_await(app, FAKE_LEFT, 1);
        assert_int_equal(stats_of(client).open, 1);
        fcgi_client_free(client);
        fake_stop(app);
    }
}

/* ---- what is not ------------------------------------------------------- */

static void it_is_retried_only_once(void **state)
{
    (void)state;
    /* The last connection's steps serve for all that come after it. */
    static const struct fake_step script[] = {
        SERVED_ONCE, FAKE_READ_REQUEST, FAKE_CLOSE,
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_CLOSE};
    struct fake *app = FAKE_RUN(FAKE_UNIX, script);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = get_request();
    ask_hello(client);
    struct fcgi_outcome outcome =
        ask_expecting(client, &request, FCGI_ERR_CLOSED);
    assert_true(outcome.retried);
    assert_false(outcome.reused);
    assert_int_equal(stats_of(client).dials, 2);
    assert_int_equal(fake_count(app, FAKE_ACCEPTED), 2);
    fcgi_client_free(client);
    fake_stop(app);
}

/* The second attempt must not take another idle connection, as dead. */
static void the_second_attempt_is_on_a_fresh_connection(void **state)
{
    (void)state;
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_SERVE};
    struct fake *app = FAKE_RUN(FAKE_UNIX, script);
    struct fcgi_client *client = client_for(app, NULL);
    keep_idle(app, client, 4);
    fake_restart(app);
    struct fcgi_outcome outcome = ask_hello(client);
    assert_true(outcome.retried);
    assert_false(outcome.reused);
    assert_int_equal(stats_of(client).dials, 5);
    fcgi_client_free(client);
    fake_stop(app);
}

static void a_fresh_connections_failure_is_not_retried(void **state)
{
    (void)state;
    static const struct fake_step closes[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              FAKE_CLOSE};
    static const struct fake_step resets[] = {FAKE_ACCEPT, FAKE_READ(8),
                                              FAKE_RESET};
    for (size_t i = 0; i < 2; i++) {
        struct fake *app =
            i == 0 ? FAKE_RUN(FAKE_UNIX, closes) : FAKE_RUN(FAKE_TCP, resets);
        struct fcgi_client *client = client_for(app, NULL);
        struct fcgi_request request = get_request();
        struct fcgi_outcome outcome = ask_expecting(
            client, &request, i == 0 ? FCGI_ERR_CLOSED : FCGI_ERR_RESET);
        assert_false(outcome.retried);
        assert_int_equal(stats_of(client).dials, 1);
        assert_int_equal(stats_of(client).stale, 0);
        fcgi_client_free(client);
        fake_stop(app);
    }
}

/* Ask twice: the second request, on the same connection, fails for good. */
static void assert_not_retried(const struct fake_step *script, size_t count,
                               const struct fcgi_request *request, int want)
{
    struct fake *app = fake_start(FAKE_UNIX, script, count);
    struct fcgi_client *client = client_for(app, NULL);
    ask_hello(client);
    struct fcgi_outcome outcome = ask_expecting(client, request, want);
    assert_true(outcome.reused);
    assert_false(outcome.retried);
    assert_int_equal(stats_of(client).retries, 0);
    assert_int_equal(stats_of(client).dials, 1);
    assert_int_equal(stats_of(client).open, 0);
    fcgi_client_free(client);
    fake_stop(app);
}

/* One byte of a header is a byte of the response: counting whole records, as
 * others did, runs the request again. */
static void after_one_byte_of_the_response_nothing_is_retried(void **state)
{
    (void)state;
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_READ_REQUEST,
                                              FAKE_SEND("\x01"), FAKE_CLOSE,
                                              THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_not_retried(FAKE_STEPS(script), &request, FCGI_ERR_TRUNCATED);
}

static void after_part_of_a_record_nothing_is_retried(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        SERVED_ONCE,
        FAKE_READ_REQUEST,
        FAKE_PROMISE(WIRE_STDOUT, 65535),
        FAKE_SEND("Status: 200\r\n\r\nbegun"),
        FAKE_CLOSE,
        THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_not_retried(FAKE_STEPS(script), &request, FCGI_ERR_TRUNCATED);
}

static int go_on(void *app, const struct fcgi_response *response)
{
    (void)response;
    fake_go(app);
    return 0;
}

/* It is reset only when the head has come. */
static void a_reset_amid_the_response_is_not_retried(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        SERVED_ONCE, FAKE_READ_REQUEST, FAKE_STDOUT("A: 1\r\n\r\n"),
        FAKE_PAUSE,  FAKE_RESET,        THEN_SERVES};
    struct fake *app = FAKE_RUN(FAKE_TCP, script);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = get_request();
    request.sink.head = go_on;
    request.sink.context = app;
    ask_hello(client);
    struct fcgi_outcome outcome =
        ask_expecting(client, &request, FCGI_ERR_RESET);
    assert_true(outcome.reused);
    assert_false(outcome.retried);
    assert_int_equal(fake_count(app, FAKE_ACCEPTED), 1);
    fcgi_client_free(client);
    fake_stop(app);
}

static void after_stderr_alone_nothing_is_retried(void **state)
{
    (void)state;
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_READ_REQUEST,
                                              FAKE_STDERR("dying"), FAKE_CLOSE,
                                              THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_not_retried(FAKE_STEPS(script), &request, FCGI_ERR_TRUNCATED);
}

static void a_time_limit_is_not_retried(void **state)
{
    (void)state;
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_READ_REQUEST,
                                              FAKE_PAUSE, THEN_SERVES};
    struct fcgi_request request = get_request();
    request.timeouts.first_byte_ms = 40;
    assert_not_retried(FAKE_STEPS(script), &request,
                       FCGI_ERR_FIRST_BYTE_TIMEOUT);
}

static int fail_to_read(void *context, void *buf, size_t cap, size_t *got)
{
    const int *code = context;
    (void)buf;
    (void)cap;
    *got = 0;
    return *code;
}

static int replay_nothing(void *context, uint64_t taken)
{
    (void)context;
    (void)taken;
    return FCGI_OK;
}

/* Whatever the source's own code looks like. */
static void a_failed_source_is_not_retried(void **state)
{
    (void)state;
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_SERVE,
                                              THEN_SERVES};
    int codes[] = {FCGI_ERR_SOURCE, FCGI_ERR_CLOSED, FCGI_ERR_RESET, 42};
    for (size_t i = 0; i < 4; i++) {
        struct fcgi_source source = {.read = fail_to_read,
                                     .replay = replay_nothing,
                                     .context = &codes[i]};
        struct fcgi_request request = post_request(source);
        assert_not_retried(FAKE_STEPS(script), &request, FCGI_ERR_SOURCE);
    }
}

/* ---- policies ---------------------------------------------------------- */

static const struct fake_step closes_on_request[] = {
    SERVED_ONCE, FAKE_READ_REQUEST, FAKE_CLOSE, THEN_SERVES};

static void the_policy_never_retries_nothing(void **state)
{
    (void)state;
    struct fcgi_request request = get_request();
    request.retry = FCGI_RETRY_NEVER;
    assert_not_retried(FAKE_STEPS(closes_on_request), &request,
                       FCGI_ERR_CLOSED);
}

static void the_policy_idempotent_retries_no_post_that_was_sent(void **state)
{
    (void)state;
    struct fcgi_request request = post_text("body");
    request.retry = FCGI_RETRY_IDEMPOTENT;
    assert_not_retried(FAKE_STEPS(closes_on_request), &request,
                       FCGI_ERR_CLOSED);
}

/* Ask twice under a policy of the client: the second request is retried. */
static void assert_retried(const struct fake_step *script, size_t count,
                           enum fcgi_retry retry,
                           const struct fcgi_request *request, const char *body)
{
    struct fcgi_client_config config = {.retry = retry};
    struct fake *app = fake_start(FAKE_UNIX, script, count);
    struct fcgi_client *client = client_for(app, &config);
    ask_expecting(client, request, FCGI_OK);
    assert_true(ask_expecting_body(client, request, body).retried);
    fcgi_client_free(client);
    fake_stop(app);
}

static void the_policy_idempotent_retries_a_get_that_was_sent(void **state)
{
    (void)state;
    struct fcgi_request request = get_request();
    assert_retried(FAKE_STEPS(closes_on_request), FCGI_RETRY_IDEMPOTENT,
                   &request, "hello");
}

static void the_policy_stale_retries_a_post_that_was_sent(void **state)
{
    (void)state;
    struct fcgi_request request = post_text("body");
    assert_retried(FAKE_STEPS(closes_on_request), FCGI_RETRY_STALE, &request,
                   "body");
    assert_retried(FAKE_STEPS(closes_on_request), FCGI_RETRY_DEFAULT, &request,
                   "body");
}

/* A Unix socket whose peer is gone takes no byte, so that nothing was sent. */
static void the_policy_idempotent_retries_a_post_not_yet_sent(void **state)
{
    (void)state;
    struct fcgi_client_config config = {.retry = FCGI_RETRY_IDEMPOTENT};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_for(app, &config);
    struct fcgi_request request = post_text("body");
    ask_expecting_body(client, &request, "body");
    fake_restart(app);
    ask_expecting_body(client, &request, "body");
    fcgi_client_free(client);
    fake_stop(app);
}

static void a_requests_policy_goes_before_the_clients(void **state)
{
    (void)state;
    struct fcgi_request request = get_request();
    request.retry = FCGI_RETRY_STALE;
    assert_retried(FAKE_STEPS(closes_on_request), FCGI_RETRY_NEVER, &request,
                   "hello");
}

/* ---- the others -------------------------------------------------------- */

/* A restart kills all idle connections: one is found out by a request, the
 * others are checked before a request is entrusted to them. */
static void after_one_dead_connection_the_others_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fcgi_connection *fresh;
        struct fake *app = fake_serve(families[i]);
        struct fcgi_client *client = client_for(app, NULL);
        struct fcgi_pool *pool = fcgi_client_pool(client);
        for (size_t restarts = 1; restarts <= 2; restarts++) {
            keep_idle(app, client, 4);
            fake_restart(app);
            assert_true(ask_hello(client).retried);
            fresh = take(pool);
            struct fcgi_outcome outcome = ask_hello(client);
            assert_false(outcome.retried);
            assert_false(outcome.reused);
            assert_int_equal(stats_of(client).stale, 4 * restarts);
            assert_int_equal(stats_of(client).retries, restarts);
            assert_int_equal(stats_of(client).open, 2);
            fcgi_pool_put(pool, fresh);
        }
        fcgi_client_free(client);
        fake_stop(app);
    }
}

static void a_suspected_connection_that_lives_is_used(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_SERVE, /* lives */
        FAKE_ACCEPT, FAKE_SERVE_TIMES(1), FAKE_CLOSE, THEN_SERVES};
    struct fake *app = FAKE_RUN(FAKE_UNIX, script);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_pool *pool = fcgi_client_pool(client);
    struct fcgi_connection *lives = take(pool);
    ask_hello(client);
    fake_await(app, FAKE_CLOSED, 1);
    struct fcgi_connection *dead = take(pool);
    fcgi_pool_put(pool, lives);
    fcgi_pool_put(pool, dead);
    assert_true(ask_hello(client).retried);
    struct fcgi_connection *fresh = take(pool);
    assert_true(ask_hello(client).reused);
    assert_int_equal(stats_of(client).stale, 1);
    assert_int_equal(stats_of(client).dials, 3);
    fcgi_pool_put(pool, fresh);
    fcgi_client_free(client);
    fake_stop(app);
}

static void no_request_fails_when_the_application_restarts(void **state)
{
    (void)state;
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_for(app, NULL);
    keep_idle(app, client, 8);
    for (size_t restart = 0; restart < 20; restart++) {
        fake_restart(app);
        ask_hello(client);
        ask_hello(client);
    }
    fcgi_client_free(client);
    fake_stop(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_closed_while_idle_is_replaced),
        cmocka_unit_test(a_connection_closed_on_the_request_is_replaced),
        cmocka_unit_test(a_connection_reset_on_the_request_is_replaced),
        cmocka_unit_test(a_replacement_begins_with_no_requests_to_its_count),
        cmocka_unit_test(a_half_closed_connection_is_replaced),
        cmocka_unit_test(it_is_retried_only_once),
        cmocka_unit_test(the_second_attempt_is_on_a_fresh_connection),
        cmocka_unit_test(a_fresh_connections_failure_is_not_retried),
        cmocka_unit_test(after_one_byte_of_the_response_nothing_is_retried),
        cmocka_unit_test(after_part_of_a_record_nothing_is_retried),
        cmocka_unit_test(a_reset_amid_the_response_is_not_retried),
        cmocka_unit_test(after_stderr_alone_nothing_is_retried),
        cmocka_unit_test(a_time_limit_is_not_retried),
        cmocka_unit_test(a_failed_source_is_not_retried),
        cmocka_unit_test(the_policy_never_retries_nothing),
        cmocka_unit_test(the_policy_idempotent_retries_no_post_that_was_sent),
        cmocka_unit_test(the_policy_idempotent_retries_a_get_that_was_sent),
        cmocka_unit_test(the_policy_stale_retries_a_post_that_was_sent),
        cmocka_unit_test(the_policy_idempotent_retries_a_post_not_yet_sent),
        cmocka_unit_test(a_requests_policy_goes_before_the_clients),
        cmocka_unit_test(after_one_dead_connection_the_others_are_checked),
        cmocka_unit_test(a_suspected_connection_that_lives_is_used),
        cmocka_unit_test(no_request_fails_when_the_application_restarts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
