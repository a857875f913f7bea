/*
 * http - parses HTTP/1 requests (RFC 9112), their heads and chunked bodies,
 * with llhttp.
 *
 * A head points into the buffer that it was read from: those bytes must not
 * move until the request is over.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_HTTP_H
#define EXAMPLES_FCGI_GATEWAY_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client.h>
#include <llhttp.h>

#define HTTP_FIELDS_MAX 128

/** One request. */
struct http {
    llhttp_t parser; /* first: callbacks find the request by it */
    enum { HTTP_IN_LINE, HTTP_IN_NAME, HTTP_IN_VALUE, HTTP_IN_BODY } at;
    const char *line; /* where the request line begins; NULL: not yet */
    bool ended;       /* the chunked body has */
    size_t trailer_name_len;
    uint64_t framing;     /* bytes of the chunked body that are framing */
    uint64_t decoded_len; /* and those that are content */
    char *decoded;        /* where the next content goes */

    int refusal; /**< after FCGI_ERR_BAD_REQUEST: the status to answer with */
    struct fcgi_slice method, target; /**< as far as they were read */
    bool is_1_0;
    bool keep_alive;
    bool chunked;
    bool expects_continue;
    uint64_t content_length; /**< 0 if there is none */
    size_t host_count;
    size_t field_count;
    struct fcgi_field fields[HTTP_FIELDS_MAX];
};

/** Be ready for the first byte of a request. */
void http_reset(struct http *http);

/**
 * Parse the next bytes of a head, which stand right behind those before.
 *
 * @param used  set to how many of them belong to the head
 * @return FCGI_OK  the head is whole
 *         FCGI_WAIT  it is not
 *         FCGI_ERR_BAD_REQUEST  answer with http->refusal, which is 431 if
 *                               there are more than HTTP_FIELDS_MAX fields
 */
int http_parse(struct http *http, const char *data, size_t len, size_t *used);

/** Whether the method is HEAD, also of a request that is refused. */
bool http_is_head(const struct http *http);

/** The status for a head that is longer than that, as far as it was parsed. */
int http_too_large(const struct http *http, size_t max);

/**
 * Decode bytes of a chunked body in place.
 *
 * @param used     set to how many bytes belong to the body
 * @param decoded  set to how many bytes of content stand at `data` now
 * @return FCGI_OK  the body has ended
 *         FCGI_WAIT  it has not
 *         FCGI_ERR_BAD_REQUEST  it is malformed, or has far more framing than
 *                               content
 */
int http_decode(struct http *http, char *data, size_t len, size_t *used,
                size_t *decoded);

#endif
