/*
 * Whole records through readers and writers: content and padding of any size,
 * in reads of any size.
 */
#include <stdlib.h>
#include <string.h>

#include <fcgi_client/record.h>

#include "test.h"
#include "wire.h"

/* ---- writing ----------------------------------------------------------- */

/* A writer that keeps what it is given, counts its calls, and fails. */
struct collector {
    struct wire bytes;
    size_t calls;
    int fails_with;
};

static int collect(void *context, const struct fcgi_slice *slices, size_t count)
{
    struct collector *collector = context;
    collector->calls += 1;
    for (size_t i = 0; i < count && collector->fails_with == 0; i++) {
        wire_append(&collector->bytes, slices[i].data, slices[i].len);
    }
    return collector->fails_with;
}

static void assert_zeros(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(bytes[i], 0);
    }
}

/* A memory leak of other programs: what was in the buffer before went out as
 * padding. */
static void
a_written_record_has_zeros_as_reserved_byte_and_padding(void **state)
{
    struct collector collector = {0};
    const struct fcgi_writer writer = {collect, &collector};
    struct wire_frame frame;
    (void)state;
    for (size_t len = 0; len <= 16; len++) {
        size_t at = 0;
        wire_clear(&collector.bytes);
        assert_int_equal(fcgi_record_write(&writer, FCGI_TYPE_STDIN, 7,
                                           "0123456789abcdef", len),
                         FCGI_OK);
        assert_true(
            wire_next(collector.bytes.data, collector.bytes.len, &at, &frame));
        assert_int_equal(at, collector.bytes.len);
        assert_int_equal(frame.version, 1);
        assert_int_equal(frame.type, FCGI_TYPE_STDIN);
        assert_int_equal(frame.id, 7);
        assert_int_equal(frame.len, len);
        assert_memory_equal(frame.content, "0123456789abcdef", len);
        assert_int_equal(frame.reserved, 0);
        assert_int_equal((frame.len + frame.padding_len) % 8, 0);
        assert_zeros(frame.padding, frame.padding_len);
    }
    wire_free(&collector.bytes);
}

static void a_record_is_written_in_one_call_of_the_writer(void **state)
{
    struct collector collector = {0};
    const struct fcgi_writer writer = {collect, &collector};
    (void)state;
    assert_int_equal(fcgi_record_write(&writer, FCGI_TYPE_STDIN, 1, "abc", 3),
                     FCGI_OK);
    assert_int_equal(collector.calls, 1);
    wire_free(&collector.bytes);
}

static void a_record_without_content_is_a_header_alone(void **state)
{
    struct collector collector = {0};
    const struct fcgi_writer writer = {collect, &collector};
    const uint8_t expected[8] = {1, 5, 0xff, 0xfe, 0, 0, 0, 0};
    (void)state;
    assert_int_equal(
        fcgi_record_write(&writer, FCGI_TYPE_STDIN, 0xfffe, NULL, 0), FCGI_OK);
    assert_int_equal(collector.bytes.len, sizeof(expected));
    assert_memory_equal(collector.bytes.data, expected, sizeof(expected));
    wire_free(&collector.bytes);
}

static void content_of_65535_bytes_is_written_whole(void **state)
{
    struct collector collector = {0};
    const struct fcgi_writer writer = {collect, &collector};
    struct wire content = {0};
    struct wire_frame frame;
    size_t at = 0;
    (void)state;
    wire_noise(&content, 65535);
    assert_int_equal(
        fcgi_record_write(&writer, FCGI_TYPE_DATA, 1, content.data, 65535),
        FCGI_OK);
    assert_int_equal(collector.bytes.len, 8 + 65535);
    assert_true(
        wire_next(collector.bytes.data, collector.bytes.len, &at, &frame));
    assert_int_equal(frame.len, 65535);
    assert_memory_equal(frame.content, content.data, 65535);
    wire_free(&content);
    wire_free(&collector.bytes);
}

