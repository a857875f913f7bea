/*
 * The retry: a pooled connection that turns out dead before any byte of the
 * response is replaced, once; and which requests go over a pooled connection at
 * all. What is stale is in test_retry_stale.c, what may be sent again in
 * test_replay.c.
 */
#define _POSIX_C_SOURCE 200809L

#include "feeder.h"
#include "fixture.h"

static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};

/* A connection that served once, and then does what these steps say; the next
 * one serves. */
#define SERVED_ONCE FAKE_ACCEPT, FAKE_SERVE_TIMES(1)
#define THEN_SERVES FAKE_ACCEPT, FAKE_SERVE

/* ---- what is retried --------------------------------------------------- */

static void a_connection_closed_while_idle_is_replaced(void **state)
{
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_CLOSE,
                                              THEN_SERVES};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_run(state, families[i], script, NULL);
        ask_hello(f->client);
        fake_await(f->app, FAKE_CLOSED, 1);
        struct fcgi_outcome outcome = ask_hello(f->client);
        assert_true(outcome.retried);
        assert_false(outcome.reused);
        assert_int_equal(stats_of(f->client).retries, 1);
        assert_int_equal(stats_of(f->client).stale, 1);
        assert_int_equal(stats_of(f->client).dials, 2);
        assert_int_equal(stats_of(f->client).open, 1);
        assert_true(ask_hello(f->client).reused);
    }
}

static void a_connection_closed_on_the_request_is_replaced(void **state)
{
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_READ_REQUEST,
                                              FAKE_CLOSE, THEN_SERVES};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_run(state, families[i], script, NULL);
        ask_hello(f->client);
        assert_true(ask_hello(f->client).retried);
        assert_int_equal(fake_count(f->app, FAKE_ASKED), 3);
    }
}

/* Closed with unread bytes, a Unix socket is reset too. */
static void a_connection_reset_on_the_request_is_replaced(void **state)
{
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_READ(8),
                                              FAKE_RESET, THEN_SERVES};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_run(state, families[i], script, NULL);
        ask_hello(f->client);
        assert_true(ask_hello(f->client).retried);
    }
}

/* The place is the same, but not what it has done. */
static void a_replacement_begins_with_no_requests_to_its_count(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_SERVE_TIMES(2),
                                              FAKE_CLOSE, THEN_SERVES};
    struct fcgi_client_config config = {.pool = {.max_requests = 3}};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, &config);
    ask_hello(f->client);
    ask_hello(f->client);
    fake_await(f->app, FAKE_CLOSED, 1);
    assert_true(ask_hello(f->client).retried);
    for (size_t i = 3; i < 6; i++) {
        ask_hello(f->client);
        assert_int_equal(fake_request_connection(f->app, i), i < 5 ? 1 : 2);
    }
}

static void a_half_closed_connection_is_replaced(void **state)
{
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_HALF_CLOSE,
                                              FAKE_REACH, THEN_SERVES};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_run(state, families[i], script, NULL);
        ask_hello(f->client);
        fake_await(f->app, FAKE_REACHED, 1);
        assert_true(ask_hello(f->client).retried);
        fake_await(f->app, FAKE_LEFT, 1);
        assert_int_equal(stats_of(f->client).open, 1);
    }
}

/* ---- what is not ------------------------------------------------------- */

static void it_is_retried_only_once(void **state)
{
    /* The last connection's steps serve for all that come after it. */
    static const struct fake_step script[] = {
        SERVED_ONCE, FAKE_READ_REQUEST, FAKE_CLOSE,
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_CLOSE};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    ask_hello(f->client);
    struct fcgi_outcome outcome =
        ask_expecting(f->client, &f->request, FCGI_ERR_CLOSED);
    assert_true(outcome.retried);
    assert_false(outcome.reused);
    assert_int_equal(stats_of(f->client).dials, 2);
    assert_int_equal(fake_count(f->app, FAKE_ACCEPTED), 2);
}

/* The second attempt must not take another idle connection, as dead. */
static void the_second_attempt_is_on_a_fresh_connection(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_SERVE};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    keep_idle(f->app, f->client, 4);
    fake_restart(f->app);
    struct fcgi_outcome outcome = ask_hello(f->client);
    assert_true(outcome.retried);
    assert_false(outcome.reused);
    assert_int_equal(stats_of(f->client).dials, 5);
}

