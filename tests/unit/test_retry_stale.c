/*
 * When a pooled connection counts as stale, so that its request is sent once
 * more; and the other idle connections, which are suspected then. What is
 * retried is in test_retry.c.
 */
#define _POSIX_C_SOURCE 200809L

#include "fixture.h"
#include "process.h"

/* How long after it took the request a connection ends that was not stale, and
 * one that was: the limit is a second. */
#define LATE_MS 1100
#define SOON_MS 100

static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};

/* A connection that served once, and then does what these steps say; the next
 * one serves. */
#define SERVED_ONCE FAKE_ACCEPT, FAKE_SERVE_TIMES(1)
#define THEN_SERVES FAKE_ACCEPT, FAKE_SERVE

/* ---- when a connection is stale ----------------------------------------- */

/* Asks once more over the connection that it has used, and is told how that
 * ended. */
struct asker {
    enum fake_family family;
    enum fcgi_retry retry;
    bool posts;
    struct fake *app;
    struct fcgi_client *client;
    int rc;
    struct fcgi_outcome outcome;
};

static void *ask_once_more(void *argument)
{
    struct asker *asker = argument;
    struct fcgi_request request =
        asker->posts ? post_text("body") : get_request();
    struct fcgi_response response = {0};
    asker->rc = fcgi_client_do(asker->client, &request, &response);
    asker->outcome = response.outcome;
    fcgi_response_free(&response);
    return NULL;
}

static void forget(void *what)
{
    struct asker *asker = what;
    fcgi_client_free(asker->client);
    fake_stop(asker->app);
}

static void begin_to_ask(void **state, struct asker *asker)
{
    static const struct fake_step script[] = {
        SERVED_ONCE, FAKE_READ_REQUEST, FAKE_PAUSE, FAKE_CLOSE, THEN_SERVES};
    struct fcgi_client_config config = {.retry = asker->retry};
    asker->app = FAKE_RUN(asker->family, script);
    asker->client = client_for(asker->app, &config);
    fixture_defer(state, forget, asker);
    ask_hello(asker->client);
    fixture_thread(state, ask_once_more, asker);
    fake_await(asker->app, FAKE_PAUSED, 1);
}

/* The application read the request, and died at its work. */
static void a_connection_that_ends_late_was_not_stale(void **state)
{
    static struct asker askers[] = {
        {.family = FAKE_UNIX, .retry = FCGI_RETRY_SAFE},
        {.family = FAKE_TCP, .retry = FCGI_RETRY_SAFE},
        {.family = FAKE_UNIX, .retry = FCGI_RETRY_STALE},
        {.family = FAKE_UNIX, .retry = FCGI_RETRY_STALE, .posts = true},
        {.family = FAKE_TCP, .retry = FCGI_RETRY_STALE, .posts = true},
    };
    size_t count = sizeof(askers) / sizeof(askers[0]);
    for (size_t i = 0; i < count; i++) {
        begin_to_ask(state, &askers[i]);
    }
    pass_ms(LATE_MS);
    for (size_t i = 0; i < count; i++) {
        fake_go(askers[i].app);
    }
    fixture_join(state);
    for (size_t i = 0; i < count; i++) {
        struct asker *asker = &askers[i];
        assert_code(asker->rc, FCGI_ERR_CLOSED);
        assert_true(asker->outcome.reused);
        assert_false(asker->outcome.retried);
        assert_true(asker->outcome.may_have_run);
        assert_int_equal(asker->outcome.safe_to_repeat, !asker->posts);
        assert_int_equal(fake_count(asker->app, FAKE_ASKED), 2);
        assert_int_equal(stats_of(asker->client).dials, 1);
        assert_int_equal(stats_of(asker->client).retries, 0);
        assert_int_equal(stats_of(asker->client).stale, 0);
        assert_int_equal(stats_of(asker->client).open, 0);
    }
}

static void a_connection_that_ends_soon_was_stale(void **state)
{
    static struct asker askers[] = {
        {.family = FAKE_UNIX, .retry = FCGI_RETRY_SAFE},
        {.family = FAKE_TCP, .retry = FCGI_RETRY_STALE, .posts = true},
    };
    for (size_t i = 0; i < 2; i++) {
        begin_to_ask(state, &askers[i]);
        pass_ms(SOON_MS);
        fake_go(askers[i].app);
        fixture_join(state);
        assert_code(askers[i].rc, FCGI_OK);
        assert_true(askers[i].outcome.retried);
        assert_int_equal(fake_count(askers[i].app, FAKE_ASKED), 3);
        assert_int_equal(stats_of(askers[i].client).stale, 1);
    }
}

/* ---- the others -------------------------------------------------------- */

/* A restart kills all idle connections: one is found out by a request, the
 * others are checked before a request is entrusted to them. */
static void after_one_dead_connection_the_others_are_checked(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        struct fcgi_connection *fresh;
        struct fixture *f = fixture_serve(state, families[i], NULL);
        for (size_t restarts = 1; restarts <= 2; restarts++) {
            keep_idle(f->app, f->client, 4);
            fake_restart(f->app);
            assert_true(ask_hello(f->client).retried);
            fresh = take(f->pool);
            struct fcgi_outcome outcome = ask_hello(f->client);
            assert_false(outcome.retried);
            assert_false(outcome.reused);
            struct fcgi_pool_stats stats = stats_of(f->client);
            /* For one that a busy machine lets wait another is closed. */
            assert_int_equal(stats.stale + stats.rescues, 4 * restarts);
            assert_int_equal(stats.retries, restarts);
            assert_int_equal(stats.open, 2);
            fcgi_pool_put(f->pool, fresh);
        }
    }
}

static void a_suspected_connection_that_lives_is_used(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_SERVE, /* lives */
        FAKE_ACCEPT, FAKE_SERVE_TIMES(1), FAKE_CLOSE, THEN_SERVES};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    struct fcgi_connection *lives = take(f->pool);
    ask_hello(f->client);
    fake_await(f->app, FAKE_CLOSED, 1);
    struct fcgi_connection *dead = take(f->pool);
    fcgi_pool_put(f->pool, lives);
    fcgi_pool_put(f->pool, dead);
    assert_true(ask_hello(f->client).retried);
    struct fcgi_connection *fresh = take(f->pool);
    assert_true(ask_hello(f->client).reused);
    assert_int_equal(stats_of(f->client).stale, 1);
    assert_int_equal(stats_of(f->client).dials, 3);
    fcgi_pool_put(f->pool, fresh);
}

static void no_request_fails_when_the_application_restarts(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    keep_idle(f->app, f->client, 8);
    for (size_t restart = 0; restart < 20; restart++) {
        fake_restart(f->app);
        ask_hello(f->client);
        ask_hello(f->client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_connection_that_ends_late_was_not_stale),
        fixture_test(a_connection_that_ends_soon_was_stale),
        fixture_test(after_one_dead_connection_the_others_are_checked),
        fixture_test(a_suspected_connection_that_lives_is_used),
        fixture_test(no_request_fails_when_the_application_restarts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
