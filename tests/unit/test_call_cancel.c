/*
 * Giving up a pollable call: from its sinks, from its source, by its owner, at
 * every stage it can be in, and by freeing it there. The application is told
 * where that can be done at once, and nothing is left behind: no descriptor, no
 * memory, no place in the pool.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <string.h>

#include "feeder.h"
#include "fixture.h"
#include "host.h"
#include "pattern.h"
#include "recorder.h"

/* What some requests need. */
static struct pattern_upload upload;
static struct feeder feeder;
static struct recorder recorder;
static struct fcgi_connection *taken;

/* The peer plays the application; the client has one place. */
static struct fixture *begin(void **state)
{
    struct fixture *f = *state;
    struct fcgi_client_config config = {
        .pool = {.max_open = 1, .allocator = counting_allocator(&f->memory)}};
    fixture_peer(state, &config);
    f->request = get_request();
    upload = (struct pattern_upload){.len = 0};
    recorder_free(&recorder);
    recorder = (struct recorder){.heads = 0};
    taken = NULL;
    return f;
}

static void say(struct fixture *f, int type, const char *text)
{
    struct wire w = {0};
    wire_padded(&w, type, 1, text, strlen(text));
    peer_say(&f->peer, 0, &w);
    wire_free(&w);
}

/* ---- from within -------------------------------------------------------- */

/* A sink or a source that cancels its own call, and goes on as if nothing had
 * happened. */
struct canceller {
    struct fcgi_call *call;
    size_t uses;
};

static int at_head(void *context, const struct fcgi_response *response)
{
    struct canceller *c = context;
    (void)response;
    c->uses += 1;
    fcgi_call_cancel(c->call);
    return 0;
}

static int at_body(void *context, const void *data, size_t *len)
{
    struct canceller *c = context;
    (void)data;
    (void)len;
    c->uses += 1;
    fcgi_call_cancel(c->call);
    return 0;
}

static int at_stderr(void *context, const void *data, size_t len)
{
    return at_body(context, data, &len);
}

static int pause_and_cancel(void *context, const void *data, size_t *len)
{
    int rc = at_body(context, data, len);
    *len = 0;
    return rc;
}

/* Send such an answer, and see the call end there. */
static void assert_sink_cancels(void **state, struct fcgi_sink sink)
{
    struct canceller c = {0};
    struct fixture *f = begin(state);
    sink.context = &c;
    f->request.sink = sink;
    fixture_begin(f);
    c.call = f->call;
    assert_code(host_settle(f->call), FCGI_WAIT);
    say(f, WIRE_STDERR, "oh");
    say(f, WIRE_STDOUT, "Status: 200\r\n\r\nbo");
    say(f, WIRE_STDOUT, "dy");
    say(f, WIRE_STDERR, "no");
    assert_code(host_run(f->call), FCGI_ERR_CANCELLED);
    assert_code(host_resume(f->call), FCGI_ERR_CANCELLED);
    assert_int_equal(c.uses, 1);
    assert_true(f->response.outcome.may_have_run);
    fixture_free_call(f);
    struct wire_request seen = peer_request(&f->peer, 0);
    assert_true(seen.aborted);
    wire_request_free(&seen);
    assert_int_equal(stats_of(f->client).open, 0);
}

static void a_sink_may_cancel_its_own_call(void **state)
{
    assert_sink_cancels(state, (struct fcgi_sink){.head = at_head});
    assert_sink_cancels(state, (struct fcgi_sink){.body = at_body});
    assert_sink_cancels(state, (struct fcgi_sink){.body = pause_and_cancel});
    assert_sink_cancels(state, (struct fcgi_sink){.stderr_data = at_stderr});
}

static int drive_from_within(void *context,
                             const struct fcgi_response *response)
{
    struct canceller *c = context;
    (void)response;
    c->uses += 1;
    assert_code(fcgi_call_advance(c->call), FCGI_ERR_STATE);
    assert_code(fcgi_call_resume(c->call), FCGI_ERR_STATE);
    return 0;
}

