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

/* X(name, what): all that the seeds of a test run together must bring about,
 * or it shows nothing. */
#define SIGHT_MAP(X)                                                           \
    X(REUSED, "a connection was used again")                                   \
    X(RETRIED, "a request was sent again")                                     \
    X(RAN_TWICE, "the application ran a request twice")                        \
    X(RETRY_WON, "a request that was sent again succeeded")                    \
    X(REPLAY_REFUSED, "a source did not go back after all")                    \
    X(CHECKED_STALE, "a dead connection was found before its use")             \
    X(QUEUED, "a call waited for a connection")                                \
    X(QUEUE_LEFT, "a call was cancelled while it waited")                      \
    X(HANDED_ON, "a connection went to one who waited")                        \
    X(EVICTED, "an idle connection was closed for its time")                   \
    X(SPENT, "a connection was closed for the number of its requests")         \
    X(OLD, "a connection was closed for its age")                              \
    X(CLIENT_CLOSED, "a client was closed amid its calls")                     \
    X(PAUSED, "a sink paused")                                                 \
    X(SOURCE_WAITED, "a source had nothing yet")                               \
    X(CANCELLED_INSIDE, "a call was cancelled by its own sink or source")      \
    X(ABANDONED, "a call was freed amid its request")                          \
    X(EARLY_ANSWER, "an answer came before the request was read")              \
    X(EARLY_ANSWER_WON, "an early answer won over a failed upload")            \
    X(FOREIGN, "records of another request came amid an answer")               \
    X(LATE, "records of an earlier request came later")                        \
    X(LATE_SEEN, "a request met late records and succeeded")                   \
    X(HALF_CLOSED, "the application closed its half")                          \
    X(RESTARTED, "the application was restarted")                              \
    X(STALE_CLOSED, "the application closed an idle connection")               \
    X(ABORTED, "the application was told to give up")                          \
    X(NEXT_ADDRESS, "another address was tried")                               \
    X(BACKLOG, "the listen queue was full")                                    \
    X(NO_DESCRIPTOR, "there was no descriptor left")                           \
    X(INTERRUPTED, "a signal came")                                            \
    X(BLOCKED, "a call was made that blocks")                                  \
    X(VALUES, "the application was asked for its values")                      \
    X(EDGES, "a host was told of changes alone")                               \
    X(CROWD, "a client had more calls than it keeps the memory of")            \
    X(LARGE_ANSWER, "an answer needed several records")                        \
    X(LARGE_UPLOAD, "a body needed several records")                           \
    X(LARGE_PARAMS, "params needed several records")                           \
    X(LARGE_PAIR, "a name-value pair needed several records")

enum sight {
#define SIGHT_ENUM(name, what) SIGHT_##name,
    SIGHT_MAP(SIGHT_ENUM)
#undef SIGHT_ENUM
        SIGHTS
};

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

/** Count a sight, or the way a call ended. */
void world_saw(enum sight sight);
void world_saw_ending(int code);

/** How often, over all worlds of the program. */
uint64_t world_sightings(enum sight sight);
uint64_t world_endings(int code);
const char *world_sight_text(enum sight sight);

#endif
