/*
 * Sinks: what they are handed, in which order, how they cancel, and how they
 * hold a response back.
 */
#include <fcgi_client/exchange.h>

#include "recorder.h"
#include "talk.h"
#include "test.h"

#define HEAD "A: b\n\n"

/* Ask with the recorder as sink. */
static void open_recorded(struct talk *t, struct recorder *r)
{
    const struct fcgi_request request = {.sink = recorder_sink(r)};
    talk_anew(t);
    talk_ask(t, &request);
}

/* ---- order ------------------------------------------------------------- */

static void head_body_and_stderr_are_handed_on_in_their_order(void **state)
{
    struct recorder r = {0};
    struct wire answer = {0};
    struct talk *t = *state;
    open_recorded(t, &r);
    wire_stderr(&answer, TALK_ID, "before");
    wire_stdout(&answer, TALK_ID, "Status: 404 No\nA: b");
    wire_stdout(&answer, TALK_ID, "\n\none");
    wire_stderr(&answer, TALK_ID, "between");
    wire_stdout(&answer, TALK_ID, "two");
    wire_stderr(&answer, TALK_ID, "after");
    wire_end(&answer, TALK_ID, 0, WIRE_COMPLETE);
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    recorder_assert(&r, "[stderr]before[head 404][body]one[stderr]between"
                        "[body]two[stderr]after");
    assert_int_equal(r.heads, 1);
    assert_true(fcgi_exchange_reusable(t->x));
    wire_free(&answer);
    recorder_free(&r);
}

static void what_a_sink_takes_is_not_collected_too(void **state)
{
    struct recorder r = {0};
    const struct fcgi_request request = {.sink = recorder_sink(&r)};
    struct wire answer = {0};
    struct talk *t = *state;
    talk_ask(t, &request);
    wire_stderr(&answer, TALK_ID, "oh");
    talk_write_text(&answer, HEAD "body");
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    talk_assert_text(t->response.body, "");
    talk_assert_text(t->response.stderr_data, "");
    assert_int_equal(t->response.field_count, 1);
    wire_free(&answer);
    recorder_free(&r);
}

static void what_has_no_function_is_collected(void **state)
{
    struct recorder r = {0};
    struct fcgi_request request = {.sink = recorder_sink(&r)};
    struct wire answer = {0};
    struct talk *t = *state;
    request.sink.head = NULL;
    request.sink.stderr_data = NULL;
    talk_ask(t, &request);
    wire_stderr(&answer, TALK_ID, "oh");
    talk_write_text(&answer, HEAD "body");
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    recorder_assert(&r, "[body]body");
    talk_assert_text(t->response.stderr_data, "oh");
    assert_int_equal(t->response.status, 200);
    wire_free(&answer);
    recorder_free(&r);
}

static void body_is_handed_on_as_it_arrives_not_record_by_record(void **state)
{
    struct recorder r = {0};
    struct wire answer = {0};
    struct talk *t = *state;
    open_recorded(t, &r);
    wire_stdout(&answer, TALK_ID, HEAD);
    wire_record(&answer, WIRE_STDOUT, TALK_ID, "0123456789", 10, 6);
    assert_int_equal(talk_feed(t, answer.data, answer.len - 6 - 3), FCGI_WAIT);
    recorder_assert(&r, "[head 200][body]0123456");
    wire_free(&answer);
    recorder_free(&r);
}

static void the_head_is_handed_on_before_any_body_came(void **state)
{
    struct recorder r = {0};
    struct wire answer = {0};
    struct talk *t = *state;
    open_recorded(t, &r);
    wire_stdout(&answer, TALK_ID, HEAD);
    assert_int_equal(talk_answer(t, &answer), FCGI_WAIT);
    recorder_assert(&r, "[head 200]");
    wire_free(&answer);
    recorder_free(&r);
}

static void a_response_without_body_calls_no_body_function(void **state)
{
    struct recorder r = {0};
    const struct fcgi_request request = {.sink = recorder_sink(&r)};
    struct talk *t = *state;
    assert_int_equal(talk_anew_text(t, &request, HEAD), FCGI_OK);
    recorder_assert(&r, "[head 200]");
    assert_int_equal(r.bodies, 0);
    recorder_free(&r);
}