static void a_sink_can_neither_advance_nor_resume_its_own_call(void **state)
{
    struct canceller c = {0};
    struct fixture *f = begin(state);
    f->request.sink =
        (struct fcgi_sink){.head = drive_from_within, .context = &c};
    fixture_begin(f);
    c.call = f->call;
    assert_code(host_settle(f->call), FCGI_WAIT);
    peer_answer(&f->peer, 0, 1, "Status: 200\r\n\r\nbody");
    assert_code(host_run(f->call), FCGI_OK);
    assert_int_equal(c.uses, 1);
    fixture_free_call(f);
}

/* By what it returns, as in a blocking request. */
static void a_sink_that_refuses_cancels_its_call(void **state)
{
    static const enum recorder_event events[] = {RECORDER_HEAD, RECORDER_BODY,
                                                 RECORDER_STDERR};
    for (size_t i = 0; i < 3; i++) {
        struct fixture *f = begin(state);
        recorder.cancel_in = events[i];
        recorder.answer = 42;
        f->request.sink = recorder_sink(&recorder);
        fixture_begin(f);
        assert_code(host_settle(f->call), FCGI_WAIT);
        say(f, WIRE_STDOUT, "Status: 200\r\n\r\nbody");
        say(f, WIRE_STDERR, "oh");
        assert_code(host_run(f->call), FCGI_ERR_CANCELLED);
        assert_int_equal(recorder.stderrs, i == 2);
        fixture_free_call(f);
        struct wire_request seen = peer_request(&f->peer, 0);
        assert_true(seen.aborted);
        wire_request_free(&seen);
    }
}

/* A source that gives a record's worth, then has nothing yet, and cancels when
 * it is asked for the nth time. */
struct cancelling_source {
    struct canceller c;
    size_t nth;
};

static int read_and_cancel(void *context, void *buf, size_t cap, size_t *got)
{
    struct cancelling_source *source = context;
    source->c.uses += 1;
    if (source->c.uses == source->nth) {
        fcgi_call_cancel(source->c.call);
    }
    if (source->c.uses != 1) {
        return FCGI_WAIT;
    }
    *got = cap;
    memset(buf, 'x', cap);
    return FCGI_OK;
}

/* Asked before anything is sent, it can take the whole request back. */
static void a_source_may_cancel_its_own_call(void **state)
{
    for (size_t nth = 1; nth <= 3; nth++) {
        struct cancelling_source source = {.nth = nth};
        struct fixture *f = begin(state);
        f->request.body =
            (struct fcgi_source){.read = read_and_cancel, .context = &source};
        fixture_begin(f);
        source.c.call = f->call;
        int rc = host_advance(f->call);
        while (rc == FCGI_WAIT) {
            rc = host_resume(f->call);
        }
        assert_code(rc, FCGI_ERR_CANCELLED);
        assert_int_equal(source.c.uses, nth);
        bool sent = f->response.outcome.bytes_sent > 0;
        assert_int_equal(sent, nth > 1);
        assert_int_equal(f->response.outcome.may_have_run, sent);
        fixture_free_call(f);
        struct wire_request seen = peer_request(&f->peer, 0);
        assert_int_equal(seen.aborted, sent);
        assert_int_equal(seen.body_ends, 0);
        wire_request_free(&seen);
    }
}

/* ---- at each stage ------------------------------------------------------ */

/* Somebody else has the only connection. */
static void reach_queue(struct fixture *f)
{
    taken = take(f->pool);
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_int_equal(stats_of(f->client).waiting, 1);
}

/* Connected, and not advanced yet. */
static void reach_start(struct fixture *f)
{
    fixture_begin(f);
}

/* Amid a body that nobody reads. */
static void reach_sending(struct fixture *f)
{
    upload.len = UINT64_C(1) << 40;
    f->request = post_request(pattern_source(&upload));
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
}

