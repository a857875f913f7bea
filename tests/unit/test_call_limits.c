/*
 * Time limits of a pollable call: how long it tells its host to wait, that it
 * ends then and not before, with which code; and that it never waits itself,
 * wherever the other side stops.
 */
#define _POSIX_C_SOURCE 200809L

#include "fixture.h"
#include "host.h"
#include "pattern.h"
#include "peer.h"
#include "process.h"

#define LIMIT 100

/* Where many small waits must not come near it. */
#define LONG 300

static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};

/* ---- each limit --------------------------------------------------------- */

/* Nothing but the limit ends this call: it tells how long that is, and one wait
 * for so long is enough. */
static void assert_ends(struct fcgi_call *call, int64_t start, int want)
{
    assert_code(host_settle(call), FCGI_WAIT);
    assert_in_range(fcgi_call_timeout_ms(call), 1, LIMIT);
    assert_code(host_wait(call), want);
    assert_true(elapsed(start, LIMIT));
}

/* The same for a call to the peer; frees it. */
static void assert_peer_call_ends(struct fixture *f, int64_t start, int want,
                                  enum fcgi_phase phase)
{
    assert_ends(f->call, start, want);
    assert_int_equal(f->response.outcome.phase, phase);
    assert_false(f->response.outcome.retried);
    assert_int_equal(stats_of(f->client).timeouts, 1);
    fixture_free_call(f);
    assert_int_equal(stats_of(f->client).open, 0);
}

static void a_body_nobody_takes_ends_at_the_write_limit(void **state)
{
    struct pattern_upload upload = {.len = UINT64_C(1) << 40};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(pattern_source(&upload));
    f->request.timeouts.write_ms = LIMIT;
    int64_t start = now_ms();
    fixture_begin(f);
    assert_peer_call_ends(f, start, FCGI_ERR_WRITE_TIMEOUT, FCGI_PHASE_SEND);
}

static void silence_ends_at_the_first_byte_limit(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    f->request.timeouts.first_byte_ms = LIMIT;
    int64_t start = now_ms();
    fixture_begin(f);
    assert_peer_call_ends(f, start, FCGI_ERR_FIRST_BYTE_TIMEOUT,
                          FCGI_PHASE_WAIT);
}

static void an_answer_that_stops_ends_at_the_idle_limit(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    f->request.timeouts.idle_ms = LIMIT;
    int64_t start = now_ms();
    fixture_begin(f);
    peer_stdout(&f->peer, 0, 1, "A: 1\r\n\r\nbegun");
    assert_peer_call_ends(f, start, FCGI_ERR_IDLE_TIMEOUT, FCGI_PHASE_RECEIVE);
}

static void a_peer_that_accepts_nobody_ends_at_the_connect_limit(void **state)
{
    struct fixture *f = fixture_clogged(state, FAKE_TCP, NULL);
    f->request.timeouts.connect_ms = LIMIT;
    int64_t start = now_ms();
    fixture_begin(f);
    assert_ends(f->call, start, FCGI_ERR_CONNECT_TIMEOUT);
    assert_int_equal(f->response.outcome.phase, FCGI_PHASE_CONNECT);
    assert_int_equal(stats_of(f->client).timeouts, 1);
}

static void a_listen_queue_that_stays_full_has_a_limit_too(void **state)
{
    struct fixture *f = fixture_clogged(state, FAKE_UNIX, NULL);
    f->request.timeouts.connect_ms = LIMIT;
    int64_t start = now_ms();
    host_expecting(f->client, &f->request, FCGI_ERR_BACKLOG_FULL);
    assert_true(elapsed(start, LIMIT));
    f->request.timeouts.connect_ms = -1;
    f->request.timeouts.total_ms = LIMIT;
    start = now_ms();
    host_expecting(f->client, &f->request, FCGI_ERR_DEADLINE);
    assert_true(elapsed(start, LIMIT));
    assert_int_equal(stats_of(f->client).timeouts, 2);
}

