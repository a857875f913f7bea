/*
 * asking - the stage of a transaction in which the application has the request:
 * from HTTP to CGI, the call, and what a failure of it means.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_ASKING_H
#define EXAMPLES_FCGI_GATEWAY_ASKING_H

#include <stdbool.h>

#include "transaction.h"

/** Start the call, once the head has been read and the body gathered if need
 *  be. Returns what a stage does. */
bool asking_begin(struct transaction *t);

/** The stage itself. */
bool asking_go_on(struct transaction *t);

/** Free the call, which is cancelled if it has not ended. There may be none. */
void asking_end(struct transaction *t);

#endif