static void reach_waiting_source(struct fixture *f)
{
    feeder = (struct feeder){
        .data = "12345678", .len = 8, .waits = true, .ready = 4};
    f->request = post_request(feeder_source(&feeder));
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
}

static void reach_silence(struct fixture *f)
{
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
}

static void reach_answer(struct fixture *f)
{
    reach_silence(f);
    say(f, WIRE_STDOUT, "Status: 200\r\n\r\nbegun");
    assert_code(host_settle(f->call), FCGI_WAIT);
}

static void reach_pause(struct fixture *f)
{
    recorder.limited = true;
    f->request.sink = recorder_sink(&recorder);
    reach_answer(f);
    assert_int_equal(fcgi_call_fd(f->call), -1);
}

static const struct stage {
    void (*reach)(struct fixture *f);
    enum fcgi_phase phase;
    bool may_have_run;
    bool told; /* the application is */
} stages[] = {
    {reach_queue, FCGI_PHASE_QUEUE, false, false},
    {reach_start, FCGI_PHASE_SEND, false, false},
    {reach_sending, FCGI_PHASE_SEND, true, false},
    {reach_waiting_source, FCGI_PHASE_SEND, true, true},
    {reach_silence, FCGI_PHASE_WAIT, true, true},
    {reach_answer, FCGI_PHASE_RECEIVE, true, true},
    {reach_pause, FCGI_PHASE_RECEIVE, true, true},
};

#define STAGES (sizeof(stages) / sizeof(stages[0]))

/* What the application sees of a call that was given up: never the end of a
 * body, nor a record amid another. */
static void check_peer(struct fixture *f, const struct stage *stage)
{
    struct wire_request seen = peer_request(&f->peer, 0);
    bool had_body = f->request.body.read != NULL;
    assert_int_equal(seen.aborted, stage->told);
    assert_true(!had_body || seen.body_ends == 0);
    if (seen.body.len > 4) {
        assert_true(pattern_matches(seen.body.data, 0, seen.body.len));
    }
    wire_request_free(&seen);
}

/* Its place can be had again. */
static void check_place(struct fixture *f)
{
    if (taken != NULL) {
        fcgi_pool_put(f->pool, taken);
        assert_int_equal(stats_of(f->client).idle, 1);
    } else {
        assert_int_equal(stats_of(f->client).open, 0);
    }
    assert_int_equal(stats_of(f->client).waiting, 0);
    fcgi_pool_put(f->pool, take(f->pool));
    assert_int_equal(stats_of(f->client).open, 1);
}

static void the_owner_may_cancel_at_each_stage(void **state)
{
    for (size_t i = 0; i < STAGES; i++) {
        struct fixture *f = begin(state);
        stages[i].reach(f);
        host_cancel(f->call);
        assert_code(host_advance(f->call), FCGI_ERR_CANCELLED);
        assert_code(host_resume(f->call), FCGI_ERR_CANCELLED);
        assert_code(f->response.outcome.error, FCGI_ERR_CANCELLED);
        assert_int_equal(f->response.outcome.phase, stages[i].phase);
        assert_int_equal(f->response.outcome.may_have_run,
                         stages[i].may_have_run);
        check_peer(f, &stages[i]);
        fixture_free_call(f);
        check_place(f);
    }
}

static void freeing_cancels_at_each_stage(void **state)
{
    for (size_t i = 0; i < STAGES; i++) {
        struct fixture *f = begin(state);
        stages[i].reach(f);
        fixture_free_call(f);
        assert_code(f->response.outcome.error, FCGI_ERR_CANCELLED);
        assert_int_equal(f->response.outcome.may_have_run,
                         stages[i].may_have_run);
        check_peer(f, &stages[i]);
        check_place(f);
    }
}

