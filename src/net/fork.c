/*
 * fork - one list of all that must be told of a fork(), and the three handlers
 * of pthread_atfork() over it.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client/error.h>

#include "fork.h"

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fcgi__forkable *list;
static atomic_bool installed;

/* How many of the same handlers have run at a fork() of this thread's. No lock
 * is held while they are installed, since a fork() may come just then: so they
 * may be there twice, and the outermost act. */
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

/* One failure is not the last word: the next pool tries again. */
static bool install(void)
{
    if (!atomic_load(&installed) &&
        pthread_atfork(before_fork, after_fork, after_fork_in_child) == 0) {
        atomic_store(&installed, true);
    }
    return atomic_load(&installed);
}

static void link_in(struct fcgi__forkable *forkable)
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
    if (!install()) {
        return FCGI_ERR_NO_MEMORY;
    }
    (void)pthread_mutex_lock(&list_lock);
    link_in(forkable);
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
