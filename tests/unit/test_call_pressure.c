/*
 * Back-pressure: a sink that takes less than it is offered, a source that has
 * nothing yet, and a host that resumes the call when it sees fit. Nothing is
 * lost or kept twice, nothing grows, the other direction goes on, and the
 * application is not charged with the time.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fcgi_client/io.h>

#include "feeder.h"
#include "fixture.h"
#include "host.h"
#include "pattern.h"
#include "peer.h"
#include "process.h"
#include "recorder.h"

#define MIB (1024 * 1024)
#define LIMIT 100

/* ---- a sink that takes less --------------------------------------------- */

static void what_a_sink_did_not_take_is_offered_again(void **state)
{
    static const size_t takes[] = {1, 0, 0, 4, 2, 1};
    static const char *const logs[] = {
        "[head 200][body]a",       "[head 200][body]a",
        "[head 200][body]a",       "[head 200][body]abcde",
        "[head 200][body]abcdefg", "[head 200][body]abcdefgh"};
    struct recorder r = {.limited = true};
    struct fixture *f = fixture_peer(state, NULL);
    f->request.sink = recorder_sink(&r);
    fixture_begin(f);
    peer_stdout(&f->peer, 0, 1, "A: 1\r\n\r\nabc");
    peer_stdout(&f->peer, 0, 1, "defgh");
    assert_code(host_settle(f->call), FCGI_WAIT);
    for (size_t i = 0; i < 6; i++) {
        r.budget = takes[i];
        assert_code(host_resume(f->call), FCGI_WAIT);
        assert_int_equal(r.budget, 0);
        recorder_assert(&r, logs[i]);
    }
    peer_end(&f->peer, 0, 1);
    assert_code(host_run(f->call), FCGI_OK);
    recorder_free(&r);
}

/* A sink that takes now this much, now that, and always less than there is. */
struct slow_sink {
    struct pattern_download download;
    size_t turn;
};

static int take_some(void *context, const void *data, size_t *len)
{
    struct slow_sink *slow = context;
    size_t most = slow->turn++ * 37 % 5000;
    *len = *len < most ? *len : most;
    return pattern_sink(&slow->download).body(&slow->download, data, len);
}

/* Let a body of so many bytes pass through such a sink; returns the most memory
 * that was held at a time. */
static size_t download_slowly(void **state, int len)
{
    struct fixture *f = *state;
    struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                 FAKE_STDOUT("Status: 200\r\n\r\n"),
                                 FAKE_BODY(0), FAKE_END(WIRE_COMPLETE)};
    script[3].len = (size_t)len;
    struct fcgi_client_config config = {
        .pool = {.allocator = counting_allocator(&f->memory)}};
    struct slow_sink slow = {.turn = 0};
    fixture_run(state, FAKE_UNIX, script, &config);
    f->request.sink.body = take_some;
    f->request.sink.context = &slow;
    fixture_begin(f);
    assert_code(host_run_resuming(f->call), FCGI_OK);
    assert_int_equal(slow.download.at, len);
    assert_false(slow.download.wrong);
    fixture_free_call(f);
    assert_int_equal(stats_of(f->client).idle, 1);
    return f->memory.peak;
}

static void a_slow_sink_holds_no_more_memory_for_a_larger_body(void **state)
{
    size_t small = download_slowly(state, MIB / 4);
    size_t large = download_slowly(state, 24 * MIB);
    assert_int_equal(large, small);
    assert_true(large < 256 * 1024);
}

/* Send as much as the other side makes room for. */
static size_t send_until_full(struct fixture *f, const struct wire *record)
{
    size_t total = 0;
    size_t sent;
    do {
        sent = peer_send(&f->peer, 0, record->data, record->len);
        total += sent;
        assert_true(sent == 0 || host_settle(f->call) == FCGI_WAIT);
    } while (sent == record->len);
    return total;
}

