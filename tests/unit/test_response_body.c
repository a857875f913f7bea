/*
 * The body of a response: held against its Content-Length, and absent where
 * the request or the status says so.
 */
#include <string.h>

#include <fcgi_client/response.h>

#include "../../src/exchange/response.h"
#include "recorder.h"
#include "talk.h"
#include "test.h"

static void a_body_may_hold_any_byte(void **state)
{
    struct wire text = {0};
    struct talk *t = *state;
    wire_text(&text, "A: b\n\n");
    for (int byte = 0; byte < 256; byte++) {
        const uint8_t one = (uint8_t)byte;
        wire_append(&text, &one, 1);
    }
    assert_int_equal(talk_anew_request(t, NULL, text.data, text.len), FCGI_OK);
    assert_int_equal(t->response.body.len, 256);
    assert_memory_equal(t->response.body.data, text.data + 6, 256);
    wire_free(&text);
}

static void a_body_of_several_mib_is_collected_whole(void **state)
{
    struct wire text = {0};
    struct talk *t = *state;
    wire_text(&text, "A: b\n\n");
    wire_noise(&text, 5000000);
    assert_int_equal(talk_anew_request(t, NULL, text.data, text.len), FCGI_OK);
    assert_int_equal(t->response.body.len, 5000000);
    assert_memory_equal(t->response.body.data, text.data + 6, 5000000);
    assert_int_equal(t->response.body.data[5000000], '\0');
    wire_free(&text);
}

static void
there_is_memory_for_the_nul_behind_a_body_of_any_length(void **state)
{
    struct talk *t = *state;
    talk_ask(t, NULL);
    for (size_t len = 0; len < 5000; len++) {
        struct wire answer = {0};
        wire_stdout(&answer, TALK_ID, len == 0 ? "A: b\n\nx" : "x");
        assert_int_equal(talk_answer(t, &answer), FCGI_WAIT);
        assert_int_equal(t->response.body.len, len + 1);
        assert_true(t->response.store->body.cap > len + 1);
        wire_free(&answer);
    }
    assert_int_equal(fcgi_exchange_eof(t->x, false), FCGI_ERR_TRUNCATED);
}

/* ---- Content-Length ---------------------------------------------------- */

static void a_body_of_its_content_length_is_fine(void **state)
{
    static const char *const texts[] = {"Content-Length: 4\n\nbody",
                                        "content-length:004\r\n\r\nbody",
                                        "Content-Length: \t4 \n\nbody"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct talk *t = *state;
        assert_int_equal(talk_anew_get(t, texts[i]), FCGI_OK);
        talk_assert_text(t->response.body, "body");
        assert_true(fcgi_exchange_reusable(t->x));
    }
}

static void a_content_length_of_0_is_a_body_of_none(void **state)
{
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, "Content-Length: 0\n\n"), FCGI_OK);
    talk_assert_text(t->response.body, "");
    assert_int_equal(talk_anew_get(t, "Content-Length: 0\n\nx"),
                     FCGI_ERR_BODY_LONG);
    talk_assert_text(t->response.body, "");
}

static void a_body_shorter_than_its_content_length_is_an_error(void **state)
{
    static const char *const bodies[] = {"", "b", "bod"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct wire text = {0};
        struct talk *t = *state;
        wire_text(&text, "Content-Length: 4\n\n");
        wire_text(&text, bodies[i]);
        assert_int_equal(talk_anew_request(t, NULL, text.data, text.len),
                         FCGI_ERR_BODY_SHORT);
        talk_assert_text(t->response.body, bodies[i]);
        assert_int_equal(t->response.status, 200);
        assert_false(fcgi_exchange_reusable(t->x));
        wire_free(&text);
    }
}

static void the_excess_over_the_content_length_is_an_error(void **state)
{
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, "Content-Length: 4\n\nbody!"),
                     FCGI_ERR_BODY_LONG);
    talk_assert_text(t->response.body, "body");
    assert_int_equal(t->response.status, 200);
    assert_false(fcgi_exchange_reusable(t->x));
}

/* Also where it lands in place, and in a record of its own. */
static void the_excess_is_noticed_in_whatever_record_it_comes(void **state)
{
    struct wire noise = {0};
    struct wire answer = {0};
    struct talk *t = *state;
    size_t used;
    wire_noise(&noise, 60001);
    for (size_t first = 59990; first <= 60001; first++) {
        wire_clear(&answer);
        wire_stdout(&answer, TALK_ID, "Content-Length: 60000\n\n");
        wire_record(&answer, WIRE_STDOUT, TALK_ID, noise.data, first, 0);
        talk_write_answer(&answer, noise.data + first, 60001 - first);
        talk_anew(t);
        talk_ask(t, NULL);
        assert_int_equal(talk_by_input(t, answer.data, answer.len, &used),
                         FCGI_ERR_BODY_LONG);
        assert_int_equal(t->response.body.len, 60000);
        assert_memory_equal(t->response.body.data, noise.data, 60000);
    }
    wire_free(&noise);
    wire_free(&answer);
}

