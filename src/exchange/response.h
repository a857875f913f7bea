/*
 * response - what the exchange needs to fill a response.
 */
#ifndef FCGI__RESPONSE_H
#define FCGI__RESPONSE_H

#include "../base/buffer.h"
#include "head.h"

/* How much more memory a body of known length gets, to be received in place
 * with what stands between its records. */
#define FCGI__BODY_BEHIND ((size_t)1024)

struct fcgi_response_store {
    struct fcgi_allocator allocator;
    struct fcgi_limits limits;
    struct fcgi__head head;
    struct fcgi__buffer body;
    struct fcgi__buffer stderr_data;
};

/* The defaults. */
extern const struct fcgi_limits fcgi__standard_limits;

/* Turn options into plain numbers: 0 is what `others` say, which are resolved,
 * or NULL for the defaults; -1 is no limit. FCGI_OK or FCGI_ERR_ARGUMENT. */
int fcgi__limits_resolve(struct fcgi_limits *resolved,
                         const struct fcgi_limits *own,
                         const struct fcgi_limits *others);

/* Clear what the caller sees of a response, and keep its memory. */
void fcgi__response_clear(struct fcgi_response *response);

/* Empty a response for a request, and keep its memory. `limits` are resolved;
 * NULL: those it has. FCGI_OK or FCGI_ERR_NO_MEMORY. */
int fcgi__response_begin(struct fcgi_response *response,
                         const struct fcgi_allocator *allocator,
                         const struct fcgi_limits *limits);

/* As fcgi__head_feed(). Once the head is complete, status, reason and fields
 * are set. */
int fcgi__response_head(struct fcgi_response *response, const char *data,
                        size_t len, size_t *used);

/* The Content-Length of the head; -1: none. */
int64_t fcgi__response_content_length(const struct fcgi_response *response);

/* How many more bytes of body its limit allows. */
size_t fcgi__response_body_left(const struct fcgi_response *response);

/* Allocate memory for `wanted` more bytes of body, which may move: FCGI_OK or
 * FCGI_ERR_NO_MEMORY. */
int fcgi__response_grow_body(struct fcgi_response *response, size_t wanted);

/* Collect body, which may have been received right behind what there is:
 * FCGI_OK, FCGI_ERR_NO_MEMORY, or FCGI_ERR_BODY_TOO_LARGE, with as much kept as
 * fits. No NUL is put behind it, since more may have been received there. */
int fcgi__response_body(struct fcgi_response *response, const char *data,
                        size_t len);

/* Put a NUL behind the body. Nothing received there may be left to read. */
void fcgi__response_terminate(struct fcgi_response *response);

/* Collect stderr, up to its limit: FCGI_OK or FCGI_ERR_NO_MEMORY. */
int fcgi__response_stderr(struct fcgi_response *response, const char *data,
                          size_t len);

/* The head is not complete: let the caller read what there is as the body. */
void fcgi__response_expose_text(struct fcgi_response *response);

#endif