/* A length cut to 16 bits would let content pass for records of its own. */
static void
content_over_65535_bytes_is_refused_and_nothing_written(void **state)
{
    struct collector collector = {0};
    const struct fcgi_writer writer = {collect, &collector};
    char *content = calloc(1, 65536 + 8);
    (void)state;
    assert_non_null(content);
    assert_int_equal(
        fcgi_record_write(&writer, FCGI_TYPE_STDIN, 1, content, 65536),
        FCGI_ERR_CONTENT_TOO_LONG);
    assert_int_equal(
        fcgi_record_write(&writer, FCGI_TYPE_STDIN, 1, content, 65536 + 8),
        FCGI_ERR_CONTENT_TOO_LONG);
    assert_int_equal(collector.calls, 0);
    free(content);
}

static void an_error_of_the_writer_is_handed_on(void **state)
{
    struct collector collector = {.fails_with = FCGI_ERR_RESET};
    const struct fcgi_writer writer = {collect, &collector};
    (void)state;
    assert_int_equal(fcgi_record_write(&writer, FCGI_TYPE_STDIN, 1, "a", 1),
                     FCGI_ERR_RESET);
    assert_int_equal(fcgi_record_write_begin_request(&writer, 1, 1, 0),
                     FCGI_ERR_RESET);
}

