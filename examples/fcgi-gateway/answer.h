/*
 * answer - one HTTP answer on its way to the client: its head, how its end is
 * told, its body.
 *
 *     [ room | fields ... CRLF | body ... ]
 *       ^^^^ status line and framing, written last
 *
 * The head waits in the buffer until there is more body than fits beside it,
 * or nothing more to do for now. An answer that has ended by then tells its
 * length, and leaves in one write; a longer one is chunked.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_ANSWER_H
#define EXAMPLES_FCGI_GATEWAY_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client.h>

#include "http.h"
#include "peer.h"

struct answer {
    struct peer *peer;
    struct buffer *out;
    const char *date; /* a field */
    bool to_1_0;
    bool to_head;
    bool has_body; /* the method and the status allow one */
    bool keep;     /**< the connection stays open behind it */

    enum {
        ANSWER_NONE,  /**< nothing of it is there */
        ANSWER_HELD,  /**< a head, and perhaps some body, not sent yet */
        ANSWER_SENT,  /**< the head has been sent, or tried to be */
        ANSWER_FAILED /**< the client has left */
    } state;
    bool paused;   /**< the client takes no more for now */
    bool refused;  /**< the application's head cannot be handed on */
    bool measured; /**< Content-Length is among its fields */
    bool dated;
    bool chunked;
    int status;
    bool head_sent;     /**< the client has been sent the whole head */
    uint64_t body_len;  /* so far, with what waits in the buffer */
    const char *reason; /* the response's, or a constant */
    size_t fields_end;
    size_t chunk_left;    /* of a chunk whose size has been told */
    const char *chunk_at; /* what ends the chunk before: "" or CRLF */
};

/** @param keep  whether the client wants the connection to stay open */
void answer_begin(struct answer *answer, struct peer *peer, struct buffer *out,
                  const struct http *http, const char *date, bool keep);

/** Where the application's answer goes. */
struct fcgi_sink answer_sink(struct answer *answer);

/**
 * Send what is there; the rest later.
 *
 * @return FCGI_OK, FCGI_WAIT (the client takes no more for now) or
 *         FCGI_ERR_CLOSED
 */
int answer_flush(struct answer *answer);

/** The application has said all: as answer_flush(). */
int answer_end(struct answer *answer);

/** An answer of the gateway's own, in place of one that is not sent yet: as
 *  answer_flush(). */
int answer_send_status(struct answer *answer, int status);

/** How many bytes of its body have been sent. */
uint64_t answer_body_sent(const struct answer *answer);

#endif