/* No function of the caller's is used any more once it was cancelled. */
static void after_a_cancel_sinks_and_sources_rest(void **state)
{
    struct fixture *f = begin(state);
    recorder.limited = true;
    feeder = (struct feeder){.data = "body", .len = 4, .waits = true};
    f->request = post_request(feeder_source(&feeder));
    f->request.sink = recorder_sink(&recorder);
    fixture_begin(f);
    say(f, WIRE_STDOUT, "Status: 200\r\n\r\nbody");
    assert_code(host_settle(f->call), FCGI_WAIT);
    size_t reads = feeder.reads;
    size_t bodies = recorder.bodies;
    host_cancel(f->call);
    say(f, WIRE_STDERR, "too late");
    assert_code(host_resume(f->call), FCGI_ERR_CANCELLED);
    assert_code(host_advance(f->call), FCGI_ERR_CANCELLED);
    fixture_free_call(f);
    assert_int_equal(feeder.reads, reads);
    assert_int_equal(recorder.bodies, bodies);
    assert_int_equal(recorder.stderrs, 0);
}

static void what_had_come_stays_readable(void **state)
{
    struct fixture *f = begin(state);
    reach_answer(f);
    fixture_free_call(f);
    assert_int_equal(f->response.status, 200);
    assert_string_equal(f->response.body.data, "begun");
    assert_int_equal(f->response.protocol_status, -1);
}

/* A trace is told of the end, and of what is sent last, while the call still
 * has its connection. */
static void cancel_at_the_end(void *context,
                              const struct fcgi_trace_event *event)
{
    struct fixture *f = context;
    if (event->kind == FCGI_TRACE_TIMED_OUT ||
        event->header.type == FCGI_TYPE_ABORT_REQUEST) {
        fcgi_call_cancel(f->call);
    }
}

static void a_call_that_ends_cannot_be_cancelled_by_its_trace(void **state)
{
    struct fixture *f = *state;
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ_REQUEST};
    struct fcgi_client_config config = {
        .pool = {.trace = cancel_at_the_end, .trace_context = f}};
    fixture_run(state, FAKE_UNIX, script, &config);
    f->request.timeouts.first_byte_ms = 20;
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    int fd = fcgi_call_fd(f->call);
    assert_code(host_run(f->call), FCGI_ERR_FIRST_BYTE_TIMEOUT);
    assert_true(fcntl(fd, F_GETFD) >= 0);
    assert_int_equal(stats_of(f->client).open, 1);
    fixture_free_call(f);
    fake_await(f->app, FAKE_LEFT, 1);
    assert_int_equal(fake_count(f->app, FAKE_ABORTED), 1);
}

/* Some applications end when they are sent FCGI_ABORT_REQUEST. */
static void give_up_without_abort(void **state, bool of_client, bool of_request)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ_REQUEST};
    struct fcgi_client_config config = {.no_abort = of_client};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, &config);
    f->request.no_abort = of_request;
    f->request.timeouts.first_byte_ms = 20;
    ask_expecting(f->client, &f->request, FCGI_ERR_FIRST_BYTE_TIMEOUT);
    fake_await(f->app, FAKE_LEFT, 1);
    assert_int_equal(fake_count(f->app, FAKE_ABORTED), 0);
}

static void a_request_given_up_is_not_aborted_if_it_says_so(void **state)
{
    give_up_without_abort(state, false, true);
}

static void no_request_of_a_client_is_aborted_if_that_says_so(void **state)
{
    give_up_without_abort(state, true, false);
}

/* One that has ended is not spoilt by it. */
static void an_ended_call_is_not_cancelled(void **state)
{
    struct fixture *f = begin(state);
    reach_silence(f);
    peer_answer(&f->peer, 0, 1, "A: 1\r\n\r\nwhole");
    assert_code(host_run(f->call), FCGI_OK);
    host_cancel(f->call);
    assert_code(host_advance(f->call), FCGI_OK);
    fixture_free_call(f);
    assert_code(f->response.outcome.error, FCGI_OK);
    assert_string_equal(f->response.body.data, "whole");
    assert_int_equal(stats_of(f->client).idle, 1);
}

