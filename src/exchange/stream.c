/*
 * stream - a body as the records it is on the wire (FastCGI specification,
 * sections 3.3 and 5.3).
 */
#include <assert.h>

#include "../codec/record.h"
#include "stream.h"

#define RECORD_WIRE (FCGI__HEADER_LEN + FCGI__CONTENT_LEN)

static const char zeros[8];

static void set_segment(struct fcgi__stream *stream, const char *data,
                        size_t len, bool last)
{
    stream->data = data;
    stream->len = len;
    stream->last = last;
    stream->position = 0;
    fcgi__record_header(stream->partial, stream->type, stream->request_id,
                        len % FCGI__CONTENT_LEN);
}

void fcgi__stream_begin(struct fcgi__stream *stream, uint8_t type,
                        uint16_t request_id, const struct fcgi_source *source)
{
    stream->source = *source;
    stream->type = type;
    stream->request_id = request_id;
    stream->taken = 0;
    fcgi__record_header(stream->whole, type, request_id, FCGI__CONTENT_LEN);
    fcgi__record_header(stream->end, type, request_id, 0);
    if (source->read == NULL) {
        set_segment(stream, source->data, source->len, true);
    } else {
        set_segment(stream, NULL, 0, false);
    }
}

bool fcgi__stream_replayable(const struct fcgi__stream *stream)
{
    const struct fcgi_source *source = &stream->source;

    return source->read == NULL ||
           (source->replay != NULL &&
            source->replay(source->context, 0) == FCGI_OK);
}

/* A source of which nothing was taken stands where it began. */
static bool go_back(const struct fcgi__stream *stream)
{
    const struct fcgi_source *source = &stream->source;

    if (source->read == NULL || stream->taken == 0) {
        return true;
    }
    return fcgi__stream_replayable(stream) &&
           source->replay(source->context, stream->taken) == FCGI_OK;
}

bool fcgi__stream_restart(struct fcgi__stream *stream, uint16_t request_id)
{
    struct fcgi_source source = stream->source;

    if (!go_back(stream)) {
        return false;
    }
    fcgi__stream_begin(stream, stream->type, request_id, &source);
    return true;
}

static size_t full_records(const struct fcgi__stream *stream)
{
    return stream->len / FCGI__CONTENT_LEN;
}

static size_t remainder_len(const struct fcgi__stream *stream)
{
    return stream->len % FCGI__CONTENT_LEN;
}

/* What the record with the segment's remainder takes on the wire. */
static size_t remainder_wire(const struct fcgi__stream *stream)
{
    size_t len = remainder_len(stream);

    return len == 0 ? 0 : FCGI__HEADER_LEN + len + fcgi__padding_for(len);
}

static uint64_t segment_wire(const struct fcgi__stream *stream)
{
    return (uint64_t)full_records(stream) * RECORD_WIRE +
           remainder_wire(stream) + (stream->last ? FCGI__HEADER_LEN : 0);
}

bool fcgi__stream_is_empty(const struct fcgi__stream *stream)
{
    return stream->len == 0 && !stream->last;
}

/* How much is to be read at a time: a record, or what is left of a length that
 * is known. */
static size_t read_len(const struct fcgi__stream *stream)
{
    uint64_t left = stream->source.len - stream->taken;

    return stream->source.len == 0 || left > FCGI__CONTENT_LEN
               ? FCGI__CONTENT_LEN
               : (size_t)left;
}

int fcgi__stream_read(struct fcgi__stream *stream, char *room)
{
    const struct fcgi_source *source = &stream->source;
    size_t cap = read_len(stream);
    size_t got = 0;
    int rc = source->read(source->context, room, cap, &got);

    if (rc == FCGI_WAIT) {
        return rc;
    }
    if (rc != FCGI_OK || got > cap || (got == 0 && source->len > 0)) {
        return FCGI_ERR_SOURCE;
    }
    stream->taken += got;
    set_segment(stream, room, got, got == 0 || stream->taken == source->len);
    return FCGI_OK;
}

void fcgi__stream_list(const struct fcgi__stream *stream,
                       struct fcgi__slice_list *list)
{
    uint64_t remainder;
    size_t full = full_records(stream);
    size_t record = (size_t)fcgi__stream_records_sent(stream, &remainder);

    list->skip = remainder;
    for (; record < full && list->count < list->max; record++) {
        fcgi__slice_list_add(list, stream->whole, FCGI__HEADER_LEN);
        fcgi__slice_list_add(list, stream->data + record * FCGI__CONTENT_LEN,
                             FCGI__CONTENT_LEN);
    }
    if (record == full && remainder_len(stream) > 0) {
        size_t len = remainder_len(stream);
        fcgi__slice_list_add(list, stream->partial, FCGI__HEADER_LEN);
        fcgi__slice_list_add(list, stream->data + full * FCGI__CONTENT_LEN,
                             len);
        fcgi__slice_list_add(list, zeros, fcgi__padding_for(len));
        record += 1;
    }
    if (record >= full && stream->last) {
        fcgi__slice_list_add(list, stream->end, FCGI__HEADER_LEN);
    }
}

uint64_t fcgi__stream_records(const struct fcgi__stream *stream)
{
    return (uint64_t)full_records(stream) + (remainder_len(stream) > 0) +
           stream->last;
}

uint64_t fcgi__stream_records_sent(const struct fcgi__stream *stream,
                                   uint64_t *remainder)
{
    uint64_t full = full_records(stream);
    uint64_t records = stream->position / RECORD_WIRE;
    size_t partial = remainder_wire(stream);

    records = records < full ? records : full;
    *remainder = stream->position - records * RECORD_WIRE;
    if (records == full && partial > 0 && *remainder >= partial) {
        *remainder -= partial;
        records += 1;
    }
    return records;
}

void fcgi__stream_sent(struct fcgi__stream *stream, uint64_t n)
{
    stream->position += n;
    assert(stream->position <= segment_wire(stream));
}

bool fcgi__stream_segment_sent(const struct fcgi__stream *stream)
{
    return stream->position == segment_wire(stream);
}

void fcgi__stream_next_segment(struct fcgi__stream *stream)
{
    set_segment(stream, NULL, 0, false);
}
