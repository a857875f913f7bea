/*
 * Back-pressure: a sink that takes less than it is offered, a source that has
 * nothing yet, and a host that resumes the call when it sees fit. Nothing is
 * lost or kept twice, nothing grows, the other direction goes on, and the
 * application is not charged with the time.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fcgi_client.h>
#include <fcgi_client/io.h>

#include "allocator.h"
#include "ask.h"
#include "fake.h"
#include "feeder.h"
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
    (void)state;
    static const size_t takes[] = {1, 0, 0, 4, 2, 1};
    static const char *const logs[] = {
        "[head 200][body]a",       "[head 200][body]a",
        "[head 200][body]a",       "[head 200][body]abcde",
        "[head 200][body]abcdefg", "[head 200][body]abcdefgh"};
    struct peer_call c;
    struct recorder r = {.limited = true};
    struct fcgi_request request = get_request();
    request.sink = recorder_sink(&r);
    peer_call_begin(&c, NULL, &request);
    peer_stdout(&c.peer, 0, 1, "A: 1\r\n\r\nabc");
    peer_stdout(&c.peer, 0, 1, "defgh");
    assert_code(host_settle(c.call), FCGI_WAIT);
    for (size_t i = 0; i < 6; i++) {
        r.budget = takes[i];
        assert_code(host_resume(c.call), FCGI_WAIT);
        assert_int_equal(r.budget, 0);
        recorder_assert(&r, logs[i]);
    }
    peer_end(&c.peer, 0, 1);
    assert_code(host_run(c.call), FCGI_OK);
    recorder_free(&r);
    peer_call_end(&c);
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
static size_t download_slowly(int len)
{
    struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                 FAKE_STDOUT("Status: 200\r\n\r\n"),
                                 FAKE_BODY(0), FAKE_END(WIRE_COMPLETE)};
    script[3].len = (size_t)len;
    struct counting_allocator memory = {0};
    struct fcgi_client_config config = {
        .pool = {.allocator = counting_allocator(&memory)}};
    struct slow_sink slow = {.turn = 0};
    struct fcgi_response response = {0};
    struct fake *app = FAKE_RUN(FAKE_UNIX, script);
    struct fcgi_client *client = client_for(app, &config);
    struct fcgi_request request = get_request();
    request.sink.body = take_some;
    request.sink.context = &slow;
    struct fcgi_call *call = host_begin(client, &request, &response);
    assert_code(host_run_resuming(call), FCGI_OK);
    assert_int_equal(slow.download.at, len);
    assert_false(slow.download.wrong);
    host_free(call);
    assert_int_equal(stats_of(client).idle, 1);
    fcgi_response_free(&response);
    fcgi_client_free(client);
    fake_stop(app);
    return memory.peak;
}

static void a_slow_sink_holds_no_more_memory_for_a_larger_body(void **state)
{
    (void)state;
    size_t small = download_slowly(MIB / 4);
    size_t large = download_slowly(24 * MIB);
    assert_int_equal(large, small);
    assert_true(large < 256 * 1024);
}

/* Send as much as the other side makes room for. */
static size_t send_until_full(struct peer_call *c, const struct wire *record)
{
    size_t total = 0;
    size_t sent;
    do {
        sent = peer_send(&c->peer, 0, record->data, record->len);
        total += sent;
        assert_true(sent == 0 || host_settle(c->call) == FCGI_WAIT);
    } while (sent == record->len);
    return total;
}

static void a_paused_sink_holds_the_application_back(void **state)
{
    (void)state;
    struct peer_call c;
    struct wire record = {0};
    struct wire noise = {0};
    struct recorder r = {.limited = true};
    struct fcgi_request request = get_request();
    request.sink = recorder_sink(&r);
    wire_noise(&noise, 8000);
    wire_padded(&record, WIRE_STDOUT, 1, noise.data, noise.len);
    peer_call_begin(&c, NULL, &request);
    peer_stdout(&c.peer, 0, 1, "A: 1\r\n\r\n");
    assert_true(send_until_full(&c, &record) < MIB);
    for (int i = 0; i < 5; i++) {
        assert_code(host_advance(c.call), FCGI_WAIT);
        assert_int_equal(peer_send(&c.peer, 0, "x", 1), 0);
    }
    r.limited = false;
    assert_code(host_resume(c.call), FCGI_WAIT);
    assert_code(host_settle(c.call), FCGI_WAIT);
    assert_int_equal(peer_send(&c.peer, 0, "x", 1), 1);
    wire_free(&record);
    wire_free(&noise);
    recorder_free(&r);
    peer_call_end(&c);
}

