/*
 * clock - the one clock of the library: monotonic, in microseconds, so that
 * the wall clock never matters. FCGI__NEVER stands for a moment that never
 * comes.
 */
#ifndef FCGI__CLOCK_H
#define FCGI__CLOCK_H

#include <stdint.h>

#define FCGI__NEVER INT64_MAX

int64_t fcgi__now(void);

/* The moment a limit ends that begins at `start`: milliseconds, or -1. */
static inline int64_t fcgi__after(int64_t start, int milliseconds)
{
    return milliseconds < 0 ? FCGI__NEVER
                            : start + (int64_t)milliseconds * 1000;
}

/* Milliseconds until a moment, rounded up, so that waiting that long is never
 * too short: 0 if it is over, -1 for FCGI__NEVER. */
int fcgi__milliseconds_until(int64_t moment, int64_t now);

#endif
