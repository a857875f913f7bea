/*
 * Time limits of a pollable call: how long it tells its host to wait, that it
 * ends then and not before, with which code; and that it never waits itself,
 * wherever the other side stops.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <fcgi_client.h>

#include "ask.h"
#include "fake.h"
#include "feeder.h"
#include "host.h"
#include "pattern.h"
#include "peer.h"
#include "process.h"
#include "recorder.h"

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

/* The same for a call to the peer; ends it. */
static void assert_hand_call_ends(struct peer_call *c, int64_t start, int want,
                                  enum fcgi_phase phase)
{
    assert_ends(c->call, start, want);
    assert_int_equal(c->response.outcome.phase, phase);
    assert_false(c->response.outcome.retried);
    assert_int_equal(stats_of(c->client).timeouts, 1);
    host_free(c->call);
    c->call = NULL;
    assert_int_equal(stats_of(c->client).open, 0);
    peer_call_end(c);
}

static void a_body_nobody_takes_ends_at_the_write_limit(void **state)
{
    (void)state;
    struct peer_call c;
    struct pattern_upload upload = {.len = UINT64_C(1) << 40};
    struct fcgi_request request = post_request(pattern_source(&upload));
    request.timeouts.write_ms = LIMIT;
    int64_t start = now_ms();
    peer_call_begin(&c, NULL, &request);
    assert_hand_call_ends(&c, start, FCGI_ERR_WRITE_TIMEOUT, FCGI_PHASE_SEND);
}

static void silence_ends_at_the_first_byte_limit(void **state)
{
    (void)state;
    struct peer_call c;
    struct fcgi_request request = get_request();
    request.timeouts.first_byte_ms = LIMIT;
    int64_t start = now_ms();
    peer_call_begin(&c, NULL, &request);
    assert_hand_call_ends(&c, start, FCGI_ERR_FIRST_BYTE_TIMEOUT,
                          FCGI_PHASE_WAIT);
}

static void an_answer_that_stops_ends_at_the_idle_limit(void **state)
{
    (void)state;
    struct peer_call c;
    struct fcgi_request request = get_request();
    request.timeouts.idle_ms = LIMIT;
    int64_t start = now_ms();
    peer_call_begin(&c, NULL, &request);
    peer_stdout(&c.peer, 0, 1, "A: 1\r\n\r\nbegun");
    assert_hand_call_ends(&c, start, FCGI_ERR_IDLE_TIMEOUT, FCGI_PHASE_RECEIVE);
}

static void a_peer_that_accepts_nobody_ends_at_the_connect_limit(void **state)
{
    (void)state;
    struct fake *app = fake_clogged(FAKE_TCP);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    request.timeouts.connect_ms = LIMIT;
    int64_t start = now_ms();
    struct fcgi_call *call = host_begin(client, &request, &response);
    assert_ends(call, start, FCGI_ERR_CONNECT_TIMEOUT);
    assert_int_equal(response.outcome.phase, FCGI_PHASE_CONNECT);
    assert_int_equal(stats_of(client).timeouts, 1);
    host_free(call);
    fcgi_response_free(&response);
    fcgi_client_free(client);
    fake_stop(app);
}

static void a_listen_queue_that_stays_full_has_a_limit_too(void **state)
{
    (void)state;
    struct fake *app = fake_clogged(FAKE_UNIX);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = get_request();
    request.timeouts.connect_ms = LIMIT;
    int64_t start = now_ms();
    host_expecting(client, &request, FCGI_ERR_BACKLOG_FULL);
    assert_true(elapsed(start, LIMIT));
    request.timeouts.connect_ms = -1;
    request.timeouts.total_ms = LIMIT;
    start = now_ms();
    host_expecting(client, &request, FCGI_ERR_DEADLINE);
    assert_true(elapsed(start, LIMIT));
    assert_int_equal(stats_of(client).timeouts, 2);
    fcgi_client_free(client);
    fake_stop(app);
}

