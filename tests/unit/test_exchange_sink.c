/*
 * Where a response goes: to sinks as it arrives, with back-pressure, or into
 * the response, right where the bytes were received.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <fcgi_client/exchange.h>

#include "recorder.h"
#include "talk.h"

#define HEAD "A: b\n\n"

/* Ask with the recorder as sink. */
static void open_recorded(struct talk *t, struct recorder *r)
{
    const struct fcgi_request request = {.sink = recorder_sink(r)};
    talk_open(t);
    talk_ask(t, &request);
}

/* ---- order ------------------------------------------------------------- */

static void head_body_and_stderr_are_handed_on_in_their_order(void **state)
{
    struct recorder r = {0};
    struct wire answer = {0};
    struct talk t;
    (void)state;
    open_recorded(&t, &r);
    wire_stderr(&answer, TALK_ID, "before");
    wire_stdout(&answer, TALK_ID, "Status: 404 No\nA: b");
    wire_stdout(&answer, TALK_ID, "\n\none");
    wire_stderr(&answer, TALK_ID, "between");
    wire_stdout(&answer, TALK_ID, "two");
    wire_stderr(&answer, TALK_ID, "after");
    wire_end(&answer, TALK_ID, 0, WIRE_COMPLETE);
    assert_int_equal(talk_answer(&t, &answer), FCGI_OK);
    recorder_assert(&r, "[stderr]before[head 404][body]one[stderr]between"
                        "[body]two[stderr]after");
    assert_int_equal(r.heads, 1);
    assert_true(fcgi_exchange_reusable(t.x));
    wire_free(&answer);
    recorder_free(&r);
    talk_close(&t);
}

static void what_a_sink_takes_is_not_collected_too(void **state)
{
    struct recorder r = {0};
    const struct fcgi_request request = {.sink = recorder_sink(&r)};
    struct wire answer = {0};
    struct talk t;
    (void)state;
    talk_open(&t);
    talk_ask(&t, &request);
    wire_stderr(&answer, TALK_ID, "oh");
    talk_write_text(&answer, HEAD "body");
    assert_int_equal(talk_answer(&t, &answer), FCGI_OK);
    talk_assert_text(t.response.body, "");
    talk_assert_text(t.response.stderr_data, "");
    assert_int_equal(t.response.field_count, 1);
    wire_free(&answer);
    recorder_free(&r);
    talk_close(&t);
}

static void what_has_no_function_is_collected(void **state)
{
    struct recorder r = {0};
    struct fcgi_request request = {.sink = recorder_sink(&r)};
    struct wire answer = {0};
    struct talk t;
    (void)state;
    request.sink.head = NULL;
    request.sink.stderr_data = NULL;
    talk_open(&t);
    talk_ask(&t, &request);
    wire_stderr(&answer, TALK_ID, "oh");
    talk_write_text(&answer, HEAD "body");
    assert_int_equal(talk_answer(&t, &answer), FCGI_OK);
    recorder_assert(&r, "[body]body");
    talk_assert_text(t.response.stderr_data, "oh");
    assert_int_equal(t.response.status, 200);
    wire_free(&answer);
    recorder_free(&r);
    talk_close(&t);
}

static void body_is_handed_on_as_it_arrives_not_record_by_record(void **state)
{
    struct recorder r = {0};
    struct wire answer = {0};
    struct talk t;
    (void)state;
    open_recorded(&t, &r);
    wire_stdout(&answer, TALK_ID, HEAD);
    wire_record(&answer, WIRE_STDOUT, TALK_ID, "0123456789", 10, 6);
    assert_int_equal(talk_feed(&t, answer.data, answer.len - 6 - 3), FCGI_WAIT);
    recorder_assert(&r, "[head 200][body]0123456");
    wire_free(&answer);
    recorder_free(&r);
    talk_close(&t);
}

