/*
 * deframer - cuts received bytes into records.
 *
 * Content and padding are counted in 32 bits: together they reach 65,790.
 */
#include <assert.h>
#include <string.h>

#include "deframer.h"
#include "record.h"

void fcgi__deframer_reset(struct fcgi__deframer *in)
{
    memset(in, 0, sizeof(*in));
}

static void consume_bytes(struct fcgi__deframer *in, struct fcgi_slice *data,
                          size_t len)
{
    data->data += len;
    data->len -= len;
    in->bytes += len;
}

static void enter_record(struct fcgi__deframer *in, const uint8_t *bytes)
{
    fcgi__header_get(&in->header, bytes);
    in->content_left = in->header.content_length;
    in->padding_left = in->header.padding_length;
    in->framing = FCGI__IN_RECORD;
}

/* The first byte shows it: a peer that speaks another protocol may never send
 * eight. */
static bool has_wrong_version(const struct fcgi__deframer *in)
{
    return in->partial[0] != FCGI_PROTOCOL_VERSION;
}

/* Set `*content` to what has arrived of the content of this record. */
static void offer_content(const struct fcgi__deframer *in,
                          const struct fcgi_slice *data,
                          struct fcgi_slice *content)
{
    content->data = data->data;
    content->len = data->len < in->content_left ? data->len : in->content_left;
}

/* Add to a header that arrives in pieces. */
static enum fcgi__event gather_header(struct fcgi__deframer *in,
                                      struct fcgi_slice *data,
                                      struct fcgi_slice *content)
{
    size_t missing = FCGI_RECORD_HEADER_LEN - in->partial_len;
    size_t len = data->len < missing ? data->len : missing;

    memcpy(in->partial + in->partial_len, data->data, len);
    in->partial_len += (uint32_t)len;
    consume_bytes(in, data, len);
    if (in->partial_len < FCGI_RECORD_HEADER_LEN && !has_wrong_version(in)) {
        return FCGI__MORE;
    }
    in->partial_len = 0;
    enter_record(in, in->partial);
    offer_content(in, data, content);
    return FCGI__HEADER;
}

enum fcgi__event fcgi__deframer_next(struct fcgi__deframer *in,
                                     struct fcgi_slice *data,
                                     struct fcgi_slice *content)
{
    if (data->len == 0) {
        return FCGI__MORE;
    }
    if (in->framing == FCGI__IN_RECORD) {
        offer_content(in, data, content);
        return FCGI__CONTENT;
    }
    if (in->partial_len > 0 || data->len < FCGI_RECORD_HEADER_LEN) {
        return gather_header(in, data, content);
    }
    enter_record(in, (const uint8_t *)data->data);
    consume_bytes(in, data, FCGI_RECORD_HEADER_LEN);
    offer_content(in, data, content);
    return FCGI__HEADER;
}

bool fcgi__deframer_take(struct fcgi__deframer *in, struct fcgi_slice *data,
                         size_t len)
{
    size_t padding;

    assert(len <= in->content_left);
    in->content_left -= (uint32_t)len;
    consume_bytes(in, data, len);
    if (in->content_left > 0) {
        return false;
    }
    padding = data->len < in->padding_left ? data->len : in->padding_left;
    in->padding_left -= (uint32_t)padding;
    consume_bytes(in, data, padding);
    if (in->padding_left > 0) {
        return false;
    }
    in->framing = FCGI__IN_HEADER;
    in->records += 1;
    return true;
}
