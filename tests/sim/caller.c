/*
 * caller - a request, and what it is made of: see caller.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application.h"
#include "caller.h"
#include "sight.h"
#include "world.h"

/*
 * What it deals with.
 */

struct stream *caller_stream(const struct caller *c)
{
    struct stream *end = stream_at(streams_top());
    struct stream *found = NULL;

    for (struct stream *s = stream_at(0); s < end; s++) {
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
 * What its source and its sink do to it.
 */

void caller_take_time(const struct caller *c, bool is_slow)
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
void caller_try_reentry(struct caller *c)
{
    if (c->call != NULL && world_chance(3)) {
        world_require(fcgi_call_advance(c->call) == FCGI_ERR_STATE,
                      "a call is not advanced from within", c->index, 0);
    }
}

int64_t caller_some_time_later(void)
{
    int64_t most = world_chance(3) ? 1500 * MILLISECOND : 30 * MILLISECOND;

    return world_now() + world_between(0, most);
}

void caller_pause(struct caller *c)
{
    c->resume_at = caller_some_time_later();
}

void caller_get_stuck(struct caller *c)
{
    c->is_stuck = true;
    sight_saw(SIGHT_STUCK);
}

/*
 * Making up a request.
 */

static bool knows_length(const struct fcgi_source *body)
{
    return body->read == NULL || body->len > 0;
}

static void prepare_streams(struct caller *c, bool has_body)
{
    struct fcgi_source none = {0};

    feed_begin(&c->body, c);
    feed_begin(&c->data, c);
    if (world_chance(4)) {
        c->request.role = FCGI_ROLE_AUTHORIZER;
    } else if (world_chance(8)) {
        c->request.role = FCGI_ROLE_FILTER;
        c->request.data = feed_prepare(&c->data, c, FOR_DATA);
    }
    c->request.body = has_body && c->request.role != FCGI_ROLE_AUTHORIZER
                          ? feed_prepare(&c->body, c, FOR_BODY)
                          : none;
    c->request.add_content_length =
        world_chance(30) && knows_length(&c->request.body);
    c->entry->tells_length = c->request.add_content_length &&
                             c->request.role != FCGI_ROLE_AUTHORIZER;
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
    bool is_named = world_chance(97);
    size_t len = world_size(world_chance(5) ? 140000 : 300);

    (void)snprintf(c->token, sizeof(c->token), "%016" PRIx64, c->entry->token);
    c->params[0] = (struct fcgi_param)FCGI_PARAM("TOKEN", c->token);
    c->params[1] = (struct fcgi_param)FCGI_PARAM("METHOD", method);
    if (is_named) {
        c->params[1].name = "REQUEST_METHOD";
    }
    c->request.params = c->params;
    c->request.param_count = 2;
    fill_params(c, len);
    if (world_chance(30)) {
        encode_some(c);
    }
    c->entry->to_head = is_named && strcmp(method, "HEAD") == 0;
    c->idempotent =
        is_named && (method[0] != 'P' || strcmp(method, "PUT") == 0);
    prepare_streams(c, world_chance(method[0] == 'P' ? 90 : 10));
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
    own->first_byte_ms = some_limit(c->client->is_patient ? PATIENCE : 500);
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
    c->request.no_abort = world_chance(15);
    c->request.retry = world_chance(60) ? FCGI_RETRY_DEFAULT
                                        : (enum fcgi_retry)world_between(1, 3);
    c->retry = c->request.retry == FCGI_RETRY_DEFAULT ? c->client->config.retry
                                                      : c->request.retry;
    if (c->retry == FCGI_RETRY_DEFAULT) {
        c->retry = FCGI_RETRY_SAFE;
    }
}

/* What follows from the policy. */
static void prepare_entry(struct caller *c)
{
    bool is_safe = c->idempotent && c->can_replay;

    c->entry->must_check = c->retry == FCGI_RETRY_NEVER || !c->can_replay;
    c->entry->wants_new = c->retry == FCGI_RETRY_SAFE && !is_safe;
    c->entry->runs_once = c->retry == FCGI_RETRY_NEVER ||
                          (c->retry == FCGI_RETRY_SAFE && !c->idempotent);
}

/* Of a request that does not begin. */
static int read_nothing(void *context, void *buf, size_t cap, size_t *got)
{
    (void)context;
    (void)buf;
    (void)cap;
    (void)got;
    world_require(false, "what is refused is not read", 0, 0);
    return FCGI_ERR_SOURCE;
}

static void spoil_params(struct caller *c, int flaw,
                         const struct fcgi_param *param)
{
    c->flaw = flaw;
    c->request.params = param;
    c->request.param_count = 1;
}

/* What no request may be. */
static void spoil(struct caller *c)
{
    static const struct fcgi_param long_param = {
        "LONG", "", 4, (size_t)FCGI_PARAM_LEN_MAX + 1};
    static const struct fcgi_param nameless = {.name = "NAME"};
    static const struct fcgi_param lengths[] = {
        FCGI_PARAM("CONTENT_LENGTH", "many"),
        FCGI_PARAM("CONTENT_LENGTH", "1000000")};
    const struct fcgi_source unknown = {.read = read_nothing};

    switch (world_below(6)) {
    case 0:
        c->flaw = FCGI_ERR_ARGUMENT;
        c->request.role = (enum fcgi_role)4;
        break;
    case 1:
        c->flaw = FCGI_ERR_PARAMS_TRUNCATED;
        c->request.encoded_params = (struct fcgi_slice){"\004\001NAM", 5};
        break;
    case 2:
        spoil_params(c, FCGI_ERR_CONTENT_TOO_LONG, &long_param);
        break;
    case 3:
        spoil_params(c, FCGI_ERR_ARGUMENT, &nameless);
        break;
    case 4:
        spoil_params(c, FCGI_ERR_ARGUMENT,
                     &lengths[knows_length(&c->request.body)]);
        break;
    default:
        c->flaw = FCGI_ERR_LENGTH_REQUIRED;
        c->request.role = FCGI_ROLE_FILTER;
        c->request.body = unknown;
        c->request.add_content_length = true;
        break;
    }
}

/* A program may use its response again, with the memory that it has. */
static void prepare_response(struct caller *c)
{
    struct fcgi_response *used = &c->client->used;

    if (used->store != NULL && world_chance(50)) {
        c->response = *used;
        memset(used, 0, sizeof(*used));
        sight_saw(SIGHT_USED_RESPONSE);
    }
}

static void clear_response(struct caller *c)
{
    if (c->client->used.store == NULL) {
        c->client->used = c->response;
    } else {
        fcgi_response_free(&c->response);
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
    prepare_response(c);
    prepare_params(c);
    c->request.sink = drain_prepare(&c->drain, c);
    c->wake = wake_pick(client);
    c->request.wakeup = c->wake == NULL ? NULL : c->wake->handle;
    c->request.context = c;
    prepare_limits(c);
    prepare_amounts(c);
    if (world_chance(1)) {
        spoil(c);
    }
    prepare_entry(c);
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

void caller_clear(struct caller *c)
{
    clear_response(c);
    free(c->filling);
    wire_free(&c->encoded);
    feed_clear(&c->body);
    feed_clear(&c->data);
    c->filling = NULL;
    c->state = VACANT;
}