static void a_fresh_connections_failure_is_not_retried(void **state)
{
    static const struct fake_step closes[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              FAKE_CLOSE};
    static const struct fake_step resets[] = {FAKE_ACCEPT, FAKE_READ(8),
                                              FAKE_RESET};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = i == 0 ? fixture_run(state, FAKE_UNIX, closes, NULL)
                                   : fixture_run(state, FAKE_TCP, resets, NULL);
        struct fcgi_outcome outcome = ask_expecting(
            f->client, &f->request, i == 0 ? FCGI_ERR_CLOSED : FCGI_ERR_RESET);
        assert_false(outcome.retried);
        assert_int_equal(stats_of(f->client).dials, 1);
        assert_int_equal(stats_of(f->client).stale, 0);
    }
}

/* Ask twice: the second request, on the same connection, fails for good. */
static void assert_not_retried(void **state, const struct fake_step *script,
                               size_t count, const struct fcgi_request *request,
                               int want)
{
    struct fixture *f = fixture_start(state, FAKE_UNIX, script, count, NULL);
    ask_hello(f->client);
    struct fcgi_outcome outcome = ask_expecting(f->client, request, want);
    assert_true(outcome.reused);
    assert_false(outcome.retried);
    assert_int_equal(stats_of(f->client).retries, 0);
    assert_int_equal(stats_of(f->client).dials, 1);
    assert_int_equal(stats_of(f->client).open, 0);
}

/* One byte of a header is a byte of the response: counting whole records, as
 * others did, runs the request again. */
static void after_one_byte_of_the_response_nothing_is_retried(void **state)
{
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_READ_REQUEST,
                                              FAKE_SEND("\x01"), FAKE_CLOSE,
                                              THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_not_retried(state, FAKE_STEPS(script), &request, FCGI_ERR_TRUNCATED);
}

static void after_part_of_a_record_nothing_is_retried(void **state)
{
    static const struct fake_step script[] = {
        SERVED_ONCE,
        FAKE_READ_REQUEST,
        FAKE_PROMISE(WIRE_STDOUT, 65535),
        FAKE_SEND("Status: 200\r\n\r\nbegun"),
        FAKE_CLOSE,
        THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_not_retried(state, FAKE_STEPS(script), &request, FCGI_ERR_TRUNCATED);
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
    static const struct fake_step script[] = {
        SERVED_ONCE, FAKE_READ_REQUEST, FAKE_STDOUT("A: 1\r\n\r\n"),
        FAKE_PAUSE,  FAKE_RESET,        THEN_SERVES};
    struct fixture *f = fixture_run(state, FAKE_TCP, script, NULL);
    f->request.sink.head = go_on;
    f->request.sink.context = f->app;
    ask_hello(f->client);
    struct fcgi_outcome outcome =
        ask_expecting(f->client, &f->request, FCGI_ERR_RESET);
    assert_true(outcome.reused);
    assert_false(outcome.retried);
    assert_int_equal(fake_count(f->app, FAKE_ACCEPTED), 1);
}

static void after_stderr_alone_nothing_is_retried(void **state)
{
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_READ_REQUEST,
                                              FAKE_STDERR("dying"), FAKE_CLOSE,
                                              THEN_SERVES};
    struct fcgi_request request = get_request();
    assert_not_retried(state, FAKE_STEPS(script), &request, FCGI_ERR_TRUNCATED);
}

static void a_time_limit_is_not_retried(void **state)
{
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_READ_REQUEST,
                                              FAKE_PAUSE, THEN_SERVES};
    struct fcgi_request request = get_request();
    request.timeouts.first_byte_ms = 40;
    assert_not_retried(state, FAKE_STEPS(script), &request,
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
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_SERVE,
                                              THEN_SERVES};
    int codes[] = {FCGI_ERR_SOURCE, FCGI_ERR_CLOSED, FCGI_ERR_RESET, 42};
    for (size_t i = 0; i < 4; i++) {
        struct fcgi_source source = {.read = fail_to_read,
                                     .replay = replay_nothing,
                                     .context = &codes[i]};
        struct fcgi_request request = put_request(source);
        assert_not_retried(state, FAKE_STEPS(script), &request,
                           FCGI_ERR_SOURCE);
    }
}

