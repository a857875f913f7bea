/*
 * queue - who waits for a connection, in order. Each waiter has a bell that
 * becomes readable when its turn has come, so that waiting in poll() and in
 * any event loop is the same.
 *
 * The queue is its pool's, and under its lock.
 */
#ifndef FCGI__QUEUE_H
#define FCGI__QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct fcgi_connection;

/* All zero at first; after use, fcgi__waiter_close(). */
struct fcgi__waiter {
    struct fcgi__waiter *next;
    int status; /* FCGI_WAIT while queued, then how the waiting ended */
    struct fcgi_connection *connection; /* what was waited for */
    bool open;                          /* it has its bell, */
    int bell[2];                        /* which rings then */
};

struct fcgi__queue {
    struct fcgi__waiter *first, *last;
    size_t count;
};

/* Make a waiter's bell. FCGI_OK or FCGI_ERR_SYSTEM. */
int fcgi__waiter_open(struct fcgi__waiter *waiter);

void fcgi__waiter_close(struct fcgi__waiter *waiter);

/* Put a waiter, which is open, at the end. */
void fcgi__queue_join(struct fcgi__queue *queue, struct fcgi__waiter *waiter);

/* Take one out that is still waiting. */
void fcgi__queue_leave(struct fcgi__queue *queue, struct fcgi__waiter *waiter);

/* Take the first out and wake it: with a connection, or with an error. */
void fcgi__queue_serve(struct fcgi__queue *queue,
                       struct fcgi_connection *connection, int status);

/* Take all out, without a wake: their threads are in another process. */
void fcgi__queue_forget(struct fcgi__queue *queue, int status);

#endif
