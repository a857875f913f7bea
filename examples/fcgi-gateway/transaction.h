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

#include "answer.h"
#include "body.h"
#include "http.h"
#include "patience.h"
#include "peer.h"
#include "upstream.h"
#include "worker.h"

#define NEVER PATIENCE_NEVER

/* What is received: the longest head, and behind it always room for some body.
 * What is sent: a head, and the pieces of body that leave along with it. */
#define IN_SIZE (HTTP_HEAD_MAX + (size_t)16 * 1024)
#define OUT_SIZE ((size_t)64 * 1024)

enum stage {
    READING,   /**< a head */
    GATHERING, /**< a body, which is to be whole before the application is
                    asked */
    ASKING,    /**< the application */
    SENDING,   /**< what is left of the answer */
    IDLE,      /**< there is nothing of another request */
    LINGERING, /**< to close would take the answer from the client, which has
                    sent what was not read */
    GONE       /**< the connection is to be closed */
};

struct transaction {
    struct transaction *next; /* of the worker's spare ones */
    struct worker *worker;
    struct peer *peer;
    void *owner; /* whom the upstream tells that it is ready */
    enum stage stage;
    int64_t since; /* when the stage began */
    struct patience patience;
    uint64_t counted; /* of what the peer moved, by the patience */
    struct ask ask;
    struct body body;
    struct answer answer;
    const char *why; /* the request is answered badly; NULL: it is not */
    struct fcgi_response response;
    size_t parsed; /* where in the buffer the parser stands */
    struct buffer in;
    struct buffer out;
    struct http http;
    char in_room[IN_SIZE];
    char out_room[OUT_SIZE];
};

/** Take one, to read a request; NULL: there is no memory. */
struct transaction *transaction_begin(struct worker *worker, struct peer *peer,
                                      void *owner);

/** Do what can be done without waiting. From IDLE on it is over. */
enum stage transaction_proceed(struct transaction *t);

/** When it is to be looked at again, whatever the sockets do. */
int64_t transaction_deadline(const struct transaction *t);

/** That time has come: if the client has not moved in time, this is its end. */
void transaction_check_client(struct transaction *t);

/** Give one back; a request under way is given up. NULL is fine. */
void transaction_end(struct transaction *t);

/** Free the spare ones; whether there were any. */
bool transaction_free_spares(struct worker *worker);

/** For its own parts: go on with another stage, or with the next request. True:
 *  there is more to do. */
bool transaction_enter(struct transaction *t, enum stage stage);
bool transaction_read_next(struct transaction *t);

#endif
