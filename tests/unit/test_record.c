/*
 * The header of records and the bodies of fixed shape (FastCGI specification,
 * sections 3.3 and 5).
 */
#include <string.h>

#include <fcgi_client/record.h>

#include "test.h"

/* ---- the header -------------------------------------------------------- */

static void a_header_is_stored_in_network_order(void **state)
{
    const struct fcgi_header header = {1, FCGI_TYPE_STDIN, 0x1234, 0xabcd,
                                       0xef};
    const uint8_t expected[8] = {1, 5, 0x12, 0x34, 0xab, 0xcd, 0xef, 0};
    uint8_t out[8];
    (void)state;
    memset(out, 0xff, sizeof(out));
    fcgi_header_encode(out, &header);
    assert_memory_equal(out, expected, sizeof(out));
}

static void a_header_is_read_in_network_order(void **state)
{
    const uint8_t in[8] = {1, 6, 0x12, 0x34, 0xab, 0xcd, 0xef, 0};
    struct fcgi_header header;
    (void)state;
    assert_int_equal(fcgi_header_decode(&header, in), FCGI_OK);
    assert_int_equal(header.version, 1);
    assert_int_equal(header.type, FCGI_TYPE_STDOUT);
    assert_int_equal(header.request_id, 0x1234);
    assert_int_equal(header.content_length, 0xabcd);
    assert_int_equal(header.padding_length, 0xef);
}

static void the_reserved_byte_of_a_header_is_not_looked_at(void **state)
{
    (void)state;
    for (int reserved = 0; reserved < 256; reserved++) {
        const uint8_t in[8] = {1, 6, 0, 1, 0, 2, 3, (uint8_t)reserved};
        struct fcgi_header header;
        assert_int_equal(fcgi_header_decode(&header, in), FCGI_OK);
        assert_int_equal(header.content_length, 2);
        assert_int_equal(header.padding_length, 3);
    }
}

static void any_version_but_1_is_an_invalid_header(void **state)
{
    (void)state;
    for (int version = 0; version < 256; version++) {
        const uint8_t in[8] = {(uint8_t)version, 6, 0, 9, 0, 2, 3, 0};
        struct fcgi_header header;
        int expected = version == 1 ? FCGI_OK : FCGI_ERR_INVALID_HEADER;
        assert_int_equal(fcgi_header_decode(&header, in), expected);
        assert_int_equal(header.version, version);
        assert_int_equal(header.request_id, 9);
    }
}

static void every_id_and_length_survives_a_round_trip(void **state)
{
    (void)state;
    for (uint32_t i = 0; i <= 65535; i++) {
        const struct fcgi_header header = {1, (uint8_t)i, (uint16_t)~i,
                                           (uint16_t)i, (uint8_t)(i >> 8)};
        struct fcgi_header back = {0};
        uint8_t bytes[8];
        fcgi_header_encode(bytes, &header);
        assert_int_equal(fcgi_header_decode(&back, bytes), FCGI_OK);
        assert_int_equal(back.type, header.type);
        assert_int_equal(back.request_id, header.request_id);
        assert_int_equal(back.content_length, header.content_length);
        assert_int_equal(back.padding_length, header.padding_length);
    }
}

static void padding_completes_content_to_a_multiple_of_8(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 65528; len++) {
        size_t padding = fcgi_padding_for(len);
        assert_true(padding < 8);
        assert_int_equal((len + padding) % 8, 0);
    }
}

/* PHP-FPM refuses a record whose content and padding are over 65,535 bytes
 * together. */
static void content_and_padding_never_exceed_65535_together(void **state)
{
    (void)state;
    for (size_t len = 65529; len <= 65535; len++) {
        assert_int_equal(fcgi_padding_for(len), 0);
    }
    assert_int_equal(fcgi_padding_for(65536), 0);
    assert_int_equal(fcgi_padding_for(SIZE_MAX), 0);
}

/* ---- the fixed bodies -------------------------------------------------- */

static void a_begin_body_has_zeros_in_its_reserved_bytes(void **state)
{
    const struct fcgi_begin_request begin = {0x0102, FCGI_FLAG_KEEP_CONN};
    const uint8_t expected[8] = {1, 2, 1, 0, 0, 0, 0, 0};
    uint8_t out[8];
    (void)state;
    memset(out, 0xff, sizeof(out));
    fcgi_begin_request_encode(out, &begin);
    assert_memory_equal(out, expected, sizeof(out));
}

static void
a_begin_body_is_read_past_garbage_in_its_reserved_bytes(void **state)
{
    const uint8_t in[8] = {0, 3, 1, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5};
    struct fcgi_begin_request begin;
    (void)state;
    fcgi_begin_request_decode(&begin, in);
    assert_int_equal(begin.role, FCGI_ROLE_FILTER);
    assert_int_equal(begin.flags, FCGI_FLAG_KEEP_CONN);
}

static void an_end_body_has_zeros_in_its_reserved_bytes(void **state)
{
    const struct fcgi_end_request end = {0x89abcdef, FCGI_STATUS_OVERLOADED};
    const uint8_t expected[8] = {0x89, 0xab, 0xcd, 0xef, 2, 0, 0, 0};
    uint8_t out[8];
    (void)state;
    memset(out, 0xff, sizeof(out));
    fcgi_end_request_encode(out, &end);
    assert_memory_equal(out, expected, sizeof(out));
}

static void an_end_body_keeps_all_32_bits_of_the_app_status(void **state)
{
    const uint32_t statuses[] = {0,     1,          255,        256,
                                 65536, 0x7fffffff, 0x80000000, 0xffffffff};
    (void)state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        const struct fcgi_end_request end = {statuses[i], 3};
        struct fcgi_end_request back;
        uint8_t bytes[8];
        fcgi_end_request_encode(bytes, &end);
        memset(bytes + 5, 0xa5, 3);
        fcgi_end_request_decode(&back, bytes);
        assert_int_equal(back.app_status, statuses[i]);
        assert_int_equal(back.protocol_status, FCGI_STATUS_UNKNOWN_ROLE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_stored_in_network_order),
        cmocka_unit_test(a_header_is_read_in_network_order),
        cmocka_unit_test(the_reserved_byte_of_a_header_is_not_looked_at),
        cmocka_unit_test(any_version_but_1_is_an_invalid_header),
        cmocka_unit_test(every_id_and_length_survives_a_round_trip),
        cmocka_unit_test(padding_completes_content_to_a_multiple_of_8),
        cmocka_unit_test(content_and_padding_never_exceed_65535_together),
        cmocka_unit_test(a_begin_body_has_zeros_in_its_reserved_bytes),
        cmocka_unit_test(
            a_begin_body_is_read_past_garbage_in_its_reserved_bytes),
        cmocka_unit_test(an_end_body_has_zeros_in_its_reserved_bytes),
        cmocka_unit_test(an_end_body_keeps_all_32_bits_of_the_app_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