/* ---- the policy SAFE, which is the default ------------------------------ */

static const struct fake_step closes_on_request[] = {
    SERVED_ONCE, FAKE_READ_REQUEST, FAKE_CLOSE, THEN_SERVES};

/* Ask for something else first; then the request, over that connection, is
 * retried. */
static void assert_retried(void **state, const struct fake_step *script,
                           size_t count, enum fcgi_retry retry,
                           const struct fcgi_request *request, const char *body)
{
    struct fcgi_client_config config = {.retry = retry};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f =
            fixture_start(state, families[i], script, count, &config);
        ask_hello(f->client);
        struct fcgi_outcome outcome =
            ask_expecting_body(f->client, request, body);
        assert_true(outcome.retried);
        assert_false(outcome.reused);
        assert_int_equal(stats_of(f->client).retries, 1);
        assert_int_equal(stats_of(f->client).dials, 2);
        assert_int_equal(stats_of(f->client).yielded, 0);
        assert_int_equal(fake_count(f->app, FAKE_ASKED), 3);
    }
}

static void a_get_is_sent_again(void **state)
{
    struct fcgi_request request = get_request();
    assert_retried(state, FAKE_STEPS(closes_on_request), FCGI_RETRY_SAFE,
                   &request, "hello");
    assert_retried(state, FAKE_STEPS(closes_on_request), FCGI_RETRY_DEFAULT,
                   &request, "hello");
}

static void a_put_whose_body_replays_is_sent_again(void **state)
{
    struct fcgi_request request = put_text("body");
    assert_retried(state, FAKE_STEPS(closes_on_request), FCGI_RETRY_SAFE,
                   &request, "body");
    assert_retried(state, FAKE_STEPS(closes_on_request), FCGI_RETRY_DEFAULT,
                   &request, "body");
}

/* One connection is idle; the request goes over another, for which that is
 * closed. Nothing is idle but the new one then. */
static void
assert_goes_over_a_new_connection(void **state, enum fake_family family,
                                  const struct fcgi_client_config *config,
                                  const struct fcgi_request *request,
                                  const char *body)
{
    struct fixture *f = fixture_serve(state, family, config);
    ask_hello(f->client);
    struct fcgi_outcome outcome = ask_expecting_body(f->client, request, body);
    assert_false(outcome.reused);
    assert_false(outcome.retried);
    fake_await(f->app, FAKE_LEFT, 1);
    struct fcgi_pool_stats stats = stats_of(f->client);
    assert_int_equal(stats.dials, 2);
    assert_int_equal(stats.reuses, 0);
    assert_int_equal(stats.yielded, 1);
    assert_int_equal(stats.evictions, 1);
    assert_int_equal(stats.stale, 0);
    assert_int_equal(stats.idle, 1);
    assert_int_equal(stats.open, 1);
    assert_int_equal(fake_request_connection(f->app, 1), 1);
}

static void a_post_goes_over_a_new_connection(void **state)
{
    struct fcgi_client_config one = {.pool = {.max_open = 1}};
    struct fcgi_request request = post_text("body");
    struct fcgi_request empty = post_text("");
    for (size_t i = 0; i < 2; i++) {
        assert_goes_over_a_new_connection(state, families[i], NULL, &request,
                                          "body");
        assert_goes_over_a_new_connection(state, families[i], &one, &request,
                                          "body");
        assert_goes_over_a_new_connection(state, families[i], NULL, &empty,
                                          "hello");
    }
}

/* Neither one that has no replay, nor one that says it could not. */
static void
a_put_whose_body_cannot_be_replayed_goes_over_a_new_connection(void **state)
{
    for (size_t i = 0; i < 4; i++) {
        struct feeder feeder = {.data = "once", .len = 4};
        struct fcgi_request request = put_request(feeder_source(&feeder));
        if (i >= 2) {
            request.body.replay = NULL;
        }
        assert_goes_over_a_new_connection(state, families[i % 2], NULL,
                                          &request, "once");
    }
}

