/*
 * answer - one HTTP answer on its way to the client.
 *
 *     [ room for the head | pieces of body ... ]
 *
 * The head is written once there is more body than fits behind it, or nothing
 * more to do for now. An answer that has ended by then has a Content-Length,
 * and is sent by one system call. A longer one is chunked.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_ANSWER_H
#define EXAMPLES_FCGI_GATEWAY_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client.h>

#include "buffer.h"
#include "http.h"
#include "peer.h"

/** The room that an answer needs in its buffer, beside the length of the
 *  application's head: for body, what is added, and two bytes a field. */
#define ANSWER_ROOM ((size_t)35 * 1024)

struct answer {
    struct peer *peer;
    struct buffer *out;
    const char *date; /* a field, with its line end */
    bool to_1_0;      /* the client speaks HTTP/1.0 */
    bool to_head;     /* the method is HEAD */
    bool has_body;    /* the method and the status allow one */
    bool keep;        /**< keep the connection open after it */

    enum {
        ANSWER_NONE,  /**< there is no part of it yet */
        ANSWER_HELD,  /**< a head, and perhaps some body, not sent yet */
        ANSWER_SENT,  /**< the head was handed to the socket */
        ANSWER_FAILED /**< the client has left */
    } state;
    bool paused;    /**< the client takes no more for now */
    bool refused;   /**< the application's head cannot be sent */
    bool head_sent; /**< the client was sent the whole head */
    int status;
    const struct fcgi_response *response; /* NULL: the gateway's own answer */
    bool measured;                        /* the head has a Content-Length */
    bool chunked;
    uint64_t body_len;    /* so far, with what is held in the buffer */
    size_t chunk_left;    /* of a chunk whose size was sent */
    const char *chunk_at; /* what ends the chunk before: "" or CRLF */
};

/** @param keep  whether the client wants to keep the connection open */
void answer_begin(struct answer *answer, struct peer *peer, struct buffer *out,
                  const struct http *http, const char *date, bool keep);

/** The sink for the application's answer, whose head is used until the answer
 *  is sent. */
struct fcgi_sink answer_sink(struct answer *answer);

/**
 * Send what there is; more may follow.
 *
 * @return FCGI_OK, FCGI_WAIT (the client takes no more for now) or
 *         FCGI_ERR_CLOSED (the client has left)
 */
int answer_flush(struct answer *answer);

/** The application's answer is whole: send what is left. Returns what
 *  answer_flush() does. */
int answer_end(struct answer *answer);

/** Send an answer of the gateway's own, in place of any that has not been
 *  sent. Returns what answer_flush() does. */
int answer_send_status(struct answer *answer, int status);

/** Whether what was sent of it tells where it ends. If not, it ends with the
 *  connection. */
bool answer_tells_its_end(const struct answer *answer);

/** How many bytes of the body have been sent. */
uint64_t answer_body_sent(const struct answer *answer);

#endif
