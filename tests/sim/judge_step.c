/*
 * judge_step - whether a call gets the connection that is its own, at the
 * beginning or when its turn has come; and what there is to judge each time
 * that it was made to do something.
 */
#include "judge_parts.h"
#include "line.h"
#include "world.h"

/* A call that blocks looks at the clock no more than a few times between a step
 * and its wait for something: so many microseconds. */
#define FEW_LOOKS 10

static struct step step;

void judge_step_begins(const struct caller *c)
{
    step.before = client_stats(c->client);
    step.dials = c->entry->dials;
    step.in_line = line_has(c);
    step.had_turn = step.in_line && line_has_turn(c);
    step.began = world_now();
    world_forget_looks();
}

/*
 * Which connection it gets.
 */

/* One that was over for its time may have been closed instead. */
void judge_choice(const struct caller *c)
{
    bool was_idle = step.before.idle > 0 && step.after.idle > 0;

    if (c->entry->wants_new) {
        judge_require(!was_idle || step.after.yielded > step.before.yielded,
                      "an idle connection yields to a new one", c,
                      (int64_t)step.after.idle);
        judge_require(step.after.reuses == step.before.reuses,
                      "one that yields is not used again", c, 0);
    } else {
        judge_require(!was_idle || step.after.reuses > step.before.reuses,
                      "an idle connection is used again", c,
                      (int64_t)step.after.idle);
        judge_require(step.after.yielded == step.before.yielded,
                      "none yields to what can be repeated", c, 0);
    }
}

/*
 * Its turn.
 */

static bool gives_up_waiting(int rc)
{
    return rc == FCGI_ERR_QUEUE_TIMEOUT || rc == FCGI_ERR_DEADLINE ||
           rc == FCGI_ERR_CANCELLED;
}

/* Of a connection that it was given and did not use. */
static bool was_closed(int rc)
{
    return rc == FCGI_ERR_CANCELLED &&
           step.after.evictions > step.before.evictions;
}

static void judge_turn(struct caller *c, const struct stream *s, int rc)
{
    bool goes_on = rc == FCGI_WAIT && s == NULL;

    judge_require(!step.had_turn || !goes_on,
                  "a call that has its turn has a connection", c, rc);
    judge_require(step.had_turn || goes_on || gives_up_waiting(rc),
                  "first come, first served", c, rc);
    if (!goes_on) {
        line_leave(c);
    }
    if (was_closed(rc)) {
        debt_pay(&c->client->debt);
    }
}

/* The moment that a call takes it to be is what it looked at first while it
 * dials, and last when it has a connection. */
void judge_step(struct caller *c, int rc)
{
    const struct stream *s = caller_stream(c);
    bool is_dialling = s != NULL && s->dialled_at == 0;
    int64_t moment = is_dialling ? world_first_look() : world_last_look();

    step.after = client_stats(c->client);
    if (step.in_line) {
        judge_turn(c, s, rc);
    }
    judge_rescue(c, s, rc, &step, moment, moment);
}

/*
 * A call that blocks.
 */

/* All that it did since the last time. */
static void judge_steps(struct caller *c)
{
    int64_t now = world_now();

    step.after = client_stats(c->client);
    judge_rescue(c, caller_stream(c), FCGI_WAIT, &step, now - FEW_LOOKS, now);
    judge_step_begins(c);
}

void judge_block(struct caller *c, bool begins)
{
    if (begins) {
        judge_steps(c);
    } else {
        judge_wait(c, world_now() - FEW_LOOKS);
    }
}

void judge_block_ends(struct caller *c)
{
    judge_rescue_ends(c);
}
