/*
 * deframer - received bytes cut into records.
 *
 * Content and padding are counted in 32 bits: together they reach 65,790.
 */
#include <assert.h>
#include <string.h>

#include "deframer.h"

void fcgi__deframer_reset(struct fcgi__deframer *in)
{
    memset(in, 0, sizeof(*in));
}

static void consume(struct fcgi__deframer *in, struct fcgi_slice *data,
                    size_t len)
{
    data->data += len;
    data->len -= len;
    in->bytes += len;
}

static void begin_record(struct fcgi__deframer *in, const uint8_t *bytes)
{
    /* A wrong version is for whoever reads the header to judge. */
    (void)fcgi_header_decode(&in->header, bytes);
    in->content_left = in->header.content_length;
    in->padding_left = in->header.padding_length;
    in->partial_len = 0;
    in->framing = IN_CONTENT;
}

/* The version is told from the first byte alone: a peer that speaks another
 * protocol may never send eight. */
static bool is_hopeless(const struct fcgi__deframer *in)
{
    return in->partial_len > 0 && in->partial[0] != FCGI_PROTOCOL_VERSION;
}

static enum fcgi__event next_header(struct fcgi__deframer *in,
                                    struct fcgi_slice *data)
{
    size_t missing = FCGI_RECORD_HEADER_LEN - in->partial_len;
    size_t len = data->len < missing ? data->len : missing;

    if (len == FCGI_RECORD_HEADER_LEN) {
        begin_record(in, (const uint8_t *)data->data);
        consume(in, data, len);
        return FCGI__HEADER;
    }
    if (len > 0) {
        memcpy(in->partial + in->partial_len, data->data, len);
        in->partial_len += (uint32_t)len;
        consume(in, data, len);
    }
    if (in->partial_len < FCGI_RECORD_HEADER_LEN && !is_hopeless(in)) {
        return FCGI__MORE;
    }
    begin_record(in, in->partial);
    return FCGI__HEADER;
}

static enum fcgi__event next_content(struct fcgi__deframer *in,
                                     const struct fcgi_slice *data,
                                     struct fcgi_slice *content)
{
    content->data = data->data;
    content->len = data->len < in->content_left ? data->len : in->content_left;
    return content->len > 0 ? FCGI__CONTENT : FCGI__MORE;
}

static enum fcgi__event next_padding(struct fcgi__deframer *in,
                                     struct fcgi_slice *data)
{
    size_t len = data->len < in->padding_left ? data->len : in->padding_left;

    in->padding_left -= (uint32_t)len;
    consume(in, data, len);
    if (in->padding_left > 0) {
        return FCGI__MORE;
    }
    in->framing = IN_HEADER;
    in->records += 1;
    return FCGI__RECORD_END;
}

enum fcgi__event fcgi__deframer_next(struct fcgi__deframer *in,
                                     struct fcgi_slice *data,
                                     struct fcgi_slice *content)
{
    if (in->framing == IN_CONTENT && in->content_left == 0) {
        in->framing = IN_PADDING;
    }
    switch (in->framing) {
    case IN_HEADER:
        return next_header(in, data);
    case IN_CONTENT:
        return next_content(in, data, content);
    case IN_PADDING:
    default:
        return next_padding(in, data);
    }
}

void fcgi__deframer_landed(struct fcgi__deframer *in, size_t len)
{
    assert(len <= in->content_left);
    in->content_left -= (uint32_t)len;
    in->bytes += len;
}

void fcgi__deframer_take(struct fcgi__deframer *in, struct fcgi_slice *data,
                         size_t len)
{
    assert(len <= in->content_left);
    in->content_left -= (uint32_t)len;
    consume(in, data, len);
}
