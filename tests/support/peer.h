/*
 * peer - the application's end of a client's connections, which the test itself
 * reads and writes on its own thread, byte by byte if needed. Nothing runs at
 * the same time, so that the order of events is always the same.
 *
 *     struct fixture *f = fixture_peer(state, NULL);
 *     fixture_begin(f);
 *     ... advance f->call until it waits ...
 *     peer_answer(&f->peer, 0, 1, "Status: 200\r\n\r\nhello");
 *     ... advance it ...
 *
 * No function here waits.
 */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client/call.h>

#include "wire.h"

/** All zero: no connections. */
struct peer {
    int *ends; /**< of each connection dialled, in order; -1: closed */
    size_t count;
    size_t cap;
    struct wire greeting; /**< sent over each connection as soon as it is
                               dialled: the answer to a blocking request */
};

/** Make a client whose connections end here; `config` NULL: the defaults. Fails
 *  the test if that fails. */
struct fcgi_client *peer_client(struct peer *peer,
                                const struct fcgi_client_config *config);

/** Append what was received over the nth connection; false: the client has
 *  closed it. */
bool peer_receive(struct peer *peer, size_t nth, struct wire *received);

/** The request received, read as an application reads it; the caller frees
 *  it. */
struct wire_request peer_request(struct peer *peer, size_t nth);

/** Send as much as the connection takes; returns how much. */
size_t peer_send(struct peer *peer, size_t nth, const void *data, size_t len);

/** Send bytes; fails the test unless the connection takes all of them. */
void peer_say(struct peer *peer, size_t nth, const struct wire *bytes);

/** One FCGI_STDOUT record, and FCGI_END_REQUEST, to the request with that id.
 */
void peer_stdout(struct peer *peer, size_t nth, int id, const char *text);
void peer_end(struct peer *peer, size_t nth, int id);

/** A whole answer to the request with that id. */
void peer_answer(struct peer *peer, size_t nth, int id, const char *text);

/** Shut down sending over the nth connection, but go on reading. */
void peer_half_close(struct peer *peer, size_t nth);

/** Close the nth connection. What was received is read first, so that the
 * client gets no reset. */
void peer_close(struct peer *peer, size_t nth);

/** Close all connections, and free the greeting too. */
void peer_free(struct peer *peer);

#endif
