/*
 * judge_parts - what the judge of a call consists of: see judge.h.
 */
#ifndef SIM_JUDGE_PARTS_H
#define SIM_JUDGE_PARTS_H

#include "judge.h"

/** What a host had a call do, or what one that blocks did: how things stood
 *  before and afterwards. */
struct step {
    struct fcgi_pool_stats before, after;
    unsigned dials; /**< before */
    bool in_line, had_turn;
    int64_t began;
};

/** A rule for a call. */
void judge_require(bool holds, const char *rule, const struct caller *c,
                   int64_t number);

/** The time that was taken from a call, and a tick. */
int64_t judge_allowance(const struct caller *c);

/* What has ended was in time, and what ended for its time was not early. */
void judge_spans(const struct caller *c);
void judge_timeout(const struct caller *c, const struct stream *s);
void judge_deadline(const struct caller *c);
void judge_lease_timeout(const struct caller *c);

/* What was received is the answer's own; `a` NULL: there is none. */
void judge_received(const struct caller *c, const struct stream *s,
                    const struct answer *a);
void judge_success(const struct caller *c, const struct stream *s,
                   const struct answer *a);
void judge_fault(const struct caller *c, const struct stream *s,
                 const struct answer *a);

/* What is told of it; `s` NULL: it had no connection. */
void judge_outcome(const struct caller *c, const struct stream *s);

/* How its connection was used. */
void judge_use(const struct caller *c, const struct stream *s);

/* Whether it was helped while it waits for its first byte; the step took it to
 * be a moment between `least` and `most`. It waits no longer. */
void judge_rescue(struct caller *c, const struct stream *s, int rc,
                  const struct step *step, int64_t least, int64_t most);
void judge_rescue_ends(struct caller *c);

#endif