/* A call that waits for the only connection, which somebody else has. */
static void assert_ends_in_queue(const struct fcgi_timeouts *limits, int want)
{
    struct fcgi_pool_config config = {.max_open = 1};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_with_pool(app, &config);
    struct fcgi_connection *connection = take(fcgi_client_pool(client));
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    request.timeouts = *limits;
    int64_t start = now_ms();
    struct fcgi_call *call = host_begin(client, &request, &response);
    assert_ends(call, start, want);
    assert_int_equal(response.outcome.phase, FCGI_PHASE_QUEUE);
    assert_int_equal(stats_of(client).waiting, 0);
    assert_int_equal(stats_of(client).timeouts, 1);
    host_free(call);
    fcgi_pool_put(fcgi_client_pool(client), connection);
    ask_hello(client);
    fcgi_response_free(&response);
    fcgi_client_free(client);
    fake_stop(app);
}

static void the_wait_for_a_connection_ends_at_the_queue_limit(void **state)
{
    (void)state;
    struct fcgi_timeouts limits = {.queue_ms = LIMIT};
    assert_ends_in_queue(&limits, FCGI_ERR_QUEUE_TIMEOUT);
}

/* ---- the limit of the whole --------------------------------------------- */

static void the_whole_limit_includes_the_queue(void **state)
{
    (void)state;
    struct fcgi_timeouts limits = {.total_ms = LIMIT};
    assert_ends_in_queue(&limits, FCGI_ERR_DEADLINE);
}

static void the_whole_limit_includes_connecting(void **state)
{
    (void)state;
    struct fake *app = fake_clogged(FAKE_TCP);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    request.timeouts.total_ms = LIMIT;
    int64_t start = now_ms();
    struct fcgi_call *call = host_begin(client, &request, &response);
    assert_ends(call, start, FCGI_ERR_DEADLINE);
    host_free(call);
    fcgi_response_free(&response);
    fcgi_client_free(client);
    fake_stop(app);
}

static void the_whole_limit_includes_sending(void **state)
{
    (void)state;
    struct peer_call c;
    struct pattern_upload upload = {.len = UINT64_C(1) << 40};
    struct fcgi_request request = post_request(pattern_source(&upload));
    request.timeouts.total_ms = LIMIT;
    int64_t start = now_ms();
    peer_call_begin(&c, NULL, &request);
    assert_hand_call_ends(&c, start, FCGI_ERR_DEADLINE, FCGI_PHASE_SEND);
}

static void the_whole_limit_includes_the_silence(void **state)
{
    (void)state;
    struct peer_call c;
    struct fcgi_request request = get_request();
    request.timeouts.total_ms = LIMIT;
    int64_t start = now_ms();
    peer_call_begin(&c, NULL, &request);
    assert_hand_call_ends(&c, start, FCGI_ERR_DEADLINE, FCGI_PHASE_WAIT);
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
    (void)state;
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              FAKE_FLOOD};
    struct fake *app = FAKE_RUN(FAKE_UNIX, script);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = get_request();
    request.sink.stderr_data = ignore;
    request.timeouts.total_ms = LIMIT;
    int64_t start = now_ms();
    host_expecting(client, &request, FCGI_ERR_DEADLINE);
    assert_true(elapsed(start, LIMIT));
    fcgi_client_free(client);
    fake_stop(app);
}

/* ---- which limit -------------------------------------------------------- */

static void the_limit_that_ends_first_is_told(void **state)
{
    (void)state;
    struct peer_call c;
    struct fcgi_request request = get_request();
    request.timeouts.total_ms = 10000;
    request.timeouts.first_byte_ms = LIMIT;
    int64_t start = now_ms();
    peer_call_begin(&c, NULL, &request);
    assert_hand_call_ends(&c, start, FCGI_ERR_FIRST_BYTE_TIMEOUT,
                          FCGI_PHASE_WAIT);
    request.timeouts.total_ms = LIMIT;
    request.timeouts.first_byte_ms = 10000;
    start = now_ms();
    peer_call_begin(&c, NULL, &request);
    assert_hand_call_ends(&c, start, FCGI_ERR_DEADLINE, FCGI_PHASE_WAIT);
}

