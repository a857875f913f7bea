/*
 * Name-value pairs, encoded and decoded (FastCGI specification, section 3.4).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcgi_client/params.h>

#include "guard.h"
#include "test.h"
#include "wire.h"

/* Encode into fresh memory, which the caller frees. */
static struct wire encode(const struct fcgi_param *params, size_t count)
{
    struct wire out = {0};
    size_t len;
    assert_int_equal(fcgi_params_encode(params, count, NULL, 0, &out.len),
                     FCGI_OK);
    out.cap = out.len;
    out.data = malloc(out.len + 1);
    assert_non_null(out.data);
    assert_int_equal(fcgi_params_encode(params, count, out.data, out.len, &len),
                     FCGI_OK);
    assert_int_equal(len, out.len);
    return out;
}

static void assert_wire_equal(const struct wire *a, const struct wire *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
}

static void assert_pair(const struct fcgi_param *param, const char *name,
                        const char *value)
{
    assert_int_equal(param->name_len, strlen(name));
    assert_memory_equal(param->name, name, param->name_len);
    assert_int_equal(param->value_len, strlen(value));
    assert_memory_equal(param->value, value, param->value_len);
}

/* ---- encoding ---------------------------------------------------------- */

/* The boundary that other programs get wrong: 127 bytes is the longest length
 * in one byte. */
static void a_length_takes_four_bytes_from_128_up(void **state)
{
    static const size_t lengths[] = {0,     1,     126,   127,    128,
                                     129,   255,   256,   32767,  32768,
                                     65535, 65536, 70000, 1 << 24};
    struct wire noise = {0};
    (void)state;
    wire_noise(&noise, 1 << 24);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t len = lengths[i];
        const char *bytes = (const char *)noise.data;
        const struct fcgi_param params[] = {{bytes, "v", len, 1},
                                            {"n", bytes, 1, len}};
        struct wire expected = {0};
        wire_pair(&expected, bytes, len, "v", 1);
        wire_pair(&expected, "n", 1, bytes, len);
        struct wire out = encode(params, 2);
        assert_wire_equal(&out, &expected);
        assert_int_equal(out.data[0] < 128, len < 128);
        wire_free(&out);
        wire_free(&expected);
    }
    wire_free(&noise);
}

static void a_length_of_strlen_is_measured_by_the_library(void **state)
{
    const char *value = "pointed to, not an array";
    const struct fcgi_param params[] = {FCGI_PARAM("NAME", value),
                                        FCGI_PARAM("EMPTY", "")};
    struct wire expected = {0};
    (void)state;
    wire_param(&expected, "NAME", value);
    wire_param(&expected, "EMPTY", "");
    struct wire out = encode(params, 2);
    assert_wire_equal(&out, &expected);
    wire_free(&out);
    wire_free(&expected);
}

static void measuring_tells_the_size_and_stores_nothing(void **state)
{
    const struct fcgi_param params[] = {FCGI_PARAM("A", "bc")};
    size_t len = 0;
    (void)state;
    assert_int_equal(fcgi_params_encode(params, 1, NULL, 0, &len), FCGI_OK);
    assert_int_equal(len, 5);
    assert_int_equal(fcgi_params_encode(NULL, 0, NULL, 0, &len), FCGI_OK);
    assert_int_equal(len, 0);
}

static void pairs_that_just_fit_are_stored(void **state)
{
    const struct fcgi_param params[] = {FCGI_PARAM("A", "bc"),
                                        FCGI_PARAM("D", "e")};
    uint8_t buf[10];
    size_t len = 0;
    (void)state;
    buf[9] = '#';
    assert_int_equal(fcgi_params_encode(params, 2, buf, 9, &len), FCGI_OK);
    assert_int_equal(len, 9);
    assert_memory_equal(buf, "\1\2Abc\1\1De#", 10);
}

