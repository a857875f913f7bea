/*
 * The trace: what a client tells of its connections, requests and records, to
 * whoever debugs. Each thing is told once, in order, with the socket it
 * concerns, while that is still open, and never under a lock.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "host.h"
#include "pattern.h"
#include "process.h"

#define LIMIT 40
#define KINDS (FCGI_TRACE_TIMED_OUT + 1)

static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};

/* ---- a tracer ----------------------------------------------------------- */

/* Keeps what it is told; from any thread. */
static struct tracer {
    pthread_mutex_t lock;
    pthread_cond_t told;
    struct fcgi_pool *pool; /* asked for its statistics each time, as is
                               allowed: under a lock that would hang */
    char text[2000];        /* the first events, a word for each */
    size_t counts[KINDS];
    int fds[KINDS]; /* of the last event of each kind, */
    int errors[KINDS];
    bool closed_fd;        /* one came that was closed already */
    bool blamed;           /* one had an error that has none */
    uint64_t bytes[12][2]; /* content of records, by type: out, in */
    int id;                /* of the last record */
} t;

static const char *const words[KINDS] = {"dialled", "reused",   "stale",
                                         "retried", "out",      "in",
                                         "evicted", "timed-out"};

static void write_down(const struct fcgi_trace_event *event)
{
    size_t len = strlen(t.text);
    bool is_record = event->kind == FCGI_TRACE_RECORD_OUT ||
                     event->kind == FCGI_TRACE_RECORD_IN;
    (void)snprintf(t.text + len, sizeof(t.text) - len, "%s%s",
                   len == 0 ? "" : " ", words[event->kind]);
    if (is_record) {
        len = strlen(t.text);
        (void)snprintf(t.text + len, sizeof(t.text) - len, ":%d",
                       event->header.type);
        t.bytes[event->header.type][event->kind == FCGI_TRACE_RECORD_IN] +=
            event->header.content_length;
        t.id = event->header.request_id;
    }
}

static void note(void *context, const struct fcgi_trace_event *event)
{
    struct fcgi_pool_stats stats;
    (void)context;
    if (t.pool != NULL) {
        fcgi_pool_get_stats(t.pool, &stats);
    }
    (void)pthread_mutex_lock(&t.lock);
    t.counts[event->kind] += 1;
    t.fds[event->kind] = event->fd;
    t.errors[event->kind] = event->error;
    if (event->fd >= 0 && fcntl(event->fd, F_GETFD) < 0) {
        t.closed_fd = true;
    }
    if (event->error != FCGI_OK && event->kind != FCGI_TRACE_RETRIED &&
        event->kind != FCGI_TRACE_TIMED_OUT) {
        t.blamed = true;
    }
    write_down(event);
    (void)pthread_cond_broadcast(&t.told);
    (void)pthread_mutex_unlock(&t.lock);
}

static void await_told(enum fcgi_trace_kind kind, size_t times)
{
    (void)pthread_mutex_lock(&t.lock);
    while (t.counts[kind] < times) {
        (void)pthread_cond_wait(&t.told, &t.lock);
    }
    (void)pthread_mutex_unlock(&t.lock);
}

/* Options of a client that tells the tracer, which begins anew. */
static struct fcgi_client_config traced(void **state)
{
    struct fcgi_client_config config = {.pool = {.trace = note}};
    fixture_end(state);
    memset(&t, 0, sizeof(t));
    assert_int_equal(pthread_mutex_init(&t.lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&t.told, NULL), 0);
    return config;
}

static struct fixture *follow(struct fixture *f)
{
    t.pool = f->pool;
    return f;
}

/* Since the last time. */
static void assert_told(const char *text)
{
    assert_string_equal(t.text, text);
    assert_false(t.closed_fd);
    assert_false(t.blamed);
    t.text[0] = '\0';
}

