/*
 * evictor - the thread that closes idle connections when their time is over.
 * It sleeps until the next one's, or, when there is none, until it is rung.
 */
#ifndef FCGI__EVICTOR_H
#define FCGI__EVICTOR_H

#include <pthread.h>
#include <stdint.h>

/* What the thread does each time it wakes: returns when it is next needed,
 * FCGI__NEVER when rung, FCGI__EVICTOR_ENDS no more. */
typedef int64_t fcgi__evict_fn(void *context);

#define FCGI__EVICTOR_ENDS ((int64_t)-1)

struct fcgi__evictor {
    pthread_t thread;
    int bell[2];
    fcgi__evict_fn *evict;
    void *context;
};

/* Start the thread, with all signals blocked. FCGI_OK or FCGI_ERR_SYSTEM. */
int fcgi__evictor_start(struct fcgi__evictor *evictor, fcgi__evict_fn *evict,
                        void *context);

/* Wake it. */
void fcgi__evictor_ring(struct fcgi__evictor *evictor);

/* Wait for its end, which FCGI__EVICTOR_ENDS brings. */
void fcgi__evictor_join(struct fcgi__evictor *evictor);

/* The thread is not in this process: forget it. */
void fcgi__evictor_forget(struct fcgi__evictor *evictor);

#endif