static void a_paused_sink_holds_the_application_back(void **state)
{
    struct wire record = {0};
    struct wire noise = {0};
    struct recorder r = {.limited = true};
    struct fixture *f = fixture_peer(state, NULL);
    f->request.sink = recorder_sink(&r);
    wire_noise(&noise, 8000);
    wire_padded(&record, WIRE_STDOUT, 1, noise.data, noise.len);
    fixture_begin(f);
    peer_stdout(&f->peer, 0, 1, "A: 1\r\n\r\n");
    assert_true(send_until_full(f, &record) < MIB);
    for (int i = 0; i < 5; i++) {
        assert_code(host_advance(f->call), FCGI_WAIT);
        assert_int_equal(peer_send(&f->peer, 0, "x", 1), 0);
    }
    r.limited = false;
    assert_code(host_resume(f->call), FCGI_WAIT);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_int_equal(peer_send(&f->peer, 0, "x", 1), 1);
    wire_free(&record);
    wire_free(&noise);
    recorder_free(&r);
}

/* The end has long been received, and the connection closed. */
static void what_came_before_the_end_of_a_pause_is_not_lost(void **state)
{
    struct recorder r = {.limited = true};
    struct fixture *f = fixture_peer(state, NULL);
    f->request.sink = recorder_sink(&r);
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    peer_stdout(&f->peer, 0, 1, "A: 1\r\n\r\nbo");
    assert_code(host_settle(f->call), FCGI_WAIT);
    peer_stdout(&f->peer, 0, 1, "dy");
    peer_end(&f->peer, 0, 1);
    peer_close(&f->peer, 0);
    assert_code(host_settle(f->call), FCGI_WAIT);
    r.limited = false;
    assert_code(host_run_resuming(f->call), FCGI_OK);
    recorder_assert(&r, "[head 200][body]body");
    recorder_free(&r);
}

static void a_paused_answer_leaves_the_connection_reusable(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    for (size_t i = 0; i < 3; i++) {
        struct slow_sink slow = {.turn = i};
        struct pattern_upload upload = {.len = 100000};
        f->request = put_request(pattern_source(&upload));
        f->request.sink.body = take_some;
        f->request.sink.context = &slow;
        fixture_begin(f);
        assert_code(host_run_resuming(f->call), FCGI_OK);
        assert_int_equal(slow.download.at, 100000);
        assert_false(slow.download.wrong);
        assert_int_equal(f->response.outcome.reused, i > 0);
    }
}

static int take_too_much(void *context, const void *data, size_t *len)
{
    (void)context;
    (void)data;
    *len += 1;
    return 0;
}

static void a_sink_cannot_take_more_than_there_is(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    f->request.sink.body = take_too_much;
    fixture_begin(f);
    peer_stdout(&f->peer, 0, 1, "A: 1\r\n\r\nbody");
    assert_code(host_run(f->call), FCGI_ERR_ARGUMENT);
}

/* ---- a source that has nothing yet -------------------------------------- */

static void a_source_goes_on_where_it_waited(void **state)
{
    static const size_t ready[] = {0, 1, 1, 7, 8, 12};
    struct feeder feeder = {.data = "twelve bytes", .len = 12, .waits = true};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(feeder_source(&feeder));
    struct wire received = {0};
    struct wire_request seen = {0};
    fixture_begin(f);
    for (size_t i = 0; i < 6; i++) {
        feeder.ready = ready[i];
        assert_code(host_resume(f->call), FCGI_WAIT);
        assert_code(host_settle(f->call), FCGI_WAIT);
        assert_true(peer_receive(&f->peer, 0, &received));
    }
    feeder.waits = false;
    assert_code(host_resume(f->call), FCGI_WAIT);
    assert_true(peer_receive(&f->peer, 0, &received));
    (void)wire_request_read(&seen, received.data, received.len);
    assert_int_equal(seen.body.len, 12);
    assert_memory_equal(seen.body.data, "twelve bytes", 12);
    assert_int_equal(seen.body_ends, 1);
    peer_answer(&f->peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_run(f->call), FCGI_OK);
    wire_request_free(&seen);
    wire_free(&received);
}

static bool waits(const struct fcgi_call *call, int *descriptor)
{
    *descriptor = 0;
    return fcgi_call_source_waits(call, descriptor);
}