static void a_requests_limit_goes_before_the_clients(void **state)
{
    (void)state;
    static const int clients[] = {5, 30000, -1};
    for (size_t i = 0; i < 3; i++) {
        struct peer_call c;
        struct fcgi_client_config config = {
            .timeouts = {.first_byte_ms = clients[i]}};
        struct fcgi_request request = get_request();
        request.timeouts.first_byte_ms = LIMIT;
        int64_t start = now_ms();
        peer_call_begin(&c, &config, &request);
        assert_hand_call_ends(&c, start, FCGI_ERR_FIRST_BYTE_TIMEOUT,
                              FCGI_PHASE_WAIT);
    }
}

static void the_clients_limit_holds_where_the_request_has_none(void **state)
{
    (void)state;
    struct peer_call c;
    struct fcgi_client_config config = {.timeouts = {.first_byte_ms = LIMIT}};
    struct fcgi_request request = get_request();
    int64_t start = now_ms();
    peer_call_begin(&c, &config, &request);
    assert_hand_call_ends(&c, start, FCGI_ERR_FIRST_BYTE_TIMEOUT,
                          FCGI_PHASE_WAIT);
}

/* The documented ones, of each stage. */
static void the_defaults_are_told_too(void **state)
{
    (void)state;
    struct peer_call c;
    struct pattern_upload upload = {.len = UINT64_C(1) << 40};
    struct fcgi_request request = get_request();
    peer_call_begin(&c, NULL, &request);
    assert_code(host_settle(c.call), FCGI_WAIT);
    assert_in_range(fcgi_call_timeout_ms(c.call), 50000, 60000);
    peer_stdout(&c.peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_settle(c.call), FCGI_WAIT);
    assert_in_range(fcgi_call_timeout_ms(c.call), 50000, 60000);
    peer_call_end(&c);
    request = post_request(pattern_source(&upload));
    peer_call_begin(&c, NULL, &request);
    assert_code(host_settle(c.call), FCGI_WAIT);
    assert_in_range(fcgi_call_timeout_ms(c.call), 20000, 30000);
    peer_call_end(&c);
}

static void without_any_limit_the_time_is_never(void **state)
{
    (void)state;
    static const struct fcgi_timeouts none = {-1, -1, -1, -1, -1, -1};
    struct peer_call c;
    struct pattern_upload upload = {.len = UINT64_C(1) << 40};
    struct fcgi_request request = post_request(pattern_source(&upload));
    request.timeouts = none;
    peer_call_begin(&c, NULL, &request);
    assert_code(host_settle(c.call), FCGI_WAIT);
    assert_int_equal(fcgi_call_timeout_ms(c.call), -1);
    peer_call_end(&c);
    request = get_request();
    request.timeouts = none;
    peer_call_begin(&c, NULL, &request);
    assert_code(host_settle(c.call), FCGI_WAIT);
    assert_int_equal(fcgi_call_timeout_ms(c.call), -1);
    peer_stdout(&c.peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_settle(c.call), FCGI_WAIT);
    assert_int_equal(fcgi_call_timeout_ms(c.call), -1);
    peer_call_end(&c);
}

/* ---- what renews a limit, and what does not ----------------------------- */

static void each_byte_of_content_renews_the_idle_limit(void **state)
{
    (void)state;
    struct peer_call c;
    struct wire answer = {0};
    struct fcgi_request request = get_request();
    request.timeouts.idle_ms = LONG;
    wire_stdout(&answer, 1, "A: 1\r\n\r\nbody");
    peer_call_begin(&c, NULL, &request);
    assert_int_equal(peer_send(&c.peer, 0, answer.data, 8), 8);
    int64_t start = now_ms();
    for (size_t i = 8; i < 18; i++) {
        assert_int_equal(peer_send(&c.peer, 0, answer.data + i, 1), 1);
        assert_code(host_settle(c.call), FCGI_WAIT);
        assert_in_range(fcgi_call_timeout_ms(c.call), 1, LONG);
        pass_ms(LONG / 6);
    }
    assert_true(now_ms() - start > LONG);
    assert_code(host_wait(c.call), FCGI_ERR_IDLE_TIMEOUT);
    wire_free(&answer);
    peer_call_end(&c);
}

