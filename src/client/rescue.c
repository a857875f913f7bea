/*
 * rescue - asks the pool to close idle connections for a request that waits.
 */
#include "rescue.h"

/* How long a request waits for its first byte before it asks. */
#define RESCUE_MS 20

void fcgi__rescue_plan(struct fcgi__rescue *rescue, int64_t now)
{
    rescue->interval_ms = RESCUE_MS;
    rescue->next = fcgi__after(now, RESCUE_MS);
}

void fcgi__rescue_advance(struct fcgi__rescue *rescue, struct fcgi_pool *pool,
                          int64_t now)
{
    if (now >= rescue->next) {
        fcgi__pool_rescue(pool, !rescue->asked);
        rescue->asked = true;
        rescue->next = fcgi__after(now, rescue->interval_ms);
        rescue->interval_ms *= 2;
    }
}

void fcgi__rescue_end(struct fcgi__rescue *rescue, struct fcgi_pool *pool)
{
    rescue->next = FCGI__NEVER;
    if (rescue->asked) {
        rescue->asked = false;
        fcgi__pool_end_rescue(pool);
    }
}
