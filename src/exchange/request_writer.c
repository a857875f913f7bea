/*
 * outgoing - a request as the bytes it is on the wire (FastCGI specification,
 * section 6: which role has which streams).
 */
#include <assert.h>

#include "../codec/record.h"
#include "request_writer.h"

static bool is_empty(const struct fcgi_source *source)
{
    return source->read == NULL && source->len == 0;
}

static bool is_valid(const struct fcgi_source *source)
{
    return source->read != NULL || source->data != NULL || source->len == 0;
}

static bool has_valid_params(const struct fcgi_request *request)
{
    return (request->params != NULL || request->param_count == 0) &&
           (request->encoded_params.data != NULL ||
            request->encoded_params.len == 0);
}

static int check_request(const struct fcgi_request *request, int role)
{
    bool allowed;

    if (!has_valid_params(request) || !is_valid(&request->body) ||
        !is_valid(&request->data)) {
        return FCGI_ERR_ARGUMENT;
    }
    switch (role) {
    case FCGI_ROLE_RESPONDER:
        allowed = is_empty(&request->data);
        break;
    case FCGI_ROLE_AUTHORIZER:
        allowed = is_empty(&request->data) && is_empty(&request->body);
        break;
    case FCGI_ROLE_FILTER:
        allowed = true;
        break;
    default:
        allowed = false;
        break;
    }
    return allowed ? FCGI_OK : FCGI_ERR_ARGUMENT;
}

/* An empty stream needs no more than its end, which may go with the
 * prologue. */
static int add_stream(struct fcgi__request_writer *out,
                      const struct fcgi_allocator *allocator, uint8_t type,
                      uint16_t request_id, const struct fcgi_source *source)
{
    if (is_empty(source) && out->stream_count == 0) {
        return fcgi__prologue_end_stream(&out->prologue, allocator, type,
                                         request_id);
    }
    fcgi__stream_begin(&out->streams[out->stream_count], type, request_id,
                       source);
    out->stream_count += 1;
    return FCGI_OK;
}

static void forget_progress(struct fcgi__request_writer *out)
{
    out->prologue_sent = 0;
    out->stream = 0;
    out->waits = false;
    out->records = 0;
    out->bytes = 0;
    out->offered = 0;
}

int fcgi__request_writer_begin(struct fcgi__request_writer *out,
                               const struct fcgi_allocator *allocator,
                               const struct fcgi_request *request,
                               uint16_t request_id, uint8_t flags)
{
    int role = request->role == 0 ? FCGI_ROLE_RESPONDER : (int)request->role;
    struct fcgi_begin_request begin = {(uint16_t)role, flags};
    int rc = check_request(request, role);

    if (rc == FCGI_OK) {
        rc = fcgi__prologue_encode(&out->prologue, allocator, request,
                                   request_id, begin);
    }
    if (rc != FCGI_OK) {
        return rc;
    }
    forget_progress(out);
    out->stream_count = 0;
    if (role != FCGI_ROLE_AUTHORIZER) {
        rc = add_stream(out, allocator, FCGI_TYPE_STDIN, request_id,
                        &request->body);
    }
    if (rc == FCGI_OK && role == FCGI_ROLE_FILTER) {
        rc = add_stream(out, allocator, FCGI_TYPE_DATA, request_id,
                        &request->data);
    }
    return rc;
}

int fcgi__request_writer_begin_values(struct fcgi__request_writer *out,
                                      const struct fcgi_allocator *allocator)
{
    out->stream_count = 0;
    forget_progress(out);
    return fcgi__prologue_encode_values(&out->prologue, allocator);
}

int fcgi__request_writer_restart(struct fcgi__request_writer *out,
                                 uint16_t request_id)
{
    for (size_t i = 0; i < out->stream_count; i++) {
        if (!fcgi__stream_restart(&out->streams[i], request_id)) {
            return FCGI_ERR_STATE;
        }
    }
    fcgi__prologue_restamp(&out->prologue, request_id);
    forget_progress(out);
    return FCGI_OK;
}

