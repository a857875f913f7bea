/*
 * What a time limit does not count: time that the caller's own source or sink
 * takes, signals, and jumps of the wall clock.
 */
#define _GNU_SOURCE /* syscall() */

#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <fcgi_client/io.h>

#include "fixture.h"
#include "late_pipe.h"
#include "pattern.h"
#include "process.h"
#include "ticks.h"

#define LIMIT 100
/* A peer that is quick keeps within this, whatever else the machine does. */
#define STRICT 400
#define SLOW 600
/* More than a socket holds. */
#define LARGE 4000003

/* The wall clock of this program is a day further each time it is read, also
 * by the library; the clock that only moves on is the system's. */
static _Atomic long days;

int clock_gettime(clockid_t clock, struct timespec *now)
{
    long rc = syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_REALTIME) {
        days += 1;
        now->tv_sec += days * 86400;
    }
    return (int)rc;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec precise;
    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now)
{
    struct timespec precise;
    (void)clock_gettime(CLOCK_REALTIME, &precise);
    if (now != NULL) {
        *now = precise.tv_sec;
    }
    return precise.tv_sec;
}

/* Every limit on the peer is short; the whole may take long. */
static const struct fcgi_client_config strict = {
    .timeouts = {
        .write_ms = STRICT, .first_byte_ms = STRICT, .idle_ms = STRICT}};

/* ---- the caller's own time --------------------------------------------- */

/* A body of some pieces, each of which takes longer than the limits. */
static int read_late(void *context, void *buf, size_t cap, size_t *got)
{
    size_t *pieces = context;
    pass_ms(SLOW);
    *got = *pieces > 0 && cap > 0;
    *pieces -= *got;
    memset(buf, 'x', *got);
    return FCGI_OK;
}

static void a_source_that_takes_its_time_is_not_charged(void **state)
{
    size_t pieces = 1;
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &strict);
    struct fcgi_source source = {.read = read_late, .context = &pieces};
    struct fcgi_request request = post_request(source);
    ask_expecting_body(f->client, &request, "x");
}

static void a_pipe_that_is_silent_for_long_is_not_charged(void **state)
{
    struct fcgi_fd_state reading;
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &strict);
    struct late_pipe *late = late_pipe_open(state);
    struct fcgi_request request =
        post_request(fcgi_fd_source(&reading, late->fd));
    late_pipe_write(late, SLOW);
    ask_expecting_body(f->client, &request, "late");
}

static int take_late(void *context, const void *data, size_t *len)
{
    size_t *calls = context;
    (void)data;
    (void)len;
    *calls += 1;
    pass_ms(SLOW);
    return 0;
}

/* What the application does meanwhile is not held against it: the rest comes
 * only when the sink has already taken longer than the limit. */
static void a_sink_that_takes_its_time_is_not_charged(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_STDOUT("Status: 200\r\n\r\nha"),
        FAKE_STDOUT("lf"), FAKE_END(WIRE_COMPLETE)};
    size_t calls = 0;
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, &strict);
    f->request.sink.body = take_late;
    f->request.sink.context = &calls;
    ask_expecting(f->client, &f->request, FCGI_OK);
    assert_true(calls >= 1);
}

/* A sink so slow that its limit would be over, and then an application that
 * still has a limit's time to go on. */
static int let_go_late(void *context, const struct fcgi_response *response)
{
    (void)response;
    pass_ms(SLOW);
    fake_go(context);
    return 0;
}

static void after_a_slow_sink_the_peer_has_its_full_time(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_STDOUT("Status: 200\r\n\r\nha"),
        FAKE_PAUSE,  FAKE_STDOUT("lf"), FAKE_END(WIRE_COMPLETE)};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, &strict);
    f->request.sink.head = let_go_late;
    f->request.sink.context = f->app;
    ask_expecting_body(f->client, &f->request, "half");
}

/* The socket is full when the sink begins: the application reads on only
 * afterwards. */
static void after_a_slow_sink_the_peer_has_its_full_time_to_read(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT,
        FAKE_READ_PARAMS,
        FAKE_STDOUT("Status: 200\r\n\r\nha"),
        FAKE_PAUSE,
        FAKE_READ_REQUEST,
        FAKE_STDOUT("lf"),
        FAKE_END(WIRE_COMPLETE)};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, &strict);
    struct pattern_upload upload = {.len = LARGE};
    struct fcgi_request request = post_request(pattern_source(&upload));
    request.timeouts.idle_ms = -1;
    request.sink.head = let_go_late;
    request.sink.context = f->app;
    ask_expecting_body(f->client, &request, "half");
    assert_int_equal(fake_request(f->app, 0)->body.len, LARGE);
}

static void *let_begin_late(void *app)
{
    pass_ms(SLOW);
    fake_go(app);
    return NULL;
}

/* The idle time began with the answer, and not when the request was sent. */
static void after_a_slow_sink_a_late_peer_has_its_full_time(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT,
                                              FAKE_READ_REQUEST,
                                              FAKE_PAUSE,
                                              FAKE_STDOUT("A: 1\r\n\r\nha"),
                                              FAKE_PAUSE,
                                              FAKE_STDOUT("lf"),
                                              FAKE_END(WIRE_COMPLETE)};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, &strict);
    f->request.timeouts.first_byte_ms = -1;
    f->request.sink.head = let_go_late;
    f->request.sink.context = f->app;
    fixture_thread(state, let_begin_late, f->app);
    ask_expecting_body(f->client, &f->request, "half");
}

