/*
 * record - the framing of FastCGI (specification, sections 3.3, 5 and 8).
 *
 *      0       1       2       3       4       5       6       7
 *  +-------+-------+---------------+---------------+-------+-------+
 *  |version| type  |  request id   |content length |padding| zero  |
 *  +-------+-------+---------------+---------------+-------+-------+
 *
 * Numbers are big-endian. What we send has zeros in its reserved bytes and in
 * its padding; what we receive may have anything there.
 */
#include <string.h>

#include "record.h"

const char fcgi__zeros[8] = {0};

void fcgi_header_encode(uint8_t out[FCGI_RECORD_HEADER_LEN],
                        const struct fcgi_header *header)
{
    fcgi__header_put(out, header);
}

int fcgi_header_decode(struct fcgi_header *header,
                       const uint8_t in[FCGI_RECORD_HEADER_LEN])
{
    fcgi__header_get(header, in);
    return header->version == FCGI_PROTOCOL_VERSION ? FCGI_OK
                                                    : FCGI_ERR_INVALID_HEADER;
}

uint8_t fcgi_padding_for(size_t content_length)
{
    return fcgi__padding_for(content_length);
}

void fcgi_begin_request_encode(uint8_t out[8],
                               const struct fcgi_begin_request *begin)
{
    fcgi__begin_request_put(out, begin);
}

void fcgi_begin_request_decode(struct fcgi_begin_request *begin,
                               const uint8_t in[8])
{
    begin->role = fcgi__get16(in);
    begin->flags = in[2];
}

void fcgi_end_request_encode(uint8_t out[8], const struct fcgi_end_request *end)
{
    memset(out, 0, 8);
    fcgi__put16(out, (uint16_t)(end->app_status >> 16));
    fcgi__put16(out + 2, (uint16_t)end->app_status);
    out[4] = end->protocol_status;
}

void fcgi_end_request_decode(struct fcgi_end_request *end, const uint8_t in[8])
{
    end->app_status = (uint32_t)fcgi__get16(in) << 16 | fcgi__get16(in + 2);
    end->protocol_status = in[4];
}

int fcgi_record_write(const struct fcgi_writer *writer, uint8_t type,
                      uint16_t request_id, const void *content, size_t len)
{
    uint8_t header[FCGI_RECORD_HEADER_LEN];
    struct fcgi_slice slices[3] = {{(const char *)header, sizeof(header)},
                                   {content, len},
                                   {fcgi__zeros, fcgi__padding_for(len)}};

    if (writer == NULL || writer->write == NULL ||
        (content == NULL && len > 0)) {
        return FCGI_ERR_ARGUMENT;
    }
    if (len > FCGI_CONTENT_MAX) {
        return FCGI_ERR_CONTENT_TOO_LONG;
    }
    fcgi__record_header(header, type, request_id, len);
    return writer->write(writer->context, slices, 3);
}

int fcgi_record_write_begin_request(const struct fcgi_writer *writer,
                                    uint16_t request_id, uint16_t role,
                                    uint8_t flags)
{
    struct fcgi_begin_request begin = {role, flags};
    uint8_t body[8];

    fcgi_begin_request_encode(body, &begin);
    return fcgi_record_write(writer, FCGI_TYPE_BEGIN_REQUEST, request_id, body,
                             sizeof(body));
}

/* Read exactly `len` bytes. FCGI_ERR_CLOSED: the end came before any of
 * them. */
static int read_exactly(const struct fcgi_reader *reader, void *buf, size_t len)
{
    char *at = buf;
    size_t have = 0;

    while (have < len) {
        size_t got = 0;
        int rc = reader->read(reader->context, at + have, len - have, &got);
        if (rc != FCGI_OK) {
            return rc;
        }
        if (got == 0) {
            return have == 0 ? FCGI_ERR_CLOSED : FCGI_ERR_TRUNCATED;
        }
        have += got;
    }
    return FCGI_OK;
}

