/*
 * fuzz_input - implements fuzz_input.h.
 */
#include "fuzz_input.h"

struct fuzz_input fuzz_input_of(const uint8_t *data, size_t len)
{
    return (struct fuzz_input){data, len};
}

bool fuzz_input_is_spent(const struct fuzz_input *s)
{
    return s->len == 0;
}

uint8_t fuzz_input_byte(struct fuzz_input *s)
{
    uint8_t byte = 0;
    if (s->len > 0) {
        byte = *s->data;
        s->data += 1;
        s->len -= 1;
    }
    return byte;
}

size_t fuzz_input_below(struct fuzz_input *s, size_t limit)
{
    size_t value = fuzz_input_byte(s);
    if (limit > 256) {
        value = value << 8 | fuzz_input_byte(s);
    }
    return value % limit;
}

size_t fuzz_input_length(struct fuzz_input *s)
{
    static const uint16_t small[] = {0,  1,   2,   7,   8,   9,   15,  16,
                                     17, 126, 127, 128, 129, 255, 256, 257};
    static const uint16_t large[] = {4095,  4096,  4097,  8192,  9000,  16384,
                                     16385, 32768, 65527, 65528, 65529, 65530,
                                     65533, 65534, 65535, 65535};
    size_t choice = fuzz_input_byte(s);
    if (choice < 144) {
        return small[choice % 16];
    }
    return choice < 160 ? large[choice % 16]
                        : (choice % 4 << 8 | fuzz_input_byte(s));
}

struct fcgi_slice fuzz_input_bytes(struct fuzz_input *s)
{
    size_t len = fuzz_input_byte(s);
    struct fcgi_slice bytes = {(const char *)s->data, s->len};
    if (len < bytes.len) {
        bytes.len = len;
    }
    s->data += bytes.len;
    s->len -= bytes.len;
    return bytes;
}

struct fcgi_slice fuzz_input_rest(struct fuzz_input *s)
{
    struct fcgi_slice rest = {(const char *)s->data, s->len};
    s->data += s->len;
    s->len = 0;
    return rest;
}