static void the_head_is_handed_on_before_any_body_came(void **state)
{
    struct recorder r = {0};
    struct wire answer = {0};
    struct talk t;
    (void)state;
    open_recorded(&t, &r);
    wire_stdout(&answer, TALK_ID, HEAD);
    assert_int_equal(talk_answer(&t, &answer), FCGI_WAIT);
    recorder_assert(&r, "[head 200]");
    wire_free(&answer);
    recorder_free(&r);
    talk_close(&t);
}

static void a_response_without_body_calls_no_body_function(void **state)
{
    struct recorder r = {0};
    const struct fcgi_request request = {.sink = recorder_sink(&r)};
    struct talk t;
    (void)state;
    assert_int_equal(talk_open_text(&t, &request, HEAD), FCGI_OK);
    recorder_assert(&r, "[head 200]");
    assert_int_equal(r.bodies, 0);
    recorder_free(&r);
    talk_close(&t);
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
    struct talk t;
    (void)state;
    wire_noise(&noise, 100000);
    talk_open(&t);
    talk_ask(&t, &request);
    wire_stdout(&answer, TALK_ID, HEAD);
    wire_stream(&answer, WIRE_STDOUT, TALK_ID, noise.data, noise.len);
    wire_stderr(&answer, TALK_ID, "more than ten bytes");
    wire_end(&answer, TALK_ID, 0, WIRE_COMPLETE);
    assert_int_equal(talk_answer(&t, &answer), FCGI_OK);
    assert_int_equal(r.taken, noise.len);
    assert_false(t.response.stderr_cut);
    wire_free(&noise);
    wire_free(&answer);
    recorder_free(&r);
    talk_close(&t);
}

static void the_excess_over_the_content_length_is_not_handed_on(void **state)
{
    struct recorder r = {0};
    const struct fcgi_request request = {.sink = recorder_sink(&r)};
    const char text[] = "Content-Length: 4\n\nbody and more";
    struct talk t;
    (void)state;
    assert_int_equal(talk_open_text(&t, &request, text), FCGI_ERR_BODY_LONG);
    recorder_assert(&r, "[head 200][body]body");
    recorder_free(&r);
    talk_close(&t);
}

static void a_malformed_head_hands_nothing_on(void **state)
{
    struct recorder r = {0};
    const struct fcgi_request request = {.sink = recorder_sink(&r)};
    const char text[] = "Content-Type: text/html\nno colon\n\nbody";
    struct talk t;
    (void)state;
    assert_int_equal(talk_open_text(&t, &request, text), FCGI_ERR_BAD_HEAD);
    recorder_assert(&r, "");
    recorder_free(&r);
    talk_close(&t);
}

/* ---- cancelling -------------------------------------------------------- */

/* Cancel in one function: nothing is called after it. */
static void assert_cancelled_in(enum recorder_event event, int answer_code,
                                const char *log)
{
    struct recorder r = {.cancel_in = event, .answer = answer_code};
    struct wire answer = {0};
    struct talk t;
    open_recorded(&t, &r);
    wire_stdout(&answer, TALK_ID, HEAD "body");
    wire_stderr(&answer, TALK_ID, "oh no");
    wire_stdout(&answer, TALK_ID, "more");
    wire_end(&answer, TALK_ID, 0, WIRE_COMPLETE);
    assert_int_equal(talk_answer(&t, &answer), FCGI_ERR_CANCELLED);
    recorder_assert(&r, log);
    assert_false(fcgi_exchange_reusable(t.x));
    wire_free(&answer);
    recorder_free(&r);
    talk_close(&t);
}

