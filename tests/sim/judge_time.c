/*
 * judge_time - the time limits: none is overshot by more than a tick, while a
 * call is under way and when it ends, and none is over early. What was taken
 * from everybody is charged to nobody.
 */
#include "judge_parts.h"
#include "world.h"

/* So often a call receives before it looks at its limits, where records that
 * bring it nothing come all the time. */
#define ROUNDS 8

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t judge_allowance(const struct caller *c)
{
    return TICK + world_stolen() - c->stolen;
}

static void require_in_time(const struct caller *c, int64_t since, int limit,
                            const char *rule)
{
    judge_require(limit < 0 || world_now() <= since + limit * MILLISECOND +
                                                  judge_allowance(c),
                  rule, c, world_now() - since);
}

static void require_over(const struct caller *c, int64_t since, int limit,
                         const char *rule)
{
    judge_require(limit > 0 &&
                      world_now() + GLANCE >= since + limit * MILLISECOND,
                  rule, c, world_now() - since);
}

/* That a request is given up is sent last, and is no part of it. */
static bool is_aborted(const struct caller *c, const struct lease *lease)
{
    return c->state == ENDED && c->response.outcome.bytes_sent < lease->sent;
}

/* When a byte of the request was accepted last. */
static int64_t when_accepted(const struct caller *c, const struct lease *lease)
{
    return later(is_aborted(c, lease) ? lease->accepted_before
                                      : lease->accepted,
                 lease->begun);
}

/* Since when some of it is not; 0: all is. */
static int64_t when_held(const struct caller *c, const struct lease *lease)
{
    return is_aborted(c, lease) ? lease->held_before : lease->held_since;
}

/*
 * None is overshot.
 */

static bool is_paused(const struct caller *c, const struct lease *lease)
{
    return c->drain.waits ||
           ((c->body.waits || c->data.waits) && when_held(c, lease) == 0);
}

/* Whether the application can be waited for. */
static bool is_talking(const struct caller *c, const struct stream *s)
{
    return s != NULL && s->lease.begun != 0 && !s->lease.failed &&
           !s->given_up && !is_paused(c, &s->lease);
}

/* From where the application last did its part, or the host allowed it to. */
static void judge_talk(const struct caller *c, const struct lease *lease)
{
    int64_t accepted = later(when_accepted(c, lease), c->resumed_at);
    int64_t held = when_held(c, lease);

    if (held != 0) {
        require_in_time(c, later(accepted, held), c->limits.write_ms,
                        "the write limit holds");
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
    if (is_talking(c, s)) {
        judge_talk(c, &s->lease);
    }
}

static void judge_span(const struct caller *c, int64_t us, int limit,
                       const char *rule)
{
    judge_require(limit < 0 || us <= limit * MILLISECOND + judge_allowance(c),
                  rule, c, us);
}

void judge_spans(const struct caller *c)
{
    const struct fcgi_outcome *outcome = &c->response.outcome;

    judge_limits(c);
    judge_span(c, outcome->queue_us, c->limits.queue_ms,
               "the queue limit holds");
    judge_span(c, outcome->connect_us, c->limits.connect_ms,
               "the connect limit holds");
    judge_require(outcome->total_us <= world_now() - c->started + GLANCE,
                  "a total is no more than the time that passed", c,
                  outcome->total_us);
}

/*
 * None is early.
 */

void judge_timeout(const struct caller *c, const struct stream *s)
{
    const struct lease *lease = &s->lease;
    int64_t accepted = later(when_accepted(c, lease), c->drained_at);

    switch (c->rc) {
    case FCGI_ERR_WRITE_TIMEOUT:
        require_over(c, accepted, c->limits.write_ms,
                     "the write limit is not early");
        judge_require(stream_is_full(s), "what can be sent is sent", c,
                      s->index);
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
    judge_require(queue_len(&s->down) == 0 || s->receives >= ROUNDS,
                  "what came in time counts", c, (int64_t)queue_len(&s->down));
}

void judge_deadline(const struct caller *c)
{
    require_over(c, c->started, c->limits.total_ms,
                 "the limit of the whole is not early");
}

/* Each address has its turn, and its share of the time. */
static void judge_shares(const struct caller *c)
{
    int addresses = c->client->addresses;
    int64_t limit = c->limits.connect_ms * MILLISECOND;
    int64_t began = world_now() - c->response.outcome.connect_us;

    judge_require(c->entry->dials == (unsigned)addresses,
                  "each address has its turn", c, c->entry->dials);
    judge_require(c->entry->dialled <=
                      began + limit - limit / addresses + judge_allowance(c),
                  "each address has its share of the time", c,
                  c->entry->dialled - began);
}

void judge_lease_timeout(const struct caller *c)
{
    const struct fcgi_outcome *outcome = &c->response.outcome;

    if (c->rc == FCGI_ERR_QUEUE_TIMEOUT) {
        judge_require(outcome->queue_us >= c->limits.queue_ms * MILLISECOND,
                      "the queue limit is not early", c, outcome->queue_us);
        return;
    }
    judge_require(outcome->connect_us >= c->limits.connect_ms * MILLISECOND,
                  "the connect limit is not early", c, outcome->connect_us);
    if (!c->was_short) {
        judge_shares(c);
    }
}
