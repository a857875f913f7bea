/*
 * fork - one list of all that must be told of a fork(), and the three handlers
 * of pthread_atfork() over it.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client/error.h>

#include "fork.h"

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fcgi__forkable *list;
static bool installed;

static void before_fork(void)
{
    (void)pthread_mutex_lock(&list_lock);
    for (struct fcgi__forkable *at = list; at != NULL; at = at->next) {
        (void)pthread_mutex_lock(at->lock);
    }
}

static void after_fork(void)
{
    for (struct fcgi__forkable *at = list; at != NULL; at = at->next) {
        (void)pthread_mutex_unlock(at->lock);
    }
    (void)pthread_mutex_unlock(&list_lock);
}

static void after_fork_in_child(void)
{
    for (struct fcgi__forkable *at = list; at != NULL; at = at->next) {
        at->in_child(at);
    }
    after_fork();
}

/* With the lock of the list held. One failure is not the last word: the next
 * pool tries again. */
static bool install(void)
{
    if (!installed) {
        installed =
            pthread_atfork(before_fork, after_fork, after_fork_in_child) == 0;
    }
    return installed;
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
    bool watched;

    (void)pthread_mutex_lock(&list_lock);
    watched = install();
    if (watched) {
        link_in(forkable);
    }
    (void)pthread_mutex_unlock(&list_lock);
    return watched ? FCGI_OK : FCGI_ERR_NO_MEMORY;
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
