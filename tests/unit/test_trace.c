/*
 * The trace: what a client tells of its connections, requests and records, to
 * whoever debugs. Each thing is told once, in order, with the socket it
 * concerns, while that is still open, and never under a lock.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <fcgi_client.h>

#include "ask.h"
#include "fake.h"
#include "peer.h"
#include "host.h"
#include "pattern.h"
#include "process.h"

#define LIMIT 40
#define KINDS (FCGI_TRACE_TIMED_OUT + 1)

static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};

/* ---- a tracer ----------------------------------------------------------- */

/* Keeps what it is told; from any thread. */
struct tracer {
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
};

static const char *const words[KINDS] = {"dialled", "reused",   "stale",
                                         "retried", "out",      "in",
                                         "evicted", "timed-out"};

static void write_down(struct tracer *t, const struct fcgi_trace_event *event)
{
    size_t len = strlen(t->text);
    bool is_record = event->kind == FCGI_TRACE_RECORD_OUT ||
                     event->kind == FCGI_TRACE_RECORD_IN;
    (void)snprintf(t->text + len, sizeof(t->text) - len, "%s%s",
                   len == 0 ? "" : " ", words[event->kind]);
    if (is_record) {
        len = strlen(t->text);
        (void)snprintf(t->text + len, sizeof(t->text) - len, ":%d",
                       event->header.type);
        t->bytes[event->header.type][event->kind == FCGI_TRACE_RECORD_IN] +=
            event->header.content_length;
        t->id = event->header.request_id;
    }
}

static void note(void *context, const struct fcgi_trace_event *event)
{
    struct tracer *t = context;
    struct fcgi_pool_stats stats;
    if (t->pool != NULL) {
        fcgi_pool_get_stats(t->pool, &stats);
    }
    (void)pthread_mutex_lock(&t->lock);
    t->counts[event->kind] += 1;
    t->fds[event->kind] = event->fd;
    t->errors[event->kind] = event->error;
    if (event->fd >= 0 && fcntl(event->fd, F_GETFD) < 0) {
        t->closed_fd = true;
    }
    if (event->error != FCGI_OK && event->kind != FCGI_TRACE_RETRIED &&
        event->kind != FCGI_TRACE_TIMED_OUT) {
        t->blamed = true;
    }
    write_down(t, event);
    (void)pthread_cond_broadcast(&t->told);
    (void)pthread_mutex_unlock(&t->lock);
}

static void await_told(struct tracer *t, enum fcgi_trace_kind kind,
                       size_t times)
{
    (void)pthread_mutex_lock(&t->lock);
    while (t->counts[kind] < times) {
        (void)pthread_cond_wait(&t->told, &t->lock);
    }
    (void)pthread_mutex_unlock(&t->lock);
}

static struct fcgi_client_config traced(struct tracer *t)
{
    struct fcgi_client_config config = {
        .pool = {.trace = note, .trace_context = t}};
    memset(t, 0, sizeof(*t));
    assert_int_equal(pthread_mutex_init(&t->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&t->told, NULL), 0);
    return config;
}

static struct fcgi_client *
traced_client(struct tracer *t, const struct fake *app,
              const struct fcgi_client_config *config)
{
    struct fcgi_client *client = client_for(app, config);
    t->pool = fcgi_client_pool(client);
    return client;
}

/* Since the last time. */
static void assert_told(struct tracer *t, const char *text)
{
    assert_string_equal(t->text, text);
    assert_false(t->closed_fd);
    assert_false(t->blamed);
    t->text[0] = '\0';
}

/* Frees it, and sees to it that statistics and trace agree. */
static void end_traced(struct tracer *t, struct fcgi_client *client)
{
    struct fcgi_pool_stats stats = stats_of(client);
    assert_int_equal(t->counts[FCGI_TRACE_REUSED], stats.reuses);
    assert_int_equal(t->counts[FCGI_TRACE_STALE], stats.stale);
    assert_int_equal(t->counts[FCGI_TRACE_RETRIED], stats.retries);
    assert_int_equal(t->counts[FCGI_TRACE_EVICTED], stats.evictions);
    assert_int_equal(t->counts[FCGI_TRACE_TIMED_OUT], stats.timeouts);
    fcgi_client_free(client);
    assert_false(t->closed_fd);
    (void)pthread_cond_destroy(&t->told);
    (void)pthread_mutex_destroy(&t->lock);
}

/* ---- requests ----------------------------------------------------------- */

#define REQUEST "out:1 out:4 out:4 out:5"
#define ANSWER "in:6 in:6 in:3"

