/*
 * talk - an exchange over a connected socket: bytes both ways, and the time
 * limits of that.
 *
 * Time that passes in the caller's sources and sinks is taken off what the
 * application is charged with: it counts for the limit of the whole alone.
 */
#ifndef FCGI__TRANSPORT_H
#define FCGI__TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <fcgi_client/exchange.h>

#include "../net/net.h"
#include "record_trace.h"

struct fcgi__transport {
    struct fcgi_exchange *exchange;
    struct fcgi_timeouts limits; /* resolved: -1 is none, 0 is not */
    int receive_timeout_ms;      /* the connection's */
    int64_t deadline;            /* of the whole request */
    bool *hurries;               /* the connection's */
    bool calls_out; /* there are sources or sinks of the caller's */

    int fd;
    struct fcgi__record_trace tap;
    bool pending; /* the socket has not taken all there is to send */
    bool wide;    /* it was made to hold more */
    bool more;    /* there is work left that waits for nothing */
    int64_t now;
    int64_t accepted;   /* when it last took a byte, or was offered the first of
                           those pending; */
    int64_t taken;      /* when it last took a byte; FCGI__NEVER: none yet; */
    int64_t received;   /* and when it last gave one of this response's own */
    int64_t first_byte; /* when it gave the first of those; -1: none yet */
    int system_error;   /* errno of what failed */
};

/* Begin on a connected socket of a pool with those options; the fields above it
 * are set. */
void fcgi__transport_begin(struct fcgi__transport *talk,
                           const struct fcgi_pool_config *config, int fd,
                           int64_t now);

/* Move what can be moved, the socket being ready for enum fcgi__readiness alone
 * as far as that is known. FCGI_WAIT, or how the request ended; one whose time
 * is over is for the caller to cancel. With `may_block` a receive may wait for
 * the application, and a sink that pauses is asked again; else no more is done
 * at once than is fair to a host's other calls. */
int fcgi__transport_advance(struct fcgi__transport *talk, int64_t now,
                            unsigned ready, bool may_block);

/* Go on after a pause of the sink's. */
void fcgi__transport_resume(struct fcgi__transport *talk);

/* What it waits for. */
void fcgi__transport_wait(const struct fcgi__transport *talk,
                          struct fcgi__wait *wait);

/* Tell the application to give up, if that can be said without waiting. */
void fcgi__transport_abort(struct fcgi__transport *talk);

#endif
