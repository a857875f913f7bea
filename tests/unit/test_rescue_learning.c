/*
 * Requests that wait for a worker which an idle connection holds: of threads,
 * and to an application of one process. And what the pool learns where keeping
 * connections does not pay. Which connections are closed, and when, is in
 * test_rescue.c.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"

/* In microseconds. */
#define MS 1000

static const struct fcgi_client_config no_idle_limit = {
    .pool = {.idle_timeout_ms = -1}};

static void a_thread_that_waits_has_a_connection_closed(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_SERVE, FAKE_ACCEPT, FAKE_PAUSE, FAKE_SERVE};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, &no_idle_limit);
    struct fcgi_connection *connection = take(f->pool);
    fake_await(f->app, FAKE_ACCEPTED, 1);
    struct fixture_asker *asker = fixture_ask(state, f->client, &f->request);
    fake_await(f->app, FAKE_PAUSED, 1);
    fcgi_pool_put(f->pool, connection);
    fake_await(f->app, FAKE_LEFT, 1);
    fake_go(f->app);
    fixture_join(state);
    assert_code(asker->rc, FCGI_OK);
    assert_true(asker->response.outcome.total_us >= 20 * MS);
    assert_int_equal(stats_of(f->client).rescues, 1);
}

/* ---- an application of one process -------------------------------------- */

#define LINE_MAX_LEN 64

/* It serves a connection to its end before it turns to the next: those that
 * were dialled stand in line. Its first answer comes when so many do. */
struct single {
    struct fixture *f;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t dialled;
    int line[LINE_MAX_LEN];
    size_t count;
    size_t wanted;
    bool stopped;
};

static int stand_in_line(void *context, int *fd)
{
    struct single *single = context;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return FCGI_ERR_SYSTEM;
    }
    (void)pthread_mutex_lock(&single->lock);
    single->line[single->count % LINE_MAX_LEN] = ends[1];
    single->count += 1;
    (void)pthread_cond_signal(&single->dialled);
    (void)pthread_mutex_unlock(&single->lock);
    *fd = ends[0];
    return FCGI_OK;
}

/* The nth connection; -1: there will be no more. */
static int accept_nth(struct single *single, size_t nth)
{
    (void)pthread_mutex_lock(&single->lock);
    while (single->count <= nth || single->count < single->wanted) {
        if (single->stopped) {
            break;
        }
        (void)pthread_cond_wait(&single->dialled, &single->lock);
    }
    int fd = single->count <= nth ? -1 : single->line[nth % LINE_MAX_LEN];
    (void)pthread_mutex_unlock(&single->lock);
    return fd;
}

/* Read a request, and answer it; false: no request came. */
static bool serve_request(int fd)
{
    struct wire_request request = {0};
    struct wire w = {0};
    uint8_t buf[4096];
    ssize_t got = 1;
    while (request.body_ends == 0 && got > 0) {
        got = recv(fd, buf, sizeof(buf), 0);
        wire_append(&w, buf, got > 0 ? (size_t)got : 0);
        wire_request_free(&request);
        memset(&request, 0, sizeof(request));
        (void)wire_request_read(&request, w.data, w.len);
    }
    wire_clear(&w);
    wire_stdout(&w, request.id, "A: 1\r\n\r\nhello");
    wire_end(&w, request.id, 0, WIRE_COMPLETE);
    bool served = got > 0 && send(fd, w.data, w.len, MSG_NOSIGNAL) > 0;
    wire_free(&w);
    wire_request_free(&request);
    return served;
}

static void *serve_in_line(void *argument)
{
    struct single *single = argument;
    int fd = accept_nth(single, 0);
    for (size_t i = 1; fd >= 0; i++) {
        while (serve_request(fd)) {
        }
        (void)close(fd);
        fd = accept_nth(single, i);
    }
    return NULL;
}

/* Frees the client first: the thread serves until its connections end. */
static void end_single(void *what)
{
    struct single *single = what;
    fixture_free_client(single->f);
    (void)pthread_mutex_lock(&single->lock);
    single->stopped = true;
    (void)pthread_cond_signal(&single->dialled);
    (void)pthread_mutex_unlock(&single->lock);
    (void)pthread_join(single->thread, NULL);
    (void)pthread_cond_destroy(&single->dialled);
    (void)pthread_mutex_destroy(&single->lock);
}

static struct fixture *begin_single(void **state, size_t wanted)
{
    struct fixture *f = *state;
    struct single *single = fixture_alloc(state, sizeof(*single));
    struct fcgi_client_config config = {.pool = {.idle_timeout_ms = -1,
                                                 .dial = stand_in_line,
                                                 .dial_context = single}};
    fixture_end(state);
    single->f = f;
    single->wanted = wanted;
    assert_int_equal(pthread_mutex_init(&single->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&single->dialled, NULL), 0);
    assert_code(fcgi_client_new(&f->client, "unix:/in/line", &config), FCGI_OK);
    assert_int_equal(
        pthread_create(&single->thread, NULL, serve_in_line, single), 0);
    fixture_defer(state, end_single, single);
    return f;
}

