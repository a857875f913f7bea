/*
 * driver - the host: see driver.h.
 */
#include <poll.h>
#include <string.h>

#include "application.h"
#include "caller.h"
#include "descriptor.h"
#include "driver.h"
#include "judge.h"
#include "network.h"
#include "world.h"

#define CLIENTS 3
#define CALLS_MAX (ENTRIES - CLIENTS)
#define IDLE_TURNS_MAX 50

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
    bool by_edges;   /* it hears of changes alone */
    uint64_t queued; /* callers, so far */
} host;

/*
 * Clients.
 */

static bool is_idle(const struct stream *s, const struct sim_client *client)
{
    return s->state == CONNECTED && s->client_open &&
           s->client == client->index && s->lease.user == NOBODY &&
           !s->handed_on;
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

static void hear_trace(void *context, const struct fcgi_trace_event *event)
{
    static const int sights[] = {
        [FCGI_TRACE_REUSED] = SIGHT_REUSED,
        [FCGI_TRACE_STALE] = SIGHT_CHECKED_STALE,
        [FCGI_TRACE_EVICTED] = SIGHT_EVICTED,
    };
    const struct sim_client *client = context;

    if (event->kind == FCGI_TRACE_REUSED) {
        hear_reuse(client, event->fd);
    } else if (event->kind == FCGI_TRACE_STALE) {
        hear_stale(client);
    }

    world_note("trace: client, kind, error", client->index, event->kind,
               event->error);
    if (event->kind == FCGI_TRACE_REUSED || event->kind == FCGI_TRACE_STALE ||
        event->kind == FCGI_TRACE_EVICTED) {
        world_saw((enum sight)sights[event->kind]);
    }
}

/* 0, off, or something small. */
static int some_number(int most)
{
    return world_chance(40) ? 0 : (int)world_between(1, most);
}

static void configure_pool(struct sim_client *client)
{
    struct fcgi_pool_config *pool = &client->config.pool;

    pool->max_idle = world_chance(10) ? -1 : some_number(4);
    pool->idle_timeout_ms = world_chance(10) ? -1 : some_number(100);
    pool->max_age_ms = world_chance(70) ? 0 : some_number(200);
    pool->max_requests = world_chance(70) ? 0 : some_number(5);
    pool->max_open = some_number(4);
    pool->max_waiting = world_chance(70) ? 0 : some_number(4);
    pool->evict_by_host = true;
    pool->trace = hear_trace;
    pool->trace_context = client;
    pool->allocator = counting_allocator(&client->memory);
}

/* The whole may be unlimited; but what is silent has to end, or the host waits
 * for ever. */
static void configure_limits(struct fcgi_timeouts *limits)
{
    limits->connect_ms = (int)world_between(1, 300);
    limits->write_ms = (int)world_between(1, 400);
    limits->first_byte_ms = (int)world_between(1, 600);
    limits->idle_ms = (int)world_between(1, 600);
    limits->total_ms = world_chance(70) ? -1 : (int)world_between(1, 800);
    limits->queue_ms = world_chance(50) ? -1 : (int)world_between(1, 300);
}

static void open_client(struct sim_client *client)
{
    int index = client->index;
    const char *address;

    memset(client, 0, sizeof(*client));
    client->index = index;
    client->evict_at = NEVER;
    configure_pool(client);
    configure_limits(&client->config.timeouts);
    client->config.retry = (enum fcgi_retry)world_below(4);
    world_note("client opens: client, max open, max idle", index,
               client->config.pool.max_open, client->config.pool.max_idle);
    address = network_pick(&client->addresses);
    world_require(fcgi_client_new(&client->handle, address, &client->config) ==
                      FCGI_OK,
                  "a client is made", index, 0);
    if (world_chance(5)) {
        client->memory.fail_at =
            client->memory.calls + (size_t)world_between(1, 100);
    }
}

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

static void free_client(struct sim_client *client)
{
    world_note("client is freed: client", client->index, 0, 0);
    descriptors_serve(client->index, NOBODY, false);
    fcgi_client_free(client->handle);
    client->handle = NULL;
    world_require(client->memory.blocks == 0, "no memory is leaked",
                  (int64_t)client->memory.blocks,
                  (int64_t)client->memory.bytes);
}

static void close_client(struct sim_client *client)
{
    world_note("client closes: client", client->index, 0, 0);
    world_saw(SIGHT_CLIENT_CLOSED);
    client->is_closed = true;
    fcgi_client_close(client->handle);
}

static void evict(struct sim_client *client)
{
    int ms = fcgi_pool_evict(fcgi_client_pool(client->handle));

    world_note("evict: client, next", client->index, ms, 0);
    client->evict_at = ms < 0 ? NEVER : world_now() + ms * MILLISECOND;
}

/*
 * Watching.
 */

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

    c->is_armed = host.by_edges && same;
    c->fd = fd;
    c->events = events;
    c->identity = fd < 0 ? 0 : descriptor_identity(fd);
}