/* Nothing is waited for before the request is under way, nor after it. */
static void only_a_request_under_way_waits_for_its_source(void **state)
{
    struct feeder feeder = {.waits = true, .descriptor = -1};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(feeder_source(&feeder));
    int descriptor;
    assert_false(waits(NULL, &descriptor));
    assert_int_equal(descriptor, -1);
    fixture_begin(f);
    assert_false(waits(f->call, &descriptor));
    assert_int_equal(descriptor, -1);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_true(waits(f->call, &descriptor));
    assert_int_equal(descriptor, -1);
    host_cancel(f->call);
    assert_false(waits(f->call, &descriptor));
    assert_int_equal(descriptor, -1);
}

/* What is ready is not held back for want of more. */
static void what_a_source_has_is_sent_before_it_has_more(void **state)
{
    struct feeder feeder = {
        .data = "12345678", .len = 8, .waits = true, .ready = 5};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(feeder_source(&feeder));
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    struct wire_request seen = peer_request(&f->peer, 0);
    assert_int_equal(seen.body.len, 5);
    assert_memory_equal(seen.body.data, "12345", 5);
    assert_int_equal(seen.body_ends, 0);
    wire_request_free(&seen);
}

/* A pipe, watched by the host beside the call's own descriptor; nothing in the
 * call may read it when it is empty, for it blocks. */
