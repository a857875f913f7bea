/*
 * stream - FCGI_STDIN or FCGI_DATA: a body as the records it is on the wire.
 *
 *     segment: [header|content][header|content] ... [header|content|padding]
 *     the last one ends with the empty record that ends the stream
 *
 * A body in memory is one segment, however large; any other source gives one
 * with each read. Nothing is copied to frame a segment: headers and padding
 * follow from its length, and one number tells how much of it was sent.
 */
#ifndef FCGI__STREAM_H
#define FCGI__STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include <fcgi_client/exchange.h>

struct fcgi__stream {
    struct fcgi_source source;
    uint8_t type;
    uint16_t request_id;
    uint64_t taken;     /* bytes read from the source */
    const char *data;   /* the segment: its bytes, */
    size_t len;         /* how many, */
    bool last;          /* whether the stream ends with it, */
    uint64_t position;  /* and how much was sent, with headers and padding */
    uint8_t whole[8];   /* the header of a full record, */
    uint8_t partial[8]; /* of the one with the rest of the segment, */
    uint8_t end[8];     /* and of the empty one */
};

/* Begin a stream with what the source gives from here on. */
void fcgi__stream_begin(struct fcgi__stream *stream, uint8_t type,
                        uint16_t request_id, const struct fcgi_source *source);

/* Whether the source could go back to where it began. */
bool fcgi__stream_replayable(const struct fcgi__stream *stream);

/* Go back there and begin again, with another id; false: that is not
 * possible. */
bool fcgi__stream_restart(struct fcgi__stream *stream, uint16_t request_id);

/* How many bytes must be read from the source before there is anything to send,
 * FCGI__CONTENT_LEN at most; 0: none. */
size_t fcgi__stream_read_len(const struct fcgi__stream *stream);

/* The source gave `len` of those bytes, which stay where they are until they
 * are sent; 0: it has ended. FCGI_OK, or FCGI_ERR_SOURCE: it has ended too
 * early. */
int fcgi__stream_begin_segment(struct fcgi__stream *stream, const char *data,
                               size_t len);

/* List what is not yet sent of the segment, in at most `max` slices. Returns
 * how many were set. */
size_t fcgi__stream_list(const struct fcgi__stream *stream,
                         struct fcgi_slice *slices, size_t max);

/* How many records the segment has. */
uint64_t fcgi__stream_records(const struct fcgi__stream *stream);

/* How many of them were sent whole; `*remainder` is set to how much was sent of
 * the next. */
uint64_t fcgi__stream_records_sent(const struct fcgi__stream *stream,
                                   uint64_t *remainder);

/* `n` more bytes of the segment were sent. Returns whether they were the last
 * of it. */
bool fcgi__stream_sent(struct fcgi__stream *stream, uint64_t n);

/* The segment was sent, and is not the last: another must be read. */
void fcgi__stream_end_segment(struct fcgi__stream *stream);

#endif
