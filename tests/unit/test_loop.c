/*
 * Many requests in the event loop of a host: what it watches, when it is told
 * that a request has ended, and how a loop ends.
 */
#define _POSIX_C_SOURCE 200809L

#include <string.h>
#include <unistd.h>

#include <fcgi_client/io.h>

#include "fixture.h"
#include "loop_host.h"

#define CROWD 40

/* A request of a test. */
struct asked {
    struct fcgi_request request;
    struct fcgi_response response;
    struct loop_host_end end;
    struct fcgi_call *call;
};

static void free_response(void *what)
{
    struct asked *asked = what;
    fcgi_response_free(&asked->response);
}

static struct asked *make_request(void **state)
{
    struct asked *asked = fixture_alloc(state, sizeof(*asked));
    asked->request = get_request();
    asked->request.context = &asked->end;
    fixture_defer(state, free_response, asked);
    return asked;
}

static int begin(struct loop_host *host, struct asked *asked)
{
    return fcgi_loop_start(host->loop, &asked->request, &asked->response,
                           loop_host_done, &asked->call);
}

/* Ask for "hello", and wait for it. */
static void ask_loop(void **state, struct loop_host *host)
{
    struct asked *asked = make_request(state);
    assert_code(begin(host, asked), FCGI_OK);
    loop_host_run(host);
    assert_int_equal(asked->end.count, 1);
    assert_code(asked->end.error, FCGI_OK);
    assert_string_equal(asked->response.body.data, "hello");
}

static struct fcgi_pool_stats stats_of_loop(struct loop_host *host)
{
    return stats_of(fcgi_loop_client(host->loop));
}

/* A test, with a host that hears of levels and with one that hears of changes
 * alone. */
static void with_both(void **state, void (*test)(void **state, bool edge))
{
    test(state, false);
    fixture_end(state);
    test(state, true);
}

/* ---- requests ----------------------------------------------------------- */

static void ask_one(void **state, bool edge)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct loop_host *host =
        loop_host_open(state, fake_address(f->app), NULL, edge);
    ask_loop(state, host);
    ask_loop(state, host);
    assert_int_equal(stats_of_loop(host).dials, 1);
}

static void a_request_is_answered(void **state)
{
    with_both(state, ask_one);
}

static void ask_crowd(void **state, bool edge)
{
    static const struct fcgi_client_config config = {.pool = {.max_open = 3}};
    struct fixture *f = fixture_serve(state, FAKE_TCP, NULL);
    struct loop_host *host =
        loop_host_open(state, fake_address(f->app), &config, edge);
    struct asked *asked[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        asked[i] = make_request(state);
        assert_code(begin(host, asked[i]), FCGI_OK);
    }
    assert_int_equal(fcgi_loop_count(host->loop), CROWD);
    loop_host_run(host);
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(asked[i]->end.count, 1);
        assert_code(asked[i]->end.error, FCGI_OK);
    }
    assert_int_equal(stats_of_loop(host).dials, 3);
}

static void many_requests_wait_for_few_connections(void **state)
{
    with_both(state, ask_crowd);
}

static void refuse(void **state, bool edge)
{
    (void)fixture_serve(state, FAKE_UNIX, NULL);
    struct loop_host *host =
        loop_host_open(state, fixture_path(state, "absent"), NULL, edge);
    struct asked *asked = make_request(state);
    int rc = begin(host, asked);
    assert_code(rc, FCGI_ERR_CONNECT);
    assert_code(asked->response.outcome.error, FCGI_ERR_CONNECT);
    assert_int_equal(asked->end.count, 0);
    assert_int_equal(fcgi_loop_count(host->loop), 0);
}

static void a_request_that_cannot_begin_is_refused_at_once(void **state)
{
    with_both(state, refuse);
}

/* A source that fails ends the request at its first step. */
static int fail_to_read(void *context, void *buf, size_t cap, size_t *got)
{
    (void)context;
    (void)buf;
    (void)cap;
    (void)got;
    return FCGI_ERR_SYSTEM;
}

static void fail_source(void **state, bool edge)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct loop_host *host =
        loop_host_open(state, fake_address(f->app), NULL, edge);
    struct asked *asked = make_request(state);
    asked->request.body.read = fail_to_read;
    assert_code(begin(host, asked), FCGI_OK);
    assert_int_equal(asked->end.count, 0);
    assert_int_equal(host->timer_ms, 0);
    loop_host_run(host);
    assert_int_equal(asked->end.count, 1);
    assert_code(asked->end.error, FCGI_ERR_SOURCE);
}

