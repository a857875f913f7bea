/*
 * judge_rescue - whether a call is helped while it waits for its first byte
 * over a connection of its own:
 *
 *     connected       20 ms           40 ms                           80 ms
 *         |-------------|---------------|-------------------------------|---
 *
 * At each of these moments the idle connection that was used longest ago is
 * closed, or, where none is idle, the closing of the next that comes back is
 * owed. Each moment counts from when the one before was noticed.
 *
 * The same goes for the time of dialling.
 */
#include "judge_parts.h"
#include "world.h"

#define FIRST_WAIT (20 * MILLISECOND)

static bool is_planned(const struct caller *c)
{
    return c->rescue.state != NOT_PLANNED;
}

/*
 * When it is to be helped.
 */

/* Moments count from between these. */
static void plan(struct caller *c, int64_t least, int64_t most)
{
    struct rescue *r = &c->rescue;

    if (c->entry->keeps) {
        r->state = PLANNED;
        r->at = least + FIRST_WAIT;
        r->at_most = most + FIRST_WAIT;
        r->wait = FIRST_WAIT;
    }
}

static uint64_t count_closed(const struct step *step)
{
    return step->after.rescues - step->before.rescues;
}

/* It has begun to dial. A call that blocks may have done so at any time since
 * it was looked at last; another one does so when the clock is looked at first,
 * but for the second attempt. */
static void plan_dial(struct caller *c, const struct step *step)
{
    int64_t least = c->blocks ? step->began : world_first_look();
    bool is_exact = !c->blocks && step->after.retries == step->before.retries;

    if (step->after.open + count_closed(step) > 1) {
        plan(c, least, is_exact ? least : world_last_look());
    }
}

/* It has a connection: since when is known. */
static void plan_anew(struct caller *c, const struct stream *s)
{
    if (!c->rescue.is_connected && c->entry->dials > 0 && s->dialled_at != 0) {
        c->rescue.is_connected = true;
        if (s->is_beside) {
            plan(c, s->dialled_at, s->dialled_at);
        }
    }
}

/*
 * Its moments.
 */

/* Whether that was one of them cannot be told. */
static void doubt(struct caller *c)
{
    c->client->debt.doubtful += !c->rescue.is_late;
    c->rescue.state = DOUBTFUL;
}

static void take_moment(struct caller *c, const struct step *step,
                        int64_t least, int64_t most)
{
    struct rescue *r = &c->rescue;
    bool has_closed = count_closed(step) > 0;

    judge_require(has_closed || step->after.idle == 0,
                  "an idle connection is closed for a request that waits", c,
                  (int64_t)step->after.idle);
    c->client->debt.late += !r->is_late;
    r->is_late = true;
    r->at = least + r->wait;
    r->at_most = most + r->wait;
    r->wait *= 2;
    if (!has_closed) {
        debt_grow(&c->client->debt, true);
    }
}

static void judge_moment(struct caller *c, const struct step *step,
                         int64_t least, int64_t most)
{
    struct rescue *r = &c->rescue;
    bool has_come = r->state == PLANNED && least >= r->at_most;
    uint64_t closed = count_closed(step);

    judge_require(closed <= 1, "one is closed at a time", c, (int64_t)closed);
    if (has_come) {
        take_moment(c, step, least, most);
    } else if (r->state == PLANNED && most >= r->at) {
        doubt(c);
    }
    judge_require(has_come || closed == 0 || r->state == DOUBTFUL,
                  "none is closed before it is time", c, (int64_t)closed);
    if (r->state == DOUBTFUL && step->after.idle == 0) {
        debt_grow(&c->client->debt, false);
    }
}

/* A turn that was not used may have left a connection to be closed. */
void judge_rescue(struct caller *c, const struct stream *s, int rc,
                  const struct step *step, int64_t least, int64_t most)
{
    if (rc == FCGI_WAIT && step->dials == 0 && c->entry->dials > 0) {
        plan_dial(c, step);
    }
    if (rc == FCGI_WAIT && s != NULL) {
        plan_anew(c, s);
    }
    if (rc == FCGI_WAIT && is_planned(c) && s->lease.brought == 0) {
        judge_moment(c, step, least, most);
        return;
    }
    judge_require(count_closed(step) == 0 || step->in_line,
                  "none is closed for a request that does not wait", c, rc);
    judge_rescue_ends(c);
}

void judge_rescue_ends(struct caller *c)
{
    struct debt *debt = &c->client->debt;

    if (!is_planned(c)) {
        return;
    }
    if (c->rescue.is_late) {
        debt->late -= 1;
    } else if (c->rescue.state == DOUBTFUL) {
        debt->doubtful -= 1;
    }
    c->rescue.state = NOT_PLANNED;
    c->rescue.is_late = false;
    debt_settle(debt);
}

/* A timeout is told in whole milliseconds. */
void judge_wait(const struct caller *c, int64_t until)
{
    judge_require(c->rescue.state != PLANNED ||
                      until <= c->rescue.at_most + MILLISECOND,
                  "a request is not left alone beyond its next moment", c,
                  until - c->rescue.at_most);
}

/* Which calls were late, and for how long, is not known. */
void judge_strangers(struct sim_client *client)
{
    debt_forget(&client->debt);
}
