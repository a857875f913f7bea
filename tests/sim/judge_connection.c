/*
 * judge_connection - how often and how long a connection is used, and what
 * becomes of it afterwards.
 */
#include "application.h"
#include "judge_parts.h"
#include "sight.h"
#include "world.h"

void judge_use(const struct caller *c, const struct stream *s)
{
    const struct fcgi_pool_config *pool = &c->client->config.pool;

    judge_require(pool->max_requests <= 0 ||
                      application_requests(s) <= (unsigned)pool->max_requests,
                  "a connection has no more requests than it may", c,
                  application_requests(s));
    judge_require(!s->lease.reused || pool->max_age_ms <= 0 ||
                      s->lease.begun <= s->used_at +
                                            pool->max_age_ms * MILLISECOND +
                                            judge_allowance(c),
                  "a connection is not used beyond its age", c,
                  s->lease.begun - s->used_at);
}

static bool has_all_requests(const struct sim_client *client,
                             const struct stream *s)
{
    int most = client->config.pool.max_requests;

    return most > 0 && application_requests(s) >= (unsigned)most;
}

static bool is_old(const struct sim_client *client, const struct stream *s)
{
    int most = client->config.pool.max_age_ms;

    return most > 0 &&
           world_now() + TICK >= s->connected_at + most * MILLISECOND;
}

/* Whether this connection could do nothing better than be kept. */
static bool is_worth_keeping(const struct caller *c, const struct stream *s,
                             const struct answer *a)
{
    return c->rc == FCGI_OK && !a->foreign && !a->is_early &&
           s->lease.got == a->bytes.len && !s->lease.failed &&
           !s->lease.ended && c->entry->keeps && !c->client->is_closed &&
           !has_all_requests(c->client, s) && !is_old(c->client, s);
}

static void judge_closed(const struct caller *c, const struct stream *s,
                         const struct answer *a, bool had_room)
{
    if (c->rc == FCGI_OK && has_all_requests(c->client, s)) {
        sight_saw(SIGHT_SPENT);
    } else if (c->rc == FCGI_OK && is_old(c->client, s)) {
        sight_saw(SIGHT_OLD);
    } else if (s->eviction == FOR_ITSELF && is_worth_keeping(c, s, a)) {
        sight_saw(SIGHT_ENOUGH_IDLE);
    }
    judge_require(!had_room || s->eviction != FOR_ITSELF ||
                      !is_worth_keeping(c, s, a),
                  "a clean connection is kept", c, s->index);
}

static void judge_kept(const struct caller *c, const struct stream *s,
                       const struct answer *a)
{
    judge_require(c->rc == FCGI_OK && a != NULL && a->verdict == FCGI_OK,
                  "a failed request's connection is closed", c, c->rc);
    judge_require(s->got == application_answer_end(s, c->entry),
                  "a connection is kept at the end of an answer", c,
                  (int64_t)s->got);
    judge_require(!a->foreign && s->lease.got == a->bytes.len,
                  "a connection with records of others is closed", c,
                  (int64_t)s->lease.got);
    judge_require(!s->lease.failed && !s->lease.ended && !s->client_shut,
                  "a connection that failed is closed", c, s->index);
    judge_require(c->entry->keeps && !c->client->is_closed,
                  "a connection is kept where it is wanted", c, s->index);
    judge_require(c->client->debt.least == 0,
                  "a connection is not kept where its closing is owed", c,
                  s->index);
}

/* Where keeping does not pay one of sixteen is kept nevertheless, or fewer. */
#define TRIAL 16

static void judge_trial(struct sim_client *client, const struct stream *s)
{
    if (client->unkept > 0 && !s->lease.reused) {
        world_require(client->unkept >= TRIAL - 1,
                      "where keeping does not pay few are kept", s->index,
                      (int64_t)client->unkept);
        sight_saw(SIGHT_TRIED);
    }
    client->unkept = 0;
}

/* That counts for what is owed, whatever it was closed for, and though nothing
 * may have been sent on it (NULL); and a reuse was worth it. */
static void account_for_closed(const struct caller *c, const struct stream *s)
{
    if (c->response.outcome.phase >= FCGI_PHASE_SEND) {
        debt_pay(&c->client->debt);
    }
    if (s != NULL && s->lease.reused && c->rc == FCGI_OK) {
        c->client->unkept = 0;
    }
}

void judge_return(const struct caller *c, const struct stream *s, bool had_room)
{
    const struct answer *a = caller_answer(c);

    if (s != NULL && s->client_open) {
        judge_kept(c, s, a);
        judge_trial(c->client, s);
        return;
    }
    if (s != NULL) {
        judge_closed(c, s, a, had_room);
    }
    account_for_closed(c, s);
}
