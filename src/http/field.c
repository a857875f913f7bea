/*
 * field - the fields of HTTP (RFC 9110, section 5).
 */
#include <string.h>

#include "field.h"
#include "scan.h"

const uint8_t fcgi__byte_classes[256] = {
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

static bool has_none_of(const char *at, const char *end, unsigned byte_class)
{
    while (at < end && (fcgi__byte_classes[(uint8_t)*at] & byte_class) == 0) {
        at += 1;
    }
    return at == end;
}

bool fcgi__is_token(const char *text, size_t len)
{
    return len > 0 && has_none_of(text, text + len, FCGI__NO_TOKEN);
}

/* A block is longer than many a value. */
bool fcgi__is_value(const char *text, size_t len)
{
    while (len >= FCGI__BLOCK_LEN && fcgi__mark_values(text) == 0) {
        text += FCGI__BLOCK_LEN;
        len -= FCGI__BLOCK_LEN;
    }
    while (len >= FCGI__WORD_LEN && fcgi__mark_word(text) == 0) {
        text += FCGI__WORD_LEN;
        len -= FCGI__WORD_LEN;
    }
    return len == 0 || has_none_of(text, text + len, FCGI__NO_VALUE);
}

static char to_lower(char letter)
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
        if (to_lower(a[i]) != to_lower(b[i])) {
            return false;
        }
    }
    return true;
}

bool fcgi__slice_equals(struct fcgi_slice slice, const char *text)
{
    return slice.len == strlen(text) &&
           memcmp(slice.data, text, slice.len) == 0;
}

bool fcgi__field_is(const struct fcgi_field *field, const char *name)
{
    return fcgi__same_name(field->name, field->name_len, name, strlen(name));
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