/* The end has long been received, and the connection closed. */
static void what_came_before_the_end_of_a_pause_is_not_lost(void **state)
{
    (void)state;
    struct peer_call c;
    struct recorder r = {.limited = true};
    struct fcgi_request request = get_request();
    request.sink = recorder_sink(&r);
    peer_call_begin(&c, NULL, &request);
    assert_code(host_settle(c.call), FCGI_WAIT);
    peer_stdout(&c.peer, 0, 1, "A: 1\r\n\r\nbo");
    assert_code(host_settle(c.call), FCGI_WAIT);
    peer_stdout(&c.peer, 0, 1, "dy");
    peer_end(&c.peer, 0, 1);
    peer_close(&c.peer, 0);
    assert_code(host_settle(c.call), FCGI_WAIT);
    r.limited = false;
    assert_code(host_run_resuming(c.call), FCGI_OK);
    recorder_assert(&r, "[head 200][body]body");
    recorder_free(&r);
    peer_call_end(&c);
}

static void a_paused_answer_leaves_the_connection_reusable(void **state)
{
    (void)state;
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_for(app, NULL);
    for (size_t i = 0; i < 3; i++) {
        struct slow_sink slow = {.turn = i};
        struct pattern_upload upload = {.len = 100000};
        struct fcgi_response response = {0};
        struct fcgi_request request = put_request(pattern_source(&upload));
        request.sink.body = take_some;
        request.sink.context = &slow;
        struct fcgi_call *call = host_begin(client, &request, &response);
        assert_code(host_run_resuming(call), FCGI_OK);
        assert_int_equal(slow.download.at, 100000);
        assert_false(slow.download.wrong);
        assert_int_equal(response.outcome.reused, i > 0);
        host_free(call);
        fcgi_response_free(&response);
    }
    fcgi_client_free(client);
    fake_stop(app);
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
    (void)state;
    struct peer_call c;
    struct fcgi_request request = get_request();
    request.sink.body = take_too_much;
    peer_call_begin(&c, NULL, &request);
    peer_stdout(&c.peer, 0, 1, "A: 1\r\n\r\nbody");
    assert_code(host_run(c.call), FCGI_ERR_ARGUMENT);
    peer_call_end(&c);
}

/* ---- a source that has nothing yet -------------------------------------- */

static void a_source_goes_on_where_it_waited(void **state)
{
    (void)state;
    static const size_t ready[] = {0, 1, 1, 7, 8, 12};
    struct peer_call c;
    struct feeder feeder = {.data = "twelve bytes", .len = 12, .waits = true};
    struct fcgi_request request = post_request(feeder_source(&feeder));
    struct wire received = {0};
    struct wire_request seen = {0};
    peer_call_begin(&c, NULL, &request);
    for (size_t i = 0; i < 6; i++) {
        feeder.ready = ready[i];
        assert_code(host_resume(c.call), FCGI_WAIT);
        assert_code(host_settle(c.call), FCGI_WAIT);
        assert_true(peer_receive(&c.peer, 0, &received));
    }
    feeder.waits = false;
    assert_code(host_resume(c.call), FCGI_WAIT);
    assert_true(peer_receive(&c.peer, 0, &received));
    (void)wire_request_read(&seen, received.data, received.len);
    assert_int_equal(seen.body.len, 12);
    assert_memory_equal(seen.body.data, "twelve bytes", 12);
    assert_int_equal(seen.body_ends, 1);
    peer_answer(&c.peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_run(c.call), FCGI_OK);
    wire_request_free(&seen);
    wire_free(&received);
    peer_call_end(&c);
}

/* What is ready is not held back for want of more. */
static bool waits(const struct fcgi_call *call, int *descriptor)
{
    *descriptor = 0;
    return fcgi_call_source_waits(call, descriptor);
}

