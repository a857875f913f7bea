/*
 * exchange - what the call needs of an exchange beyond the public functions.
 */
#ifndef FCGI__EXCHANGE_H
#define FCGI__EXCHANGE_H

#include <fcgi_client/exchange.h>

/* As fcgi_exchange_begin(), without its checks: nothing is NULL, and `limits`
 * are resolved. Where it fails, the caller clears the response. */
int fcgi__exchange_begin(struct fcgi_exchange *x,
                         const struct fcgi_request *request,
                         const struct fcgi_limits *limits,
                         struct fcgi_response *response, uint16_t request_id,
                         uint8_t flags);

/* Params may be large: while a request is begun, ask now and then whether it
 * is late, and end with FCGI_ERR_DEADLINE once it is. */
void fcgi__exchange_hurry(struct fcgi_exchange *x,
                          bool (*is_late)(void *context), void *context);

/* Release memory that few requests need. No request may be under way. */
void fcgi__exchange_trim(struct fcgi_exchange *x);

/* Begin FCGI_GET_VALUES in place of a request: its result is collected as the
 * body, still encoded. FCGI_OK or FCGI_ERR_NO_MEMORY. */
int fcgi__exchange_begin_values(struct fcgi_exchange *x,
                                struct fcgi_response *response);

/* Store how much was sent and received in the response's outcome. */
void fcgi__exchange_count(const struct fcgi_exchange *x);

/* Whether any byte of the response has been received. */
bool fcgi__exchange_answered(const struct fcgi_exchange *x);

/* Whether any byte of the request has been sent. */
bool fcgi__exchange_sent_any(const struct fcgi_exchange *x);

/* Whether all params have been sent: from then on the application may run. */
bool fcgi__exchange_sent_params(const struct fcgi_exchange *x);

/* As fcgi_exchange_received(), without its checks. Returns whether any of it
 * was content of this request's own records. */
bool fcgi__exchange_received(struct fcgi_exchange *x, size_t n);

/* How many bytes of body the sink took, or were collected. */
uint64_t fcgi__exchange_body_len(const struct fcgi_exchange *x);

/* Store FCGI_ABORT_REQUEST, if it may be sent now. Returns its length, or 0. */
size_t fcgi__exchange_abort(const struct fcgi_exchange *x,
                            uint8_t record[FCGI_RECORD_HEADER_LEN]);

/* Whether the method is idempotent (RFC 9110, section 9.2.2). */
bool fcgi__exchange_is_idempotent(const struct fcgi_exchange *x);

/* Whether the request may call the user's code: a source or a sink. */
bool fcgi__exchange_calls_out(const struct fcgi_exchange *x);

#endif
