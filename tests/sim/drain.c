/*
 * drain - a sink and its moods: see drain.h.
 */
#include <string.h>

#include "caller.h"
#include "drain.h"
#include "sight.h"
#include "world.h"

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

    caller_take_time(c, c->drain.is_slow);
    caller_try_reentry(c);
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
        caller_get_stuck(c);
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

    caller_take_time(c, c->drain.is_slow);
    caller_try_reentry(c);
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
        caller_pause(c);
    }
    *len = taken;
    return 0;
}

static int take_errors(void *context, const void *data, size_t len)
{
    struct caller *c = context;
    const struct answer *answer = caller_answer(c);
    size_t at = c->drain.errors_at;

    caller_take_time(c, c->drain.is_slow);
    world_require(answer != NULL && at + len <= answer->errors.len &&
                      memcmp(data, answer->errors.data + at, len) == 0,
                  "stderr is the answer's own", c->index, (int64_t)at);
    c->drain.errors_at += len;
    return 0;
}

struct fcgi_sink drain_prepare(struct drain *drain, struct caller *c)
{
    struct fcgi_sink sink = {.context = c};

    drain->takes_head = world_chance(30);
    drain->takes_body = world_chance(50);
    drain->takes_errors = world_chance(30);
    drain->pauses = world_chance(40);
    drain->is_slow = world_chance(10);
    drain->ends_at = world_chance(5) ? (size_t)world_below(5001) : SIZE_MAX;
    drain->calls_cancel = world_chance(50);
    drain->is_full = world_chance(5);
    sink.head = drain->takes_head ? take_head : NULL;
    sink.body = drain->takes_body ? take_body : NULL;
    sink.stderr_data = drain->takes_errors ? take_errors : NULL;
    return sink;
}