/* A call that waits for the only connection, which somebody else has. */
static void assert_ends_in_queue(void **state,
                                 const struct fcgi_timeouts *limits, int want)
{
    struct fcgi_client_config config = {.pool = {.max_open = 1}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    struct fcgi_connection *connection = take(f->pool);
    f->request.timeouts = *limits;
    int64_t start = now_ms();
    fixture_begin(f);
    assert_ends(f->call, start, want);
    assert_int_equal(f->response.outcome.phase, FCGI_PHASE_QUEUE);
    assert_int_equal(stats_of(f->client).waiting, 0);
    assert_int_equal(stats_of(f->client).timeouts, 1);
    fixture_free_call(f);
    fcgi_pool_put(f->pool, connection);
    ask_hello(f->client);
}

static void the_wait_for_a_connection_ends_at_the_queue_limit(void **state)
{
    struct fcgi_timeouts limits = {.queue_ms = LIMIT};
    assert_ends_in_queue(state, &limits, FCGI_ERR_QUEUE_TIMEOUT);
}

/* ---- the limit of the whole --------------------------------------------- */

static void the_whole_limit_includes_the_queue(void **state)
{
    struct fcgi_timeouts limits = {.total_ms = LIMIT};
    assert_ends_in_queue(state, &limits, FCGI_ERR_DEADLINE);
}

static void the_whole_limit_includes_connecting(void **state)
{
    struct fixture *f = fixture_clogged(state, FAKE_TCP, NULL);
    f->request.timeouts.total_ms = LIMIT;
    int64_t start = now_ms();
    fixture_begin(f);
    assert_ends(f->call, start, FCGI_ERR_DEADLINE);
}

static void the_whole_limit_includes_sending(void **state)
{
    struct pattern_upload upload = {.len = UINT64_C(1) << 40};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(pattern_source(&upload));
    f->request.timeouts.total_ms = LIMIT;
    int64_t start = now_ms();
    fixture_begin(f);
    assert_peer_call_ends(f, start, FCGI_ERR_DEADLINE, FCGI_PHASE_SEND);
}

static void the_whole_limit_includes_the_silence(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    f->request.timeouts.total_ms = LIMIT;
    int64_t start = now_ms();
    fixture_begin(f);
    assert_peer_call_ends(f, start, FCGI_ERR_DEADLINE, FCGI_PHASE_WAIT);
}

static int ignore(void *context, const void *data, size_t len)
{
    (void)context;
    (void)data;
    (void)len;
    return 0;
}

/* However much comes. */
static void the_whole_limit_includes_the_answer(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              FAKE_FLOOD};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    f->request.sink.stderr_data = ignore;
    f->request.timeouts.total_ms = LIMIT;
    int64_t start = now_ms();
    host_expecting(f->client, &f->request, FCGI_ERR_DEADLINE);
    assert_true(elapsed(start, LIMIT));
}

/* ---- which limit -------------------------------------------------------- */

static void the_limit_that_ends_first_is_told(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    f->request.timeouts.total_ms = 10000;
    f->request.timeouts.first_byte_ms = LIMIT;
    int64_t start = now_ms();
    fixture_begin(f);
    assert_peer_call_ends(f, start, FCGI_ERR_FIRST_BYTE_TIMEOUT,
                          FCGI_PHASE_WAIT);
    fixture_peer(state, NULL);
    f->request.timeouts.total_ms = LIMIT;
    f->request.timeouts.first_byte_ms = 10000;
    start = now_ms();
    fixture_begin(f);
    assert_peer_call_ends(f, start, FCGI_ERR_DEADLINE, FCGI_PHASE_WAIT);
}

static void a_requests_limit_goes_before_the_clients(void **state)
{
    static const int clients[] = {5, 30000, -1};
    for (size_t i = 0; i < 3; i++) {
        struct fcgi_client_config config = {
            .timeouts = {.first_byte_ms = clients[i]}};
        struct fixture *f = fixture_peer(state, &config);
        f->request.timeouts.first_byte_ms = LIMIT;
        int64_t start = now_ms();
        fixture_begin(f);
        assert_peer_call_ends(f, start, FCGI_ERR_FIRST_BYTE_TIMEOUT,
                              FCGI_PHASE_WAIT);
    }
}

static void the_clients_limit_holds_where_the_request_has_none(void **state)
{
    struct fcgi_client_config config = {.timeouts = {.first_byte_ms = LIMIT}};
    struct fixture *f = fixture_peer(state, &config);
    int64_t start = now_ms();
    fixture_begin(f);
    assert_peer_call_ends(f, start, FCGI_ERR_FIRST_BYTE_TIMEOUT,
                          FCGI_PHASE_WAIT);
}