static void a_request_is_told_record_by_record(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tracer t;
        struct fcgi_client_config config = traced(&t);
        struct fake *app = fake_serve(families[i]);
        struct fcgi_client *client = traced_client(&t, app, &config);
        ask_hello(client);
        assert_told(&t, "dialled " REQUEST " " ANSWER);
        assert_int_equal(t.id, 1);
        ask_hello(client);
        assert_told(&t, "reused " REQUEST " " ANSWER);
        assert_int_equal(t.id, 2);
        struct fcgi_connection *connection = take(fcgi_client_pool(client));
        assert_told(&t, "reused");
        for (int kind = FCGI_TRACE_DIALLED; kind < KINDS; kind++) {
            assert_true(t.counts[kind] == 0 ||
                        t.fds[kind] == fcgi_connection_fd(connection));
        }
        fcgi_pool_put(fcgi_client_pool(client), connection);
        end_traced(&t, client);
        fake_stop(app);
    }
}

static void a_pollable_call_is_told_likewise(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tracer t;
        struct fcgi_client_config config = traced(&t);
        struct fake *app = fake_serve(families[i]);
        struct fcgi_client *client = traced_client(&t, app, &config);
        struct fcgi_request request = get_request();
        host_expecting(client, &request, FCGI_OK);
        assert_told(&t, "dialled " REQUEST " " ANSWER);
        host_expecting(client, &request, FCGI_OK);
        assert_told(&t, "reused " REQUEST " " ANSWER);
        end_traced(&t, client);
        fake_stop(app);
    }
}

/* However the bytes of the records come. */
static void each_record_is_told_once(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_STDERR("oh"),
        FAKE_ANSWER_EACH("Status: 200\r\n\r\nbody"), FAKE_SERVE};
    struct tracer t;
    struct fcgi_client_config config = traced(&t);
    struct fake *app = FAKE_RUN(FAKE_TCP, script);
    struct fcgi_client *client = traced_client(&t, app, &config);
    ask_expecting_body(client, &(struct fcgi_request){.param_count = 0},
                       "body");
    assert_told(&t, "dialled out:1 out:4 out:5 in:7 in:6 in:6 in:3");
    end_traced(&t, client);
    fake_stop(app);
}

/* Whether they are looked at on their way or received right where they stay. */
static void large_bodies_are_told_whole(void **state)
{
    (void)state;
    static const uint64_t len = 3000000;
    for (int collects = 0; collects < 2; collects++) {
        struct tracer t;
        struct fcgi_client_config config = traced(&t);
        struct pattern_upload upload = {.len = len};
        struct pattern_download download = {0};
        struct fake *app = fake_serve(FAKE_UNIX);
        struct fcgi_client *client = traced_client(&t, app, &config);
        struct fcgi_request request = post_request(pattern_source(&upload));
        if (collects == 0) {
            request.sink = pattern_sink(&download);
        }
        struct fcgi_outcome outcome = ask_expecting(client, &request, FCGI_OK);
        assert_int_equal(t.counts[FCGI_TRACE_RECORD_OUT], outcome.records_sent);
        assert_int_equal(t.counts[FCGI_TRACE_RECORD_IN],
                         outcome.records_received);
        assert_int_equal(t.bytes[WIRE_STDIN][0], len);
        assert_int_equal(t.bytes[WIRE_STDOUT][1],
                         len + strlen("Status: 200\r\n\r\n"));
        end_traced(&t, client);
        fake_stop(app);
    }
}

static void the_headers_are_told_as_they_are(void **state)
{
    (void)state;
    struct tracer t;
    struct fcgi_client_config config = traced(&t);
    struct peer peer = {0};
    struct fcgi_client *client = peer_client(&peer, &config);
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    struct fcgi_call *call = host_begin(client, &request, &response);
    struct wire odd = {0};
    assert_code(host_settle(call), FCGI_WAIT);
    wire_record(&odd, WIRE_UNKNOWN_TYPE, 0, "12345678", 8, 255);
    wire_record(&odd, WIRE_STDOUT, 513, "foreign", 7, 9);
    peer_say(&peer, 0, &odd);
    assert_code(host_settle(call), FCGI_WAIT);
    assert_told(&t, "dialled " REQUEST " in:11 in:6");
    assert_int_equal(t.id, 513);
    assert_int_equal(t.bytes[WIRE_UNKNOWN_TYPE][1], 8);
    assert_int_equal(t.bytes[WIRE_STDOUT][1], 7);
    host_free(call);
    wire_free(&odd);
    fcgi_response_free(&response);
    end_traced(&t, client);
    peer_free(&peer);
}

