/*
 * fork - one list of all that must be told of a fork(), and the three handlers
 * of pthread_atfork() over it.
 */
#define _POSIX_C_SOURCE 200809L

#include <stddef.h>

#include <fcgi_client/error.h>

#include "fork.h"

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t installed = PTHREAD_ONCE_INIT;
static struct fcgi__forkable *list;
static int install_error;

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

static void install(void)
{
    install_error =
        pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

int fcgi__fork_watch(struct fcgi__forkable *forkable)
{
    (void)pthread_once(&installed, install);
    if (install_error != 0) {
        return FCGI_ERR_NO_MEMORY;
    }
    (void)pthread_mutex_lock(&list_lock);
    forkable->previous = NULL;
    forkable->next = list;
    if (list != NULL) {
        list->previous = forkable;
    }
    list = forkable;
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
