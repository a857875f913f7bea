/*
 * fork - what must happen in the child of a fork(): every pool forgets its
 * connections. No request pays a system call to find out whether there was a
 * fork().
 */
#ifndef FCGI__FORK_H
#define FCGI__FORK_H

#include <pthread.h>

/* An object that must be told. Its lock is held while the process forks, so
 * that the child finds it in a consistent state. */
struct fcgi__forkable {
    struct fcgi__forkable *next, *previous;
    pthread_mutex_t *lock;
    void (*in_child)(struct fcgi__forkable *forkable);
};

/* Have `in_child` called in the child of each fork() from now on. FCGI_OK or
 * FCGI_ERR_NO_MEMORY. */
int fcgi__fork_watch(struct fcgi__forkable *forkable);

void fcgi__fork_unwatch(struct fcgi__forkable *forkable);

#endif
