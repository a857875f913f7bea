/*
 * scan_words - blocks of 8 bytes for scan.h, on any processor.
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

/* Returns 0 only if all 8 bytes are ASCII and none is a control byte:
 * subtracting 0x20 from a smaller byte, or adding 1 to 0x7f, sets its top bit,
 * and a byte above ASCII keeps its own. */
static inline unsigned fcgi__mark_values(const char *text)
{
    uint64_t bytes;

    memcpy(&bytes, text, sizeof(bytes));
    bytes = (bytes - FCGI__EACH_BYTE(0x20)) | (bytes + FCGI__EACH_BYTE(0x01));
    return (bytes & FCGI__EACH_BYTE(0x80)) != 0;
}

/* Most tokens are too short for a block to help. */
static inline unsigned fcgi__mark_tokens(const char *text)
{
    (void)text;
    return 1;
}

#endif
