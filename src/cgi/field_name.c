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

#define LENGTHS 20
#define SAME_LENGTH 2 /* the most that have the same length */

/* The names that are known, by length. */
static const struct known {
    char name[LENGTHS];
    uint8_t kind; /* enum fcgi__name_kind */
} all_known[LENGTHS][SAME_LENGTH] = {
    [2] = {{"TE", FCGI__NAME_HOP_BY_HOP}},
    [4] = {{"HOST", FCGI__NAME_HOST}},
    [5] = {{"PROXY", FCGI__NAME_PROXY}},
    [7] = {{"TRAILER", FCGI__NAME_HOP_BY_HOP},
           {"UPGRADE", FCGI__NAME_HOP_BY_HOP}},
    [10] = {{"CONNECTION", FCGI__NAME_CONNECTION},
            {"KEEP_ALIVE", FCGI__NAME_HOP_BY_HOP}},
    [12] = {{"CONTENT_TYPE", FCGI__NAME_CONTENT_TYPE}},
    [14] = {{"CONTENT_LENGTH", FCGI__NAME_CONTENT_LENGTH}},
    [16] = {{"PROXY_CONNECTION", FCGI__NAME_HOP_BY_HOP}},
    [17] = {{"TRANSFER_ENCODING", FCGI__NAME_TRANSFER_ENCODING}},
    [18] = {{"PROXY_AUTHENTICATE", FCGI__NAME_HOP_BY_HOP}},
    [19] = {{"PROXY_AUTHORIZATION", FCGI__NAME_HOP_BY_HOP}},
};

static bool becomes(const char *name, size_t len, const struct known *known)
{
    for (size_t i = 0; i < len; i++) {
        if ((folded[(uint8_t)name[i]] & ~MARK) != known->name[i]) {
            return false;
        }
    }
    return true;
}

/* Tell the kind of a name, but for the kinds before `least`. */
static enum fcgi__name_kind find_kind(const char *name, size_t len,
                                      enum fcgi__name_kind least)
{
    if (len >= LENGTHS) {
        return FCGI__NAME_PLAIN;
    }
    for (size_t i = 0; i < SAME_LENGTH; i++) {
        const struct known *known = &all_known[len][i];
        if (known->kind >= least && becomes(name, len, known)) {
            return (enum fcgi__name_kind)known->kind;
        }
    }
    return FCGI__NAME_PLAIN;
}

enum fcgi__name_kind fcgi__name_kind(const char *name, size_t len)
{
    return find_kind(name, len, FCGI__NAME_HOST);
}

bool fcgi__is_hop_by_hop(const char *name, size_t len)
{
    return find_kind(name, len, FCGI__NAME_CONNECTION) != FCGI__NAME_PLAIN;
}

bool fcgi__fold_name(const char *name, size_t len, char *out)
{
    uint8_t marks = 0;

    for (size_t i = 0; i < len; i++) {
        uint8_t byte = folded[(uint8_t)name[i]];
        marks |= (uint8_t)(byte - 1); /* 0 becomes a mark too */
        out[i] = (char)byte;
    }
    if ((marks & MARK) == 0) {
        return true;
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = (char)(out[i] & (MARK - 1));
    }
    return false;
}
