/*
 * incoming - a response, from bytes to what they mean: the deframer cuts
 * records, and here is what each record does.
 *
 *     STDOUT of this request   the head, then the body
 *     STDERR of this request   the error output
 *     END_REQUEST              the end
 *     management (id 0)        skipped
 *     another request's        skipped, and the connection is not used again
 *     anything else            FCGI_ERR_BAD_RECORD
 */
#ifndef FCGI__RESPONSE_READER_H
#define FCGI__RESPONSE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include <fcgi_client/exchange.h>

#include "../codec/deframer.h"

/* What the content of the record at hand is. */
enum fcgi__content {
    FCGI__FOREIGN, /* not this request's */
    FCGI__HEAD,
    FCGI__BODY,
    FCGI__STDERR,
    FCGI__END,    /* the body of FCGI_END_REQUEST */
    FCGI__VALUES, /* that of FCGI_GET_VALUES_RESULT */
    FCGI__UNKNOWN /* that of FCGI_UNKNOWN_TYPE */
};

/* How the peer stopped sending. */
enum fcgi__ending { FCGI__NOT_ENDED, FCGI__CLOSED, FCGI__RESET };

struct fcgi__response_reader {
    struct fcgi_sink sink;
    struct fcgi_response *response;
    uint16_t request_id;
    bool to_head; /* it answers a HEAD request */

    int status; /* FCGI_WAIT: under way; else how the request ended */
    struct fcgi__deframer deframer;
    enum fcgi__content content;
    enum fcgi__ending ending;
    bool paused;       /* the sink took less than it was offered */
    bool moved;        /* content of this request's own records came; who asks
                          clears it */
    bool misdirected;  /* a record of another request came */
    bool followed;     /* bytes came behind the end of the request */
    uint64_t body_len; /* handed on or collected */
    uint8_t end_body[8];
    size_t end_len;
};

/* Begin a response to the request of that id (0: to FCGI_GET_VALUES); sink,
 * `to_head` and response are set, and the response is empty. */
void fcgi__response_reader_begin(struct fcgi__response_reader *reader,
                                 uint16_t request_id);

/* Look at bytes until all are used, or the response is paused or has ended;
 * `*data` becomes what was not looked at. */
void fcgi__response_reader_run(struct fcgi__response_reader *reader,
                               struct fcgi_slice *data);

/* All bytes that there are were looked at, or the response is paused: if the
 * request was under way before and no more bytes come, it ends. */
void fcgi__response_reader_conclude(struct fcgi__response_reader *reader);

/* End the request with an error, unless it has ended. Returns how it ended. */
int fcgi__response_reader_fail(struct fcgi__response_reader *reader, int error);

/* Whether what comes now of the record at hand is body, to be collected. */
bool fcgi__response_reader_collects_body(
    const struct fcgi__response_reader *reader);

/* How much more body the head allows. */
uint64_t
fcgi__response_reader_body_allowed(const struct fcgi__response_reader *reader);

/* Whether any byte of the response has been received. */
bool fcgi__response_reader_begun(const struct fcgi__response_reader *reader);

/* Whether the response ended well and nothing else came. */
bool fcgi__response_reader_clean(const struct fcgi__response_reader *reader);

#endif
