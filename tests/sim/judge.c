/*
 * judge - the contract: see judge.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "application.h"
#include "judge.h"
#include "world.h"

/* The library looks at its clock a little before it sends or receives. */
#define GLANCE 300

static void require(bool holds, const char *rule, const struct caller *c,
                    int64_t number)
{
    world_require(holds, rule, c->index, number);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/*
 * Time limits.
 */

static int64_t allowance(const struct caller *c)
{
    return TICK + world_stolen() - c->stolen;
}

static void require_in_time(const struct caller *c, int64_t since, int limit,
                            const char *rule)
{
    require(limit < 0 ||
                world_now() <= since + limit * MILLISECOND + allowance(c),
            rule, c, world_now() - since);
}

static bool is_paused(const struct caller *c)
{
    return c->drain.waits ||
           ((c->body.waits || c->data.waits) && c->pending_since == NEVER);
}

/* When the application last did its part, or the host allowed it to. */
static int64_t last_accepted(const struct caller *c, const struct lease *lease)
{
    return later(later(lease->accepted, lease->begun), c->resumed_at);
}

static void judge_talk(const struct caller *c, const struct lease *lease)
{
    int64_t accepted = last_accepted(c, lease);

    if (c->pending_since != NEVER) {
        require_in_time(c, later(accepted, c->pending_since),
                        c->limits.write_ms, "the write limit holds");
    } else if (lease->received == 0) {
        require_in_time(c, accepted, c->limits.first_byte_ms,
                        "the first-byte limit holds");
    }
    if (lease->received != 0) {
        require_in_time(c, later(accepted, lease->received), c->limits.idle_ms,
                        "the idle limit holds");
    }
}

void judge_limits(const struct caller *c)
{
    const struct stream *s = caller_stream(c);

    require_in_time(c, c->started, c->limits.total_ms,
                    "the limit of the whole holds");
    if (s != NULL && s->lease.begun != 0 && !s->given_up && !is_paused(c)) {
        judge_talk(c, &s->lease);
    }
}

static void require_over(const struct caller *c, int64_t since, int limit,
                         const char *rule)
{
    require(limit > 0 && world_now() + GLANCE >= since + limit * MILLISECOND,
            rule, c, world_now() - since);
}

static void judge_spans(const struct caller *c)
{
    const struct fcgi_outcome *outcome = &c->response.outcome;
    const struct fcgi_timeouts *limits = &c->limits;

    require(limits->queue_ms < 0 ||
                outcome->queue_us <=
                    limits->queue_ms * MILLISECOND + allowance(c),
            "the queue limit holds", c, outcome->queue_us);
    require(limits->connect_ms < 0 ||
                outcome->connect_us <=
                    limits->connect_ms * MILLISECOND + allowance(c),
            "the connect limit holds", c, outcome->connect_us);
    require(outcome->total_us <= world_now() - c->started + GLANCE,
            "a total is no more than the time that passed", c,
            outcome->total_us);
}

/*
 * What was received.
 */

static bool is_prefix(struct fcgi_slice of, const void *whole, size_t len)
{
    return of.len <= len &&
           (of.len == 0 || memcmp(of.data, whole, of.len) == 0);
}

static void judge_received(const struct caller *c, const struct answer *a)
{
    const struct fcgi_response *r = &c->response;

    if (a == NULL) {
        require(r->status == 0 && r->body.len == 0 && r->stderr_data.len == 0,
                "nothing comes from nowhere", c, r->status);
        return;
    }
    require(is_prefix(r->stderr_data, a->errors.data, a->errors.len),
            "stderr is the answer's own", c, (int64_t)r->stderr_data.len);
    if (r->status == 0) {
        require(is_prefix(r->body, a->text.data, a->text.len),
                "what came for a head is the answer's own", c,
                (int64_t)r->body.len);
        return;
    }
    require(is_prefix(r->body, a->text.data + a->head_len, a->body_len),
            "a body is the answer's own", c, (int64_t)r->body.len);
}

static void judge_head(const struct caller *c, const struct answer *a,
                       uint64_t serial)
{
    const char *field = fcgi_response_field(&c->response, "X-Answer", 0);
    char wanted[17];

    (void)snprintf(wanted, sizeof(wanted), "%016" PRIx64,
                   ledger_key(c->entry->token, FOR_ANSWER, serial));
    require(c->response.status == a->status && field != NULL &&
                strcmp(field, wanted) == 0,
            "a head is the answer's own", c, c->response.status);
}

/* What the request's limits make of an answer. */
static bool is_too_large(const struct caller *c, const struct answer *a)
{
    int64_t limit = c->request.limits.body_len;

    return !c->drain.takes_body && limit > 0 && (int64_t)a->body_len > limit;
}

static size_t errors_allowed(const struct caller *c, const struct answer *a)
{
    int64_t limit = c->request.limits.stderr_len;
    bool is_cut =
        !c->drain.takes_errors && limit > 0 && (int64_t)a->errors.len > limit;

    return is_cut ? (size_t)limit : a->errors.len;
}

static void judge_success(const struct caller *c, const struct stream *s,
                          const struct answer *a)
{
    const struct fcgi_response *r = &c->response;
    size_t body = c->drain.takes_body ? c->drain.body_at : r->body.len;
    size_t errors =
        c->drain.takes_errors ? c->drain.errors_at : r->stderr_data.len;

    require(s != NULL && a != NULL && a->verdict == FCGI_OK,
            "success is a good answer", c, a == NULL ? 0 : a->verdict);
    require(s->got + 255 >= application_answer_end(s, c->entry),
            "success is a whole answer", c, (int64_t)s->got);
    require(body == a->body_len && !is_too_large(c, a),
            "success is a whole body", c, (int64_t)body);
    require(errors == errors_allowed(c, a), "success is all of stderr", c,
            (int64_t)errors);
    require(r->stderr_cut == (errors < a->errors.len),
            "stderr that was cut says so", c, (int64_t)errors);
    require(r->app_status == a->app_status && r->protocol_status == 0,
            "an exit status is the answer's own", c, r->app_status);
    require(c->drain.heads == c->drain.takes_head, "a head is told once", c,
            c->drain.heads);
    if (c->response.outcome.retried) {
        world_saw(SIGHT_RETRY_WON);
    }
    if (a->is_early && s->lease.failed) {
        world_saw(SIGHT_EARLY_ANSWER_WON);
    }
    if (!a->foreign && s->lease.got > a->bytes.len) {
        world_saw(SIGHT_LATE_SEEN);
    }
}

/*
 * Why it failed.
 */

/* The end of a connection: nothing was left unread before it. */
static void judge_lost(const struct caller *c, const struct stream *s)
{
    require(s != NULL && queue_len(&s->down) == 0,
            "what was answered before the end is read first", c, c->rc);
    switch (c->rc) {
    case FCGI_ERR_CLOSED:
        require(s->lease.ended && s->lease.got == 0,
                "closed is the end before any byte", c, (int64_t)s->lease.got);
        break;
    case FCGI_ERR_TRUNCATED:
        require(s->lease.ended && s->lease.got > 0,
                "truncated is the end after some byte", c, 0);
        break;
    default:
        require(s->lease.failed, "reset is a reset", c, 0);
        break;
    }
    require(s->got < application_answer_end(s, c->entry),
            "a whole answer is not lost", c, (int64_t)s->got);
}

/* When a byte of the request was accepted: that it is given up is none. */
static int64_t when_accepted(const struct caller *c, const struct lease *lease)
{
    bool aborted = c->response.outcome.bytes_sent < lease->sent;

    return later(
        later(aborted ? lease->accepted_before : lease->accepted, lease->begun),
        c->drained_at);
}

static void judge_timeout(const struct caller *c, const struct stream *s)
{
    const struct lease *lease = &s->lease;
    int64_t accepted = when_accepted(c, lease);

    switch (c->rc) {
    case FCGI_ERR_WRITE_TIMEOUT:
        require_over(c, accepted, c->limits.write_ms,
                     "the write limit is not early");
        require(stream_is_full(s), "what can be sent is sent", c, s->index);
        return;
    case FCGI_ERR_FIRST_BYTE_TIMEOUT:
        require_over(c, accepted, c->limits.first_byte_ms,
                     "the first-byte limit is not early");
        break;
    default:
        require_over(c, later(accepted, lease->received), c->limits.idle_ms,
                     "the idle limit is not early");
        break;
    }
    require(queue_len(&s->down) == 0, "what came in time counts", c,
            (int64_t)queue_len(&s->down));
}

/* Each address has its turn, and its share of the time. */
static void judge_shares(const struct caller *c)
{
    int addresses = c->client->addresses;
    int64_t limit = c->limits.connect_ms * MILLISECOND;
    int64_t began = world_now() - c->response.outcome.connect_us;

    require(c->entry->dials == (unsigned)addresses, "each address has its turn",
            c, c->entry->dials);
    require(
        c->entry->dialled <= began + limit - limit / addresses + allowance(c),
        "each address has its share of the time", c, c->entry->dialled - began);
}

static void judge_lease(const struct caller *c)
{
    const struct fcgi_outcome *outcome = &c->response.outcome;

    switch (c->rc) {
    case FCGI_ERR_QUEUE_TIMEOUT:
        require(outcome->queue_us >= c->limits.queue_ms * MILLISECOND,
                "the queue limit is not early", c, outcome->queue_us);
        break;
    case FCGI_ERR_CONNECT_TIMEOUT:
    case FCGI_ERR_BACKLOG_FULL:
        require(outcome->connect_us >= c->limits.connect_ms * MILLISECOND,
                "the connect limit is not early", c, outcome->connect_us);
        if (!c->was_short) {
            judge_shares(c);
        }
        break;
    case FCGI_ERR_QUEUE_FULL:
        require(c->pool_was_full, "a queue is full", c, 0);
        break;
    case FCGI_ERR_POOL_CLOSED:
        require(c->client->is_closed, "a pool is closed", c, 0);
        break;
    case FCGI_ERR_CONNECT:
        require(outcome->system_error != 0, "a connect fails with an errno", c,
                0);
        break;
    default:
        break;
    }
}

/* Records before the answer hide that the peer speaks HTTP. */
static bool is_verdict(const struct caller *c, const struct stream *s,
                       const struct answer *a)
{
    return c->rc == a->verdict ||
           (c->rc == FCGI_ERR_BODY_TOO_LARGE && is_too_large(c, a)) ||
           (a->verdict == FCGI_ERR_NOT_FASTCGI && s->lease.reused &&
            c->rc == FCGI_ERR_INVALID_HEADER);
}

static void judge_cause(const struct caller *c, const struct stream *s,
                        const struct answer *a)
{
    switch (c->rc) {
    case FCGI_OK:
        judge_success(c, s, a);
        break;
    case FCGI_ERR_CLOSED:
    case FCGI_ERR_TRUNCATED:
    case FCGI_ERR_RESET:
        judge_lost(c, s);
        break;
    case FCGI_ERR_WRITE_TIMEOUT:
    case FCGI_ERR_FIRST_BYTE_TIMEOUT:
    case FCGI_ERR_IDLE_TIMEOUT:
        judge_timeout(c, s);
        break;
    case FCGI_ERR_DEADLINE:
        require_over(c, c->started, c->limits.total_ms,
                     "the limit of the whole is not early");
        break;
    case FCGI_ERR_QUEUE_TIMEOUT:
    case FCGI_ERR_QUEUE_FULL:
    case FCGI_ERR_POOL_CLOSED:
    case FCGI_ERR_CONNECT:
    case FCGI_ERR_CONNECT_TIMEOUT:
    case FCGI_ERR_BACKLOG_FULL:
    case FCGI_ERR_RESOLVE:
        judge_lease(c);
        break;
    case FCGI_ERR_CANCELLED:
        require(c->cancelled, "who is cancelled was cancelled", c, 0);
        break;
    case FCGI_ERR_SOURCE:
        require(c->body.has_ended || c->data.has_ended,
                "a source that fails has failed", c, 0);
        break;
    case FCGI_ERR_NO_MEMORY:
        require(caller_was_starved(c), "there was no memory", c, 0);
        break;
    case FCGI_ERR_SYSTEM:
        require(c->was_short, "the system failed", c, 0);
        break;
    default:
        require(a != NULL && is_verdict(c, s, a),
                "an answer's fault is its own", c, c->rc);
        break;
    }
}

/*
 * What was told of it.
 */

static bool policy_allows(const struct caller *c, const struct lease *lease)
{
    return c->retry == FCGI_RETRY_STALE ||
           (c->retry == FCGI_RETRY_IDEMPOTENT &&
            (c->idempotent || lease->sent == 0));
}

static bool took_nothing(const struct caller *c)
{
    return c->body.at == 0 && c->data.at == 0;
}

static void judge_retry(const struct caller *c, const struct stream *s)
{
    const struct fcgi_outcome *outcome = &c->response.outcome;
    bool is_stale = (c->rc == FCGI_ERR_CLOSED || c->rc == FCGI_ERR_RESET) &&
                    s->lease.reused && s->lease.got == 0;
    bool sticks = c->body.has_ended || c->data.has_ended;

    if (outcome->retried) {
        world_saw(SIGHT_RETRIED);
        require(c->retry != FCGI_RETRY_NEVER, "never is never", c, 0);
        require(c->retry != FCGI_RETRY_IDEMPOTENT || c->idempotent ||
                    c->entry->runs <= 1,
                "what is not idempotent does not run twice", c, 0);
    } else {
        require(c->entry->attempts <= 1, "a retry is told", c, 0);
        require(!is_stale || sticks || !policy_allows(c, &s->lease) ||
                    !(c->can_replay || took_nothing(c)),
                "a stale connection's request is sent again", c, c->rc);
    }
}

static void judge_outcome(const struct caller *c, const struct stream *s)
{
    const struct fcgi_outcome *outcome = &c->response.outcome;

    require(outcome->error == c->rc, "an outcome tells the error", c,
            outcome->error);
    require(outcome->may_have_run || c->entry->runs == 0,
            "what ran may have run", c, c->entry->runs);
    require(!outcome->may_have_run || c->entry->attempts > 0,
            "what was not sent cannot have run", c, 0);
    require(outcome->safe_to_repeat ==
                (!outcome->may_have_run || c->idempotent),
            "what can be repeated is told", c, outcome->safe_to_repeat);
    if (s != NULL && s->lease.begun != 0 && !s->given_up) {
        require(outcome->reused == s->lease.reused, "reuse is told", c, 0);
        /* That it is given up goes out as far as the socket takes it. */
        require(outcome->bytes_sent <= s->lease.sent &&
                    outcome->bytes_sent + 8 >= s->lease.sent,
                "bytes sent are told", c, (int64_t)outcome->bytes_sent);
        require(outcome->bytes_received <= s->lease.got,
                "bytes received are told", c, (int64_t)outcome->bytes_received);
    }
    c->entry->may_have_run = outcome->may_have_run;
}

/* How often and how long a connection may be used. */
static void judge_use(const struct caller *c, const struct stream *s)
{
    const struct fcgi_pool_config *pool = &c->client->config.pool;

    require(pool->max_requests <= 0 ||
                application_requests(s) <= (unsigned)pool->max_requests,
            "a connection has no more requests than it may", c,
            application_requests(s));
    require(!s->lease.reused || pool->max_age_ms <= 0 ||
                s->lease.begun <=
                    s->used_at + pool->max_age_ms * MILLISECOND + allowance(c),
            "a connection is not used beyond its age", c,
            s->lease.begun - s->used_at);
}

void judge_end(const struct caller *c)
{
    const struct stream *s = caller_stream(c);
    const struct answer *a = caller_answer(c);

    world_saw_ending(c->rc);
    judge_spans(c);
    judge_received(c, a);
    if (c->response.status != 0) {
        judge_head(c, a, s->serial);
    }
    judge_outcome(c, s);
    judge_cause(c, s, a);
    judge_retry(c, s);
    if (s != NULL && s->lease.begun != 0) {
        judge_use(c, s);
    }
}

/*
 * What became of its connection.
 */

static bool is_spent(const struct sim_client *client, const struct stream *s)
{
    const struct fcgi_pool_config *pool = &client->config.pool;

    return (pool->max_requests > 0 &&
            application_requests(s) >= (unsigned)pool->max_requests) ||
           (pool->max_age_ms > 0 &&
            world_now() + TICK >=
                s->connected_at + pool->max_age_ms * MILLISECOND);
}

/* Whether this connection could do nothing better than be kept. */
static bool is_worth_keeping(const struct caller *c, const struct stream *s,
                             const struct answer *a)
{
    return c->rc == FCGI_OK && !a->foreign && !a->is_early &&
           s->lease.got == a->bytes.len && !s->lease.failed &&
           !s->lease.ended && c->entry->keeps && !c->client->is_closed &&
           !is_spent(c->client, s);
}

void judge_return(const struct caller *c, const struct stream *s, bool had_room)
{
    const struct answer *a = caller_answer(c);

    if (s == NULL || s->state == FRESH) {
        return;
    }
    if (!s->client_open) {
        if (c->rc == FCGI_OK && is_spent(c->client, s)) {
            world_saw(SIGHT_SPENT);
        }
        require(!had_room || !is_worth_keeping(c, s, a),
                "a clean connection is kept", c, s->index);
        return;
    }
    require(c->rc == FCGI_OK && a != NULL && a->verdict == FCGI_OK,
            "a failed request's connection is closed", c, c->rc);
    require(s->got == application_answer_end(s, c->entry),
            "a connection is kept at the end of an answer", c, (int64_t)s->got);
    require(!a->foreign && s->lease.got == a->bytes.len,
            "a connection with records of others is closed", c,
            (int64_t)s->lease.got);
    require(!s->lease.failed && !s->lease.ended && !s->client_shut,
            "a connection that failed is closed", c, s->index);
    require(c->entry->keeps && !c->client->is_closed,
            "a connection is kept where it is wanted", c, s->index);
}

/*
 * When all is over.
 */

void judge_runs(void)
{
    for (int i = 0; i < ledger_count(); i++) {
        const struct entry *entry = ledger_at(i);
        world_require(entry->runs <= entry->attempts,
                      "a request runs once each time it is sent", i,
                      entry->runs);
        world_require(entry->runs == 0 || entry->may_have_run,
                      "what runs may have run", i, entry->runs);
    }
}
