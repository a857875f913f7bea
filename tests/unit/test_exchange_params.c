/*
 * The params that an exchange sends: PHP parses each FCGI_PARAMS record alone,
 * so that a pair which is split between two of them is lost.
 */
#include <stdio.h>
#include <string.h>

#include <fcgi_client/exchange.h>

#include "talk.h"
#include "test.h"

static struct wire_frame frame_at(const struct talk *t, size_t *at)
{
    struct wire_frame frame;
    assert_true(wire_next(t->sent.data, t->sent.len, at, &frame));
    return frame;
}

/* PHP parses each FCGI_PARAMS record alone: fail where a pair, other than a
 * `large` one, is split. Returns the number of whole pairs. */
static size_t count_pairs_record_by_record(const struct talk *t)
{
    struct wire name = {0};
    struct wire value = {0};
    size_t at = 0;
    size_t pairs = 0;
    while (at < t->sent.len) {
        struct wire_frame frame = frame_at(t, &at);
        size_t in = 0;
        if (frame.type != WIRE_PARAMS) {
            continue;
        }
        assert_true(frame.len + frame.padding_len <= 65535);
        while (wire_next_pair(frame.content, frame.len, &in, &name, &value)) {
            pairs += 1;
        }
        assert_int_equal(in, frame.len);
    }
    wire_free(&name);
    wire_free(&value);
    return pairs;
}

static void assert_params_sent(const struct talk *t, const struct wire *params)
{
    struct wire_request sent = talk_read_request(t);
    assert_int_equal(sent.params_ends, 1);
    assert_int_equal(sent.params.len, params->len);
    assert_memory_equal(sent.params.data, params->data, params->len);
    wire_request_free(&sent);
}

static void params_keep_their_order_and_nothing_is_added(void **state)
{
    const struct fcgi_param params[] = {
        FCGI_PARAM("REQUEST_METHOD", "POST"), FCGI_PARAM("B", "1"),
        FCGI_PARAM("A", ""), FCGI_PARAM("B", "2")};
    const struct fcgi_request request = {
        .params = params, .param_count = 4, .body = {.data = "abc", .len = 3}};
    struct wire expected = {0};
    struct talk *t = *state;
    wire_param(&expected, "REQUEST_METHOD", "POST");
    wire_param(&expected, "B", "1");
    wire_param(&expected, "A", "");
    wire_param(&expected, "B", "2");
    talk_ask(t, &request);
    assert_params_sent(t, &expected);
    wire_free(&expected);
}

static void encoded_params_go_ahead_of_params(void **state)
{
    const struct fcgi_param param = FCGI_PARAM("LAST", "3");
    struct wire encoded = {0};
    struct talk *t = *state;
    wire_param(&encoded, "FIRST", "1");
    wire_param(&encoded, "SECOND", "2");
    const struct fcgi_request request = {
        .params = &param,
        .param_count = 1,
        .encoded_params = {(const char *)encoded.data, encoded.len}};
    talk_ask(t, &request);
    wire_param(&encoded, "LAST", "3");
    assert_params_sent(t, &encoded);
    wire_free(&encoded);
}

static void encoded_params_that_end_amid_a_pair_are_refused(void **state)
{
    static const char encoded[] = "\1\1Ab\1\2Cd";
    struct talk *t = *state;
    for (size_t len = 0; len <= 8; len++) {
        const struct fcgi_request request = {.encoded_params = {encoded, len}};
        bool whole = len == 0 || len == 4;
        talk_anew(t);
        assert_int_equal(
            fcgi_exchange_begin(t->x, &request, &t->response, 1, 0),
            whole ? FCGI_OK : FCGI_ERR_PARAMS_TRUNCATED);
    }
}

static void params_may_go_once_the_request_has_begun(void **state)
{
    char name[] = "NAME";
    char value[] = "value";
    char encoded[] = "\1\1Ab";
    struct fcgi_param param = FCGI_PARAM(name, value);
    const struct fcgi_request request = {
        .params = &param, .param_count = 1, .encoded_params = {encoded, 4}};
    struct wire expected = {0};
    struct talk *t = *state;
    wire_param(&expected, "A", "b");
    wire_param(&expected, "NAME", "value");
    talk_begin(t, &request);
    memset(name, '#', 4);
    memset(value, '#', 5);
    memset(encoded, '#', 4);
    memset(&param, 0, sizeof(param));
    talk_send_all(t);
    assert_params_sent(t, &expected);
    wire_free(&expected);
}