static void pairs_that_do_not_fit_tell_what_they_need(void **state)
{
    const struct fcgi_param params[] = {FCGI_PARAM("A", "bc"),
                                        FCGI_PARAM("D", "e")};
    uint8_t buf[9];
    (void)state;
    for (size_t cap = 1; cap < sizeof(buf); cap++) {
        size_t len = 0;
        memset(buf, '#', sizeof(buf));
        assert_int_equal(fcgi_params_encode(params, 2, buf, cap, &len),
                         FCGI_ERR_CONTENT_TOO_LONG);
        assert_int_equal(len, 9);
        assert_int_equal(buf[cap], '#');
    }
}

static void a_null_string_is_allowed_only_with_a_length_of_0(void **state)
{
    const struct fcgi_param empty = {NULL, NULL, 0, 0};
    const struct fcgi_param bad[] = {{NULL, "v", 1, 1},
                                     {"n", NULL, 1, 1},
                                     {NULL, "v", FCGI_STRLEN, 1},
                                     {"n", NULL, 1, FCGI_STRLEN}};
    uint8_t buf[16];
    size_t len;
    (void)state;
    assert_int_equal(fcgi_params_encode(&empty, 1, buf, sizeof(buf), &len),
                     FCGI_OK);
    assert_int_equal(len, 2);
    assert_memory_equal(buf, "\0\0", 2);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(fcgi_params_encode(&bad[i], 1, buf, sizeof(buf), &len),
                         FCGI_ERR_ARGUMENT);
    }
}

static void encoding_refuses_null_where_it_is_not_allowed(void **state)
{
    const struct fcgi_param param = FCGI_PARAM("A", "b");
    uint8_t buf[16];
    size_t len;
    (void)state;
    assert_int_equal(fcgi_params_encode(NULL, 1, buf, sizeof(buf), &len),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_params_encode(&param, 1, NULL, 1, &len),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_params_encode(&param, 1, buf, sizeof(buf), NULL),
                     FCGI_ERR_ARGUMENT);
}

/* The lengths are refused before the bytes are looked at: there are none. */
static void a_string_over_31_bits_is_too_long(void **state)
{
    const size_t over = (size_t)FCGI_PARAM_LEN_MAX + 1;
    const struct fcgi_param params[] = {
        {"n", "v", over, 1}, {"n", "v", 1, over}, {"n", "v", SIZE_MAX - 1, 1}};
    uint8_t buf[16];
    size_t len;
    (void)state;
    for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
        memset(buf, '#', sizeof(buf));
        assert_int_equal(
            fcgi_params_encode(&params[i], 1, buf, sizeof(buf), &len),
            FCGI_ERR_CONTENT_TOO_LONG);
        assert_memory_equal(buf, "################", sizeof(buf));
    }
}

/* Two pairs like this one, which are so long only where a size can tell it. */
static void assert_measured(const struct fcgi_param *param, uint64_t sum)
{
    const struct fcgi_param params[] = {*param, *param};
    size_t len = 0;
    int rc = fcgi_params_encode(params, 2, NULL, 0, &len);
    if (sizeof(size_t) > 4) {
        assert_int_equal(rc, FCGI_OK);
        assert_int_equal(len, sum);
    } else {
        assert_int_equal(rc, FCGI_ERR_CONTENT_TOO_LONG);
    }
}

/* The sum of two such lengths overflows 32 bits: a heap overflow elsewhere. */
static void the_largest_pairs_are_summed_without_overflow(void **state)
{
    const struct fcgi_param both = {"n", "v", FCGI_PARAM_LEN_MAX,
                                    FCGI_PARAM_LEN_MAX};
    const struct fcgi_param one = {"n", "", FCGI_PARAM_LEN_MAX, 0};
    (void)state;
    assert_measured(&both, (uint64_t)4 * FCGI_PARAM_LEN_MAX + 16);
    assert_measured(&one, (uint64_t)2 * FCGI_PARAM_LEN_MAX + 10);
}

