/*
 * sight - what the seeds of a program have brought about, all of them together:
 * a state that none has reached was not tested.
 */
#ifndef SIM_SIGHT_H
#define SIM_SIGHT_H

#include <stdint.h>

/* X(name, what): all that must be brought about, or it shows nothing. */
#define SIGHT_MAP(X)                                                           \
    X(REUSED, "a connection was used again")                                   \
    X(RETRIED, "a request was sent again")                                     \
    X(RETRIED_POST, "a request was sent again though not idempotent")          \
    X(RETRIED_GET, "a request was sent again for being idempotent")            \
    X(TOO_LATE, "a connection ended too late to be stale")                     \
    X(NEVER_AGAIN, "a request was not sent again where none may be")           \
    X(RAN_TWICE, "the application ran a request twice")                        \
    X(RETRY_WON, "a request that was sent again succeeded")                    \
    X(REPLAY_REFUSED, "a source did not go back after all")                    \
    X(CHECKED_STALE, "a dead connection was found before its use")             \
    X(SUSPECTED, "a connection was looked at, another being dead")             \
    X(QUEUED, "a call waited for a connection")                                \
    X(WOKEN, "a wake-up told whose turn it was")                               \
    X(SLEPT, "a thread waited for a connection")                               \
    X(QUEUE_LEFT, "a call was cancelled while it waited")                      \
    X(HANDED_ON, "a connection went to one who waited")                        \
    X(EVICTED, "an idle connection was closed for its time")                   \
    X(YIELDED, "an idle connection was closed for a new one")                  \
    X(RESCUED_IDLE, "an idle connection was closed for a request that waits")  \
    X(RESCUED_RETURN, "one that came back was closed for such a request")      \
    X(RESCUED_WORKER, "one was closed whose worker such a request waits for")  \
    X(UNKEPT, "a connection was not kept since that did not pay")              \
    X(TRIED, "a connection was kept as a trial")                               \
    X(SPENT, "a connection was closed for the number of its requests")         \
    X(OLD, "a connection was closed for its age")                              \
    X(ENOUGH_IDLE, "a connection was closed for others being idle")            \
    X(CLIENT_CLOSED, "a client was closed amid its calls")                     \
    X(TURNED_AWAY, "a client was closed while calls waited")                   \
    X(PAUSED, "a sink paused")                                                 \
    X(WENT_ON, "a sink that had paused went on")                               \
    X(SOURCE_WAITED, "a source had nothing yet")                               \
    X(SOURCE_RANG, "a descriptor told that a source has more")                 \
    X(STUCK, "a call that blocks waited for nothing")                          \
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
    X(HOST_DIALLED, "a host connected in its own way")                         \
    X(NO_DESCRIPTOR, "there was no descriptor left")                           \
    X(INTERRUPTED, "a signal came")                                            \
    X(BLOCKED, "a call was made that blocks")                                  \
    X(VALUES_TOLD, "the application told its values")                          \
    X(VALUES_UNKNOWN, "the application did not know of values")                \
    X(VALUES_CUT, "the application's values ended amid a pair")                \
    X(VALUES_FAILED, "the application was asked for values in vain")           \
    X(EDGES, "a host was told of changes alone")                               \
    X(CROWD, "a client had more calls than it keeps the memory of")            \
    X(AUTHORIZED, "an authorizer answered")                                    \
    X(FILTERED, "a filter answered")                                           \
    X(BODILESS, "an answer had no body for its status or method")              \
    X(ERRORS_CUT, "there was more on stderr than is kept")                     \
    X(USED_RESPONSE, "a response was used again")                              \
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

/** Count a sight, or the way a call ended. */
void sight_saw(enum sight sight);
void sight_saw_ending(int code);

/** How often. */
uint64_t sight_count(enum sight sight);
uint64_t sight_count_endings(int code);
const char *sight_text(enum sight sight);

/** Print the counts. */
void sights_tell(void);

#endif