static void done_is_never_called_from_within_start(void **state)
{
    with_both(state, fail_source);
}

/* One that follows on the end of the one before. */
struct chain {
    struct loop_host *host;
    struct asked *asked;
    size_t left;
};

static void ask_next(void *context, int error)
{
    struct chain *chain = context;
    assert_code(error, FCGI_OK);
    if (chain->left > 0) {
        chain->left -= 1;
        assert_code(fcgi_loop_start(chain->host->loop, &chain->asked->request,
                                    &chain->asked->response, ask_next, NULL),
                    FCGI_OK);
    }
}

static void ask_chain(void **state, bool edge)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct chain *chain = fixture_alloc(state, sizeof(*chain));
    chain->host = loop_host_open(state, fake_address(f->app), NULL, edge);
    chain->asked = make_request(state);
    chain->asked->request.context = chain;
    chain->left = 20;
    ask_next(chain, FCGI_OK);
    loop_host_run(chain->host);
    assert_int_equal(chain->left, 0);
    assert_int_equal(stats_of_loop(chain->host).dials, 1);
}

static void done_may_begin_the_next_which_has_its_connection(void **state)
{
    with_both(state, ask_chain);
}

/* ---- what is watched ---------------------------------------------------- */

static void ask_warm(void **state, bool edge)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct loop_host *host =
        loop_host_open(state, fake_address(f->app), NULL, edge);
    ask_loop(state, host);
    size_t before = host->changes;
    for (int i = 0; i < 10; i++) {
        ask_loop(state, host);
    }
    assert_int_equal(host->changes, before);
    assert_int_equal(loop_host_watched(host), 2); /* and the wake-up */
}

static void a_request_over_a_warm_connection_changes_nothing(void **state)
{
    with_both(state, ask_warm);
}

static void close_idle(void **state, bool edge)
{
    static const struct fake_step steps[] = {FAKE_ACCEPT, FAKE_SERVE_TIMES(1),
                                             FAKE_PAUSE,  FAKE_CLOSE,
                                             FAKE_ACCEPT, FAKE_SERVE};
    struct fixture *f = fixture_run(state, FAKE_UNIX, steps, NULL);
    struct loop_host *host =
        loop_host_open(state, fake_address(f->app), NULL, edge);
    ask_loop(state, host);
    fake_await(f->app, FAKE_PAUSED, 1);
    assert_int_equal(stats_of_loop(host).idle, 1);
    fake_go(f->app);
    while (stats_of_loop(host).open > 0) {
        loop_host_turn(host, -1);
    }
    assert_int_equal(loop_host_watched(host), 1);
    assert_int_equal(stats_of_loop(host).evictions, 0);
    ask_loop(state, host);
    assert_int_equal(stats_of_loop(host).retries, 0);
}

static void an_idle_connection_that_the_application_closes_goes(void **state)
{
    with_both(state, close_idle);
}

static void expire_idle(void **state, bool edge)
{
    static const struct fcgi_client_config config = {
        .pool = {.idle_timeout_ms = 20}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct loop_host *host =
        loop_host_open(state, fake_address(f->app), &config, edge);
    ask_loop(state, host);
    while (stats_of_loop(host).open > 0) {
        assert_true(fcgi_loop_timeout_ms(host->loop) >= 0);
        loop_host_turn(host, -1);
    }
    assert_int_equal(stats_of_loop(host).evictions, 1);
    while (fcgi_loop_timeout_ms(host->loop) >= 0) {
        loop_host_turn(host, -1);
    }
}

static void idle_connections_expire_without_a_thread(void **state)
{
    with_both(state, expire_idle);
}

/* The wake-up is watched first, then a socket. */
static void fail_watch(void **state, bool edge)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct loop_host *host =
        loop_host_open(state, fake_address(f->app), NULL, edge);
    struct asked *asked = make_request(state);
    host->fails_after = 1;
    assert_code(begin(host, asked), FCGI_ERR_NO_MEMORY);
    assert_int_equal(asked->end.count, 0);
    assert_int_equal(fcgi_loop_count(host->loop), 0);
    host->fails_after = 0;
    ask_loop(state, host);
}

static void a_request_whose_socket_cannot_be_watched_is_refused(void **state)
{
    with_both(state, fail_watch);
}

/* ---- pauses ------------------------------------------------------------- */

struct sip {
    char taken[6];
    size_t len;
    bool thirsty;
};

