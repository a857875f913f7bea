/*
 * driver - the host: see driver.h.
 */
#include <string.h>

#include "application.h"
#include "caller.h"
#include "calls.h"
#include "descriptor.h"
#include "driver.h"
#include "excess.h"
#include "judge.h"
#include "line.h"
#include "network.h"
#include "sim_client.h"
#include "watch.h"
#include "world.h"

#define CLIENTS 3

/* What may be due: a call, and then: */
enum {
    EVICTION = ENTRIES,
    WAKE = EVICTION + CLIENTS,
    START = WAKE + CLIENTS * WAKES,
    APPLICATION,
    DUES
};

static struct {
    struct sim_client clients[CLIENTS];
    int client_count;
    struct caller callers[ENTRIES];
    int started; /* callers used so far */
    int calls_left;
    int64_t next_call_at;
    int64_t pace;                     /* between calls */
    int most;                         /* calls at a time */
    unsigned cancels, closes, blocks; /* in percent */
    int64_t lateness;
    bool is_crowded; /* there will be more calls than usual, once */
} host;

static bool is_used(const struct sim_client *client)
{
    for (int i = 0; i < host.started; i++) {
        if (host.callers[i].state != VACANT &&
            host.callers[i].client == client) {
            return true;
        }
    }
    return false;
}

/*
 * The loop.
 */

static int count_calls(void)
{
    int count = 0;

    for (int i = 0; i < host.started; i++) {
        count += host.callers[i].state != VACANT;
    }
    return count;
}

static struct caller *next_caller(void)
{
    host.started += 1;
    return &host.callers[host.started - 1];
}

static void start_something(void)
{
    struct sim_client *client =
        &host.clients[world_below((uint64_t)host.client_count)];

    host.calls_left -= 1;
    host.next_call_at =
        world_now() + (world_chance(50) ? 0 : world_between(0, host.pace));
    if (client->is_closed && !is_used(client)) {
        client_free(client);
        client_open(client);
    }
    if (host.is_crowded && excess_has_room(client)) {
        host.is_crowded = false;
        excess_begin_and_give_up(client);
    } else if (!world_chance(host.blocks)) {
        call_start(next_caller(), client);
    } else if (client->config.timeouts.queue_ms > 0 && world_chance(20)) {
        call_for_values(client);
    } else {
        call_block(next_caller(), client);
    }
}

static bool may_start(void)
{
    return host.calls_left > 0 && count_calls() < host.most;
}

static void attend(struct caller *c)
{
    if (c->state == ENDED) {
        call_free(c);
    } else if (world_chance(host.cancels)) {
        if (world_chance(50)) {
            call_cancel(c);
        } else {
            call_free(c);
        }
    } else {
        call_advance(c);
    }
}

static bool is_evicting(const struct sim_client *client)
{
    return client->handle != NULL && client->evict_at <= world_now();
}

static int list_due(int *due)
{
    int count = 0;

    for (int i = 0; i < host.started; i++) {
        if (host.callers[i].state != VACANT && watch_is_due(&host.callers[i])) {
            due[count++] = i;
        }
    }
    for (int i = 0; i < host.client_count; i++) {
        if (is_evicting(&host.clients[i])) {
            due[count++] = EVICTION + i;
        }
        for (int k = 0; k < WAKES; k++) {
            if (wake_is_due(&host.clients[i].wakes[k])) {
                due[count++] = WAKE + i * WAKES + k;
            }
        }
    }
    if (may_start() && host.next_call_at <= world_now()) {
        due[count++] = START;
    }
    if (application_next() <= world_now()) {
        due[count++] = APPLICATION;
    }
    return count;
}

static void take_up(int due)
{
    if (due < EVICTION) {
        attend(&host.callers[due]);
    } else if (due < WAKE) {
        client_evict(&host.clients[due - EVICTION]);
    } else if (due < START) {
        struct sim_client *client = &host.clients[(due - WAKE) / WAKES];
        wake_ask(client, &client->wakes[(due - WAKE) % WAKES]);
    } else if (due == START) {
        start_something();
    } else {
        application_step();
    }
}

