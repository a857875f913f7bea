/*
 * world - what a simulation consists of beside its actors: the seed from which
 * all chance comes, the clock, the log of what happened, and the rules that
 * must hold.
 *
 * There is one world at a time, and one thread in it. Two runs of a seed give
 * the same log, down to the last number: no address, no real descriptor and no
 * real time may get into it.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A moment that never comes. */
#define NEVER INT64_MAX

#define MILLISECOND INT64_C(1000)

/** The library looks at its clock a little before it sends or receives. */
#define GLANCE 300

/** Begin a world; `aloud` writes the log to stdout. */
void world_begin(uint64_t seed, bool aloud);

/** End it: what simulates libc lets go. */
void world_end(void);

/** Whether there is a world, so that libc is simulated. */
bool world_is_on(void);

/** The hash of the log so far. */
uint64_t world_hash(void);

/* Chance. */
uint64_t world_random(void);
uint64_t world_below(uint64_t n);                   /**< 0..n-1; n > 0 */
int64_t world_between(int64_t least, int64_t most); /**< both included */
bool world_chance(unsigned percent);

/** How coarse this world is: about as many bytes go at once, and no body is
 *  much larger, so that each takes a bounded number of steps. */
size_t world_grain(void);

/** Mostly small, sometimes up to `most`. */
size_t world_size(size_t most);

/* Time, in microseconds. */
int64_t world_now(void);
void world_reach(int64_t moment);

/** Time passes that is taken from everybody: a source or a sink takes it, a
 *  name is resolved, the host comes late; and a little of it each time that
 *  somebody looks at the clock. */
void world_steal(int64_t us);
int64_t world_look_at_clock(void);

/** What the clock showed when it was looked at first, and last, since the
 *  latest of these was called. */
void world_forget_looks(void);
int64_t world_first_look(void);
int64_t world_last_look(void);

/** A call has blocked since then: that was taken from all others. */
void world_stole_since(int64_t moment);

/** What was taken, in all: no limit can be held more closely. */
int64_t world_stolen(void);

/** Write to the log: what happened, and its numbers, which `what` names. */
void world_note(const char *what, int64_t a, int64_t b, int64_t c);

/** How many notes there are. */
uint64_t world_notes(void);

/** A rule. Where it does not hold, the seed is told and the program ends. */
void world_require(bool holds, const char *rule, int64_t a, int64_t b);

#endif
