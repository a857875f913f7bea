/*
 * ending - the ways out of a request: it is answered, or given up. Each is a
 * line in the access log, and no request ends in another way.
 *
 * Every function does what a stage of the transaction does: it returns whether
 * there is more to do at once.
 */
#ifndef GATEWAY_EVENTS_ENDING_H
#define GATEWAY_EVENTS_ENDING_H

#include <stdbool.h>

#include "transaction.h"

/** Its answer is whole; the call and the body are needed no more. */
bool ending_send(struct transaction *t);

/** An answer of the gateway's own, which takes the place of any that is not
 *  sent yet. */
bool ending_answer(struct transaction *t, int status);

/** The same where what was sent is no request: nothing behind it can be
 *  trusted. */
bool ending_refuse(struct transaction *t, int status);

/** Send what is left of the answer; the request ends with the last of it. */
bool ending_send_rest(struct transaction *t);

/** Leave it where it is: close the connection. */
bool ending_give_up(struct transaction *t, const char *why);

/** The client has left. */
bool ending_lose(struct transaction *t);

#endif