/* Play an answer in so many parts, and free the call before its end; false: it
 * has ended already. */
static bool free_after_parts(void **state, const struct wire *answer,
                             size_t parts)
{
    int rc = FCGI_WAIT;
    struct fixture *f = begin(state);
    upload.len = 1000000;
    f->request = post_request(pattern_source(&upload));
    fixture_begin(f);
    for (size_t i = 0; i < parts && rc == FCGI_WAIT; i++) {
        struct wire received = {0};
        rc = host_advance(f->call);
        (void)peer_receive(&f->peer, 0, &received);
        if (i < answer->len) {
            (void)peer_send(&f->peer, 0, answer->data + i, 1);
        }
        wire_free(&received);
    }
    fixture_free_call(f);
    return rc == FCGI_WAIT;
}

static void freeing_after_any_step_leaves_nothing(void **state)
{
    struct wire answer = {0};
    size_t parts = 0;
    wire_stderr(&answer, 1, "oh");
    wire_stdout(&answer, 1, "A: 1\r\n\r\nbody");
    wire_end(&answer, 1, 0, WIRE_COMPLETE);
    while (free_after_parts(state, &answer, parts)) {
        parts += 1;
    }
    assert_true(parts >= answer.len);
    wire_free(&answer);
}

/* ---- before there is a connection --------------------------------------- */

/* Give up a call to an application that does not answer the telephone. */
static void assert_given_up_connecting(void **state, enum fake_family family,
                                       bool cancels)
{
    struct fixture *f = *state;
    struct fcgi_client_config config = {
        .pool = {.max_open = 1, .allocator = counting_allocator(&f->memory)}};
    fixture_clogged(state, family, &config);
    fixture_begin(f);
    assert_code(host_advance(f->call), FCGI_WAIT);
    if (cancels) {
        host_cancel(f->call);
        assert_code(host_advance(f->call), FCGI_ERR_CANCELLED);
    }
    fixture_free_call(f);
    assert_code(f->response.outcome.error, FCGI_ERR_CANCELLED);
    assert_int_equal(f->response.outcome.phase, FCGI_PHASE_CONNECT);
    assert_false(f->response.outcome.may_have_run);
    assert_int_equal(stats_of(f->client).open, 0);
}

static void a_call_that_connects_can_be_given_up(void **state)
{
    static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};
    for (size_t i = 0; i < 2; i++) {
        assert_given_up_connecting(state, families[i], true);
        assert_given_up_connecting(state, families[i], false);
    }
}

/* The second attempt is connecting. */
static void a_retry_can_be_given_up(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_SERVE_TIMES(1), FAKE_READ_REQUEST,
        FAKE_CLOSE,  FAKE_ACCEPT,         FAKE_SERVE};
    struct fixture *f = fixture_run(state, FAKE_TCP, script, NULL);
    f->request = post_text("body");
    f->request.retry = FCGI_RETRY_STALE;
    ask_hello(f->client);
    fixture_begin(f);
    int first = fcgi_call_fd(f->call);
    while (fcgi_call_fd(f->call) == first) {
        assert_code(host_wait(f->call), FCGI_WAIT);
    }
    fixture_free_call(f);
    assert_code(f->response.outcome.error, FCGI_ERR_CANCELLED);
    assert_true(f->response.outcome.retried);
    assert_true(f->response.outcome.may_have_run);
    assert_false(f->response.outcome.safe_to_repeat);
    assert_int_equal(stats_of(f->client).open, 0);
    ask_hello(f->client);
}

/* ---- the place in the queue --------------------------------------------- */

/* A turn that has come is not lost with who gave it up: the next one has it,
 * and the connection too. */
