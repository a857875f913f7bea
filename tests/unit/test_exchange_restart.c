/*
 * A request that starts over on another connection: its body is taken back to
 * where it began, if it can be, and nothing of the first attempt survives.
 */
#include <fcgi_client/exchange.h>

#include "feeder.h"
#include "talk.h"
#include "test.h"

static void assert_body_sent(const struct talk *t, const void *body, size_t len)
{
    struct wire_request sent = talk_read_request(t);
    assert_int_equal(sent.body_ends, 1);
    assert_int_equal(sent.body.len, len);
    assert_memory_equal(sent.body.data, body, len);
    wire_request_free(&sent);
}

/* Forget what was sent, and send it all again on another connection. */
static void send_anew(struct talk *t, uint16_t id)
{
    assert_int_equal(fcgi_exchange_restart(t->x, id), FCGI_OK);
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_WAIT);
    wire_clear(&t->sent);
    talk_send_all(t);
}

static void a_restart_sends_the_same_request_under_its_new_id(void **state)
{
    const struct fcgi_param param = FCGI_PARAM("NAME", "value");
    const struct fcgi_request request = {
        .params = &param, .param_count = 1, .body = {.data = "abc", .len = 3}};
    struct wire expected = {0};
    struct wire_frame frame;
    struct talk *t = *state;
    size_t at = 0;
    wire_param(&expected, "NAME", "value");
    talk_ask(t, &request);
    send_anew(t, 0x0a0b);
    while (wire_next(t->sent.data, t->sent.len, &at, &frame)) {
        assert_int_equal(frame.id, 0x0a0b);
    }
    struct wire_request sent = talk_read_request(t);
    assert_int_equal(sent.role, FCGI_ROLE_RESPONDER);
    assert_int_equal(sent.params.len, expected.len);
    assert_memory_equal(sent.params.data, expected.data, expected.len);
    assert_body_sent(t, "abc", 3);
    wire_request_free(&sent);
    wire_free(&expected);
}

static void a_restart_is_possible_however_much_was_sent(void **state)
{
    const struct fcgi_request request = {.body = {.data = "abc", .len = 3}};
    struct talk whole;
    talk_open(&whole);
    talk_ask(&whole, &request);
    for (size_t sent = 0; sent <= whole.sent.len; sent++) {
        struct talk *t = *state;
        talk_anew(t);
        talk_begin(t, &request);
        assert_int_equal(talk_send(t, sent), sent);
        send_anew(t, TALK_ID);
        assert_int_equal(t->sent.len, whole.sent.len);
        assert_memory_equal(t->sent.data, whole.sent.data, whole.sent.len);
    }
    talk_close(&whole);
}

/* Not to offset 0, but to where the stream stood. */
static void a_restart_takes_a_source_back_to_where_it_began(void **state)
{
    struct feeder feeder = {
        .data = "abcdefgh", .len = 8, .at = 3, .chunk = 2, .replays = true};
    const struct fcgi_request request = {.body = feeder_source(&feeder)};
    struct talk *t = *state;
    talk_ask(t, &request);
    assert_true(fcgi_exchange_replayable(t->x));
    for (size_t i = 1; i <= 3; i++) {
        send_anew(t, (uint16_t)(TALK_ID + i));
        assert_int_equal(feeder.replay_calls, i);
        assert_int_equal(feeder.replay_taken, 5);
        assert_body_sent(t, "defgh", 5);
    }
}

static void a_source_is_taken_back_by_what_was_read_not_sent(void **state)
{
    struct wire noise = {0};
    struct talk *t = *state;
    wire_noise(&noise, 100000);
    struct feeder feeder = {
        .data = noise.data, .len = noise.len, .replays = true};
    const struct fcgi_request request = {.body = feeder_source(&feeder)};
    talk_begin(t, &request);
    assert_int_equal(talk_send(t, 100), 100);
    size_t taken = feeder.at;
    assert_true(taken > 100);
    send_anew(t, 2);
    assert_int_equal(feeder.replay_taken, taken);
    assert_body_sent(t, noise.data, noise.len);
    wire_free(&noise);
}

/* Asked with 0, a source only says whether it could. */
static void a_source_is_asked_whether_it_can_go_back(void **state)
{
    struct feeder feeder = {.data = "abc", .len = 3};
    struct fcgi_request request = {.body = feeder_source(&feeder)};
    struct talk *t = *state;
    talk_begin(t, &request);
    assert_false(fcgi_exchange_replayable(t->x));
    feeder.replays = true;
    assert_true(fcgi_exchange_replayable(t->x));
    assert_int_equal(feeder.replay_calls, 0);
    request.body.replay = NULL;
    talk_begin(t, &request);
    assert_false(fcgi_exchange_replayable(t->x));
}

