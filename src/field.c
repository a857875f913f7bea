/*
 * field - the fields of HTTP (RFC 9110, section 5).
 */
#include <string.h>

#include "field.h"

/* Where a byte may stand; RFC 9110, sections 5.5 and 5.6.2. */
#define IN_VALUE 1U
#define IN_TOKEN 2U

static const uint8_t ascii_classes[128] = {
    /* clang-format off */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, /* 0x00 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x10 */
    1, 3, 1, 3, 3, 3, 3, 3, 1, 1, 3, 3, 1, 3, 3, 1, /* 0x20 */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1, /* 0x30 */
    1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, /* 0x40 */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 1, 1, 1, 3, 3, /* 0x50 */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, /* 0x60 */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 1, 3, 1, 3, 0, /* 0x70 */
    /* clang-format on */
};

/* Bytes above ASCII are opaque, and may stand in a value. */
static unsigned class_of(char byte)
{
    unsigned char index = (unsigned char)byte;

    return index < 128 ? ascii_classes[index] : IN_VALUE;
}

static bool all_in(const char *text, size_t len, unsigned wanted)
{
    unsigned common = wanted;

    for (size_t i = 0; i < len; i++) {
        common &= class_of(text[i]);
    }
    return common != 0;
}

bool fcgi__is_token(const char *text, size_t len)
{
    return len > 0 && all_in(text, len, IN_TOKEN);
}

bool fcgi__is_value(const char *text, size_t len)
{
    return all_in(text, len, IN_VALUE);
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

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t';
}

void fcgi__trim(struct fcgi_slice *text)
{
    while (text->len > 0 && is_space(text->data[0])) {
        text->data += 1;
        text->len -= 1;
    }
    while (text->len > 0 && is_space(text->data[text->len - 1])) {
        text->len -= 1;
    }
}

int64_t fcgi__parse_length(const char *digits, size_t len)
{
    int64_t length = 0;

    for (size_t i = 0; i < len; i++) {
        if (digits[i] < '0' || digits[i] > '9' ||
            length > (INT64_MAX - 9) / 10) {
            return -1;
        }
        length = length * 10 + (digits[i] - '0');
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
