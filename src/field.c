/*
 * field - the fields of HTTP (RFC 9110, section 5).
 */
#include <string.h>

#include "field.h"

/* What a byte may not be part of: a token, or any value (RFC 9110, sections
 * 5.5 and 5.6.2). Bytes above ASCII are opaque, and may stand in a value. */
#define NO_TOKEN 1U
#define NO_VALUE 2U

static const uint8_t classes[256] = {
    /* clang-format off */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 1, 3, 3, 3, 3, 3, 3, /* 0x00 */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, /* 0x10 */
    1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0, 1, /* 0x20 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, /* 0x30 */
    1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x40 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, /* 0x50 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x60 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 3, /* 0x70 */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 0x80 */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 0x90 */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 0xa0 */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 0xb0 */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 0xc0 */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 0xd0 */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 0xe0 */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 0xf0 */
    /* clang-format on */
};

static bool is_any(char byte, unsigned which)
{
    return (classes[(uint8_t)byte] & which) != 0;
}

static const char *find(const char *at, const char *end, unsigned which)
{
    while (at < end && !is_any(*at, which)) {
        at += 1;
    }
    return at;
}

const char *fcgi__token_end(const char *text)
{
    while (!is_any(*text, NO_TOKEN)) {
        text += 1;
    }
    return text;
}

bool fcgi__is_token(const char *text, size_t len)
{
    return len > 0 && find(text, text + len, NO_TOKEN) == text + len;
}

#define EACH_BYTE(byte) (UINT64_MAX / 0xff * (byte))

/* Whether 8 bytes at once are seen to be ASCII without a control: taking 0x20
 * off a smaller byte, or adding 1 to 0x7f, sets its top bit, and what is not
 * ASCII keeps its own. */
static bool is_plain(const char *text)
{
    uint64_t bytes;

    memcpy(&bytes, text, sizeof(bytes));
    return (((bytes - EACH_BYTE(0x20)) | (bytes + EACH_BYTE(0x01))) &
            EACH_BYTE(0x80)) == 0;
}

const char *fcgi__value_end(const char *at, const char *end)
{
    while (end - at >= (ptrdiff_t)sizeof(uint64_t)) {
        const char *next = at + sizeof(uint64_t);
        if (!is_plain(at)) {
            at = find(at, next, NO_VALUE);
            if (at < next) {
                return at;
            }
        }
        at = next;
    }
    return find(at, end, NO_VALUE);
}

bool fcgi__is_value(const char *text, size_t len)
{
    return len == 0 || fcgi__value_end(text, text + len) == text + len;
}

static char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter + 32) : letter;
}

bool fcgi__same_name(const char *a, size_t a_len, const char *b, size_t b_len)
{
    if (a_len != b_len) {
        return false;
    }
    if (a_len == 0 || memcmp(a, b, a_len) == 0) {
        return true;
    }
    for (size_t i = 0; i < a_len; i++) {
        if (lower(a[i]) != lower(b[i])) {
            return false;
        }
    }
    return true;
}

struct fcgi_slice fcgi__slice(const char *text)
{
    struct fcgi_slice slice = {text, strlen(text)};

    return slice;
}

int64_t fcgi__parse_length(const char *digits, size_t len)
{
    int64_t length = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned char)digits[i] - (unsigned)'0';
        if (digit > 9 || length > (INT64_MAX - 9) / 10) {
            return -1;
        }
        length = length * 10 + (int64_t)digit;
    }
    return len == 0 ? -1 : length;
}

bool fcgi__next_member(struct fcgi_slice *list, struct fcgi_slice *member)
{
    const char *comma;

    if (list->len == 0) {
        return false;
    }
    *member = *list;
    comma = memchr(list->data, ',', list->len);
    if (comma == NULL) {
        list->len = 0;
    } else {
        member->len = (size_t)(comma - list->data);
        list->data += member->len + 1;
        list->len -= member->len + 1;
    }
    fcgi__trim(member);
    return true;
}

char fcgi__fold(char byte)
{
    if (byte == '-' || byte == '.') {
        return '_';
    }
    return byte >= 'a' && byte <= 'z' ? (char)(byte - 32) : byte;
}

int fcgi__compare_folded(const char *a, size_t a_len, const char *b,
                         size_t b_len)
{
    size_t common = a_len < b_len ? a_len : b_len;

    for (size_t i = 0; i < common; i++) {
        int difference = fcgi__fold(a[i]) - fcgi__fold(b[i]);
        if (difference != 0) {
            return difference;
        }
    }
    return (a_len > b_len) - (a_len < b_len);
}

bool fcgi__is_hop_by_hop(const char *name, size_t len)
{
    static const char *const names[] = {"Connection",
                                        "Keep-Alive",
                                        "Proxy-Authenticate",
                                        "Proxy-Authorization",
                                        "Proxy-Connection",
                                        "TE",
                                        "Trailer",
                                        "Transfer-Encoding",
                                        "Upgrade"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (fcgi__compare_folded(name, len, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}