static void each_byte_taken_renews_the_write_limit(void **state)
{
    (void)state;
    struct peer_call c;
    struct wire received = {0};
    struct pattern_upload upload = {.len = UINT64_C(1) << 40};
    struct fcgi_request request = post_request(pattern_source(&upload));
    request.timeouts.write_ms = LONG;
    peer_call_begin(&c, NULL, &request);
    int64_t start = now_ms();
    for (int i = 0; i < 10; i++) {
        assert_code(host_settle(c.call), FCGI_WAIT);
        assert_in_range(fcgi_call_timeout_ms(c.call), 1, LONG);
        pass_ms(LONG / 6);
        assert_true(peer_receive(&c.peer, 0, &received));
        wire_clear(&received);
    }
    assert_true(now_ms() - start > LONG);
    assert_code(host_settle(c.call), FCGI_WAIT);
    assert_code(host_wait(c.call), FCGI_ERR_WRITE_TIMEOUT);
    wire_free(&received);
    peer_call_end(&c);
}

/* Advancing alone, as other events make a host do. */
static void advancing_renews_no_limit(void **state)
{
    (void)state;
    struct peer_call c;
    struct fcgi_request request = get_request();
    request.timeouts.first_byte_ms = LIMIT;
    int64_t start = now_ms();
    peer_call_begin(&c, NULL, &request);
    int rc = host_advance(c.call);
    while (rc == FCGI_WAIT) {
        rc = now_ms() % 2 == 0 ? host_advance(c.call) : host_resume(c.call);
    }
    assert_code(rc, FCGI_ERR_FIRST_BYTE_TIMEOUT);
    assert_true(elapsed(start, LIMIT));
    peer_call_end(&c);
}

/* ---- a host that comes late --------------------------------------------- */

/* The limit is over when the host comes back, but what was waited for has
 * happened: that is not the application's fault. */
static void an_answer_that_came_in_time_is_not_refused(void **state)
{
    (void)state;
    struct peer_call c;
    struct fcgi_request request = get_request();
    request.timeouts.first_byte_ms = LIMIT;
    request.timeouts.idle_ms = LIMIT;
    peer_call_begin(&c, NULL, &request);
    assert_code(host_settle(c.call), FCGI_WAIT);
    peer_stdout(&c.peer, 0, 1, "A: 1\r\n\r\n");
    pass_ms(2 * LIMIT);
    assert_code(host_settle(c.call), FCGI_WAIT);
    peer_end(&c.peer, 0, 1);
    pass_ms(2 * LIMIT);
    assert_code(host_settle(c.call), FCGI_OK);
    peer_call_end(&c);
}

static void a_body_that_can_go_on_is_not_given_up(void **state)
{
    (void)state;
    struct peer_call c;
    struct wire received = {0};
    struct pattern_upload upload = {.len = UINT64_C(1) << 40};
    struct fcgi_request request = post_request(pattern_source(&upload));
    request.timeouts.write_ms = LIMIT;
    peer_call_begin(&c, NULL, &request);
    assert_code(host_settle(c.call), FCGI_WAIT);
    assert_true(peer_receive(&c.peer, 0, &received));
    pass_ms(2 * LIMIT);
    assert_code(host_settle(c.call), FCGI_WAIT);
    assert_in_range(fcgi_call_timeout_ms(c.call), 1, LIMIT);
    wire_free(&received);
    peer_call_end(&c);
}

static void a_connection_that_was_made_in_time_is_used(void **state)
{
    (void)state;
    struct fake *app = fake_serve(FAKE_TCP);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    request.timeouts.connect_ms = LIMIT;
    struct fcgi_call *call = host_begin(client, &request, &response);
    fake_await(app, FAKE_ACCEPTED, 1);
    pass_ms(2 * LIMIT);
    assert_code(host_run(call), FCGI_OK);
    host_free(call);
    fcgi_response_free(&response);
    fcgi_client_free(client);
    fake_stop(app);
}

