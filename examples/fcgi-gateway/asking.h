/*
 * inquiry - a request as the application gets it: from HTTP to CGI, the call,
 * and which status a failure of it is.
 */
#ifndef GATEWAY_EVENTS_INQUIRY_H
#define GATEWAY_EVENTS_INQUIRY_H

#include "transaction.h"

/**
 * Begin the call for a request whose head has been read.
 *
 * @return FCGI_OK  it is under way
 *         FCGI_ERR_BAD_REQUEST  no application may see this
 *         or why it could not be begun
 */
int inquiry_begin(struct transaction *t);

/** Free the call; one that has not ended is given up. None is fine. */
void inquiry_end(struct transaction *t);

#endif