/* An answer ends amid a record, and then a request does. */
static void nothing_of_a_record_cut_short_is_told_with_the_next(void **state)
{
    (void)state;
    static const char large[4000000];
    struct tracer t;
    struct fcgi_client_config config = traced(&t);
    struct peer peer = {0};
    struct fcgi_client *client = peer_client(&peer, &config);
    struct fcgi_request get = get_request();
    struct fcgi_request post =
        post_request((struct fcgi_source){.data = large, .len = sizeof(large)});
    struct fcgi_response response = {0};
    struct wire cut = {0};
    struct fcgi_call *call = host_begin(client, &get, &response);
    assert_code(host_settle(call), FCGI_WAIT);
    wire_stdout(&cut, 1, "A: 1\n\n");
    cut.len -= 1;
    peer_say(&peer, 0, &cut);
    peer_close(&peer, 0);
    assert_code(host_settle(call), FCGI_ERR_TRUNCATED);
    host_free(call);
    call = host_begin(client, &post, &response);
    assert_code(host_settle(call), FCGI_WAIT);
    peer_answer(&peer, 1, 1, "A: 1\n\n");
    assert_code(host_settle(call), FCGI_OK);
    host_free(call);
    t.text[0] = '\0';
    call = host_begin(client, &get, &response);
    assert_code(host_settle(call), FCGI_WAIT);
    peer_answer(&peer, 2, 1, "A: 1\n\n");
    assert_code(host_settle(call), FCGI_OK);
    host_free(call);
    assert_told(&t, "dialled " REQUEST " " ANSWER);
    wire_free(&cut);
    fcgi_response_free(&response);
    end_traced(&t, client);
    peer_free(&peer);
}

static void the_record_that_gives_a_request_up_is_told(void **state)
{
    (void)state;
    struct tracer t;
    struct fcgi_client_config config = traced(&t);
    struct peer peer = {0};
    struct fcgi_client *client = peer_client(&peer, &config);
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    struct fcgi_call *call = host_begin(client, &request, &response);
    assert_code(host_settle(call), FCGI_WAIT);
    host_free(call);
    assert_told(&t, "dialled " REQUEST " out:2");
    fcgi_response_free(&response);
    end_traced(&t, client);
    peer_free(&peer);
}

static void the_question_for_values_is_told(void **state)
{
    (void)state;
    struct tracer t;
    struct fcgi_client_config config = traced(&t);
    struct peer peer = {0};
    struct fcgi_client *client = peer_client(&peer, &config);
    struct fcgi_values values;
    wire_padded(&peer.greeting, WIRE_GET_VALUES_RESULT, 0, NULL, 0);
    assert_code(fcgi_client_get_values(client, &values), FCGI_OK);
    assert_told(&t, "dialled out:9 in:10");
    assert_int_equal(t.id, 0);
    end_traced(&t, client);
    peer_free(&peer);
}

/* ---- connections -------------------------------------------------------- */

static void a_retry_is_told(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_SERVE_TIMES(1), FAKE_READ_REQUEST,
        FAKE_CLOSE,  FAKE_ACCEPT,         FAKE_SERVE};
    for (size_t i = 0; i < 2; i++) {
        struct tracer t;
        struct fcgi_client_config config = traced(&t);
        struct fake *app = FAKE_RUN(families[i], script);
        struct fcgi_client *client = traced_client(&t, app, &config);
        ask_hello(client);
        int fd = t.fds[FCGI_TRACE_DIALLED];
        assert_told(&t, "dialled " REQUEST " " ANSWER);
        assert_true(ask_hello(client).retried);
        assert_told(&t, "reused " REQUEST " retried stale dialled " REQUEST
                        " " ANSWER);
        assert_int_equal(t.fds[FCGI_TRACE_RETRIED], fd);
        assert_int_equal(t.fds[FCGI_TRACE_STALE], fd);
        end_traced(&t, client);
        fake_stop(app);
    }
}

/* Found by a look before anything is sent. */
static void a_dead_connection_found_beforehand_is_told(void **state)
{
    (void)state;
    struct tracer t;
    struct fcgi_client_config config = traced(&t);
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = traced_client(&t, app, &config);
    struct fcgi_request request = get_request();
    keep_idle(app, client, 3);
    assert_told(&t, "dialled dialled dialled");
    fake_restart(app);
    request.retry = FCGI_RETRY_NEVER;
    ask_expecting(client, &request, FCGI_OK);
    assert_told(&t, "stale stale stale dialled " REQUEST " " ANSWER);
    assert_int_equal(stats_of(client).stale, 3);
    fcgi_client_free(client);
    fake_stop(app);
}

