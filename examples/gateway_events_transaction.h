/*
 * transaction - a request of an HTTP client and its answer, from the first byte
 * read to the last one sent; and then the next, if that has come already.
 *
 *     READING -> [GATHERING] -> ASKING -> SENDING -> IDLE, LINGERING or GONE
 *        ^                                   |
 *        +------------- the next ------------+
 *
 * It holds all the memory that a request needs: a connection without a request
 * does without.
 */
#ifndef GATEWAY_EVENTS_TRANSACTION_H
#define GATEWAY_EVENTS_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client.h>

#include "gateway_events_answer.h"
#include "gateway_events_body.h"
#include "gateway_events_http.h"
#include "gateway_events_peer.h"
#include "gateway_events_upstream.h"
#include "gateway_events_worker.h"

#define NEVER INT64_MAX

enum stage {
    READING,   /**< a head */
    GATHERING, /**< a chunked body, whose length the application must know */
    ASKING,    /**< the application */
    SENDING,   /**< what is left of the answer */
    LINGERING, /**< until a client that is not listened to has noticed */
    IDLE,      /**< there is nothing of another request */
    GONE       /**< the connection is to be closed */
};

struct transaction {
    struct transaction *next; /* of the worker's spare ones */
    struct worker *worker;
    struct peer *peer;
    void *owner; /* whom the upstream tells that it is ready */
    enum stage stage;
    int64_t since; /* when the stage began */
    struct ask ask;
    struct body body;
    struct answer answer;
    struct fcgi_response response;
    size_t parsed; /* where in the buffer the parser stands */
    struct http http;
    struct buffer in;
    struct buffer out;
};

/** Take one, to read a request; NULL: there is no memory. */
struct transaction *transaction_begin(struct worker *worker, struct peer *peer,
                                      void *owner);

/** Do what can be done without waiting. Behind IDLE and GONE it is over. */
enum stage transaction_proceed(struct transaction *t);

/** When the client must have moved; NEVER: it is not its turn. */
int64_t transaction_client_deadline(const struct transaction *t);

/** When transaction_proceed() is due, whatever the sockets do. */
int64_t transaction_deadline(const struct transaction *t);

/** The client has not moved in time. */
void transaction_time_out(struct transaction *t);

/** Give one back; a request under way is given up. NULL is fine. */
void transaction_end(struct transaction *t);

/** Free one and those it is linked to. */
void transaction_free(struct transaction *t);

#endif