/* Statistics and trace agree, and freeing the client tells nothing wrong. */
static void end_traced(struct fixture *f)
{
    struct fcgi_pool_stats stats = stats_of(f->client);
    assert_int_equal(t.counts[FCGI_TRACE_REUSED], stats.reuses);
    assert_int_equal(t.counts[FCGI_TRACE_STALE], stats.stale);
    assert_int_equal(t.counts[FCGI_TRACE_RETRIED], stats.retries);
    assert_int_equal(t.counts[FCGI_TRACE_EVICTED], stats.evictions);
    assert_int_equal(t.counts[FCGI_TRACE_TIMED_OUT], stats.timeouts);
    fixture_free_client(f);
    assert_false(t.closed_fd);
}

/* ---- requests ----------------------------------------------------------- */

#define REQUEST "out:1 out:4 out:4 out:5"
#define ANSWER "in:6 in:6 in:3"

static void a_request_is_told_record_by_record(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        struct fcgi_client_config config = traced(state);
        struct fixture *f = follow(fixture_serve(state, families[i], &config));
        ask_hello(f->client);
        assert_told("dialled " REQUEST " " ANSWER);
        assert_int_equal(t.id, 1);
        ask_hello(f->client);
        assert_told("reused " REQUEST " " ANSWER);
        assert_int_equal(t.id, 2);
        struct fcgi_connection *connection = take(f->pool);
        assert_told("reused");
        for (int kind = FCGI_TRACE_DIALLED; kind < KINDS; kind++) {
            assert_true(t.counts[kind] == 0 ||
                        t.fds[kind] == fcgi_connection_fd(connection));
        }
        fcgi_pool_put(f->pool, connection);
        end_traced(f);
    }
}

static void a_pollable_call_is_told_likewise(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        struct fcgi_client_config config = traced(state);
        struct fixture *f = follow(fixture_serve(state, families[i], &config));
        host_expecting(f->client, &f->request, FCGI_OK);
        assert_told("dialled " REQUEST " " ANSWER);
        host_expecting(f->client, &f->request, FCGI_OK);
        assert_told("reused " REQUEST " " ANSWER);
        end_traced(f);
    }
}

/* However the bytes of the records come. */
static void each_record_is_told_once(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_STDERR("oh"),
        FAKE_ANSWER_EACH("Status: 200\r\n\r\nbody"), FAKE_SERVE};
    struct fcgi_client_config config = traced(state);
    struct fixture *f = follow(fixture_run(state, FAKE_TCP, script, &config));
    ask_expecting_body(f->client, &(struct fcgi_request){.param_count = 0},
                       "body");
    assert_told("dialled out:1 out:4 out:5 in:7 in:6 in:6 in:3");
    end_traced(f);
}

/* Whether they are looked at on their way or received right where they stay. */
static void large_bodies_are_told_whole(void **state)
{
    static const uint64_t len = 3000000;
    for (int collects = 0; collects < 2; collects++) {
        struct fcgi_client_config config = traced(state);
        struct pattern_upload upload = {.len = len};
        struct pattern_download download = {0};
        struct fixture *f = follow(fixture_serve(state, FAKE_UNIX, &config));
        struct fcgi_request request = post_request(pattern_source(&upload));
        if (collects == 0) {
            request.sink = pattern_sink(&download);
        }
        struct fcgi_outcome outcome =
            ask_expecting(f->client, &request, FCGI_OK);
        assert_int_equal(t.counts[FCGI_TRACE_RECORD_OUT], outcome.records_sent);
        assert_int_equal(t.counts[FCGI_TRACE_RECORD_IN],
                         outcome.records_received);
        assert_int_equal(t.bytes[WIRE_STDIN][0], len);
        assert_int_equal(t.bytes[WIRE_STDOUT][1],
                         len + strlen("Status: 200\r\n\r\n"));
        end_traced(f);
    }
}

static void the_headers_are_told_as_they_are(void **state)
{
    struct fcgi_client_config config = traced(state);
    struct fixture *f = follow(fixture_peer(state, &config));
    fixture_begin(f);
    struct wire odd = {0};
    assert_code(host_settle(f->call), FCGI_WAIT);
    wire_record(&odd, WIRE_UNKNOWN_TYPE, 0, "12345678", 8, 255);
    wire_record(&odd, WIRE_STDOUT, 513, "foreign", 7, 9);
    peer_say(&f->peer, 0, &odd);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_told("dialled " REQUEST " in:11 in:6");
    assert_int_equal(t.id, 513);
    assert_int_equal(t.bytes[WIRE_UNKNOWN_TYPE][1], 8);
    assert_int_equal(t.bytes[WIRE_STDOUT][1], 7);
    fixture_free_call(f);
    wire_free(&odd);
    end_traced(f);
}

