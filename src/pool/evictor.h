/*
 * evictor - the thread that closes idle connections when they expire. It sleeps
 * until the next one does, or, when none is idle, until it is woken.
 */
#ifndef FCGI__EVICTOR_H
#define FCGI__EVICTOR_H

#include <pthread.h>
#include <stdint.h>

/* What the thread does each time it wakes. Returns the moment when it must wake
 * again, FCGI__NEVER to sleep until fcgi__evictor_wake(), or
 * FCGI__EVICTOR_ENDS. */
typedef int64_t fcgi__evict_fn(void *context);

#define FCGI__EVICTOR_ENDS ((int64_t)-1)

struct fcgi__evictor {
    pthread_t thread;
    int self_pipe[2];
    fcgi__evict_fn *evict;
    void *context;
};

/* Start the thread, with all signals blocked. FCGI_OK or FCGI_ERR_SYSTEM. */
int fcgi__evictor_start(struct fcgi__evictor *evictor, fcgi__evict_fn *evict,
                        void *context);

void fcgi__evictor_wake(struct fcgi__evictor *evictor);

/* Wait for the thread to end, after its function has returned
 * FCGI__EVICTOR_ENDS. */
void fcgi__evictor_join(struct fcgi__evictor *evictor);

/* In the child of a fork(), which has no such thread. */
void fcgi__evictor_forget(struct fcgi__evictor *evictor);

#endif