/* The limits are on what is collected: a sink keeps its own. */
static void a_sink_has_no_limit_on_body_and_stderr(void **state)
{
    struct recorder r = {0};
    const struct fcgi_request request = {
        .sink = recorder_sink(&r),
        .limits = {.body_len = 10, .stderr_len = 10}};
    struct wire noise = {0};
    struct wire answer = {0};
    struct talk *t = *state;
    wire_noise(&noise, 100000);
    talk_ask(t, &request);
    wire_stdout(&answer, TALK_ID, HEAD);
    wire_stream(&answer, WIRE_STDOUT, TALK_ID, noise.data, noise.len);
    wire_stderr(&answer, TALK_ID, "more than ten bytes");
    wire_end(&answer, TALK_ID, 0, WIRE_COMPLETE);
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    assert_int_equal(r.taken, noise.len);
    assert_false(t->response.stderr_cut);
    wire_free(&noise);
    wire_free(&answer);
    recorder_free(&r);
}

static void the_excess_over_the_content_length_is_not_handed_on(void **state)
{
    struct recorder r = {0};
    const struct fcgi_request request = {.sink = recorder_sink(&r)};
    const char text[] = "Content-Length: 4\n\nbody and more";
    struct talk *t = *state;
    assert_int_equal(talk_anew_text(t, &request, text), FCGI_ERR_BODY_LONG);
    recorder_assert(&r, "[head 200][body]body");
    recorder_free(&r);
}

static void a_malformed_head_hands_nothing_on(void **state)
{
    struct recorder r = {0};
    const struct fcgi_request request = {.sink = recorder_sink(&r)};
    const char text[] = "Content-Type: text/html\nno colon\n\nbody";
    struct talk *t = *state;
    assert_int_equal(talk_anew_text(t, &request, text), FCGI_ERR_BAD_HEAD);
    recorder_assert(&r, "");
    recorder_free(&r);
}

/* ---- cancelling -------------------------------------------------------- */

/* Cancel in one function: nothing is called after it. */
static void assert_cancelled_in(void **state, enum recorder_event event,
                                int answer_code, const char *log)
{
    struct recorder r = {.cancel_in = event, .answer = answer_code};
    struct wire answer = {0};
    struct talk *t = *state;
    open_recorded(t, &r);
    wire_stdout(&answer, TALK_ID, HEAD "body");
    wire_stderr(&answer, TALK_ID, "oh no");
    wire_stdout(&answer, TALK_ID, "more");
    wire_end(&answer, TALK_ID, 0, WIRE_COMPLETE);
    assert_int_equal(talk_answer(t, &answer), FCGI_ERR_CANCELLED);
    recorder_assert(&r, log);
    assert_false(fcgi_exchange_reusable(t->x));
    wire_free(&answer);
    recorder_free(&r);
}

static void any_function_of_a_sink_cancels_with_any_code(void **state)
{
    static const int answers[] = {1, -1, FCGI_ERR_RESET, INT32_MIN};
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        assert_cancelled_in(state, RECORDER_HEAD, answers[i], "[head 200]");
        assert_cancelled_in(state, RECORDER_BODY, answers[i],
                            "[head 200][body]body");
        assert_cancelled_in(state, RECORDER_STDERR, answers[i],
                            "[head 200][body]body[stderr]oh no");
    }
}

/* Sinks that end the request by its exchange instead of by their answer. */
static int cancel_on_head(void *context, const struct fcgi_response *response)
{
    struct talk *t = context;
    (void)response;
    (void)fcgi_exchange_cancel(t->x, FCGI_ERR_DEADLINE, NULL);
    return 0;
}

static int cancel_on_body(void *context, const void *data, size_t *len)
{
    struct talk *t = context;
    (void)data;
    (void)len;
    (void)fcgi_exchange_cancel(t->x, FCGI_ERR_DEADLINE, NULL);
    return 0;
}

