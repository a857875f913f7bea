/*
 * judge_outcome - what a call tells of itself in the end, whether its request
 * was sent again, and whether the application was told that it was given up.
 */
#include "judge_parts.h"
#include "sight.h"
#include "world.h"

/*
 * The retry.
 */

static bool took_nothing(const struct caller *c)
{
    return c->body.at == 0 && c->data.at == 0;
}

/* Whether it failed in a way that another attempt can make good, if it did so
 * in time. */
static bool is_lost(const struct caller *c, const struct stream *s)
{
    bool sticks = c->body.has_ended || c->data.has_ended;

    return (c->rc == FCGI_ERR_CLOSED || c->rc == FCGI_ERR_RESET) &&
           s->lease.reused && s->lease.got == 0 && !sticks &&
           (c->can_replay || took_nothing(c));
}

static void see_retry(const struct caller *c)
{
    sight_saw(SIGHT_RETRIED);
    if (!c->idempotent) {
        sight_saw(SIGHT_RETRIED_POST);
    } else if (c->retry == FCGI_RETRY_SAFE) {
        sight_saw(SIGHT_RETRIED_GET);
    }
}

static void judge_no_retry(const struct caller *c, const struct stream *s)
{
    const struct lease *lease = &s->lease;
    int64_t since = lease->accepted == 0 ? lease->begun : lease->accepted;

    if (c->retry == FCGI_RETRY_NEVER) {
        sight_saw(SIGHT_NEVER_AGAIN);
        return;
    }
    judge_require(world_now() + GLANCE >= since + STALE,
                  "a stale connection's request is sent again", c, c->rc);
    sight_saw(SIGHT_TOO_LATE);
}

static void judge_retry(const struct caller *c, const struct stream *s)
{
    if (c->response.outcome.retried) {
        see_retry(c);
        judge_require(c->retry != FCGI_RETRY_NEVER, "never is never", c, 0);
        judge_require(!c->entry->wants_new,
                      "what goes over a new connection is sent once", c, 0);
    } else {
        judge_require(c->entry->attempts <= 1, "a retry is told", c, 0);
        if (is_lost(c, s)) {
            judge_no_retry(c, s);
        }
    }
    judge_require(c->entry->runs <= 1 || !c->entry->runs_once,
                  "what must not run twice runs once", c, c->entry->runs);
}

/*
 * Giving up.
 */

static bool gives_up(int error)
{
    switch (error) {
    case FCGI_ERR_WRITE_TIMEOUT:
    case FCGI_ERR_FIRST_BYTE_TIMEOUT:
    case FCGI_ERR_IDLE_TIMEOUT:
    case FCGI_ERR_DEADLINE:
    case FCGI_ERR_CANCELLED:
    case FCGI_ERR_SOURCE:
    case FCGI_ERR_STATE:
        return true;
    default:
        return false;
    }
}

/* Between two records, and where that needs no waiting: FCGI_ABORT_REQUEST is
 * sent, which is no part of the request. */
static void judge_abort(const struct caller *c, const struct stream *s)
{
    const struct fcgi_response *r = &c->response;
    bool told = s->lease.sent > r->outcome.bytes_sent;
    bool can_be = s->lease.sent > 0 && framing_is_whole(&s->framing) &&
                  !s->lease.failed && !stream_is_full(s) &&
                  r->protocol_status < 0 && !c->request.no_abort;

    judge_require(told || !can_be || !gives_up(c->rc),
                  "an application is told what is given up", c, c->rc);
    judge_require(!told || (gives_up(c->rc) && r->protocol_status < 0),
                  "nothing is given up that has ended", c, c->rc);
    judge_require(!told || !c->request.no_abort,
                  "an application that is not to be told is not", c, c->rc);
    judge_require(s->lease.sent <= r->outcome.bytes_sent + 8,
                  "bytes sent are told", c, (int64_t)r->outcome.bytes_sent);
}

/*
 * The account.
 */

/* What comes behind a malformed record is not looked at. */
static bool is_malformed(int rc)
{
    return rc == FCGI_ERR_INVALID_HEADER || rc == FCGI_ERR_NOT_FASTCGI ||
           rc == FCGI_ERR_BAD_RECORD || rc == FCGI_ERR_BAD_ID;
}

static void judge_first_byte(const struct caller *c, const struct stream *s)
{
    const struct fcgi_outcome *outcome = &c->response.outcome;

    judge_require(outcome->first_byte_us < 0 || s->lease.brought > 0,
                  "a first byte is one of the answer", c,
                  outcome->first_byte_us);
    judge_require(outcome->first_byte_us >= 0 || s->lease.brought == 0 ||
                      is_malformed(c->rc),
                  "a first byte is told", c, outcome->first_byte_us);
    judge_require(outcome->first_byte_us <= outcome->total_us,
                  "a first byte is in time", c, outcome->first_byte_us);
}

static void judge_bytes(const struct caller *c, const struct stream *s)
{
    const struct fcgi_outcome *outcome = &c->response.outcome;

    judge_require(outcome->reused == s->lease.reused, "reuse is told", c, 0);
    judge_require(outcome->bytes_sent <= s->lease.sent, "bytes sent are told",
                  c, (int64_t)outcome->bytes_sent);
    judge_require(outcome->bytes_received <= s->lease.got,
                  "bytes received are told", c,
                  (int64_t)outcome->bytes_received);
    judge_first_byte(c, s);
    judge_abort(c, s);
}

void judge_outcome(const struct caller *c, const struct stream *s)
{
    const struct fcgi_outcome *outcome = &c->response.outcome;

    judge_require(outcome->error == c->rc, "an outcome tells the error", c,
                  outcome->error);
    judge_require(outcome->may_have_run || c->entry->runs == 0,
                  "what ran may have run", c, c->entry->runs);
    judge_require(!outcome->may_have_run || c->entry->attempts > 0,
                  "what was not sent cannot have run", c, 0);
    judge_require(outcome->safe_to_repeat ==
                      (!outcome->may_have_run || c->idempotent),
                  "what can be repeated is told", c, outcome->safe_to_repeat);
    if (s != NULL && s->lease.begun != 0 && !s->given_up) {
        judge_bytes(c, s);
    }
    c->entry->may_have_run = outcome->may_have_run;
    judge_retry(c, s);
}
