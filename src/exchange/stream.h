/*
 * stream - FCGI_STDIN or FCGI_DATA: a body as the records it is on the wire.
 *
 *     segment: [header|content][header|content] ... [header|content|padding]
 *     the last one ends with the empty record that ends the stream
 *
 * A body in memory is one segment, however large; of any other source each
 * read makes one. The wire form of a segment is a pure function of its bytes,
 * so nothing is copied to frame it, and one number tells how far it was sent.
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
    const char *data;   /* the segment: */
    size_t len;         /* its bytes, without framing, */
    bool last;          /* whether the end of the stream follows it, */
    uint64_t position;  /* and how much of its wire form was sent */
    uint8_t whole[8];   /* header of a full record, */
    uint8_t partial[8]; /* of the segment's remainder, */
    uint8_t end[8];     /* and of the empty record */
};

/* Begin at the start of the source, as it stands. */
void fcgi__stream_begin(struct fcgi__stream *stream, uint8_t type,
                        uint16_t request_id, const struct fcgi_source *source);

/* Whether the source could be taken back to where it began. */
bool fcgi__stream_replayable(const struct fcgi__stream *stream);

/* Take it back and begin anew under another id; false: it cannot. */
bool fcgi__stream_restart(struct fcgi__stream *stream, uint16_t request_id);

/* How many bytes to read from the source before there is anything to send,
 * FCGI__CONTENT_LEN at most; 0: a segment is still being sent. */
size_t fcgi__stream_wants(const struct fcgi__stream *stream);

/* The source gave the next segment, of no more than was wanted, which stays
 * where it is until it was sent; 0 bytes: it has ended. FCGI_OK, or
 * FCGI_ERR_SOURCE: too early. */
int fcgi__stream_take(struct fcgi__stream *stream, const char *data,
                      size_t len);

/* List what is still to be sent of the segment, in `max` slices at most;
 * returns how many were set. */
size_t fcgi__stream_list(const struct fcgi__stream *stream,
                         struct fcgi_slice *slices, size_t max);

/* How many records the segment has. */
uint64_t fcgi__stream_records(const struct fcgi__stream *stream);

/* How many of them were sent whole; `*remainder` is what was sent of the
 * next. */
uint64_t fcgi__stream_records_sent(const struct fcgi__stream *stream,
                                   uint64_t *remainder);

/* `n` more bytes of the segment were sent. Whether that was all of it. */
bool fcgi__stream_sent(struct fcgi__stream *stream, uint64_t n);

/* On to the next segment, which is to be read. */
void fcgi__stream_next_segment(struct fcgi__stream *stream);

#endif