static void writing_refuses_a_null_writer_and_null_content(void **state)
{
    struct collector collector = {0};
    const struct fcgi_writer writer = {collect, &collector};
    const struct fcgi_writer empty = {NULL, NULL};
    (void)state;
    assert_int_equal(fcgi_record_write(NULL, FCGI_TYPE_STDIN, 1, "a", 1),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_record_write(&empty, FCGI_TYPE_STDIN, 1, "a", 1),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_record_write(&writer, FCGI_TYPE_STDIN, 1, NULL, 1),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_record_write_begin_request(NULL, 1, 1, 0),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(collector.calls, 0);
}

static void a_begin_record_tells_role_and_flags(void **state)
{
    struct collector collector = {0};
    const struct fcgi_writer writer = {collect, &collector};
    const uint8_t expected[16] = {1, 1, 0x12, 0x34, 0, 8, 0, 0,
                                  0, 2, 1,    0,    0, 0, 0, 0};
    (void)state;
    assert_int_equal(fcgi_record_write_begin_request(&writer, 0x1234,
                                                     FCGI_ROLE_AUTHORIZER,
                                                     FCGI_FLAG_KEEP_CONN),
                     FCGI_OK);
    assert_int_equal(collector.bytes.len, sizeof(expected));
    assert_memory_equal(collector.bytes.data, expected, sizeof(expected));
    wire_free(&collector.bytes);
}

/* ---- reading ----------------------------------------------------------- */

/* A reader that gives the bytes of `wire`, at most `chunk` at a time, and
 * fails where it is told to. */
struct dripper {
    const struct wire *wire;
    size_t at;
    size_t chunk;
    size_t end;
    int fails_with;
};

static int drip(void *context, void *buf, size_t cap, size_t *got)
{
    struct dripper *dripper = context;
    size_t left = dripper->end - dripper->at;
    size_t n = left < cap ? left : cap;
    if (n > dripper->chunk) {
        n = dripper->chunk;
    }
    if (n == 0 && dripper->fails_with != 0) {
        return dripper->fails_with;
    }
    memcpy(buf, dripper->wire->data + dripper->at, n);
    dripper->at += n;
    *got = n;
    return FCGI_OK;
}

/* A reader that has one header, and behind it any bytes: it only counts, so
 * that all records there can be are read in a moment. */
struct counter {
    uint8_t head[8];
    size_t taken;
};

static int count_bytes(void *context, void *buf, size_t cap, size_t *got)
{
    struct counter *counter = context;
    size_t n = cap;
    if (counter->taken < 8) {
        size_t left = 8 - counter->taken;
        n = left < cap ? left : cap;
        memcpy(buf, counter->head + counter->taken, n);
    }
    counter->taken += n;
    *got = n;
    return FCGI_OK;
}

/* Content of 65,535 bytes with padding wraps a sum of 16 bits. */
static void every_content_length_with_every_padding_is_read_whole(void **state)
{
    static uint8_t content[65535];
    (void)state;
    for (uint32_t len = 0; len <= 65535; len++) {
        for (uint32_t padding = 0; padding <= 255; padding++) {
            struct counter counter = {{1, 6, 0, 1, (uint8_t)(len >> 8),
                                       (uint8_t)len, (uint8_t)padding, 0xa5},
                                      0};
            const struct fcgi_reader reader = {count_bytes, &counter};
            struct fcgi_record record;
            int rc =
                fcgi_record_read(&reader, &record, content, sizeof(content));
            /* Plain comparisons: there are 16 million of each. */
            if (rc != FCGI_OK || record.content.len != len ||
                counter.taken != (size_t)8 + len + padding) {
                fail_msg("content %u, padding %u: %d", len, padding, rc);
            }
        }
    }
}

static void records_are_told_apart_at_any_size_of_read(void **state)
{
    struct wire wire = {0};
    uint8_t buffer[300];
    (void)state;
    wire_record(&wire, WIRE_STDOUT, 1, "hello", 5, 255);
    wire_record(&wire, WIRE_STDERR, 0x102, NULL, 0, 3);
    wire_record(&wire, WIRE_END, 3, "\0\0\0\0\0\0\0\0", 8, 1);
    for (size_t chunk = 1; chunk <= wire.len; chunk++) {
        struct dripper dripper = {&wire, 0, chunk, wire.len, 0};
        const struct fcgi_reader reader = {drip, &dripper};
        struct fcgi_record record;
        assert_int_equal(
            fcgi_record_read(&reader, &record, buffer, sizeof(buffer)),
            FCGI_OK);
        assert_int_equal(record.header.type, FCGI_TYPE_STDOUT);
        assert_int_equal(record.content.len, 5);
        assert_memory_equal(record.content.data, "hello", 5);
        assert_ptr_equal(record.content.data, buffer);
        assert_int_equal(
            fcgi_record_read(&reader, &record, buffer, sizeof(buffer)),
            FCGI_OK);
        assert_int_equal(record.header.type, FCGI_TYPE_STDERR);
        assert_int_equal(record.header.request_id, 0x102);
        assert_int_equal(record.content.len, 0);
        assert_int_equal(
            fcgi_record_read(&reader, &record, buffer, sizeof(buffer)),
            FCGI_OK);
        assert_int_equal(record.header.type, FCGI_TYPE_END_REQUEST);
        assert_int_equal(dripper.at, wire.len);
    }
    wire_free(&wire);
}

static void
the_end_is_closed_before_a_record_and_truncated_amid_one(void **state)
{
    struct wire wire = {0};
    uint8_t buffer[64];
    (void)state;
    wire_record(&wire, WIRE_STDOUT, 1, "hello", 5, 3);
    for (size_t end = 0; end <= wire.len; end++) {
        struct dripper dripper = {&wire, 0, 4, end, 0};
        const struct fcgi_reader reader = {drip, &dripper};
        struct fcgi_record record;
        int expected = end == 0          ? FCGI_ERR_CLOSED
                       : end == wire.len ? FCGI_OK
                                         : FCGI_ERR_TRUNCATED;
        assert_int_equal(
            fcgi_record_read(&reader, &record, buffer, sizeof(buffer)),
            expected);
    }
    wire_free(&wire);
}

static void an_error_of_the_reader_is_handed_on_from_anywhere(void **state)
{
    struct wire wire = {0};
    uint8_t buffer[64];
    (void)state;
    wire_record(&wire, WIRE_STDOUT, 1, "hello", 5, 3);
    for (size_t end = 0; end < wire.len; end++) {
        struct dripper dripper = {&wire, 0, 4, end, FCGI_ERR_IDLE_TIMEOUT};
        const struct fcgi_reader reader = {drip, &dripper};
        struct fcgi_record record;
        assert_int_equal(
            fcgi_record_read(&reader, &record, buffer, sizeof(buffer)),
            FCGI_ERR_IDLE_TIMEOUT);
    }
    wire_free(&wire);
}

static void
content_larger_than_the_buffer_is_refused_behind_its_header(void **state)
{
    struct wire wire = {0};
    uint8_t buffer[5];
    struct fcgi_record record;
    (void)state;
    wire_record(&wire, WIRE_STDOUT, 1, "123456", 6, 2);
    struct fcgi_slice unread = {(const char *)wire.data, wire.len};
    const struct fcgi_reader reader = fcgi_memory_reader(&unread);
    assert_int_equal(fcgi_record_read(&reader, &record, buffer, sizeof(buffer)),
                     FCGI_ERR_CONTENT_TOO_LONG);
    assert_int_equal(record.header.content_length, 6);
    assert_int_equal(record.header.padding_length, 2);
    assert_int_equal(unread.len, 8);
    assert_memory_equal(unread.data, "123456", 6);
    wire_free(&wire);
}

static void a_buffer_as_large_as_the_content_is_enough(void **state)
{
    struct wire wire = {0};
    uint8_t buffer[6];
    struct fcgi_record record;
    (void)state;
    wire_record(&wire, WIRE_STDOUT, 1, "123456", 6, 250);
    struct fcgi_slice unread = {(const char *)wire.data, wire.len};
    const struct fcgi_reader reader = fcgi_memory_reader(&unread);
    assert_int_equal(fcgi_record_read(&reader, &record, buffer, sizeof(buffer)),
                     FCGI_OK);
    assert_int_equal(unread.len, 0);
    wire_free(&wire);
}

static void a_record_without_content_needs_no_buffer(void **state)
{
    struct wire wire = {0};
    struct fcgi_record record;
    (void)state;
    wire_record(&wire, WIRE_STDOUT, 1, NULL, 0, 8);
    struct fcgi_slice unread = {(const char *)wire.data, wire.len};
    const struct fcgi_reader reader = fcgi_memory_reader(&unread);
    assert_int_equal(fcgi_record_read(&reader, &record, NULL, 0), FCGI_OK);
    assert_int_equal(record.content.len, 0);
    assert_int_equal(unread.len, 0);
    wire_free(&wire);
}

static void a_record_of_another_version_is_an_invalid_header(void **state)
{
    struct fcgi_slice unread = {"HTTP/1.1 200 OK\r\n\r\n", 19};
    const struct fcgi_reader reader = fcgi_memory_reader(&unread);
    struct fcgi_record record;
    uint8_t buffer[64];
    (void)state;
    assert_int_equal(fcgi_record_read(&reader, &record, buffer, sizeof(buffer)),
                     FCGI_ERR_INVALID_HEADER);
}

static void reading_refuses_null_where_it_is_not_allowed(void **state)
{
    struct fcgi_slice unread = {NULL, 0};
    const struct fcgi_reader reader = fcgi_memory_reader(&unread);
    const struct fcgi_reader empty = {NULL, NULL};
    struct fcgi_record record;
    struct fcgi_memory room = {NULL, 0, 0};
    uint8_t buffer[8];
    (void)state;
    assert_int_equal(fcgi_record_read(NULL, &record, buffer, 8),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_record_read(&empty, &record, buffer, 8),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_record_read(&reader, NULL, buffer, 8),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_record_read(&reader, &record, NULL, 8),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_record_read(&reader, &record, NULL, 1),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(
        fcgi_record_read_into(NULL, &record, &room, &room, buffer, 8),
        FCGI_ERR_ARGUMENT);
    assert_int_equal(
        fcgi_record_read_into(&empty, &record, &room, &room, buffer, 8),
        FCGI_ERR_ARGUMENT);
    assert_int_equal(
        fcgi_record_read_into(&reader, NULL, &room, &room, buffer, 8),
        FCGI_ERR_ARGUMENT);
    assert_int_equal(
        fcgi_record_read_into(&reader, &record, &room, &room, NULL, 1),
        FCGI_ERR_ARGUMENT);
    assert_int_equal(
        fcgi_record_read_into(&reader, &record, NULL, &room, buffer, 8),
        FCGI_ERR_ARGUMENT);
    assert_int_equal(
        fcgi_record_read_into(&reader, &record, &room, NULL, buffer, 8),
        FCGI_ERR_ARGUMENT);
}

static void stdout_and_stderr_are_appended_each_to_its_own_room(void **state)
{
    struct wire wire = {0};
    char out_room[16];
    char err_room[16];
    uint8_t buffer[16];
    struct fcgi_memory out = {out_room, 0, sizeof(out_room)};
    struct fcgi_memory err = {err_room, 0, sizeof(err_room)};
    struct fcgi_record record;
    (void)state;
    wire_stdout(&wire, 1, "one ");
    wire_stderr(&wire, 1, "oh");
    wire_stdout(&wire, 1, "two");
    wire_stderr(&wire, 1, " no");
    wire_end(&wire, 1, 5, WIRE_COMPLETE);
    struct fcgi_slice unread = {(const char *)wire.data, wire.len};
    const struct fcgi_reader reader = fcgi_memory_reader(&unread);
    static const char *const contents[] = {"one ", "oh", "two", " no"};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(fcgi_record_read_into(&reader, &record, &out, &err,
                                               buffer, sizeof(buffer)),
                         FCGI_OK);
        if (i < 4) {
            assert_int_equal(record.content.len, strlen(contents[i]));
            assert_memory_equal(record.content.data, contents[i],
                                record.content.len);
        }
    }
    assert_int_equal(out.len, 7);
    assert_memory_equal(out.data, "one two", 7);
    assert_int_equal(err.len, 5);
    assert_memory_equal(err.data, "oh no", 5);
    assert_ptr_equal(record.content.data, buffer);
    assert_int_equal(record.content.len, 8);
    wire_free(&wire);
}

static void content_that_does_not_fit_its_room_is_refused(void **state)
{
    struct wire wire = {0};
    char out_room[4] = "abc";
    struct fcgi_memory out = {out_room, 3, sizeof(out_room)};
    struct fcgi_memory err = {NULL, 0, 0};
    uint8_t buffer[64];
    struct fcgi_record record;
    (void)state;
    wire_stdout(&wire, 1, "de");
    struct fcgi_slice unread = {(const char *)wire.data, wire.len};
    const struct fcgi_reader reader = fcgi_memory_reader(&unread);
    assert_int_equal(fcgi_record_read_into(&reader, &record, &out, &err, buffer,
                                           sizeof(buffer)),
                     FCGI_ERR_CONTENT_TOO_LONG);
    assert_int_equal(out.len, 3);
    assert_memory_equal(out_room, "abc", 3);
    wire_free(&wire);
}

/* ---- memory as reader and writer --------------------------------------- */

static void reading_into_rooms_needs_no_buffer_for_what_is_empty(void **state)
{
    struct fcgi_memory room = {NULL, 0, 0};
    struct wire wire = {0};
    struct fcgi_record record;
    (void)state;
    wire_record(&wire, WIRE_STDOUT, 1, NULL, 0, 3);
    wire_record(&wire, WIRE_END, 1, NULL, 0, 3);
    struct fcgi_slice unread = {(const char *)wire.data, wire.len};
    const struct fcgi_reader reader = fcgi_memory_reader(&unread);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            fcgi_record_read_into(&reader, &record, &room, &room, NULL, 0),
            FCGI_OK);
    }
    assert_int_equal(unread.len, 0);
    wire_free(&wire);
}

