/*
 * driver - the host: see driver.h.
 */
#include <string.h>

#include "application.h"
#include "caller.h"
#include "client.h"
#include "crowd.h"
#include "descriptor.h"
#include "driver.h"
#include "judge.h"
#include "network.h"
#include "sight.h"
#include "watch.h"
#include "world.h"

#define CLIENTS 3

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
    bool is_crowded;        /* there will be more calls than usual, once */
    struct caller *blocked; /* NULL: nobody, or one without a request */
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
 * Calls.
 */

static void judge_blocked(void)
{
    if (host.blocked != NULL) {
        judge_limits(host.blocked);
    }
}

static void serve(const struct caller *c)
{
    descriptors_serve(c->client->index, c->index,
                      c->blocks ? judge_blocked : NULL);
}

static void serve_nobody(void)
{
    descriptors_serve(NOBODY, NOBODY, NULL);
}

static void end_call(struct caller *c, int rc)
{
    c->rc = rc;
    c->state = ENDED;
    c->was_short = c->was_short || descriptors_were_short();
    world_note("ends: caller, code, phase", c->index, rc,
               c->response.outcome.phase);
    judge_end(c);
}

static void follow(struct caller *c, int rc)
{
    c->was_short = descriptors_were_short() || c->was_short;
    if (rc == FCGI_WAIT) {
        watch_call(c);
    } else {
        end_call(c, rc);
        world_require(fcgi_call_advance(c->call) == rc,
                      "how a call ended stays", c->index, rc);
    }
    serve_nobody();
}

static void start_call(struct sim_client *client)
{
    struct caller *c = &host.callers[host.started];
    int rc;

    host.started += 1;
    caller_prepare(c, client, false);
    c->pool_was_full = client_queue_is_full(client);
    serve(c);
    world_note("starts: caller, client, body", c->index, client->index,
               (int64_t)c->body.len);
    rc = fcgi_call_start(&c->call, client->handle, &c->request, &c->response);
    caller_forget_params(c);
    if (rc == FCGI_OK) {
        c->state = CALLING;
        follow(c, FCGI_WAIT);
        return;
    }
    end_call(c, rc);
    client_renew(client);
    world_require(c->call == NULL, "what did not start is nothing", rc, 0);
    serve_nobody();
    caller_clear(c);
}

static void advance(struct caller *c)
{
    bool resumes = c->resume_at <= world_now();
    int64_t began = world_now();
    uint64_t notes = world_notes();
    int rc;

    serve(c);
    watch_tell(c);
    world_note("advances: caller, fd, events", c->index, c->fd, c->events);
    if (resumes) {
        c->resume_at = NEVER;
        c->resumed_at = world_now();
        if (c->drain.waits) {
            c->drained_at = world_now();
            sight_saw(SIGHT_WENT_ON);
        }
        rc = fcgi_call_resume(c->call);
    } else {
        rc = fcgi_call_advance(c->call);
    }
    follow(c, rc);
    if (!resumes && rc == FCGI_WAIT) {
        watch_progress(c, began, notes);
    }
}

static void cancel(struct caller *c)
{
    serve(c);
    world_note("cancels: caller", c->index, 0, 0);
    c->cancelled = true;
    if (c->fd >= 0 && descriptor_stream(c->fd) == NULL) {
        sight_saw(SIGHT_QUEUE_LEFT);
    }
    fcgi_call_cancel(c->call);
    follow(c, fcgi_call_advance(c->call));
    world_require(c->rc == FCGI_ERR_CANCELLED, "a cancelled call is cancelled",
                  c->index, c->rc);
}

static void rest(struct stream *s, bool is_handed_on)
{
    stream_rest(s);
    s->stolen = world_stolen();
    s->handed_on = is_handed_on;
    if (is_handed_on) {
        sight_saw(SIGHT_HANDED_ON);
    }
}

/* To free a call that is under way is to cancel it. */
static void abandoned(struct caller *c)
{
    c->cancelled = true;
    sight_saw(SIGHT_ABANDONED);
    end_call(c, FCGI_ERR_CANCELLED);
}

static void free_call(struct caller *c)
{
    struct sim_client *client = c->client;
    struct stream *s = caller_stream(c);
    bool room = client_has_room(client);
    bool waited = client_stats(client).waiting > 0;
    bool ended = c->state == ENDED;

    serve(c);
    world_note("frees: caller", c->index, 0, 0);
    fcgi_call_free(c->call);
    if (!ended) {
        abandoned(c);
    }
    serve_nobody();
    judge_return(c, s, room);
    if (s != NULL && s->client_open) {
        rest(s, waited);
    }
    caller_clear(c);
    client->evict_at = world_now();
}

/* Calls that block. The others wait meanwhile. */

static void rest_streams(int user, bool are_handed_on)
{
    for (int i = 0; i < streams_top(); i++) {
        struct stream *s = stream_at(i);
        if (s->lease.user == user) {
            rest(s, are_handed_on);
        }
    }
}