static void both_sources_of_a_filter_must_be_able_to_go_back(void **state)
{
    struct feeder body = {.data = "abc", .len = 3, .replays = true};
    struct feeder data = {.data = "def", .len = 3};
    const struct fcgi_request request = {.role = FCGI_ROLE_FILTER,
                                         .body = feeder_source(&body),
                                         .data = feeder_source(&data)};
    struct talk *t = *state;
    talk_begin(t, &request);
    assert_false(fcgi_exchange_replayable(t->x));
    data.replays = true;
    assert_true(fcgi_exchange_replayable(t->x));
    body.replays = false;
    assert_false(fcgi_exchange_replayable(t->x));
}

static void a_request_without_a_source_is_always_replayable(void **state)
{
    const struct fcgi_request requests[] = {
        {.role = FCGI_ROLE_RESPONDER},
        {.role = FCGI_ROLE_AUTHORIZER},
        {.role = FCGI_ROLE_FILTER, .data = {.data = "abc", .len = 3}}};
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct talk *t = *state;
        talk_anew(t);
        talk_ask(t, &requests[i]);
        assert_true(fcgi_exchange_replayable(t->x));
    }
}

/* A consumed body is not sent again as an empty one. */
static void a_source_that_cannot_go_back_forbids_a_restart(void **state)
{
    struct feeder feeder = {.data = "abc", .len = 3};
    struct fcgi_request request = {.body = feeder_source(&feeder)};
    struct talk *t = *state;
    talk_ask(t, &request);
    assert_int_equal(fcgi_exchange_restart(t->x, 2), FCGI_ERR_STATE);
    request.body.replay = NULL;
    feeder.at = 0;
    talk_ask(t, &request);
    assert_int_equal(fcgi_exchange_restart(t->x, 2), FCGI_ERR_STATE);
}

/* It stands where it began as long as nothing was read. */
static void a_source_that_was_not_read_need_not_go_back(void **state)
{
    struct feeder feeder = {.data = "abc", .len = 3, .waits = true};
    struct fcgi_request request = {.body = feeder_source(&feeder)};
    struct talk *t = *state;
    request.body.replay = NULL;
    talk_ask(t, &request);
    feeder.waits = false;
    send_anew(t, 2);
    assert_body_sent(t, "abc", 3);
}

/* Even one byte of a record's header counts as an answer. */
static void a_byte_of_the_response_forbids_a_restart(void **state)
{
    struct talk *t = *state;
    talk_ask(t, NULL);
    assert_int_equal(talk_feed(t, "\1", 1), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_restart(t->x, 2), FCGI_ERR_STATE);
}

static void a_restart_under_id_0_is_refused(void **state)
{
    struct talk *t = *state;
    talk_ask(t, NULL);
    assert_int_equal(fcgi_exchange_restart(t->x, 0), FCGI_ERR_ARGUMENT);
}

static void nothing_of_the_first_attempt_survives_a_restart(void **state)
{
    struct wire answer = {0};
    struct talk *t = *state;
    talk_ask(t, NULL);
    fcgi_exchange_send_failed(t->x);
    assert_int_equal(fcgi_exchange_eof(t->x, false), FCGI_ERR_CLOSED);
    send_anew(t, TALK_ID);
    assert_true(fcgi_exchange_sent_all(t->x));
    talk_write_text(&answer, "A: b\n\nx");
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    assert_true(fcgi_exchange_reusable(t->x));
    talk_assert_text(t->response.body, "x");
    wire_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        talk_test(a_restart_sends_the_same_request_under_its_new_id),
        talk_test(a_restart_is_possible_however_much_was_sent),
        talk_test(a_restart_takes_a_source_back_to_where_it_began),
        talk_test(a_source_is_taken_back_by_what_was_read_not_sent),
        talk_test(a_source_is_asked_whether_it_can_go_back),
        talk_test(both_sources_of_a_filter_must_be_able_to_go_back),
        talk_test(a_request_without_a_source_is_always_replayable),
        talk_test(a_source_that_cannot_go_back_forbids_a_restart),
        talk_test(a_source_that_was_not_read_need_not_go_back),
        talk_test(a_byte_of_the_response_forbids_a_restart),
        talk_test(a_restart_under_id_0_is_refused),
        talk_test(nothing_of_the_first_attempt_survives_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
