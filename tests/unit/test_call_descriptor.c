/*
 * What a pollable call tells its host to wait for: which descriptor, for what,
 * and how long; and how long a descriptor that was told stays open.
 */
#define _POSIX_C_SOURCE 200809L

#include <string.h>

#include "feeder.h"
#include "fixture.h"
#include "host.h"
#include "pattern.h"
#include "peer.h"
#include "process.h"
#include "recorder.h"

#define READ FCGI_EVENT_READ
#define WRITE FCGI_EVENT_WRITE
#define LIMIT 30

/* ---- what is watched ---------------------------------------------------- */

static void a_call_that_connects_waits_to_write(void **state)
{
    struct fixture *f = fixture_clogged(state, FAKE_TCP, NULL);
    fixture_begin(f);
    for (int i = 0; i < 3; i++) {
        assert_true(fcgi_call_fd(f->call) >= 0);
        assert_int_equal(fcgi_call_events(f->call), WRITE);
        assert_in_range(fcgi_call_timeout_ms(f->call), 1, 5000);
        assert_code(host_advance(f->call), FCGI_WAIT);
    }
}

static void a_call_that_awaits_its_answer_waits_to_read(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_true(fcgi_call_fd(f->call) >= 0);
    assert_int_equal(fcgi_call_events(f->call), READ);
    peer_answer(&f->peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_run(f->call), FCGI_OK);
}

/* The answer may come before all of the body was taken. */
static void a_body_that_is_not_taken_waits_for_both(void **state)
{
    struct pattern_upload upload = {.len = UINT64_C(1) << 40};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(pattern_source(&upload));
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_int_equal(fcgi_call_events(f->call), READ | WRITE);
}

/* An early answer, or the end, must be seen. */
static void a_source_that_waits_leaves_the_answer_to_wait_for(void **state)
{
    struct feeder feeder = {.data = "body", .len = 4, .waits = true};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(feeder_source(&feeder));
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_true(fcgi_call_fd(f->call) >= 0);
    assert_int_equal(fcgi_call_events(f->call), READ);
    assert_int_equal(fcgi_call_timeout_ms(f->call), -1);
}

/* The socket may be readable all the while: to watch it would spin. */
static void a_paused_call_waits_for_nothing(void **state)
{
    struct recorder r = {.limited = true};
    struct fixture *f = fixture_peer(state, NULL);
    f->request.sink = recorder_sink(&r);
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    peer_answer(&f->peer, 0, 1, "A: 1\r\n\r\nbody");
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_int_equal(fcgi_call_fd(f->call), -1);
    assert_int_equal(fcgi_call_events(f->call), 0);
    assert_int_equal(fcgi_call_timeout_ms(f->call), -1);
    r.budget = 4;
    assert_code(host_resume(f->call), FCGI_OK);
    recorder_free(&r);
}

static void a_paused_call_still_waits_to_send_its_body(void **state)
{
    struct wire begun = {0};
    struct recorder r = {.limited = true};
    struct pattern_upload upload = {.len = UINT64_C(1) << 40};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(pattern_source(&upload));
    f->request.sink = recorder_sink(&r);
    fixture_begin(f);
    wire_stdout(&begun, 1, "A: 1\r\n\r\nbegun");
    peer_say(&f->peer, 0, &begun);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_true(fcgi_call_fd(f->call) >= 0);
    assert_int_equal(fcgi_call_events(f->call), WRITE);
    wire_free(&begun);
    recorder_free(&r);
}

static void descriptor_0_is_like_any_other(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    fixture_close_input(state);
    fixture_begin(f);
    assert_int_equal(fcgi_call_fd(f->call), 0);
    assert_code(host_run(f->call), FCGI_OK);
}

/* ---- work that is left -------------------------------------------------- */

/* As edge-triggered loops need it: what a call waits for is not there yet. */
static void what_a_call_waits_for_is_not_there(void **state)
{
    struct wire part = {0};
    struct wire received = {0};
    struct pattern_upload upload = {.len = 3000000};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(pattern_source(&upload));
    fixture_begin(f);
    wire_stdout(&part, 1, "A: 1\r\n\r\npart of the answer");
    for (int i = 0; i < 100; i++) {
        peer_say(&f->peer, 0, &part);
        assert_code(host_settle(f->call), FCGI_WAIT);
        struct host_watch watch = host_watch(f->call);
        assert_false(host_ready(watch.fd, fcgi_call_events(f->call)));
        assert_true(peer_receive(&f->peer, 0, &received));
    }
    assert_true(received.len > 3000000);
    wire_free(&part);
    wire_free(&received);
}