static void block_on_call(struct sim_client *client)
{
    struct caller *c = &host.callers[host.started];
    bool waited = client_stats(client).waiting > 0;
    int64_t began = world_now();
    int rc;

    host.started += 1;
    caller_prepare(c, client, true);
    c->pool_was_full = client_queue_is_full(client);
    sight_saw(SIGHT_BLOCKED);
    serve(c);
    world_note("blocks: caller, client", c->index, client->index, 0);
    host.blocked = c;
    rc = fcgi_client_do(client->handle, &c->request, &c->response);
    host.blocked = NULL;
    serve_nobody();
    end_call(c, rc);
    world_stole_since(began);
    rest_streams(c->index, waited);
    if (c->response.outcome.phase == FCGI_PHASE_START) {
        client_renew(client);
    }
    caller_clear(c);
    client->evict_at = world_now();
}

static void judge_values(int rc, const struct fcgi_values *values)
{
    bool told = values->max_conns == 10 && values->mpxs_conns == 0;
    bool unknown = values->max_conns == -1 && values->mpxs_conns == -1;

    world_require(rc != FCGI_OK || told || unknown,
                  "values are the application's own", values->max_conns,
                  values->mpxs_conns);
    if (rc == FCGI_OK) {
        sight_saw(told ? SIGHT_VALUES_TOLD : SIGHT_VALUES_UNKNOWN);
    } else {
        sight_saw(rc == FCGI_ERR_PARAMS_TRUNCATED ? SIGHT_VALUES_CUT
                                                  : SIGHT_VALUES_FAILED);
    }
}

static void block_on_values(struct sim_client *client)
{
    int total = client->config.timeouts.total_ms;
    int64_t stolen = world_stolen();
    int64_t began = world_now();
    struct fcgi_values values;
    int rc;

    descriptors_serve(client->index, NOBODY, judge_blocked);
    world_note("asks for values: client", client->index, 0, 0);
    rc = fcgi_client_get_values(client->handle, &values);
    serve_nobody();
    (void)descriptors_were_short();
    world_require(total < 0 || world_now() <= began + total * MILLISECOND +
                                                  TICK + world_stolen() -
                                                  stolen,
                  "the limit of the whole holds", total, world_now() - began);
    world_stole_since(began);
    world_note("values: client, code, multiplexes", client->index, rc,
               values.mpxs_conns);
    judge_values(rc, &values);
    client->evict_at = world_now();
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
    if (host.is_crowded && crowd_has_room(client)) {
        host.is_crowded = false;
        crowd_gather(client);
    } else if (!world_chance(host.blocks)) {
        start_call(client);
    } else if (client->config.timeouts.queue_ms > 0 && world_chance(20)) {
        block_on_values(client);
    } else {
        block_on_call(client);
    }
}

static bool may_start(void)
{
    return host.calls_left > 0 && count_calls() < host.most;
}

static void attend(struct caller *c)
{
    if (c->state == ENDED) {
        free_call(c);
    } else if (world_chance(host.cancels)) {
        if (world_chance(50)) {
            cancel(c);
        } else {
            free_call(c);
        }
    } else {
        advance(c);
    }
}

static bool is_evicting(const struct sim_client *client)
{
    return client->handle != NULL && client->evict_at <= world_now();
}

/* One thing that is due, at random; false: nothing is. */
static bool act(void)
{
    int due[ENTRIES + CLIENTS + 2];
    int count = 0;
    int pick;

    for (int i = 0; i < host.started; i++) {
        if (host.callers[i].state != VACANT && watch_is_due(&host.callers[i])) {
            due[count++] = i;
        }
    }
    for (int i = 0; i < host.client_count; i++) {
        if (is_evicting(&host.clients[i])) {
            due[count++] = ENTRIES + i;
        }
    }
    if (may_start() && host.next_call_at <= world_now()) {
        due[count++] = ENTRIES + CLIENTS;
    }
    if (application_next() <= world_now()) {
        due[count++] = ENTRIES + CLIENTS + 1;
    }
    if (count == 0) {
        return false;
    }
    pick = due[world_below((uint64_t)count)];
    if (pick < ENTRIES) {
        attend(&host.callers[pick]);
    } else if (pick < ENTRIES + CLIENTS) {
        client_evict(&host.clients[pick - ENTRIES]);
    } else if (pick == ENTRIES + CLIENTS) {
        start_something();
    } else {
        application_step();
    }
    return true;
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

static void judge_all(void)
{
    for (int i = 0; i < host.started; i++) {
        if (host.callers[i].state == CALLING) {
            judge_limits(&host.callers[i]);
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
    memset(&host, 0, sizeof(host));
    ledger_begin();
    streams_begin();
    descriptors_begin(world_chance(10) ? 2 : 0, world_chance(30));
    network_begin();
    application_begin();
    host.client_count = (int)world_between(1, CLIENTS);
    host.calls_left = (int)world_between(1, world_chance(50) ? 10 : 50);
    host.most = (int)world_between(1, 12);
    host.pace = world_between(0, 50 * MILLISECOND);
    host.cancels = some_percent();
    host.closes = some_percent() * 5;
    host.blocks = some_percent();
    host.lateness = world_chance(70) ? 0 : world_between(1, 20 * MILLISECOND);
    host.is_crowded = world_chance(2);
    watch_begin(world_chance(40));
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
