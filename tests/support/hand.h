/*
 * hand - connections whose other end the test has in its own hand: it plays the
 * application on its own thread, byte by byte if it must, so that what has
 * happened by when is no matter of chance.
 *
 *     struct hand hand = {0};
 *     struct fcgi_client *client = hand_client(&hand, NULL);
 *     ... begin a call ...
 *     hand_answer(&hand, 0, "Status: 200\r\n\r\nhello");
 *     ... advance it ...
 *     fcgi_client_free(client);
 *     hand_free(&hand);
 *
 * Nothing here waits.
 */
#ifndef TESTS_HAND_H
#define TESTS_HAND_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client/call.h>

#include "wire.h"

/** All zero at first. */
struct hand {
    int *ends; /**< of each connection dialled, in order; -1: closed */
    size_t count;
    size_t cap;
    struct wire greeting; /**< said on each as soon as it is dialled: what
                               answers a blocking request */
};

/** A client whose connections end in the hand; `config` NULL: the defaults.
 *  Failing fails the test. */
struct fcgi_client *hand_client(struct hand *hand,
                                const struct fcgi_client_config *config);

/** Append what has come on the nth connection; false: the client has closed
 *  it. */
bool hand_receive(struct hand *hand, size_t nth, struct wire *received);

/** What has come, read as an application does; to be freed. */
struct wire_request hand_request(struct hand *hand, size_t nth);

/** Send as much as the connection takes; returns how much. */
size_t hand_send(struct hand *hand, size_t nth, const void *data, size_t len);

/** Send bytes that it takes whole. */
void hand_say(struct hand *hand, size_t nth, const struct wire *bytes);

/** One FCGI_STDOUT record, and FCGI_END_REQUEST, to a request of that id. */
void hand_stdout(struct hand *hand, size_t nth, int id, const char *text);
void hand_end(struct hand *hand, size_t nth, int id);

/** A whole answer to a request of that id. */
void hand_answer(struct hand *hand, size_t nth, int id, const char *text);

/** Send no more on the nth connection, but read on. */
void hand_half_close(struct hand *hand, size_t nth);

/** Close the nth connection: what has come is read before that, so that it is
 * no reset. */
void hand_close(struct hand *hand, size_t nth);

/** Close all, and free, the greeting too. */
void hand_free(struct hand *hand);

/** A call on a client of its own, to the hand. */
struct hand_call {
    struct hand hand;
    struct fcgi_client *client;
    struct fcgi_response response;
    struct fcgi_call *call;
};

/** Begin it; `config` NULL: the defaults. */
void hand_call_begin(struct hand_call *c,
                     const struct fcgi_client_config *config,
                     const struct fcgi_request *request);

/** Free it, if that was not done, and all that belongs to it. */
void hand_call_end(struct hand_call *c);

#endif