/* A sink that has the next part sent each time it gets one. */
static int ask_for_more(void *context, const void *data, size_t *len)
{
    struct peer *peer = context;
    struct wire more = {0};
    (void)data;
    (void)len;
    wire_stdout(&more, 1, "and so on");
    peer_say(peer, 0, &more);
    wire_free(&more);
    return 0;
}

static void an_endless_answer_leaves_others_their_turn(void **state)
{
    struct wire begun = {0};
    struct fixture *f = fixture_peer(state, NULL);
    f->request.sink.body = ask_for_more;
    f->request.sink.context = &f->peer;
    fixture_begin(f);
    wire_stdout(&begun, 1, "A: 1\r\n\r\n");
    wire_stdout(&begun, 1, "and");
    peer_say(&f->peer, 0, &begun);
    for (int i = 0; i < 3; i++) {
        assert_code(host_advance(f->call), FCGI_WAIT);
        assert_int_equal(fcgi_call_timeout_ms(f->call), 0);
        assert_int_equal(fcgi_call_events(f->call), READ);
    }
    wire_free(&begun);
}

/* A source that has what was sent taken each time it is asked for more. */
static int make_room(void *context, void *buf, size_t cap, size_t *got)
{
    struct wire received = {0};
    (void)peer_receive(context, 0, &received);
    wire_free(&received);
    memset(buf, 'x', cap);
    *got = cap;
    return FCGI_OK;
}

static void an_endless_body_leaves_others_their_turn(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    struct fcgi_source source = {.read = make_room, .context = &f->peer};
    f->request = post_request(source);
    fixture_begin(f);
    for (int i = 0; i < 3; i++) {
        assert_code(host_advance(f->call), FCGI_WAIT);
        assert_int_equal(fcgi_call_timeout_ms(f->call), 0);
    }
}

/* ---- a full listen queue ------------------------------------------------ */

/* Nothing tells that there is room: it is tried again after a while. */
static void a_full_listen_queue_is_a_timer(void **state)
{
    struct fixture *f = fixture_clogged(state, FAKE_UNIX, NULL);
    fixture_begin(f);
    int64_t start = now_ms();
    for (int i = 0; i < 12; i++) {
        assert_int_equal(fcgi_call_fd(f->call), -1);
        assert_int_equal(fcgi_call_events(f->call), 0);
        assert_in_range(fcgi_call_timeout_ms(f->call), 0, 50);
        assert_code(host_wait(f->call), FCGI_WAIT);
    }
    /* Six of twelve pauses are 50 ms: it does not spin. */
    assert_true(elapsed(start, 200));
    fake_hear(f->app);
    assert_code(host_run(f->call), FCGI_OK);
    assert_int_equal(stats_of(f->client).dials, 1);
}

/* ---- waiting for a connection ------------------------------------------- */

/* Two calls, the second of which waits for the connection of the first. */
struct queued {
    struct fixture *f;
    struct fixture_call *second;
    struct host_watch watch;
};

static const struct fcgi_client_config one_open = {.pool = {.max_open = 1}};

static struct queued begin_queued(void **state,
                                  const struct fcgi_client_config *config)
{
    struct queued q = {.f = fixture_peer(state, config)};
    fixture_begin(q.f);
    assert_code(host_settle(q.f->call), FCGI_WAIT);
    q.second = fixture_other_call(state);
    assert_code(host_settle(q.second->call), FCGI_WAIT);
    assert_int_equal(stats_of(q.f->client).waiting, 1);
    q.watch = host_watch(q.second->call);
    assert_true(q.watch.fd >= 0);
    assert_int_equal(fcgi_call_events(q.second->call), READ);
    assert_false(host_ready(q.watch.fd, READ));
    return q;
}

/* The turn of the second has come, over the nth connection. What told it is the
 * client's, and stays open. */