/* Of any length, and nothing is written behind them either. */
static void no_string_is_read_past_its_end(void **state)
{
    struct wire noise = {0};
    struct guard name, value, out;
    (void)state;
    wire_noise(&noise, 400);
    guard_open(&name, 400);
    guard_open(&value, 400);
    guard_open(&out, 1000);
    for (size_t len = 0; len < 300; len++) {
        struct wire expected = {0};
        const size_t other = (7 * len) % 40;
        const struct fcgi_param param = {guard_put(&name, noise.data, len),
                                         guard_put(&value, noise.data, other),
                                         len, other};
        size_t used;
        wire_pair(&expected, noise.data, len, noise.data, other);
        char *room = guard_put(&out, noise.data, expected.len);
        assert_int_equal(
            fcgi_params_encode(&param, 1, room, expected.len, &used), FCGI_OK);
        assert_int_equal(used, expected.len);
        assert_memory_equal(room, expected.data, used);
        wire_free(&expected);
    }
    guard_close(&out);
    guard_close(&value);
    guard_close(&name);
    wire_free(&noise);
}

/* The same where there is so much room that short strings are moved faster. */
static void short_strings_are_not_read_past_their_end(void **state)
{
    char room[1000];
    struct wire noise = {0};
    struct guard name, value;
    (void)state;
    wire_noise(&noise, 127);
    guard_open(&name, 127);
    guard_open(&value, 127);
    for (size_t i = 0; i < 128 * 128; i++) {
        struct wire expected = {0};
        const size_t len = i % 128;
        const size_t other = i / 128;
        const struct fcgi_param param = {guard_put(&name, noise.data, len),
                                         guard_put(&value, noise.data, other),
                                         len, other};
        size_t used;
        wire_pair(&expected, noise.data, len, noise.data, other);
        assert_int_equal(
            fcgi_params_encode(&param, 1, room, sizeof(room), &used), FCGI_OK);
        assert_int_equal(used, expected.len);
        assert_memory_equal(room, expected.data, used);
        wire_free(&expected);
    }
    guard_close(&value);
    guard_close(&name);
    wire_free(&noise);
}

/* ---- decoding ---------------------------------------------------------- */

static void order_and_duplicates_are_kept(void **state)
{
    struct wire in = {0};
    struct fcgi_param params[8];
    size_t count = 0;
    (void)state;
    wire_param(&in, "B", "1");
    wire_param(&in, "A", "2");
    wire_param(&in, "B", "1");
    wire_param(&in, "", "");
    wire_param(&in, "B", "3");
    assert_int_equal(fcgi_params_decode(in.data, in.len, params, 8, &count),
                     FCGI_OK);
    assert_int_equal(count, 5);
    assert_pair(&params[0], "B", "1");
    assert_pair(&params[1], "A", "2");
    assert_pair(&params[2], "B", "1");
    assert_pair(&params[3], "", "");
    assert_pair(&params[4], "B", "3");
    wire_free(&in);
}

static void names_and_values_may_hold_any_byte(void **state)
{
    uint8_t all[256];
    struct fcgi_param back;
    size_t count = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(all); i++) {
        all[i] = (uint8_t)i;
    }
    const struct fcgi_param param = {(const char *)all, (const char *)all, 256,
                                     256};
    struct wire out = encode(&param, 1);
    assert_int_equal(fcgi_params_decode(out.data, out.len, &back, 1, &count),
                     FCGI_OK);
    assert_int_equal(count, 1);
    assert_int_equal(back.name_len, 256);
    assert_memory_equal(back.name, all, 256);
    assert_int_equal(back.value_len, 256);
    assert_memory_equal(back.value, all, 256);
    wire_free(&out);
}

static void decoded_pairs_point_into_the_bytes(void **state)
{
    static const char in[] = "\1\2Abc";
    struct fcgi_param param;
    size_t count;
    (void)state;
    assert_int_equal(fcgi_params_decode(in, 5, &param, 1, &count), FCGI_OK);
    assert_ptr_equal(param.name, in + 2);
    assert_ptr_equal(param.value, in + 3);
}

