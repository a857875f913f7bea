/*
 * judge - what a call may come to, and what it must: the contract of the
 * library, held against what the simulation knows to have happened.
 */
#ifndef SIM_JUDGE_H
#define SIM_JUDGE_H

#include "caller.h"

/** More than a moment's rounding. */
#define TICK (2 * MILLISECOND)

/** While it is under way: no limit is overshot. */
void judge_limits(const struct caller *c);

/** It has ended. */
void judge_end(const struct caller *c);

/** Before a host has a call do something, and afterwards: was its turn
 *  respected, and was it helped when it was time, if it waits for its first
 *  byte? */
void judge_step_begins(const struct caller *c);
void judge_step(struct caller *c, int rc);

/** It was begun: has it the connection that it should? */
void judge_choice(const struct caller *c);

/** It wants to be left alone for as long. */
void judge_wait(const struct caller *c, int64_t until);

/** The same of a call that blocks: when it begins to wait (`begins`), and each
 *  time that the world has gone on meanwhile; and it has ended. */
void judge_block(struct caller *c, bool begins);
void judge_block_ends(struct caller *c);

/** Calls of a client have come and gone that no caller made. */
void judge_strangers(struct sim_client *client);

/** It was freed, on that stream (NULL: it had none): was that one kept where it
 *  can be, and closed where it must be? `had_room`: there was a place among the
 *  idle ones, or somebody waits. */
void judge_return(const struct caller *c, const struct stream *s,
                  bool had_room);

/** The numbers of a client's pool are right. */
void judge_pool(struct sim_client *client, const struct caller *callers,
                int count);

/** When all is over: no request ran more often than it may have. */
void judge_runs(void);

#endif
