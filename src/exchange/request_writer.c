/*
 * request_writer - a request as the bytes it is on the wire.
 */
#include <assert.h>

#include "../codec/record.h"
#include "request_writer.h"

static bool is_empty(const struct fcgi_source *source)
{
    return source->read == NULL && source->len == 0;
}

/* Whether the source is empty, or has both a stream and bytes to send. */
static bool is_valid(const struct fcgi_source *source, bool has_stream)
{
    return is_empty(source) ||
           (has_stream && (source->read != NULL || source->data != NULL));
}

/* Which role has which streams: FastCGI specification, section 6. */
static bool is_valid_request(const struct fcgi_request *request, unsigned role)
{
    const uint64_t *reserved = request->reserved;

    return role <= FCGI_ROLE_FILTER &&
           is_valid(&request->body, role != FCGI_ROLE_AUTHORIZER) &&
           is_valid(&request->data, role == FCGI_ROLE_FILTER) &&
           (request->params != NULL || request->param_count == 0) &&
           (request->encoded_params.data != NULL ||
            request->encoded_params.len == 0) &&
           (reserved[0] | reserved[1] | reserved[2] | reserved[3] |
            reserved[4]) == 0;
}

/* Of an empty stream there is only its end, which goes into the prologue if no
 * other stream comes before it. */
static int add_stream(struct fcgi__request_writer *writer,
                      const struct fcgi_allocator *allocator, uint8_t type,
                      uint16_t request_id, const struct fcgi_source *source)
{
    if (is_empty(source) && writer->stream_count == 0) {
        return fcgi__prologue_end_stream(&writer->prologue, allocator, type,
                                         request_id);
    }
    fcgi__stream_begin(&writer->streams[writer->stream_count], type, request_id,
                       source);
    writer->stream_count += 1;
    return FCGI_OK;
}

static void reset_progress(struct fcgi__request_writer *writer)
{
    writer->prologue_sent = 0;
    writer->stream = 0;
    writer->waits = false;
    writer->records = 0;
    writer->bytes = 0;
    writer->offered = 0;
}

int fcgi__request_writer_begin(struct fcgi__request_writer *writer,
                               const struct fcgi_allocator *allocator,
                               const struct fcgi_request *request,
                               uint16_t request_id, uint8_t flags)
{
    unsigned role = request->role == 0 ? FCGI_ROLE_RESPONDER : request->role;
    struct fcgi_begin_request begin = {(uint16_t)role, flags};
    int rc;

    if (!is_valid_request(request, role)) {
        return FCGI_ERR_ARGUMENT;
    }
    rc = fcgi__prologue_encode(&writer->prologue, allocator, request,
                               request_id, begin);
    reset_progress(writer);
    writer->stream_count = 0;
    if (rc == FCGI_OK && role != FCGI_ROLE_AUTHORIZER) {
        rc = add_stream(writer, allocator, FCGI_TYPE_STDIN, request_id,
                        &request->body);
    }
    if (rc == FCGI_OK && role == FCGI_ROLE_FILTER) {
        rc = add_stream(writer, allocator, FCGI_TYPE_DATA, request_id,
                        &request->data);
    }
    return rc;
}

int fcgi__request_writer_begin_values(struct fcgi__request_writer *writer,
                                      const struct fcgi_allocator *allocator)
{
    writer->stream_count = 0;
    reset_progress(writer);
    return fcgi__prologue_encode_values(&writer->prologue, allocator);
}

int fcgi__request_writer_restart(struct fcgi__request_writer *writer,
                                 uint16_t request_id)
{
    for (size_t i = 0; i < writer->stream_count; i++) {
        if (!fcgi__stream_restart(&writer->streams[i], request_id)) {
            return FCGI_ERR_STATE;
        }
    }
    fcgi__prologue_set_id(&writer->prologue, request_id);
    reset_progress(writer);
    return FCGI_OK;
}

bool fcgi__request_writer_replayable(const struct fcgi__request_writer *writer)
{
    for (size_t i = 0; i < writer->stream_count; i++) {
        if (!fcgi__stream_replayable(&writer->streams[i])) {
            return false;
        }
    }
    return true;
}