/* An answer ends amid a record, and then a request does. */
static void nothing_of_a_record_cut_short_is_told_with_the_next(void **state)
{
    static const char large[4000000];
    struct fcgi_client_config config = traced(state);
    struct fixture *f = follow(fixture_peer(state, &config));
    struct wire cut = {0};
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    wire_stdout(&cut, 1, "A: 1\n\n");
    cut.len -= 1;
    peer_say(&f->peer, 0, &cut);
    peer_close(&f->peer, 0);
    assert_code(host_settle(f->call), FCGI_ERR_TRUNCATED);
    f->request =
        post_request((struct fcgi_source){.data = large, .len = sizeof(large)});
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    peer_answer(&f->peer, 1, 1, "A: 1\n\n");
    assert_code(host_settle(f->call), FCGI_OK);
    fixture_free_call(f);
    t.text[0] = '\0';
    f->request = get_request();
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    peer_answer(&f->peer, 2, 1, "A: 1\n\n");
    assert_code(host_settle(f->call), FCGI_OK);
    fixture_free_call(f);
    assert_told("dialled " REQUEST " " ANSWER);
    wire_free(&cut);
    end_traced(f);
}

static void the_record_that_gives_a_request_up_is_told(void **state)
{
    struct fcgi_client_config config = traced(state);
    struct fixture *f = follow(fixture_peer(state, &config));
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    fixture_free_call(f);
    assert_told("dialled " REQUEST " out:2");
    end_traced(f);
}

static void the_question_for_values_is_told(void **state)
{
    struct fcgi_client_config config = traced(state);
    struct fixture *f = follow(fixture_peer(state, &config));
    struct fcgi_values values;
    wire_padded(&f->peer.greeting, WIRE_GET_VALUES_RESULT, 0, NULL, 0);
    assert_code(fcgi_client_get_values(f->client, &values), FCGI_OK);
    assert_told("dialled out:9 in:10");
    assert_int_equal(t.id, 0);
    end_traced(f);
}

/* ---- connections -------------------------------------------------------- */

static void a_retry_is_told(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_SERVE_TIMES(1), FAKE_READ_REQUEST,
        FAKE_CLOSE,  FAKE_ACCEPT,         FAKE_SERVE};
    for (size_t i = 0; i < 2; i++) {
        struct fcgi_client_config config = traced(state);
        struct fixture *f =
            follow(fixture_run(state, families[i], script, &config));
        ask_hello(f->client);
        int fd = t.fds[FCGI_TRACE_DIALLED];
        assert_told("dialled " REQUEST " " ANSWER);
        assert_true(ask_hello(f->client).retried);
        assert_told("reused " REQUEST " retried stale dialled " REQUEST
                    " " ANSWER);
        assert_int_equal(t.fds[FCGI_TRACE_RETRIED], fd);
        assert_int_equal(t.fds[FCGI_TRACE_STALE], fd);
        end_traced(f);
    }
}

/* Found by a look before anything is sent. */
static void a_dead_connection_found_beforehand_is_told(void **state)
{
    struct fcgi_client_config config = traced(state);
    struct fixture *f = follow(fixture_serve(state, FAKE_UNIX, &config));
    keep_idle(f->app, f->client, 3);
    assert_told("dialled dialled dialled");
    fake_restart(f->app);
    f->request.retry = FCGI_RETRY_NEVER;
    ask_expecting(f->client, &f->request, FCGI_OK);
    assert_told("stale stale stale dialled " REQUEST " " ANSWER);
    assert_int_equal(stats_of(f->client).stale, 3);
}

