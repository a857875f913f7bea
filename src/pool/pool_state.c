/*
 * slots - the connections of a pool, as they go from hand to hand.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcgi_client/error.h>

#include "../net/clock.h"
#include "pool_state.h"

/*
 * Leasing.
 */

/* When an idle connection's time is over, or its age. */
static int64_t expiry(const struct fcgi__pool_state *slots,
                      const struct fcgi_connection *c)
{
    int64_t idle = fcgi__after(c->idle_since, slots->config->idle_timeout_ms);
    int64_t age = fcgi__after(c->dialled, slots->config->max_age_ms);

    return idle < age ? idle : age;
}

static void note_eviction(struct fcgi__pool_state *slots,
                          struct fcgi_connection *c)
{
    slots->counts.evictions += 1;
    c->evicted = true;
}

static void evict_idle(struct fcgi__pool_state *slots,
                       struct fcgi_connection *c,
                       struct fcgi_connection **chain)
{
    note_eviction(slots, c);
    fcgi__connections_remove_idle(&slots->connections, c);
    fcgi__connections_unlink(&slots->connections, c, chain);
}

static void lend_again(struct fcgi__pool_state *slots,
                       struct fcgi_connection *c, bool suspect)
{
    c->reused = true;
    c->requests_lent = c->requests;
    c->suspect = suspect;
    slots->counts.reuses += 1;
}

void fcgi__pool_state_init(struct fcgi__pool_state *slots,
                           const struct fcgi_pool_config *config)
{
    slots->config = config;
    fcgi__keepalive_init(&slots->keepalive);
}

struct fcgi_connection *fcgi__pool_state_pop(struct fcgi__pool_state *slots,
                                             int64_t now,
                                             struct fcgi_connection **chain)
{
    struct fcgi_connection *c;

    for (c = slots->connections.newest; c != NULL;
         c = slots->connections.newest) {
        if (expiry(slots, c) > now) {
            fcgi__connections_remove_idle(&slots->connections, c);
            lend_again(slots, c, c->epoch != slots->epoch);
            break;
        }
        evict_idle(slots, c, chain);
    }
    return c;
}

static bool is_full(const struct fcgi__pool_state *slots)
{
    return slots->connections.open_count >= (size_t)slots->config->max_open;
}

static int join_queue(struct fcgi__pool_state *slots,
                      struct fcgi__waiter *waiter)
{
    if (slots->queue.count >= (size_t)slots->config->max_waiting) {
        return FCGI_ERR_QUEUE_FULL;
    }
    if (!fcgi__waiter_is_open(waiter)) {
        return FCGI__NEEDS_WAKEUP;
    }
    fcgi__queue_join(&slots->queue, waiter);
    return FCGI_WAIT;
}

int fcgi__pool_state_take(struct fcgi__pool_state *slots, int64_t now,
                          bool fresh, struct fcgi_connection **blank,
                          struct fcgi__waiter *waiter,
                          struct fcgi_connection **connection,
                          struct fcgi_connection **chain)
{
    if (slots->closed) {
        return FCGI_ERR_POOL_CLOSED;
    }
    if (!fresh) {
        *connection = fcgi__pool_state_pop(slots, now, chain);
        if (*connection != NULL) {
            return FCGI_OK;
        }
    } else if (is_full(slots) && slots->connections.oldest != NULL) {
        evict_idle(slots, slots->connections.oldest, chain);
    }
    if (is_full(slots)) {
        return join_queue(slots, waiter);
    }
    if (*blank == NULL) {
        return FCGI__NEEDS_SLOT;
    }
    *connection = *blank;
    *blank = NULL;
    fcgi__connections_add(&slots->connections, *connection);
    return FCGI_OK;
}

void fcgi__pool_state_replace(struct fcgi__pool_state *slots, int64_t now,
                              bool fresh, struct fcgi_connection **connection,
                              struct fcgi_connection **chain)
{
    struct fcgi_connection *other = NULL;

    if ((*connection)->requests_lent <= 1 && !(*connection)->suspect) {
        fcgi__keepalive_charge_death(&slots->keepalive);
    }
    slots->epoch += 1;
    slots->counts.stale += 1;
    if (!fresh) {
        other = fcgi__pool_state_pop(slots, now, chain);
    }
    if (other != NULL) {
        fcgi__connections_unlink(&slots->connections, *connection, chain);
        *connection = other;
    }
}

void fcgi__pool_state_yield(struct fcgi__pool_state *slots)
{
    slots->counts.reuses -= 1;
    slots->counts.evictions += 1;
    slots->counts.yielded += 1;
}

/*
 * Rescuing requests that wait for a worker.
 */

void fcgi__pool_state_rescue(struct fcgi__pool_state *slots, bool first,
                             struct fcgi_connection **chain)
{
    if (first) {
        fcgi__keepalive_add_late(&slots->keepalive);
    }
    if (slots->connections.oldest == NULL) {
        fcgi__keepalive_owe(&slots->keepalive);
        return;
    }
    evict_idle(slots, slots->connections.oldest, chain);
    slots->counts.rescues += 1;
    fcgi__keepalive_charge_rescue(&slots->keepalive);
}

void fcgi__pool_state_end_rescue(struct fcgi__pool_state *slots)
{
    fcgi__keepalive_remove_late(&slots->keepalive);
}

/*
 * Giving back.
 */

