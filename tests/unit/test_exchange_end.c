/*
 * How a request ends: by FCGI_END_REQUEST or by the end of file; and whether
 * its connection may carry another one.
 */
#include <string.h>

#include <fcgi_client/exchange.h>

#include "talk.h"
#include "test.h"

#define HEAD "Content-Type: text/plain\r\n\r\n"

/* Ask, and make an answer begin with a head. */
static void open_answered(struct talk *t, struct wire *answer)
{
    memset(answer, 0, sizeof(*answer));
    talk_anew(t);
    talk_ask(t, NULL);
    wire_stdout(answer, TALK_ID, HEAD);
}

/* ---- the end of a request ---------------------------------------------- */

static void
a_request_ends_only_when_the_padding_of_its_end_is_drained(void **state)
{
    struct wire answer;
    struct talk *t = *state;
    open_answered(t, &answer);
    wire_record(&answer, WIRE_END, TALK_ID, "\0\0\0\0\0\0\0\0", 8, 255);
    assert_int_equal(talk_feed(t, answer.data, answer.len - 1), FCGI_WAIT);
    assert_false(fcgi_exchange_reusable(t->x));
    assert_int_equal(talk_feed(t, answer.data + answer.len - 1, 1), FCGI_OK);
    assert_true(fcgi_exchange_reusable(t->x));
    wire_free(&answer);
}

static void
an_end_with_its_padding_missing_is_good_but_not_reusable(void **state)
{
    for (size_t missing = 1; missing <= 9; missing++) {
        bool whole = missing <= 8;
        struct wire answer;
        struct talk *t = *state;
        open_answered(t, &answer);
        wire_record(&answer, WIRE_END, TALK_ID, "\0\0\0\0\0\0\0\0", 8, 8);
        assert_int_equal(talk_feed(t, answer.data, answer.len - missing),
                         FCGI_WAIT);
        assert_int_equal(fcgi_exchange_eof(t->x, missing % 2 == 0),
                         whole ? FCGI_OK : FCGI_ERR_TRUNCATED);
        assert_false(fcgi_exchange_reusable(t->x));
        wire_free(&answer);
    }
}

static void all_32_bits_of_the_app_status_arrive(void **state)
{
    static const uint32_t statuses[] = {0,          1,          255,       256,
                                        0x80000000, 0xfedcba98, 0xffffffff};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        struct wire answer;
        struct talk *t = *state;
        open_answered(t, &answer);
        wire_end(&answer, TALK_ID, statuses[i], WIRE_COMPLETE);
        assert_int_equal(talk_answer(t, &answer), FCGI_OK);
        assert_int_equal(t->response.app_status, statuses[i]);
        assert_int_equal(t->response.protocol_status, WIRE_COMPLETE);
        wire_free(&answer);
    }
}

static void each_protocol_status_is_its_own_error(void **state)
{
    static const int expected[] = {FCGI_OK, FCGI_ERR_CANT_MPX_CONN,
                                   FCGI_ERR_OVERLOADED, FCGI_ERR_UNKNOWN_ROLE};
    for (int status = 0; status < 256; status++) {
        struct wire answer;
        struct talk *t = *state;
        open_answered(t, &answer);
        wire_end(&answer, TALK_ID, 7, status);
        assert_int_equal(talk_answer(t, &answer),
                         status < 4 ? expected[status]
                                    : FCGI_ERR_PROTOCOL_STATUS);
        assert_int_equal(t->response.protocol_status, status);
        assert_int_equal(t->response.app_status, 7);
        assert_int_equal(fcgi_exchange_reusable(t->x), status == 0);
        wire_free(&answer);
    }
}

/* An application that refuses sends no head: its refusal is the error. */
static void a_refusal_without_a_head_is_not_a_missing_head(void **state)
{
    struct wire answer = {0};
    struct talk *t = *state;
    talk_ask(t, NULL);
    wire_end(&answer, TALK_ID, 0, WIRE_OVERLOADED);
    assert_int_equal(talk_answer(t, &answer), FCGI_ERR_OVERLOADED);
    wire_free(&answer);
}

static void an_end_shorter_than_8_bytes_is_a_bad_record(void **state)
{
    for (size_t len = 0; len < 8; len++) {
        struct wire answer;
        struct talk *t = *state;
        open_answered(t, &answer);
        wire_record(&answer, WIRE_END, TALK_ID, "\0\0\0\0\0\0\0\0", len, 8);
        assert_int_equal(talk_answer(t, &answer), FCGI_ERR_BAD_RECORD);
        assert_false(fcgi_exchange_reusable(t->x));
        wire_free(&answer);
    }
}