/* As read_exactly(), inside a record. */
static int read_rest(const struct fcgi_reader *reader, void *buf, size_t len)
{
    int rc = read_exactly(reader, buf, len);

    return rc == FCGI_ERR_CLOSED ? FCGI_ERR_TRUNCATED : rc;
}

static int read_header(const struct fcgi_reader *reader,
                       struct fcgi_record *record)
{
    uint8_t head[FCGI_RECORD_HEADER_LEN];
    int rc = read_exactly(reader, head, sizeof(head));

    return rc == FCGI_OK ? fcgi_header_decode(&record->header, head) : rc;
}

/* Append the content to `room`, and drain the padding. */
static int read_content(const struct fcgi_reader *reader,
                        struct fcgi_record *record, struct fcgi_memory *room)
{
    char padding[FCGI_PADDING_MAX];
    size_t len = record->header.content_length;
    int rc;

    if (len > room->cap - room->len) {
        return FCGI_ERR_CONTENT_TOO_LONG;
    }
    if (len > 0) {
        record->content.data = room->data + room->len;
        rc = read_rest(reader, room->data + room->len, len);
        if (rc != FCGI_OK) {
            return rc;
        }
        record->content.len = len;
        room->len += len;
    }
    return read_rest(reader, padding, record->header.padding_length);
}

/* Read a record, whose content goes to the room of its type, or else into
 * `buffer`. */
static int read_record(const struct fcgi_reader *reader,
                       struct fcgi_record *record, struct fcgi_memory *out,
                       struct fcgi_memory *err, void *buffer, size_t cap)
{
    struct fcgi_memory other = {buffer, 0, cap};
    int rc;

    if (reader == NULL || reader->read == NULL || record == NULL ||
        (buffer == NULL && cap > 0)) {
        return FCGI_ERR_ARGUMENT;
    }
    memset(record, 0, sizeof(*record));
    rc = read_header(reader, record);
    if (rc != FCGI_OK) {
        return rc;
    }
    if (record->header.type == FCGI_TYPE_STDOUT && out != NULL) {
        return read_content(reader, record, out);
    }
    if (record->header.type == FCGI_TYPE_STDERR && err != NULL) {
        return read_content(reader, record, err);
    }
    return read_content(reader, record, &other);
}

int fcgi_record_read(const struct fcgi_reader *reader,
                     struct fcgi_record *record, void *buffer, size_t cap)
{
    return read_record(reader, record, NULL, NULL, buffer, cap);
}

int fcgi_record_read_into(const struct fcgi_reader *reader,
                          struct fcgi_record *record, struct fcgi_memory *out,
                          struct fcgi_memory *err, void *buffer, size_t cap)
{
    return out == NULL || err == NULL
               ? FCGI_ERR_ARGUMENT
               : read_record(reader, record, out, err, buffer, cap);
}

static int read_memory(void *context, void *buf, size_t cap, size_t *got)
{
    struct fcgi_slice *unread = context;
    size_t len = unread->len < cap ? unread->len : cap;

    if (len > 0) {
        memcpy(buf, unread->data, len);
        unread->data += len;
        unread->len -= len;
    }
    *got = len;
    return FCGI_OK;
}

struct fcgi_reader fcgi_memory_reader(struct fcgi_slice *unread)
{
    return (struct fcgi_reader){read_memory, unread};
}

static int write_memory(void *context, const struct fcgi_slice *slices,
                        size_t count)
{
    struct fcgi_memory *memory = context;
    size_t room = memory->cap - memory->len;

    for (size_t i = 0; i < count; i++) {
        if (slices[i].len > room) {
            return FCGI_ERR_CONTENT_TOO_LONG;
        }
        room -= slices[i].len;
    }
    for (size_t i = 0; i < count; i++) {
        if (slices[i].len > 0) {
            memcpy(memory->data + memory->len, slices[i].data, slices[i].len);
            memory->len += slices[i].len;
        }
    }
    return FCGI_OK;
}

struct fcgi_writer fcgi_memory_writer(struct fcgi_memory *memory)
{
    return (struct fcgi_writer){write_memory, memory};
}
