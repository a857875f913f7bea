/*
 * call - one request in flight: checks out a connection, runs the exchange over
 * it within the time limits, retries once, and asks the pool for help where it
 * waits long for its first byte.
 *
 *     [checking out] -> [exchanging] -> [ended]
 *           ^                |
 *           +----- once -----+
 *
 * What the blocking functions need of it beyond its public face.
 */
#ifndef FCGI__CALL_H
#define FCGI__CALL_H

#include <stdbool.h>
#include <stdint.h>

#include <fcgi_client/call.h>

#include "../pool/checkout.h"
#include "loop_member.h"
#include "rescue.h"
#include "transport.h"

enum fcgi__call_stage {
    FCGI__CALL_CHECKING_OUT,
    FCGI__CALL_EXCHANGING,
    FCGI__CALL_ENDED
};

struct fcgi_call {
    struct fcgi__cached_call cached; /* first: the pool links calls by it */
    struct fcgi_client *client;
    struct fcgi__checkout checkout;
    struct fcgi__transport_options options;
    struct fcgi__transport transport;
    struct fcgi__rescue rescue;
    struct fcgi_response *response;
    void *context; /* the host's */
    enum fcgi_retry retry;
    uint16_t request_id; /* 0: FCGI_GET_VALUES */
    bool no_abort;       /* FCGI_ABORT_REQUEST is never sent */
    bool is_idempotent;

    enum fcgi__call_stage stage;
    int error; /* once it has ended */
    bool retried;
    bool may_have_run;
    bool cancelled; /* from within the caller's code */
    bool running;   /* the caller's code may be called from within */
    int64_t now;
    int64_t started;
    struct fcgi__loop_member member; /* for the loop that drives it */
};

/* Stands for FCGI_GET_VALUES in place of a request. It goes over a connection
 * of its own, since some applications close it afterwards. */
extern const struct fcgi_request fcgi__get_values;

/* Refuse a request before there is a call. The response, unless NULL, tells the
 * error, which is returned. */
int fcgi__call_refuse(struct fcgi_response *response, int error);

/* Start a call as fcgi_call_start() does. `now` is the moment; with `may_block`
 * one thread drives the call to its end. */
int fcgi__call_start(struct fcgi_call **call, struct fcgi_client *client,
                     const struct fcgi_request *request,
                     struct fcgi_response *response, int64_t now,
                     bool may_block);

/* Advance a call as fcgi_call_advance() does. `ready` is what its descriptor is
 * ready for (enum fcgi__readiness). */
int fcgi__call_step(struct fcgi_call *call, int64_t now, unsigned ready);

/* Tell what a call waits for that has not ended. */
void fcgi__call_wait(const struct fcgi_call *call, struct fcgi__wait *wait);

/* Block until what it waits for has come. Returns enum fcgi__readiness. */
unsigned fcgi__call_await(struct fcgi_call *call);

#endif