/* Nothing is waited for before the request is under way, nor after it. */
static void only_a_request_under_way_waits_for_its_source(void **state)
{
    (void)state;
    struct peer_call c;
    struct feeder feeder = {.waits = true, .descriptor = -1};
    struct fcgi_request request = post_request(feeder_source(&feeder));
    int descriptor;
    assert_false(waits(NULL, &descriptor));
    assert_int_equal(descriptor, -1);
    peer_call_begin(&c, NULL, &request);
    assert_false(waits(c.call, &descriptor));
    assert_int_equal(descriptor, -1);
    assert_code(host_settle(c.call), FCGI_WAIT);
    assert_true(waits(c.call, &descriptor));
    assert_int_equal(descriptor, -1);
    host_cancel(c.call);
    assert_false(waits(c.call, &descriptor));
    assert_int_equal(descriptor, -1);
    peer_call_end(&c);
}

static void what_a_source_has_is_sent_before_it_has_more(void **state)
{
    (void)state;
    struct peer_call c;
    struct feeder feeder = {
        .data = "12345678", .len = 8, .waits = true, .ready = 5};
    struct fcgi_request request = post_request(feeder_source(&feeder));
    peer_call_begin(&c, NULL, &request);
    assert_code(host_settle(c.call), FCGI_WAIT);
    struct wire_request seen = peer_request(&c.peer, 0);
    assert_int_equal(seen.body.len, 5);
    assert_memory_equal(seen.body.data, "12345", 5);
    assert_int_equal(seen.body_ends, 0);
    wire_request_free(&seen);
    peer_call_end(&c);
}

/* A pipe, watched by the host beside the call's own descriptor; nothing in the
 * call may read it when it is empty, for it blocks. */
static void a_pipe_is_read_when_the_host_says_so(void **state)
{
    (void)state;
    struct peer_call c;
    struct fcgi_fd_state pipe_state;
    struct wire received = {0};
    struct wire_request seen = {0};
    int ends[2];
    int descriptor;
    assert_int_equal(pipe(ends), 0);
    struct fcgi_request request =
        post_request(fcgi_fd_source(&pipe_state, ends[0]));
    peer_call_begin(&c, NULL, &request);
    for (int i = 0; i < 5; i++) {
        assert_code(host_settle(c.call), FCGI_WAIT);
        assert_true(peer_receive(&c.peer, 0, &received));
        assert_true(fcgi_call_source_waits(c.call, &descriptor));
        assert_int_equal(descriptor, ends[0]);
        assert_int_equal(write(ends[1], "part", 4), 4);
        assert_code(host_resume(c.call), FCGI_WAIT);
    }
    assert_int_equal(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(close(ends[1]), 0);
    assert_code(host_resume(c.call), FCGI_WAIT);
    assert_false(fcgi_call_source_waits(c.call, &descriptor));
    assert_int_equal(descriptor, -1);
    assert_true(peer_receive(&c.peer, 0, &received));
    (void)wire_request_read(&seen, received.data, received.len);
    assert_int_equal(seen.body.len, 20);
    assert_int_equal(seen.body_ends, 1);
    peer_answer(&c.peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_run(c.call), FCGI_OK);
    assert_int_equal(close(ends[0]), 0);
    wire_request_free(&seen);
    wire_free(&received);
    peer_call_end(&c);
}

/* Send a body of so many bytes to an application that takes its time; returns
 * the most memory that was held at a time. */
static size_t upload_slowly(uint64_t len, bool from_memory)
{
    struct counting_allocator memory = {0};
    struct fcgi_client_config config = {
        .pool = {.allocator = counting_allocator(&memory)}};
    struct pattern_upload upload = {.len = len};
    struct fcgi_source source = pattern_source(&upload);
    void *bytes = from_memory ? pattern_make((size_t)len) : NULL;
    struct peer peer = {0};
    struct fcgi_response response = {0};
    struct wire received = {0};
    if (from_memory) {
        source = (struct fcgi_source){.data = bytes, .len = (size_t)len};
    }
    struct fcgi_client *client = peer_client(&peer, &config);
    struct fcgi_request request = post_request(source);
    struct fcgi_call *call = host_begin(client, &request, &response);
    while (received.len < len) {
        assert_code(host_settle(call), FCGI_WAIT);
        assert_true(peer_receive(&peer, 0, &received));
    }
    assert_code(host_settle(call), FCGI_WAIT);
    peer_answer(&peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_run(call), FCGI_OK);
    host_free(call);
    fcgi_response_free(&response);
    fcgi_client_free(client);
    wire_free(&received);
    peer_free(&peer);
    free(bytes);
    return memory.peak;
}

static void a_slow_peer_holds_no_more_memory_for_a_larger_body(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        size_t small = upload_slowly(MIB, i == 1);
        size_t large = upload_slowly(24 * MIB, i == 1);
        assert_int_equal(large, small);
        assert_true(large < (i == 1 ? 128 : 192) * 1024);
    }
}

