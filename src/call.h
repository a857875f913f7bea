/*
 * call - one request in flight: takes a connection, runs the exchange over it,
 * keeps the time limits, and retries once.
 *
 *     [leasing] -> [talking] -> [ended]
 *         ^            |
 *         +--- once ---+
 *
 * It never blocks, unless told that it may; whoever drives it waits for what
 * it says, and advances it.
 */
#ifndef FCGI__CALL_H
#define FCGI__CALL_H

#include <stdbool.h>
#include <stdint.h>

#include <fcgi_client/client.h>

#include "net.h"

struct fcgi_call;

/* Begin a request. FCGI_OK, and `*call` is to be ended; or an error with which
 * nothing was begun, and which stands in the response's outcome. */
int fcgi__call_start(struct fcgi_call **call, struct fcgi_client *client,
                     const struct fcgi_request *request,
                     struct fcgi_response *response, int64_t now);

/* Do what can be done: FCGI_WAIT, or how the request ended. With `may_block` a
 * receive may wait for the application, and a sink that pauses is asked
 * again. */
int fcgi__call_advance(struct fcgi_call *call, int64_t now, bool may_block);

/* What it waits for. */
void fcgi__call_wait(const struct fcgi_call *call, struct fcgi__wait *wait);

/* Give a call back to its client, cancelling it if it has not ended. */
void fcgi__call_end(struct fcgi_call *call);

#endif
