/*
 * framing - where records begin and end: see framing.h.
 */
#include "framing.h"

static void follow_header(struct framing *f, uint8_t byte)
{
    f->header[f->had] = byte;
    f->had += 1;
    if (f->had == sizeof(f->header)) {
        f->left = ((size_t)f->header[4] << 8 | f->header[5]) + f->header[6];
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
            f->left -= n;
        }
        bytes += n;
        len -= n;
    }
}

bool framing_is_whole(const struct framing *f)
{
    return f->had == 0 && f->left == 0;
}