static void an_end_longer_than_8_bytes_is_understood(void **state)
{
    struct wire answer;
    struct talk *t = *state;
    open_answered(t, &answer);
    wire_record(&answer, WIRE_END, TALK_ID, "\0\0\0\5\0\0\0\0more", 12, 4);
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    assert_int_equal(t->response.app_status, 5);
    assert_true(fcgi_exchange_reusable(t->x));
    wire_free(&answer);
}

/* Unread bytes left on a connection would answer the next request. */
static void bytes_behind_the_end_make_the_connection_useless(void **state)
{
    for (int together = 0; together < 2; together++) {
        struct wire answer;
        struct talk *t = *state;
        size_t used;
        open_answered(t, &answer);
        wire_end(&answer, TALK_ID, 0, WIRE_COMPLETE);
        size_t whole = answer.len;
        wire_end(&answer, TALK_ID, 0, WIRE_COMPLETE);
        if (together == 0) {
            assert_int_equal(talk_feed(t, answer.data, whole), FCGI_OK);
            assert_true(fcgi_exchange_reusable(t->x));
            assert_int_equal(fcgi_exchange_feed(t->x, answer.data + whole,
                                                answer.len - whole, &used),
                             FCGI_OK);
            assert_int_equal(used, 0);
        } else {
            assert_int_equal(
                fcgi_exchange_feed(t->x, answer.data, answer.len, &used),
                FCGI_OK);
            assert_int_equal(used, whole);
        }
        assert_false(fcgi_exchange_reusable(t->x));
        wire_free(&answer);
    }
}

static void a_single_byte_received_behind_the_end_is_noticed(void **state)
{
    struct wire answer;
    struct talk *t = *state;
    size_t used;
    open_answered(t, &answer);
    wire_end(&answer, TALK_ID, 0, WIRE_COMPLETE);
    wire_text(&answer, "\1");
    assert_int_equal(talk_by_input(t, answer.data, answer.len, &used), FCGI_OK);
    assert_false(fcgi_exchange_reusable(t->x));
    wire_free(&answer);
}

/* ---- the end of file --------------------------------------------------- */

static void the_end_of_file_before_any_byte_is_closed(void **state)
{
    struct talk *t = *state;
    talk_ask(t, NULL);
    assert_int_equal(fcgi_exchange_eof(t->x, false), FCGI_ERR_CLOSED);
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_ERR_CLOSED);
    assert_int_equal(t->response.status, 0);
    assert_int_equal(t->response.protocol_status, -1);
    assert_int_equal(t->response.outcome.first_byte_us, -1);
}

static void the_end_of_file_after_one_byte_is_a_truncation(void **state)
{
    struct talk *t = *state;
    talk_ask(t, NULL);
    assert_int_equal(talk_feed(t, "\1", 1), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_eof(t->x, false), FCGI_ERR_TRUNCATED);
}

/* Success elsewhere: a whole response, but FCGI_END_REQUEST never came. */
static void the_end_of_file_without_an_end_request_is_a_truncation(void **state)
{
    struct wire answer;
    struct talk *t = *state;
    open_answered(t, &answer);
    wire_stdout(&answer, TALK_ID, "body");
    wire_stdout(&answer, TALK_ID, "");
    assert_int_equal(talk_answer(t, &answer), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_eof(t->x, false), FCGI_ERR_TRUNCATED);
    talk_assert_text(t->response.body, "body");
    assert_int_equal(t->response.status, 200);
    assert_int_equal(t->response.protocol_status, -1);
    assert_false(fcgi_exchange_reusable(t->x));
    wire_free(&answer);
}

static void a_reset_is_told_apart_from_the_end_of_file(void **state)
{
    struct wire answer;
    struct talk *t = *state;
    open_answered(t, &answer);
    assert_int_equal(talk_answer(t, &answer), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_eof(t->x, true), FCGI_ERR_RESET);
    talk_ask(t, NULL);
    assert_int_equal(fcgi_exchange_eof(t->x, true), FCGI_ERR_RESET);
    wire_free(&answer);
}

