/*
 * line - the calls that wait for a connection of their client, in the order in
 * which they came. Those that the client no longer counts as waiting have their
 * turn, and they are the first: that is what each call is held against.
 */
#ifndef SIM_LINE_H
#define SIM_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "caller.h"

/** Forget all. */
void line_begin(void);

/** It was told to wait, as the last; it does no longer. */
void line_join(struct caller *c);
void line_leave(struct caller *c);

bool line_has(const struct caller *c);

/** Whether it is there, and its turn has come. */
bool line_has_turn(const struct caller *c);

/** How many calls of a client have their turn. */
size_t line_count_turns(const struct sim_client *client);

/** The first of those that is to hear so by that wake (NULL: the client's own),
 *  and was not told yet; NULL: no such call. */
struct caller *line_first_turn(const struct sim_client *client,
                               const struct wake *wake);

#endif
