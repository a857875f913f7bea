/*
 * evictor - a thread that sleeps in poll(), whose clock is monotonic
 * everywhere.
 */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>

#include <fcgi_client/error.h>

#include "../net/clock.h"
#include "../net/net.h"
#include "../net/self_pipe.h"
#include "evictor.h"

static void *run(void *argument)
{
    struct fcgi__evictor *evictor = argument;
    struct fcgi__wait wait = {evictor->bell[0], FCGI__READABLE, -1, 0};

    for (;;) {
        wait.until = evictor->evict(evictor->context);
        if (wait.until == FCGI__EVICTOR_ENDS) {
            return NULL;
        }
        (void)fcgi__net_wait(&wait);
        fcgi__self_pipe_drain(evictor->bell);
    }
}

int fcgi__evictor_start(struct fcgi__evictor *evictor, fcgi__evict_fn *evict,
                        void *context)
{
    sigset_t all, before;
    int rc;

    if (fcgi__self_pipe_open(evictor->bell) != FCGI_OK) {
        return FCGI_ERR_SYSTEM;
    }
    evictor->evict = evict;
    evictor->context = context;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&evictor->thread, NULL, run, evictor);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        fcgi__self_pipe_close(evictor->bell);
        return FCGI_ERR_SYSTEM;
    }
    return FCGI_OK;
}

void fcgi__evictor_ring(struct fcgi__evictor *evictor)
{
    fcgi__self_pipe_write(evictor->bell);
}

void fcgi__evictor_join(struct fcgi__evictor *evictor)
{
    (void)pthread_join(evictor->thread, NULL);
    fcgi__self_pipe_close(evictor->bell);
}

void fcgi__evictor_forget(struct fcgi__evictor *evictor)
{
    fcgi__self_pipe_close(evictor->bell);
}
