/*
 * scan_words - blocks of 8 bytes, for scan.h, on any machine.
 */
#ifndef FCGI__SCAN_WORDS_H
#define FCGI__SCAN_WORDS_H

#include <stdint.h>
#include <string.h>

#define FCGI__BLOCK_LEN sizeof(uint64_t)

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
