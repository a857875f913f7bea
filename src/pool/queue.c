/*
 * queue - those who wait for a connection, first come, first served.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcgi_client/error.h>

#include "../net/condition.h"
#include "queue.h"

bool fcgi__waiter_is_open(const struct fcgi__waiter *waiter)
{
    return waiter->turns == NULL ? waiter->open : waiter->turns->open;
}

int fcgi__waiter_open(struct fcgi__waiter *waiter)
{
    int rc = fcgi__condition_init(&waiter->turn);

    waiter->open = rc == FCGI_OK;
    return rc;
}

void fcgi__waiter_close(struct fcgi__waiter *waiter)
{
    if (waiter->open) {
        fcgi__condition_destroy(&waiter->turn);
        waiter->open = false;
    }
}

void fcgi__queue_join(struct fcgi__queue *queue, struct fcgi__waiter *waiter)
{
    waiter->next = NULL;
    waiter->connection = NULL;
    waiter->status = FCGI_WAIT;
    waiter->listed = false;
    if (queue->last == NULL) {
        queue->first = waiter;
    } else {
        queue->last->next = waiter;
    }
    queue->last = waiter;
    queue->count += 1;
}

void fcgi__queue_leave(struct fcgi__queue *queue, struct fcgi__waiter *waiter)
{
    struct fcgi__waiter **link = &queue->first;
    struct fcgi__waiter *before = NULL;

    while (*link != waiter) {
        before = *link;
        link = &before->next;
    }
    *link = waiter->next;
    if (queue->last == waiter) {
        queue->last = before;
    }
    queue->count -= 1;
}

void fcgi__queue_serve(struct fcgi__queue *queue,
                       struct fcgi_connection *connection, int status)
{
    struct fcgi__waiter *waiter = queue->first;

    fcgi__queue_leave(queue, waiter);
    waiter->connection = connection;
    waiter->status = status;
    if (waiter->turns == NULL) {
        fcgi__condition_signal(&waiter->turn);
    } else {
        fcgi__turns_add(waiter->turns, waiter);
    }
}

void fcgi__queue_forget(struct fcgi__queue *queue, int status)
{
    for (struct fcgi__waiter *at = queue->first; at != NULL; at = at->next) {
        at->status = status;
    }
    queue->first = queue->last = NULL;
    queue->count = 0;
}
