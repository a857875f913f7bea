/*
 * turns - a list of waiters, and a pipe that holds a byte while the list has
 * any. Each waiter adds a byte, so that an edge-triggered event loop hears of
 * every turn.
 */
#define _POSIX_C_SOURCE 200809L

#include <stddef.h>

#include "../net/self_pipe.h"
#include "queue.h"
#include "turns.h"

int fcgi__turns_fd(const struct fcgi__turns *turns)
{
    return turns->open ? turns->self_pipe[0] : -1;
}

void fcgi__turns_add(struct fcgi__turns *turns, struct fcgi__waiter *waiter)
{
    waiter->listed = true;
    waiter->next = NULL;
    if (turns->first == NULL) {
        turns->first = waiter;
    } else {
        turns->last->next = waiter;
    }
    turns->last = waiter;
    fcgi__self_pipe_write(turns->self_pipe);
}

void fcgi__turns_remove(struct fcgi__turns *turns, struct fcgi__waiter *waiter)
{
    struct fcgi__waiter **link = &turns->first;
    struct fcgi__waiter *before = NULL;

    if (!waiter->listed) {
        return;
    }
    while (*link != waiter) {
        before = *link;
        link = &before->next;
    }
    *link = waiter->next;
    if (turns->last == waiter) {
        turns->last = before;
    }
    waiter->listed = false;
    if (turns->first == NULL) {
        fcgi__self_pipe_drain(turns->self_pipe);
    }
}

void fcgi__turns_close(struct fcgi__turns *turns)
{
    if (turns->open) {
        turns->open = false;
        fcgi__self_pipe_close(turns->self_pipe);
    }
}

void fcgi__turns_forget(struct fcgi__turns *turns)
{
    for (struct fcgi__waiter *at = turns->first; at != NULL; at = at->next) {
        at->listed = false;
    }
    turns->first = turns->last = NULL;
    fcgi__turns_close(turns);
}