static void a_memory_reader_shrinks_from_its_front(void **state)
{
    struct fcgi_slice unread = {"abcdef", 6};
    const struct fcgi_reader reader = fcgi_memory_reader(&unread);
    char buf[4];
    size_t got = 0;
    (void)state;
    assert_int_equal(reader.read(reader.context, buf, 4, &got), FCGI_OK);
    assert_int_equal(got, 4);
    assert_memory_equal(buf, "abcd", 4);
    assert_int_equal(unread.len, 2);
    assert_memory_equal(unread.data, "ef", 2);
    assert_int_equal(reader.read(reader.context, buf, 4, &got), FCGI_OK);
    assert_int_equal(got, 2);
    assert_int_equal(reader.read(reader.context, buf, 4, &got), FCGI_OK);
    assert_int_equal(got, 0);
}

static void memory_is_read_byte_by_byte_as_well(void **state)
{
    struct fcgi_slice unread = {"abc", 3};
    const struct fcgi_reader reader = fcgi_memory_reader(&unread);
    (void)state;
    for (int i = 0; i < 3; i++) {
        char byte = '#';
        size_t got = 0;
        assert_int_equal(reader.read(reader.context, &byte, 1, &got), FCGI_OK);
        assert_int_equal(got, 1);
        assert_int_equal(byte, "abc"[i]);
    }
}