static void a_turn_given_up_goes_to_the_next(void **state)
{
    for (int advanced = 0; advanced < 2; advanced++) {
        struct fixture *f = begin(state);
        reach_queue(f);
        struct fixture_call *other = fixture_other_call(state);
        struct fcgi_call *next = other->call;
        assert_code(host_advance(next), FCGI_WAIT);
        int fd = fcgi_call_fd(next);
        fcgi_pool_put(f->pool, taken);
        /* What both watch tells of the other's turn. */
        assert_true(host_ready(fd, FCGI_EVENT_READ));
        assert_code(host_advance(next), FCGI_WAIT);
        assert_int_equal(stats_of(f->client).waiting, 1);
        if (advanced == 1) {
            host_cancel(f->call);
        }
        fixture_free_call(f);
        assert_true(host_ready(fd, FCGI_EVENT_READ));
        assert_int_equal(stats_of(f->client).waiting, 0);
        assert_code(host_advance(next), FCGI_WAIT);
        assert_false(host_ready(fd, FCGI_EVENT_READ));
        peer_answer(&f->peer, 0, 1, "A: 1\r\n\r\nat last");
        assert_code(host_run(next), FCGI_OK);
        assert_true(other->response.outcome.reused);
        fixture_free_other(other);
        assert_int_equal(stats_of(f->client).dials, 1);
        assert_int_equal(stats_of(f->client).open, 1);
    }
}

/* Nor is the order of those behind. */
static void who_leaves_the_queue_is_passed_over(void **state)
{
    struct fixture *f = begin(state);
    reach_queue(f);
    struct fixture_call *second = fixture_other_call(state);
    struct fixture_call *third = fixture_other_call(state);
    fixture_free_other(second);
    assert_int_equal(stats_of(f->client).waiting, 2);
    fixture_free_call(f);
    assert_int_equal(stats_of(f->client).waiting, 1);
    fcgi_pool_discard(f->pool, taken);
    assert_code(host_wait(third->call), FCGI_WAIT);
    peer_answer(&f->peer, 1, 1, "A: 1\r\n\r\n");
    assert_code(host_run(third->call), FCGI_OK);
}

/* A sink may well give up and free another call than its own. */
static int free_other(void *context, const struct fcgi_response *response)
{
    struct fixture_call *other = context;
    (void)response;
    fcgi_call_free(other->call);
    other->call = NULL;
    return 0;
}

static void a_sink_may_free_another_call(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    struct fixture_call *other = fixture_other_call(state);
    assert_code(host_advance(other->call), FCGI_WAIT);
    f->request.sink.head = free_other;
    f->request.sink.context = other;
    fixture_begin(f);
    peer_answer(&f->peer, 1, 1, "A: 1\r\n\r\nbody");
    assert_code(host_run(f->call), FCGI_OK);
    assert_code(other->response.outcome.error, FCGI_ERR_CANCELLED);
    fixture_free_call(f);
    assert_int_equal(stats_of(f->client).open, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_sink_may_cancel_its_own_call),
        fixture_test(a_sink_can_neither_advance_nor_resume_its_own_call),
        fixture_test(a_sink_that_refuses_cancels_its_call),
        fixture_test(a_source_may_cancel_its_own_call),
        fixture_test(the_owner_may_cancel_at_each_stage),
        fixture_test(freeing_cancels_at_each_stage),
        fixture_test(after_a_cancel_sinks_and_sources_rest),
        fixture_test(what_had_come_stays_readable),
        fixture_test(a_call_that_ends_cannot_be_cancelled_by_its_trace),
        fixture_test(a_request_given_up_is_not_aborted_if_it_says_so),
        fixture_test(no_request_of_a_client_is_aborted_if_that_says_so),
        fixture_test(an_ended_call_is_not_cancelled),
        fixture_test(freeing_after_any_step_leaves_nothing),
        fixture_test(a_call_that_connects_can_be_given_up),
        fixture_test(a_retry_can_be_given_up),
        fixture_test(a_turn_given_up_goes_to_the_next),
        fixture_test(who_leaves_the_queue_is_passed_over),
        fixture_test(a_sink_may_free_another_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