/* The end of file is what went wrong, not the length. */
static void a_truncated_body_is_a_truncation_not_a_short_body(void **state)
{
    struct wire answer = {0};
    struct talk *t = *state;
    talk_ask(t, NULL);
    wire_stdout(&answer, TALK_ID, "Content-Length: 4\n\nbo");
    assert_int_equal(talk_answer(t, &answer), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_eof(t->x, false), FCGI_ERR_TRUNCATED);
    talk_assert_text(t->response.body, "bo");
    wire_free(&answer);
}

static void a_refusal_amid_the_body_is_not_a_short_body(void **state)
{
    struct wire answer = {0};
    struct talk *t = *state;
    talk_ask(t, NULL);
    wire_stdout(&answer, TALK_ID, "Content-Length: 4\n\nbo");
    wire_end(&answer, TALK_ID, 0, WIRE_OVERLOADED);
    assert_int_equal(talk_answer(t, &answer), FCGI_ERR_OVERLOADED);
    wire_free(&answer);
}

/* ---- no body at all ---------------------------------------------------- */

/* Ask by this method; the answer has a body that may not be handed on. */
static void assert_bodiless(void **state, const struct fcgi_request *asked,
                            const char *text)
{
    struct recorder r = {0};
    struct fcgi_request request = *asked;
    struct talk *t = *state;
    assert_int_equal(talk_anew_text(t, &request, text), FCGI_OK);
    talk_assert_text(t->response.body, "");
    assert_true(fcgi_exchange_reusable(t->x));
    request.sink = recorder_sink(&r);
    assert_int_equal(talk_anew_text(t, &request, text), FCGI_OK);
    assert_int_equal(r.heads, 1);
    assert_int_equal(r.bodies, 0);
    recorder_free(&r);
}

static void a_head_request_has_no_body(void **state)
{
    const struct fcgi_param strings[] = {FCGI_PARAM("REQUEST_METHOD", "HEAD")};
    const struct fcgi_param counted[] = {{"REQUEST_METHOD?", "HEAD?", 14, 4}};
    const struct fcgi_request requests[] = {
        {.params = strings, .param_count = 1},
        {.params = counted, .param_count = 1}};
    for (size_t i = 0; i < 2; i++) {
        assert_bodiless(state, &requests[i], "A: b\n\nbody");
        assert_bodiless(state, &requests[i], "Content-Length: 1000\n\n");
        assert_bodiless(state, &requests[i], "Content-Length: 1\n\nbody");
    }
}

static void a_length_of_the_method_may_take_four_bytes(void **state)
{
    static const char encoded[] = "\x0e\x80\0\0\x04REQUEST_METHODHEAD"
                                  "\x80\0\0\x01\x01XX";
    const struct fcgi_request request = {
        .encoded_params = {encoded, sizeof(encoded) - 1}};
    assert_bodiless(state, &request, "A: b\n\nbody");
}

/* Behind a pair whose lengths take a byte each, and one that is longer. */
static void the_method_is_read_from_encoded_params_too(void **state)
{
    char query[201] = {0};
    memset(query, 'q', sizeof(query) - 1);
    for (size_t len = 0; len < sizeof(query); len += sizeof(query) - 1) {
        struct wire encoded = {0};
        wire_param(&encoded, "QUERY_STRING", query + sizeof(query) - 1 - len);
        wire_param(&encoded, "REQUEST_METHOD", "HEAD");
        const struct fcgi_request request = {
            .encoded_params = {(const char *)encoded.data, encoded.len}};
        assert_bodiless(state, &request, "A: b\n\nbody");
        wire_free(&encoded);
    }
}

/* The last of several counts, as it does for the application. */
static void no_other_method_loses_its_body(void **state)
{
    static const char *const methods[] = {"GET",
                                          "POST",
                                          "head",
                                          "HEA",
                                          "HEADS",
                                          "",
                                          "Head",
                                          "HEAD ",
                                          "HEADHEADHEADHEA",
                                          "HEADHEADHEADHEAD",
                                          "HEADHEADHEADHEADH"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        const struct fcgi_param params[] = {
            FCGI_PARAM("REQUEST_METHOD", "HEAD"),
            FCGI_PARAM("REQUEST_METHOD", methods[i]),
            FCGI_PARAM("X_REQUEST_METHOD", "HEAD"),
            FCGI_PARAM("REQUEST_METHODS", "HEAD"),
            FCGI_PARAM("REQUEST_METHO", "HEAD"),
            FCGI_PARAM("REQUEST_METHOX", "HEAD")};
        const struct fcgi_request request = {.params = params,
                                             .param_count = 6};
        struct talk *t = *state;
        assert_int_equal(talk_anew_text(t, &request, "A: b\n\nbody"), FCGI_OK);
        talk_assert_text(t->response.body, "body");
    }
}