static void a_pipe_is_read_when_the_host_says_so(void **state)
{
    struct fcgi_fd_state pipe_state;
    struct wire received = {0};
    struct wire_request seen = {0};
    int ends[2];
    int descriptor;
    assert_int_equal(pipe(ends), 0);
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(fcgi_fd_source(&pipe_state, ends[0]));
    fixture_begin(f);
    for (int i = 0; i < 5; i++) {
        assert_code(host_settle(f->call), FCGI_WAIT);
        assert_true(peer_receive(&f->peer, 0, &received));
        assert_true(fcgi_call_source_waits(f->call, &descriptor));
        assert_int_equal(descriptor, ends[0]);
        assert_int_equal(write(ends[1], "part", 4), 4);
        assert_code(host_resume(f->call), FCGI_WAIT);
    }
    assert_int_equal(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(close(ends[1]), 0);
    assert_code(host_resume(f->call), FCGI_WAIT);
    assert_false(fcgi_call_source_waits(f->call, &descriptor));
    assert_int_equal(descriptor, -1);
    assert_true(peer_receive(&f->peer, 0, &received));
    (void)wire_request_read(&seen, received.data, received.len);
    assert_int_equal(seen.body.len, 20);
    assert_int_equal(seen.body_ends, 1);
    peer_answer(&f->peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_run(f->call), FCGI_OK);
    assert_int_equal(close(ends[0]), 0);
    wire_request_free(&seen);
    wire_free(&received);
}

/* Send a body of so many bytes to an application that takes its time; returns
 * the most memory that was held at a time. */
static size_t upload_slowly(void **state, uint64_t len, bool from_memory)
{
    struct fixture *f = *state;
    struct fcgi_client_config config = {
        .pool = {.allocator = counting_allocator(&f->memory)}};
    struct pattern_upload upload = {.len = len};
    struct fcgi_source source = pattern_source(&upload);
    void *bytes = from_memory ? pattern_make((size_t)len) : NULL;
    struct wire received = {0};
    if (from_memory) {
        source = (struct fcgi_source){.data = bytes, .len = (size_t)len};
    }
    fixture_peer(state, &config);
    f->request = post_request(source);
    fixture_begin(f);
    while (received.len < len) {
        assert_code(host_settle(f->call), FCGI_WAIT);
        assert_true(peer_receive(&f->peer, 0, &received));
    }
    assert_code(host_settle(f->call), FCGI_WAIT);
    peer_answer(&f->peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_run(f->call), FCGI_OK);
    wire_free(&received);
    free(bytes);
    return f->memory.peak;
}

static void a_slow_peer_holds_no_more_memory_for_a_larger_body(void **state)
{
    for (int i = 0; i < 2; i++) {
        size_t small = upload_slowly(state, MIB, i == 1);
        size_t large = upload_slowly(state, 24 * MIB, i == 1);
        assert_int_equal(large, small);
        assert_true(large < (i == 1 ? 128 : 192) * 1024);
    }
}

/* What many of them hold is little at first, and not very much then. */
static void a_unix_socket_that_is_full_is_made_to_hold_more(void **state)
{
    struct pattern_upload upload = {.len = 3 * MIB};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(pattern_source(&upload));
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_int_equal(send_buffer(fcgi_call_fd(f->call)),
                     send_buffer_for(256 * 1024));
}

/* ---- the other direction ------------------------------------------------ */

static void a_paused_answer_does_not_hold_the_body_up(void **state)
{
    struct wire received = {0};
    struct wire_request seen = {0};
    struct recorder r = {.limited = true};
    struct pattern_upload upload = {.len = 3 * MIB};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(pattern_source(&upload));
    f->request.sink = recorder_sink(&r);
    fixture_begin(f);
    peer_stdout(&f->peer, 0, 1, "A: 1\r\n\r\nbody");
    for (size_t at = 0; seen.body_ends == 0;) {
        assert_code(host_settle(f->call), FCGI_WAIT);
        assert_true(peer_receive(&f->peer, 0, &received));
        at += wire_request_read(&seen, received.data + at, received.len - at);
    }
    assert_int_equal(seen.body.len, 3 * MIB);
    assert_int_equal(seen.body_ends, 1);
    recorder_assert(&r, "[head 200]");
    r.limited = false;
    peer_end(&f->peer, 0, 1);
    assert_code(host_run_resuming(f->call), FCGI_OK);
    recorder_assert(&r, "[head 200][body]body");
    wire_request_free(&seen);
    wire_free(&received);
    recorder_free(&r);
}

/* Nor its end, which stops the body for good. */
static void a_waiting_source_does_not_hold_the_answer_up(void **state)
{
    struct feeder feeder = {.data = "body", .len = 4, .waits = true};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(feeder_source(&feeder));
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    peer_answer(&f->peer, 0, 1, "Status: 413\r\n\r\ntoo large");
    assert_code(host_wait(f->call), FCGI_OK);
    assert_int_equal(f->response.status, 413);
    assert_string_equal(f->response.body.data, "too large");
    fixture_free_call(f);
    assert_int_equal(stats_of(f->client).open, 0);
}

static void a_waiting_source_does_not_hide_that_the_peer_is_gone(void **state)
{
    struct feeder feeder = {.data = "body", .len = 4, .waits = true};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(feeder_source(&feeder));
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    peer_close(&f->peer, 0);
    assert_code(host_wait(f->call), FCGI_ERR_CLOSED);
}

/* A source that has nothing every third time. */
struct halting_source {
    struct pattern_upload upload;
    size_t turn;
};

static int give_some(void *context, void *buf, size_t cap, size_t *got)
{
    struct halting_source *halting = context;
    if (halting->turn++ % 3 == 2) {
        return FCGI_WAIT;
    }
    size_t most = halting->turn * 1009 % 30000 + 1;
    return pattern_source(&halting->upload)
        .read(&halting->upload, buf, cap < most ? cap : most, got);
}

static void both_may_pause_at_once(void **state)
{
    static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_serve(state, families[i], NULL);
        struct halting_source halting = {.upload = {.len = 2 * MIB}};
        struct slow_sink slow = {.turn = 0};
        struct fcgi_source source = {.read = give_some, .context = &halting};
        f->request = post_request(source);
        f->request.sink.body = take_some;
        f->request.sink.context = &slow;
        fixture_begin(f);
        assert_code(host_run_resuming(f->call), FCGI_OK);
        assert_int_equal(slow.download.at, 2 * MIB);
        assert_false(slow.download.wrong);
    }
}

/* ---- resuming without need ---------------------------------------------- */

