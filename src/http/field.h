/*
 * field - the fields of HTTP, and of a CGI head (RFC 9110, section 5): which
 * bytes they may hold, and when two names are the same.
 *
 * Pure functions over bytes that the caller owns.
 */
#ifndef FCGI__FIELD_H
#define FCGI__FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <fcgi_client/response.h>

#include "../base/decimal.h"

/* Whether these bytes are a token; "" is not one. */
bool fcgi__is_token(const char *text, size_t len);

/* Whether a value may hold these bytes. */
bool fcgi__is_value(const char *text, size_t len);

/* Whether two strings are the same, in any case of ASCII letters. */
bool fcgi__same_name(const char *a, size_t a_len, const char *b, size_t b_len);

/* A string as a slice. The compiler measures a constant one. */
static inline struct fcgi_slice fcgi__slice(const char *text)
{
    struct fcgi_slice slice = {text, strlen(text)};

    return slice;
}

/* Whether a slice holds the same bytes as a string. */
bool fcgi__slice_equals(struct fcgi_slice slice, const char *text);

/* Whether a field has that name, in any case of letters. */
bool fcgi__field_is(const struct fcgi_field *field, const char *name);

static inline bool fcgi__is_space(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* Remove optional white space from both ends. */
static inline void fcgi__trim(struct fcgi_slice *text)
{
    const char *start = text->data;
    const char *end = start + text->len;

    while (start < end && fcgi__is_space(*start)) {
        start += 1;
    }
    while (start < end && fcgi__is_space(end[-1])) {
        end -= 1;
    }
    text->data = start;
    text->len = (size_t)(end - start);
}

/* Parse a Content-Length; -1: it is malformed, or too large. */
static inline int64_t fcgi__parse_length(const char *digits, size_t len)
{
    return fcgi__parse_decimal(digits, len);
}

/* Take the next member off the front of a list; false: the list is empty. */
bool fcgi__next_member(struct fcgi_slice *list, struct fcgi_slice *member);

#endif
