/*
 * scan - finds where the tokens and values of HTTP end (RFC 9110, sections 5.5
 * and 5.6.2), a block of bytes at a time.
 *
 *     Set-Cookie: session=1f0c6f2ad43b; path=/ CRLF NUL NUL NUL ...
 *               |                             '-- the end of a value
 *               '-- the end of a token
 *
 * One look at a block tells how many bytes at its front are certainly allowed,
 * as nearly all are; those that follow are looked up in a table.
 */
#ifndef FCGI__SCAN_H
#define FCGI__SCAN_H

#include <stdint.h>
#include <string.h>

#define FCGI__WORD_LEN sizeof(uint64_t)
#define FCGI__EACH_BYTE(byte) (UINT64_MAX / 0xff * (byte))

/* Look at FCGI__WORD_LEN bytes of a value. Returns 0 only if all are ASCII and
 * none is a control byte: subtracting 0x20 from a smaller byte, or adding 1 to
 * 0x7f, sets its top bit, and a byte above ASCII keeps its own. */
static inline unsigned fcgi__mark_word(const char *text)
{
    uint64_t bytes;

    memcpy(&bytes, text, sizeof(bytes));
    bytes = (bytes - FCGI__EACH_BYTE(0x20)) | (bytes + FCGI__EACH_BYTE(0x01));
    return (bytes & FCGI__EACH_BYTE(0x80)) != 0;
}

/* fcgi__mark_values() and fcgi__mark_tokens() look at FCGI__BLOCK_LEN bytes.
 * They return 0 if all of these are certainly allowed; else fcgi__first_mark()
 * counts the bytes before the first that may not be. */
#if defined(__SSE2__) && !defined(FCGI_CLIENT_PORTABLE)
#include "scan_sse2.h"
#else
#include "scan_words.h"
#endif

/* The classes of a byte: what it may not be part of. Bytes above ASCII are
 * opaque, and allowed in a value. */
#define FCGI__NO_TOKEN 1U
#define FCGI__NO_VALUE 2U

extern const uint8_t fcgi__byte_classes[256];

/* The first byte of that class; there must be one. */
static inline const char *fcgi__find_byte(const char *at, unsigned byte_class)
{
    while ((fcgi__byte_classes[(uint8_t)*at] & byte_class) == 0) {
        at += 1;
    }
    return at;
}

/* The first byte that may not be part of a token, such as a name or a method.
 * A block of NULs must follow the text. */
static inline const char *fcgi__token_end(const char *at)
{
    at += fcgi__first_mark(fcgi__mark_tokens(at));
    return fcgi__find_byte(at, FCGI__NO_TOKEN);
}

/* The first byte that may not be part of a value: a control byte other than a
 * tab. A block of NULs must follow the text. */
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
