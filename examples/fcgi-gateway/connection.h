/*
 * connection - an HTTP client in the event loop, from its first byte to its
 * last.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_CONNECTION_H
#define EXAMPLES_FCGI_GATEWAY_CONNECTION_H

#include <sys/socket.h>

#include "worker.h"

/** Serve a client that has connected. `fd` becomes the connection's. */
void connection_open(struct worker *worker, int fd,
                     const struct sockaddr *address, socklen_t len);

/** Close the connection once the request under way has ended. */
void connection_stop(struct connection *connection);

/** The next of the worker's; NULL: there is none. */
struct connection *connection_next(const struct connection *connection);

#endif
