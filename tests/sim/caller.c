/*
 * caller - a request, its source and its sink: see caller.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <poll.h>

#include "application.h"
#include "caller.h"
#include "descriptor.h"
#include "sight.h"
#include "world.h"

/*
 * What it deals with.
 */

struct stream *caller_stream(const struct caller *c)
{
    struct stream *found = NULL;

    for (int i = 0; i < streams_top(); i++) {
        struct stream *s = stream_at(i);
        if (s->lease.user == c->index &&
            (found == NULL || s->serial > found->serial)) {
            found = s;
        }
    }
    return found;
}

const struct answer *caller_answer(const struct caller *c)
{
    const struct stream *s = caller_stream(c);

    return s == NULL ? NULL : application_answer(s, c->entry);
}

/*
 * Sources.
 */

static void take_time(const struct caller *c, bool is_slow)
{
    struct stream *s = caller_stream(c);
    int64_t us = world_between(0, 20 * MILLISECOND);

    if (is_slow && world_chance(20)) {
        world_steal(us);
        if (s != NULL) {
            stream_forgive(s, us);
        }
    }
}

/* None of a call's functions may be called from within. */
static void try_reentry(struct caller *c)
{
    if (c->call != NULL && world_chance(3)) {
        world_require(fcgi_call_advance(c->call) == FCGI_ERR_STATE,
                      "a call is not advanced from within", c->index, 0);
    }
}

static int64_t some_time_later(void)
{
    return world_now() + world_between(0, 30 * MILLISECOND);
}

static void pause_for_a_while(struct caller *c)
{
    c->resume_at = some_time_later();
}

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

static void get_stuck(struct caller *c)
{
    c->is_stuck = true;
    sight_saw(SIGHT_STUCK);
}

