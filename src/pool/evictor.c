/*
 * evictor - a thread that sleeps in poll(), whose time limit is monotonic on
 * every system.
 */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>

#include <fcgi_client/error.h>

#include "../net/clock.h"
#include "../net/net.h"
#include "../net/self_pipe.h"
#include "evictor.h"

static void *run_evictor(void *argument)
{
    struct fcgi__evictor *evictor = argument;
    struct fcgi__wait wait = {evictor->self_pipe[0], FCGI__READABLE, -1, 0};

    for (;;) {
        wait.until = evictor->evict(evictor->context);
        if (wait.until == FCGI__EVICTOR_ENDS) {
            return NULL;
        }
        (void)fcgi__net_wait(&wait);
        fcgi__self_pipe_drain(evictor->self_pipe);
    }
}

int fcgi__evictor_start(struct fcgi__evictor *evictor, fcgi__evict_fn *evict,
                        void *context)
{
    sigset_t all, before;
    int rc;

    if (fcgi__self_pipe_open(evictor->self_pipe) != FCGI_OK) {
        return FCGI_ERR_SYSTEM;
    }
    evictor->evict = evict;
    evictor->context = context;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&evictor->thread, NULL, run_evictor, evictor);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        fcgi__self_pipe_close(evictor->self_pipe);
        return FCGI_ERR_SYSTEM;
    }
    return FCGI_OK;
}

void fcgi__evictor_wake(struct fcgi__evictor *evictor)
{
    fcgi__self_pipe_write(evictor->self_pipe);
}

void fcgi__evictor_join(struct fcgi__evictor *evictor)
{
    (void)pthread_join(evictor->thread, NULL);
    fcgi__self_pipe_close(evictor->self_pipe);
}

void fcgi__evictor_forget(struct fcgi__evictor *evictor)
{
    fcgi__self_pipe_close(evictor->self_pipe);
}