static void run_queued(const struct queued *q, size_t nth, int id)
{
    struct fcgi_call *call = q->second->call;
    assert_true(host_ready(q->watch.fd, READ));
    assert_code(fcgi_call_advance(call), FCGI_WAIT);
    assert_true(host_watch_holds(&q->watch));
    assert_false(host_ready(q->watch.fd, READ));
    struct host_watch next = host_watch(call);
    assert_true(next.fd != q->watch.fd);
    assert_code(fcgi_call_advance(call), FCGI_WAIT);
    peer_answer(&q->f->peer, nth, id, "A: 1\r\n\r\nat last");
    assert_code(host_run(call), FCGI_OK);
    assert_string_equal(q->second->response.body.data, "at last");
    assert_true(host_watch_holds(&q->watch));
}

static void a_call_in_the_queue_is_woken_by_its_descriptor(void **state)
{
    struct queued q = begin_queued(state, &one_open);
    peer_answer(&q.f->peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_run(q.f->call), FCGI_OK);
    assert_false(host_ready(q.watch.fd, READ));
    fixture_free_call(q.f);
    run_queued(&q, 0, 2);
    assert_true(q.second->response.outcome.reused);
}

/* Its age is over by the time that it comes back, however long ago the call
 * that had it has ended. */
static void a_call_in_the_queue_gets_no_connection_that_is_too_old(void **state)
{
    static const struct fcgi_client_config one = {
        .pool = {.max_open = 1, .max_age_ms = LIMIT}};
    struct queued q = begin_queued(state, &one);
    peer_answer(&q.f->peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_run(q.f->call), FCGI_OK);
    pass_ms(LIMIT);
    fixture_free_call(q.f);
    run_queued(&q, 1, 1);
    assert_false(q.second->response.outcome.reused);
}

/* The connection is not kept, but its place is free. */
static void a_call_in_the_queue_is_woken_by_a_place(void **state)
{
    struct queued q = begin_queued(state, &one_open);
    fixture_free_call(q.f);
    run_queued(&q, 1, 1);
    assert_false(q.second->response.outcome.reused);
}

/* However many wait, they cost one descriptor, which is readable until each of
 * them whose turn has come was advanced. */
static void calls_in_the_queue_share_a_descriptor(void **state)
{
    struct fcgi_client_config two = {.pool = {.max_open = 2}};
    struct fixture *f = fixture_peer(state, &two);
    struct fcgi_connection *taken[2] = {take(f->pool), take(f->pool)};
    struct fixture_call *others[5];
    struct fcgi_call *calls[5];
    size_t before = 0;
    for (size_t i = 0; i < 5; i++) {
        others[i] = fixture_other_call(state);
        calls[i] = others[i]->call;
        assert_code(host_settle(calls[i]), FCGI_WAIT);
        assert_int_equal(fcgi_call_events(calls[i]), READ);
        assert_int_equal(fcgi_call_fd(calls[i]), fcgi_call_fd(calls[0]));
        if (i == 0) {
            before = open_descriptors();
        }
    }
    assert_int_equal(open_descriptors(), before);
    struct host_watch watch = host_watch(calls[0]);
    assert_false(host_ready(watch.fd, READ));
    fcgi_pool_put(f->pool, taken[0]);
    fcgi_pool_put(f->pool, taken[1]);
    for (size_t i = 0; i < 2; i++) {
        assert_true(host_ready(watch.fd, READ));
        assert_code(host_advance(calls[4]), FCGI_WAIT);
        assert_true(host_ready(watch.fd, READ));
        assert_code(host_advance(calls[1 - i]), FCGI_WAIT);
        assert_true(fcgi_call_fd(calls[1 - i]) != watch.fd);
    }
    assert_false(host_ready(watch.fd, READ));
    for (size_t i = 0; i < 5; i++) {
        fixture_free_other(others[i]);
        assert_true(host_watch_holds(&watch));
    }
    fixture_free_client(f);
    assert_false(host_watch_holds(&watch));
}

static void a_call_in_the_queue_is_woken_by_the_end(void **state)
{
    struct queued q = begin_queued(state, &one_open);
    fcgi_client_close(q.f->client);
    assert_true(host_ready(q.watch.fd, READ));
    assert_code(host_advance(q.second->call), FCGI_ERR_POOL_CLOSED);
    assert_true(host_watch_holds(&q.watch));
    fixture_end(state);
    assert_false(host_watch_holds(&q.watch));
}