static int take_a_byte(void *context, const void *data, size_t *len)
{
    struct sip *sip = context;
    *len = sip->thirsty ? 1 : 0;
    if (sip->thirsty) {
        memcpy(sip->taken + sip->len, data, 1);
        sip->len += 1;
        sip->thirsty = false;
    }
    return 0;
}

static void sip_answer(void **state, bool edge)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct loop_host *host =
        loop_host_open(state, fake_address(f->app), NULL, edge);
    struct asked *asked = make_request(state);
    struct sip *sip = fixture_alloc(state, sizeof(*sip));
    asked->request.sink.body = take_a_byte;
    asked->request.sink.context = sip;
    assert_code(begin(host, asked), FCGI_OK);
    while (sip->len < 5) {
        loop_host_turn(host, 1);
        assert_int_equal(asked->end.count, 0);
        sip->thirsty = true;
        fcgi_loop_resume(host->loop, asked->call);
    }
    loop_host_run(host);
    assert_code(asked->end.error, FCGI_OK);
    assert_string_equal(sip->taken, "hello");
}

static void a_sink_that_pauses_is_resumed(void **state)
{
    with_both(state, sip_answer);
}

static void upload_pipe(void **state, bool edge)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct loop_host *host =
        loop_host_open(state, fake_address(f->app), NULL, edge);
    struct asked *asked = make_request(state);
    struct fcgi_fd_state *reading = fixture_alloc(state, sizeof(*reading));
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    asked->request = post_request(fcgi_fd_source(reading, ends[0]));
    asked->request.context = &asked->end;
    assert_code(begin(host, asked), FCGI_OK);
    loop_host_turn(host, 0);
    assert_int_equal(loop_host_watched(host), 3);
    assert_int_equal(write(ends[1], "body", 4), 4);
    loop_host_turn(host, -1);
    assert_int_equal(close(ends[1]), 0);
    loop_host_run(host);
    assert_code(asked->end.error, FCGI_OK);
    assert_int_equal(loop_host_watched(host), 2);
    assert_int_equal(close(ends[0]), 0);
}

static void the_descriptor_of_a_source_is_watched_while_it_waits(void **state)
{
    with_both(state, upload_pipe);
}

/* ---- the end ------------------------------------------------------------ */

static void cancel_one(void **state, bool edge)
{
    struct fixture *f = fixture_clogged(state, FAKE_UNIX, NULL);
    struct loop_host *host =
        loop_host_open(state, fake_address(f->app), NULL, edge);
    struct asked *asked = make_request(state);
    assert_code(begin(host, asked), FCGI_OK);
    fcgi_loop_cancel(host->loop, asked->call);
    assert_int_equal(fcgi_loop_count(host->loop), 0);
    assert_int_equal(asked->end.count, 0);
    assert_code(asked->response.outcome.error, FCGI_ERR_CANCELLED);
    assert_int_equal(loop_host_watched(host), 1);
}

static void a_cancelled_request_is_not_told_of_its_end(void **state)
{
    with_both(state, cancel_one);
}

static void free_crowd(void **state, bool edge)
{
    struct fixture *f = fixture_clogged(state, FAKE_UNIX, NULL);
    struct loop_host *host =
        loop_host_open(state, fake_address(f->app), NULL, edge);
    struct asked *asked[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        asked[i] = make_request(state);
        assert_code(begin(host, asked[i]), FCGI_OK);
    }
    fcgi_loop_free(host->loop);
    host->loop = NULL;
    assert_int_equal(loop_host_watched(host), 0);
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(asked[i]->end.count, 0);
    }
}

static void a_loop_is_freed_with_its_requests(void **state)
{
    with_both(state, free_crowd);
}

static void expire_request(void **state, bool edge)
{
    struct fixture *f = fixture_clogged(state, FAKE_UNIX, NULL);
    struct loop_host *host =
        loop_host_open(state, fake_address(f->app), NULL, edge);
    struct asked *late = make_request(state);
    struct asked *later = make_request(state);
    later->request.timeouts.total_ms = 60;
    late->request.timeouts.total_ms = 30;
    assert_code(begin(host, later), FCGI_OK);
    assert_code(begin(host, late), FCGI_OK);
    assert_true(host->timer_ms <= 30);
    while (late->end.count == 0) {
        loop_host_turn(host, -1);
    }
    assert_code(late->end.error, FCGI_ERR_DEADLINE);
    loop_host_run(host);
    assert_code(later->end.error, FCGI_ERR_DEADLINE);
}

