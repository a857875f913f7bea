/*
 * pool_state - checking connections out, taking them back, and evicting them.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcgi_client/error.h>

#include "../net/clock.h"
#include "pool_state.h"

/*
 * Checking out.
 */

/* When an idle connection expires, by its idle time or its age. */
static int64_t expiry(const struct fcgi__pool_state *state,
                      const struct fcgi_connection *c)
{
    int64_t idle = fcgi__after(c->idle_since, state->config->idle_timeout_ms);
    int64_t age = fcgi__after(c->dialled, state->config->max_age_ms);

    return idle < age ? idle : age;
}

static void note_eviction(struct fcgi__pool_state *state,
                          struct fcgi_connection *c)
{
    state->counts.evictions += 1;
    c->evicted = true;
}

static void evict_idle(struct fcgi__pool_state *state,
                       struct fcgi_connection *c,
                       struct fcgi_connection **to_close)
{
    note_eviction(state, c);
    fcgi__connections_remove_idle(&state->connections, c);
    fcgi__connections_unlink(&state->connections, c, to_close);
}

static void check_out_again(struct fcgi__pool_state *state,
                            struct fcgi_connection *c, bool suspect)
{
    c->reused = true;
    c->requests_before = c->requests;
    c->suspect = suspect;
    state->counts.reuses += 1;
}

void fcgi__pool_state_init(struct fcgi__pool_state *state,
                           const struct fcgi_pool_config *config)
{
    state->config = config;
    fcgi__keepalive_init(&state->keepalive);
}

struct fcgi_connection *fcgi__pool_state_pop(struct fcgi__pool_state *state,
                                             int64_t now,
                                             struct fcgi_connection **to_close)
{
    struct fcgi_connection *c;

    for (c = state->connections.newest; c != NULL;
         c = state->connections.newest) {
        if (expiry(state, c) > now) {
            fcgi__connections_remove_idle(&state->connections, c);
            check_out_again(state, c, c->epoch != state->epoch);
            break;
        }
        evict_idle(state, c, to_close);
    }
    return c;
}

static bool is_full(const struct fcgi__pool_state *state)
{
    return state->connections.open_count >= (size_t)state->config->max_open;
}

static int join_queue(struct fcgi__pool_state *state,
                      struct fcgi__waiter *waiter)
{
    if (state->queue.count >= (size_t)state->config->max_waiting) {
        return FCGI_ERR_QUEUE_FULL;
    }
    if (!fcgi__waiter_is_open(waiter)) {
        return FCGI__NEEDS_WAKEUP;
    }
    fcgi__queue_join(&state->queue, waiter);
    return FCGI_WAIT;
}

int fcgi__pool_state_take(struct fcgi__pool_state *state, int64_t now,
                          bool fresh, struct fcgi_connection **new_slot,
                          struct fcgi__waiter *waiter,
                          struct fcgi_connection **connection,
                          struct fcgi_connection **to_close)
{
    if (state->closed) {
        return FCGI_ERR_POOL_CLOSED;
    }
    if (!fresh) {
        *connection = fcgi__pool_state_pop(state, now, to_close);
        if (*connection != NULL) {
            return FCGI_OK;
        }
    } else if (is_full(state) && state->connections.oldest != NULL) {
        evict_idle(state, state->connections.oldest, to_close);
    }
    if (is_full(state)) {
        return join_queue(state, waiter);
    }
    if (*new_slot == NULL) {
        return FCGI__NEEDS_SLOT;
    }
    *connection = *new_slot;
    *new_slot = NULL;
    fcgi__connections_add(&state->connections, *connection);
    return FCGI_OK;
}

/* A connection was found dead, which had served that many requests when it
 * became idle. */
static void note_death(struct fcgi__pool_state *state,
                       const struct fcgi_connection *c, int requests)
{
    if (requests <= 1 && !c->suspect) {
        fcgi__keepalive_charge_death(&state->keepalive);
    }
    state->epoch += 1;
    state->counts.stale += 1;
}

struct fcgi_connection *
fcgi__pool_state_find_idle(const struct fcgi__pool_state *state, int fd)
{
    struct fcgi_connection *c = state->connections.newest;

    while (c != NULL && c->fd != fd) {
        c = c->older;
    }
    return c;
}

void fcgi__pool_state_drop_dead(struct fcgi__pool_state *state,
                                struct fcgi_connection *c,
                                struct fcgi_connection **to_close)
{
    note_death(state, c, c->requests);
    fcgi__connections_remove_idle(&state->connections, c);
    fcgi__connections_unlink(&state->connections, c, to_close);
}

void fcgi__pool_state_replace(struct fcgi__pool_state *state, int64_t now,
                              bool fresh, struct fcgi_connection **connection,
                              struct fcgi_connection **to_close)
{
    struct fcgi_connection *other = NULL;

    note_death(state, *connection, (*connection)->requests_before);
    if (!fresh) {
        other = fcgi__pool_state_pop(state, now, to_close);
    }
    if (other != NULL) {
        fcgi__connections_unlink(&state->connections, *connection, to_close);
        *connection = other;
    }
}

void fcgi__pool_state_yield(struct fcgi__pool_state *state)
{
    state->counts.reuses -= 1;
    state->counts.evictions += 1;
    state->counts.yielded += 1;
}

/*
 * Rescuing requests that wait for a worker.
 */

void fcgi__pool_state_rescue(struct fcgi__pool_state *state, bool first,
                             struct fcgi_connection **to_close)
{
    if (first) {
        fcgi__keepalive_add_late(&state->keepalive);
    }
    if (state->connections.oldest == NULL) {
        fcgi__keepalive_owe(&state->keepalive);
        return;
    }
    evict_idle(state, state->connections.oldest, to_close);
    state->counts.rescues += 1;
    fcgi__keepalive_charge_rescue(&state->keepalive);
}

