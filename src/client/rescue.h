/*
 * rescue - a request that waits for its first byte over a connection dialled
 * for it may be waiting for a worker that an idle connection occupies. It asks
 * the pool to close one, again and again at doubling intervals.
 */
#ifndef FCGI__RESCUE_H
#define FCGI__RESCUE_H

#include <stdbool.h>
#include <stdint.h>

#include "../net/clock.h"
#include "../pool/pool.h"

struct fcgi__rescue {
    int64_t next; /* when it asks next; FCGI__NEVER: no rescue is planned */
    int interval_ms;
    bool asked; /* it has asked before, which the pool counts */
};

static inline void fcgi__rescue_init(struct fcgi__rescue *rescue)
{
    rescue->next = FCGI__NEVER;
    rescue->asked = false;
}

/* The connection is being dialled, or was just now: plan to ask. */
void fcgi__rescue_plan(struct fcgi__rescue *rescue, int64_t now);

static inline bool fcgi__rescue_is_planned(const struct fcgi__rescue *rescue)
{
    return rescue->next != FCGI__NEVER;
}

/* Ask, if it is time to. */
void fcgi__rescue_advance(struct fcgi__rescue *rescue, struct fcgi_pool *pool,
                          int64_t now);

/* The request waits no longer. */
void fcgi__rescue_end(struct fcgi__rescue *rescue, struct fcgi_pool *pool);

#endif
