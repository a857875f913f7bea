/*
 * calls - what a host does with its calls: see calls.h.
 */
#include "calls.h"
#include "descriptor.h"
#include "judge.h"
#include "line.h"
#include "sight.h"
#include "watch.h"
#include "world.h"

/* NULL: nobody, or one without a request. */
static struct caller *blocked;

static void judge_blocked(bool begins)
{
    if (blocked != NULL) {
        judge_limits(blocked);
        judge_block(blocked, begins);
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
    judge_step(c, rc);
    if (rc == FCGI_WAIT) {
        watch_call(c);
        judge_wait(c, c->until);
    } else {
        end_call(c, rc);
        world_require(fcgi_call_advance(c->call) == rc,
                      "how a call ended stays", c->index, rc);
    }
    serve_nobody();
}

void call_start(struct caller *c, struct sim_client *client)
{
    int rc;

    caller_prepare(c, client, false);
    c->pool_was_full = client_queue_is_full(client);
    serve(c);
    world_note("starts: caller, client, body", c->index, client->index,
               (int64_t)c->body.len);
    judge_step_begins(c);
    rc = fcgi_call_start(&c->call, client->handle, &c->request, &c->response);
    caller_forget_params(c);
    if (rc == FCGI_OK) {
        c->state = CALLING;
        follow(c, FCGI_WAIT);
        judge_choice(c);
        return;
    }
    end_call(c, rc);
    client_renew(client);
    world_require(c->call == NULL, "what did not start is nothing", rc, 0);
    serve_nobody();
    caller_clear(c);
}

void call_advance(struct caller *c)
{
    bool resumes = c->resume_at <= world_now();
    int64_t began = world_now();
    uint64_t notes = world_notes();
    int rc;

    serve(c);
    watch_tell(c);
    world_note("advances: caller, fd, events", c->index, c->fd, c->events);
    judge_step_begins(c);
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

void call_cancel(struct caller *c)
{
    serve(c);
    world_note("cancels: caller", c->index, 0, 0);
    c->cancelled = true;
    if (line_has(c)) {
        sight_saw(SIGHT_QUEUE_LEFT);
    }
    judge_step_begins(c);
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

void call_free(struct caller *c)
{
    struct sim_client *client = c->client;
    struct stream *s = caller_stream(c);
    bool room = client_has_room(client);
    bool waited = client_stats(client).waiting > 0;
    bool ended = c->state == ENDED;

    serve(c);
    world_note("frees: caller", c->index, 0, 0);
    judge_step_begins(c);
    fcgi_call_free(c->call);
    if (!ended) {
        judge_step(c, FCGI_ERR_CANCELLED);
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

/*
 * Those that block. The others wait meanwhile.
 */

static void rest_streams(int user, bool are_handed_on)
{
    for (int i = 0; i < streams_top(); i++) {
        struct stream *s = stream_at(i);
        if (s->lease.user == user) {
            rest(s, are_handed_on);
        }
    }
}

void call_block(struct caller *c, struct sim_client *client)
{
    bool room = client_has_room(client);
    bool waited = client_stats(client).waiting > 0;
    int64_t began = world_now();
    int rc;

    caller_prepare(c, client, true);
    c->pool_was_full = client_queue_is_full(client);
    sight_saw(SIGHT_BLOCKED);
    serve(c);
    world_note("blocks: caller, client", c->index, client->index, 0);
    judge_step_begins(c);
    blocked = c;
    rc = fcgi_client_do(client->handle, &c->request, &c->response);
    blocked = NULL;
    judge_block_ends(c);
    serve_nobody();
    end_call(c, rc);
    judge_return(c, caller_stream(c), room);
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

void call_for_values(struct sim_client *client)
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
    judge_strangers(client);
    client->evict_at = world_now();
}
