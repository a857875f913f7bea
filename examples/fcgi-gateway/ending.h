/*
 * ending - the last stage of a transaction, and every way into it: the request
 * is answered, or abandoned. Each end is a line in the access log; no request
 * ends in another way.
 *
 * Each function returns what a stage does: whether there is more to do at once.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_ENDING_H
#define EXAMPLES_FCGI_GATEWAY_ENDING_H

#include <stdbool.h>

#include "transaction.h"

/** Send the application's answer, which is whole. */
bool ending_send_answer(struct transaction *t);

/** Send an answer of the gateway's own, in place of any that has not been
 *  sent. */
bool ending_send_status(struct transaction *t, int status);

/** The same for what is not a valid request: nothing after it can be
 *  trusted. */
bool ending_refuse(struct transaction *t, int status);

/** The stage itself: send the rest of the answer. The request ends with its
 *  last byte. */
bool ending_send_rest(struct transaction *t);

/** End the connection after what was sent of the answer, so that the client
 *  sees that it is cut. */
bool ending_cut_answer(struct transaction *t, const char *why);

/** Close the connection, wherever the answer stands. */
bool ending_abandon(struct transaction *t, const char *why);

/** The client has left. */
bool ending_lose_client(struct transaction *t);

/** The client is too slow. */
bool ending_time_out(struct transaction *t);

#endif