static void resuming_before_there_is_a_connection_does_no_harm(void **state)
{
    struct fixture *f = fixture_clogged(state, FAKE_TCP, NULL);
    fixture_begin(f);
    assert_code(host_resume(f->call), FCGI_WAIT);
    assert_code(host_resume(f->call), FCGI_WAIT);
    fixture_peer(state, NULL);
    fixture_begin(f);
    assert_code(host_resume(f->call), FCGI_WAIT);
    assert_code(host_resume(f->call), FCGI_WAIT);
    peer_answer(&f->peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_resume(f->call), FCGI_OK);
}

/* ---- time --------------------------------------------------------------- */

/* Every limit but that of the whole. */
static const struct fcgi_timeouts short_limits = {
    .write_ms = LIMIT, .first_byte_ms = LIMIT, .idle_ms = LIMIT};

/* It has begun anew. */
static void assert_full_limit(struct fcgi_call *call)
{
    assert_in_range(fcgi_call_timeout_ms(call), 1, LIMIT);
}

static void the_pause_of_a_sink_is_not_charged(void **state)
{
    struct recorder r = {.limited = true};
    struct fixture *f = fixture_peer(state, NULL);
    f->request.sink = recorder_sink(&r);
    f->request.timeouts = short_limits;
    fixture_begin(f);
    peer_stdout(&f->peer, 0, 1, "A: 1\r\n\r\nbody");
    assert_code(host_settle(f->call), FCGI_WAIT);
    pass_ms(2 * LIMIT);
    assert_code(host_advance(f->call), FCGI_WAIT);
    assert_int_equal(fcgi_call_timeout_ms(f->call), -1);
    r.limited = false;
    assert_code(host_resume(f->call), FCGI_WAIT);
    assert_full_limit(f->call);
    assert_code(host_run(f->call), FCGI_ERR_IDLE_TIMEOUT);
    recorder_free(&r);
}

static void the_pause_of_a_source_is_not_charged(void **state)
{
    struct feeder feeder = {.data = "body", .len = 4, .waits = true};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(feeder_source(&feeder));
    f->request.timeouts = short_limits;
    fixture_begin(f);
    for (size_t i = 0; i < 2; i++) {
        feeder.ready = i * 2;
        assert_code(host_resume(f->call), FCGI_WAIT);
        pass_ms(2 * LIMIT);
        assert_code(host_advance(f->call), FCGI_WAIT);
        assert_int_equal(fcgi_call_timeout_ms(f->call), -1);
    }
    feeder.waits = false;
    assert_code(host_resume(f->call), FCGI_WAIT);
    assert_full_limit(f->call);
    assert_code(host_run(f->call), FCGI_ERR_FIRST_BYTE_TIMEOUT);
}

/* Amid the answer it is the idle limit. */
static void the_pause_of_a_source_amid_the_answer_is_not_charged(void **state)
{
    struct feeder feeder = {.data = "body", .len = 4, .waits = true};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(feeder_source(&feeder));
    f->request.timeouts = short_limits;
    fixture_begin(f);
    peer_stdout(&f->peer, 0, 1, "A: 1\r\n\r\nbegun");
    assert_code(host_settle(f->call), FCGI_WAIT);
    pass_ms(2 * LIMIT);
    assert_code(host_advance(f->call), FCGI_WAIT);
    feeder.waits = false;
    assert_code(host_resume(f->call), FCGI_WAIT);
    assert_full_limit(f->call);
    assert_code(host_run(f->call), FCGI_ERR_IDLE_TIMEOUT);
}

/* The first offer is declined; the one after takes its time, as a sink that
 * writes to a disk does. */
static int take_time(void *context, const void *data, size_t *len)
{
    size_t *offers = context;
    (void)data;
    *offers += 1;
    if (*offers == 1) {
        *len = 0;
    } else {
        pass_ms(2 * LIMIT);
    }
    return 0;
}

static void a_resumed_sinks_own_time_is_not_charged(void **state)
{
    size_t offers = 0;
    struct fixture *f = fixture_peer(state, NULL);
    f->request.sink.body = take_time;
    f->request.sink.context = &offers;
    f->request.timeouts = short_limits;
    fixture_begin(f);
    peer_stdout(&f->peer, 0, 1, "A: 1\r\n\r\nbody");
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_int_equal(offers, 1);
    assert_code(fcgi_call_resume(f->call), FCGI_WAIT);
    assert_int_equal(offers, 2);
    assert_full_limit(f->call);
    peer_end(&f->peer, 0, 1);
    assert_code(host_run(f->call), FCGI_OK);
}

