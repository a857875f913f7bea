/*
 * field - the fields of HTTP, and of a CGI head (RFC 9110, section 5): which
 * bytes they may hold, when two names are the same, and which fields concern
 * one connection only.
 *
 * Pure functions over bytes that the caller owns.
 */
#ifndef FCGI__FIELD_H
#define FCGI__FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client/response.h>

#include "../base/decimal.h"

/* Whether these bytes are a token; "" is not one. */
bool fcgi__is_token(const char *text, size_t len);

/* Whether a value may hold these bytes. */
bool fcgi__is_value(const char *text, size_t len);

/* Whether two strings are the same, in any case of ASCII letters. */
bool fcgi__same_name(const char *a, size_t a_len, const char *b, size_t b_len);

/* A string as a slice. */
struct fcgi_slice fcgi__slice(const char *text);

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

/* What a byte of a field's name becomes in the name of its CGI variable (RFC
 * 3875, section 4.1.18). PHP reads "." as "_", and so do we. */
char fcgi__fold(char byte);

/* Compare the variables that two names become; returns what memcmp() would. */
int fcgi__compare_folded(const char *a, size_t a_len, const char *b,
                         size_t b_len);

/* Whether a name becomes the same variable as one of `names`. */
bool fcgi__folds_onto(const char *name, size_t len, const char *const *names,
                      size_t count);

/* Whether a field of this name is meant for the next hop only (RFC 9110,
 * section 7.6.1). A name that becomes the same variable counts too: the next
 * reader might confuse the two. */
bool fcgi__is_hop_by_hop(const char *name, size_t len);

#endif
