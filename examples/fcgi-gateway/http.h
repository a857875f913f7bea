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
    llhttp_t parser;      /* first: callbacks find the request by it */
    bool has_head;        /* what comes is the body */
    bool ended;           /* the chunked body has */
    bool has_trailer;     /* a name of one */
    uint64_t framing;     /* bytes of the chunked body that are framing */
    uint64_t decoded_len; /* and those that are content */
    char *decoded;        /* where the next content goes */

    int refusal; /* by a callback: the status to answer with */
    struct fcgi_slice method, target; /**< as far as they were read */
    size_t line_len;                  /**< of the request line; 0: its end was
                                           not read */
    bool is_1_0;
    bool keep_alive;
    bool chunked;
    bool expects_continue;
    uint64_t content_length; /**< 0 if there is none */
    size_t host_count;
    size_t field_count;
    struct fcgi_field fields[HTTP_FIELDS_MAX];
};

/** Be ready for a request. */
void http_reset(struct http *http);

/** How many bytes of blank lines there are in front of a request. */
size_t http_blank_len(const char *data, size_t len);

/** The length of a head, with the blank line at its end; 0: it is not whole.
 *  It was not when there were `scanned` bytes. */
size_t http_head_len(const char *data, size_t len, size_t scanned);

/** Read the request line, which may not be whole. Returns 0, or the status to
 *  refuse the request with. */
int http_read_line(struct http *http, const char *data, size_t len);

/** Read the fields of a head that is whole, behind its line. Returns 0, or the
 *  status to refuse the request with: 431 if there are more than
 *  HTTP_FIELDS_MAX. */
int http_read_fields(struct http *http, const char *head, size_t len);

/** Whether the method is HEAD, also of a request that is refused. */
bool http_is_head(const struct http *http);

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