/* Its call may have ended long before it comes back. */
static bool is_too_old(const struct fcgi__pool_state *slots,
                       const struct fcgi_connection *c)
{
    int max_age = slots->config->max_age_ms;

    return max_age >= 0 && fcgi__after(c->dialled, max_age) <= fcgi__now();
}

static bool is_spent(const struct fcgi__pool_state *slots,
                     const struct fcgi_connection *c)
{
    return c->requests >= slots->config->max_requests || is_too_old(slots, c);
}

static bool has_room(const struct fcgi__pool_state *slots)
{
    return slots->queue.count > 0 ||
           slots->connections.idle_count < (size_t)slots->config->max_idle;
}

static bool can_be_kept(const struct fcgi__pool_state *slots,
                        const struct fcgi_connection *c)
{
    return c->fd >= 0 && !c->orphaned && !slots->closed &&
           slots->config->max_idle > 0;
}

/* Whether one that can be kept is; if not for its own sake, why is counted. */
static bool is_kept(struct fcgi__pool_state *slots, struct fcgi_connection *c)
{
    if (is_spent(slots, c) || !has_room(slots)) {
        return false;
    }
    if (!fcgi__keepalive_pays(&slots->keepalive)) {
        slots->counts.unkept += 1;
        return false;
    }
    if (slots->keepalive.owed > 0) {
        slots->counts.rescues += 1;
        fcgi__keepalive_charge_rescue(&slots->keepalive);
        return false;
    }
    return true;
}

/* What comes back reusable: whether it stays. */
static bool keep(struct fcgi__pool_state *slots, struct fcgi_connection *c)
{
    bool kept;

    if (c->requests > c->requests_lent) {
        fcgi__keepalive_earn(&slots->keepalive);
    }
    if (!can_be_kept(slots, c)) {
        return false;
    }
    kept = is_kept(slots, c);
    if (!kept) {
        note_eviction(slots, c);
    }
    return kept;
}

/* The slot of a connection that comes back goes to the first who waits, with
 * its socket or without. */
static void pass_on(struct fcgi__pool_state *slots, struct fcgi_connection *c,
                    bool kept, struct fcgi__dropped_fd *leaving)
{
    if (kept) {
        lend_again(slots, c, c->suspect);
    } else {
        leaving->evicted = c->evicted;
        leaving->fd = fcgi__connection_empty(c);
    }
    fcgi__queue_serve(&slots->queue, c, FCGI_OK);
}

void fcgi__pool_state_give(struct fcgi__pool_state *slots,
                           struct fcgi_connection *c, bool reusable,
                           int64_t now, struct fcgi__dropped_fd *leaving,
                           struct fcgi_connection **chain)
{
    bool kept;

    c->idle_since = now;
    kept = reusable && keep(slots, c);
    if (!kept && c->fd >= 0) {
        fcgi__keepalive_pay(&slots->keepalive);
    }
    if (slots->queue.count > 0 && !c->orphaned) {
        pass_on(slots, c, kept, leaving);
    } else if (kept) {
        /* One that no request was begun on is no less suspect. */
        c->epoch = c->suspect ? slots->epoch - 1 : slots->epoch;
        fcgi__connections_push_idle(&slots->connections, c);
    } else {
        fcgi__connections_unlink(&slots->connections, c, chain);
    }
}

/*
 * Ending.
 */

int64_t fcgi__pool_state_newest_expiry(const struct fcgi__pool_state *slots)
{
    const struct fcgi_connection *newest = slots->connections.newest;

    return newest == NULL ? FCGI__NEVER : expiry(slots, newest);
}

int64_t fcgi__pool_state_evict(struct fcgi__pool_state *slots, int64_t now,
                               struct fcgi_connection **chain)
{
    struct fcgi_connection *c = slots->connections.oldest;
    int64_t next = FCGI__NEVER;

    while (c != NULL) {
        struct fcgi_connection *newer = c->newer;
        int64_t moment = expiry(slots, c);
        if (moment <= now) {
            evict_idle(slots, c, chain);
        } else if (moment < next) {
            next = moment;
        }
        c = newer;
    }
    return next;
}

void fcgi__pool_state_close(struct fcgi__pool_state *slots,
                            struct fcgi_connection **chain)
{
    slots->closed = true;
    while (slots->connections.newest != NULL) {
        struct fcgi_connection *c = slots->connections.newest;
        fcgi__connections_remove_idle(&slots->connections, c);
        fcgi__connections_unlink(&slots->connections, c, chain);
    }
    while (slots->queue.count > 0) {
        fcgi__queue_serve(&slots->queue, NULL, FCGI_ERR_POOL_CLOSED);
    }
}

void fcgi__pool_state_end(struct fcgi__pool_state *slots,
                          struct fcgi_connection **chain)
{
    while (slots->connections.open != NULL) {
        fcgi__connections_unlink(&slots->connections, slots->connections.open,
                                 chain);
    }
}

void fcgi__pool_state_forget(struct fcgi__pool_state *slots)
{
    fcgi__connections_forget(&slots->connections);
    fcgi__keepalive_forget(&slots->keepalive);
    fcgi__queue_forget(&slots->queue, FCGI_ERR_POOL_CLOSED);
}

void fcgi__pool_state_count(const struct fcgi__pool_state *slots,
                            struct fcgi_pool_stats *stats)
{
    *stats = slots->counts;
    stats->idle = slots->connections.idle_count;
    stats->open = slots->connections.open_count;
    stats->waiting = slots->queue.count;
}
