/*
 * transaction - a request of an HTTP client and its answer, from the first byte
 * read to the last one sent; then the next, if some of it is there already.
 *
 *     READING -> [GATHERING] -> ASKING -> SENDING -> IDLE, LINGERING or GONE
 *        ^                                   |
 *        +------------- the next ------------+
 *
 * It holds all the memory that a request needs: an idle connection has none.
 * What is done in each stage is in `stages`.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_TRANSACTION_H
#define EXAMPLES_FCGI_GATEWAY_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client.h>

#include "answer.h"
#include "body.h"
#include "buffer.h"
#include "http.h"
#include "patience.h"
#include "peer.h"
#include "worker.h"

enum stage {
    STAGE_READING,   /**< a head */
    STAGE_GATHERING, /**< a body, all of it before the application is asked */
    STAGE_ASKING,    /**< the application */
    STAGE_SENDING,   /**< what is left of the answer */
    STAGE_IDLE,      /**< nothing of another request is there */
    STAGE_LINGERING, /**< the client may still send, or have answers on their
                          way: to close the connection now would discard them */
    STAGE_GONE       /**< close the connection */
};

struct transaction {
    struct transaction *next; /* of those that the worker has cached */
    struct worker *worker;
    struct peer *peer;
    enum stage stage;
    int64_t since; /* when the stage began */
    int64_t
        probe_at; /* when to ask whether a client that has closed is there */
    int probe_ms; /* and how long after that again */
    bool again;   /* there is more to do, in the next turn */
    struct patience patience;
    uint64_t counted;       /* how much of peer->moved is in `patience` */
    struct fcgi_call *call; /**< NULL: it has ended, or did not begin */
    int error;              /**< with which it has ended, or FCGI_OK */
    struct body body;
    struct answer answer;
    const char *why; /**< for the access log: the request was cut short; or
                          NULL */
    struct fcgi_response response;
    size_t scanned; /**< how far the end of a head was looked for */
    struct buffer in;
    struct buffer out;
    struct http http;
    char room[]; /* of both buffers */
};

/** Begin to read a request. NULL: out of memory. */
struct transaction *transaction_begin(struct worker *worker, struct peer *peer);

/** Do what can be done without waiting. From STAGE_IDLE on the transaction is
 *  over. */
enum stage transaction_proceed(struct transaction *t);

/** When to proceed at the latest, whatever the sockets do. */
int64_t transaction_deadline(const struct transaction *t);

/** That time has come: end the request if the client has been too slow, or
 *  probe whether it is there. */
void transaction_check_client(struct transaction *t);

/** End a transaction, and the call if it is under way. NULL is fine. */
void transaction_end(struct transaction *t);

/** Free those that are cached. Returns whether there were any. */
bool transaction_free_cached(struct worker *worker);

/** For the stages: enter another. Always true. */
bool transaction_enter(struct transaction *t, enum stage stage);

/** For the stages: read the next request. Returns whether to do so in this turn
 *  of the event loop, so that no client keeps the others waiting. */
bool transaction_read_next(struct transaction *t);

#endif