static void each_request_ends_at_its_own_limit(void **state)
{
    with_both(state, expire_request);
}

/* ---- memory ------------------------------------------------------------- */

static int watch_nothing(void *context, int fd, unsigned events, void **own)
{
    (void)context;
    (void)fd;
    (void)events;
    (void)own;
    return FCGI_OK;
}

/* Make a loop and begin a request, as far as there is memory. */
static void try_loop(void **state, const struct fake *app)
{
    struct fixture *f = *state;
    const struct fcgi_loop_host functions = {.watch = watch_nothing};
    const struct fcgi_client_config config = {
        .pool = {.allocator = counting_allocator(&f->memory)}};
    struct asked *asked = make_request(state);
    struct fcgi_loop *loop;
    int rc = fcgi_loop_new(&loop, fake_address(app), &config, &functions);
    if (rc == FCGI_OK) {
        rc = fcgi_loop_start(loop, &asked->request, &asked->response,
                             loop_host_done, NULL);
        fcgi_loop_free(loop);
        fcgi_response_free(&asked->response);
    }
    assert_true(rc == FCGI_OK || rc == FCGI_ERR_NO_MEMORY);
}

/* The table of descriptors may grow at the second attempt. */
static void any_allocation_may_fail_and_nothing_leaks(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    size_t nth = 1;
    do {
        f->memory = (struct counting_allocator){.fail_at = nth++};
        try_loop(state, f->app);
        assert_int_equal(f->memory.blocks, 0);
    } while (f->memory.failures > 0);
    assert_true(nth > 8);
}

/* ---- arguments ---------------------------------------------------------- */

static void null_is_refused_or_harmless(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct loop_host *host =
        loop_host_open(state, fake_address(f->app), NULL, false);
    const struct fcgi_loop_host nothing = {.watch = NULL};
    struct fcgi_loop *loop = host->loop;
    struct asked *asked = make_request(state);
    assert_code(fcgi_loop_new(NULL, "127.0.0.1:1", NULL, &nothing),
                FCGI_ERR_ARGUMENT);
    assert_code(fcgi_loop_new(&loop, "127.0.0.1:1", NULL, &nothing),
                FCGI_ERR_ARGUMENT);
    assert_null(loop);
    assert_code(fcgi_loop_new(&loop, "127.0.0.1:1", NULL, NULL),
                FCGI_ERR_ARGUMENT);
    assert_code(fcgi_loop_start(host->loop, NULL, &asked->response,
                                loop_host_done, NULL),
                FCGI_ERR_ARGUMENT);
    assert_code(fcgi_loop_start(host->loop, &asked->request, &asked->response,
                                NULL, &asked->call),
                FCGI_ERR_ARGUMENT);
    assert_null(asked->call);
    fcgi_loop_ready(NULL, 0, FCGI_EVENT_READ);
    fcgi_loop_ready(host->loop, -1, FCGI_EVENT_READ);
    fcgi_loop_ready(host->loop, 1000000, FCGI_EVENT_READ);
    fcgi_loop_expire(NULL);
    fcgi_loop_resume(host->loop, NULL);
    fcgi_loop_cancel(host->loop, NULL);
    assert_int_equal(fcgi_loop_timeout_ms(NULL), -1);
    assert_int_equal(fcgi_loop_count(NULL), 0);
    assert_null(fcgi_loop_client(NULL));
    fcgi_loop_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_request_is_answered),
        fixture_test(many_requests_wait_for_few_connections),
        fixture_test(a_request_that_cannot_begin_is_refused_at_once),
        fixture_test(done_is_never_called_from_within_start),
        fixture_test(done_may_begin_the_next_which_has_its_connection),
        fixture_test(a_request_over_a_warm_connection_changes_nothing),
        fixture_test(an_idle_connection_that_the_application_closes_goes),
        fixture_test(idle_connections_expire_without_a_thread),
        fixture_test(a_request_whose_socket_cannot_be_watched_is_refused),
        fixture_test(a_sink_that_pauses_is_resumed),
        fixture_test(the_descriptor_of_a_source_is_watched_while_it_waits),
        fixture_test(a_cancelled_request_is_not_told_of_its_end),
        fixture_test(a_loop_is_freed_with_its_requests),
        fixture_test(each_request_ends_at_its_own_limit),
        fixture_test(any_allocation_may_fail_and_nothing_leaks),
        fixture_test(null_is_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
