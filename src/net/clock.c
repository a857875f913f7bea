/*
 * clock - the monotonic clock.
 */
#define _POSIX_C_SOURCE 200809L

#include <limits.h>
#include <time.h>

#include "clock.h"

int64_t fcgi__now(void)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int fcgi__milliseconds_until(int64_t moment, int64_t now)
{
    int64_t left;

    if (moment == FCGI__NEVER) {
        return -1;
    }
    left = moment <= now ? 0 : (moment - now + 999) / 1000;
    return left > INT_MAX ? INT_MAX : (int)left;
}