/* The same exchange: a HEAD is followed by requests that are none. */
static void the_method_of_an_earlier_request_is_forgotten(void **state)
{
    static const char *const methods[] = {"HEAD", "HEA", "HEAD", NULL};
    struct wire answer = {0};
    struct talk *t = *state;
    talk_write_text(&answer, "A: b\n\nbody");
    for (size_t i = 0; i < 4; i++) {
        const struct fcgi_param param =
            FCGI_PARAM("REQUEST_METHOD", methods[i]);
        const struct fcgi_request request = {
            .params = &param, .param_count = methods[i] == NULL ? 0 : 1};
        talk_ask(t, &request);
        assert_int_equal(talk_answer(t, &answer), FCGI_OK);
        talk_assert_text(t->response.body, i % 2 == 0 ? "" : "body");
    }
    wire_free(&answer);
}

static void statuses_204_and_304_have_no_body(void **state)
{
    const struct fcgi_request request = {.role = FCGI_ROLE_RESPONDER};
    assert_bodiless(state, &request, "Status: 204\n\nbody");
    assert_bodiless(state, &request, "Status: 304\n\nbody");
    assert_bodiless(state, &request, "Status: 204\nContent-Length: 9\n\n");
    assert_bodiless(state, &request,
                    "Status: 304 Not Modified\n"
                    "Content-Length: 1000\n\n");
    assert_bodiless(state, &request, "Status: 304\nContent-Length: 1\n\nbody");
}

static void other_statuses_have_a_body(void **state)
{
    static const int statuses[] = {100, 200, 203, 205, 206, 303, 305, 404, 500};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        char text[] = "Status: ###\n\nbody";
        struct talk *t = *state;
        text[8] = (char)('0' + statuses[i] / 100);
        text[9] = (char)('0' + statuses[i] / 10 % 10);
        text[10] = (char)('0' + statuses[i] % 10);
        assert_int_equal(talk_anew_get(t, text), FCGI_OK);
        assert_int_equal(t->response.status, statuses[i]);
        talk_assert_text(t->response.body, "body");
    }
}

static void a_large_body_of_a_head_request_is_dropped_not_kept(void **state)
{
    const struct fcgi_param param = FCGI_PARAM("REQUEST_METHOD", "HEAD");
    const struct fcgi_request request = {
        .params = &param, .param_count = 1, .limits = {.body_len = 10}};
    struct wire noise = {0};
    struct wire answer = {0};
    struct talk *t = *state;
    size_t used;
    wire_noise(&noise, 1000000);
    talk_ask(t, &request);
    wire_stdout(&answer, TALK_ID, "A: b\n\n");
    talk_write_answer(&answer, noise.data, noise.len);
    assert_int_equal(talk_by_input(t, answer.data, answer.len, &used), FCGI_OK);
    talk_assert_text(t->response.body, "");
    assert_true(t->memory.peak < 200 * 1024);
    wire_free(&noise);
    wire_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        talk_test(a_body_may_hold_any_byte),
        talk_test(a_body_of_several_mib_is_collected_whole),
        talk_test(there_is_memory_for_the_nul_behind_a_body_of_any_length),
        talk_test(a_body_of_its_content_length_is_fine),
        talk_test(a_content_length_of_0_is_a_body_of_none),
        talk_test(a_body_shorter_than_its_content_length_is_an_error),
        talk_test(the_excess_over_the_content_length_is_an_error),
        talk_test(the_excess_is_noticed_in_whatever_record_it_comes),
        talk_test(a_truncated_body_is_a_truncation_not_a_short_body),
        talk_test(a_refusal_amid_the_body_is_not_a_short_body),
        talk_test(a_head_request_has_no_body),
        talk_test(the_method_is_read_from_encoded_params_too),
        talk_test(a_length_of_the_method_may_take_four_bytes),
        talk_test(no_other_method_loses_its_body),
        talk_test(the_method_of_an_earlier_request_is_forgotten),
        talk_test(statuses_204_and_304_have_no_body),
        talk_test(other_statuses_have_a_body),
        talk_test(a_large_body_of_a_head_request_is_dropped_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
