/*
 * transport - an exchange over a connected socket: bytes both ways, and the
 * time limits of that.
 *
 * The time that passes in the caller's sources and sinks is not charged to the
 * application: only the limit of the whole includes it.
 */
#ifndef FCGI__TRANSPORT_H
#define FCGI__TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <fcgi_client/exchange.h>

#include "../net/net.h"
#include "../pool/connection.h"
#include "record_trace.h"

/* What stays the same for a whole request. */
struct fcgi__transport_options {
    struct fcgi_exchange *exchange;
    const struct fcgi_pool_config *config; /* whom to tell of records */
    struct fcgi_timeouts timeouts;         /* resolved: -1 is off, 0 is not */
    int64_t deadline;                      /* of the whole */
    int receive_timeout_ms; /* a receive that blocks ends after this; -1: it
                               does not end */
    bool may_block;       /* one thread drives the request to its end: a receive
                             may block, and a sink that pauses is called again.
                             Else no more is done at once than is fair to the
                             host's other requests */
    bool calls_user_code; /* there are sources or sinks of the caller's */
};

struct fcgi__transport {
    const struct fcgi__transport_options *options;
    struct fcgi_connection *connection;
    struct fcgi__record_trace trace;
    bool pending;  /* the exchange offers bytes that the socket has not taken */
    bool enlarged; /* its send buffer was */
    unsigned ready; /* what can be tried at once: enum fcgi__readiness */
    int64_t now;
    int64_t accepted_at;   /* when the socket last took a byte, or was offered
                              the first of those pending */
    int64_t sent_at;       /* when it last took a byte; FCGI__NEVER: not yet */
    int64_t received_at;   /* when the response's own bytes last came */
    int64_t first_byte_at; /* when the first of those came; -1: not yet */
    int system_error;      /* errno of what failed */
};

/* Begin an attempt over a connection. `options` must outlive the transport. */
void fcgi__transport_begin(struct fcgi__transport *transport,
                           const struct fcgi__transport_options *options,
                           struct fcgi_connection *connection, int64_t now);

/* Send and receive what can be. `ready` is what the socket is ready for, as far
 * as that is known (enum fcgi__readiness). FCGI_WAIT, or how the request ended.
 * After a time limit the caller must cancel the exchange. */
int fcgi__transport_advance(struct fcgi__transport *transport, int64_t now,
                            unsigned ready);

/* Go on after the sink has paused. */
void fcgi__transport_resume(struct fcgi__transport *transport);

/* Tell what it waits for. */
void fcgi__transport_wait(const struct fcgi__transport *transport,
                          struct fcgi__wait *wait);

/* Send FCGI_ABORT_REQUEST, if that can be done without blocking. */
void fcgi__transport_abort(struct fcgi__transport *transport);

#endif
