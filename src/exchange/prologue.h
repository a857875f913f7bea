/*
 * prologue - the start of a request: FCGI_BEGIN_REQUEST and all of FCGI_PARAMS,
 * encoded at once, so that the caller need not keep the params; and the end of
 * FCGI_STDIN, if the request has no body.
 *
 *     [BEGIN_REQUEST][PARAMS] ... [PARAMS][PARAMS, empty][STDIN, empty]
 */
#ifndef FCGI__PROLOGUE_H
#define FCGI__PROLOGUE_H

#include <stdbool.h>
#include <stdint.h>

#include <fcgi_client/exchange.h>

#include "../base/buffer.h"
#include "../codec/params.h"

struct fcgi__prologue {
    struct fcgi__buffer wire;
    size_t params_len; /* of `wire`, up to the end of FCGI_PARAMS */
    size_t records;
    struct fcgi__facts facts; /* of all params */
    /* Set by the owner. Whether encoding takes too long, which is asked
     * whenever a record is full; NULL: it may take any time. */
    bool (*is_late)(void *context);
    void *context;
};

/* Encode FCGI_BEGIN_REQUEST with that body, and the params. FCGI_OK,
 * FCGI_ERR_ARGUMENT, FCGI_ERR_PARAMS_TRUNCATED, FCGI_ERR_CONTENT_TOO_LONG,
 * FCGI_ERR_LENGTH_REQUIRED, FCGI_ERR_NO_MEMORY, or FCGI_ERR_DEADLINE: it took
 * too long. */
int fcgi__prologue_encode(struct fcgi__prologue *prologue,
                          const struct fcgi_allocator *allocator,
                          const struct fcgi_request *request,
                          uint16_t request_id, struct fcgi_begin_request body);

/* Append the empty record that ends a stream. FCGI_OK or FCGI_ERR_NO_MEMORY. */
int fcgi__prologue_end_stream(struct fcgi__prologue *prologue,
                              const struct fcgi_allocator *allocator,
                              uint8_t type, uint16_t request_id);

/* In place of a request, encode FCGI_GET_VALUES for all the variables of
 * section 4.1. FCGI_OK or FCGI_ERR_NO_MEMORY. */
int fcgi__prologue_encode_values(struct fcgi__prologue *prologue,
                                 const struct fcgi_allocator *allocator);

/* Whether the method is HEAD. */
bool fcgi__prologue_is_head(const struct fcgi__prologue *prologue);

/* Whether the method is idempotent (RFC 9110, section 9.2.2). */
bool fcgi__prologue_is_idempotent(const struct fcgi__prologue *prologue);

/* Give every record another request id. */
void fcgi__prologue_set_id(struct fcgi__prologue *prologue,
                           uint16_t request_id);

/* Count the records that were sent whole with the first `sent` bytes;
 * `*remainder` is set to how much was sent of the next. */
size_t fcgi__prologue_records_in(const struct fcgi__prologue *prologue,
                                 size_t sent, uint64_t *remainder);

#endif
