/*
 * client - what a client keeps, for the calls made on it.
 */
#ifndef FCGI__CLIENT_H
#define FCGI__CLIENT_H

#include <fcgi_client/client.h>

struct fcgi_client {
    struct fcgi_allocator allocator;
    struct fcgi_pool *pool;
    struct fcgi_timeouts timeouts; /* resolved: -1 is none, 0 is not */
    struct fcgi_limits limits;     /* resolved */
    enum fcgi_retry retry;
    bool no_abort;          /* FCGI_ABORT_REQUEST is never sent */
    bool keeps;             /* connections are asked to stay open */
    int receive_timeout_ms; /* of its sockets; -1: none */
};

/* Time limits of a request: its own where it has any, else the other's. */
int fcgi__timeouts_resolve(struct fcgi_timeouts *resolved,
                           const struct fcgi_timeouts *own,
                           const struct fcgi_timeouts *others);

#endif
