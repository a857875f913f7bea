/*
 * Where tokens and values end, wherever in a block of bytes that may be: what
 * is looked for is written down here in another way (RFC 9110, sections 5.5
 * and 5.6.2).
 */
#include <stdbool.h>
#include <string.h>

#include "../../src/http/scan.h"
#include "guard.h"
#include "test.h"

/* Three blocks and more. */
#define MOST ((size_t)56)

static bool may_be_in_token(int byte)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    bool is_letter =
        (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    bool is_digit = byte >= '0' && byte <= '9';
    return is_letter || is_digit || (byte != 0 && strchr(others, byte) != NULL);
}

static bool may_be_in_value(int byte)
{
    return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

/* Against a page that cannot be read: some bytes, one of which is another, an
 * end, and the block of NULs. */
static const char *put_text(struct guard *guard, size_t len, size_t at,
                            char byte, char end)
{
    char text[MOST + 1 + FCGI__BLOCK_LEN] = {0};
    memset(text, 'x', len);
    text[len] = end;
    text[at] = byte;
    return guard_put(guard, text, len + 1 + FCGI__BLOCK_LEN);
}

static void each_byte_ends_a_token_or_does_not_wherever_it_stands(void **state)
{
    struct guard guard;
    (void)state;
    guard_open(&guard, MOST + 1 + FCGI__BLOCK_LEN);
    for (size_t at = 0; at < MOST; at++) {
        for (int byte = 0; byte < 256; byte++) {
            const char *text = put_text(&guard, MOST, at, (char)byte, ':');
            const char *end = fcgi__token_end(text);
            assert_int_equal(end - text, may_be_in_token(byte) ? MOST : at);
        }
    }
    guard_close(&guard);
}

static void each_byte_ends_a_value_or_does_not_wherever_it_stands(void **state)
{
    struct guard guard;
    (void)state;
    guard_open(&guard, MOST + 1 + FCGI__BLOCK_LEN);
    for (size_t at = 0; at < MOST; at++) {
        for (int byte = 0; byte < 256; byte++) {
            const char *text = put_text(&guard, MOST, at, (char)byte, '\r');
            const char *end = fcgi__value_end(text);
            assert_int_equal(end - text, may_be_in_value(byte) ? MOST : at);
        }
    }
    guard_close(&guard);
}

static void text_of_any_length_ends_with_the_nul_behind_it(void **state)
{
    struct guard guard;
    (void)state;
    guard_open(&guard, MOST + 1 + FCGI__BLOCK_LEN);
    for (size_t len = 0; len <= MOST; len++) {
        const char *text = put_text(&guard, len, len, '\0', '\0');
        assert_ptr_equal(fcgi__token_end(text), text + len);
        assert_ptr_equal(fcgi__value_end(text), text + len);
    }
    guard_close(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_ends_a_token_or_does_not_wherever_it_stands),
        cmocka_unit_test(each_byte_ends_a_value_or_does_not_wherever_it_stands),
        cmocka_unit_test(text_of_any_length_ends_with_the_nul_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
