/*
 * signals - how a server is told to end, and what does not end it.
 */
#define _POSIX_C_SOURCE 200809L

#include "signals.h"

#include <stddef.h>

void signals_keep(sigset_t *ends)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(ends);
    (void)sigaddset(ends, SIGTERM);
    (void)sigaddset(ends, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, ends, NULL);
}