bool fcgi__request_writer_calls_out(const struct fcgi__request_writer *writer)
{
    for (size_t i = 0; i < writer->stream_count; i++) {
        if (writer->streams[i].source.read != NULL) {
            return true;
        }
    }
    return false;
}

int fcgi__request_writer_fill(struct fcgi__request_writer *writer,
                              const struct fcgi_allocator *allocator)
{
    struct fcgi__stream *stream = &writer->streams[writer->stream];
    const struct fcgi_source *source = &stream->source;
    size_t wanted, got = 0;
    int rc;

    writer->waits = false;
    writer->offered = 0;
    if (writer->stream == writer->stream_count) {
        return FCGI_OK;
    }
    wanted = fcgi__stream_read_len(stream);
    if (wanted == 0) {
        return FCGI_OK;
    }
    rc = fcgi__buffer_reserve(&writer->chunk, allocator, FCGI__CONTENT_LEN);
    if (rc != FCGI_OK) {
        return rc;
    }
    rc = source->read(source->context, writer->chunk.data, wanted, &got);
    if (rc == FCGI_WAIT) {
        writer->waits = true;
        return FCGI_OK;
    }
    return rc == FCGI_OK && got <= wanted
               ? fcgi__stream_begin_segment(stream, writer->chunk.data, got)
               : FCGI_ERR_SOURCE;
}

size_t fcgi__request_writer_slices(struct fcgi__request_writer *writer,
                                   struct fcgi_slice *slices, size_t max)
{
    const struct fcgi__buffer *prologue = &writer->prologue.wire;
    size_t sent = writer->prologue_sent;
    size_t count = 0;

    if (sent < prologue->len) {
        slices[0].data = prologue->data + sent;
        slices[0].len = prologue->len - sent;
        count = 1;
    }
    if (writer->stream < writer->stream_count) {
        count += fcgi__stream_list(&writer->streams[writer->stream],
                                   slices + count, max - count);
    }
    for (size_t i = 0; i < count; i++) {
        writer->offered += slices[i].len;
    }
    return count;
}

int fcgi__request_writer_sent(struct fcgi__request_writer *writer, size_t n)
{
    size_t left = writer->prologue.wire.len - writer->prologue_sent;
    size_t of_prologue = n < left ? n : left;
    struct fcgi__stream *stream = &writer->streams[writer->stream];

    if (n > writer->offered) {
        return FCGI_ERR_ARGUMENT;
    }
    writer->offered -= n;
    writer->bytes += n;
    writer->prologue_sent += of_prologue;
    if (n == of_prologue) {
        return FCGI_OK;
    }
    assert(writer->stream < writer->stream_count);
    if (!fcgi__stream_sent(stream, n - of_prologue)) {
        return FCGI_OK;
    }
    writer->records += fcgi__stream_records(stream);
    if (stream->last) {
        writer->stream += 1;
    } else {
        fcgi__stream_end_segment(stream);
    }
    return FCGI_OK;
}

bool fcgi__request_writer_all_sent(const struct fcgi__request_writer *writer)
{
    return writer->prologue_sent == writer->prologue.wire.len &&
           writer->stream == writer->stream_count;
}

uint64_t fcgi__request_writer_records(const struct fcgi__request_writer *writer,
                                      uint64_t *remainder)
{
    uint64_t records = writer->prologue.records + writer->records;

    if (writer->prologue_sent < writer->prologue.wire.len) {
        return fcgi__prologue_records_in(&writer->prologue,
                                         writer->prologue_sent, remainder);
    }
    *remainder = 0;
    if (writer->stream < writer->stream_count) {
        records += fcgi__stream_records_sent(&writer->streams[writer->stream],
                                             remainder);
    }
    return records;
}

void fcgi__request_writer_free(struct fcgi__request_writer *writer,
                               const struct fcgi_allocator *allocator)
{
    fcgi__buffer_free(&writer->prologue.wire, allocator);
    fcgi__buffer_free(&writer->chunk, allocator);
}
