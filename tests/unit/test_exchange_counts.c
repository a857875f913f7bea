/*
 * Bytes and records that went each way: what the outcome of a request tells.
 */
#include "../../src/exchange/exchange.h"
#include "feeder.h"
#include "talk.h"
#include "test.h"

/* How many records end within the first `len` bytes. */
static size_t count_records(const struct wire *bytes, size_t len)
{
    struct wire_frame frame;
    size_t at = 0;
    size_t records = 0;
    while (wire_next(bytes->data, len, &at, &frame)) {
        records += 1;
    }
    return records;
}

static void bytes_and_records_are_counted_wherever_a_send_ends(void **state)
{
    const struct fcgi_param param = FCGI_PARAM("NAME", "value");
    const struct fcgi_request request = {
        .role = FCGI_ROLE_FILTER,
        .params = &param,
        .param_count = 1,
        .body = {.data = "abcdefghijk", .len = 11},
        .data = {.data = "lmn", .len = 3},
    };
    struct talk *t = *state;
    for (int i = 0; i < 2; i++) {
        talk_begin(t, &request);
        wire_clear(&t->sent);
        do {
            fcgi__exchange_count(t->x);
            assert_int_equal(t->response.outcome.bytes_sent, t->sent.len);
            assert_int_equal(t->response.outcome.records_sent,
                             count_records(&t->sent, t->sent.len));
        } while (talk_send(t, 1) > 0);
    }
}

/* Each read of a source makes a record: of a byte, here. */
static void records_from_a_source_are_counted_too(void **state)
{
    struct feeder feeder = {.data = "abcdef", .len = 6, .chunk = 1};
    const struct fcgi_request request = {.body = feeder_source(&feeder)};
    struct talk *t = *state;
    talk_begin(t, &request);
    do {
        fcgi__exchange_count(t->x);
        assert_int_equal(t->response.outcome.records_sent,
                         count_records(&t->sent, t->sent.len));
    } while (talk_send(t, 3) > 0);
    assert_int_equal(feeder.at, 6);
}

static void bytes_and_records_are_counted_as_they_are_received(void **state)
{
    struct wire answer = {0};
    struct talk *t = *state;
    talk_ask(t, NULL);
    wire_record(&answer, WIRE_UNKNOWN_TYPE, 0, "abc", 3, 5);
    talk_write_text(&answer, "A: b\n\nbody");
    for (size_t i = 0; i < answer.len; i++) {
        (void)talk_feed(t, answer.data + i, 1);
        fcgi__exchange_count(t->x);
        assert_int_equal(t->response.outcome.bytes_received, i + 1);
        assert_int_equal(t->response.outcome.records_received,
                         count_records(&answer, i + 1));
    }
    wire_free(&answer);
}

static void bytes_that_landed_in_place_are_counted_too(void **state)
{
    struct wire noise = {0};
    struct wire answer = {0};
    struct talk *t = *state;
    size_t used;
    wire_noise(&noise, 60000);
    talk_ask(t, NULL);
    wire_stdout(&answer, TALK_ID, "A: b\n\n");
    talk_write_answer(&answer, noise.data, noise.len);
    assert_int_equal(talk_by_input(t, answer.data, 100, &used), FCGI_WAIT);
    assert_int_equal(
        talk_by_input(t, answer.data + 100, answer.len - 100, &used), FCGI_OK);
    fcgi__exchange_count(t->x);
    assert_int_equal(t->response.outcome.bytes_received, answer.len);
    assert_int_equal(t->response.outcome.records_received, 4);
    wire_free(&noise);
    wire_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        talk_test(bytes_and_records_are_counted_wherever_a_send_ends),
        talk_test(records_from_a_source_are_counted_too),
        talk_test(bytes_and_records_are_counted_as_they_are_received),
        talk_test(bytes_that_landed_in_place_are_counted_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