static void a_turn_that_came_in_time_is_used(void **state)
{
    (void)state;
    struct fcgi_pool_config config = {.max_open = 1};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_with_pool(app, &config);
    struct fcgi_connection *connection = take(fcgi_client_pool(client));
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    request.timeouts.queue_ms = LIMIT;
    struct fcgi_call *call = host_begin(client, &request, &response);
    fcgi_pool_put(fcgi_client_pool(client), connection);
    pass_ms(2 * LIMIT);
    assert_code(host_run(call), FCGI_OK);
    assert_int_equal(stats_of(client).timeouts, 0);
    host_free(call);
    fcgi_response_free(&response);
    fcgi_client_free(client);
    fake_stop(app);
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
    (void)state;
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = put_text("late");
    struct fcgi_response response = {0};
    ask_hello(client);
    request.timeouts.total_ms = LIMIT;
    struct fcgi_call *call = host_begin(client, &request, &response);
    pass_ms(2 * LIMIT);
    assert_code(host_run(call), FCGI_ERR_DEADLINE);
    assert_was_not_sent(&response);
    host_free(call);
    assert_int_equal(fake_count(app, FAKE_BEGUN), 1);
    fcgi_response_free(&response);
    fcgi_client_free(client);
    fake_stop(app);
}

static void a_turn_after_the_whole_limit_is_of_no_use(void **state)
{
    (void)state;
    struct fcgi_pool_config config = {.max_open = 1};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_with_pool(app, &config);
    struct fcgi_connection *connection = take(fcgi_client_pool(client));
    struct fcgi_request request = put_text("late");
    struct fcgi_response response = {0};
    request.timeouts.total_ms = LIMIT;
    struct fcgi_call *call = host_begin(client, &request, &response);
    fcgi_pool_put(fcgi_client_pool(client), connection);
    pass_ms(2 * LIMIT);
    assert_code(host_run(call), FCGI_ERR_DEADLINE);
    assert_was_not_sent(&response);
    host_free(call);
    ask_hello(client);
    assert_int_equal(fake_count(app, FAKE_BEGUN), 1);
    fcgi_response_free(&response);
    fcgi_client_free(client);
    fake_stop(app);
}

/* ---- no function waits -------------------------------------------------- */

/* All that a host may do with a call whose peer has stopped; the watchdog sees
 * to it that none of it sleeps. Frees the call. */
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
    host_free(call);
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
    (void)state;
    struct wire answer = {0};
    write_answer(&answer);
    for (size_t i = 0; i < answer.len; i++) {
        struct peer_call c;
        struct fcgi_request request = get_request();
        peer_call_begin(&c, NULL, &request);
        if (i % 2 == 0) {
            assert_code(host_settle(c.call), FCGI_WAIT);
        }
        assert_int_equal(peer_send(&c.peer, 0, answer.data, i), i);
        poke(c.call, i % 3 == 0);
        c.call = NULL;
        peer_call_end(&c);
    }
    wire_free(&answer);
}

/* The whole answer goes through, so that the cuts are all of it. */
static void a_peer_that_does_not_stop_is_heard_out(void **state)
{
    (void)state;
    struct peer_call c;
    struct wire answer = {0};
    struct fcgi_request request = get_request();
    write_answer(&answer);
    peer_call_begin(&c, NULL, &request);
    peer_say(&c.peer, 0, &answer);
    assert_code(host_settle(c.call), FCGI_OK);
    assert_string_equal(c.response.body.data, "body");
    wire_free(&answer);
    peer_call_end(&c);
}

