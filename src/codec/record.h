/*
 * record - the size of the records that this library sends; and, inline, the
 * part of the framing that every record needs.
 */
#ifndef FCGI__RECORD_H
#define FCGI__RECORD_H

#include <string.h>

#include <fcgi_client/record.h>

#define FCGI__HEADER_LEN ((size_t)FCGI_RECORD_HEADER_LEN)

/* The most content we put into one record: with its header it takes 65,536
 * bytes, and it needs no padding. PHP-FPM refuses a record whose content and
 * padding together exceed 65,535. */
#define FCGI__CONTENT_LEN ((size_t)65528)

/* The padding of a record is the front of this. */
extern const char fcgi__zeros[8];

static inline void fcgi__put16(uint8_t *out, uint16_t value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

static inline uint16_t fcgi__get16(const uint8_t *in)
{
    return (uint16_t)(in[0] << 8 | in[1]);
}

/* As fcgi_header_decode(), whatever the version. */
static inline void fcgi__header_get(struct fcgi_header *header,
                                    const uint8_t in[FCGI_RECORD_HEADER_LEN])
{
    const struct fcgi_header read = {in[0], in[1], fcgi__get16(in + 2),
                                     fcgi__get16(in + 4), in[6]};

    *header = read;
}

/* As fcgi_header_encode(). */
static inline void fcgi__header_put(uint8_t out[FCGI_RECORD_HEADER_LEN],
                                    const struct fcgi_header *header)
{
    out[0] = header->version;
    out[1] = header->type;
    fcgi__put16(out + 2, header->request_id);
    fcgi__put16(out + 4, header->content_length);
    out[6] = header->padding_length;
    out[7] = 0;
}

/* As fcgi_begin_request_encode(). */
static inline void
fcgi__begin_request_put(uint8_t out[8], const struct fcgi_begin_request *begin)
{
    memset(out, 0, 8);
    fcgi__put16(out, begin->role);
    out[2] = begin->flags;
}

/* As fcgi_padding_for(). */
static inline uint8_t fcgi__padding_for(size_t content_length)
{
    return content_length > FCGI__CONTENT_LEN ? 0
                                              : (uint8_t)(-content_length & 7);
}

/* Store the header of a record that has this much content, and the padding that
 * goes with it. */
static inline void fcgi__record_header(uint8_t out[FCGI_RECORD_HEADER_LEN],
                                       uint8_t type, uint16_t request_id,
                                       size_t content_length)
{
    const struct fcgi_header header = {FCGI_PROTOCOL_VERSION, type, request_id,
                                       (uint16_t)content_length,
                                       fcgi__padding_for(content_length)};

    fcgi__header_put(out, &header);
}

#endif