/* Nobody says what the method is, so that it may be any. */
static void a_request_without_a_method_goes_over_a_new_connection(void **state)
{
    struct fcgi_request request = {.param_count = 0};
    for (size_t i = 0; i < 2; i++) {
        assert_goes_over_a_new_connection(state, families[i], NULL, &request,
                                          "hello");
    }
}

/* A host's dial function that dials only once the application has seen the
 * connection before closed. */
struct one_by_one {
    struct fake *app;
    size_t dials;
};

static int dial_when_the_last_is_closed(void *context, int *fd)
{
    struct one_by_one *dialler = context;
    fake_await(dialler->app, FAKE_LEFT, dialler->dials);
    dialler->dials += 1;
    *fd = fake_connect(dialler->app);
    return FCGI_OK;
}

/* An application of one process cannot accept a connection while it has
 * another. */
static void the_idle_connection_is_closed_before_the_dial(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < 2; i++) {
        struct one_by_one dialler = {.dials = 0};
        struct fcgi_client_config config = {
            .pool = {.dial = dial_when_the_last_is_closed,
                     .dial_context = &dialler}};
        struct fcgi_request request = post_text("body");
        fixture_serve(state, families[i], &config);
        dialler.app = f->app;
        ask_hello(f->client);
        ask_expecting_body(f->client, &request, "body");
        ask_expecting_body(f->client, &request, "body");
        assert_int_equal(dialler.dials, 3);
        assert_int_equal(stats_of(f->client).yielded, 2);
    }
}

/* However many are idle. */
static void only_one_idle_connection_yields(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_request request = post_text("body");
    keep_idle(f->app, f->client, 3);
    ask_expecting_body(f->client, &request, "body");
    fake_await(f->app, FAKE_LEFT, 1);
    struct fcgi_pool_stats stats = stats_of(f->client);
    assert_int_equal(stats.yielded, 1);
    assert_int_equal(stats.dials, 4);
    /* A request that a busy machine lets wait has another one closed. */
    assert_int_equal(stats.idle + stats.rescues, 3);
}

static void a_post_without_an_idle_connection_takes_none(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_request request = post_text("body");
    assert_false(ask_expecting_body(f->client, &request, "body").reused);
    assert_int_equal(stats_of(f->client).dials, 1);
    assert_int_equal(stats_of(f->client).yielded, 0);
    assert_int_equal(stats_of(f->client).evictions, 0);
}

static void the_connection_of_a_post_is_kept_for_the_next_get(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_serve(state, families[i], NULL);
        struct fcgi_request request = post_text("body");
        ask_expecting_body(f->client, &request, "body");
        assert_true(ask_hello(f->client).reused);
        assert_int_equal(stats_of(f->client).dials, 1);
        assert_int_equal(fake_count(f->app, FAKE_ACCEPTED), 1);
    }
}

/* It goes over a new connection, which fails; that is its end. */
static void a_post_is_never_sent_again(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_SERVE,
                                              FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              FAKE_CLOSE,  THEN_SERVES};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_run(state, families[i], script, NULL);
        struct fcgi_request request = post_text("body");
        ask_hello(f->client);
        struct fcgi_outcome outcome =
            ask_expecting(f->client, &request, FCGI_ERR_CLOSED);
        assert_false(outcome.reused);
        assert_false(outcome.retried);
        assert_true(outcome.may_have_run);
        assert_false(outcome.safe_to_repeat);
        assert_int_equal(stats_of(f->client).dials, 2);
        assert_int_equal(stats_of(f->client).retries, 0);
        assert_int_equal(stats_of(f->client).stale, 0);
        assert_int_equal(fake_count(f->app, FAKE_ASKED), 2);
    }
}

/* The connections that the restart has ended do it no harm. */
static void a_post_after_a_restart_is_answered(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_serve(state, families[i], NULL);
        struct fcgi_request request = post_text("body");
        keep_idle(f->app, f->client, 3);
        fake_restart(f->app);
        struct fcgi_outcome outcome =
            ask_expecting_body(f->client, &request, "body");
        assert_false(outcome.retried);
        assert_int_equal(stats_of(f->client).stale, 0);
        assert_int_equal(stats_of(f->client).yielded, 1);
    }
}

