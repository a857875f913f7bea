/*
 * queue - the waiters for a connection, in order: threads, each on a condition,
 * and calls of hosts, which are told by what they watch. Waiting costs no
 * descriptor.
 *
 * The queue is its pool's, and under its lock.
 */
#ifndef FCGI__QUEUE_H
#define FCGI__QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "turns.h"

struct fcgi_connection;

/* All zero at first but `turns` and `call`; after use, fcgi__waiter_close(). */
struct fcgi__waiter {
    struct fcgi__waiter *next;
    int status; /* FCGI_WAIT while queued, then how the waiting ended */
    struct fcgi_connection *connection; /* what was waited for */
    struct fcgi__turns *turns; /* where a host hears of it; NULL: a thread */
    struct fcgi_call *call;    /* whose turn it is, for the host */
    bool listed;               /* among the turns that have come */
    bool open;                 /* the condition is made */
    pthread_cond_t turn;       /* which the thread waits on */
};

struct fcgi__queue {
    struct fcgi__waiter *first, *last;
    size_t count;
};

/* Whether what it is to be woken by is there. */
bool fcgi__waiter_is_open(const struct fcgi__waiter *waiter);

/* Make what a thread is woken by. FCGI_OK or FCGI_ERR_SYSTEM. */
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
