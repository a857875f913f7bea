/*
 * deframer - received bytes cut into records, however they were split.
 *
 *     FCGI__HEADER  FCGI__CONTENT ...  FCGI__HEADER  FCGI__CONTENT ...
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
    FCGI__MORE,   /* all bytes were consumed */
    FCGI__HEADER, /* a record begins: `header` */
    FCGI__CONTENT /* it goes on */
};

enum fcgi__framing { IN_HEADER, IN_RECORD };

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

/* Look at the front of `data`, which is shortened by a header. Of the record,
 * `*content` is what there is of its content, which may be nothing: say how
 * much of it was used with fcgi__deframer_take(). */
enum fcgi__event fcgi__deframer_next(struct fcgi__deframer *in,
                                     struct fcgi_slice *data,
                                     struct fcgi_slice *content);

/* `len` bytes of content, at the front of `data`, were used; padding behind
 * them is drained. Whether the record has ended. */
bool fcgi__deframer_take(struct fcgi__deframer *in, struct fcgi_slice *data,
                         size_t len);

#endif
