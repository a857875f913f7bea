/*
 * timers - moments at which something is due, the earliest first: a binary heap
 * in one array.
 */
#ifndef FCGI__TIMERS_H
#define FCGI__TIMERS_H

#include <stddef.h>
#include <stdint.h>

#include "../base/buffer.h"

/* Embedded in what is due. */
struct fcgi__timer {
    int64_t due;
    size_t place; /* in the heap */
};

struct fcgi__timers {
    struct fcgi__buffer heap; /* of pointers to timers */
};

/* Add a timer. FCGI_OK or FCGI_ERR_NO_MEMORY. */
int fcgi__timers_add(struct fcgi__timers *timers,
                     const struct fcgi_allocator *allocator,
                     struct fcgi__timer *timer, int64_t due);

void fcgi__timers_remove(struct fcgi__timers *timers,
                         struct fcgi__timer *timer);

/* Change when a timer is due. */
void fcgi__timers_move(struct fcgi__timers *timers, struct fcgi__timer *timer,
                       int64_t due);

/* The timer that is due first; NULL: there is none. */
struct fcgi__timer *fcgi__timers_first(const struct fcgi__timers *timers);

void fcgi__timers_free(struct fcgi__timers *timers,
                       const struct fcgi_allocator *allocator);

#endif
