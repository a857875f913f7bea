/*
 * scan_sse2 - blocks of 16 bytes for scan.h, on processors with SSE2.
 */
#ifndef FCGI__SCAN_SSE2_H
#define FCGI__SCAN_SSE2_H

#include <emmintrin.h>

#define FCGI__BLOCK_LEN sizeof(__m128i)

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

/* A value may hold all but control bytes. */
static inline unsigned fcgi__mark_values(const char *text)
{
    const __m128i bytes = fcgi__load_block(text);
    const __m128i last = _mm_set1_epi8(0x1f);
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last), bytes);
    const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));

    return fcgi__marks(_mm_or_si128(low, del));
}

/* Most tokens are letters and hyphens, and few are longer than a block: the
 * byte behind it is always marked. Bytes above ASCII compare as negative. */
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

#endif