static void
the_end_of_file_changes_nothing_about_a_request_that_ended(void **state)
{
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, HEAD), FCGI_OK);
    assert_int_equal(fcgi_exchange_eof(t->x, false), FCGI_OK);
    assert_false(fcgi_exchange_reusable(t->x));
    talk_ask(t, NULL);
    (void)fcgi_exchange_cancel(t->x, FCGI_ERR_DEADLINE, NULL);
    assert_int_equal(fcgi_exchange_eof(t->x, true), FCGI_ERR_DEADLINE);
}

static void what_came_before_the_end_of_file_stays_readable(void **state)
{
    struct wire answer = {0};
    struct talk *t = *state;
    talk_ask(t, NULL);
    wire_stderr(&answer, TALK_ID, "oh no");
    wire_stdout(&answer, TALK_ID, "Content-Ty");
    assert_int_equal(talk_answer(t, &answer), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_eof(t->x, false), FCGI_ERR_TRUNCATED);
    talk_assert_text(t->response.stderr_data, "oh no");
    talk_assert_text(t->response.body, "Content-Ty");
    assert_int_equal(t->response.status, 0);
    wire_free(&answer);
}

/* ---- one request after another ----------------------------------------- */

static void a_second_request_on_the_exchange_starts_afresh(void **state)
{
    struct wire answer = {0};
    struct talk *t = *state;
    talk_ask(t, NULL);
    wire_stderr(&answer, TALK_ID, "first");
    wire_stdout(&answer, TALK_ID, "Status: 500\nX: 1\n\nfirst body");
    wire_end(&answer, TALK_ID, 9, WIRE_COMPLETE);
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    wire_clear(&answer);
    talk_ask(t, NULL);
    assert_int_equal(t->response.status, 0);
    assert_int_equal(t->response.protocol_status, -1);
    talk_write_text(&answer, "Y: 2\n\n");
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    assert_int_equal(t->response.status, 200);
    assert_int_equal(t->response.field_count, 1);
    assert_null(fcgi_response_field(&t->response, "X", 0));
    assert_int_equal(t->response.app_status, 0);
    talk_assert_text(t->response.body, "");
    talk_assert_text(t->response.stderr_data, "");
    assert_true(fcgi_exchange_reusable(t->x));
    wire_free(&answer);
}

/* Whatever spoilt the connection of one request does not spoil the next's. */
static void what_spoilt_one_request_does_not_spoil_the_next(void **state)
{
    struct wire answer = {0};
    struct talk *t = *state;
    size_t used;
    wire_stdout(&answer, TALK_ID + 1, "another's");
    talk_write_text(&answer, HEAD);
    wire_append(&answer, "\1", 1);
    for (int what = 0; what < 4; what++) {
        talk_ask(t, NULL);
        size_t from = what == 0 ? 0 : 8 + 16;
        size_t to = what == 1 ? answer.len : answer.len - 1;
        if (what == 2) {
            fcgi_exchange_send_failed(t->x);
        }
        assert_int_equal(talk_by_feed(t, answer.data + from, to - from, &used),
                         FCGI_OK);
        assert_int_equal(fcgi_exchange_reusable(t->x), what == 3);
        (void)fcgi_exchange_eof(t->x, what == 3);
    }
    wire_free(&answer);
}

static void beginning_gives_up_a_request_under_way(void **state)
{
    struct wire answer;
    struct talk *t = *state;
    open_answered(t, &answer);
    wire_stdout(&answer, TALK_ID, "half a bo");
    assert_int_equal(talk_feed(t, answer.data, answer.len - 5), FCGI_WAIT);
    wire_clear(&answer);
    talk_ask(t, NULL);
    talk_write_text(&answer, "A: b\n\nnew");
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    talk_assert_text(t->response.body, "new");
    wire_free(&answer);
}

static void an_error_is_followed_by_a_good_request(void **state)
{
    struct wire answer = {0};
    struct talk *t = *state;
    talk_ask(t, NULL);
    assert_int_equal(talk_feed(t, "HTTP", 4), FCGI_ERR_NOT_FASTCGI);
    talk_ask(t, NULL);
    talk_write_text(&answer, "A: b\n\nnew");
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    talk_assert_text(t->response.body, "new");
    wire_free(&answer);
}

/* ---- both directions at a time ----------------------------------------- */