/* Everything is everything. */
static void the_whole_limit_includes_the_callers_time(void **state)
{
    size_t pieces = 100;
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_source source = {.read = read_late, .context = &pieces};
    struct fcgi_request request = post_request(source);
    request.timeouts.total_ms = SLOW + LIMIT;
    ask_expecting(f->client, &request, FCGI_ERR_DEADLINE);
    assert_in_range(pieces, 96, 99);
}

/* ---- signals and clocks ------------------------------------------------ */

/* Ask one that never answers, until this limit: one of the request, or of the
 * client, which then waits for the answer in another way. */
static void assert_keeps_limit(void **state,
                               const struct fcgi_timeouts *timeouts, int want,
                               bool of_client)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ_PARAMS,
                                              FAKE_PAUSE};
    struct fcgi_client_config config = {.timeouts = *timeouts};
    struct fixture *f =
        fixture_run(state, FAKE_UNIX, script, of_client ? &config : NULL);
    struct pattern_upload upload = {
        .len = want == FCGI_ERR_WRITE_TIMEOUT ? UINT64_C(1) << 40 : 0};
    struct fcgi_request request = post_request(pattern_source(&upload));
    if (!of_client) {
        request.timeouts = *timeouts;
    }
    int64_t start = now_ms();
    ask_expecting(f->client, &request, want);
    assert_true(elapsed(start, LIMIT));
}

static void assert_keeps_limits(void **state)
{
    struct fcgi_timeouts first_byte = {.first_byte_ms = LIMIT};
    struct fcgi_timeouts total = {.total_ms = LIMIT};
    struct fcgi_timeouts writing = {.write_ms = LIMIT};
    for (int i = 0; i < 2; i++) {
        assert_keeps_limit(state, &first_byte, FCGI_ERR_FIRST_BYTE_TIMEOUT,
                           i == 1);
        assert_keeps_limit(state, &total, FCGI_ERR_DEADLINE, i == 1);
        assert_keeps_limit(state, &writing, FCGI_ERR_WRITE_TIMEOUT, i == 1);
    }
}

static void assert_keeps_queue_limit(void **state)
{
    struct fcgi_pool_config config = {.max_open = 1, .queue_timeout_ms = LIMIT};
    struct fixture *f = fixture_pool(state, FAKE_UNIX, &config);
    struct fcgi_connection *connection = take(f->pool);
    struct fcgi_connection *none;
    int64_t start = now_ms();
    assert_code(fcgi_pool_get(f->pool, &none, NULL), FCGI_ERR_QUEUE_TIMEOUT);
    assert_true(elapsed(start, LIMIT));
    fcgi_pool_put(f->pool, connection);
}

static void signals_neither_shorten_nor_stretch_a_limit(void **state)
{
    ticks_begin();
    assert_keeps_limits(state);
    assert_keeps_queue_limit(state);
    assert_true(ticks_end() > LIMIT / 10);
}

static void signals_disturb_no_exchange(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_TCP, NULL);
    struct pattern_upload upload = {.len = 1000000};
    struct fcgi_request request = post_request(pattern_source(&upload));
    ticks_begin();
    for (size_t i = 0; i < 10; i++) {
        upload.at = 0;
        assert_code(fcgi_client_do(f->client, &request, &f->response), FCGI_OK);
        assert_int_equal(f->response.body.len, 1000000);
        assert_true(pattern_matches(f->response.body.data, 0, 1000000));
        assert_false(f->response.outcome.retried);
    }
    assert_true(ticks_end() > 0);
}

static void the_wall_clock_does_not_matter(void **state)
{
    assert_true(time(NULL) + 80000 < time(NULL));
    assert_keeps_limits(state);
    assert_keeps_queue_limit(state);
}

static void the_wall_clock_does_not_evict(void **state)
{
    struct fcgi_pool_config config = {.idle_timeout_ms = LIMIT};
    struct fixture *f = fixture_pool(state, FAKE_UNIX, &config);
    struct fcgi_connection *connection = take(f->pool);
    int64_t start = now_ms();
    fcgi_pool_put(f->pool, connection);
    fake_await(f->app, FAKE_LEFT, 1);
    assert_true(elapsed(start, LIMIT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_source_that_takes_its_time_is_not_charged),
        fixture_test(a_pipe_that_is_silent_for_long_is_not_charged),
        fixture_test(a_sink_that_takes_its_time_is_not_charged),
        fixture_test(after_a_slow_sink_the_peer_has_its_full_time),
        fixture_test(after_a_slow_sink_the_peer_has_its_full_time_to_read),
        fixture_test(after_a_slow_sink_a_late_peer_has_its_full_time),
        fixture_test(the_whole_limit_includes_the_callers_time),
        fixture_test(signals_neither_shorten_nor_stretch_a_limit),
        fixture_test(signals_disturb_no_exchange),
        fixture_test(the_wall_clock_does_not_matter),
        fixture_test(the_wall_clock_does_not_evict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
