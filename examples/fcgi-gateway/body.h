/*
 * body - the body of a request, from the client to the application.
 *
 *     short           left behind its head, and received there
 *     up to a limit   gathered in memory before the application is asked: a
 *                     slow client must not occupy a worker of the application,
 *                     and PHP needs the length of a chunked body
 *     longer          received into the library's own buffer; if it is chunked,
 *                     refused
 *     chunked         decoded on its way to the application, if that is wanted
 *
 * A body that is there as a whole can be sent a second time.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_BODY_H
#define EXAMPLES_FCGI_GATEWAY_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client.h>

#include "buffer.h"
#include "http.h"
#include "memory.h"
#include "peer.h"

struct body {
    /* To be set before body_begin(). */
    struct http *http;
    struct peer *peer;
    struct buffer *in;
    struct memory *memory; /**< counts what is gathered */
    size_t limit;          /**< a longer body is not gathered */
    bool streams;          /**< nor is a chunked one */

    size_t floor;   /* where in the buffer the body begins, behind the head */
    uint64_t left;  /**< bytes that the client has yet to send; for a chunked
                         body, 1 until it has ended */
    bool gathers;   /**< gather it before the application is asked */
    bool expected;  /* the client waits for "100 Continue" */
    bool waits;     /**< for more from the client */
    bool malformed; /**< its chunks are not valid */
    char *data;     /* what is there: `len` bytes, with room for `cap` */
    size_t len, cap;
    char *gathered; /* that room, if it was allocated */
};

/** Begin with what has been received, at the front of the buffer. */
void body_begin(struct body *body);

/**
 * Gather what has been received.
 *
 * @return FCGI_OK  the body is whole
 *         FCGI_WAIT  more must be received
 *         FCGI_ERR_CLOSED  the client has left
 *         FCGI_ERR_BAD_REQUEST  the body is malformed
 *         FCGI_ERR_NO_MEMORY  the caller may free some and try again
 *         FCGI_ERR_CONTENT_TOO_LONG  the body is over the limit
 */
int body_gather(struct body *body);

/** The length, as struct fcgi_cgi_request takes it. */
int64_t body_length(const struct body *body);

/** The source for the application's request. */
struct fcgi_source body_source(struct body *body);

/** Release what was gathered. */
void body_end(struct body *body);

#endif