static void any_function_of_a_sink_cancels_with_any_code(void **state)
{
    static const int answers[] = {1, -1, FCGI_ERR_RESET, INT32_MIN};
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        assert_cancelled_in(RECORDER_HEAD, answers[i], "[head 200]");
        assert_cancelled_in(RECORDER_BODY, answers[i], "[head 200][body]body");
        assert_cancelled_in(RECORDER_STDERR, answers[i],
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
    struct talk t;
    const struct fcgi_sink sinks[] = {
        {.head = cancel_on_head, .context = &t},
        {.body = cancel_on_body, .context = &t},
        {.stderr_data = cancel_on_stderr, .context = &t},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++) {
        const struct fcgi_request request = {.sink = sinks[i]};
        struct wire answer = {0};
        wire_stdout(&answer, TALK_ID, HEAD "body");
        wire_stderr(&answer, TALK_ID, "oh no");
        wire_end(&answer, TALK_ID, 0, WIRE_COMPLETE);
        talk_open(&t);
        talk_ask(&t, &request);
        assert_int_equal(talk_answer(&t, &answer), FCGI_ERR_DEADLINE);
        wire_free(&answer);
        talk_close(&t);
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
    struct talk t;
    (void)state;
    assert_int_equal(talk_open_text(&t, &request, HEAD "body"),
                     FCGI_ERR_ARGUMENT);
    assert_false(fcgi_exchange_reusable(t.x));
    talk_close(&t);
}

/* ---- back-pressure ----------------------------------------------------- */

static void a_sink_that_takes_less_pauses_the_response(void **state)
{
    struct recorder r = {.limited = true, .budget = 3};
    struct wire answer = {0};
    struct talk t;
    size_t used;
    (void)state;
    open_recorded(&t, &r);
    talk_write_text(&answer, HEAD "0123456789");
    assert_int_equal(fcgi_exchange_feed(t.x, answer.data, answer.len, &used),
                     FCGI_WAIT);
    assert_true(fcgi_exchange_paused(t.x));
    assert_int_equal(used, 8 + 6 + 3);
    recorder_assert(&r, "[head 200][body]012");
    wire_free(&answer);
    recorder_free(&r);
    talk_close(&t);
}

static void a_paused_response_takes_nothing_until_it_is_resumed(void **state)
{
    struct recorder r = {.limited = true, .budget = 3};
    struct fcgi_memory room[2];
    struct wire answer = {0};
    struct talk t;
    size_t used;
    (void)state;
    open_recorded(&t, &r);
    talk_write_text(&answer, HEAD "0123456789");
    assert_int_equal(talk_by_feed(&t, answer.data, answer.len, &used),
                     FCGI_WAIT);
    size_t at = used;
    assert_int_equal(fcgi_exchange_input(t.x, room), 0);
    assert_int_equal(talk_by_feed(&t, answer.data + at, answer.len - at, &used),
                     FCGI_WAIT);
    assert_int_equal(used, 0);
    assert_int_equal(r.bodies, 1);
    r.limited = false;
    assert_int_equal(fcgi_exchange_resume(t.x), FCGI_WAIT);
    assert_false(fcgi_exchange_paused(t.x));
    assert_int_equal(talk_feed(&t, answer.data + at, answer.len - at), FCGI_OK);
    recorder_assert(&r, "[head 200][body]0123456789");
    assert_true(fcgi_exchange_reusable(t.x));
    wire_free(&answer);
    recorder_free(&r);
    talk_close(&t);
}

/* What was received but not taken is kept, and offered again. */
static void resuming_offers_again_what_was_not_taken(void **state)
{
    struct recorder r = {.limited = true, .budget = 3};
    struct wire answer = {0};
    struct talk t;
    size_t used;
    (void)state;
    open_recorded(&t, &r);
    talk_write_text(&answer, HEAD "0123456789");
    assert_int_equal(talk_by_input(&t, answer.data, answer.len, &used),
                     FCGI_WAIT);
    assert_int_equal(used, answer.len);
    for (size_t i = 0; i < 2; i++) {
        r.budget = 3;
        assert_int_equal(fcgi_exchange_resume(t.x), FCGI_WAIT);
        assert_true(fcgi_exchange_paused(t.x));
        assert_int_equal(r.taken, 6 + 3 * i);
    }
    r.budget = 1;
    assert_int_equal(fcgi_exchange_resume(t.x), FCGI_OK);
    assert_false(fcgi_exchange_paused(t.x));
    recorder_assert(&r, "[head 200][body]0123456789");
    assert_true(fcgi_exchange_reusable(t.x));
    wire_free(&answer);
    recorder_free(&r);
    talk_close(&t);
}

static void a_sink_that_takes_nothing_is_offered_the_same_again(void **state)
{
    struct recorder r = {.limited = true, .budget = 0};
    struct wire answer = {0};
    struct talk t;
    size_t used;
    (void)state;
    open_recorded(&t, &r);
    talk_write_text(&answer, HEAD "body");
    assert_int_equal(talk_by_input(&t, answer.data, answer.len, &used),
                     FCGI_WAIT);
    assert_int_equal(fcgi_exchange_resume(t.x), FCGI_WAIT);
    assert_true(fcgi_exchange_paused(t.x));
    assert_int_equal(r.bodies, 2);
    r.budget = 100;
    assert_int_equal(fcgi_exchange_resume(t.x), FCGI_OK);
    recorder_assert(&r, "[head 200][body]body");
    wire_free(&answer);
    recorder_free(&r);
    talk_close(&t);
}

/* The peer may be gone by then: what it said first still counts. */
static void the_end_of_file_waits_for_a_paused_response(void **state)
{
    struct recorder r = {.limited = true, .budget = 0};
    struct wire answer = {0};
    struct talk t;
    size_t used;
    (void)state;
    open_recorded(&t, &r);
    talk_write_text(&answer, HEAD "body");
    assert_int_equal(talk_by_input(&t, answer.data, answer.len, &used),
                     FCGI_WAIT);
    (void)fcgi_exchange_eof(t.x, false);
    assert_int_equal(fcgi_exchange_status(t.x), FCGI_WAIT);
    r.limited = false;
    assert_int_equal(fcgi_exchange_resume(t.x), FCGI_OK);
    recorder_assert(&r, "[head 200][body]body");
    assert_false(fcgi_exchange_reusable(t.x));
    wire_free(&answer);
    recorder_free(&r);
    talk_close(&t);
}

static void a_paused_response_that_is_cut_is_truncated_at_its_end(void **state)
{
    struct recorder r = {.limited = true, .budget = 0};
    struct wire answer = {0};
    struct talk t;
    size_t used;
    (void)state;
    open_recorded(&t, &r);
    wire_stdout(&answer, TALK_ID, HEAD "body");
    assert_int_equal(talk_by_input(&t, answer.data, answer.len, &used),
                     FCGI_WAIT);
    (void)fcgi_exchange_eof(t.x, false);
    r.limited = false;
    assert_int_equal(fcgi_exchange_resume(t.x), FCGI_ERR_TRUNCATED);
    recorder_assert(&r, "[head 200][body]body");
    wire_free(&answer);
    recorder_free(&r);
    talk_close(&t);
}

static void resuming_what_is_not_paused_changes_nothing(void **state)
{
    struct talk t;
    (void)state;
    talk_open(&t);
    talk_ask(&t, NULL);
    assert_int_equal(fcgi_exchange_resume(t.x), FCGI_WAIT);
    (void)fcgi_exchange_cancel(t.x, FCGI_ERR_CANCELLED, NULL);
    assert_int_equal(fcgi_exchange_resume(t.x), FCGI_ERR_CANCELLED);
    talk_close(&t);
}

static void a_paused_response_does_not_stop_the_request(void **state)
{
    struct recorder r = {.limited = true, .budget = 0};
    const struct fcgi_request request = {.sink = recorder_sink(&r),
                                         .body = {.data = "abc", .len = 3}};
    struct wire answer = {0};
    struct talk t;
    size_t used;
    (void)state;
    talk_open(&t);
    talk_begin(&t, &request);
    wire_stdout(&answer, TALK_ID, HEAD "body");
    assert_int_equal(talk_by_input(&t, answer.data, answer.len, &used),
                     FCGI_WAIT);
    assert_true(fcgi_exchange_paused(t.x));
    talk_send_all(&t);
    assert_true(fcgi_exchange_sent_all(t.x));
    wire_free(&answer);
    recorder_free(&r);
    talk_close(&t);
}

/* Memory stays bounded however slow the sink is. */
static void a_large_body_to_a_sink_takes_no_more_memory(void **state)
{
    struct recorder r = {0};
    const struct fcgi_request request = {.sink = recorder_sink(&r)};
    struct wire noise = {0};
    struct wire answer = {0};
    struct talk t;
    size_t used;
    (void)state;
    wire_noise(&noise, 3000000);
    talk_open(&t);
    talk_ask(&t, &request);
    wire_stdout(&answer, TALK_ID, HEAD);
    talk_write_answer(&answer, noise.data, noise.len);
    assert_int_equal(talk_by_input(&t, answer.data, answer.len, &used),
                     FCGI_OK);
    assert_int_equal(r.taken, noise.len);
    assert_true(t.memory.peak < 160 * 1024);
    wire_free(&noise);
    wire_free(&answer);
    recorder_free(&r);
    talk_close(&t);
}

/* ---- landing ----------------------------------------------------------- */

static void a_large_body_is_received_right_where_it_stays(void **state)
{
    struct wire noise = {0};
    struct wire answer = {0};
    struct fcgi_memory room[2];
    struct talk t;
    (void)state;
    wire_noise(&noise, 60000);
    talk_open(&t);
    talk_ask(&t, NULL);
    wire_stdout(&answer, TALK_ID, "Content-Length: 60000\n\n");
    wire_padded(&answer, WIRE_STDOUT, TALK_ID, noise.data, noise.len);
    size_t ahead = answer.len - noise.len;
    assert_int_equal(talk_feed(&t, answer.data, ahead), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_input(t.x, room), 2);
    assert_true(room[0].cap - room[0].len <= noise.len);
    memcpy(room[0].data + room[0].len, noise.data, 50000);
    assert_int_equal(fcgi_exchange_received(t.x, 50000), FCGI_WAIT);
    assert_ptr_equal(t.response.body.data, room[0].data);
    assert_int_equal(t.response.body.len, 50000);
    assert_memory_equal(t.response.body.data, noise.data, 50000);
    assert_int_equal(t.response.body.data[50000], '\0');
    wire_free(&noise);
    wire_free(&answer);
    talk_close(&t);
}

/* With its length known, a body has its whole room at once, and never
 * moves. */
static void a_body_of_known_length_never_moves(void **state)
{
    struct wire noise = {0};
    struct wire answer = {0};
    struct talk t;
    size_t used;
    (void)state;
    wire_noise(&noise, 1000000);
    talk_open(&t);
    talk_ask(&t, NULL);
    wire_stdout(&answer, TALK_ID, "Content-Length: 1000000\n\n");
    wire_stream(&answer, WIRE_STDOUT, TALK_ID, noise.data, noise.len);
    assert_int_equal(talk_by_input(&t, answer.data, 100000, &used), FCGI_WAIT);
    const char *begin = t.response.body.data;
    assert_int_equal(
        talk_by_input(&t, answer.data + used, answer.len - used, &used),
        FCGI_WAIT);
    assert_ptr_equal(t.response.body.data, begin);
    assert_int_equal(t.response.body.len, noise.len);
    assert_memory_equal(t.response.body.data, noise.data, noise.len);
    wire_free(&noise);
    wire_free(&answer);
    talk_close(&t);
}

/* A Content-Length is only believed as far as the bytes come. */
static void an_enormous_content_length_takes_no_memory_by_itself(void **state)
{
    struct wire answer = {0};
    struct talk t;
    (void)state;
    talk_open(&t);
    talk_ask(&t, NULL);
    wire_stdout(&answer, TALK_ID,
                "Content-Length: 9000000000000000000\n\nbody");
    assert_int_equal(talk_answer(&t, &answer), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_eof(t.x, false), FCGI_ERR_TRUNCATED);
    assert_true(t.memory.peak < 200 * 1024);
    wire_free(&answer);
    talk_close(&t);
}

/* Whatever the mix of reads, landing gives what feeding gives. */
static void bodies_of_any_record_size_land_as_they_are_fed(void **state)
{
    static const size_t lengths[] = {1,    100,   4095,  4096,
                                     4097, 20000, 65528, 65535};
    static const size_t reads[] = {1, 7, 8, 9, 1000, 4096, 65536, 131072};
    struct wire noise = {0};
    (void)state;
    wire_noise(&noise, 65535);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (size_t j = 0; j < sizeof(reads) / sizeof(reads[0]); j++) {
            struct wire answer = {0};
            struct talk t;
            int status = FCGI_WAIT;
            talk_open(&t);
            talk_ask(&t, NULL);
            wire_stdout(&answer, TALK_ID, HEAD);
            wire_padded(&answer, WIRE_STDOUT, TALK_ID, noise.data, lengths[i]);
            wire_record(&answer, WIRE_STDOUT, TALK_ID, noise.data, lengths[i],
                        255);
            wire_end(&answer, TALK_ID, 0, WIRE_COMPLETE);
            for (size_t at = 0; at < answer.len;) {
                size_t n =
                    answer.len - at < reads[j] ? answer.len - at : reads[j];
                size_t used;
                status = talk_by_input(&t, answer.data + at, n, &used);
                assert_int_equal(used, n);
                at += n;
            }
            assert_int_equal(status, FCGI_OK);
            assert_int_equal(t.response.body.len, 2 * lengths[i]);
            assert_memory_equal(t.response.body.data, noise.data, lengths[i]);
            assert_memory_equal(t.response.body.data + lengths[i], noise.data,
                                lengths[i]);
            wire_free(&answer);
            talk_close(&t);
        }
    }
    wire_free(&noise);
}

static void nothing_received_is_nothing_done(void **state)
{
    struct fcgi_memory room[2];
    struct talk t;
    (void)state;
    talk_open(&t);
    talk_ask(&t, NULL);
    assert_true(fcgi_exchange_input(t.x, room) > 0);
    assert_int_equal(fcgi_exchange_received(t.x, 0), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_eof(t.x, false), FCGI_ERR_CLOSED);
    talk_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_body_and_stderr_are_handed_on_in_their_order),
        cmocka_unit_test(what_a_sink_takes_is_not_collected_too),
        cmocka_unit_test(what_has_no_function_is_collected),
        cmocka_unit_test(body_is_handed_on_as_it_arrives_not_record_by_record),
        cmocka_unit_test(the_head_is_handed_on_before_any_body_came),
        cmocka_unit_test(a_response_without_body_calls_no_body_function),
        cmocka_unit_test(a_sink_has_no_limit_on_body_and_stderr),
        cmocka_unit_test(the_excess_over_the_content_length_is_not_handed_on),
        cmocka_unit_test(a_malformed_head_hands_nothing_on),
        cmocka_unit_test(any_function_of_a_sink_cancels_with_any_code),
        cmocka_unit_test(a_sink_may_call_cancel_itself),
        cmocka_unit_test(
            a_sink_that_takes_more_than_was_offered_ends_the_request),
        cmocka_unit_test(a_sink_that_takes_less_pauses_the_response),
        cmocka_unit_test(a_paused_response_takes_nothing_until_it_is_resumed),
        cmocka_unit_test(resuming_offers_again_what_was_not_taken),
        cmocka_unit_test(a_sink_that_takes_nothing_is_offered_the_same_again),
        cmocka_unit_test(the_end_of_file_waits_for_a_paused_response),
        cmocka_unit_test(a_paused_response_that_is_cut_is_truncated_at_its_end),
        cmocka_unit_test(resuming_what_is_not_paused_changes_nothing),
        cmocka_unit_test(a_paused_response_does_not_stop_the_request),
        cmocka_unit_test(a_large_body_to_a_sink_takes_no_more_memory),
        cmocka_unit_test(a_large_body_is_received_right_where_it_stays),
        cmocka_unit_test(a_body_of_known_length_never_moves),
        cmocka_unit_test(an_enormous_content_length_takes_no_memory_by_itself),
        cmocka_unit_test(bodies_of_any_record_size_land_as_they_are_fed),
        cmocka_unit_test(nothing_received_is_nothing_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
