/*
 * wake - how a host hears of turns: see wake.h.
 */
#include <poll.h>

#include "descriptor.h"
#include "line.h"
#include "sight.h"
#include "sim_client.h"
#include "wake.h"
#include "watch.h"
#include "world.h"

/* Where there are no descriptors left, a host does without. */
static void open_one(struct wake *w, struct fcgi_client *client)
{
    int rc = fcgi_wakeup_new(&w->handle, client);

    world_require(rc == FCGI_OK || descriptors_were_short(),
                  "a wake-up is made", rc, 0);
    w->fd = fcgi_wakeup_fd(w->handle);
    w->identity = descriptor_identity(w->fd);
}

void wakes_open(struct sim_client *client)
{
    int count = world_chance(50) ? 0 : (int)world_between(1, WAKES);

    client->own.fd = -1;
    for (int i = 0; i < count; i++) {
        open_one(&client->wakes[i], client->handle);
    }
    (void)descriptors_were_short();
}

void wakes_free(struct sim_client *client)
{
    for (int i = 0; i < WAKES; i++) {
        fcgi_wakeup_free(client->wakes[i].handle);
        client->wakes[i].handle = NULL;
    }
}

struct wake *wake_pick(struct sim_client *client)
{
    struct wake *w = &client->wakes[world_below(WAKES)];

    return w->handle == NULL || world_chance(20) ? NULL : w;
}

void wake_share(struct sim_client *client, int fd)
{
    struct wake *own = &client->own;

    world_require(fd >= 0 && descriptor_stream(fd) == NULL,
                  "a call that waits for its turn tells what to watch", fd, 0);
    if (own->fd < 0) {
        own->fd = fd;
        own->identity = descriptor_identity(fd);
    }
    world_require(own->fd == fd && own->identity == descriptor_identity(fd),
                  "all calls of a client share one descriptor", fd, own->fd);
}

static bool is_readable(const struct wake *w)
{
    world_require(descriptor_identity(w->fd) == w->identity,
                  "a wake-up keeps its descriptor", w->fd, 0);
    return descriptor_poll(w->fd, POLLIN) != 0;
}

bool wake_is_due(const struct wake *w)
{
    if (w->handle == NULL) {
        return false;
    }
    return watch_by_edges() ? descriptor_edges(w->fd, true) != w->edges
                            : is_readable(w);
}

/* Each is told once, in the order of their turns. */
static bool ask_once(struct sim_client *client, struct wake *w)
{
    struct caller *first = line_first_turn(client, w);
    struct fcgi_call *told = fcgi_wakeup_next(w->handle);

    world_require((first == NULL ? NULL : first->call) == told,
                  "turns are told once, and in order",
                  first == NULL ? -1 : first->index, told != NULL);
    world_require(fcgi_call_context(told) == first, "a call tells whose it is",
                  first == NULL ? -1 : first->index, 0);
    if (first != NULL) {
        world_note("wakes: caller", first->index, 0, 0);
        first->is_told = true;
        sight_saw(SIGHT_WOKEN);
    }
    return first != NULL;
}

/* A host that hears of changes alone asks for all there is. */
void wake_ask(struct sim_client *client, struct wake *w)
{
    w->edges = descriptor_edges(w->fd, true);
    while (ask_once(client, w)) {
        if (!watch_by_edges() && world_chance(20)) {
            return;
        }
    }
}

static void judge_one(const struct sim_client *client, const struct wake *w,
                      const struct wake *name)
{
    bool has_turn = line_first_turn(client, name) != NULL;

    world_require(is_readable(w) == has_turn,
                  "a wake-up is readable while there is a turn to tell", w->fd,
                  has_turn);
}

void wakes_judge(struct sim_client *client)
{
    for (int i = 0; i < WAKES; i++) {
        if (client->wakes[i].handle != NULL) {
            judge_one(client, &client->wakes[i], &client->wakes[i]);
        }
    }
    if (client->own.fd >= 0) {
        judge_one(client, &client->own, NULL);
    }
}
