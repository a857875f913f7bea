/*
 * stages - what a transaction does: it reads a request, gathers its body,
 * asks the application, and sends the rest of the answer.
 *
 * Each stage is a function that does what it can without waiting, and returns
 * whether there is more to do at once, in that stage or in one it has entered.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_STAGES_H
#define EXAMPLES_FCGI_GATEWAY_STAGES_H

#include <stdbool.h>

#include "transaction.h"

bool stages_read_head(struct transaction *t);
bool stages_gather_body(struct transaction *t);
bool stages_ask(struct transaction *t);
bool stages_send_rest(struct transaction *t);

/** The client is too slow: end the request. */
bool stages_time_out(struct transaction *t);

/** Have the system find out whether a client that sends no more is gone. */
void stages_probe_client(struct transaction *t);

/** Cancel the call, if it is under way. */
void stages_cancel_call(struct transaction *t);

#endif
