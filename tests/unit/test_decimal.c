/*
 * Decimal numbers in text: lengths, ports, counts.
 */
#include <stdbool.h>
#include <string.h>

#include "../../src/base/decimal.h"
#include "test.h"

static int64_t parse(const char *text)
{
    return fcgi__parse_decimal(text, strlen(text));
}

static void digits_are_a_number(void **state)
{
    (void)state;
    assert_int_equal(parse("0"), 0);
    assert_int_equal(parse("9"), 9);
    assert_int_equal(parse("10"), 10);
    assert_int_equal(parse("1234567890"), 1234567890);
    assert_int_equal(parse("0065535"), 65535);
}

static void a_number_ends_where_its_length_says(void **state)
{
    (void)state;
    assert_int_equal(fcgi__parse_decimal("12345", 2), 12);
    assert_int_equal(fcgi__parse_decimal("12:45", 2), 12);
}

static void nothing_is_not_a_number(void **state)
{
    (void)state;
    assert_int_equal(parse(""), -1);
    assert_int_equal(fcgi__parse_decimal(NULL, 0), -1);
}

static void any_other_byte_makes_it_no_number(void **state)
{
    (void)state;
    assert_int_equal(parse("-1"), -1);
    assert_int_equal(parse("+1"), -1);
    assert_int_equal(parse(" 1"), -1);
    assert_int_equal(parse("1 "), -1);
    assert_int_equal(parse("1.0"), -1);
    assert_int_equal(parse("0x1"), -1);
    for (int byte = 0; byte < 256; byte++) {
        char text[3] = {'1', (char)byte, '1'};
        bool is_digit = byte >= '0' && byte <= '9';
        int64_t expected = is_digit ? 101 + (byte - '0') * 10 : -1;
        assert_int_equal(fcgi__parse_decimal(text, sizeof(text)), expected);
    }
}

/* The last digit may be any, so that the largest numbers are refused before
 * they overflow. */
static void a_number_that_overflows_64_bits_is_refused(void **state)
{
    (void)state;
    assert_true(parse("9223372036854775799") == INT64_MAX - 8);
    assert_int_equal(parse("9223372036854775808"), -1);
    assert_int_equal(parse("18446744073709551617"), -1);
    assert_int_equal(parse("99999999999999999999999999"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_are_a_number),
        cmocka_unit_test(a_number_ends_where_its_length_says),
        cmocka_unit_test(nothing_is_not_a_number),
        cmocka_unit_test(any_other_byte_makes_it_no_number),
        cmocka_unit_test(a_number_that_overflows_64_bits_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
