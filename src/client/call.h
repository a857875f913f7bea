/*
 * call - one request in flight: takes a connection, runs the exchange over it,
 * keeps the time limits, retries once, and asks the pool for help where it has
 * waited long for its first byte.
 *
 *     [leasing] -> [talking] -> [ended]
 *         ^            |
 *         +--- once ---+
 *
 * What fcgi_client_do() needs of it beyond its public face.
 */
#ifndef FCGI__CALL_H
#define FCGI__CALL_H

#include <stdbool.h>
#include <stdint.h>

#include <fcgi_client/call.h>

/* What failed before there was a call: the response, NULL or not, says so.
 * Returns the error. */
int fcgi__call_refuse(struct fcgi_response *response, int error);

/* As fcgi_call_start(), at a moment that is known. `request` NULL stands for
 * FCGI_GET_VALUES, which gets a connection of its own, since some applications
 * close it afterwards. With `may_block` one thread drives the call to its end:
 * a receive may wait for the application, and a sink that pauses is asked
 * again. */
int fcgi__call_start(struct fcgi_call **call, struct fcgi_client *client,
                     const struct fcgi_request *request,
                     struct fcgi_response *response, int64_t now,
                     bool may_block);

/* As fcgi_call_advance(), at a moment that is known, where what it waited for
 * is known to be ready for enum fcgi__readiness alone. */
int fcgi__call_step(struct fcgi_call *call, int64_t now, unsigned ready);

/* Block until what it waits for has come. Returns enum fcgi__readiness. */
unsigned fcgi__call_await(struct fcgi_call *call);

#endif
