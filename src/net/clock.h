/*
 * clock - the only clock of the library: monotonic, so that the wall clock does
 * not matter, and in microseconds. FCGI__NEVER is a moment that never comes.
 */
#ifndef FCGI__CLOCK_H
#define FCGI__CLOCK_H

#include <stdint.h>

#define FCGI__NEVER INT64_MAX

int64_t fcgi__now(void);

/* When a time limit that starts at `start` ends; -1: there is no limit. */
static inline int64_t fcgi__after(int64_t start, int milliseconds)
{
    return milliseconds < 0 ? FCGI__NEVER
                            : start + (int64_t)milliseconds * 1000;
}

/* Milliseconds until a moment: 0 if it has passed, -1 for FCGI__NEVER. Rounded
 * up, so that a wait of that length does not end early. */
int fcgi__milliseconds_until(int64_t moment, int64_t now);

#endif
