/*
 * request_writer - a request as the bytes it is on the wire: the prologue, then
 * the streams of its role.
 *
 *     [prologue][STDIN ... STDIN, empty][DATA ... DATA, empty]
 *
 * If there is no body, the end of FCGI_STDIN is part of the prologue.
 */
#ifndef FCGI__REQUEST_WRITER_H
#define FCGI__REQUEST_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include <fcgi_client/exchange.h>

#include "../base/buffer.h"
#include "prologue.h"
#include "stream.h"

struct fcgi__request_writer {
    struct fcgi__prologue prologue;
    size_t prologue_sent;
    struct fcgi__stream streams[2];
    size_t stream_count;
    size_t stream;             /* the one being sent; stream_count: none */
    struct fcgi__buffer chunk; /* what was read from a source */
    bool waits;                /* the source has nothing yet */
    uint64_t records;          /* of the segments that were sent whole */
    uint64_t bytes;            /* sent */
    size_t offered;            /* how much was last listed, and not sent yet */
};

/* Begin a request. FCGI_OK, or what fcgi__prologue_encode() returns. */
int fcgi__request_writer_begin(struct fcgi__request_writer *writer,
                               const struct fcgi_allocator *allocator,
                               const struct fcgi_request *request,
                               uint16_t request_id, uint8_t flags);

/* Begin FCGI_GET_VALUES in place of a request. FCGI_OK or
 * FCGI_ERR_NO_MEMORY. */
int fcgi__request_writer_begin_values(struct fcgi__request_writer *writer,
                                      const struct fcgi_allocator *allocator);

/* Begin the same request again, with another id. FCGI_OK, or FCGI_ERR_STATE: a
 * source cannot go back. */
int fcgi__request_writer_restart(struct fcgi__request_writer *writer,
                                 uint16_t request_id);

/* Whether every source could go back. */
bool fcgi__request_writer_replayable(const struct fcgi__request_writer *writer);

/* Read from the source of the stream being sent, if all that was read before
 * has been sent; `waits` tells whether it has nothing yet. FCGI_OK,
 * FCGI_ERR_SOURCE or FCGI_ERR_NO_MEMORY. */
int fcgi__request_writer_fill(struct fcgi__request_writer *writer,
                              const struct fcgi_allocator *allocator);

/* List the next bytes to send, in at most `max` slices, at least 1. Returns how
 * many were set. */
size_t fcgi__request_writer_slices(struct fcgi__request_writer *writer,
                                   struct fcgi_slice *slices, size_t max);

/* `n` of the bytes listed were sent. FCGI_OK, or FCGI_ERR_ARGUMENT: fewer were
 * listed. */
int fcgi__request_writer_sent(struct fcgi__request_writer *writer, size_t n);

bool fcgi__request_writer_all_sent(const struct fcgi__request_writer *writer);

/* How many records were sent whole; `*remainder` is set to how much was sent of
 * the next. */
uint64_t fcgi__request_writer_records(const struct fcgi__request_writer *writer,
                                      uint64_t *remainder);

/* Whether a source calls the user's code. */
bool fcgi__request_writer_calls_out(const struct fcgi__request_writer *writer);

void fcgi__request_writer_free(struct fcgi__request_writer *writer,
                               const struct fcgi_allocator *allocator);

#endif