static void a_memory_writer_is_filled_to_its_last_byte(void **state)
{
    char room[16];
    struct fcgi_memory memory = {room, 0, sizeof(room)};
    const struct fcgi_writer writer = fcgi_memory_writer(&memory);
    (void)state;
    assert_int_equal(fcgi_record_write(&writer, WIRE_STDIN, 1, "x", 1),
                     FCGI_OK);
    assert_int_equal(memory.len, 16);
    assert_memory_equal(room + 8, "x\0\0\0\0\0\0\0", 8);
}

static void a_full_memory_writer_writes_nothing_of_a_record(void **state)
{
    char room[8 + 8 + 15];
    struct fcgi_memory memory = {room, 0, sizeof(room)};
    const struct fcgi_writer writer = fcgi_memory_writer(&memory);
    (void)state;
    assert_int_equal(fcgi_record_write(&writer, WIRE_STDIN, 1, "12345678", 8),
                     FCGI_OK);
    assert_int_equal(memory.len, 16);
    memset(room + 16, '.', 15);
    assert_int_equal(fcgi_record_write(&writer, WIRE_STDIN, 1, "1234567", 7),
                     FCGI_ERR_CONTENT_TOO_LONG);
    assert_int_equal(memory.len, 16);
    assert_memory_equal(room + 16, "...............", 15);
}