static void a_peer_that_stops_reading_blocks_nobody(void **state)
{
    (void)state;
    static const size_t reads[] = {0,   1,    7,     8,      9,      15,
                                   100, 1000, 65000, 200000, 1000000};
    for (size_t i = 0; i < 2 * sizeof(reads) / sizeof(reads[0]); i++) {
        struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ(0), FAKE_PAUSE};
        script[1].len = reads[i / 2];
        struct fake *app = FAKE_RUN(families[i % 2], script);
        struct fcgi_client *client = client_for(app, NULL);
        struct pattern_upload upload = {.len = UINT64_C(1) << 40};
        struct fcgi_request request = post_request(pattern_source(&upload));
        struct fcgi_response response = {0};
        struct fcgi_call *call = host_begin(client, &request, &response);
        host_run_until(call, app, FAKE_PAUSED, 1);
        poke(call, i % 3 == 0);
        fcgi_response_free(&response);
        fcgi_client_free(client);
        fake_stop(app);
    }
}

static void a_peer_that_accepts_nobody_blocks_nobody(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct fake *app = fake_clogged(families[i % 2]);
        struct fcgi_client *client = client_for(app, NULL);
        struct fcgi_request request = get_request();
        struct fcgi_response response = {0};
        struct fcgi_call *call = host_begin(client, &request, &response);
        poke(call, i < 2);
        fcgi_response_free(&response);
        fcgi_client_free(client);
        fake_stop(app);
    }
}

/* Nor do those behind it in the queue. */
static void a_queue_that_does_not_move_blocks_nobody(void **state)
{
    (void)state;
    struct fcgi_pool_config config = {.max_open = 1};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_with_pool(app, &config);
    struct fcgi_connection *connection = take(fcgi_client_pool(client));
    struct fcgi_request request = get_request();
    struct fcgi_response responses[4] = {{0}};
    struct fcgi_call *calls[4];
    for (size_t i = 0; i < 4; i++) {
        calls[i] = host_begin(client, &request, &responses[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        poke(calls[i], i % 2 == 0);
        fcgi_response_free(&responses[i]);
    }
    fcgi_pool_put(fcgi_client_pool(client), connection);
    fcgi_client_free(client);
    fake_stop(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_nobody_takes_ends_at_the_write_limit),
        cmocka_unit_test(silence_ends_at_the_first_byte_limit),
        cmocka_unit_test(an_answer_that_stops_ends_at_the_idle_limit),
        cmocka_unit_test(a_peer_that_accepts_nobody_ends_at_the_connect_limit),
        cmocka_unit_test(a_listen_queue_that_stays_full_has_a_limit_too),
        cmocka_unit_test(the_wait_for_a_connection_ends_at_the_queue_limit),
        cmocka_unit_test(the_whole_limit_includes_the_queue),
        cmocka_unit_test(the_whole_limit_includes_connecting),
        cmocka_unit_test(the_whole_limit_includes_sending),
        cmocka_unit_test(the_whole_limit_includes_the_silence),
        cmocka_unit_test(the_whole_limit_includes_the_answer),
        cmocka_unit_test(the_limit_that_ends_first_is_told),
        cmocka_unit_test(a_requests_limit_goes_before_the_clients),
        cmocka_unit_test(the_clients_limit_holds_where_the_request_has_none),
        cmocka_unit_test(the_defaults_are_told_too),
        cmocka_unit_test(without_any_limit_the_time_is_never),
        cmocka_unit_test(each_byte_of_content_renews_the_idle_limit),
        cmocka_unit_test(each_byte_taken_renews_the_write_limit),
        cmocka_unit_test(advancing_renews_no_limit),
        cmocka_unit_test(an_answer_that_came_in_time_is_not_refused),
        cmocka_unit_test(a_body_that_can_go_on_is_not_given_up),
        cmocka_unit_test(a_connection_that_was_made_in_time_is_used),
        cmocka_unit_test(a_turn_that_came_in_time_is_used),
        cmocka_unit_test(what_begins_after_the_whole_limit_is_not_sent),
        cmocka_unit_test(a_turn_after_the_whole_limit_is_of_no_use),
        cmocka_unit_test(a_peer_that_stops_amid_its_answer_blocks_nobody),
        cmocka_unit_test(a_peer_that_does_not_stop_is_heard_out),
        cmocka_unit_test(a_peer_that_stops_reading_blocks_nobody),
        cmocka_unit_test(a_peer_that_accepts_nobody_blocks_nobody),
        cmocka_unit_test(a_queue_that_does_not_move_blocks_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
