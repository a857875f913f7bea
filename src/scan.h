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

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(FCGI_CLIENT_PORTABLE)
#include <emmintrin.h>
#define FCGI__BLOCK_LEN sizeof(__m128i)
#else
#define FCGI__BLOCK_LEN sizeof(uint64_t)
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

/* What a block says of its bytes is 0 when all of them are fine; else
 * fcgi__first_mark() counts those before the first that may not be. */
#if defined(__SSE2__) && !defined(FCGI_CLIENT_PORTABLE)

static inline unsigned fcgi__marks(__m128i marked)
{
    return (unsigned)_mm_movemask_epi8(marked);
}

static inline unsigned fcgi__first_mark(unsigned marks)
{
    return (unsigned)__builtin_ctz(marks);
}

static inline __m128i fcgi__load_block(const char *text)
{
    return _mm_loadu_si128((const __m128i *)(const void *)text);
}

/* All but controls may stand in a value. */
static inline unsigned fcgi__mark_values(const char *text)
{
    const __m128i bytes = fcgi__load_block(text);
    const __m128i last = _mm_set1_epi8(0x1f);
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last), bytes);
    const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));

    return fcgi__marks(_mm_or_si128(low, del));
}

/* Most tokens are letters and hyphens. What is behind the block is marked: few
 * tokens are longer. Bytes above ASCII count as negative. */
static inline unsigned fcgi__mark_tokens(const char *text)
{
    const __m128i bytes = fcgi__load_block(text);
    const __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
    const __m128i raised = _mm_add_epi8(lower, _mm_set1_epi8(127 - 'z'));
    const __m128i letter =
        _mm_cmpgt_epi8(raised, _mm_set1_epi8(127 - ('z' - 'a') - 1));
    const __m128i hyphen = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));

    return ~fcgi__marks(_mm_or_si128(letter, hyphen));
}

#else

#define FCGI__EACH_BYTE(byte) (UINT64_MAX / 0xff * (byte))

static inline unsigned fcgi__first_mark(unsigned marks)
{
    (void)marks;
    return 0;
}

/* Whether not all of 8 bytes are seen to be ASCII without a control: taking
 * 0x20 off a smaller byte, or adding 1 to 0x7f, sets its top bit, and what is
 * not ASCII keeps its own. */
static inline unsigned fcgi__mark_values(const char *text)
{
    uint64_t bytes;

    memcpy(&bytes, text, sizeof(bytes));
    bytes = (bytes - FCGI__EACH_BYTE(0x20)) | (bytes + FCGI__EACH_BYTE(0x01));
    return (bytes & FCGI__EACH_BYTE(0x80)) != 0;
}

/* Most tokens are too short for that. */
static inline unsigned fcgi__mark_tokens(const char *text)
{
    (void)text;
    return 1;
}

#endif

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
