/*
 * framing - where records begin and end: see framing.h.
 */
#include "framing.h"

#include <stdbool.h>

#include <fcgi_client/record.h>

int framing_id(const struct framing *f)
{
    return f->header[2] << 8 | f->header[3];
}

static size_t content_len(const struct framing *f)
{
    return (size_t)f->header[4] << 8 | f->header[5];
}

/* Whether the record at hand answers the request: that of id 0 asks for values.
 * A malformed one answers nothing. */
static bool is_own(const struct framing *f)
{
    int type = f->header[1];

    if (framing_id(f) != f->request_id ||
        f->header[0] != FCGI_PROTOCOL_VERSION ||
        (type == FCGI_TYPE_END_REQUEST && content_len(f) < 8)) {
        return false;
    }
    return f->request_id == 0
               ? type == FCGI_TYPE_GET_VALUES_RESULT ||
                     type == FCGI_TYPE_UNKNOWN_TYPE
               : type == FCGI_TYPE_STDOUT || type == FCGI_TYPE_STDERR ||
                     type == FCGI_TYPE_END_REQUEST;
}

static void follow_record(struct framing *f, size_t n)
{
    size_t content = f->content < n ? f->content : n;

    f->left -= n;
    f->content -= content;
    f->brought += is_own(f) ? content : 0;
}

static void follow_header(struct framing *f, uint8_t byte)
{
    f->header[f->had] = byte;
    f->had += 1;
    if (f->had == sizeof(f->header)) {
        f->content = content_len(f);
        f->left = f->content + f->header[6];
        f->had = 0;
    }
}

void framing_follow(struct framing *f, const void *data, size_t len)
{
    const uint8_t *bytes = data;

    while (len > 0) {
        size_t n = f->left < len ? f->left : len;
        if (n == 0) {
            follow_header(f, *bytes);
            n = 1;
        } else {
            follow_record(f, n);
        }
        bytes += n;
        len -= n;
    }
}

bool framing_is_whole(const struct framing *f)
{
    return f->had == 0 && f->left == 0;
}
