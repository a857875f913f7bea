/*
 * body - the body of a request, from the client to the application.
 *
 *     short           left behind its head, and received there
 *     up to a limit   gathered in memory before the application is asked: a
 *                     slow client is not to hold it up, and PHP wants to know
 *                     the length of what is chunked
 *     longer          received into the library's own buffer; or refused, if it
 *                     is chunked
 *     chunked         decoded on its way to the application, where that is
 *                     wanted
 *
 * What is there as a whole can be sent a second time.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_BODY_H
#define EXAMPLES_FCGI_GATEWAY_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client.h>

#include "http.h"
#include "memory.h"
#include "peer.h"

struct body {
    /* To be set before body_begin(). */
    struct http *http;
    struct peer *peer;
    struct buffer *in;
    struct memory *memory; /**< what is gathered is counted there */
    size_t limit;          /**< what is longer is not gathered */
    bool streams;          /**< chunked ones are not gathered either */

    size_t floor;   /* of the buffer: below it stands the head */
    uint64_t left;  /**< bytes that the client has yet to send; until a chunked
                         one has ended: not 0 */
    bool gathers;   /**< it must be whole before the application is asked */
    bool expected;  /* the client waits to be told to go on */
    bool waits;     /**< more of it is waited for */
    bool malformed; /**< its chunks are */
    char *data;     /* what is there, `len` bytes in room for `cap` */
    size_t len, cap;
    char *gathered; /* that room, where it is allocated */
};

/** Begin with what has come of it, at the front of the buffer. */
void body_begin(struct body *body);

/**
 * Gather what has come.
 *
 * @return FCGI_OK  it is whole
 *         FCGI_WAIT  more is to come
 *         FCGI_ERR_CLOSED  the client has left
 *         FCGI_ERR_BAD_REQUEST  it is malformed
 *         FCGI_ERR_NO_MEMORY  where some has been freed, it may be tried again
 *         FCGI_ERR_CONTENT_TOO_LONG  it is over the limit
 */
int body_gather(struct body *body);

/** Its length, as struct fcgi_cgi_request wants it. */
int64_t body_length(const struct body *body);

/** What the application is to read. */
struct fcgi_source body_source(struct body *body);

/** Release what was gathered. */
void body_end(struct body *body);

#endif
