/*
 * stream - a body as the records it is on the wire (FastCGI specification,
 * sections 3.3 and 5.3).
 */
#include <assert.h>

#include "../codec/record.h"
#include "stream.h"

#define RECORD_WIRE (FCGI__HEADER_LEN + FCGI__CONTENT_LEN)

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

void fcgi__stream_end_segment(struct fcgi__stream *stream)
{
    stream->len = 0;
    stream->last = false;
    stream->position = 0;
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
        fcgi__stream_end_segment(stream);
    }
}

bool fcgi__stream_replayable(const struct fcgi__stream *stream)
{
    const struct fcgi_source *source = &stream->source;

    return source->read == NULL ||
           (source->replay != NULL &&
            source->replay(source->context, 0) == FCGI_OK);
}

/* A source that nothing was read from is still where it began. */
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

/* How long the record with the rest of the segment is on the wire. */
static size_t remainder_wire(const struct fcgi__stream *stream)
{
    size_t len = remainder_len(stream);

    return len == 0 ? 0 : FCGI__HEADER_LEN + len + fcgi__padding_for(len);
}

/* As much as a record takes, or what is left of a known length. */
size_t fcgi__stream_read_len(const struct fcgi__stream *stream)
{
    uint64_t left = stream->source.len - stream->taken;

    if (stream->len > 0 || stream->last) {
        return 0;
    }
    return stream->source.len == 0 || left > FCGI__CONTENT_LEN
               ? FCGI__CONTENT_LEN
               : (size_t)left;
}

int fcgi__stream_begin_segment(struct fcgi__stream *stream, const char *data,
                               size_t len)
{
    size_t expected = stream->source.len;

    if (len == 0 && expected > 0) {
        return FCGI_ERR_SOURCE;
    }
    stream->taken += len;
    set_segment(stream, data, len, len == 0 || stream->taken == expected);
    return FCGI_OK;
}

/* Slices of bytes to send, being listed. The first `skip` bytes that are added
 * were sent before, and are left out; so is what would need more slices. */
struct slice_list {
    struct fcgi_slice *slices;
    size_t max;
    size_t count;
    uint64_t skip;
};

static void add(struct slice_list *list, struct fcgi_slice slice)
{
    if (list->skip >= slice.len) {
        list->skip -= slice.len;
        return;
    }
    if (list->count < list->max) {
        slice.data += list->skip;
        slice.len -= (size_t)list->skip;
        list->slices[list->count] = slice;
        list->count += 1;
    }
    list->skip = 0;
}

/* The content of the segment's record with that number: none, if the record
 * ends the stream. */
static struct fcgi_slice content_of(const struct fcgi__stream *stream,
                                    size_t record)
{
    struct fcgi_slice content = {NULL, 0};
    size_t at = record * FCGI__CONTENT_LEN;

    if (at < stream->len) {
        size_t left = stream->len - at;
        content.data = stream->data + at;
        content.len = left < FCGI__CONTENT_LEN ? left : FCGI__CONTENT_LEN;
    }
    return content;
}

static const uint8_t *header_for(const struct fcgi__stream *stream, size_t len)
{
    if (len == 0) {
        return stream->end;
    }
    return len == FCGI__CONTENT_LEN ? stream->whole : stream->partial;
}

size_t fcgi__stream_list(const struct fcgi__stream *stream,
                         struct fcgi_slice *slices, size_t max)
{
    struct slice_list list = {slices, max, 0, 0};
    uint64_t records = fcgi__stream_records(stream);
    uint64_t record = fcgi__stream_records_sent(stream, &list.skip);

    for (; record < records && list.count < max; record++) {
        struct fcgi_slice content = content_of(stream, (size_t)record);
        const struct fcgi_slice parts[3] = {
            {(const char *)header_for(stream, content.len), FCGI__HEADER_LEN},
            content,
            {fcgi__zeros, fcgi__padding_for(content.len)}};
        for (size_t i = 0; i < 3; i++) {
            add(&list, parts[i]);
        }
    }
    return list.count;
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

bool fcgi__stream_sent(struct fcgi__stream *stream, uint64_t n)
{
    uint64_t wire = (uint64_t)full_records(stream) * RECORD_WIRE +
                    remainder_wire(stream) +
                    (stream->last ? FCGI__HEADER_LEN : 0);

    stream->position += n;
    assert(stream->position <= wire);
    return stream->position == wire;
}