/* The documented ones, of each stage. */
static void the_defaults_are_told_too(void **state)
{
    struct pattern_upload upload = {.len = UINT64_C(1) << 40};
    struct fixture *f = fixture_peer(state, NULL);
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_in_range(fcgi_call_timeout_ms(f->call), 50000, 60000);
    peer_stdout(&f->peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_in_range(fcgi_call_timeout_ms(f->call), 50000, 60000);
    fixture_peer(state, NULL);
    f->request = post_request(pattern_source(&upload));
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_in_range(fcgi_call_timeout_ms(f->call), 20000, 30000);
}

static void without_any_limit_the_time_is_never(void **state)
{
    static const struct fcgi_timeouts none = {-1, -1, -1, -1, -1, -1};
    struct pattern_upload upload = {.len = UINT64_C(1) << 40};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(pattern_source(&upload));
    f->request.timeouts = none;
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_int_equal(fcgi_call_timeout_ms(f->call), -1);
    fixture_peer(state, NULL);
    f->request = get_request();
    f->request.timeouts = none;
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_int_equal(fcgi_call_timeout_ms(f->call), -1);
    peer_stdout(&f->peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_int_equal(fcgi_call_timeout_ms(f->call), -1);
}

/* ---- what renews a limit, and what does not ----------------------------- */

static void each_byte_of_content_renews_the_idle_limit(void **state)
{
    struct wire answer = {0};
    struct fixture *f = fixture_peer(state, NULL);
    f->request.timeouts.idle_ms = LONG;
    wire_stdout(&answer, 1, "A: 1\r\n\r\nbody");
    fixture_begin(f);
    assert_int_equal(peer_send(&f->peer, 0, answer.data, 8), 8);
    int64_t start = now_ms();
    for (size_t i = 8; i < 18; i++) {
        assert_int_equal(peer_send(&f->peer, 0, answer.data + i, 1), 1);
        assert_code(host_settle(f->call), FCGI_WAIT);
        assert_in_range(fcgi_call_timeout_ms(f->call), 1, LONG);
        pass_ms(LONG / 6);
    }
    assert_true(now_ms() - start > LONG);
    assert_code(host_wait(f->call), FCGI_ERR_IDLE_TIMEOUT);
    wire_free(&answer);
}

static void each_byte_taken_renews_the_write_limit(void **state)
{
    struct wire received = {0};
    struct pattern_upload upload = {.len = UINT64_C(1) << 40};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(pattern_source(&upload));
    f->request.timeouts.write_ms = LONG;
    fixture_begin(f);
    int64_t start = now_ms();
    for (int i = 0; i < 10; i++) {
        assert_code(host_settle(f->call), FCGI_WAIT);
        assert_in_range(fcgi_call_timeout_ms(f->call), 1, LONG);
        pass_ms(LONG / 6);
        assert_true(peer_receive(&f->peer, 0, &received));
        wire_clear(&received);
    }
    assert_true(now_ms() - start > LONG);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_code(host_wait(f->call), FCGI_ERR_WRITE_TIMEOUT);
    wire_free(&received);
}

/* Advancing alone, as other events make a host do. */
static void advancing_renews_no_limit(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    f->request.timeouts.first_byte_ms = LIMIT;
    int64_t start = now_ms();
    fixture_begin(f);
    int rc = host_advance(f->call);
    while (rc == FCGI_WAIT) {
        rc = now_ms() % 2 == 0 ? host_advance(f->call) : host_resume(f->call);
    }
    assert_code(rc, FCGI_ERR_FIRST_BYTE_TIMEOUT);
    assert_true(elapsed(start, LIMIT));
}

/* ---- a host that comes late --------------------------------------------- */

/* The limit is over when the host comes back, but what was waited for has
 * happened: that is not the application's fault. */
static void an_answer_that_came_in_time_is_not_refused(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    f->request.timeouts.first_byte_ms = LIMIT;
    f->request.timeouts.idle_ms = LIMIT;
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    peer_stdout(&f->peer, 0, 1, "A: 1\r\n\r\n");
    pass_ms(2 * LIMIT);
    assert_code(host_settle(f->call), FCGI_WAIT);
    peer_end(&f->peer, 0, 1);
    pass_ms(2 * LIMIT);
    assert_code(host_settle(f->call), FCGI_OK);
}

static void a_body_that_can_go_on_is_not_given_up(void **state)
{
    struct wire received = {0};
    struct pattern_upload upload = {.len = UINT64_C(1) << 40};
    struct fixture *f = fixture_peer(state, NULL);
    f->request = post_request(pattern_source(&upload));
    f->request.timeouts.write_ms = LIMIT;
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_true(peer_receive(&f->peer, 0, &received));
    pass_ms(2 * LIMIT);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_in_range(fcgi_call_timeout_ms(f->call), 1, LIMIT);
    wire_free(&received);
}

static void a_connection_that_was_made_in_time_is_used(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_TCP, NULL);
    f->request.timeouts.connect_ms = LIMIT;
    fixture_begin(f);
    fake_await(f->app, FAKE_ACCEPTED, 1);
    pass_ms(2 * LIMIT);
    assert_code(host_run(f->call), FCGI_OK);
}

static void a_turn_that_came_in_time_is_used(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_open = 1}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    struct fcgi_connection *connection = take(f->pool);
    f->request.timeouts.queue_ms = LIMIT;
    fixture_begin(f);
    fcgi_pool_put(f->pool, connection);
    pass_ms(2 * LIMIT);
    assert_code(host_run(f->call), FCGI_OK);
    assert_int_equal(stats_of(f->client).timeouts, 0);
}

