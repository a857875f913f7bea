/*
 * feed - a source as a program may have it: in memory or to be read, of a
 * length that is told or not, slow, with nothing yet, going back or not, and
 * failing.
 */
#ifndef SIM_FEED_H
#define SIM_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client.h>

#include "ledger.h"

struct caller;

struct feed {
    struct caller *caller;
    uint64_t key;
    size_t len;     /**< what it has in all */
    size_t at;      /**< what was read */
    char *memory;   /**< a body in memory; NULL: it is read */
    bool is_known;  /**< its length is told */
    bool replays;   /**< it says that it can go back, */
    bool sticks;    /**< and does not when it comes to that */
    bool pauses;    /**< it has nothing for a while now and then */
    bool is_slow;   /**< it takes its time */
    size_t ends_at; /**< where it fails or cancels; SIZE_MAX: nowhere */
    bool cancels;
    bool has_ended; /**< it has */
    bool waits;
    int bell; /**< that rings when it has more; -1: none */
};

/** Nothing comes from it. */
void feed_begin(struct feed *feed, struct caller *c);

/** Make one up, whose bytes are the request's own. */
struct fcgi_source feed_prepare(struct feed *feed, struct caller *c,
                                enum purpose purpose);

/** Give back what it holds. */
void feed_clear(struct feed *feed);

#endif
