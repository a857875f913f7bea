/*
 * deframer - cuts received bytes into records, wherever the receives had split
 * them.
 *
 *     FCGI__HEADER  FCGI__CONTENT ...  FCGI__HEADER  FCGI__CONTENT ...
 *
 * Content is passed on as it arrives, not record by record; padding is drained
 * here. It does not know what a record means.
 */
#ifndef FCGI__DEFRAMER_H
#define FCGI__DEFRAMER_H

#include <stdbool.h>
#include <stdint.h>

#include <fcgi_client/record.h>

enum fcgi__event {
    FCGI__MORE,   /* all bytes were consumed */
    FCGI__HEADER, /* a record begins: `header` */
    FCGI__CONTENT /* it goes on */
};

enum fcgi__framing { FCGI__IN_HEADER, FCGI__IN_RECORD };

struct fcgi__deframer {
    enum fcgi__framing framing;
    uint8_t
        partial[FCGI_RECORD_HEADER_LEN]; /* a header that arrives in pieces */
    uint32_t partial_len;
    struct fcgi_header header;
    uint32_t content_left;
    uint32_t padding_left;
    uint64_t records; /* received whole */
    uint64_t bytes;
};

void fcgi__deframer_reset(struct fcgi__deframer *in);

/* Look at the front of `data`; a header is taken off it. `*content` becomes
 * what has arrived of the record's content, which may be nothing: call
 * fcgi__deframer_take() with as much of it as was used. */
enum fcgi__event fcgi__deframer_next(struct fcgi__deframer *in,
                                     struct fcgi_slice *data,
                                     struct fcgi_slice *content);

/* Take `len` bytes of content, which were used, and the padding behind them off
 * the front of `data`. Returns whether the record has ended. */
bool fcgi__deframer_take(struct fcgi__deframer *in, struct fcgi_slice *data,
                         size_t len);

#endif
