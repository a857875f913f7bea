/*
 * turns - the queued calls of one event loop that have been given a connection,
 * in order, and the descriptor that is readable while there are any.
 *
 * They belong to their pool and are guarded by its lock: an event loop may hear
 * of a turn whose call is freed a moment later.
 */
#ifndef FCGI__TURNS_H
#define FCGI__TURNS_H

#include <stdbool.h>

struct fcgi__waiter;

/* All zero at first. */
struct fcgi__turns {
    struct fcgi__turns *next; /* of the same pool */
    struct fcgi__waiter *first, *last;
    bool open;
    int self_pipe[2]; /* self_pipe[0] is what the event loop watches */
};

/* The descriptor to watch; -1: not open. */
int fcgi__turns_fd(const struct fcgi__turns *turns);

/* Append a waiter that has left the queue. */
void fcgi__turns_add(struct fcgi__turns *turns, struct fcgi__waiter *waiter);

/* Remove a waiter if it is listed. */
void fcgi__turns_remove(struct fcgi__turns *turns, struct fcgi__waiter *waiter);

/* In the child of a fork(), where the waiters and what the pipe holds are the
 * parent's: close the pipe and empty the list. */
void fcgi__turns_forget(struct fcgi__turns *turns);

void fcgi__turns_close(struct fcgi__turns *turns);

#endif