static void a_short_length_in_four_bytes_is_understood(void **state)
{
    static const char in[] = "\x80\0\0\1\x80\0\0\2Abc";
    struct fcgi_param param;
    size_t count;
    (void)state;
    assert_int_equal(fcgi_params_decode(in, 11, &param, 1, &count), FCGI_OK);
    assert_int_equal(count, 1);
    assert_pair(&param, "A", "bc");
}

/* Each prefix lies against a page that cannot be read. */
static void
bytes_that_end_amid_a_pair_are_truncated_wherever_it_is(void **state)
{
    struct wire in = {0};
    struct wire noise = {0};
    struct fcgi_param params[3];
    struct guard guard;
    size_t ends[4];
    (void)state;
    wire_noise(&noise, 200);
    ends[0] = 0;
    wire_param(&in, "SHORT", "value");
    ends[1] = in.len;
    wire_pair(&in, noise.data, 128, noise.data, 3);
    ends[2] = in.len;
    wire_pair(&in, "N", 1, noise.data, 200);
    ends[3] = in.len;
    guard_open(&guard, in.len);
    for (size_t len = 0; len <= in.len; len++) {
        uint8_t *prefix = guard_put(&guard, in.data, len);
        size_t whole = 0;
        size_t count = 99;
        while (whole < 3 && ends[whole + 1] <= len) {
            whole += 1;
        }
        int rc = fcgi_params_decode(prefix, len, params, 3, &count);
        assert_int_equal(count, whole);
        assert_int_equal(rc, ends[whole] == len ? FCGI_OK
                                                : FCGI_ERR_PARAMS_TRUNCATED);
    }
    guard_close(&guard);
    wire_free(&noise);
    wire_free(&in);
}

static void a_length_is_held_against_what_is_left(void **state)
{
    static const char *const lies[] = {
        "\xff\xff\xff\xff\xff\xff\xff\xff"
        "abcdefgh",
        "\xff\xff\xff\xff\1aaaabcdefgh",
        "\1\xff\xff\xff\xff"
        "aaaabcdefgh",
        "\x80\0\0\x10\0"
        "aaabcdefghijk",
        "\x7f\x7f"
        "aaaaaabcdefghij",
    };
    struct guard guard;
    (void)state;
    guard_open(&guard, 15);
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        uint8_t *in = guard_put(&guard, lies[i], 15);
        struct fcgi_param param;
        size_t count = 99;
        assert_int_equal(fcgi_params_decode(in, 15, &param, 1, &count),
                         FCGI_ERR_PARAMS_TRUNCATED);
        assert_int_equal(count, 0);
    }
    guard_close(&guard);
}

static void counting_tells_the_number_and_stores_nothing(void **state)
{
    size_t count = 0;
    (void)state;
    assert_int_equal(fcgi_params_decode("\1\0A\0\1b\0\0", 8, NULL, 0, &count),
                     FCGI_OK);
    assert_int_equal(count, 3);
    assert_int_equal(fcgi_params_decode(NULL, 0, NULL, 0, &count), FCGI_OK);
    assert_int_equal(count, 0);
}

static void pairs_over_the_capacity_are_counted_and_reported(void **state)
{
    struct fcgi_param params[3];
    size_t count = 0;
    (void)state;
    memset(params, 0, sizeof(params));
    assert_int_equal(
        fcgi_params_decode("\1\0A\1\0B\1\0C", 9, params, 2, &count),
        FCGI_ERR_CONTENT_TOO_LONG);
    assert_int_equal(count, 3);
    assert_pair(&params[0], "A", "");
    assert_pair(&params[1], "B", "");
    assert_null(params[2].name);
    assert_int_equal(
        fcgi_params_decode("\1\0A\1\0B\1\0C", 9, params, 3, &count), FCGI_OK);
    assert_pair(&params[2], "C", "");
}

static void decoding_refuses_null_where_it_is_not_allowed(void **state)
{
    struct fcgi_param param;
    size_t count;
    (void)state;
    assert_int_equal(fcgi_params_decode(NULL, 1, &param, 1, &count),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_params_decode("\0\0", 2, NULL, 1, &count),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_params_decode("\0\0", 2, &param, 1, NULL),
                     FCGI_ERR_ARGUMENT);
}

