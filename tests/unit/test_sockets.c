/*
 * What a host is told of a pool's sockets: each once when it is opened, and
 * once before it is closed, so that no number is watched that is another's.
 */
#define _POSIX_C_SOURCE 200809L

#include <unistd.h>

#include "fixture.h"

#define FDS 1024

struct sockets {
    bool open[FDS];
    size_t opened;
    size_t closed;
};

static void on_opened(void *context, int fd)
{
    struct sockets *sockets = context;
    assert_true(fd >= 0 && fd < FDS);
    assert_false(sockets->open[fd]);
    sockets->open[fd] = true;
    sockets->opened += 1;
}

/* It is open still. */
static void on_closing(void *context, int fd)
{
    struct sockets *sockets = context;
    assert_true(sockets->open[fd]);
    int copy = dup(fd);
    assert_true(copy >= 0);
    assert_int_equal(close(copy), 0);
    sockets->open[fd] = false;
    sockets->closed += 1;
}

static struct sockets *watch(void **state, struct fcgi_client_config *config)
{
    struct sockets *sockets = fixture_alloc(state, sizeof(*sockets));
    config->pool.socket_opened = on_opened;
    config->pool.socket_closing = on_closing;
    config->pool.socket_context = sockets;
    return sockets;
}

static void each_socket_is_told_when_it_opens_and_before_it_closes(void **state)
{
    struct fcgi_client_config config = {.retry = FCGI_RETRY_DEFAULT};
    struct sockets *sockets = watch(state, &config);
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    (void)ask_hello(f->client);
    (void)ask_hello(f->client);
    assert_int_equal(sockets->opened, 1);
    assert_int_equal(sockets->closed, 0);
    fixture_free_client(f);
    assert_int_equal(sockets->closed, 1);
}

/* POSTs go over connections of their own, and each idle one yields. */
static void a_connection_that_yields_is_told(void **state)
{
    struct fcgi_client_config config = {.retry = FCGI_RETRY_DEFAULT};
    struct sockets *sockets = watch(state, &config);
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    struct fcgi_request request = post_text("x");
    for (int i = 0; i < 3; i++) {
        (void)ask_expecting(f->client, &request, FCGI_OK);
    }
    assert_int_equal(sockets->opened, 3);
    assert_int_equal(sockets->closed, 2);
}

static void a_stale_connection_is_told_before_the_next_opens(void **state)
{
    static const struct fake_step steps[] = {
        FAKE_ACCEPT, FAKE_SERVE_TIMES(1), FAKE_CLOSE, FAKE_ACCEPT, FAKE_SERVE};
    struct fcgi_client_config config = {.retry = FCGI_RETRY_DEFAULT};
    struct sockets *sockets = watch(state, &config);
    struct fixture *f = fixture_run(state, FAKE_TCP, steps, &config);
    (void)ask_hello(f->client);
    fake_await(f->app, FAKE_CLOSED, 1);
    assert_true(ask_hello(f->client).retried);
    assert_int_equal(sockets->opened, 2);
    assert_int_equal(sockets->closed, 1);
}

static void a_dial_that_fails_is_told(void **state)
{
    struct fcgi_client_config config = {.retry = FCGI_RETRY_DEFAULT};
    struct sockets *sockets = watch(state, &config);
    struct fixture *f = fixture_serve(state, FAKE_TCP, &config);
    fixture_stop_app(f);
    (void)ask_expecting(f->client, &f->request, FCGI_ERR_CONNECT);
    assert_true(sockets->opened > 0);
    assert_int_equal(sockets->closed, sockets->opened);
}

/* ---- idle connections --------------------------------------------------- */

static void
an_idle_connection_that_was_closed_goes_when_it_is_checked(void **state)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_SERVE_TIMES(1),
                                             FAKE_CLOSE};
    struct fixture *f = fixture_run(state, FAKE_UNIX, steps, NULL);
    struct fcgi_connection *connection = take(f->pool);
    int fd = fcgi_connection_fd(connection);
    fcgi_pool_put(f->pool, connection);
    (void)ask_hello(f->client);
    fake_await(f->app, FAKE_CLOSED, 1);
    fcgi_pool_check_idle(f->pool, fd);
    assert_int_equal(stats_of(f->client).open, 0);
    assert_int_equal(stats_of(f->client).stale, 1);
    assert_int_equal(stats_of(f->client).evictions, 0);
}

static void a_check_leaves_other_connections_alone(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_connection *leased = take(f->pool);
    keep_idle(f->app, f->client, 1);
    fcgi_pool_check_idle(NULL, 0);
    fcgi_pool_check_idle(f->pool, -1);
    for (int fd = 0; fd < 64; fd++) {
        fcgi_pool_check_idle(f->pool, fd);
    }
    assert_int_equal(stats_of(f->client).open, 2);
    assert_int_equal(stats_of(f->client).stale, 0);
    fcgi_pool_put(f->pool, leased);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(each_socket_is_told_when_it_opens_and_before_it_closes),
        fixture_test(a_connection_that_yields_is_told),
        fixture_test(a_stale_connection_is_told_before_the_next_opens),
        fixture_test(a_dial_that_fails_is_told),
        fixture_test(
            an_idle_connection_that_was_closed_goes_when_it_is_checked),
        fixture_test(a_check_leaves_other_connections_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