/* It yields to the connection of a request that must not run twice. */
static void a_connection_that_yields_is_told(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        struct fcgi_client_config config = traced(state);
        struct fixture *f = follow(fixture_serve(state, families[i], &config));
        struct fcgi_request request = post_text("");
        ask_hello(f->client);
        int fd = t.fds[FCGI_TRACE_DIALLED];
        assert_told("dialled " REQUEST " " ANSWER);
        ask_expecting(f->client, &request, FCGI_OK);
        assert_told("evicted dialled " REQUEST " " ANSWER);
        assert_int_equal(t.fds[FCGI_TRACE_EVICTED], fd);
        end_traced(f);
    }
}

static void an_eviction_by_the_host_is_told(void **state)
{
    struct fcgi_client_config config = traced(state);
    config.pool.evict_by_host = true;
    config.pool.idle_timeout_ms = 1;
    struct fixture *f = follow(fixture_serve(state, FAKE_UNIX, &config));
    ask_hello(f->client);
    int fd = t.fds[FCGI_TRACE_DIALLED];
    assert_told("dialled " REQUEST " " ANSWER);
    pass_ms(2);
    assert_int_equal(fcgi_pool_evict(f->pool), -1);
    assert_told("evicted");
    assert_int_equal(t.fds[FCGI_TRACE_EVICTED], fd);
    end_traced(f);
}

/* From the pool's own thread, which has no lock then either. */
static void an_eviction_by_the_pool_is_told(void **state)
{
    struct fcgi_client_config config = traced(state);
    config.pool.idle_timeout_ms = LIMIT;
    struct fixture *f = follow(fixture_serve(state, FAKE_UNIX, &config));
    int64_t start = now_ms();
    ask_hello(f->client);
    await_told(FCGI_TRACE_EVICTED, 1);
    assert_true(elapsed(start, LIMIT));
    assert_told("dialled " REQUEST " " ANSWER " evicted");
    end_traced(f);
}

/* One that has had its requests, and one more than may be idle. */
static void a_connection_that_is_not_kept_is_told(void **state)
{
    struct fcgi_client_config config = traced(state);
    config.pool.max_requests = 1;
    struct fixture *f = follow(fixture_serve(state, FAKE_UNIX, &config));
    ask_hello(f->client);
    assert_told("dialled " REQUEST " " ANSWER " evicted");
    end_traced(f);
    config = traced(state);
    config.pool.max_idle = 1;
    (void)follow(fixture_serve(state, FAKE_UNIX, &config));
    struct fcgi_connection *first = take(f->pool);
    struct fcgi_connection *second = take(f->pool);
    fcgi_pool_put(f->pool, first);
    assert_told("dialled dialled");
    int fd = fcgi_connection_fd(second);
    fcgi_pool_put(f->pool, second);
    assert_told("evicted");
    assert_int_equal(t.fds[FCGI_TRACE_EVICTED], fd);
    end_traced(f);
}

/* What is closed because somebody else needs its place is counted and told as
 * well. */
static void a_spent_connection_whose_place_is_needed_is_told(void **state)
{
    struct fcgi_client_config config = traced(state);
    config.pool.max_requests = 1;
    config.pool.max_open = 1;
    struct fixture *f = follow(fixture_serve(state, FAKE_UNIX, &config));
    fixture_begin(f);
    struct fixture_call *second = fixture_other_call(state);
    assert_code(host_run(f->call), FCGI_OK);
    fixture_free_call(f);
    assert_code(host_run(second->call), FCGI_OK);
    fixture_free_other(second);
    assert_int_equal(stats_of(f->client).evictions, 2);
    end_traced(f);
}

static void a_closed_pool_tells_of_no_eviction(void **state)
{
    struct fcgi_client_config config = traced(state);
    struct fixture *f = follow(fixture_serve(state, FAKE_UNIX, &config));
    ask_hello(f->client);
    assert_told("dialled " REQUEST " " ANSWER);
    fcgi_client_close(f->client);
    assert_told("");
    end_traced(f);
}

/* ---- time limits -------------------------------------------------------- */

/* A request is ended by this limit: over its connection, or before it has one
 * where there are no steps, since the application accepts nothing. */