/* Who blocks is not resumed: he listens to a bell, or waits for ever. */
static void wait_for_more(struct feed *feed)
{
    feed->waits = true;
    sight_saw(SIGHT_SOURCE_WAITED);
    if (!feed->caller->blocks) {
        pause_for_a_while(feed->caller);
    } else if (feed->bell >= 0) {
        descriptor_ring_at(feed->bell, some_time_later());
    } else {
        get_stuck(feed->caller);
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
    take_time(feed->caller, feed->is_slow);
    try_reentry(feed->caller);
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

/*
 * Sinks.
 */

static int end_drain(struct caller *c)
{
    c->cancelled = true;
    sight_saw(SIGHT_CANCELLED_INSIDE);
    if (!c->drain.calls_cancel || c->call == NULL) {
        return 1;
    }
    fcgi_call_cancel(c->call);
    return 0;
}

static int take_head(void *context, const struct fcgi_response *response)
{
    struct caller *c = context;
    const struct answer *answer = caller_answer(c);

    take_time(c, c->drain.is_slow);
    try_reentry(c);
    c->drain.heads += 1;
    world_require(c->drain.heads == 1, "a head is told once", c->index, 0);
    world_require(answer != NULL && response->status == answer->status,
                  "a head is the answer's own", c->index, response->status);
    return world_chance(2) ? end_drain(c) : 0;
}

/* How much to take of what is offered. Who blocks is offered again at once what
 * he did not take, and has to take some of that. */
static size_t some_of(struct caller *c, size_t len)
{
    size_t taken = len;

    if (c->drain.pauses && world_chance(30)) {
        taken = (size_t)world_below(len + 1);
    }
    if (c->blocks && c->drain.waits && c->drain.is_full) {
        get_stuck(c);
        return 0;
    }
    if (c->blocks && c->drain.waits && taken == 0) {
        taken = 1;
    }
    return taken;
}

static int take_body(void *context, const void *data, size_t *len)
{
    struct caller *c = context;
    const struct answer *answer = caller_answer(c);
    size_t taken = some_of(c, *len);

    take_time(c, c->drain.is_slow);
    try_reentry(c);
    world_require(
        answer != NULL && *len > 0 &&
            c->drain.body_at + *len <= answer->body_len &&
            memcmp(data,
                   answer->text.data + answer->head_len + c->drain.body_at,
                   *len) == 0,
        "a body is the answer's own", c->index, (int64_t)c->drain.body_at);
    c->drain.body_at += taken;
    if (c->drain.body_at >= c->drain.ends_at) {
        return end_drain(c);
    }
    c->drain.waits = taken < *len;
    if (c->drain.waits) {
        sight_saw(SIGHT_PAUSED);
        pause_for_a_while(c);
    }
    *len = taken;
    return 0;
}

static int take_errors(void *context, const void *data, size_t len)
{
    struct caller *c = context;
    const struct answer *answer = caller_answer(c);
    size_t at = c->drain.errors_at;

    take_time(c, c->drain.is_slow);
    world_require(answer != NULL && at + len <= answer->errors.len &&
                      memcmp(data, answer->errors.data + at, len) == 0,
                  "stderr is the answer's own", c->index, (int64_t)at);
    c->drain.errors_at += len;
    return 0;
}

/*
 * Making up a request.
 */

static size_t somewhere(size_t len, unsigned percent)
{
    return world_chance(percent) ? (size_t)world_below(len + 1) : SIZE_MAX;
}

static struct fcgi_source memory_source(struct feed *feed)
{
    struct fcgi_source source = {.len = feed->len};

    feed->memory = malloc(feed->len + 1);
    ledger_fill(feed->memory, feed->key, 0, feed->len);
    source.data = feed->memory;
    feed->replays = true;
    return source;
}

static struct fcgi_source read_source(struct feed *feed)
{
    struct fcgi_source source = {.read = read_feed, .context = feed};

    feed->replays = world_chance(50);
    feed->sticks = world_chance(10);
    feed->pauses = world_chance(30);
    feed->is_slow = world_chance(10);
    feed->ends_at = somewhere(feed->len, 5);
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

static struct fcgi_source prepare_feed(struct caller *c, struct feed *feed,
                                       enum purpose purpose)
{
    memset(feed, 0, sizeof(*feed));
    feed->caller = c;
    feed->key = ledger_key(c->entry->token, purpose, 0);
    feed->len = world_size(200000);
    feed->ends_at = SIZE_MAX;
    feed->bell = -1;
    return world_chance(40) ? memory_source(feed) : read_source(feed);
}

static void prepare_streams(struct caller *c, bool has_body)
{
    struct fcgi_source none = {0};

    c->body.replays = c->data.replays = true;
    c->body.bell = c->data.bell = -1;
    if (world_chance(4)) {
        c->request.role = FCGI_ROLE_AUTHORIZER;
    } else if (world_chance(8)) {
        c->request.role = FCGI_ROLE_FILTER;
        c->request.data = prepare_feed(c, &c->data, FOR_DATA);
    }
    c->request.body = has_body && c->request.role != FCGI_ROLE_AUTHORIZER
                          ? prepare_feed(c, &c->body, FOR_BODY)
                          : none;
    c->can_replay = c->body.replays && c->data.replays;
    c->entry->role =
        c->request.role == 0 ? FCGI_ROLE_RESPONDER : (int)c->request.role;
    c->entry->body_len = c->body.len;
    c->entry->data_len = c->data.len;
}

/* The first of them come encoded. */
static void encode_some(struct caller *c)
{
    size_t count = 1 + (size_t)world_below(c->request.param_count);

    for (size_t i = 0; i < count; i++) {
        const struct fcgi_param *param = &c->params[i];
        size_t len = param->value_len == FCGI_STRLEN ? strlen(param->value)
                                                     : param->value_len;
        wire_pair(&c->encoded, param->name, strlen(param->name), param->value,
                  len);
    }
    c->request.encoded_params =
        (struct fcgi_slice){(const char *)c->encoded.data, c->encoded.len};
    c->request.params += count;
    c->request.param_count -= count;
}

/* Cut `len` bytes into params. */
static void fill_params(struct caller *c, size_t len)
{
    size_t at = 0;

    c->filling = malloc(len + 1);
    ledger_fill(c->filling, ledger_key(c->entry->token, FOR_PARAMS, 0), 0, len);
    while (at < len) {
        struct fcgi_param *param = &c->params[c->request.param_count];
        c->request.param_count += 1;
        *param = (struct fcgi_param)FCGI_PARAM("FILL", c->filling + at);
        param->value_len = c->request.param_count == PARAMS
                               ? len - at
                               : 1 + (size_t)world_below(len - at);
        at += param->value_len;
    }
    c->entry->params_len = len;
}

static void prepare_params(struct caller *c)
{
    static const char *const methods[] = {"GET",  "GET",   "HEAD", "PUT",
                                          "POST", "PATCH", "POST", "GET"};
    const char *method = methods[world_below(8)];
    size_t len = world_size(world_chance(5) ? 140000 : 300);

    (void)snprintf(c->token, sizeof(c->token), "%016" PRIx64, c->entry->token);
    c->params[0] = (struct fcgi_param)FCGI_PARAM("TOKEN", c->token);
    c->params[1] = (struct fcgi_param)FCGI_PARAM("REQUEST_METHOD", method);
    c->request.params = c->params;
    c->request.param_count = 2;
    fill_params(c, len);
    if (world_chance(30)) {
        encode_some(c);
    }
    c->entry->to_head = strcmp(method, "HEAD") == 0;
    c->idempotent = method[0] != 'P' || strcmp(method, "PUT") == 0;
    prepare_streams(c, world_chance(method[0] == 'P' ? 90 : 10));
}

static void prepare_sink(struct caller *c)
{
    struct drain *drain = &c->drain;

    drain->takes_head = world_chance(30);
    drain->takes_body = world_chance(50);
    drain->takes_errors = world_chance(30);
    drain->pauses = world_chance(40);
    drain->is_slow = world_chance(10);
    drain->ends_at = somewhere(5000, 5);
    drain->calls_cancel = world_chance(50);
    drain->is_full = world_chance(5);
    c->request.sink.head = drain->takes_head ? take_head : NULL;
    c->request.sink.body = drain->takes_body ? take_body : NULL;
    c->request.sink.stderr_data = drain->takes_errors ? take_errors : NULL;
    c->request.sink.context = c;
}

/* What is collected has its limits. */
static void prepare_amounts(struct caller *c)
{
    if (world_chance(10)) {
        c->request.limits.body_len = world_between(1, 2000);
    }
    if (world_chance(10)) {
        c->request.limits.stderr_len = world_between(1, 500);
    }
}

static int some_limit(int usual)
{
    return world_chance(70) ? 0 : (int)world_between(1, usual);
}

static int resolve(int own, int other)
{
    return own == 0 ? other : own;
}

/* Whatever blocks is bounded: in this one thread nobody else goes on. */
static void prepare_limits(struct caller *c)
{
    struct fcgi_timeouts *own = &c->request.timeouts;
    const struct fcgi_timeouts *others = &c->client->config.timeouts;

    own->connect_ms = some_limit(200);
    own->write_ms = some_limit(300);
    own->first_byte_ms = some_limit(500);
    own->idle_ms = some_limit(500);
    own->total_ms = some_limit(600);
    own->queue_ms = c->blocks ? 50 : some_limit(400);
    c->limits.connect_ms = resolve(own->connect_ms, others->connect_ms);
    c->limits.write_ms = resolve(own->write_ms, others->write_ms);
    c->limits.first_byte_ms =
        resolve(own->first_byte_ms, others->first_byte_ms);
    c->limits.idle_ms = resolve(own->idle_ms, others->idle_ms);
    c->limits.total_ms = resolve(own->total_ms, others->total_ms);
    c->limits.queue_ms = resolve(own->queue_ms, others->queue_ms);
    c->request.retry = world_chance(60) ? FCGI_RETRY_DEFAULT
                                        : (enum fcgi_retry)world_between(1, 3);
    c->retry = c->request.retry == FCGI_RETRY_DEFAULT ? c->client->config.retry
                                                      : c->request.retry;
    if (c->retry == FCGI_RETRY_DEFAULT) {
        c->retry = FCGI_RETRY_STALE;
    }
}

/* What no request may be. */
static void spoil(struct caller *c)
{
    static const struct fcgi_param long_param = {
        "LONG", "", 4, (size_t)FCGI_PARAM_LEN_MAX + 1};

    switch (world_below(3)) {
    case 0:
        c->flaw = FCGI_ERR_ARGUMENT;
        c->request.role = (enum fcgi_role)4;
        break;
    case 1:
        c->flaw = FCGI_ERR_PARAMS_TRUNCATED;
        c->request.encoded_params = (struct fcgi_slice){"\004\001NAM", 5};
        break;
    default:
        c->flaw = FCGI_ERR_CONTENT_TOO_LONG;
        c->request.params = &long_param;
        c->request.param_count = 1;
        break;
    }
}

void caller_prepare(struct caller *c, struct sim_client *client, bool blocks)
{
    memset(c, 0, sizeof(*c));
    c->index = ledger_count();
    c->entry = ledger_open();
    c->entry->keeps = client->config.pool.max_idle != -1;
    c->client = client;
    c->blocks = blocks;
    c->failures = client->memory.failures;
    c->resume_at = NEVER;
    c->fd = -1;
    prepare_params(c);
    prepare_sink(c);
    prepare_limits(c);
    prepare_amounts(c);
    if (world_chance(1)) {
        spoil(c);
    }
    c->entry->must_check =
        c->retry == FCGI_RETRY_NEVER || !c->can_replay ||
        (c->retry == FCGI_RETRY_IDEMPOTENT && !c->idempotent);
    c->started = world_now();
    c->stolen = world_stolen();
}

void caller_forget_params(struct caller *c)
{
    memset(c->token, '?', sizeof(c->token));
    memset(c->params, '?', sizeof(c->params));
    memset(c->filling, '?', c->entry->params_len);
    if (c->encoded.len > 0) {
        memset(c->encoded.data, '?', c->encoded.len);
    }
}

bool caller_was_starved(const struct caller *c)
{
    return c->client->memory.failures > c->failures;
}

static void clear_feed(struct feed *feed)
{
    if (feed->bell >= 0) {
        (void)descriptor_close(feed->bell);
    }
    free(feed->memory);
    feed->memory = NULL;
}

void caller_clear(struct caller *c)
{
    fcgi_response_free(&c->response);
    free(c->filling);
    wire_free(&c->encoded);
    clear_feed(&c->body);
    clear_feed(&c->data);
    c->filling = NULL;
    c->state = VACANT;
}