bool fcgi__request_writer_replayable(const struct fcgi__request_writer *out)
{
    for (size_t i = 0; i < out->stream_count; i++) {
        if (!fcgi__stream_replayable(&out->streams[i])) {
            return false;
        }
    }
    return true;
}

bool fcgi__request_writer_calls_out(const struct fcgi__request_writer *out)
{
    for (size_t i = 0; i < out->stream_count; i++) {
        if (out->streams[i].source.read != NULL) {
            return true;
        }
    }
    return false;
}

/* See that there is a segment to send: FCGI_OK, FCGI_WAIT or an error. */
static int fill(struct fcgi__request_writer *out,
                const struct fcgi_allocator *allocator,
                struct fcgi__stream *stream)
{
    int rc;

    if (!fcgi__stream_is_empty(stream)) {
        return FCGI_OK;
    }
    rc = fcgi__buffer_reserve(&out->chunk, allocator, FCGI__CONTENT_LEN);
    return rc == FCGI_OK ? fcgi__stream_read(stream, out->chunk.data) : rc;
}

int fcgi__request_writer_slices(struct fcgi__request_writer *out,
                                const struct fcgi_allocator *allocator,
                                struct fcgi_slice *slices, size_t max)
{
    struct fcgi__slice_list listing = {slices, max, 0, out->prologue_sent};

    out->waits = false;
    out->offered = 0;
    fcgi__slice_list_add(&listing, out->prologue.wire.data,
                         out->prologue.wire.len);
    if (out->stream < out->stream_count) {
        struct fcgi__stream *stream = &out->streams[out->stream];
        int rc = fill(out, allocator, stream);
        if (rc < 0) {
            return rc;
        }
        out->waits = rc == FCGI_WAIT;
        fcgi__stream_list(stream, &listing);
    }
    for (size_t i = 0; i < listing.count; i++) {
        out->offered += slices[i].len;
    }
    return (int)listing.count;
}

int fcgi__request_writer_sent(struct fcgi__request_writer *out, size_t n)
{
    size_t left = out->prologue.wire.len - out->prologue_sent;
    size_t of_prologue = n < left ? n : left;
    struct fcgi__stream *stream = &out->streams[out->stream];

    if (n > out->offered) {
        return FCGI_ERR_ARGUMENT;
    }
    out->offered -= n;
    out->bytes += n;
    out->prologue_sent += of_prologue;
    if (n == of_prologue) {
        return FCGI_OK;
    }
    assert(out->stream < out->stream_count);
    fcgi__stream_sent(stream, n - of_prologue);
    if (!fcgi__stream_segment_sent(stream)) {
        return FCGI_OK;
    }
    out->records += fcgi__stream_records(stream);
    if (stream->last) {
        out->stream += 1;
    } else {
        fcgi__stream_next_segment(stream);
    }
    return FCGI_OK;
}

bool fcgi__request_writer_all_sent(const struct fcgi__request_writer *out)
{
    return out->prologue_sent == out->prologue.wire.len &&
           out->stream == out->stream_count;
}

uint64_t fcgi__request_writer_records(const struct fcgi__request_writer *out,
                                      uint64_t *remainder)
{
    uint64_t records = out->prologue.records + out->records;

    if (out->prologue_sent < out->prologue.wire.len) {
        return fcgi__prologue_records_in(&out->prologue, out->prologue_sent,
                                         remainder);
    }
    *remainder = 0;
    if (out->stream < out->stream_count) {
        records +=
            fcgi__stream_records_sent(&out->streams[out->stream], remainder);
    }
    return records;
}

void fcgi__request_writer_free(struct fcgi__request_writer *out,
                               const struct fcgi_allocator *allocator)
{
    fcgi__buffer_free(&out->prologue.wire, allocator);
    fcgi__buffer_free(&out->chunk, allocator);
}
