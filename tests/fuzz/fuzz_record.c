/*
 * Records: headers and fixed bodies there and back, and whole records read from
 * bytes of any kind, at once or in dribs, into room of any size.
 *
 *     input: room  bytes of a read  the bytes
 */
#include <stdlib.h>
#include <string.h>

#include <fcgi_client/record.h>

#include "fuzz_input.h"
#include "test.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All but the reserved bytes comes back. */
static void check_fixed(const uint8_t in[8])
{
    struct fcgi_header header;
    struct fcgi_begin_request begin;
    struct fcgi_end_request end;
    uint8_t out[8];
    int rc = fcgi_header_decode(&header, in);
    assert_int_equal(rc, in[0] == 1 ? FCGI_OK : FCGI_ERR_INVALID_HEADER);
    fcgi_header_encode(out, &header);
    assert_memory_equal(out, in, 7);
    assert_int_equal(out[7], 0);
    fcgi_begin_request_decode(&begin, in);
    fcgi_begin_request_encode(out, &begin);
    assert_memory_equal(out, in, 3);
    assert_memory_equal(out + 3, "\0\0\0\0\0", 5);
    fcgi_end_request_decode(&end, in);
    fcgi_end_request_encode(out, &end);
    assert_memory_equal(out, in, 5);
    assert_memory_equal(out + 5, "\0\0\0", 3);
}

/* ---- reading ----------------------------------------------------------- */

/* What is left to read, and how much of it is given at a time. */
struct dribs {
    struct fcgi_slice unread;
    size_t most;
};

static int read_drib(void *context, void *buf, size_t cap, size_t *got)
{
    struct dribs *dribs = context;
    size_t n = dribs->most < cap ? dribs->most : cap;
    *got = n < dribs->unread.len ? n : dribs->unread.len;
    if (*got > 0) {
        memcpy(buf, dribs->unread.data, *got);
    }
    dribs->unread.data += *got;
    dribs->unread.len -= *got;
    return FCGI_OK;
}

/* What reading a record must come to: `frame` is set where it is FCGI_OK. */
static int expected(const uint8_t *data, size_t len, size_t room,
                    struct wire_frame *frame)
{
    size_t at = 0;
    if (len < 8) {
        return len == 0 ? FCGI_ERR_CLOSED : FCGI_ERR_TRUNCATED;
    }
    if (data[0] != 1) {
        return FCGI_ERR_INVALID_HEADER;
    }
    if (((size_t)data[4] << 8 | data[5]) > room) {
        return FCGI_ERR_CONTENT_TOO_LONG;
    }
    return wire_next(data, len, &at, frame) ? FCGI_OK : FCGI_ERR_TRUNCATED;
}

static void assert_frame(const struct fcgi_record *record,
                         const struct wire_frame *frame)
{
    assert_int_equal(record->header.type, frame->type);
    assert_int_equal(record->header.request_id, frame->id);
    assert_int_equal(record->header.padding_length, frame->padding_len);
    assert_int_equal(record->content.len, frame->len);
    if (frame->len > 0) {
        assert_memory_equal(record->content.data, frame->content, frame->len);
    }
}

/* What was read is written, and read once more. */
static void check_written(const struct fcgi_record *record)
{
    struct fcgi_memory memory = {malloc(65600), 0, 65600};
    const struct fcgi_writer writer = fcgi_memory_writer(&memory);
    struct wire_frame frame;
    size_t at = 0;
    assert_non_null(memory.data);
    assert_int_equal(fcgi_record_write(&writer, record->header.type,
                                       record->header.request_id,
                                       record->content.data,
                                       record->content.len),
                     FCGI_OK);
    assert_true(
        wire_next((const uint8_t *)memory.data, memory.len, &at, &frame));
    assert_int_equal(at, memory.len);
    assert_int_equal(frame.reserved, 0);
    assert_true(frame.len + frame.padding_len <= 65535);
    for (size_t i = 0; i < frame.padding_len; i++) {
        assert_int_equal(frame.padding[i], 0);
    }
    assert_int_equal(frame.len, record->content.len);
    if (frame.len > 0) {
        assert_memory_equal(frame.content, record->content.data, frame.len);
    }
    free(memory.data);
}

static void check_reading(struct fcgi_slice bytes, size_t room, size_t most)
{
    struct dribs dribs = {bytes, most};
    const struct fcgi_reader slow = {read_drib, &dribs};
    const struct fcgi_reader fast = fcgi_memory_reader(&bytes);
    char *buffers[] = {malloc(room + 1), malloc(room + 1)};
    int want = FCGI_OK;
    while (want == FCGI_OK) {
        struct wire_frame frame;
        struct fcgi_record record;
        want = expected((const uint8_t *)bytes.data, bytes.len, room, &frame);
        assert_int_equal(fcgi_record_read(&fast, &record, buffers[0], room),
                         want);
        if (want == FCGI_OK) {
            assert_frame(&record, &frame);
            check_written(&record);
        }
        assert_int_equal(fcgi_record_read(&slow, &record, buffers[1], room),
                         want);
        if (want == FCGI_OK) {
            assert_frame(&record, &frame);
        }
        assert_int_equal(dribs.unread.len, bytes.len);
    }
    free(buffers[0]);
    free(buffers[1]);
}

/* ---- reading into place ------------------------------------------------ */

static void assert_room(const struct fcgi_memory *memory,
                        const struct wire *stream)
{
    assert_int_equal(memory->len, stream->len);
    assert_true(memory->len <= memory->cap);
    if (stream->len > 0) {
        assert_memory_equal(memory->data, stream->data, stream->len);
    }
}

/* Output and error output are joined each in its room, for as long as that
 * holds them. */
static void check_reading_into(struct fcgi_slice bytes, size_t room)
{
    const struct fcgi_reader reader = fcgi_memory_reader(&bytes);
    struct fcgi_memory out = {malloc(room + 1), 0, room};
    struct fcgi_memory err = {malloc(room + 1), 0, room};
    char *buffer = malloc(room + 1);
    struct wire streams[2] = {{0}, {0}};
    int want = FCGI_OK;
    while (want == FCGI_OK) {
        struct wire_frame frame;
        struct fcgi_record record;
        bool is_known = bytes.len >= 8;
        int type = is_known ? bytes.data[1] : 0;
        size_t left = type == WIRE_STDOUT   ? out.cap - out.len
                      : type == WIRE_STDERR ? err.cap - err.len
                                            : room;
        want = expected((const uint8_t *)bytes.data, bytes.len, left, &frame);
        assert_int_equal(
            fcgi_record_read_into(&reader, &record, &out, &err, buffer, room),
            want);
        if (want != FCGI_OK) {
            break;
        }
        assert_frame(&record, &frame);
        if (type == WIRE_STDOUT || type == WIRE_STDERR) {
            wire_append(&streams[type == WIRE_STDERR], frame.content,
                        frame.len);
        }
        assert_room(&out, &streams[0]);
        assert_room(&err, &streams[1]);
    }
    wire_free(&streams[0]);
    wire_free(&streams[1]);
    free(out.data);
    free(err.data);
    free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input s = fuzz_input_of(data, size);
    size_t room = fuzz_input_length(&s);
    size_t most = 1 + fuzz_input_byte(&s);
    struct fcgi_slice bytes = fuzz_input_rest(&s);
    if (bytes.len >= 8) {
        check_fixed((const uint8_t *)bytes.data);
    }
    check_reading(bytes, room, most);
    check_reading_into(bytes, room);
    return 0;
}
