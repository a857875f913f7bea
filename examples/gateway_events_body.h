/*
 * body - the body of a request, from the client to the application.
 *
 *     all there already   memory, which can be sent a second time
 *     Content-Length      received into the library's own buffer
 *     chunked             gathered in memory beforehand, since PHP wants to
 *                         know the length; or decoded on its way
 */
#ifndef GATEWAY_EVENTS_BODY_H
#define GATEWAY_EVENTS_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client.h>

#include "gateway_events_http.h"
#include "gateway_events_peer.h"

struct body {
    struct http *http;
    struct peer *peer;
    struct buffer *in;
    size_t floor;     /* of the buffer: below it stands the head */
    uint64_t left;    /**< bytes that the client has yet to send; until a
                           chunked one has ended: not 0 */
    bool streams;     /**< its length is not known beforehand */
    bool expected;    /* the client waits to be told to go on */
    bool waits;       /**< the application waits for more of it */
    bool malformed;   /**< its chunks are */
    const char *data; /* what is there as a whole, `len` bytes */
    size_t len;
    char *gathered; /* the memory for that, `cap` bytes */
    size_t cap;
};

/** @param streams  a chunked body is handed on as it comes */
void body_begin(struct body *body, struct http *http, struct peer *peer,
                struct buffer *in, bool streams);

/** Whether it is to be gathered before the application is asked. */
bool body_wants_gathering(const struct body *body);

/**
 * Gather what has come of a chunked body.
 *
 * @return FCGI_OK  it is whole
 *         FCGI_WAIT  more is to come
 *         FCGI_ERR_CLOSED  the client has left
 *         FCGI_ERR_BAD_REQUEST, FCGI_ERR_NO_MEMORY
 *         FCGI_ERR_CONTENT_TOO_LONG  it is over `limit` bytes
 */
int body_gather(struct body *body, size_t limit);

/** Its length, as struct fcgi_cgi_request wants it. */
int64_t body_length(const struct body *body);

/** What the application is to read. */
struct fcgi_source body_source(struct body *body);

/** Release what was gathered. */
void body_end(struct body *body);

#endif
