/*
 * sound - what holds of a response whatever the application has sent: its
 * strings end in NUL, its fields can be handed on to an HTTP client, nothing is
 * over its limit, and success means that all of it is there.
 */
#ifndef TESTS_SOUND_H
#define TESTS_SOUND_H

#include <stdint.h>

#include <fcgi_client/response.h>

#include "wire.h"

/** The limits by number that 0 and -1 stand for. */
struct fcgi_limits sound_limits(const struct fcgi_limits *limits);

/** The Content-Length of a response; -1: it has none. */
int64_t sound_content_length(const struct fcgi_response *response);

/**
 * Fail unless the response is sound.
 *
 * @param status     how the request stands: fcgi_exchange_status()
 * @param to_head    it answers a HEAD request
 * @param limits     as they were in the request
 * @param collected  it has no sink for the body
 */
void sound_check(const struct fcgi_response *response, int status, bool to_head,
                 const struct fcgi_limits *limits, bool collected);

/** Append all that can be seen of a response, as bytes to be compared. */
void sound_digest(struct wire *digest, const struct fcgi_response *response);

/** Append something else to be compared. */
void sound_note(struct wire *digest, const char *name, const void *data,
                size_t len);
void sound_note_number(struct wire *digest, const char *name, long long number);

#endif
