/*
 * client - what a client holds for its calls.
 */
#ifndef FCGI__CLIENT_H
#define FCGI__CLIENT_H

#include <fcgi_client/client.h>

struct fcgi_client {
    struct fcgi_allocator allocator;
    struct fcgi_pool *pool;
    struct fcgi_timeouts timeouts; /* resolved: -1 is off, 0 is not */
    struct fcgi_limits limits;     /* resolved */
    enum fcgi_retry retry;
    bool no_abort; /* FCGI_ABORT_REQUEST is never sent */
    bool keeps;    /* applications are asked to keep connections open */
    int receive_timeout_ms; /* of its sockets; -1: none */
};

/* Resolve the time limits of a request: its own, or else the others. FCGI_OK or
 * FCGI_ERR_ARGUMENT. */
int fcgi__timeouts_resolve(struct fcgi_timeouts *resolved,
                           const struct fcgi_timeouts *own,
                           const struct fcgi_timeouts *others);

#endif