/* What many of them hold is little at first, and not very much then. */
static void a_unix_socket_that_is_full_is_made_to_hold_more(void **state)
{
    (void)state;
    struct peer_call c;
    struct pattern_upload upload = {.len = 3 * MIB};
    struct fcgi_request request = post_request(pattern_source(&upload));
    peer_call_begin(&c, NULL, &request);
    assert_code(host_settle(c.call), FCGI_WAIT);
    assert_int_equal(send_buffer(fcgi_call_fd(c.call)),
                     send_buffer_for(256 * 1024));
    peer_call_end(&c);
}

/* ---- the other direction ------------------------------------------------ */

static void a_paused_answer_does_not_hold_the_body_up(void **state)
{
    (void)state;
    struct peer_call c;
    struct wire received = {0};
    struct wire_request seen = {0};
    struct recorder r = {.limited = true};
    struct pattern_upload upload = {.len = 3 * MIB};
    struct fcgi_request request = post_request(pattern_source(&upload));
    request.sink = recorder_sink(&r);
    peer_call_begin(&c, NULL, &request);
    peer_stdout(&c.peer, 0, 1, "A: 1\r\n\r\nbody");
    for (size_t at = 0; seen.body_ends == 0;) {
        assert_code(host_settle(c.call), FCGI_WAIT);
        assert_true(peer_receive(&c.peer, 0, &received));
        at += wire_request_read(&seen, received.data + at, received.len - at);
    }
    assert_int_equal(seen.body.len, 3 * MIB);
    assert_int_equal(seen.body_ends, 1);
    recorder_assert(&r, "[head 200]");
    r.limited = false;
    peer_end(&c.peer, 0, 1);
    assert_code(host_run_resuming(c.call), FCGI_OK);
    recorder_assert(&r, "[head 200][body]body");
    wire_request_free(&seen);
    wire_free(&received);
    recorder_free(&r);
    peer_call_end(&c);
}

/* Nor its end, which stops the body for good. */
static void a_waiting_source_does_not_hold_the_answer_up(void **state)
{
    (void)state;
    struct peer_call c;
    struct feeder feeder = {.data = "body", .len = 4, .waits = true};
    struct fcgi_request request = post_request(feeder_source(&feeder));
    peer_call_begin(&c, NULL, &request);
    assert_code(host_settle(c.call), FCGI_WAIT);
    peer_answer(&c.peer, 0, 1, "Status: 413\r\n\r\ntoo large");
    assert_code(host_wait(c.call), FCGI_OK);
    assert_int_equal(c.response.status, 413);
    assert_string_equal(c.response.body.data, "too large");
    host_free(c.call);
    c.call = NULL;
    assert_int_equal(stats_of(c.client).open, 0);
    peer_call_end(&c);
}

static void a_waiting_source_does_not_hide_that_the_peer_is_gone(void **state)
{
    (void)state;
    struct peer_call c;
    struct feeder feeder = {.data = "body", .len = 4, .waits = true};
    struct fcgi_request request = post_request(feeder_source(&feeder));
    peer_call_begin(&c, NULL, &request);
    assert_code(host_settle(c.call), FCGI_WAIT);
    peer_close(&c.peer, 0);
    assert_code(host_wait(c.call), FCGI_ERR_CLOSED);
    peer_call_end(&c);
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
    (void)state;
    static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};
    for (size_t i = 0; i < 2; i++) {
        struct fake *app = fake_serve(families[i]);
        struct fcgi_client *client = client_for(app, NULL);
        struct halting_source halting = {.upload = {.len = 2 * MIB}};
        struct slow_sink slow = {.turn = 0};
        struct fcgi_source source = {.read = give_some, .context = &halting};
        struct fcgi_request request = post_request(source);
        struct fcgi_response response = {0};
        request.sink.body = take_some;
        request.sink.context = &slow;
        struct fcgi_call *call = host_begin(client, &request, &response);
        assert_code(host_run_resuming(call), FCGI_OK);
        assert_int_equal(slow.download.at, 2 * MIB);
        assert_false(slow.download.wrong);
        host_free(call);
        fcgi_response_free(&response);
        fcgi_client_free(client);
        fake_stop(app);
    }
}

