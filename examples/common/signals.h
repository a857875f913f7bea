/*
 * signals - how a server is told to end, and what does not end it.
 */
#ifndef COMMON_SIGNALS_H
#define COMMON_SIGNALS_H

#include <signal.h>

/** Keep SIGTERM and SIGINT for sigwait(), in this thread and those that it
 *  starts; they are stored in `ends`. SIGPIPE is ignored: a log that nobody
 *  reads any more ends no server. */
void signals_keep(sigset_t *ends);

#endif