void fcgi__pool_state_end_rescue(struct fcgi__pool_state *state)
{
    fcgi__keepalive_remove_late(&state->keepalive);
}

/*
 * Giving back.
 */

/* Its call may have ended long before it is given back: what counts is now. */
static bool is_too_old(const struct fcgi__pool_state *state,
                       const struct fcgi_connection *c)
{
    int max_age = state->config->max_age_ms;

    return max_age >= 0 && fcgi__after(c->dialled, max_age) <= fcgi__now();
}

static bool is_used_up(const struct fcgi__pool_state *state,
                       const struct fcgi_connection *c)
{
    return c->requests >= state->config->max_requests || is_too_old(state, c);
}

static bool has_room(const struct fcgi__pool_state *state)
{
    return state->queue.count > 0 ||
           state->connections.idle_count < (size_t)state->config->max_idle;
}

static bool can_be_kept(const struct fcgi__pool_state *state,
                        const struct fcgi_connection *c)
{
    return c->fd >= 0 && !c->inherited && !state->closed &&
           state->config->max_idle > 0;
}

/* Whether a connection that can be kept is kept. Why not is counted, where the
 * reason is not its own. */
static bool is_worth_keeping(struct fcgi__pool_state *state,
                             struct fcgi_connection *c)
{
    if (is_used_up(state, c) || !has_room(state)) {
        return false;
    }
    if (!fcgi__keepalive_pays(&state->keepalive)) {
        state->counts.unkept += 1;
        return false;
    }
    if (state->keepalive.owed > 0) {
        state->counts.rescues += 1;
        fcgi__keepalive_charge_rescue(&state->keepalive);
        return false;
    }
    return true;
}

/* Whether a connection given back as reusable is kept. */
static bool keep_or_evict(struct fcgi__pool_state *state,
                          struct fcgi_connection *c)
{
    bool kept;

    if (c->requests > c->requests_before) {
        fcgi__keepalive_earn(&state->keepalive);
    }
    if (!can_be_kept(state, c)) {
        return false;
    }
    kept = is_worth_keeping(state, c);
    if (!kept) {
        note_eviction(state, c);
    }
    return kept;
}

/* The slot of a connection given back goes to the first waiter, with its socket
 * or without. */
static void pass_to_waiter(struct fcgi__pool_state *state,
                           struct fcgi_connection *c, bool kept,
                           struct fcgi__dropped_fd *dropped)
{
    if (kept) {
        check_out_again(state, c, c->suspect);
    } else {
        dropped->evicted = c->evicted;
        dropped->fd = fcgi__connection_empty(c);
    }
    fcgi__queue_serve(&state->queue, c, FCGI_OK);
}

void fcgi__pool_state_give(struct fcgi__pool_state *state,
                           struct fcgi_connection *c, bool reusable,
                           int64_t now, struct fcgi__dropped_fd *dropped,
                           struct fcgi_connection **to_close)
{
    bool kept;

    c->idle_since = now;
    kept = reusable && keep_or_evict(state, c);
    if (!kept && c->fd >= 0) {
        fcgi__keepalive_pay(&state->keepalive);
    }
    if (state->queue.count > 0 && !c->inherited) {
        pass_to_waiter(state, c, kept, dropped);
    } else if (kept) {
        /* One over which no request was begun is still suspect. */
        c->epoch = c->suspect ? state->epoch - 1 : state->epoch;
        fcgi__connections_push_idle(&state->connections, c);
    } else {
        fcgi__connections_unlink(&state->connections, c, to_close);
    }
}

/*
 * Ending.
 */

int64_t fcgi__pool_state_newest_expiry(const struct fcgi__pool_state *state)
{
    const struct fcgi_connection *newest = state->connections.newest;

    return newest == NULL ? FCGI__NEVER : expiry(state, newest);
}

int64_t fcgi__pool_state_evict(struct fcgi__pool_state *state, int64_t now,
                               struct fcgi_connection **to_close)
{
    struct fcgi_connection *c = state->connections.oldest;
    int64_t next = FCGI__NEVER;

    while (c != NULL) {
        struct fcgi_connection *newer = c->newer;
        int64_t moment = expiry(state, c);
        if (moment <= now) {
            evict_idle(state, c, to_close);
        } else if (moment < next) {
            next = moment;
        }
        c = newer;
    }
    return next;
}

void fcgi__pool_state_close(struct fcgi__pool_state *state,
                            struct fcgi_connection **to_close)
{
    state->closed = true;
    while (state->connections.newest != NULL) {
        struct fcgi_connection *c = state->connections.newest;
        fcgi__connections_remove_idle(&state->connections, c);
        fcgi__connections_unlink(&state->connections, c, to_close);
    }
    while (state->queue.count > 0) {
        fcgi__queue_serve(&state->queue, NULL, FCGI_ERR_POOL_CLOSED);
    }
}

void fcgi__pool_state_end(struct fcgi__pool_state *state,
                          struct fcgi_connection **to_close)
{
    while (state->connections.open != NULL) {
        fcgi__connections_unlink(&state->connections, state->connections.open,
                                 to_close);
    }
}

void fcgi__pool_state_forget(struct fcgi__pool_state *state)
{
    fcgi__connections_forget(&state->connections);
    fcgi__keepalive_forget(&state->keepalive);
    fcgi__queue_forget(&state->queue, FCGI_ERR_POOL_CLOSED);
}

void fcgi__pool_state_count(const struct fcgi__pool_state *state,
                            struct fcgi_pool_stats *stats)
{
    *stats = state->counts;
    stats->idle = state->connections.idle_count;
    stats->open = state->connections.open_count;
    stats->waiting = state->queue.count;
}