/* The whole is over before anything was sent: nobody waits for an answer any
 * more, and the application is to run nothing in vain. */
static void assert_was_not_sent(const struct fcgi_response *response)
{
    assert_code(response->outcome.error, FCGI_ERR_DEADLINE);
    assert_int_equal(response->outcome.bytes_sent, 0);
    assert_false(response->outcome.may_have_run);
    assert_true(response->outcome.safe_to_repeat);
}

static void what_begins_after_the_whole_limit_is_not_sent(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    f->request = put_text("late");
    ask_hello(f->client);
    f->request.timeouts.total_ms = LIMIT;
    fixture_begin(f);
    pass_ms(2 * LIMIT);
    assert_code(host_run(f->call), FCGI_ERR_DEADLINE);
    assert_was_not_sent(&f->response);
    fixture_free_call(f);
    assert_int_equal(fake_count(f->app, FAKE_BEGUN), 1);
}

static void a_turn_after_the_whole_limit_is_of_no_use(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_open = 1}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    struct fcgi_connection *connection = take(f->pool);
    f->request = put_text("late");
    f->request.timeouts.total_ms = LIMIT;
    fixture_begin(f);
    fcgi_pool_put(f->pool, connection);
    pass_ms(2 * LIMIT);
    assert_code(host_run(f->call), FCGI_ERR_DEADLINE);
    assert_was_not_sent(&f->response);
    fixture_free_call(f);
    ask_hello(f->client);
    assert_int_equal(fake_count(f->app, FAKE_BEGUN), 1);
}

/* ---- no function waits -------------------------------------------------- */

/* All that a host may do with a call whose peer has stopped; the watchdog sees
 * to it that none of it sleeps. */
static void poke(struct fcgi_call *call, bool cancels)
{
    for (int i = 0; i < 2; i++) {
        assert_code(host_settle(call), FCGI_WAIT);
        assert_code(host_resume(call), FCGI_WAIT);
    }
    if (cancels) {
        host_cancel(call);
        assert_code(host_advance(call), FCGI_ERR_CANCELLED);
    }
}

/* Head, body, error output and end, in records of all sorts. */
static void write_answer(struct wire *w)
{
    wire_stderr(w, 1, "oh");
    wire_record(w, WIRE_STDOUT, 1, "Status: 200\r\nA: 1\r\n", 19, 3);
    wire_stdout(w, 1, "\r\nbo");
    wire_stdout(w, 1, "dy");
    wire_stderr(w, 1, "");
    wire_stdout(w, 1, "");
    wire_record(w, WIRE_END, 1, "\0\0\0\0\0\0\0", 8, 5);
}

static void a_peer_that_stops_amid_its_answer_blocks_nobody(void **state)
{
    struct wire answer = {0};
    write_answer(&answer);
    for (size_t i = 0; i < answer.len; i++) {
        struct fixture *f = fixture_peer(state, NULL);
        fixture_begin(f);
        if (i % 2 == 0) {
            assert_code(host_settle(f->call), FCGI_WAIT);
        }
        assert_int_equal(peer_send(&f->peer, 0, answer.data, i), i);
        poke(f->call, i % 3 == 0);
    }
    wire_free(&answer);
}