/* ---- resuming without need ---------------------------------------------- */

static void resuming_before_there_is_a_connection_does_no_harm(void **state)
{
    (void)state;
    struct peer_call c;
    struct fcgi_request request = get_request();
    struct fcgi_response other = {0};
    struct fake *app = fake_clogged(FAKE_TCP);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_call *connecting = host_begin(client, &request, &other);
    assert_code(host_resume(connecting), FCGI_WAIT);
    assert_code(host_resume(connecting), FCGI_WAIT);
    host_free(connecting);
    fcgi_client_free(client);
    fake_stop(app);
    peer_call_begin(&c, NULL, &request);
    assert_code(host_resume(c.call), FCGI_WAIT);
    assert_code(host_resume(c.call), FCGI_WAIT);
    peer_answer(&c.peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_resume(c.call), FCGI_OK);
    fcgi_response_free(&other);
    peer_call_end(&c);
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
    (void)state;
    struct peer_call c;
    struct recorder r = {.limited = true};
    struct fcgi_request request = get_request();
    request.sink = recorder_sink(&r);
    request.timeouts = short_limits;
    peer_call_begin(&c, NULL, &request);
    peer_stdout(&c.peer, 0, 1, "A: 1\r\n\r\nbody");
    assert_code(host_settle(c.call), FCGI_WAIT);
    pass_ms(2 * LIMIT);
    assert_code(host_advance(c.call), FCGI_WAIT);
    assert_int_equal(fcgi_call_timeout_ms(c.call), -1);
    r.limited = false;
    assert_code(host_resume(c.call), FCGI_WAIT);
    assert_full_limit(c.call);
    assert_code(host_run(c.call), FCGI_ERR_IDLE_TIMEOUT);
    recorder_free(&r);
    peer_call_end(&c);
}

static void the_pause_of_a_source_is_not_charged(void **state)
{
    (void)state;
    struct peer_call c;
    struct feeder feeder = {.data = "body", .len = 4, .waits = true};
    struct fcgi_request request = post_request(feeder_source(&feeder));
    request.timeouts = short_limits;
    peer_call_begin(&c, NULL, &request);
    for (size_t i = 0; i < 2; i++) {
        feeder.ready = i * 2;
        assert_code(host_resume(c.call), FCGI_WAIT);
        pass_ms(2 * LIMIT);
        assert_code(host_advance(c.call), FCGI_WAIT);
        assert_int_equal(fcgi_call_timeout_ms(c.call), -1);
    }
    feeder.waits = false;
    assert_code(host_resume(c.call), FCGI_WAIT);
    assert_full_limit(c.call);
    assert_code(host_run(c.call), FCGI_ERR_FIRST_BYTE_TIMEOUT);
    peer_call_end(&c);
}

