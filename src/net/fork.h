/*
 * fork - what must happen in the child of a fork(): every pool forgets its
 * connections, without a system call a request to find out.
 */
#ifndef FCGI__FORK_H
#define FCGI__FORK_H

#include <pthread.h>

/* Something that is to be told. Its lock is held while the process forks, so
 * that the child finds it in order. */
struct fcgi__forkable {
    struct fcgi__forkable *next, *previous;
    pthread_mutex_t *lock;
    void (*in_child)(struct fcgi__forkable *forkable);
};

/* FCGI_OK or FCGI_ERR_NO_MEMORY. */
int fcgi__fork_watch(struct fcgi__forkable *forkable);

void fcgi__fork_unwatch(struct fcgi__forkable *forkable);

#endif