static void a_wait_in_the_queue_that_is_over_keeps_its_descriptor(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_open = 1},
                                        .timeouts = {.queue_ms = LIMIT}};
    struct queued q = begin_queued(state, &config);
    assert_code(host_run(q.second->call), FCGI_ERR_QUEUE_TIMEOUT);
    assert_true(host_watch_holds(&q.watch));
    fixture_end(state);
    assert_false(host_watch_holds(&q.watch));
}

/* ---- a call that has ended ---------------------------------------------- */

/* It goes back to the pool only then, and nobody else may have it before. */
static void an_ended_call_keeps_its_connection_until_freed(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    struct host_watch watch = host_watch(f->call);
    peer_answer(&f->peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_run(f->call), FCGI_OK);
    assert_true(host_watch_holds(&watch));
    assert_int_equal(stats_of(f->client).open, 1);
    assert_int_equal(stats_of(f->client).idle, 0);
    fixture_free_call(f);
    assert_true(host_watch_holds(&watch));
    assert_int_equal(stats_of(f->client).idle, 1);
}

static void a_failed_call_keeps_its_descriptor_until_freed(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    struct host_watch watch = host_watch(f->call);
    peer_close(&f->peer, 0);
    assert_code(host_run(f->call), FCGI_ERR_CLOSED);
    assert_true(host_watch_holds(&watch));
    fixture_free_call(f);
    assert_false(host_watch_holds(&watch));
    assert_int_equal(stats_of(f->client).open, 0);
}

static void a_cancelled_call_keeps_its_descriptor_until_freed(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    struct host_watch watch = host_watch(f->call);
    host_cancel(f->call);
    assert_true(host_watch_holds(&watch));
    fixture_free_call(f);
    assert_false(host_watch_holds(&watch));
}

/* Drive a call that cannot connect to its end. */
static void assert_kept_until_freed(struct fixture *f, int want)
{
    f->request.timeouts.connect_ms = LIMIT;
    fixture_begin(f);
    struct host_watch watch = host_watch(f->call);
    assert_true(watch.fd >= 0);
    assert_code(host_run(f->call), want);
    assert_true(host_watch_holds(&watch));
    assert_int_equal(stats_of(f->client).open, 0);
    fixture_free_call(f);
    assert_false(host_watch_holds(&watch));
}

static void a_refused_call_keeps_its_descriptor_until_freed(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_TCP, NULL);
    fixture_stop_app(f);
    assert_kept_until_freed(f, FCGI_ERR_CONNECT);
    assert_kept_until_freed(fixture_clogged(state, FAKE_TCP, NULL),
                            FCGI_ERR_CONNECT_TIMEOUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_call_that_connects_waits_to_write),
        fixture_test(a_call_that_awaits_its_answer_waits_to_read),
        fixture_test(a_body_that_is_not_taken_waits_for_both),
        fixture_test(a_source_that_waits_leaves_the_answer_to_wait_for),
        fixture_test(a_paused_call_waits_for_nothing),
        fixture_test(a_paused_call_still_waits_to_send_its_body),
        fixture_test(descriptor_0_is_like_any_other),
        fixture_test(what_a_call_waits_for_is_not_there),
        fixture_test(an_endless_answer_leaves_others_their_turn),
        fixture_test(an_endless_body_leaves_others_their_turn),
        fixture_test(a_full_listen_queue_is_a_timer),
        fixture_test(a_call_in_the_queue_is_woken_by_its_descriptor),
        fixture_test(a_call_in_the_queue_gets_no_connection_that_is_too_old),
        fixture_test(a_call_in_the_queue_is_woken_by_a_place),
        fixture_test(calls_in_the_queue_share_a_descriptor),
        fixture_test(a_call_in_the_queue_is_woken_by_the_end),
        fixture_test(a_wait_in_the_queue_that_is_over_keeps_its_descriptor),
        fixture_test(an_ended_call_keeps_its_connection_until_freed),
        fixture_test(a_failed_call_keeps_its_descriptor_until_freed),
        fixture_test(a_cancelled_call_keeps_its_descriptor_until_freed),
        fixture_test(a_refused_call_keeps_its_descriptor_until_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