/* ---- the other policies ------------------------------------------------- */

static void the_policy_never_retries_nothing(void **state)
{
    struct fcgi_request request = get_request();
    request.retry = FCGI_RETRY_NEVER;
    assert_not_retried(state, FAKE_STEPS(closes_on_request), &request,
                       FCGI_ERR_CLOSED);
    request = post_text("body");
    request.retry = FCGI_RETRY_NEVER;
    assert_not_retried(state, FAKE_STEPS(closes_on_request), &request,
                       FCGI_ERR_CLOSED);
}

static void the_policy_never_checks_a_pooled_connection_first(void **state)
{
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_HALF_CLOSE,
                                              FAKE_REACH, THEN_SERVES};
    struct fcgi_client_config config = {.retry = FCGI_RETRY_NEVER};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_run(state, families[i], script, &config);
        struct fcgi_request request = post_text("body");
        ask_hello(f->client);
        fake_await(f->app, FAKE_REACHED, 1);
        struct fcgi_outcome outcome =
            ask_expecting_body(f->client, &request, "body");
        assert_false(outcome.reused);
        assert_false(outcome.retried);
        assert_int_equal(stats_of(f->client).stale, 1);
        assert_int_equal(stats_of(f->client).yielded, 0);
        assert_true(ask_expecting_body(f->client, &request, "body").reused);
        assert_int_equal(stats_of(f->client).dials, 2);
    }
}

static void the_policy_stale_retries_a_post(void **state)
{
    struct fcgi_request request = post_text("body");
    assert_retried(state, FAKE_STEPS(closes_on_request), FCGI_RETRY_STALE,
                   &request, "body");
}

static void a_requests_policy_goes_before_the_clients(void **state)
{
    struct fcgi_client_config stale = {.retry = FCGI_RETRY_STALE};
    struct fcgi_request request = post_text("body");
    request.retry = FCGI_RETRY_STALE;
    assert_retried(state, FAKE_STEPS(closes_on_request), FCGI_RETRY_NEVER,
                   &request, "body");
    assert_retried(state, FAKE_STEPS(closes_on_request), FCGI_RETRY_SAFE,
                   &request, "body");
    request.retry = FCGI_RETRY_SAFE;
    assert_goes_over_a_new_connection(state, FAKE_UNIX, &stale, &request,
                                      "body");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_connection_closed_while_idle_is_replaced),
        fixture_test(a_connection_closed_on_the_request_is_replaced),
        fixture_test(a_connection_reset_on_the_request_is_replaced),
        fixture_test(a_replacement_begins_with_no_requests_to_its_count),
        fixture_test(a_half_closed_connection_is_replaced),
        fixture_test(it_is_retried_only_once),
        fixture_test(the_second_attempt_is_on_a_fresh_connection),
        fixture_test(a_fresh_connections_failure_is_not_retried),
        fixture_test(after_one_byte_of_the_response_nothing_is_retried),
        fixture_test(after_part_of_a_record_nothing_is_retried),
        fixture_test(a_reset_amid_the_response_is_not_retried),
        fixture_test(after_stderr_alone_nothing_is_retried),
        fixture_test(a_time_limit_is_not_retried),
        fixture_test(a_failed_source_is_not_retried),
        fixture_test(a_get_is_sent_again),
        fixture_test(a_put_whose_body_replays_is_sent_again),
        fixture_test(a_post_goes_over_a_new_connection),
        fixture_test(
            a_put_whose_body_cannot_be_replayed_goes_over_a_new_connection),
        fixture_test(a_request_without_a_method_goes_over_a_new_connection),
        fixture_test(the_idle_connection_is_closed_before_the_dial),
        fixture_test(only_one_idle_connection_yields),
        fixture_test(a_post_without_an_idle_connection_takes_none),
        fixture_test(the_connection_of_a_post_is_kept_for_the_next_get),
        fixture_test(a_post_is_never_sent_again),
        fixture_test(a_post_after_a_restart_is_answered),
        fixture_test(the_policy_never_retries_nothing),
        fixture_test(the_policy_never_checks_a_pooled_connection_first),
        fixture_test(the_policy_stale_retries_a_post),
        fixture_test(a_requests_policy_goes_before_the_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
