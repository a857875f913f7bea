/*
 * response_check - checks what must be true of a response whatever the
 * application sent: strings end in NUL, fields are valid for an HTTP client,
 * nothing exceeds its limit, and success means that the response is complete.
 */
#ifndef TESTS_RESPONSE_CHECK_H
#define TESTS_RESPONSE_CHECK_H

#include <stdint.h>

#include <fcgi_client/response.h>

#include "wire.h"

/** The limits with 0 and -1 replaced by the numbers they stand for. */
struct fcgi_limits response_check_limits(const struct fcgi_limits *limits);

/** The Content-Length of a response; -1: none. */
int64_t response_content_length(const struct fcgi_response *response);

/**
 * Fail unless the response is valid.
 *
 * @param status     of the request: fcgi_exchange_status()
 * @param to_head    the request was HEAD
 * @param limits     of the request
 * @param collected  the request has no sink for the body
 */
void response_check(const struct fcgi_response *response, int status,
                    bool to_head, const struct fcgi_limits *limits,
                    bool collected);

/** Append everything that a caller can see of a response, for comparing. */
void response_digest(struct wire *digest, const struct fcgi_response *response);

/** Append something else for comparing. */
void response_note(struct wire *digest, const char *name, const void *data,
                   size_t len);
void response_note_number(struct wire *digest, const char *name,
                          long long number);

#endif
