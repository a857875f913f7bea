/*
 * turns - the calls of one event loop whose turn to have a connection has come,
 * in order, and the descriptor that is readable while there are any.
 *
 * They are their pool's, and under its lock: an event loop may hear of a turn
 * whose call is gone a moment later.
 */
#ifndef FCGI__TURNS_H
#define FCGI__TURNS_H

#include <stdbool.h>

struct fcgi__waiter;

/* All zero at first. */
struct fcgi__turns {
    struct fcgi__turns *next; /* of the pool's */
    struct fcgi__waiter *first, *last;
    bool open;
    int bell[2]; /* bell[0] is what the event loop watches */
};

/* The descriptor to watch; -1: not open. */
int fcgi__turns_fd(const struct fcgi__turns *turns);

/* Append a waiter that was queued. */
void fcgi__turns_add(struct fcgi__turns *turns, struct fcgi__waiter *waiter);

/* Take a waiter out, if it is listed. */
void fcgi__turns_remove(struct fcgi__turns *turns, struct fcgi__waiter *waiter);

/* In the child of a fork(), where the waiters are the parent's, as is what a
 * pipe holds: close it, and have none listed. */
void fcgi__turns_forget(struct fcgi__turns *turns);

void fcgi__turns_close(struct fcgi__turns *turns);

#endif