static void names_and_values_are_sent_whatever_bytes_they_hold(void **state)
{
    const struct fcgi_param param = {"\0=\r\n", "\xff\0\x80", 4, 3};
    const struct fcgi_request request = {.params = &param, .param_count = 1};
    struct wire expected = {0};
    struct talk *t = *state;
    wire_pair(&expected, "\0=\r\n", 4, "\xff\0\x80", 3);
    talk_ask(t, &request);
    assert_params_sent(t, &expected);
    wire_free(&expected);
}

/* Others fail at about 494 variables, or at 64 KiB. */
static void two_thousand_variables_are_sent_and_no_pair_is_split(void **state)
{
    enum { COUNT = 2000 };
    static char names[COUNT][24];
    static char values[COUNT][80];
    static struct fcgi_param params[COUNT];
    struct wire expected = {0};
    struct talk *t = *state;
    for (size_t i = 0; i < COUNT; i++) {
        const struct fcgi_param param = FCGI_PARAM(names[i], values[i]);
        (void)snprintf(names[i], sizeof(names[i]), "HTTP_X_%zu", i);
        (void)snprintf(values[i], sizeof(values[i]), "%0*zu", (int)(i % 79), i);
        params[i] = param;
        wire_param(&expected, names[i], values[i]);
    }
    const struct fcgi_request request = {.params = params,
                                         .param_count = COUNT};
    talk_ask(t, &request);
    assert_true(expected.len > 65536);
    assert_params_sent(t, &expected);
    assert_int_equal(count_pairs_record_by_record(t), COUNT);
    wire_free(&expected);
}

/* Around the size of a record: `len` is that of the second pair when encoded.
 * One that fits a record, with the 65,535 bytes that has, is never split. */
static void a_pair_that_fits_a_record_is_never_split(void **state)
{
    struct wire noise = {0};
    wire_noise(&noise, 65535);
    for (size_t len = 65535 - 40; len <= 65535; len++) {
        const struct fcgi_param params[] = {
            FCGI_PARAM("BEFORE", "1"),
            {"N", (const char *)noise.data, 1, len - 1 - 1 - 4},
            FCGI_PARAM("AFTER", "2")};
        const struct fcgi_request request = {.params = params,
                                             .param_count = 3};
        struct talk *t = *state;
        talk_anew(t);
        talk_ask(t, &request);
        assert_int_equal(count_pairs_record_by_record(t), 3);
    }
    wire_free(&noise);
}

static void encoded_pairs_are_not_split_between_records_either(void **state)
{
    struct wire encoded = {0};
    struct wire noise = {0};
    struct talk *t = *state;
    wire_noise(&noise, 50000);
    for (size_t i = 1; i <= 5; i++) {
        wire_pair(&encoded, "NAME", 4, noise.data, i * 10000);
    }
    const struct fcgi_request request = {
        .encoded_params = {(const char *)encoded.data, encoded.len}};
    talk_ask(t, &request);
    assert_params_sent(t, &encoded);
    assert_int_equal(count_pairs_record_by_record(t), 5);
    wire_free(&noise);
    wire_free(&encoded);
}

/* Apache drops such a value, Caddy cuts it. */
static void a_pair_larger_than_a_record_is_sent_whole(void **state)
{
    static const size_t lengths[] = {65530, 65531,  65536,
                                     70000, 131072, 1000000};
    struct wire noise = {0};
    wire_noise(&noise, 1000000);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        const char *value = (const char *)noise.data;
        const struct fcgi_param params[] = {FCGI_PARAM("BEFORE", "1"),
                                            {"LARGE", value, 5, lengths[i]},
                                            {value, "v", lengths[i], 1},
                                            FCGI_PARAM("AFTER", "2")};
        const struct fcgi_request request = {.params = params,
                                             .param_count = 4};
        struct wire expected = {0};
        struct talk *t = *state;
        wire_param(&expected, "BEFORE", "1");
        wire_pair(&expected, "LARGE", 5, value, lengths[i]);
        wire_pair(&expected, value, lengths[i], "v", 1);
        wire_param(&expected, "AFTER", "2");
        talk_anew(t);
        talk_ask(t, &request);
        assert_params_sent(t, &expected);
        wire_free(&expected);
    }
    wire_free(&noise);
}