/* The whole answer goes through, so that the cuts are all of it. */
static void a_peer_that_does_not_stop_is_heard_out(void **state)
{
    struct wire answer = {0};
    write_answer(&answer);
    struct fixture *f = fixture_peer(state, NULL);
    fixture_begin(f);
    peer_say(&f->peer, 0, &answer);
    assert_code(host_settle(f->call), FCGI_OK);
    assert_string_equal(f->response.body.data, "body");
    wire_free(&answer);
}

static void a_peer_that_stops_reading_blocks_nobody(void **state)
{
    static const size_t reads[] = {0,   1,    7,     8,      9,      15,
                                   100, 1000, 65000, 200000, 1000000};
    for (size_t i = 0; i < 2 * sizeof(reads) / sizeof(reads[0]); i++) {
        struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ(0), FAKE_PAUSE};
        script[1].len = reads[i / 2];
        struct fixture *f = fixture_run(state, families[i % 2], script, NULL);
        struct pattern_upload upload = {.len = UINT64_C(1) << 40};
        f->request = post_request(pattern_source(&upload));
        fixture_begin(f);
        host_run_until(f->call, f->app, FAKE_PAUSED, 1);
        poke(f->call, i % 3 == 0);
    }
}

static void a_peer_that_accepts_nobody_blocks_nobody(void **state)
{
    for (size_t i = 0; i < 4; i++) {
        struct fixture *f = fixture_clogged(state, families[i % 2], NULL);
        fixture_begin(f);
        poke(f->call, i < 2);
    }
}

/* Nor do those behind it in the queue. */
static void a_queue_that_does_not_move_blocks_nobody(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_open = 1}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    struct fcgi_connection *connection = take(f->pool);
    struct fixture_call *calls[4];
    for (size_t i = 0; i < 4; i++) {
        calls[i] = fixture_other_call(state);
    }
    for (size_t i = 0; i < 4; i++) {
        poke(calls[i]->call, i % 2 == 0);
        fixture_free_other(calls[i]);
    }
    fcgi_pool_put(f->pool, connection);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_body_nobody_takes_ends_at_the_write_limit),
        fixture_test(silence_ends_at_the_first_byte_limit),
        fixture_test(an_answer_that_stops_ends_at_the_idle_limit),
        fixture_test(a_peer_that_accepts_nobody_ends_at_the_connect_limit),
        fixture_test(a_listen_queue_that_stays_full_has_a_limit_too),
        fixture_test(the_wait_for_a_connection_ends_at_the_queue_limit),
        fixture_test(the_whole_limit_includes_the_queue),
        fixture_test(the_whole_limit_includes_connecting),
        fixture_test(the_whole_limit_includes_sending),
        fixture_test(the_whole_limit_includes_the_silence),
        fixture_test(the_whole_limit_includes_the_answer),
        fixture_test(the_limit_that_ends_first_is_told),
        fixture_test(a_requests_limit_goes_before_the_clients),
        fixture_test(the_clients_limit_holds_where_the_request_has_none),
        fixture_test(the_defaults_are_told_too),
        fixture_test(without_any_limit_the_time_is_never),
        fixture_test(each_byte_of_content_renews_the_idle_limit),
        fixture_test(each_byte_taken_renews_the_write_limit),
        fixture_test(advancing_renews_no_limit),
        fixture_test(an_answer_that_came_in_time_is_not_refused),
        fixture_test(a_body_that_can_go_on_is_not_given_up),
        fixture_test(a_connection_that_was_made_in_time_is_used),
        fixture_test(a_turn_that_came_in_time_is_used),
        fixture_test(what_begins_after_the_whole_limit_is_not_sent),
        fixture_test(a_turn_after_the_whole_limit_is_of_no_use),
        fixture_test(a_peer_that_stops_amid_its_answer_blocks_nobody),
        fixture_test(a_peer_that_does_not_stop_is_heard_out),
        fixture_test(a_peer_that_stops_reading_blocks_nobody),
        fixture_test(a_peer_that_accepts_nobody_blocks_nobody),
        fixture_test(a_queue_that_does_not_move_blocks_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
