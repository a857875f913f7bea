/*
 * feed - a source and its moods: see feed.h.
 */
#include <stdlib.h>
#include <string.h>

#include <poll.h>

#include "caller.h"
#include "descriptor.h"
#include "feed.h"
#include "sight.h"
#include "world.h"

static int end_feed(struct feed *feed)
{
    struct caller *c = feed->caller;

    feed->has_ended = true;
    if (!feed->cancels) {
        return 77;
    }
    fcgi_call_cancel(c->call);
    c->cancelled = true;
    sight_saw(SIGHT_CANCELLED_INSIDE);
    return world_chance(50) ? FCGI_WAIT : FCGI_OK;
}

/* Who blocks is not resumed: he listens to a bell, or waits for ever. */
static void wait_for_more(struct feed *feed)
{
    feed->waits = true;
    sight_saw(SIGHT_SOURCE_WAITED);
    if (!feed->caller->blocks) {
        caller_pause(feed->caller);
    } else if (feed->bell >= 0) {
        descriptor_ring_at(feed->bell, caller_some_time_later());
    } else {
        caller_get_stuck(feed->caller);
    }
}

static void stop_waiting(struct feed *feed)
{
    if (feed->waits && feed->bell >= 0 &&
        descriptor_poll(feed->bell, POLLIN) != 0) {
        sight_saw(SIGHT_SOURCE_RANG);
    }
    feed->waits = false;
}

static int tell_bell(void *context)
{
    const struct feed *feed = context;

    return feed->bell;
}

static int read_feed(void *context, void *buf, size_t cap, size_t *got)
{
    struct feed *feed = context;
    size_t left = feed->len - feed->at;
    size_t most = cap < left ? cap : left;

    world_require(!feed->has_ended, "a source that failed is not read", 0, 0);
    world_require(!feed->is_known || feed->at < feed->len,
                  "no more is read than there is", feed->caller->index, 0);
    caller_take_time(feed->caller, feed->is_slow);
    caller_try_reentry(feed->caller);
    stop_waiting(feed);
    if (feed->at >= feed->ends_at) {
        *got = 0;
        return end_feed(feed);
    }
    if (feed->pauses && world_chance(30)) {
        wait_for_more(feed);
        return FCGI_WAIT;
    }
    if (most > 1 && world_chance(50)) {
        most = 1 + (size_t)world_below(most);
    }
    ledger_fill(buf, feed->key, feed->at, most);
    feed->at += most;
    *got = most;
    world_note("source: caller, bytes", feed->caller->index, (int64_t)most, 0);
    return FCGI_OK;
}

static int replay_feed(void *context, uint64_t taken)
{
    struct feed *feed = context;

    if (taken == 0) {
        return feed->replays ? FCGI_OK : FCGI_ERR_STATE;
    }
    world_require(taken == feed->at, "a source goes back to where it began",
                  (int64_t)taken, (int64_t)feed->at);
    if (feed->sticks) {
        sight_saw(SIGHT_REPLAY_REFUSED);
        feed->has_ended = true;
        return FCGI_ERR_STATE;
    }
    world_note("source goes back: caller", feed->caller->index, 0, 0);
    feed->at = 0;
    feed->waits = false;
    return FCGI_OK;
}

static struct fcgi_source memory_source(struct feed *feed)
{
    struct fcgi_source source = {.len = feed->len};

    feed->memory = malloc(feed->len + 1);
    ledger_fill(feed->memory, feed->key, 0, feed->len);
    source.data = feed->memory;
    return source;
}

static struct fcgi_source read_source(struct feed *feed)
{
    struct fcgi_source source = {.read = read_feed, .context = feed};

    feed->replays = world_chance(50);
    feed->sticks = world_chance(10);
    feed->pauses = world_chance(30);
    feed->is_slow = world_chance(10);
    feed->ends_at =
        world_chance(5) ? (size_t)world_below(feed->len + 1) : SIZE_MAX;
    feed->cancels = world_chance(50) && !feed->caller->blocks;
    feed->is_known = feed->len > 0 && world_chance(50);
    source.len = feed->is_known ? feed->len : 0;
    if (feed->caller->blocks && feed->pauses && world_chance(80)) {
        feed->bell = descriptor_bell();
        source.descriptor = tell_bell;
    }
    source.replay = feed->replays || world_chance(50) ? replay_feed : NULL;
    return source;
}

void feed_begin(struct feed *feed, struct caller *c)
{
    memset(feed, 0, sizeof(*feed));
    feed->caller = c;
    feed->replays = true;
    feed->ends_at = SIZE_MAX;
    feed->bell = -1;
}

struct fcgi_source feed_prepare(struct feed *feed, struct caller *c,
                                enum purpose purpose)
{
    feed_begin(feed, c);
    feed->key = ledger_key(c->entry->token, purpose, 0);
    feed->len = world_size(200000);
    return world_chance(40) ? memory_source(feed) : read_source(feed);
}

void feed_clear(struct feed *feed)
{
    if (feed->bell >= 0) {
        (void)descriptor_close(feed->bell);
    }
    free(feed->memory);
    feed->memory = NULL;
}
