/*
 * exchange - what the call needs of an exchange beyond its public face.
 */
#ifndef FCGI__EXCHANGE_H
#define FCGI__EXCHANGE_H

#include <fcgi_client/exchange.h>

/* As fcgi_exchange_begin(), of which it is the part behind the door: what is
 * never NULL is not, and `limits` are resolved. The response is left as it is
 * where nothing is begun. */
int fcgi__exchange_begin(struct fcgi_exchange *x,
                         const struct fcgi_request *request,
                         const struct fcgi_limits *limits,
                         struct fcgi_response *response, uint16_t request_id,
                         uint8_t flags);

/* Let beginning a request end with FCGI_ERR_DEADLINE once that is so: params
 * may be large. */
void fcgi__exchange_hurry(struct fcgi_exchange *x,
                          bool (*is_late)(void *context), void *context);

/* Release memory that few requests need. None may be under way. */
void fcgi__exchange_trim(struct fcgi_exchange *x);

/* Begin FCGI_GET_VALUES in place of a request: the pairs of its result are
 * collected as the body, encoded. FCGI_OK or FCGI_ERR_NO_MEMORY. */
int fcgi__exchange_begin_values(struct fcgi_exchange *x,
                                struct fcgi_response *response);

/* Counts of the attempt so far, into the response's outcome. */
void fcgi__exchange_count(const struct fcgi_exchange *x);

/* Whether any byte of the response has been received. */
bool fcgi__exchange_answered(const struct fcgi_exchange *x);

/* Whether any byte of the request has been sent. */
bool fcgi__exchange_sent_any(const struct fcgi_exchange *x);

/* Whether all params have been sent, so that an application may run. */
bool fcgi__exchange_sent_params(const struct fcgi_exchange *x);

/* As fcgi_exchange_received(); returns whether any of it was content of this
 * request's own records. */
bool fcgi__exchange_received(struct fcgi_exchange *x, size_t n);

/* How much body was handed on or collected. */
uint64_t fcgi__exchange_body_len(const struct fcgi_exchange *x);

/* The record that tells an application to give up, if one may be sent now: its
 * length, or 0. */
size_t fcgi__exchange_abort(const struct fcgi_exchange *x,
                            uint8_t record[FCGI_RECORD_HEADER_LEN]);

/* Whether REQUEST_METHOD is an idempotent one (RFC 9110, section 9.2.2). */
bool fcgi__exchange_is_idempotent(const struct fcgi_exchange *x);

/* Whether sources or sinks of the caller's may be called. */
bool fcgi__exchange_calls_out(const struct fcgi_exchange *x);

#endif