/* The pairs around a large one stay whole, each in records of their own. */
static void a_large_pair_does_not_split_its_neighbours(void **state)
{
    struct wire noise = {0};
    struct wire name = {0};
    struct wire value = {0};
    struct wire_frame frame = {0};
    struct talk *t = *state;
    size_t at = 0;
    size_t last = 0;
    size_t in = 0;
    wire_noise(&noise, 70000);
    const struct fcgi_param params[] = {
        FCGI_PARAM("BEFORE", "1"),
        {"LARGE", (const char *)noise.data, 5, 70000},
        FCGI_PARAM("AFTER", "2")};
    const struct fcgi_request request = {.params = params, .param_count = 3};
    talk_ask(t, &request);
    (void)frame_at(t, &at);
    frame = frame_at(t, &at);
    assert_true(wire_next_pair(frame.content, frame.len, &in, &name, &value));
    assert_int_equal(in, frame.len);
    for (frame = frame_at(t, &at); frame.len > 0; frame = frame_at(t, &at)) {
        last = (size_t)(frame.content - t->sent.data) - 8;
    }
    frame = frame_at(t, &last);
    in = 0;
    assert_true(wire_next_pair(frame.content, frame.len, &in, &name, &value));
    assert_int_equal(in, frame.len);
    assert_memory_equal(name.data, "AFTER", 5);
    wire_free(&noise);
    wire_free(&name);
    wire_free(&value);
}

/* Whatever stands behind them in the caller's memory. */
static void no_more_pairs_are_sent_than_there_are(void **state)
{
    struct wire noise = {0};
    wire_noise(&noise, 200);
    const struct fcgi_param params[] = {
        {"LONG", (const char *)noise.data, 4, 200},
        FCGI_PARAM("A", "1"),
        {"LONGER", (const char *)noise.data, 6, 200},
        FCGI_PARAM("B", "2"),
        FCGI_PARAM("BEYOND", "3"),
        FCGI_PARAM("BEYOND", "4"),
        FCGI_PARAM("BEYOND", "5"),
        FCGI_PARAM("BEYOND", "6")};
    for (size_t count = 0; count <= 4; count++) {
        const struct fcgi_request request = {.params = params,
                                             .param_count = count};
        struct talk *t = *state;
        talk_anew(t);
        talk_ask(t, &request);
        assert_int_equal(count_pairs_record_by_record(t), count);
    }
    wire_free(&noise);
}

static void no_record_has_over_65535_bytes_of_content_and_padding(void **state)
{
    struct wire noise = {0};
    wire_noise(&noise, 140000);
    for (size_t len = 65510; len <= 65550; len++) {
        const struct fcgi_param param = {"N", (const char *)noise.data, 1, len};
        const struct fcgi_request request = {
            .params = &param,
            .param_count = 1,
            .body = {.data = noise.data, .len = len * 2}};
        struct talk *t = *state;
        size_t at = 0;
        talk_anew(t);
        talk_ask(t, &request);
        while (at < t->sent.len) {
            struct wire_frame frame = frame_at(t, &at);
            assert_true(frame.len + frame.padding_len <= 65535);
        }
    }
    wire_free(&noise);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        talk_test(params_keep_their_order_and_nothing_is_added),
        talk_test(encoded_params_go_ahead_of_params),
        talk_test(encoded_params_that_end_amid_a_pair_are_refused),
        talk_test(params_may_go_once_the_request_has_begun),
        talk_test(names_and_values_are_sent_whatever_bytes_they_hold),
        talk_test(two_thousand_variables_are_sent_and_no_pair_is_split),
        talk_test(a_pair_that_fits_a_record_is_never_split),
        talk_test(encoded_pairs_are_not_split_between_records_either),
        talk_test(a_pair_larger_than_a_record_is_sent_whole),
        talk_test(a_large_pair_does_not_split_its_neighbours),
        talk_test(no_more_pairs_are_sent_than_there_are),
        talk_test(no_record_has_over_65535_bytes_of_content_and_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