static int cancel_on_stderr(void *context, const void *data, size_t len)
{
    struct talk *t = context;
    (void)data;
    (void)len;
    (void)fcgi_exchange_cancel(t->x, FCGI_ERR_DEADLINE, NULL);
    return 0;
}

static void a_sink_may_call_cancel_itself(void **state)
{
    struct talk *t = *state;
    const struct fcgi_sink sinks[] = {
        {.head = cancel_on_head, .context = t},
        {.body = cancel_on_body, .context = t},
        {.stderr_data = cancel_on_stderr, .context = t},
    };
    for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++) {
        const struct fcgi_request request = {.sink = sinks[i]};
        struct wire answer = {0};
        wire_stdout(&answer, TALK_ID, HEAD "body");
        wire_stderr(&answer, TALK_ID, "oh no");
        wire_end(&answer, TALK_ID, 0, WIRE_COMPLETE);
        talk_anew(t);
        talk_ask(t, &request);
        assert_int_equal(talk_answer(t, &answer), FCGI_ERR_DEADLINE);
        wire_free(&answer);
    }
}

static int take_more_than_offered(void *context, const void *data, size_t *len)
{
    (void)context;
    (void)data;
    *len += 1;
    return 0;
}

/* A mistake of the caller's ends its request, not its program. */
static void
a_sink_that_takes_more_than_was_offered_ends_the_request(void **state)
{
    const struct fcgi_request request = {
        .sink = {.body = take_more_than_offered}};
    struct talk *t = *state;
    assert_int_equal(talk_anew_text(t, &request, HEAD "body"),
                     FCGI_ERR_ARGUMENT);
    assert_false(fcgi_exchange_reusable(t->x));
}

static int take_all_and_say_nothing(void *context, const void *data,
                                    size_t *len)
{
    size_t *taken = context;
    (void)data;
    *taken += *len;
    return 0;
}

static void a_length_left_as_it_is_means_all_was_taken(void **state)
{
    size_t taken = 0;
    const struct fcgi_request request = {
        .sink = {.body = take_all_and_say_nothing, .context = &taken}};
    struct talk *t = *state;
    assert_int_equal(talk_anew_text(t, &request, HEAD "body"), FCGI_OK);
    assert_int_equal(taken, 4);
}

/* ---- back-pressure ----------------------------------------------------- */

static void a_sink_that_takes_less_pauses_the_response(void **state)
{
    struct recorder r = {.limited = true, .budget = 3};
    struct wire answer = {0};
    struct talk *t = *state;
    size_t used;
    open_recorded(t, &r);
    talk_write_text(&answer, HEAD "0123456789");
    assert_int_equal(fcgi_exchange_feed(t->x, answer.data, answer.len, &used),
                     FCGI_WAIT);
    assert_true(fcgi_exchange_paused(t->x));
    assert_int_equal(used, 8 + 6 + 3);
    recorder_assert(&r, "[head 200][body]012");
    wire_free(&answer);
    recorder_free(&r);
}

static void a_paused_response_takes_nothing_until_it_is_resumed(void **state)
{
    struct recorder r = {.limited = true, .budget = 3};
    struct fcgi_memory room[2];
    struct wire answer = {0};
    struct talk *t = *state;
    size_t used;
    open_recorded(t, &r);
    talk_write_text(&answer, HEAD "0123456789");
    assert_int_equal(talk_by_feed(t, answer.data, answer.len, &used),
                     FCGI_WAIT);
    size_t at = used;
    assert_int_equal(fcgi_exchange_input(t->x, room, 2), 0);
    assert_int_equal(talk_by_feed(t, answer.data + at, answer.len - at, &used),
                     FCGI_WAIT);
    assert_int_equal(used, 0);
    assert_int_equal(r.bodies, 1);
    r.limited = false;
    assert_int_equal(fcgi_exchange_resume(t->x), FCGI_WAIT);
    assert_false(fcgi_exchange_paused(t->x));
    assert_int_equal(talk_feed(t, answer.data + at, answer.len - at), FCGI_OK);
    recorder_assert(&r, "[head 200][body]0123456789");
    assert_true(fcgi_exchange_reusable(t->x));
    wire_free(&answer);
    recorder_free(&r);
}

