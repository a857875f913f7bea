/*
 * The codes of error.h: what programs have compiled in stays as it is, and
 * each cause can be told from all others by code, by name and by sentence.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <fcgi_client.h>

#include "test.h"

struct code {
    const char *name;
    int code;
};

/* Written out here, apart from the header, because a code once released never
 * changes. */
static const struct code released[] = {
    {"FCGI_ERR_ARGUMENT", -1},
    {"FCGI_ERR_ADDRESS", -2},
    {"FCGI_ERR_STATE", -3},
    {"FCGI_ERR_NO_MEMORY", -4},
    {"FCGI_ERR_SYSTEM", -5},
    {"FCGI_ERR_RESOLVE", -6},
    {"FCGI_ERR_CONNECT", -7},
    {"FCGI_ERR_BACKLOG_FULL", -8},
    {"FCGI_ERR_CONNECT_TIMEOUT", -9},
    {"FCGI_ERR_WRITE_TIMEOUT", -10},
    {"FCGI_ERR_FIRST_BYTE_TIMEOUT", -11},
    {"FCGI_ERR_IDLE_TIMEOUT", -12},
    {"FCGI_ERR_DEADLINE", -13},
    {"FCGI_ERR_QUEUE_TIMEOUT", -14},
    {"FCGI_ERR_QUEUE_FULL", -15},
    {"FCGI_ERR_CLOSED", -16},
    {"FCGI_ERR_TRUNCATED", -17},
    {"FCGI_ERR_RESET", -18},
    {"FCGI_ERR_NOT_FASTCGI", -19},
    {"FCGI_ERR_INVALID_HEADER", -20},
    {"FCGI_ERR_BAD_RECORD", -21},
    {"FCGI_ERR_PARAMS_TRUNCATED", -22},
    {"FCGI_ERR_CONTENT_TOO_LONG", -23},
    {"FCGI_ERR_NO_HEAD", -24},
    {"FCGI_ERR_BAD_HEAD", -25},
    {"FCGI_ERR_HEAD_TOO_LARGE", -26},
    {"FCGI_ERR_BODY_TOO_LARGE", -27},
    {"FCGI_ERR_BODY_SHORT", -28},
    {"FCGI_ERR_BODY_LONG", -29},
    {"FCGI_ERR_OVERLOADED", -30},
    {"FCGI_ERR_CANT_MPX_CONN", -31},
    {"FCGI_ERR_UNKNOWN_ROLE", -32},
    {"FCGI_ERR_PROTOCOL_STATUS", -33},
    {"FCGI_ERR_CANCELLED", -34},
    {"FCGI_ERR_SOURCE", -35},
    {"FCGI_ERR_POOL_CLOSED", -36},
    {"FCGI_ERR_BAD_REQUEST", -37},
    {"FCGI_ERR_LENGTH_REQUIRED", -38},
    {"FCGI_ERR_BAD_ID", -39},
    {"FCGI_ERR_NOT_FOUND", -40},
};

#define RELEASED (sizeof(released) / sizeof(released[0]))

/* All codes of the header, in its order. */
static const int codes[] = {
#define CODE(name, code, sentence) FCGI_ERR_##name,
    FCGI_ERROR_MAP(CODE)
#undef CODE
};

#define CODES (sizeof(codes) / sizeof(codes[0]))

static void a_released_code_keeps_its_number_and_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < RELEASED; i++) {
        assert_string_equal(fcgi_error_name(released[i].code),
                            released[i].name);
    }
}

static void every_error_is_negative_and_success_is_zero(void **state)
{
    (void)state;
    assert_int_equal(FCGI_OK, 0);
    assert_true(FCGI_WAIT > 0);
    for (size_t i = 0; i < CODES; i++) {
        assert_true(codes[i] < 0);
    }
}

static void no_two_causes_share_a_code_a_name_or_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODES; i++) {
        for (size_t j = 0; j < i; j++) {
            int a = codes[i];
            int b = codes[j];
            assert_int_not_equal(a, b);
            assert_string_not_equal(fcgi_error_name(a), fcgi_error_name(b));
            assert_string_not_equal(fcgi_strerror(a), fcgi_strerror(b));
        }
    }
}

static void a_name_is_spelt_as_in_a_program(void **state)
{
    (void)state;
#define SPELT(name, code, sentence)                                            \
    assert_string_equal(fcgi_error_name(FCGI_ERR_##name), "FCGI_ERR_" #name);
    FCGI_ERROR_MAP(SPELT)
#undef SPELT
    assert_string_equal(fcgi_error_name(FCGI_OK), "FCGI_OK");
    assert_string_equal(fcgi_error_name(FCGI_WAIT), "FCGI_WAIT");
}

static void a_sentence_starts_in_lower_case_and_has_no_full_stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODES; i++) {
        const char *sentence = fcgi_strerror(codes[i]);
        size_t len = strlen(sentence);
        assert_true(len > 0);
        assert_true(islower((unsigned char)sentence[0]));
        assert_true(isalnum((unsigned char)sentence[len - 1]));
    }
}

static void success_and_waiting_have_sentences_of_their_own(void **state)
{
    (void)state;
    assert_string_not_equal(fcgi_strerror(FCGI_OK), "unknown error");
    assert_string_not_equal(fcgi_strerror(FCGI_WAIT), "unknown error");
    assert_string_not_equal(fcgi_strerror(FCGI_OK), fcgi_strerror(FCGI_WAIT));
}

static void what_is_no_code_is_an_unknown_error(void **state)
{
    const int none[] = {2, 1000, INT32_MAX, INT32_MIN, -(int)RELEASED - 1};
    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_string_equal(fcgi_strerror(none[i]), "unknown error");
        assert_string_equal(fcgi_error_name(none[i]), "FCGI_ERR_?");
    }
}

static void the_version_is_that_of_the_header(void **state)
{
    char expected[64];
    (void)state;
    (void)snprintf(expected, sizeof(expected), "%d.%d.%d",
                   FCGI_CLIENT_VERSION_MAJOR, FCGI_CLIENT_VERSION_MINOR,
                   FCGI_CLIENT_VERSION_PATCH);
    assert_string_equal(fcgi_version(), expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_released_code_keeps_its_number_and_its_name),
        cmocka_unit_test(every_error_is_negative_and_success_is_zero),
        cmocka_unit_test(no_two_causes_share_a_code_a_name_or_a_sentence),
        cmocka_unit_test(a_name_is_spelt_as_in_a_program),
        cmocka_unit_test(a_sentence_starts_in_lower_case_and_has_no_full_stop),
        cmocka_unit_test(success_and_waiting_have_sentences_of_their_own),
        cmocka_unit_test(what_is_no_code_is_an_unknown_error),
        cmocka_unit_test(the_version_is_that_of_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
