/*
 * queue - those who wait for a connection, first come, first served: threads,
 * each on a condition, and calls of hosts, whose turn is told through what the
 * host watches. Waiting costs no descriptor.
 *
 * The queue belongs to its pool and is guarded by its lock.
 */
#ifndef FCGI__QUEUE_H
#define FCGI__QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "turns.h"

struct fcgi_connection;

struct fcgi__waiter {
    struct fcgi__waiter *next;
    int status; /* FCGI_WAIT while queued, then how the waiting ended */
    struct fcgi_connection *connection; /* what it waited for */
    struct fcgi__turns *turns; /* where a host is told; NULL: a thread waits */
    struct fcgi_call *call;    /* whose turn it is, for the host */
    bool listed;               /* in `turns` */
    bool open;                 /* `turn` is initialized */
    pthread_cond_t turn;       /* what the thread waits on */
};

struct fcgi__queue {
    struct fcgi__waiter *first, *last;
    size_t count;
};

/* After use, fcgi__waiter_close(). */
static inline void fcgi__waiter_init(struct fcgi__waiter *waiter,
                                     struct fcgi_call *call,
                                     struct fcgi__turns *turns)
{
    waiter->turns = turns;
    waiter->call = call;
    waiter->listed = false;
    waiter->open = false;
}

/* Whether it can be woken. */
bool fcgi__waiter_is_open(const struct fcgi__waiter *waiter);

/* Make the condition that a thread waits on. FCGI_OK or FCGI_ERR_SYSTEM. */
int fcgi__waiter_open(struct fcgi__waiter *waiter);

void fcgi__waiter_close(struct fcgi__waiter *waiter);

/* Append a waiter, which must be open. */
void fcgi__queue_join(struct fcgi__queue *queue, struct fcgi__waiter *waiter);

/* Remove a waiter that is still queued. */
void fcgi__queue_leave(struct fcgi__queue *queue, struct fcgi__waiter *waiter);

/* Remove the first waiter and wake it, with a connection or an error. */
void fcgi__queue_serve(struct fcgi__queue *queue,
                       struct fcgi_connection *connection, int status);

/* In the child of a fork(): remove all waiters and wake none, since their
 * threads are the parent's. */
void fcgi__queue_forget(struct fcgi__queue *queue, int status);

#endif
