/*
 * response - the object that a response is collected in, for the exchange that
 * fills it.
 */
#ifndef FCGI__RESPONSE_H
#define FCGI__RESPONSE_H

#include "../base/buffer.h"
#include "head.h"

/* What may stand behind a body before it is known not to be part of it; and
 * the NUL that ends it. */
#define FCGI__BODY_BEHIND ((size_t)1024)

struct fcgi_response_store {
    struct fcgi_allocator allocator;
    struct fcgi_limits limits;
    struct fcgi__head head;
    struct fcgi__buffer body;
    struct fcgi__buffer stderr_data;
};

/* What holds where nothing else is said. */
extern const struct fcgi_limits fcgi__standard_limits;

/* Turn options (0: as in `others`, -1: none) into plain numbers; `others` are
 * resolved, or NULL for the defaults. FCGI_OK or FCGI_ERR_ARGUMENT. */
int fcgi__limits_resolve(struct fcgi_limits *resolved,
                         const struct fcgi_limits *own,
                         const struct fcgi_limits *others);

/* Let a response say nothing, keeping its memory. */
void fcgi__response_clear(struct fcgi_response *response);

/* Empty a response for a request, keeping its memory. `limits` are resolved;
 * NULL: as before. FCGI_OK or FCGI_ERR_NO_MEMORY. */
int fcgi__response_begin(struct fcgi_response *response,
                         const struct fcgi_allocator *allocator,
                         const struct fcgi_limits *limits);

/* Take bytes of the head, as fcgi__head_feed(). When it is complete, status,
 * reason and fields are set. */
int fcgi__response_head(struct fcgi_response *response, const char *data,
                        size_t len, size_t *used);

/* The Content-Length of the head; -1: none. */
int64_t fcgi__response_content_length(const struct fcgi_response *response);

/* How many more bytes of body may be collected. */
size_t fcgi__response_body_left(const struct fcgi_response *response);

/* Allocate memory for `wanted` more bytes of body, which may move: FCGI_OK or
 * FCGI_ERR_NO_MEMORY. */
int fcgi__response_grow_body(struct fcgi_response *response, size_t wanted);

/* Collect body, from behind it or from anywhere else: FCGI_OK,
 * FCGI_ERR_NO_MEMORY, or FCGI_ERR_BODY_TOO_LARGE, what fits being kept. No NUL
 * is put behind it yet: more may stand there. */
int fcgi__response_body(struct fcgi_response *response, const char *data,
                        size_t len);

/* Put a NUL behind the body. */
void fcgi__response_terminate(struct fcgi_response *response);

/* Collect stderr, cutting it at its limit: FCGI_OK or FCGI_ERR_NO_MEMORY. */
int fcgi__response_stderr(struct fcgi_response *response, const char *data,
                          size_t len);

/* What came is no complete head: let the caller read it as a body. */
void fcgi__response_expose_text(struct fcgi_response *response);

#endif
