/*
 * How an exchange reads the records of an answer: which are the response's,
 * which are skipped, which are errors.
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

/* Complete the answer, bring it, and look at the status; free all. */
static void finish(struct talk *t, struct wire *answer, int expected)
{
    wire_end(answer, TALK_ID, 0, WIRE_COMPLETE);
    assert_int_equal(talk_answer(t, answer), expected);
    wire_free(answer);
}

/* ---- records of the response ------------------------------------------- */

static void stdout_of_many_records_is_one_body(void **state)
{
    struct wire answer;
    struct talk *t = *state;
    open_answered(t, &answer);
    wire_stdout(&answer, TALK_ID, "one, ");
    wire_stdout(&answer, TALK_ID, "two, ");
    wire_stdout(&answer, TALK_ID, "three");
    wire_stdout(&answer, TALK_ID, "");
    finish(t, &answer, FCGI_OK);
    assert_int_equal(t->response.status, 200);
    talk_assert_text(t->response.body, "one, two, three");
    assert_true(fcgi_exchange_reusable(t->x));
}

static void a_body_may_begin_in_the_record_of_the_head(void **state)
{
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, HEAD "body"), FCGI_OK);
    talk_assert_text(t->response.body, "body");
}

static void stderr_never_mixes_with_stdout(void **state)
{
    struct wire answer = {0};
    struct talk *t = *state;
    talk_ask(t, NULL);
    wire_stderr(&answer, TALK_ID, "before;");
    wire_stdout(&answer, TALK_ID, "Content-Type: te");
    wire_stderr(&answer, TALK_ID, "amid the head;");
    wire_stdout(&answer, TALK_ID, "xt/plain\r\n\r\nbo");
    wire_stderr(&answer, TALK_ID, "amid the body;");
    wire_stdout(&answer, TALK_ID, "dy");
    wire_stderr(&answer, TALK_ID, "after");
    finish(t, &answer, FCGI_OK);
    talk_assert_text(t->response.body, "body");
    talk_assert_text(t->response.stderr_data,
                     "before;amid the head;amid the body;after");
    assert_string_equal(fcgi_response_field(&t->response, "content-type", 0),
                        "text/plain");
}

static void empty_stdout_and_stderr_end_nothing(void **state)
{
    struct wire answer;
    struct talk *t = *state;
    open_answered(t, &answer);
    wire_stderr(&answer, TALK_ID, "");
    wire_stdout(&answer, TALK_ID, "");
    wire_stdout(&answer, TALK_ID, "body");
    wire_stderr(&answer, TALK_ID, "");
    wire_stdout(&answer, TALK_ID, "");
    finish(t, &answer, FCGI_OK);
    talk_assert_text(t->response.body, "body");
    talk_assert_text(t->response.stderr_data, "");
}

static void a_missing_empty_stdout_is_fine(void **state)
{
    struct wire answer;
    struct talk *t = *state;
    open_answered(t, &answer);
    wire_stdout(&answer, TALK_ID, "body");
    finish(t, &answer, FCGI_OK);
    assert_true(fcgi_exchange_reusable(t->x));
}

/* All lengths there are; 65,535 with padding wraps a sum of 16 bits. */
static void
every_content_length_is_received_and_its_padding_drained(void **state)
{
    static const size_t paddings[] = {0, 7, 255};
    struct wire noise = {0};
    struct wire answer = {0};
    struct talk *t = *state;
    wire_noise(&noise, 65535);
    for (size_t len = 0; len <= 65535; len++) {
        talk_ask(t, NULL);
        wire_clear(&t->sent);
        wire_clear(&answer);
        wire_stdout(&answer, TALK_ID, HEAD);
        wire_record(&answer, WIRE_STDOUT, TALK_ID, noise.data, len,
                    paddings[len % 3]);
        wire_end(&answer, TALK_ID, 0, WIRE_COMPLETE);
        if (talk_answer(t, &answer) != FCGI_OK ||
            !fcgi_exchange_reusable(t->x) || t->response.body.len != len ||
            memcmp(t->response.body.data, noise.data, len) != 0) {
            fail_msg("content of %zu bytes, padding of %zu", len,
                     paddings[len % 3]);
        }
    }
    wire_free(&noise);
    wire_free(&answer);
}

