/*
 * field_name - the name of a field, and the variable that it becomes.
 */
#include <stdint.h>

#include "field_name.h"

/* What each byte of a token becomes. The top bit marks one that is not the only
 * byte to become that; what may not be part of a token is 0. */
static const uint8_t folded[256] = {
    /* clang-format off */
    ['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&',
    ['\''] = '\'', ['*'] = '*', ['+'] = '+', ['-'] = '_', ['^'] = '^',
    ['`'] = '`', ['|'] = '|', ['~'] = '~',
    ['.'] = 0x80 | '_', ['_'] = 0x80 | '_',
    ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',
    ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9',
    ['A'] = 'A', ['B'] = 'B', ['C'] = 'C', ['D'] = 'D', ['E'] = 'E',
    ['F'] = 'F', ['G'] = 'G', ['H'] = 'H', ['I'] = 'I', ['J'] = 'J',
    ['K'] = 'K', ['L'] = 'L', ['M'] = 'M', ['N'] = 'N', ['O'] = 'O',
    ['P'] = 'P', ['Q'] = 'Q', ['R'] = 'R', ['S'] = 'S', ['T'] = 'T',
    ['U'] = 'U', ['V'] = 'V', ['W'] = 'W', ['X'] = 'X', ['Y'] = 'Y',
    ['Z'] = 'Z',
    ['a'] = 'A', ['b'] = 'B', ['c'] = 'C', ['d'] = 'D', ['e'] = 'E',
    ['f'] = 'F', ['g'] = 'G', ['h'] = 'H', ['i'] = 'I', ['j'] = 'J',
    ['k'] = 'K', ['l'] = 'L', ['m'] = 'M', ['n'] = 'N', ['o'] = 'O',
    ['p'] = 'P', ['q'] = 'Q', ['r'] = 'R', ['s'] = 'S', ['t'] = 'T',
    ['u'] = 'U', ['v'] = 'V', ['w'] = 'W', ['x'] = 'X', ['y'] = 'Y',
    ['z'] = 'Z',
    /* clang-format on */
};

#define MARK 0x80

struct known {
    uint8_t len;
    uint8_t kind; /* enum fcgi__name_kind */
    char name[20];
};

/* By length. */
static const struct known all_known[] = {
    {2, FCGI__NAME_HOP_BY_HOP, "TE"},
    {4, FCGI__NAME_HOST, "HOST"},
    {5, FCGI__NAME_PROXY, "PROXY"},
    {7, FCGI__NAME_HOP_BY_HOP, "TRAILER"},
    {7, FCGI__NAME_HOP_BY_HOP, "UPGRADE"},
    {10, FCGI__NAME_CONNECTION, "CONNECTION"},
    {10, FCGI__NAME_HOP_BY_HOP, "KEEP_ALIVE"},
    {12, FCGI__NAME_CONTENT_TYPE, "CONTENT_TYPE"},
    {14, FCGI__NAME_CONTENT_LENGTH, "CONTENT_LENGTH"},
    {16, FCGI__NAME_HOP_BY_HOP, "PROXY_CONNECTION"},
    {17, FCGI__NAME_TRANSFER_ENCODING, "TRANSFER_ENCODING"},
    {18, FCGI__NAME_HOP_BY_HOP, "PROXY_AUTHENTICATE"},
    {19, FCGI__NAME_HOP_BY_HOP, "PROXY_AUTHORIZATION"},
    {UINT8_MAX, FCGI__NAME_PLAIN, ""},
};

static bool becomes(const char *name, const struct known *known)
{
    for (size_t i = 0; i < known->len; i++) {
        if ((folded[(uint8_t)name[i]] & ~MARK) != known->name[i]) {
            return false;
        }
    }
    return true;
}

enum fcgi__name_kind fcgi__name_kind(const char *name, size_t len)
{
    const struct known *known = all_known;

    if (len >= sizeof(known->name)) {
        return FCGI__NAME_PLAIN;
    }
    while (known->len < len) {
        known += 1;
    }
    for (; known->len == len; known++) {
        if (becomes(name, known)) {
            return (enum fcgi__name_kind)known->kind;
        }
    }
    return FCGI__NAME_PLAIN;
}

bool fcgi__is_hop_by_hop(const char *name, size_t len)
{
    enum fcgi__name_kind kind = fcgi__name_kind(name, len);

    return kind == FCGI__NAME_HOP_BY_HOP || kind == FCGI__NAME_CONNECTION ||
           kind == FCGI__NAME_TRANSFER_ENCODING;
}

bool fcgi__fold_name(const char *name, size_t len, char *out)
{
    uint8_t marks = 0;

    for (size_t i = 0; i < len; i++) {
        uint8_t byte = folded[(uint8_t)name[i]];
        marks |= (uint8_t)(byte - 1); /* 0 becomes a mark too */
        out[i] = (char)(byte & ~MARK);
    }
    return (marks & MARK) == 0;
}
