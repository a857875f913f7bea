/*
 * head - the head of a CGI response (RFC 3875, section 6): text, fed in pieces
 * of any length, becomes a status and fields in their order.
 */
#ifndef FCGI__HEAD_H
#define FCGI__HEAD_H

#include <stdint.h>

#include "../base/buffer.h"

struct fcgi__head {
    struct fcgi__buffer text;   /* as received; NULs are added at the end */
    struct fcgi__buffer fields; /* of struct fcgi_field: pointers into it */
    size_t field_count;
    size_t line;       /* offset in the text of the line that is not whole */
    int status;        /* 0: not known yet */
    size_t reason;     /* offset in the text of the reason, */
    size_t reason_len; /* and its length; 0: the standard one */
    int64_t content_length; /* -1: none */
    bool has_location;
    bool has_transfer_encoding;
};

/* Empty the head, and keep its memory. */
void fcgi__head_reset(struct fcgi__head *head);

void fcgi__head_free(struct fcgi__head *head,
                     const struct fcgi_allocator *allocator);

/*
 * Take bytes up to the end of the head.
 *
 * `limits` are resolved. `*used` is set to how many bytes of `data` belonged to
 * the head.
 *
 * Returns FCGI_OK: the head is complete, `status` and `fields` are valid, and a
 * NUL follows every string; FCGI_WAIT: it goes on; FCGI_ERR_BAD_HEAD,
 * FCGI_ERR_HEAD_TOO_LARGE or FCGI_ERR_NO_MEMORY.
 */
int fcgi__head_feed(struct fcgi__head *head,
                    const struct fcgi_allocator *allocator,
                    const struct fcgi_limits *limits, const char *data,
                    size_t len, size_t *used);

/* The application's reason phrase, or the standard one for the status. */
const char *fcgi__head_reason(const struct fcgi__head *head);

#endif