static void the_cursor_takes_one_pair_after_another(void **state)
{
    struct fcgi_slice rest = {"\1\1Ab\1\0C", 7};
    struct fcgi_param param;
    (void)state;
    assert_int_equal(fcgi_params_next(&rest, &param), FCGI_PAIR);
    assert_pair(&param, "A", "b");
    assert_int_equal(rest.len, 3);
    assert_int_equal(fcgi_params_next(&rest, &param), FCGI_PAIR);
    assert_pair(&param, "C", "");
    assert_int_equal(rest.len, 0);
    assert_int_equal(fcgi_params_next(&rest, &param), FCGI_OK);
}

static void the_cursor_stays_where_a_pair_is_truncated(void **state)
{
    struct fcgi_slice rest = {"\1\1Ab\1\2Cd", 8};
    struct fcgi_param param;
    (void)state;
    assert_int_equal(fcgi_params_next(&rest, &param), FCGI_PAIR);
    const char *before = rest.data;
    assert_int_equal(fcgi_params_next(&rest, &param),
                     FCGI_ERR_PARAMS_TRUNCATED);
    assert_ptr_equal(rest.data, before);
    assert_int_equal(rest.len, 4);
}

/* About 494 variables were too many for others, and 64 KiB too much. */
static void two_thousand_variables_survive_a_round_trip(void **state)
{
    enum { COUNT = 2000 };
    static char names[COUNT][32];
    static char values[COUNT][64];
    static struct fcgi_param params[COUNT];
    static struct fcgi_param back[COUNT];
    size_t count = 0;
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        const struct fcgi_param param = FCGI_PARAM(names[i], values[i]);
        (void)snprintf(names[i], sizeof(names[i]), "HTTP_X_VARIABLE_%zu", i);
        (void)snprintf(values[i], sizeof(values[i]),
                       "the value of variable number %zu", i);
        params[i] = param;
    }
    struct wire out = encode(params, COUNT);
    assert_true(out.len > 65536);
    assert_int_equal(fcgi_params_decode(out.data, out.len, back, COUNT, &count),
                     FCGI_OK);
    assert_int_equal(count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_pair(&back[i], names[i], values[i]);
    }
    wire_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_length_takes_four_bytes_from_128_up),
        cmocka_unit_test(a_length_of_strlen_is_measured_by_the_library),
        cmocka_unit_test(measuring_tells_the_size_and_stores_nothing),
        cmocka_unit_test(pairs_that_just_fit_are_stored),
        cmocka_unit_test(pairs_that_do_not_fit_tell_what_they_need),
        cmocka_unit_test(a_null_string_is_allowed_only_with_a_length_of_0),
        cmocka_unit_test(encoding_refuses_null_where_it_is_not_allowed),
        cmocka_unit_test(a_string_over_31_bits_is_too_long),
        cmocka_unit_test(the_largest_pairs_are_summed_without_overflow),
        cmocka_unit_test(no_string_is_read_past_its_end),
        cmocka_unit_test(short_strings_are_not_read_past_their_end),
        cmocka_unit_test(order_and_duplicates_are_kept),
        cmocka_unit_test(names_and_values_may_hold_any_byte),
        cmocka_unit_test(decoded_pairs_point_into_the_bytes),
        cmocka_unit_test(a_short_length_in_four_bytes_is_understood),
        cmocka_unit_test(
            bytes_that_end_amid_a_pair_are_truncated_wherever_it_is),
        cmocka_unit_test(a_length_is_held_against_what_is_left),
        cmocka_unit_test(counting_tells_the_number_and_stores_nothing),
        cmocka_unit_test(pairs_over_the_capacity_are_counted_and_reported),
        cmocka_unit_test(decoding_refuses_null_where_it_is_not_allowed),
        cmocka_unit_test(the_cursor_takes_one_pair_after_another),
        cmocka_unit_test(the_cursor_stays_where_a_pair_is_truncated),
        cmocka_unit_test(two_thousand_variables_survive_a_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
