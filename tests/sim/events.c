/*
 * trace - what clients tell: see trace.h.
 */
#include "events.h"
#include "application.h"
#include "descriptor.h"
#include "sight.h"
#include "sim_client.h"
#include "world.h"

/* One that never came back is new. */
static bool is_idle(const struct stream *s, const struct sim_client *client)
{
    return client_leaves_unused(client, s) && s->rested > 0 && !s->handed_on;
}

static void hear_dial(const struct sim_client *client, struct stream *s)
{
    s->dialled_at = world_now();
    s->is_beside = client_stats(client).open > 1;
}

/* The one that became idle last is used first. */
static void hear_reuse(const struct sim_client *client, int fd)
{
    const struct stream *used = descriptor_stream(fd);

    for (int i = 0; i < streams_top(); i++) {
        const struct stream *s = stream_at(i);
        world_require(used->handed_on || !is_idle(s, client) ||
                          s->rested <= used->rested,
                      "last in, first out", used->index, s->index);
    }
}

/* One was found dead: the others may be. */
static void hear_stale(const struct sim_client *client)
{
    for (int i = 0; i < streams_top(); i++) {
        struct stream *s = stream_at(i);
        s->suspect = s->suspect || is_idle(s, client);
    }
}

/*
 * Evictions. What the pool has counted since the last one tells why.
 */

static enum eviction why(struct sim_client *client)
{
    struct fcgi_pool_stats before = client->counted;

    client->counted = client_stats(client);
    if (client->counted.yielded > before.yielded) {
        return YIELDED;
    }
    if (client->counted.rescues > before.rescues) {
        return RESCUED;
    }
    return client->counted.unkept > before.unkept ? UNKEPT : FOR_ITSELF;
}

/* A request goes over a new connection in place of this one, which it would
 * have used. */
static void hear_yield(const struct sim_client *client, const struct stream *s)
{
    for (int i = 0; i < streams_top(); i++) {
        const struct stream *other = stream_at(i);
        world_require(s->handed_on || !is_idle(other, client) ||
                          other->rested <= s->rested,
                      "the one that would be used yields", s->index, i);
    }
    sight_saw(SIGHT_YIELDED);
}

/* It was idle, or comes back. */
static void hear_rescue(const struct sim_client *client, const struct stream *s)
{
    bool comes_back = s->lease.user != NOBODY;

    world_require(!comes_back || client->debt.most > 0,
                  "only what is owed is closed as it comes back", s->index, 0);
    for (int i = 0; is_idle(s, client) && i < streams_top(); i++) {
        const struct stream *other = stream_at(i);
        world_require(!is_idle(other, client) || other->rested >= s->rested,
                      "the one used longest ago is closed for another request",
                      s->index, i);
    }
    sight_saw(comes_back ? SIGHT_RESCUED_RETURN : SIGHT_RESCUED_IDLE);
    if (application_is_waited_for(s)) {
        sight_saw(SIGHT_RESCUED_WORKER);
    }
}

/* What keeping may cost before none is kept: that many dead, or closed for
 * others, where each reuse makes good for some of it. */
#define CREDIT 256
#define PRICE_OF_DEATH 64
#define PRICE_OF_RESCUE 4

static void hear_unkept(struct sim_client *client)
{
    world_require(client->counted.stale * PRICE_OF_DEATH +
                          client->counted.rescues * PRICE_OF_RESCUE >
                      CREDIT,
                  "connections are kept for as long as that pays",
                  (int64_t)client->counted.stale,
                  (int64_t)client->counted.rescues);
    client->unkept += 1;
    sight_saw(SIGHT_UNKEPT);
}

static void hear_eviction(struct sim_client *client, int fd)
{
    struct stream *s = descriptor_stream(fd);

    s->eviction = why(client);
    switch (s->eviction) {
    case YIELDED:
        hear_yield(client, s);
        break;
    case RESCUED:
        hear_rescue(client, s);
        break;
    case UNKEPT:
        hear_unkept(client);
        break;
    default:
        if (client_leaves_unused(client, s)) {
            sight_saw(SIGHT_EVICTED);
        }
        break;
    }
}

void trace_hear(void *context, const struct fcgi_trace_event *event)
{
    struct sim_client *client = context;

    world_note("trace: client, kind, error", client->index, event->kind,
               event->error);
    client->traced[event->kind] += 1;
    switch (event->kind) {
    case FCGI_TRACE_REUSED:
        sight_saw(SIGHT_REUSED);
        hear_reuse(client, event->fd);
        break;
    case FCGI_TRACE_STALE:
        sight_saw(SIGHT_CHECKED_STALE);
        hear_stale(client);
        break;
    case FCGI_TRACE_EVICTED:
        hear_eviction(client, event->fd);
        break;
    case FCGI_TRACE_DIALLED:
        hear_dial(client, descriptor_stream(event->fd));
        break;
    default:
        break;
    }
}
