/*
 * evictor - a thread that sleeps in poll(), whose clock is monotonic
 * everywhere.
 */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>

#include <fcgi_client/error.h>

#include "clock.h"
#include "evictor.h"
#include "net.h"

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
        fcgi__net_unring(evictor->bell[0]);
    }
}

static void close_bell(struct fcgi__evictor *evictor)
{
    fcgi__net_close(evictor->bell[0]);
    fcgi__net_close(evictor->bell[1]);
}

int fcgi__evictor_start(struct fcgi__evictor *evictor, fcgi__evict_fn *evict,
                        void *context)
{
    sigset_t all, before;
    int rc;

    if (fcgi__net_pipe(evictor->bell) != FCGI_OK) {
        return FCGI_ERR_SYSTEM;
    }
    evictor->evict = evict;
    evictor->context = context;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&evictor->thread, NULL, run, evictor);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        close_bell(evictor);
        return FCGI_ERR_SYSTEM;
    }
    return FCGI_OK;
}

void fcgi__evictor_ring(struct fcgi__evictor *evictor)
{
    fcgi__net_ring(evictor->bell[1]);
}

void fcgi__evictor_join(struct fcgi__evictor *evictor)
{
    (void)pthread_join(evictor->thread, NULL);
    close_bell(evictor);
}

void fcgi__evictor_forget(struct fcgi__evictor *evictor)
{
    close_bell(evictor);
}