/* What was received but not taken is kept, and offered again. */
static void resuming_offers_again_what_was_not_taken(void **state)
{
    struct recorder r = {.limited = true, .budget = 3};
    struct wire answer = {0};
    struct talk *t = *state;
    size_t used;
    open_recorded(t, &r);
    talk_write_text(&answer, HEAD "0123456789");
    assert_int_equal(talk_by_input(t, answer.data, answer.len, &used),
                     FCGI_WAIT);
    assert_int_equal(used, answer.len);
    for (size_t i = 0; i < 2; i++) {
        r.budget = 3;
        assert_int_equal(fcgi_exchange_resume(t->x), FCGI_WAIT);
        assert_true(fcgi_exchange_paused(t->x));
        assert_int_equal(r.taken, 6 + 3 * i);
    }
    r.budget = 1;
    assert_int_equal(fcgi_exchange_resume(t->x), FCGI_OK);
    assert_false(fcgi_exchange_paused(t->x));
    recorder_assert(&r, "[head 200][body]0123456789");
    assert_true(fcgi_exchange_reusable(t->x));
    wire_free(&answer);
    recorder_free(&r);
}

static void a_sink_that_takes_nothing_is_offered_the_same_again(void **state)
{
    struct recorder r = {.limited = true, .budget = 0};
    struct wire answer = {0};
    struct talk *t = *state;
    size_t used;
    open_recorded(t, &r);
    talk_write_text(&answer, HEAD "body");
    assert_int_equal(talk_by_input(t, answer.data, answer.len, &used),
                     FCGI_WAIT);
    assert_int_equal(fcgi_exchange_resume(t->x), FCGI_WAIT);
    assert_true(fcgi_exchange_paused(t->x));
    assert_int_equal(r.bodies, 2);
    r.budget = 100;
    assert_int_equal(fcgi_exchange_resume(t->x), FCGI_OK);
    recorder_assert(&r, "[head 200][body]body");
    wire_free(&answer);
    recorder_free(&r);
}

/* The peer may be gone by then: what it said first still counts. */
static void the_end_of_file_waits_for_a_paused_response(void **state)
{
    struct recorder r = {.limited = true, .budget = 0};
    struct wire answer = {0};
    struct talk *t = *state;
    size_t used;
    open_recorded(t, &r);
    talk_write_text(&answer, HEAD "body");
    assert_int_equal(talk_by_input(t, answer.data, answer.len, &used),
                     FCGI_WAIT);
    (void)fcgi_exchange_eof(t->x, false);
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_WAIT);
    r.limited = false;
    assert_int_equal(fcgi_exchange_resume(t->x), FCGI_OK);
    recorder_assert(&r, "[head 200][body]body");
    assert_false(fcgi_exchange_reusable(t->x));
    wire_free(&answer);
    recorder_free(&r);
}

static void a_paused_response_that_is_cut_is_truncated_at_its_end(void **state)
{
    struct recorder r = {.limited = true, .budget = 0};
    struct wire answer = {0};
    struct talk *t = *state;
    size_t used;
    open_recorded(t, &r);
    wire_stdout(&answer, TALK_ID, HEAD "body");
    assert_int_equal(talk_by_input(t, answer.data, answer.len, &used),
                     FCGI_WAIT);
    (void)fcgi_exchange_eof(t->x, false);
    r.limited = false;
    assert_int_equal(fcgi_exchange_resume(t->x), FCGI_ERR_TRUNCATED);
    recorder_assert(&r, "[head 200][body]body");
    wire_free(&answer);
    recorder_free(&r);
}

static void resuming_what_is_not_paused_changes_nothing(void **state)
{
    struct talk *t = *state;
    talk_ask(t, NULL);
    assert_int_equal(fcgi_exchange_resume(t->x), FCGI_WAIT);
    (void)fcgi_exchange_cancel(t->x, FCGI_ERR_CANCELLED, NULL);
    assert_int_equal(fcgi_exchange_resume(t->x), FCGI_ERR_CANCELLED);
}

