/*
 * field - the fields of HTTP, which are those of a CGI head too (RFC 9110,
 * section 5): of which bytes they are made, when two names are the same, and
 * which of them end with a connection.
 *
 * Pure functions over bytes that somebody else owns.
 */
#ifndef FCGI__FIELD_H
#define FCGI__FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client/record.h>

/* Whether these bytes are a token; "" is none. */
bool fcgi__is_token(const char *text, size_t len);

/* Whether a value may hold these bytes. */
bool fcgi__is_value(const char *text, size_t len);

/* Whether two strings are the same but for the case of ASCII letters. */
bool fcgi__same_name(const char *a, size_t a_len, const char *b, size_t b_len);

/* A string as a slice. */
struct fcgi_slice fcgi__slice(const char *text);

static inline bool fcgi__is_space(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* Take optional white space off both ends. */
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

/* The number that is written there; -1: it is none, or too large. */
int64_t fcgi__parse_length(const char *digits, size_t len);

/* Take the next member off the front of a list; false: there is none. */
bool fcgi__next_member(struct fcgi_slice *list, struct fcgi_slice *member);

/* What a byte of a field's name becomes in the name of its CGI variable (RFC
 * 3875, section 4.1.18). PHP takes "." for "_", and so do we. */
char fcgi__fold(char byte);

/* Compare the variables that two names become: below 0, 0 or above. */
int fcgi__compare_folded(const char *a, size_t a_len, const char *b,
                         size_t b_len);

/* Whether a name is that of a field which is meant for the next hop alone (RFC
 * 9110, section 7.6.1). A name that folds onto such a one is taken for it:
 * whoever reads it next might do so. */
bool fcgi__is_hop_by_hop(const char *name, size_t len);

#endif