/* It yields to the connection of a request that must not run twice. */
static void a_connection_that_yields_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tracer t;
        struct fcgi_client_config config = traced(&t);
        struct fake *app = fake_serve(families[i]);
        struct fcgi_client *client = traced_client(&t, app, &config);
        struct fcgi_request request = post_text("");
        ask_hello(client);
        int fd = t.fds[FCGI_TRACE_DIALLED];
        assert_told(&t, "dialled " REQUEST " " ANSWER);
        ask_expecting(client, &request, FCGI_OK);
        assert_told(&t, "evicted dialled " REQUEST " " ANSWER);
        assert_int_equal(t.fds[FCGI_TRACE_EVICTED], fd);
        end_traced(&t, client);
        fake_stop(app);
    }
}

static void an_eviction_by_the_host_is_told(void **state)
{
    (void)state;
    struct tracer t;
    struct fcgi_client_config config = traced(&t);
    struct fake *app = fake_serve(FAKE_UNIX);
    config.pool.evict_by_host = true;
    config.pool.idle_timeout_ms = 1;
    struct fcgi_client *client = traced_client(&t, app, &config);
    ask_hello(client);
    int fd = t.fds[FCGI_TRACE_DIALLED];
    assert_told(&t, "dialled " REQUEST " " ANSWER);
    pass_ms(2);
    assert_int_equal(fcgi_pool_evict(fcgi_client_pool(client)), -1);
    assert_told(&t, "evicted");
    assert_int_equal(t.fds[FCGI_TRACE_EVICTED], fd);
    end_traced(&t, client);
    fake_stop(app);
}

/* From the pool's own thread, which has no lock then either. */
static void an_eviction_by_the_pool_is_told(void **state)
{
    (void)state;
    struct tracer t;
    struct fcgi_client_config config = traced(&t);
    struct fake *app = fake_serve(FAKE_UNIX);
    config.pool.idle_timeout_ms = LIMIT;
    struct fcgi_client *client = traced_client(&t, app, &config);
    int64_t start = now_ms();
    ask_hello(client);
    await_told(&t, FCGI_TRACE_EVICTED, 1);
    assert_true(elapsed(start, LIMIT));
    assert_told(&t, "dialled " REQUEST " " ANSWER " evicted");
    end_traced(&t, client);
    fake_stop(app);
}

/* One that has had its requests, and one more than may be idle. */
static void a_connection_that_is_not_kept_is_told(void **state)
{
    (void)state;
    struct tracer t;
    struct fcgi_client_config config = traced(&t);
    struct fake *app = fake_serve(FAKE_UNIX);
    config.pool.max_requests = 1;
    struct fcgi_client *client = traced_client(&t, app, &config);
    ask_hello(client);
    assert_told(&t, "dialled " REQUEST " " ANSWER " evicted");
    end_traced(&t, client);
    config = traced(&t);
    config.pool.max_idle = 1;
    client = traced_client(&t, app, &config);
    struct fcgi_connection *first = take(fcgi_client_pool(client));
    struct fcgi_connection *second = take(fcgi_client_pool(client));
    fcgi_pool_put(fcgi_client_pool(client), first);
    assert_told(&t, "dialled dialled");
    int fd = fcgi_connection_fd(second);
    fcgi_pool_put(fcgi_client_pool(client), second);
    assert_told(&t, "evicted");
    assert_int_equal(t.fds[FCGI_TRACE_EVICTED], fd);
    end_traced(&t, client);
    fake_stop(app);
}

/* What is closed because somebody else needs its place is counted and told as
 * well. */
static void a_spent_connection_whose_place_is_needed_is_told(void **state)
{
    (void)state;
    struct tracer t;
    struct fcgi_client_config config = traced(&t);
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    struct fcgi_response other = {0};
    config.pool.max_requests = 1;
    config.pool.max_open = 1;
    struct fcgi_client *client = traced_client(&t, app, &config);
    struct fcgi_call *first = host_begin(client, &request, &response);
    struct fcgi_call *second = host_begin(client, &request, &other);
    assert_code(host_run(first), FCGI_OK);
    host_free(first);
    assert_code(host_run(second), FCGI_OK);
    host_free(second);
    assert_int_equal(stats_of(client).evictions, 2);
    fcgi_response_free(&response);
    fcgi_response_free(&other);
    end_traced(&t, client);
    fake_stop(app);
}

static void a_closed_pool_tells_of_no_eviction(void **state)
{
    (void)state;
    struct tracer t;
    struct fcgi_client_config config = traced(&t);
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = traced_client(&t, app, &config);
    ask_hello(client);
    assert_told(&t, "dialled " REQUEST " " ANSWER);
    fcgi_client_close(client);
    assert_told(&t, "");
    end_traced(&t, client);
    fake_stop(app);
}