static void a_paused_response_does_not_stop_the_request(void **state)
{
    struct recorder r = {.limited = true, .budget = 0};
    const struct fcgi_request request = {.sink = recorder_sink(&r),
                                         .body = {.data = "abc", .len = 3}};
    struct wire answer = {0};
    struct talk *t = *state;
    size_t used;
    talk_begin(t, &request);
    wire_stdout(&answer, TALK_ID, HEAD "body");
    assert_int_equal(talk_by_input(t, answer.data, answer.len, &used),
                     FCGI_WAIT);
    assert_true(fcgi_exchange_paused(t->x));
    talk_send_all(t);
    assert_true(fcgi_exchange_sent_all(t->x));
    wire_free(&answer);
    recorder_free(&r);
}

/* What was not taken of one response is not offered as the next one's. */
static void a_new_request_is_not_paused_and_has_nothing_left_over(void **state)
{
    struct recorder r = {.limited = true, .budget = 0};
    const struct fcgi_request request = {.sink = recorder_sink(&r)};
    struct wire answer = {0};
    struct talk *t = *state;
    size_t used;
    open_recorded(t, &r);
    wire_stdout(&answer, TALK_ID, HEAD "old");
    assert_int_equal(talk_by_input(t, answer.data, answer.len, &used),
                     FCGI_WAIT);
    assert_true(fcgi_exchange_paused(t->x));
    r.limited = false;
    talk_ask(t, &request);
    assert_false(fcgi_exchange_paused(t->x));
    assert_int_equal(fcgi_exchange_resume(t->x), FCGI_WAIT);
    wire_clear(&answer);
    talk_write_text(&answer, "Status: 201\n\nnew");
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    recorder_assert(&r, "[head 200][head 201][body]new");
    wire_free(&answer);
    recorder_free(&r);
}

/* Memory stays bounded however slow the sink is. */
static void a_large_body_to_a_sink_takes_no_more_memory(void **state)
{
    struct recorder r = {0};
    const struct fcgi_request request = {.sink = recorder_sink(&r)};
    struct wire noise = {0};
    struct wire answer = {0};
    struct talk *t = *state;
    size_t used;
    wire_noise(&noise, 3000000);
    talk_ask(t, &request);
    wire_stdout(&answer, TALK_ID, HEAD);
    talk_write_answer(&answer, noise.data, noise.len);
    assert_int_equal(talk_by_input(t, answer.data, answer.len, &used), FCGI_OK);
    assert_int_equal(r.taken, noise.len);
    assert_true(t->memory.peak < 160 * 1024);
    wire_free(&noise);
    wire_free(&answer);
    recorder_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        talk_test(head_body_and_stderr_are_handed_on_in_their_order),
        talk_test(what_a_sink_takes_is_not_collected_too),
        talk_test(what_has_no_function_is_collected),
        talk_test(body_is_handed_on_as_it_arrives_not_record_by_record),
        talk_test(the_head_is_handed_on_before_any_body_came),
        talk_test(a_response_without_body_calls_no_body_function),
        talk_test(a_sink_has_no_limit_on_body_and_stderr),
        talk_test(the_excess_over_the_content_length_is_not_handed_on),
        talk_test(a_malformed_head_hands_nothing_on),
        talk_test(any_function_of_a_sink_cancels_with_any_code),
        talk_test(a_sink_may_call_cancel_itself),
        talk_test(a_sink_that_takes_more_than_was_offered_ends_the_request),
        talk_test(a_length_left_as_it_is_means_all_was_taken),
        talk_test(a_sink_that_takes_less_pauses_the_response),
        talk_test(a_paused_response_takes_nothing_until_it_is_resumed),
        talk_test(resuming_offers_again_what_was_not_taken),
        talk_test(a_sink_that_takes_nothing_is_offered_the_same_again),
        talk_test(the_end_of_file_waits_for_a_paused_response),
        talk_test(a_paused_response_that_is_cut_is_truncated_at_its_end),
        talk_test(resuming_what_is_not_paused_changes_nothing),
        talk_test(a_paused_response_does_not_stop_the_request),
        talk_test(a_new_request_is_not_paused_and_has_nothing_left_over),
        talk_test(a_large_body_to_a_sink_takes_no_more_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