/* A source that takes its time once it has something. */
struct lazy_source {
    bool ready;
    size_t reads;
};

static int read_slowly(void *context, void *buf, size_t cap, size_t *got)
{
    struct lazy_source *lazy = context;
    if (!lazy->ready) {
        return FCGI_WAIT;
    }
    pass_ms(2 * LIMIT);
    lazy->reads += 1;
    *got = lazy->reads == 1 ? cap : 0;
    memset(buf, 'x', *got);
    return FCGI_OK;
}

static void a_resumed_sources_own_time_is_not_charged(void **state)
{
    struct lazy_source lazy = {.ready = false};
    struct fcgi_source source = {.read = read_slowly, .context = &lazy};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(source);
    f->request.timeouts = short_limits;
    fixture_begin(f);
    peer_stdout(&f->peer, 0, 1, "A: 1\r\n\r\nbegun");
    assert_code(host_settle(f->call), FCGI_WAIT);
    lazy.ready = true;
    while (lazy.reads < 2) {
        assert_code(fcgi_call_resume(f->call), FCGI_WAIT);
    }
    assert_full_limit(f->call);
    peer_end(&f->peer, 0, 1);
    assert_code(host_run(f->call), FCGI_OK);
}

/* The limit of the whole goes on while either pauses. */
static void the_whole_limit_ends_a_pause(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct recorder r = {.limited = true};
        struct feeder feeder = {.waits = true};
        struct fixture *f = fixture_peer(state, NULL);
        f->request =
            i == 0 ? get_request() : post_request(feeder_source(&feeder));
        int64_t start = now_ms();
        f->request.sink = recorder_sink(&r);
        f->request.timeouts.total_ms = LIMIT;
        fixture_begin(f);
        peer_stdout(&f->peer, 0, 1, "A: 1\r\n\r\nbody");
        assert_code(host_settle(f->call), FCGI_WAIT);
        assert_int_equal(fcgi_call_fd(f->call), -1);
        assert_in_range(fcgi_call_timeout_ms(f->call), 1, LIMIT);
        assert_code(host_run(f->call), FCGI_ERR_DEADLINE);
        assert_true(elapsed(start, LIMIT));
        recorder_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(what_a_sink_did_not_take_is_offered_again),
        fixture_test(a_slow_sink_holds_no_more_memory_for_a_larger_body),
        fixture_test(a_paused_sink_holds_the_application_back),
        fixture_test(what_came_before_the_end_of_a_pause_is_not_lost),
        fixture_test(a_paused_answer_leaves_the_connection_reusable),
        fixture_test(a_sink_cannot_take_more_than_there_is),
        fixture_test(a_source_goes_on_where_it_waited),
        fixture_test(only_a_request_under_way_waits_for_its_source),
        fixture_test(what_a_source_has_is_sent_before_it_has_more),
        fixture_test(a_pipe_is_read_when_the_host_says_so),
        fixture_test(a_slow_peer_holds_no_more_memory_for_a_larger_body),
        fixture_test(a_unix_socket_that_is_full_is_made_to_hold_more),
        fixture_test(a_paused_answer_does_not_hold_the_body_up),
        fixture_test(a_waiting_source_does_not_hold_the_answer_up),
        fixture_test(a_waiting_source_does_not_hide_that_the_peer_is_gone),
        fixture_test(both_may_pause_at_once),
        fixture_test(resuming_before_there_is_a_connection_does_no_harm),
        fixture_test(the_pause_of_a_sink_is_not_charged),
        fixture_test(the_pause_of_a_source_is_not_charged),
        fixture_test(the_pause_of_a_source_amid_the_answer_is_not_charged),
        fixture_test(a_resumed_sinks_own_time_is_not_charged),
        fixture_test(a_resumed_sources_own_time_is_not_charged),
        fixture_test(the_whole_limit_ends_a_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
