/*
 * calls - what a host does with its calls, one at a time, each followed by a
 * look of the judge's.
 */
#ifndef SIM_CALLS_H
#define SIM_CALLS_H

#include "caller.h"
#include "sim_client.h"

/** Begin a call, which may end at once. */
void call_start(struct caller *c, struct sim_client *client);

/** What it told is due: advance or resume it. */
void call_advance(struct caller *c);

void call_cancel(struct caller *c);

/** Free it, whether it has ended or not. */
void call_free(struct caller *c);

/** fcgi_client_do(), from its beginning to its end. */
void call_block(struct caller *c, struct sim_client *client);

/** fcgi_client_get_values(). */
void call_for_values(struct sim_client *client);

#endif
