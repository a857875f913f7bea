/*
 * fork - the list of all objects that must be told of a fork(), and the three
 * handlers for pthread_atfork() that walk over it.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client/error.h>

#include "fork.h"

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fcgi__forkable *list;
static atomic_bool are_registered;

/* How many handlers of the same kind have run in this thread's fork(). No lock
 * is held while they are registered, because another thread may fork just then;
 * so they may be registered twice, and only the outermost ones act. */
static _Thread_local int depth;

static void before_fork(void)
{
    depth += 1;
    if (depth > 1) {
        return;
    }
    (void)pthread_mutex_lock(&list_lock);
    for (struct fcgi__forkable *at = list; at != NULL; at = at->next) {
        (void)pthread_mutex_lock(at->lock);
    }
}

static void after_fork(void)
{
    depth -= 1;
    if (depth > 0) {
        return;
    }
    for (struct fcgi__forkable *at = list; at != NULL; at = at->next) {
        (void)pthread_mutex_unlock(at->lock);
    }
    (void)pthread_mutex_unlock(&list_lock);
}

static void tell_all(void)
{
    for (struct fcgi__forkable *at = list; at != NULL; at = at->next) {
        at->in_child(at);
    }
}

static void after_fork_in_child(void)
{
    if (depth == 1) {
        tell_all();
    }
    after_fork();
}

/* A failure is not final: the next pool tries again. */
static bool register_handlers(void)
{
    if (!atomic_load(&are_registered) &&
        pthread_atfork(before_fork, after_fork, after_fork_in_child) == 0) {
        atomic_store(&are_registered, true);
    }
    return atomic_load(&are_registered);
}

static void link_object(struct fcgi__forkable *forkable)
{
    forkable->previous = NULL;
    forkable->next = list;
    if (list != NULL) {
        list->previous = forkable;
    }
    list = forkable;
}

int fcgi__fork_watch(struct fcgi__forkable *forkable)
{
    if (!register_handlers()) {
        return FCGI_ERR_NO_MEMORY;
    }
    (void)pthread_mutex_lock(&list_lock);
    link_object(forkable);
    (void)pthread_mutex_unlock(&list_lock);
    return FCGI_OK;
}

void fcgi__fork_unwatch(struct fcgi__forkable *forkable)
{
    (void)pthread_mutex_lock(&list_lock);
    if (forkable->previous == NULL) {
        list = forkable->next;
    } else {
        forkable->previous->next = forkable->next;
    }
    if (forkable->next != NULL) {
        forkable->next->previous = forkable->previous;
    }
    (void)pthread_mutex_unlock(&list_lock);
}
