/*
 * judge - whether a call ended as it must: see judge.h.
 */
#include "application.h"
#include "judge_parts.h"
#include "sight.h"
#include "world.h"

void judge_require(bool holds, const char *rule, const struct caller *c,
                   int64_t number)
{
    world_require(holds, rule, c->index, number);
}

/* The end of a connection: nothing was left unread before it. */
static void judge_lost(const struct caller *c, const struct stream *s)
{
    judge_require(s != NULL && queue_len(&s->down) == 0,
                  "what was answered before the end is read first", c, c->rc);
    switch (c->rc) {
    case FCGI_ERR_CLOSED:
        judge_require(s->lease.ended && s->lease.got == 0,
                      "closed is the end before any byte", c,
                      (int64_t)s->lease.got);
        break;
    case FCGI_ERR_TRUNCATED:
        judge_require(s->lease.ended && s->lease.got > 0,
                      "truncated is the end after some byte", c, 0);
        break;
    default:
        judge_require(s->lease.failed, "reset is a reset", c, 0);
        break;
    }
    judge_require(s->got < application_answer_end(s, c->entry),
                  "a whole answer is not lost", c, (int64_t)s->got);
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
        judge_deadline(c);
        break;
    case FCGI_ERR_QUEUE_TIMEOUT:
    case FCGI_ERR_CONNECT_TIMEOUT:
    case FCGI_ERR_BACKLOG_FULL:
        judge_lease_timeout(c);
        break;
    case FCGI_ERR_QUEUE_FULL:
        judge_require(c->pool_was_full, "a queue is full", c, 0);
        break;
    case FCGI_ERR_POOL_CLOSED:
        judge_require(c->client->is_closed, "a pool is closed", c, 0);
        break;
    case FCGI_ERR_CONNECT:
        judge_require(c->response.outcome.system_error != 0 ||
                          c->client->config.pool.dial != NULL,
                      "a connect fails with an errno", c, 0);
        break;
    case FCGI_ERR_RESOLVE:
        break;
    case FCGI_ERR_ARGUMENT:
    case FCGI_ERR_PARAMS_TRUNCATED:
    case FCGI_ERR_CONTENT_TOO_LONG:
    case FCGI_ERR_LENGTH_REQUIRED:
        judge_require(c->rc == c->flaw, "a request is malformed", c, c->rc);
        break;
    case FCGI_ERR_STATE:
        judge_require(c->is_stuck, "a call waits for nothing", c, 0);
        break;
    case FCGI_ERR_CANCELLED:
        judge_require(c->cancelled, "who is cancelled was cancelled", c, 0);
        break;
    case FCGI_ERR_SOURCE:
        judge_require(c->body.has_ended || c->data.has_ended,
                      "a source that fails has failed", c, 0);
        break;
    case FCGI_ERR_NO_MEMORY:
        judge_require(caller_was_starved(c), "there was no memory", c, 0);
        break;
    case FCGI_ERR_SYSTEM:
        judge_require(c->was_short, "the system failed", c, 0);
        break;
    default:
        judge_fault(c, s, a);
        break;
    }
}

void judge_end(const struct caller *c)
{
    const struct stream *s = caller_stream(c);
    const struct answer *a = caller_answer(c);

    sight_saw_ending(c->rc);
    judge_require(c->flaw == FCGI_OK || c->rc == c->flaw ||
                      c->rc == FCGI_ERR_NO_MEMORY,
                  "a malformed request is refused", c, c->rc);
    judge_spans(c);
    judge_received(c, s, a);
    judge_outcome(c, s);
    judge_cause(c, s, a);
    if (s != NULL && s->lease.begun != 0) {
        judge_use(c, s);
    }
}

void judge_runs(void)
{
    for (int i = 0; i < ledger_count(); i++) {
        const struct entry *entry = ledger_at(i);
        world_require(entry->runs <= entry->attempts,
                      "a request runs once each time it is sent", i,
                      entry->runs);
        world_require(entry->runs <= 1 || !entry->runs_once,
                      "what must not run twice runs once", i, entry->runs);
        world_require(entry->runs == 0 || entry->may_have_run,
                      "what runs may have run", i, entry->runs);
    }
}
