/*
 * outgoing - a request as the bytes it is on the wire: the prologue, then the
 * streams its role has.
 *
 *     [prologue][STDIN ... STDIN, empty][DATA ... DATA, empty]
 *
 * A stream without content is part of the prologue.
 */
#ifndef FCGI__OUTGOING_H
#define FCGI__OUTGOING_H

#include <stdbool.h>
#include <stdint.h>

#include <fcgi_client/exchange.h>

#include "buffer.h"
#include "prologue.h"
#include "stream.h"

struct fcgi__outgoing {
    struct fcgi__prologue prologue;
    size_t prologue_sent;
    struct fcgi__stream streams[2];
    size_t stream_count;
    size_t stream;             /* being sent; stream_count: all were */
    struct fcgi__buffer chunk; /* where a source is read into */
    bool waits;                /* the source has nothing yet */
    uint64_t records;          /* of segments that were sent whole */
    uint64_t bytes;            /* sent */
    size_t offered;            /* how much was last handed out */
};

/* Encode a request. FCGI_OK, FCGI_ERR_ARGUMENT, FCGI_ERR_PARAMS_TRUNCATED,
 * FCGI_ERR_CONTENT_TOO_LONG or FCGI_ERR_NO_MEMORY. */
int fcgi__outgoing_begin(struct fcgi__outgoing *out,
                         const struct fcgi_allocator *allocator,
                         const struct fcgi_request *request,
                         uint16_t request_id, uint8_t flags);

/* Encode FCGI_GET_VALUES in place of a request. FCGI_OK or
 * FCGI_ERR_NO_MEMORY. */
int fcgi__outgoing_begin_values(struct fcgi__outgoing *out,
                                const struct fcgi_allocator *allocator);

/* Start over under another id: FCGI_OK, or FCGI_ERR_STATE where a source
 * cannot go back. */
int fcgi__outgoing_restart(struct fcgi__outgoing *out, uint16_t request_id);

bool fcgi__outgoing_replayable(const struct fcgi__outgoing *out);

/* The next bytes: a count of slices, FCGI_ERR_SOURCE or FCGI_ERR_NO_MEMORY. */
int fcgi__outgoing_slices(struct fcgi__outgoing *out,
                          const struct fcgi_allocator *allocator,
                          struct fcgi_slice *slices, size_t max);

/* FCGI_OK, or FCGI_ERR_ARGUMENT: more than was handed out. */
int fcgi__outgoing_sent(struct fcgi__outgoing *out, size_t n);

bool fcgi__outgoing_all_sent(const struct fcgi__outgoing *out);

/* How many records were sent whole; `*remainder` is what was sent of the
 * next. */
uint64_t fcgi__outgoing_records(const struct fcgi__outgoing *out,
                                uint64_t *remainder);

/* Whether the caller has sources that are called. */
bool fcgi__outgoing_calls_out(const struct fcgi__outgoing *out);

void fcgi__outgoing_free(struct fcgi__outgoing *out,
                         const struct fcgi_allocator *allocator);

#endif
