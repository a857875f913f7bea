/*
 * signals - the signals that end a server, and one that must not.
 */
#define _POSIX_C_SOURCE 200809L

#include "signals.h"

#include <stddef.h>

void signals_block(sigset_t *ends)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(ends);
    (void)sigaddset(ends, SIGTERM);
    (void)sigaddset(ends, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, ends, NULL);
}
