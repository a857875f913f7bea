/*
 * watch - a host's event loop: see watch.h.
 */
#include <poll.h>

#include "descriptor.h"
#include "judge.h"
#include "line.h"
#include "sight.h"
#include "watch.h"
#include "world.h"

#define IDLE_TURNS_MAX 50

static bool is_by_edges;

void watch_begin(bool by_edges)
{
    is_by_edges = by_edges;
}

bool watch_by_edges(void)
{
    return is_by_edges;
}

/* What was told before must stay until another was told and the call advanced
 * again; and a number that is told again must mean the same. */
static void check_watch(const struct caller *c, int fd)
{
    world_require(c->fd < 0 || descriptor_identity(c->fd) == c->identity,
                  "a descriptor stays while it is watched", c->index, c->fd);
    world_require(fd < 0 || descriptor_identity(fd) != 0,
                  "a descriptor that is told is open", c->index, fd);
}

static void arm(struct caller *c, int fd, unsigned events)
{
    bool same = fd == c->fd && events == c->events;

    c->is_armed = is_by_edges && same;
    c->fd = fd;
    c->events = events;
    c->identity = fd < 0 ? 0 : descriptor_identity(fd);
}

/* A host that hears of changes alone would not hear of this again. */
static void check_work(const struct caller *c, const struct stream *s)
{
    if (c->until <= world_now() || s->lease.begun == 0) {
        return;
    }
    world_require(!(c->events & FCGI_EVENT_READ) || !stream_readable(s),
                  "what can be received is work left", c->index, c->fd);
    world_require(!(c->events & FCGI_EVENT_WRITE) || stream_is_full(s),
                  "what can be sent is work left", c->index, c->fd);
}

/* It waits for its turn: by which descriptor is its host's to say. */
static void wait_in_line(struct caller *c, int fd)
{
    if (!line_has(c)) {
        line_join(c);
        sight_saw(SIGHT_QUEUED);
    }
    if (c->wake == NULL) {
        wake_share(c->client, fd);
    } else {
        world_require(fd < 0, "a wake-up tells of a turn, and nothing else",
                      c->index, fd);
    }
}

void watch_call(struct caller *c)
{
    int fd = fcgi_call_fd(c->call);
    int ms = fcgi_call_timeout_ms(c->call);
    struct stream *s;

    check_watch(c, fd);
    arm(c, fd, fcgi_call_events(c->call));
    c->until = ms < 0 ? NEVER : world_now() + ms * MILLISECOND;
    world_require((fd < 0) == (c->events == 0),
                  "a descriptor is told with its events", fd, c->events);
    s = fd < 0 ? NULL : descriptor_stream(fd);
    if (s != NULL) {
        stream_serve(s, c->index);
        check_work(c, s);
    } else if (caller_stream(c) == NULL) {
        wait_in_line(c, fd);
        return;
    }
    world_require(fd >= 0 || ms >= 0 || c->resume_at != NEVER,
                  "whoever waits waits for something", c->index, 0);
}

static bool is_ready(const struct caller *c)
{
    short events = 0;

    if (c->fd < 0) {
        return false;
    }
    if (c->is_armed) {
        sight_saw(SIGHT_EDGES);
        return ((c->events & FCGI_EVENT_READ) &&
                descriptor_edges(c->fd, true) != c->read_edges) ||
               ((c->events & FCGI_EVENT_WRITE) &&
                descriptor_edges(c->fd, false) != c->write_edges);
    }
    if (c->events & FCGI_EVENT_READ) {
        events |= POLLIN;
    }
    if (c->events & FCGI_EVENT_WRITE) {
        events |= POLLOUT;
    }
    return descriptor_poll(c->fd, events) != 0;
}

bool watch_is_due(const struct caller *c)
{
    return c->state == ENDED || c->is_told || c->until <= world_now() ||
           c->resume_at <= world_now() || is_ready(c);
}

void watch_tell(struct caller *c)
{
    if (c->fd >= 0) {
        c->read_edges = descriptor_edges(c->fd, true);
        c->write_edges = descriptor_edges(c->fd, false);
    }
}

/* A turn that brings nothing and asks for another at once is a spin. */
void watch_progress(struct caller *c, int64_t began, uint64_t notes)
{
    bool moved = world_notes() != notes + 1 || world_now() > began + TICK;

    c->idle_turns = moved ? 0 : c->idle_turns + 1;
    world_require(c->idle_turns < IDLE_TURNS_MAX, "a call does not spin",
                  c->index, c->fd);
}
