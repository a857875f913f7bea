/*
 * scan - where tokens and values of HTTP end (RFC 9110, sections 5.5 and
 * 5.6.2), by blocks of bytes.
 *
 *     Set-Cookie: session=1f0c6f2ad43b; path=/ CRLF NUL NUL NUL ...
 *               |                             '-- the end of a value
 *               '-- the end of a token
 *
 * A block tells how many bytes at its front are surely fine, as nearly all are;
 * the next ones are looked up in a table.
 */
#ifndef FCGI__SCAN_H
#define FCGI__SCAN_H

#include <stdint.h>

/* What fcgi__mark_values() and fcgi__mark_tokens() say of the block of
 * FCGI__BLOCK_LEN bytes at a place is 0 when all of them are fine; else
 * fcgi__first_mark() counts those before the first that may not be. */
#if defined(__SSE2__) && !defined(FCGI_CLIENT_PORTABLE)
#include "scan_sse2.h"
#else
#include "scan_words.h"
#endif

/* What a byte may not be part of. Bytes above ASCII are opaque, and may stand
 * in a value. */
#define FCGI__NO_TOKEN 1U
#define FCGI__NO_VALUE 2U

extern const uint8_t fcgi__byte_classes[256];

/* The first byte that may not be part of that; there must be one. */
static inline const char *fcgi__find_byte(const char *at, unsigned which)
{
    while ((fcgi__byte_classes[(uint8_t)*at] & which) == 0) {
        at += 1;
    }
    return at;
}

/* Where what can be a token, as names and methods are, ends: at the first byte
 * of no token. Behind the text stands a block of NULs. */
static inline const char *fcgi__token_end(const char *at)
{
    at += fcgi__first_mark(fcgi__mark_tokens(at));
    return fcgi__find_byte(at, FCGI__NO_TOKEN);
}

/* Where what can be a value ends: at the first control byte, but for tabs.
 * Behind the text stands a block of NULs. */
static inline const char *fcgi__value_end(const char *at)
{
    unsigned marks = fcgi__mark_values(at);

    while (marks == 0) {
        at += FCGI__BLOCK_LEN;
        marks = fcgi__mark_values(at);
    }
    return fcgi__find_byte(at + fcgi__first_mark(marks), FCGI__NO_VALUE);
}

#endif
