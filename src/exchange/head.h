/*
 * head - the head of a CGI response (RFC 3875, section 6): lines of text, fed
 * in any pieces, become a status and ordered fields.
 */
#ifndef FCGI__HEAD_H
#define FCGI__HEAD_H

#include <stdint.h>

#include "../base/buffer.h"

struct fcgi__head {
    struct fcgi__buffer text;   /* as it came; NULs are set once it is whole */
    struct fcgi__buffer fields; /* they point into the text */
    size_t field_count;
    size_t line;   /* where the line now coming starts in the text */
    int status;    /* 0: no Status line yet */
    size_t reason; /* where its reason stands in the text; 0: no Status line */
    size_t reason_len;
    int64_t content_length; /* -1: none */
    bool has_location;
    bool has_transfer_encoding;
};

/* Forget all but the memory. */
void fcgi__head_reset(struct fcgi__head *head);

void fcgi__head_free(struct fcgi__head *head,
                     const struct fcgi_allocator *allocator);

/*
 * Take bytes up to the end of the head.
 *
 * `limits` are bytes and counts, none of them 0 or negative. `*used` tells how
 * many bytes of `data` belonged to the head.
 *
 * Returns FCGI_OK the head is complete: `status` and `fields` are valid, and
 * the strings end in NUL; FCGI_WAIT it goes on; FCGI_ERR_BAD_HEAD,
 * FCGI_ERR_HEAD_TOO_LARGE or FCGI_ERR_NO_MEMORY.
 */
int fcgi__head_feed(struct fcgi__head *head,
                    const struct fcgi_allocator *allocator,
                    const struct fcgi_limits *limits, const char *data,
                    size_t len, size_t *used);

/* The application's reason phrase, or the standard one. */
const char *fcgi__head_reason(const struct fcgi__head *head);

#endif
