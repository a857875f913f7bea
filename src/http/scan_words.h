/*
 * scan_words - blocks of 8 bytes for scan.h, on any processor.
 */
#ifndef FCGI__SCAN_WORDS_H
#define FCGI__SCAN_WORDS_H

#define FCGI__BLOCK_LEN FCGI__WORD_LEN

static inline unsigned fcgi__first_mark(unsigned marks)
{
    (void)marks;
    return 0;
}

static inline unsigned fcgi__mark_values(const char *text)
{
    return fcgi__mark_word(text);
}

/* Most tokens are too short for a block to help. */
static inline unsigned fcgi__mark_tokens(const char *text)
{
    (void)text;
    return 1;
}

#endif
