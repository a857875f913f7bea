/*
 * deframer - received bytes cut into records, however they were split.
 *
 *     FCGI__HEADER  FCGI__CONTENT ...  FCGI__RECORD_END   FCGI__HEADER ...
 *
 * Content is handed on as it arrives, not record by record; padding is drained
 * here. What a record means is not known here.
 */
#ifndef FCGI__DEFRAMER_H
#define FCGI__DEFRAMER_H

#include <stdbool.h>
#include <stdint.h>

#include <fcgi_client/record.h>

enum fcgi__event {
    FCGI__MORE,      /* all bytes were consumed */
    FCGI__HEADER,    /* a record begins: `header` */
    FCGI__CONTENT,   /* there is content to be taken */
    FCGI__RECORD_END /* the record's padding has been drained */
};

enum fcgi__framing { IN_HEADER, IN_CONTENT, IN_PADDING };

struct fcgi__deframer {
    enum fcgi__framing framing;
    uint8_t partial[FCGI_RECORD_HEADER_LEN]; /* a header that came in pieces */
    uint32_t partial_len;
    struct fcgi_header header;
    uint32_t content_left;
    uint32_t padding_left;
    uint64_t records; /* received whole */
    uint64_t bytes;
};

void fcgi__deframer_reset(struct fcgi__deframer *in);

/*
 * Look at the front of `data`, which is shortened by a header or padding. For
 * FCGI__CONTENT, `*content` is what there is of it: say how much was used with
 * fcgi__deframer_take().
 */
enum fcgi__event fcgi__deframer_next(struct fcgi__deframer *in,
                                     struct fcgi_slice *data,
                                     struct fcgi_slice *content);

/* `len` bytes of content, at the front of `data`, were used. */
void fcgi__deframer_take(struct fcgi__deframer *in, struct fcgi_slice *data,
                         size_t len);

/* `len` bytes of content were used where they had been received. */
void fcgi__deframer_landed(struct fcgi__deframer *in, size_t len);

#endif