static void note_pending(struct caller *c)
{
    bool pending = (c->events & FCGI_EVENT_WRITE) != 0;

    if (!pending) {
        c->pending_since = NEVER;
    } else if (c->pending_since == NEVER) {
        c->pending_since = world_now();
    }
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

static void observe(struct caller *c)
{
    int fd = fcgi_call_fd(c->call);
    int ms = fcgi_call_timeout_ms(c->call);
    struct stream *s;

    check_watch(c, fd);
    arm(c, fd, fcgi_call_events(c->call));
    c->until = ms < 0 ? NEVER : world_now() + ms * MILLISECOND;
    world_require((fd < 0) == (c->events == 0),
                  "a descriptor is told with its events", fd, c->events);
    world_require(fd >= 0 || ms >= 0 || c->resume_at != NEVER,
                  "whoever waits waits for something", c->index, 0);
    s = fd < 0 ? NULL : descriptor_stream(fd);
    if (s != NULL) {
        stream_serve(s, c->index);
        note_pending(c);
        check_work(c, s);
    } else if (fd >= 0) {
        c->queued = c->queued == 0 ? ++host.queued : c->queued;
        world_saw(SIGHT_QUEUED);
    }
}

static bool is_ready(const struct caller *c)
{
    short events = 0;

    if (c->fd < 0) {
        return false;
    }
    if (c->is_armed) {
        world_saw(SIGHT_EDGES);
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

static bool is_due(const struct caller *c)
{
    return c->state == ENDED || c->until <= world_now() ||
           c->resume_at <= world_now() || is_ready(c);
}

/*
 * Calls.
 */

static void serve(const struct caller *c)
{
    descriptors_serve(c->client->index, c->index, c->blocks);
}

static void serve_nobody(void)
{
    descriptors_serve(NOBODY, NOBODY, false);
}

static struct fcgi_pool_stats stats_of(const struct sim_client *client)
{
    struct fcgi_pool_stats stats;

    fcgi_pool_get_stats(fcgi_client_pool(client->handle), &stats);
    return stats;
}

static bool queue_is_full(const struct sim_client *client)
{
    int most = client->config.pool.max_waiting;

    return most > 0 && stats_of(client).waiting >= (size_t)most;
}

static void end_call(struct caller *c, int rc)
{
    c->rc = rc;
    c->was_short = c->was_short || descriptors_were_short();
    world_note("ends: caller, code, phase", c->index, rc,
               c->response.outcome.phase);
    judge_end(c);
    c->state = ENDED;
}

static void follow(struct caller *c, int rc)
{
    c->was_short = descriptors_were_short() || c->was_short;
    if (rc == FCGI_WAIT) {
        observe(c);
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
    c->pool_was_full = queue_is_full(client);
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
    world_require(c->call == NULL, "what did not start is nothing", rc, 0);
    serve_nobody();
    caller_clear(c);
}

/* A turn that brings nothing and asks for another at once is a spin. */
static void check_progress(struct caller *c, int64_t began, uint64_t notes)
{
    bool moved = world_notes() != notes + 1 || world_now() > began + TICK;

    c->idle_turns = moved ? 0 : c->idle_turns + 1;
    world_require(c->idle_turns < IDLE_TURNS_MAX, "a call does not spin",
                  c->index, c->fd);
}

static void mark_edges(struct caller *c)
{
    if (c->fd >= 0) {
        c->read_edges = descriptor_edges(c->fd, true);
        c->write_edges = descriptor_edges(c->fd, false);
    }
}

static void advance(struct caller *c)
{
    bool resumes = c->resume_at <= world_now();
    int64_t began = world_now();
    uint64_t notes = world_notes();
    int rc;

    serve(c);
    mark_edges(c);
    world_note("advances: caller, fd, events", c->index, c->fd, c->events);
    if (resumes) {
        c->resume_at = NEVER;
        c->resumed_at = world_now();
        if (c->drain.waits) {
            c->drained_at = world_now();
        }
        rc = fcgi_call_resume(c->call);
    } else {
        rc = fcgi_call_advance(c->call);
    }
    follow(c, rc);
    if (!resumes && rc == FCGI_WAIT) {
        check_progress(c, began, notes);
    }
}

static void cancel(struct caller *c)
{
    serve(c);
    world_note("cancels: caller", c->index, 0, 0);
    c->cancelled = true;
    if (c->fd >= 0 && descriptor_stream(c->fd) == NULL) {
        world_saw(SIGHT_QUEUE_LEFT);
    }
    fcgi_call_cancel(c->call);
    follow(c, fcgi_call_advance(c->call));
    world_require(c->rc == FCGI_ERR_CANCELLED, "a cancelled call is cancelled",
                  c->index, c->rc);
}

static bool has_room(const struct sim_client *client)
{
    struct fcgi_pool_stats stats = stats_of(client);
    int most = client->config.pool.max_idle;

    return stats.waiting > 0 || most == 0 || (int)stats.idle < most;
}

static void rest(struct stream *s, bool is_handed_on)
{
    stream_rest(s);
    s->stolen = world_stolen();
    s->handed_on = is_handed_on;
    if (is_handed_on) {
        world_saw(SIGHT_HANDED_ON);
    }
}

static void free_call(struct caller *c)
{
    struct sim_client *client = c->client;
    struct stream *s = caller_stream(c);
    bool room = has_room(client);
    bool waited = stats_of(client).waiting > 0;
    bool ended = c->state == ENDED;

    serve(c);
    world_note("frees: caller", c->index, 0, 0);
    fcgi_call_free(c->call);
    serve_nobody();
    c->entry->may_have_run = c->response.outcome.may_have_run;
    if (ended) {
        judge_return(c, s, room);
    } else if (s != NULL) {
        world_require(!s->client_open,
                      "an abandoned request's connection is closed", c->index,
                      s->index);
    }
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
    bool waited = stats_of(client).waiting > 0;
    int64_t began = world_now();
    int rc;

    host.started += 1;
    caller_prepare(c, client, true);
    c->pool_was_full = queue_is_full(client);
    world_saw(SIGHT_BLOCKED);
    serve(c);
    world_note("blocks: caller, client", c->index, client->index, 0);
    rc = fcgi_client_do(client->handle, &c->request, &c->response);
    serve_nobody();
    end_call(c, rc);
    world_stole_since(began);
    rest_streams(c->index, waited);
    caller_clear(c);
    client->evict_at = world_now();
}

static void block_on_values(struct sim_client *client)
{
    int64_t began = world_now();
    struct fcgi_values values;
    int rc;

    descriptors_serve(client->index, NOBODY, true);
    world_note("asks for values: client", client->index, 0, 0);
    rc = fcgi_client_get_values(client->handle, &values);
    serve_nobody();
    (void)descriptors_were_short();
    world_stole_since(began);
    world_note("values: client, code, multiplexes", client->index, rc,
               values.mpxs_conns);
    world_require(rc != FCGI_OK || values.mpxs_conns <= 0,
                  "values are the application's own", values.mpxs_conns, 0);
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
        free_client(client);
        open_client(client);
    }
    if (!world_chance(host.blocks)) {
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
        if (host.callers[i].state != VACANT && is_due(&host.callers[i])) {
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
        evict(&host.clients[pick - ENTRIES]);
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
        close_client(client);
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
    host.by_edges = world_chance(40);
    host.next_call_at = world_now();
    for (int i = 0; i < host.client_count; i++) {
        host.clients[i].index = i;
        open_client(&host.clients[i]);
    }
}

static void end(void)
{
    for (int i = 0; i < host.client_count; i++) {
        free_client(&host.clients[i]);
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
