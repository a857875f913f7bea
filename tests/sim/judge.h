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
