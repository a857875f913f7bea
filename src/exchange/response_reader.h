/*
 * response_reader - a response, from bytes to what they mean: the deframer cuts
 * them into records, and here is what each record does.
 *
 *     STDOUT of this request   the head, then the body
 *     STDERR of this request   the error output
 *     END_REQUEST              the end
 *     management (id 0)        skipped
 *     an earlier request's     skipped, and the connection is not used again
 *     under an id never used   likewise, but END_REQUEST is FCGI_ERR_BAD_ID
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
    FCGI__FOREIGN, /* not this request's: skipped */
    FCGI__HEAD,
    FCGI__BODY,
    FCGI__STDERR,
    FCGI__END,    /* of FCGI_END_REQUEST */
    FCGI__VALUES, /* of FCGI_GET_VALUES_RESULT */
    FCGI__UNKNOWN /* of FCGI_UNKNOWN_TYPE */
};

/* How the peer stopped sending. */
enum fcgi__ending { FCGI__NOT_ENDED, FCGI__CLOSED, FCGI__RESET };

struct fcgi__response_reader {
    struct fcgi_sink sink;
    struct fcgi_response *response;
    uint16_t request_id;
    bool head_request; /* it answers a HEAD request */

    int status; /* FCGI_WAIT: under way; else how the request ended */
    struct fcgi__deframer deframer;
    enum fcgi__content content;
    enum fcgi__ending ending;
    bool paused;       /* the sink took less than it was offered */
    bool progressed;   /* content of this request's own records was received,
                          since the caller last set it to false */
    bool misdirected;  /* a record of another request was received */
    bool followed;     /* so were bytes after the end of the request */
    uint64_t body_len; /* taken by the sink, or collected */
    uint8_t end_body[8];
    size_t end_len;
};

/* Begin to read the response to a request with that id, or, if that is 0, to
 * FCGI_GET_VALUES. The caller has set `sink`, `head_request`, and `response`,
 * which is empty. */
void fcgi__response_reader_begin(struct fcgi__response_reader *reader,
                                 uint16_t request_id);

/* Read bytes until there are no more, or the response is paused or has ended;
 * `*data` is set to those that were not read. */
void fcgi__response_reader_read(struct fcgi__response_reader *reader,
                                struct fcgi_slice *data);

/* To be called when all bytes received of a request under way have been read:
 * ends it if the peer has stopped sending, and puts a NUL behind the body. */
void fcgi__response_reader_conclude(struct fcgi__response_reader *reader);

/* End the request with an error, unless it has ended. Returns the status. */
int fcgi__response_reader_fail(struct fcgi__response_reader *reader, int error);

/* Whether the content that comes next is body, and collected. */
bool fcgi__response_reader_collects_body(
    const struct fcgi__response_reader *reader);

/* How many more bytes of body the head allows. */
uint64_t
fcgi__response_reader_body_allowed(const struct fcgi__response_reader *reader);

/* Whether any byte of the response has been read. */
bool fcgi__response_reader_has_begun(
    const struct fcgi__response_reader *reader);

/* Whether the response ended well, and nothing but it was received. */
bool fcgi__response_reader_is_clean(const struct fcgi__response_reader *reader);

#endif