/* How long the slower of two requests took that were made at once, where the
 * connection of the other one, kept, had the only process; in microseconds. */
static int64_t ask_twice_at_once(void **state)
{
    struct fixture *f = begin_single(state, 2);
    struct fixture_asker *one = fixture_ask(state, f->client, &f->request);
    struct fixture_asker *other = fixture_ask(state, f->client, &f->request);
    fixture_join(state);
    assert_code(one->rc, FCGI_OK);
    assert_code(other->rc, FCGI_OK);
    assert_int_equal(stats_of(f->client).rescues, 1);
    int64_t took = one->response.outcome.total_us;
    int64_t other_took = other->response.outcome.total_us;
    return took > other_took ? took : other_took;
}

/* The machine may be busy, but not each time. */
static void
two_requests_at_once_to_one_process_take_less_than_100_ms(void **state)
{
    int64_t took = INT64_MAX;
    for (int i = 0; i < 20 && took >= 100 * MS; i++) {
        took = ask_twice_at_once(state);
        assert_true(took >= 20 * MS);
    }
    assert_true(took < 100 * MS);
}

/* ---- learning ----------------------------------------------------------- */

#define REQUESTS 500

/* Whatever FCGI_KEEP_CONN says. */
static void
an_application_that_closes_after_each_answer_is_found_out(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_SERVE_TIMES(1),
                                              FAKE_CLOSE};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, &no_idle_limit);
    for (size_t i = 1; i <= REQUESTS; i++) {
        ask_hello(f->client);
        fake_await(f->app, FAKE_CLOSED, i);
    }
    struct fcgi_pool_stats stats = stats_of(f->client);
    assert_in_range(stats.retries, 5, 20);
    assert_in_range(stats.unkept, REQUESTS - 40, REQUESTS);
    assert_true(stats.evictions >= stats.unkept);
    assert_int_equal(stats.dials, REQUESTS);
}

#define UNTIL_REFORMED 40

static void
an_application_that_begins_to_keep_connections_is_found_out(void **state)
{
    static const struct fake_step closes[] = {FAKE_ACCEPT, FAKE_SERVE_TIMES(1),
                                              FAKE_CLOSE};
    static const struct fake_step keeps[] = {FAKE_ACCEPT, FAKE_SERVE};
    struct fake_step script[3 * UNTIL_REFORMED + 2];
    size_t asked = 0;
    for (size_t i = 0; i < UNTIL_REFORMED; i++) {
        memcpy(&script[3 * i], closes, sizeof(closes));
    }
    memcpy(&script[3 * UNTIL_REFORMED], keeps, sizeof(keeps));
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, &no_idle_limit);
    while (!ask_hello(f->client).reused) {
        asked += 1;
        fake_await(f->app, FAKE_CLOSED,
                   asked < UNTIL_REFORMED ? asked : UNTIL_REFORMED);
        assert_true(asked < 2 * UNTIL_REFORMED);
    }
    assert_true(asked >= UNTIL_REFORMED);
    uint64_t unkept = stats_of(f->client).unkept;
    for (size_t i = 0; i < 100; i++) {
        assert_true(ask_hello(f->client).reused);
    }
    assert_int_equal(stats_of(f->client).unkept, unkept);
}

/* As PHP-FPM does with pm.max_requests: what was reused has paid. */
static void one_that_closes_after_a_reuse_has_its_connections_kept(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_SERVE_TIMES(2),
                                              FAKE_CLOSE};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, &no_idle_limit);
    for (size_t i = 1; i <= 50; i++) {
        ask_hello(f->client);
        assert_true(ask_hello(f->client).reused);
        fake_await(f->app, FAKE_CLOSED, i);
    }
    assert_int_equal(stats_of(f->client).retries, 49);
    assert_int_equal(stats_of(f->client).unkept, 0);
}

/* Those that it ends all at once say nothing about how it deals with one. */
static void an_application_may_be_restarted(void **state)
{
    struct fcgi_connection *connections[12];
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &no_idle_limit);
    keep_idle(f->app, f->client, 12);
    fake_restart(f->app);
    ask_hello(f->client);
    for (size_t i = 0; i < 12; i++) {
        connections[i] = take(f->pool);
    }
    /* On a busy machine the request may have had to wait, too. */
    assert_int_equal(
        stats_of_pool(f->pool).stale + stats_of_pool(f->pool).rescues, 12);
    for (size_t i = 0; i < 12; i++) {
        fcgi_pool_put(f->pool, connections[i]);
    }
    assert_int_equal(stats_of_pool(f->pool).unkept, 0);
    assert_int_equal(stats_of_pool(f->pool).idle, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_thread_that_waits_has_a_connection_closed),
        fixture_test(two_requests_at_once_to_one_process_take_less_than_100_ms),
        fixture_test(an_application_that_closes_after_each_answer_is_found_out),
        fixture_test(
            an_application_that_begins_to_keep_connections_is_found_out),
        fixture_test(one_that_closes_after_a_reuse_has_its_connections_kept),
        fixture_test(an_application_may_be_restarted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