static void padding_of_any_length_is_drained_on_every_record_type(void **state)
{
    static const int types[] = {WIRE_STDOUT, WIRE_STDERR, WIRE_UNKNOWN_TYPE};
    struct wire answer = {0};
    struct talk *t = *state;
    for (size_t padding = 0; padding <= 255; padding++) {
        talk_ask(t, NULL);
        wire_clear(&answer);
        for (size_t i = 0; i < 3; i++) {
            int id = types[i] == WIRE_UNKNOWN_TYPE ? 0 : TALK_ID;
            wire_record(&answer, types[i], id, NULL, 0, padding);
            wire_record(&answer, types[i], id, "A: b\n\n", 6, padding);
            wire_record(&answer, types[i], id, NULL, 0, padding);
        }
        wire_record(&answer, WIRE_END, TALK_ID, "\0\0\0\0\0\0\0\0", 8, padding);
        assert_int_equal(talk_answer(t, &answer), FCGI_OK);
        assert_true(fcgi_exchange_reusable(t->x));
        talk_assert_text(t->response.body, "");
        talk_assert_text(t->response.stderr_data, "A: b\n\n");
    }
    wire_free(&answer);
}

/* ---- records that are not the response's ------------------------------- */

/* Bring one record amid a good answer, and see what comes of it. */
static void assert_amid(void **state, int type, int id, int expected,
                        bool reusable)
{
    struct wire answer;
    struct talk *t = *state;
    open_answered(t, &answer);
    wire_record(&answer, type, id, "not the body", 12, 4);
    wire_stdout(&answer, TALK_ID, "body");
    finish(t, &answer, expected);
    if (expected == FCGI_OK) {
        talk_assert_text(t->response.body, "body");
        talk_assert_text(t->response.stderr_data, "");
    } else {
        talk_assert_text(t->response.body, "");
    }
    if (fcgi_exchange_reusable(t->x) != reusable) {
        fail_msg("type %d, id %d: reusable is not %d", type, id, reusable);
    }
}

static void an_unknown_management_record_is_skipped(void **state)
{
    for (int type = WIRE_GET_VALUES; type < 256; type++) {
        assert_amid(state, type, 0, FCGI_OK, true);
    }
}

static void a_record_of_id_0_that_is_no_management_is_skipped(void **state)
{
    for (int type = WIRE_BEGIN; type <= WIRE_DATA; type++) {
        if (type != WIRE_END) {
            assert_amid(state, type, 0, FCGI_OK, false);
        }
    }
}

/* A late record of an earlier request must not pass for this one's. */
static void
a_record_of_an_earlier_request_is_never_part_of_the_response(void **state)
{
    static const int ids[] = {1, TALK_ID & 0xff, TALK_ID & 0xff00, TALK_ID - 1};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        for (int type = WIRE_BEGIN; type <= WIRE_UNKNOWN_TYPE; type++) {
            assert_amid(state, type, ids[i], FCGI_OK, false);
        }
    }
}

static void
a_record_of_a_request_not_yet_made_is_never_part_of_the_response(void **state)
{
    static const int ids[] = {TALK_ID + 1, 0xff00, 0xffff};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        for (int type = WIRE_BEGIN; type <= WIRE_UNKNOWN_TYPE; type++) {
            if (type != WIRE_END) {
                assert_amid(state, type, ids[i], FCGI_OK, false);
            }
        }
    }
}

/* Else the request would wait for an end that has come already. */
static void an_end_of_a_request_never_made_ends_this_one(void **state)
{
    static const int ids[] = {0, TALK_ID + 1, 0xff00, 0xffff};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        assert_amid(state, WIRE_END, ids[i], FCGI_ERR_BAD_ID, false);
    }
}

static void an_answer_under_an_id_never_used_ends_with_its_header(void **state)
{
    struct wire answer = {0};
    struct talk *t = *state;
    talk_ask(t, NULL);
    wire_stdout(&answer, TALK_ID + 1, HEAD "body");
    wire_end(&answer, TALK_ID + 1, 0, WIRE_COMPLETE);
    assert_int_equal(talk_feed(t, answer.data, answer.len - 9), FCGI_WAIT);
    assert_int_equal(talk_feed(t, answer.data + answer.len - 9, 1),
                     FCGI_ERR_BAD_ID);
    assert_int_equal(t->response.status, 0);
    assert_int_equal(t->response.protocol_status, -1);
    talk_assert_text(t->response.body, "");
    assert_false(fcgi_exchange_reusable(t->x));
    wire_free(&answer);
}

/* Of the ids of a connection, none is above the last. */
static void with_the_last_id_only_the_end_of_id_0_is_of_no_request(void **state)
{
    struct wire answer = {0};
    struct talk *t = *state;
    for (int id = 0; id <= 0xfffe; id += 0xfffe) {
        const struct fcgi_request request = {.param_count = 0};
        assert_int_equal(
            fcgi_exchange_begin(t->x, &request, &t->response, 0xffff, 0),
            FCGI_OK);
        wire_clear(&answer);
        wire_end(&answer, id, 0, WIRE_COMPLETE);
        assert_int_equal(talk_feed(t, answer.data, answer.len),
                         id == 0 ? FCGI_ERR_BAD_ID : FCGI_WAIT);
    }
    wire_free(&answer);
}

