/*
 * judge_parts - what the judge of a call consists of: see judge.h.
 */
#ifndef SIM_JUDGE_PARTS_H
#define SIM_JUDGE_PARTS_H

#include "judge.h"

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

#endif