static void what_is_written_reads_back_the_same(void **state)
{
    char room[64];
    struct fcgi_memory memory = {room, 0, sizeof(room)};
    const struct fcgi_writer writer = fcgi_memory_writer(&memory);
    struct fcgi_record record;
    uint8_t buffer[16];
    (void)state;
    assert_int_equal(fcgi_record_write(&writer, 200, 65535, "\0\xff\0", 3),
                     FCGI_OK);
    struct fcgi_slice unread = {room, memory.len};
    const struct fcgi_reader reader = fcgi_memory_reader(&unread);
    assert_int_equal(fcgi_record_read(&reader, &record, buffer, sizeof(buffer)),
                     FCGI_OK);
    assert_int_equal(record.header.type, 200);
    assert_int_equal(record.header.request_id, 65535);
    assert_int_equal(record.content.len, 3);
    assert_memory_equal(record.content.data, "\0\xff\0", 3);
    assert_int_equal(unread.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_written_record_has_zeros_as_reserved_byte_and_padding),
        cmocka_unit_test(a_record_is_written_in_one_call_of_the_writer),
        cmocka_unit_test(a_record_without_content_is_a_header_alone),
        cmocka_unit_test(content_of_65535_bytes_is_written_whole),
        cmocka_unit_test(
            content_over_65535_bytes_is_refused_and_nothing_written),
        cmocka_unit_test(an_error_of_the_writer_is_handed_on),
        cmocka_unit_test(writing_refuses_a_null_writer_and_null_content),
        cmocka_unit_test(a_begin_record_tells_role_and_flags),
        cmocka_unit_test(every_content_length_with_every_padding_is_read_whole),
        cmocka_unit_test(records_are_told_apart_at_any_size_of_read),
        cmocka_unit_test(
            the_end_is_closed_before_a_record_and_truncated_amid_one),
        cmocka_unit_test(an_error_of_the_reader_is_handed_on_from_anywhere),
        cmocka_unit_test(
            content_larger_than_the_buffer_is_refused_behind_its_header),
        cmocka_unit_test(a_buffer_as_large_as_the_content_is_enough),
        cmocka_unit_test(a_record_without_content_needs_no_buffer),
        cmocka_unit_test(a_record_of_another_version_is_an_invalid_header),
        cmocka_unit_test(reading_refuses_null_where_it_is_not_allowed),
        cmocka_unit_test(stdout_and_stderr_are_appended_each_to_its_own_room),
        cmocka_unit_test(content_that_does_not_fit_its_room_is_refused),
        cmocka_unit_test(reading_into_rooms_needs_no_buffer_for_what_is_empty),
        cmocka_unit_test(a_memory_reader_shrinks_from_its_front),
        cmocka_unit_test(memory_is_read_byte_by_byte_as_well),
        cmocka_unit_test(a_memory_writer_is_filled_to_its_last_byte),
        cmocka_unit_test(a_full_memory_writer_writes_nothing_of_a_record),
        cmocka_unit_test(what_is_written_reads_back_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
