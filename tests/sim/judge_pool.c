/*
 * judge_pool - the numbers of a pool, its order, and how long anything is idle
 * in it: see judge.h.
 */
#include "judge.h"
#include "line.h"
#include "world.h"

static bool has_talked(const struct caller *c)
{
    return c->response.outcome.phase >= FCGI_PHASE_SEND;
}

/* Calls that hold a slot; `served`: they may have a connection, but have not
 * sent on it yet. */
static size_t count_slots(const struct sim_client *client,
                          const struct caller *callers, int count,
                          size_t *served)
{
    size_t holders = *served = line_count_turns(client);

    for (int i = 0; i < count; i++) {
        const struct caller *c = &callers[i];
        if (c->state == VACANT || c->client != client || line_has(c)) {
            continue;
        }
        if (c->state == CALLING || has_talked(c)) {
            holders += 1;
            *served += caller_stream(c) == NULL;
        }
    }
    return holders;
}

static size_t count_idle(const struct sim_client *client)
{
    const struct stream *end = stream_at(streams_top());
    size_t idle = 0;

    for (const struct stream *s = stream_at(0); s < end; s++) {
        idle += s->state != UNUSED && s->client_open &&
                s->client == client->index && s->lease.user == NOBODY;
    }
    return idle;
}

static void judge_idle_times(const struct sim_client *client)
{
    const struct stream *end = stream_at(streams_top());
    int limit = client->config.pool.idle_timeout_ms;

    for (const struct stream *s = stream_at(0); limit > 0 && s < end; s++) {
        if (s->state == CONNECTED && s->client_open &&
            s->client == client->index && s->lease.user == NOBODY) {
            world_require(world_now() <= s->idle_since + limit * MILLISECOND +
                                             TICK + world_stolen() - s->stolen,
                          "an idle connection is closed in time", s->index,
                          world_now() - s->idle_since);
        }
    }
}

/* What was counted is what was told of. */
static void judge_statistics(const struct sim_client *client,
                             const struct fcgi_pool_stats *stats)
{
    const uint64_t *traced = client->traced;

    world_require(stats->dials >= traced[FCGI_TRACE_DIALLED],
                  "dials are counted", (int64_t)stats->dials,
                  (int64_t)traced[FCGI_TRACE_DIALLED]);
    world_require(stats->reuses >= traced[FCGI_TRACE_REUSED],
                  "reuses are counted", (int64_t)stats->reuses,
                  (int64_t)traced[FCGI_TRACE_REUSED]);
    world_require(stats->stale == traced[FCGI_TRACE_STALE],
                  "dead connections are counted", (int64_t)stats->stale,
                  (int64_t)traced[FCGI_TRACE_STALE]);
    world_require(stats->retries == traced[FCGI_TRACE_RETRIED],
                  "retries are counted", (int64_t)stats->retries,
                  (int64_t)traced[FCGI_TRACE_RETRIED]);
    world_require(stats->evictions == traced[FCGI_TRACE_EVICTED],
                  "evictions are counted", (int64_t)stats->evictions,
                  (int64_t)traced[FCGI_TRACE_EVICTED]);
    world_require(stats->yielded + stats->rescues + stats->unkept <=
                      stats->evictions,
                  "all that is closed for others is counted",
                  (int64_t)(stats->yielded + stats->rescues + stats->unkept),
                  (int64_t)stats->evictions);
    world_require(stats->timeouts == traced[FCGI_TRACE_TIMED_OUT],
                  "timeouts are counted", (int64_t)stats->timeouts,
                  (int64_t)traced[FCGI_TRACE_TIMED_OUT]);
}

void judge_pool(struct sim_client *client, const struct caller *callers,
                int count)
{
    const struct fcgi_pool_config *pool = &client->config.pool;
    struct fcgi_pool_stats stats;
    size_t served;
    size_t holders = count_slots(client, callers, count, &served);
    size_t idle = count_idle(client);

    fcgi_pool_get_stats(fcgi_client_pool(client->handle), &stats);
    world_require(pool->max_open <= 0 || stats.open <= (size_t)pool->max_open,
                  "no more are open than may be", (int64_t)stats.open,
                  pool->max_open);
    world_require(
        pool->max_waiting <= 0 || stats.waiting <= (size_t)pool->max_waiting,
        "no more wait than may", (int64_t)stats.waiting, pool->max_waiting);
    world_require(stats.open == stats.idle + holders || client->is_closed,
                  "open is idle and leased", (int64_t)stats.open,
                  (int64_t)(stats.idle + holders));
    world_require(stats.idle <= idle && idle <= stats.idle + served,
                  "idle connections are counted", (int64_t)stats.idle,
                  (int64_t)idle);
    world_require(!client->is_closed || (stats.waiting == 0 && stats.idle == 0),
                  "who waits and what is idle ends with the pool",
                  (int64_t)stats.waiting, (int64_t)stats.idle);
    world_require(stats.waiting == 0 ||
                      (stats.idle == 0 && stats.open == (size_t)pool->max_open),
                  "nobody waits for what is free", (int64_t)stats.waiting,
                  (int64_t)stats.idle);
    world_require(client->debt.least == 0 || stats.idle == 0,
                  "nothing is idle while its closing is owed",
                  (int64_t)client->debt.least, (int64_t)stats.idle);
    judge_statistics(client, &stats);
    judge_idle_times(client);
    wakes_judge(client);
}