/* One thing that is due, at random; false: nothing is. */
static bool act(void)
{
    int due[DUES];
    int count = list_due(due);

    if (count > 0) {
        take_up(due[world_below((uint64_t)count)]);
    }
    return count > 0;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_moment(void)
{
    int64_t next = application_next();

    for (int i = 0; i < host.started; i++) {
        const struct caller *c = &host.callers[i];
        if (c->state == CALLING) {
            next = sooner(next, sooner(c->until, c->resume_at));
        }
    }
    for (int i = 0; i < host.client_count; i++) {
        if (host.clients[i].handle != NULL) {
            next = sooner(next, host.clients[i].evict_at);
        }
    }
    return may_start() ? sooner(next, host.next_call_at) : next;
}

/* A call whose turn has come hears of it. */
static void judge_turn(const struct caller *c)
{
    world_require(!line_has_turn(c) || watch_is_due(c) ||
                      (c->wake != NULL && wake_is_due(c->wake)),
                  "a turn is told", c->index, 0);
}

static void judge_all(void)
{
    for (int i = 0; i < host.started; i++) {
        if (host.callers[i].state == CALLING) {
            judge_limits(&host.callers[i]);
            judge_turn(&host.callers[i]);
        }
    }
    for (int i = 0; i < host.client_count; i++) {
        if (host.clients[i].handle != NULL) {
            judge_pool(&host.clients[i], host.callers, host.started);
        }
    }
}

static void intervene(void)
{
    struct sim_client *client =
        &host.clients[world_below((uint64_t)host.client_count)];

    if (world_chance(host.closes) && world_chance(1) && !client->is_closed) {
        client_close(client);
    }
    if (host.lateness > 0 && world_chance(3)) {
        world_steal(world_between(0, host.lateness));
    }
}

static void run(void)
{
    while (host.calls_left > 0 || count_calls() > 0) {
        int64_t next;
        intervene();
        if (!act()) {
            next = next_moment();
            world_require(next != NEVER, "nothing hangs", count_calls(), 0);
            world_reach(next);
        }
        judge_all();
    }
}

/*
 * A world.
 */

static unsigned some_percent(void)
{
    static const unsigned percents[] = {0, 0, 1, 10};

    return percents[world_below(4)];
}

static void begin(void)
{
    bool is_long = world_chance(2);

    memset(&host, 0, sizeof(host));
    ledger_begin();
    streams_begin();
    descriptors_begin(world_chance(10) ? 2 : 0, world_chance(30));
    network_begin();
    application_begin(is_long);
    host.client_count = is_long ? 1 : (int)world_between(1, CLIENTS);
    host.calls_left =
        is_long ? ENTRIES : (int)world_between(1, world_chance(50) ? 10 : 50);
    host.most = (int)world_between(1, 12);
    host.pace = world_between(0, 50 * MILLISECOND);
    host.cancels = some_percent();
    host.closes = some_percent() * 5;
    host.blocks = some_percent();
    host.lateness = world_chance(70) ? 0 : world_between(1, 20 * MILLISECOND);
    host.is_crowded = world_chance(2);
    watch_begin(world_chance(40));
    line_begin();
    host.next_call_at = world_now();
    for (int i = 0; i < host.client_count; i++) {
        host.clients[i].index = i;
        client_open(&host.clients[i]);
    }
}

static void end(void)
{
    for (int i = 0; i < host.client_count; i++) {
        client_free(&host.clients[i]);
    }
    world_require(descriptors_open() == 0, "no descriptor is leaked",
                  descriptors_open(), 0);
    world_require(network_unreleased() == 0, "no address is leaked",
                  network_unreleased(), 0);
    while (application_next() != NEVER) {
        application_pass(NEVER);
    }
    world_require(streams_in_use() == 0, "the application is left alone",
                  streams_in_use(), 0);
    judge_runs();
}

uint64_t driver_run(uint64_t seed, bool aloud)
{
    uint64_t hash;

    world_begin(seed, aloud);
    begin();
    run();
    end();
    hash = world_hash();
    world_end();
    return hash;
}