static void an_unknown_record_of_another_request_is_a_bad_record(void **state)
{
    assert_amid(state, 0, TALK_ID + 1, FCGI_ERR_BAD_RECORD, false);
    for (int type = 12; type < 256; type++) {
        assert_amid(state, type, TALK_ID + 1, FCGI_ERR_BAD_RECORD, false);
    }
}

/* Caddy takes whatever is not STDERR for the body. */
static void a_record_an_application_never_sends_is_a_bad_record(void **state)
{
    for (int type = 0; type < 256; type++) {
        if (type != WIRE_STDOUT && type != WIRE_STDERR && type != WIRE_END) {
            assert_amid(state, type, TALK_ID, FCGI_ERR_BAD_RECORD, false);
        }
    }
}

/* ---- not FastCGI at all ------------------------------------------------ */

static int status_of_bytes(void **state, const char *bytes, size_t len)
{
    struct talk *t = *state;
    talk_anew(t);
    talk_ask(t, NULL);
    int status = talk_feed(t, bytes, len);
    assert_int_equal(t->response.status, 0);
    assert_false(fcgi_exchange_reusable(t->x));
    return status;
}

static void a_peer_that_speaks_http_or_tls_is_told_so(void **state)
{
    assert_int_equal(
        status_of_bytes(state, "HTTP/1.1 400 Bad Request\r\n\r\n", 28),
        FCGI_ERR_NOT_FASTCGI);
    assert_int_equal(status_of_bytes(state, "\x15\3\1\0\2\2\x16", 7),
                     FCGI_ERR_NOT_FASTCGI);
    assert_int_equal(status_of_bytes(state, "\x16\3\1\0\2\2\x16\0\0", 9),
                     FCGI_ERR_NOT_FASTCGI);
}

static void the_first_byte_is_enough_to_tell_another_version(void **state)
{
    for (int byte = 0; byte < 256; byte++) {
        const char first = (char)byte;
        int expected = byte == 1 ? FCGI_WAIT : FCGI_ERR_INVALID_HEADER;
        if (byte == 'H' || byte == 0x15 || byte == 0x16) {
            expected = FCGI_ERR_NOT_FASTCGI;
        }
        assert_int_equal(status_of_bytes(state, &first, 1), expected);
    }
}

/* Behind a good record the same bytes are a broken one, not another
 * protocol. */
static void another_version_amid_an_answer_is_an_invalid_header(void **state)
{
    static const char *const bytes[] = {"HTTP/1.1 200 OK", "\x16\3\1\0\2\2\x16",
                                        "\2\6\0\1\0\0\0\0"};
    for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
        struct wire answer;
        struct talk *t = *state;
        open_answered(t, &answer);
        wire_append(&answer, bytes[i], 7);
        assert_int_equal(talk_answer(t, &answer), FCGI_ERR_INVALID_HEADER);
        assert_int_equal(t->response.status, 200);
        wire_free(&answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        talk_test(stdout_of_many_records_is_one_body),
        talk_test(a_body_may_begin_in_the_record_of_the_head),
        talk_test(stderr_never_mixes_with_stdout),
        talk_test(empty_stdout_and_stderr_end_nothing),
        talk_test(a_missing_empty_stdout_is_fine),
        talk_test(every_content_length_is_received_and_its_padding_drained),
        talk_test(padding_of_any_length_is_drained_on_every_record_type),
        talk_test(an_unknown_management_record_is_skipped),
        talk_test(a_record_of_id_0_that_is_no_management_is_skipped),
        talk_test(a_record_of_an_earlier_request_is_never_part_of_the_response),
        talk_test(
            a_record_of_a_request_not_yet_made_is_never_part_of_the_response),
        talk_test(an_end_of_a_request_never_made_ends_this_one),
        talk_test(an_answer_under_an_id_never_used_ends_with_its_header),
        talk_test(with_the_last_id_only_the_end_of_id_0_is_of_no_request),
        talk_test(an_unknown_record_of_another_request_is_a_bad_record),
        talk_test(a_record_an_application_never_sends_is_a_bad_record),
        talk_test(a_peer_that_speaks_http_or_tls_is_told_so),
        talk_test(the_first_byte_is_enough_to_tell_another_version),
        talk_test(another_version_amid_an_answer_is_an_invalid_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