/* ---- time limits -------------------------------------------------------- */

/* A request is ended by this limit, over its connection or before it has
 * one. */
static void assert_told_of_limit(struct fake *app,
                                 const struct fcgi_timeouts *limits, int want,
                                 bool connected)
{
    struct tracer t;
    struct fcgi_client_config config = traced(&t);
    struct fcgi_client *client = traced_client(&t, app, &config);
    struct fcgi_request request = get_request();
    request.timeouts = *limits;
    ask_expecting(client, &request, want);
    assert_int_equal(t.counts[FCGI_TRACE_TIMED_OUT], 1);
    assert_int_equal(t.errors[FCGI_TRACE_TIMED_OUT], want);
    assert_int_equal(t.fds[FCGI_TRACE_TIMED_OUT],
                     connected ? t.fds[FCGI_TRACE_DIALLED] : -1);
    end_traced(&t, client);
}

static void a_limit_that_is_over_is_told_by_its_name(void **state)
{
    (void)state;
    static const struct fake_step silent[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              FAKE_PAUSE};
    static const struct fake_step stops[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                             FAKE_STDOUT("A"), FAKE_PAUSE};
    struct fcgi_timeouts first_byte = {.first_byte_ms = LIMIT};
    struct fcgi_timeouts idle = {.idle_ms = LIMIT};
    struct fcgi_timeouts total = {.total_ms = LIMIT};
    struct fcgi_timeouts connecting = {.connect_ms = LIMIT};
    struct fake *app = FAKE_RUN(FAKE_UNIX, silent);
    assert_told_of_limit(app, &first_byte, FCGI_ERR_FIRST_BYTE_TIMEOUT, true);
    assert_told_of_limit(app, &total, FCGI_ERR_DEADLINE, true);
    fake_stop(app);
    app = FAKE_RUN(FAKE_UNIX, stops);
    assert_told_of_limit(app, &idle, FCGI_ERR_IDLE_TIMEOUT, true);
    fake_stop(app);
    app = fake_clogged(FAKE_TCP);
    assert_told_of_limit(app, &connecting, FCGI_ERR_CONNECT_TIMEOUT, false);
    assert_told_of_limit(app, &total, FCGI_ERR_DEADLINE, false);
    fake_stop(app);
    app = fake_clogged(FAKE_UNIX);
    assert_told_of_limit(app, &connecting, FCGI_ERR_BACKLOG_FULL, false);
    fake_stop(app);
}

static void the_limit_of_the_queue_is_told(void **state)
{
    (void)state;
    struct tracer t;
    struct fcgi_client_config config = traced(&t);
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_request request = get_request();
    config.pool.max_open = 1;
    struct fcgi_client *client = traced_client(&t, app, &config);
    struct fcgi_connection *connection = take(fcgi_client_pool(client));
    request.timeouts.queue_ms = LIMIT;
    ask_expecting(client, &request, FCGI_ERR_QUEUE_TIMEOUT);
    assert_told(&t, "dialled timed-out");
    assert_int_equal(t.errors[FCGI_TRACE_TIMED_OUT], FCGI_ERR_QUEUE_TIMEOUT);
    assert_int_equal(t.fds[FCGI_TRACE_TIMED_OUT], -1);
    fcgi_pool_discard(fcgi_client_pool(client), connection);
    end_traced(&t, client);
    fake_stop(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_told_record_by_record),
        cmocka_unit_test(a_pollable_call_is_told_likewise),
        cmocka_unit_test(each_record_is_told_once),
        cmocka_unit_test(large_bodies_are_told_whole),
        cmocka_unit_test(the_headers_are_told_as_they_are),
        cmocka_unit_test(nothing_of_a_record_cut_short_is_told_with_the_next),
        cmocka_unit_test(the_record_that_gives_a_request_up_is_told),
        cmocka_unit_test(the_question_for_values_is_told),
        cmocka_unit_test(a_retry_is_told),
        cmocka_unit_test(a_dead_connection_found_beforehand_is_told),
        cmocka_unit_test(a_connection_that_yields_is_told),
        cmocka_unit_test(an_eviction_by_the_host_is_told),
        cmocka_unit_test(an_eviction_by_the_pool_is_told),
        cmocka_unit_test(a_connection_that_is_not_kept_is_told),
        cmocka_unit_test(a_spent_connection_whose_place_is_needed_is_told),
        cmocka_unit_test(a_closed_pool_tells_of_no_eviction),
        cmocka_unit_test(a_limit_that_is_over_is_told_by_its_name),
        cmocka_unit_test(the_limit_of_the_queue_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