/* Amid the answer it is the idle limit. */
static void the_pause_of_a_source_amid_the_answer_is_not_charged(void **state)
{
    (void)state;
    struct peer_call c;
    struct feeder feeder = {.data = "body", .len = 4, .waits = true};
    struct fcgi_request request = post_request(feeder_source(&feeder));
    request.timeouts = short_limits;
    peer_call_begin(&c, NULL, &request);
    peer_stdout(&c.peer, 0, 1, "A: 1\r\n\r\nbegun");
    assert_code(host_settle(c.call), FCGI_WAIT);
    pass_ms(2 * LIMIT);
    assert_code(host_advance(c.call), FCGI_WAIT);
    feeder.waits = false;
    assert_code(host_resume(c.call), FCGI_WAIT);
    assert_full_limit(c.call);
    assert_code(host_run(c.call), FCGI_ERR_IDLE_TIMEOUT);
    peer_call_end(&c);
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
    (void)state;
    struct peer_call c;
    size_t offers = 0;
    struct fcgi_request request = get_request();
    request.sink.body = take_time;
    request.sink.context = &offers;
    request.timeouts = short_limits;
    peer_call_begin(&c, NULL, &request);
    peer_stdout(&c.peer, 0, 1, "A: 1\r\n\r\nbody");
    assert_code(host_settle(c.call), FCGI_WAIT);
    assert_int_equal(offers, 1);
    assert_code(fcgi_call_resume(c.call), FCGI_WAIT);
    assert_int_equal(offers, 2);
    assert_full_limit(c.call);
    peer_end(&c.peer, 0, 1);
    assert_code(host_run(c.call), FCGI_OK);
    peer_call_end(&c);
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
    (void)state;
    struct peer_call c;
    struct lazy_source lazy = {.ready = false};
    struct fcgi_source source = {.read = read_slowly, .context = &lazy};
    struct fcgi_request request = post_request(source);
    request.timeouts = short_limits;
    peer_call_begin(&c, NULL, &request);
    peer_stdout(&c.peer, 0, 1, "A: 1\r\n\r\nbegun");
    assert_code(host_settle(c.call), FCGI_WAIT);
    lazy.ready = true;
    while (lazy.reads < 2) {
        assert_code(fcgi_call_resume(c.call), FCGI_WAIT);
    }
    assert_full_limit(c.call);
    peer_end(&c.peer, 0, 1);
    assert_code(host_run(c.call), FCGI_OK);
    peer_call_end(&c);
}

/* The limit of the whole goes on while either pauses. */
static void the_whole_limit_ends_a_pause(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct peer_call c;
        struct recorder r = {.limited = true};
        struct feeder feeder = {.waits = true};
        struct fcgi_request request =
            i == 0 ? get_request() : post_request(feeder_source(&feeder));
        int64_t start = now_ms();
        request.sink = recorder_sink(&r);
        request.timeouts.total_ms = LIMIT;
        peer_call_begin(&c, NULL, &request);
        peer_stdout(&c.peer, 0, 1, "A: 1\r\n\r\nbody");
        assert_code(host_settle(c.call), FCGI_WAIT);
        assert_int_equal(fcgi_call_fd(c.call), -1);
        assert_in_range(fcgi_call_timeout_ms(c.call), 1, LIMIT);
        assert_code(host_run(c.call), FCGI_ERR_DEADLINE);
        assert_true(elapsed(start, LIMIT));
        recorder_free(&r);
        peer_call_end(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_sink_did_not_take_is_offered_again),
        cmocka_unit_test(a_slow_sink_holds_no_more_memory_for_a_larger_body),
        cmocka_unit_test(a_paused_sink_holds_the_application_back),
        cmocka_unit_test(what_came_before_the_end_of_a_pause_is_not_lost),
        cmocka_unit_test(a_paused_answer_leaves_the_connection_reusable),
        cmocka_unit_test(a_sink_cannot_take_more_than_there_is),
        cmocka_unit_test(a_source_goes_on_where_it_waited),
        cmocka_unit_test(only_a_request_under_way_waits_for_its_source),
        cmocka_unit_test(what_a_source_has_is_sent_before_it_has_more),
        cmocka_unit_test(a_pipe_is_read_when_the_host_says_so),
        cmocka_unit_test(a_slow_peer_holds_no_more_memory_for_a_larger_body),
        cmocka_unit_test(a_unix_socket_that_is_full_is_made_to_hold_more),
        cmocka_unit_test(a_paused_answer_does_not_hold_the_body_up),
        cmocka_unit_test(a_waiting_source_does_not_hold_the_answer_up),
        cmocka_unit_test(a_waiting_source_does_not_hide_that_the_peer_is_gone),
        cmocka_unit_test(both_may_pause_at_once),
        cmocka_unit_test(resuming_before_there_is_a_connection_does_no_harm),
        cmocka_unit_test(the_pause_of_a_sink_is_not_charged),
        cmocka_unit_test(the_pause_of_a_source_is_not_charged),
        cmocka_unit_test(the_pause_of_a_source_amid_the_answer_is_not_charged),
        cmocka_unit_test(a_resumed_sinks_own_time_is_not_charged),
        cmocka_unit_test(a_resumed_sources_own_time_is_not_charged),
        cmocka_unit_test(the_whole_limit_ends_a_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