static void an_early_end_stops_the_upload_and_keeps_the_response(void **state)
{
    struct wire noise = {0};
    struct wire answer = {0};
    struct fcgi_slice slices[4];
    struct talk *t = *state;
    wire_noise(&noise, 200000);
    const struct fcgi_request request = {
        .body = {.data = noise.data, .len = noise.len}};
    talk_begin(t, &request);
    assert_int_equal(talk_send(t, 1000), 1000);
    talk_write_text(&answer, "Status: 413\n\nToo much");
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    assert_int_equal(t->response.status, 413);
    talk_assert_text(t->response.body, "Too much");
    assert_int_equal(fcgi_exchange_output(t->x, slices, 4), 0);
    assert_false(fcgi_exchange_sent_all(t->x));
    assert_false(fcgi_exchange_reusable(t->x));
    wire_free(&noise);
    wire_free(&answer);
}

static void an_answer_may_begin_before_the_request_is_sent(void **state)
{
    struct wire answer;
    struct talk *t = *state;
    open_answered(t, &answer);
    talk_begin(t, NULL);
    wire_clear(&t->sent);
    assert_int_equal(talk_answer(t, &answer), FCGI_WAIT);
    assert_int_equal(t->response.status, 200);
    talk_send_all(t);
    wire_clear(&answer);
    wire_end(&answer, TALK_ID, 0, WIRE_COMPLETE);
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    wire_free(&answer);
    assert_true(fcgi_exchange_reusable(t->x));
}

/* EPIPE or ECONNRESET on sending: what the application said before wins. */
static void an_answer_wins_over_a_send_that_failed(void **state)
{
    struct wire noise = {0};
    struct wire answer = {0};
    struct fcgi_slice slices[4];
    struct talk *t = *state;
    wire_noise(&noise, 200000);
    const struct fcgi_request request = {
        .body = {.data = noise.data, .len = noise.len}};
    talk_begin(t, &request);
    assert_int_equal(talk_send(t, 1000), 1000);
    fcgi_exchange_send_failed(t->x);
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_output(t->x, slices, 4), 0);
    talk_write_text(&answer, "Status: 413\n\nToo much");
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    assert_int_equal(t->response.status, 413);
    talk_assert_text(t->response.body, "Too much");
    assert_false(fcgi_exchange_reusable(t->x));
    wire_free(&noise);
    wire_free(&answer);
}

static void a_send_that_failed_without_an_answer_is_the_peers_end(void **state)
{
    struct talk *t = *state;
    talk_begin(t, NULL);
    fcgi_exchange_send_failed(t->x);
    assert_int_equal(fcgi_exchange_eof(t->x, true), FCGI_ERR_RESET);
    talk_begin(t, NULL);
    fcgi_exchange_send_failed(t->x);
    assert_int_equal(fcgi_exchange_eof(t->x, false), FCGI_ERR_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        talk_test(a_request_ends_only_when_the_padding_of_its_end_is_drained),
        talk_test(an_end_with_its_padding_missing_is_good_but_not_reusable),
        talk_test(all_32_bits_of_the_app_status_arrive),
        talk_test(each_protocol_status_is_its_own_error),
        talk_test(a_refusal_without_a_head_is_not_a_missing_head),
        talk_test(an_end_shorter_than_8_bytes_is_a_bad_record),
        talk_test(an_end_longer_than_8_bytes_is_understood),
        talk_test(bytes_behind_the_end_make_the_connection_useless),
        talk_test(a_single_byte_received_behind_the_end_is_noticed),
        talk_test(the_end_of_file_before_any_byte_is_closed),
        talk_test(the_end_of_file_after_one_byte_is_a_truncation),
        talk_test(the_end_of_file_without_an_end_request_is_a_truncation),
        talk_test(a_reset_is_told_apart_from_the_end_of_file),
        talk_test(the_end_of_file_changes_nothing_about_a_request_that_ended),
        talk_test(what_came_before_the_end_of_file_stays_readable),
        talk_test(a_second_request_on_the_exchange_starts_afresh),
        talk_test(what_spoilt_one_request_does_not_spoil_the_next),
        talk_test(beginning_gives_up_a_request_under_way),
        talk_test(an_error_is_followed_by_a_good_request),
        talk_test(an_early_end_stops_the_upload_and_keeps_the_response),
        talk_test(an_answer_may_begin_before_the_request_is_sent),
        talk_test(an_answer_wins_over_a_send_that_failed),
        talk_test(a_send_that_failed_without_an_answer_is_the_peers_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