static void assert_told_of_limit(void **state, enum fake_family family,
                                 const struct fake_step *steps, size_t count,
                                 struct fcgi_timeouts limits, int want)
{
    struct fcgi_client_config config = traced(state);
    struct fixture *f =
        steps == NULL ? fixture_clogged(state, family, &config)
                      : fixture_start(state, family, steps, count, &config);
    f->request.timeouts = limits;
    ask_expecting(follow(f)->client, &f->request, want);
    assert_int_equal(t.counts[FCGI_TRACE_TIMED_OUT], 1);
    assert_int_equal(t.errors[FCGI_TRACE_TIMED_OUT], want);
    assert_int_equal(t.fds[FCGI_TRACE_TIMED_OUT],
                     steps == NULL ? -1 : t.fds[FCGI_TRACE_DIALLED]);
    end_traced(f);
}

static void a_limit_that_has_expired_is_told_by_its_name(void **state)
{
    static const struct fake_step silent[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              FAKE_PAUSE};
    static const struct fake_step stops[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                             FAKE_STDOUT("A"), FAKE_PAUSE};
    struct fcgi_timeouts first_byte = {.first_byte_ms = LIMIT};
    struct fcgi_timeouts idle = {.idle_ms = LIMIT};
    struct fcgi_timeouts total = {.total_ms = LIMIT};
    struct fcgi_timeouts connecting = {.connect_ms = LIMIT};
    assert_told_of_limit(state, FAKE_UNIX, FAKE_STEPS(silent), first_byte,
                         FCGI_ERR_FIRST_BYTE_TIMEOUT);
    assert_told_of_limit(state, FAKE_UNIX, FAKE_STEPS(silent), total,
                         FCGI_ERR_DEADLINE);
    assert_told_of_limit(state, FAKE_UNIX, FAKE_STEPS(stops), idle,
                         FCGI_ERR_IDLE_TIMEOUT);
    assert_told_of_limit(state, FAKE_TCP, NULL, 0, connecting,
                         FCGI_ERR_CONNECT_TIMEOUT);
    assert_told_of_limit(state, FAKE_TCP, NULL, 0, total, FCGI_ERR_DEADLINE);
    assert_told_of_limit(state, FAKE_UNIX, NULL, 0, connecting,
                         FCGI_ERR_BACKLOG_FULL);
}

static void the_limit_of_the_queue_is_told(void **state)
{
    struct fcgi_client_config config = traced(state);
    config.pool.max_open = 1;
    struct fixture *f = follow(fixture_serve(state, FAKE_UNIX, &config));
    struct fcgi_connection *connection = take(f->pool);
    f->request.timeouts.queue_ms = LIMIT;
    ask_expecting(f->client, &f->request, FCGI_ERR_QUEUE_TIMEOUT);
    assert_told("dialled timed-out");
    assert_int_equal(t.errors[FCGI_TRACE_TIMED_OUT], FCGI_ERR_QUEUE_TIMEOUT);
    assert_int_equal(t.fds[FCGI_TRACE_TIMED_OUT], -1);
    fcgi_pool_discard(f->pool, connection);
    end_traced(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_request_is_told_record_by_record),
        fixture_test(a_pollable_call_is_told_likewise),
        fixture_test(each_record_is_told_once),
        fixture_test(large_bodies_are_told_whole),
        fixture_test(the_headers_are_told_as_they_are),
        fixture_test(nothing_of_a_record_cut_short_is_told_with_the_next),
        fixture_test(the_record_that_gives_a_request_up_is_told),
        fixture_test(the_question_for_values_is_told),
        fixture_test(a_retry_is_told),
        fixture_test(a_dead_connection_found_beforehand_is_told),
        fixture_test(a_connection_that_yields_is_told),
        fixture_test(an_eviction_by_the_host_is_told),
        fixture_test(an_eviction_by_the_pool_is_told),
        fixture_test(a_connection_that_is_not_kept_is_told),
        fixture_test(a_spent_connection_whose_place_is_needed_is_told),
        fixture_test(a_closed_pool_tells_of_no_eviction),
        fixture_test(a_limit_that_has_expired_is_told_by_its_name),
        fixture_test(the_limit_of_the_queue_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
