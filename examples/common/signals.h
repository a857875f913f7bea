/*
 * signals - the signals that end a server, and one that must not.
 */
#ifndef EXAMPLES_COMMON_SIGNALS_H
#define EXAMPLES_COMMON_SIGNALS_H

#include <signal.h>

/** Block SIGTERM and SIGINT in this thread and in those that it starts, and
 *  store them in `ends`, for sigwait(). SIGPIPE is ignored: a log that nobody
 *  reads any more does not end a server. */
void signals_block(sigset_t *ends);

#endif
