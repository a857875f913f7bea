/*
 * patience - for how long a client is waited for.
 *
 * It has an allowance of time, which is full at first. It is used up while the
 * client is waited for, and only then; each byte that the client sends or takes
 * adds to it, up to what it was at first. A client that keeps the least rate is
 * so waited for without end, one that is silent for as long as the allowance
 * lasts, and one that is slower than the rate for somewhat longer.
 *
 * Nothing here looks at the clock: whoever calls tells the time, in
 * milliseconds.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_PATIENCE_H
#define EXAMPLES_FCGI_GATEWAY_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

/** When a client that is not waited for has taken too long. */
#define PATIENCE_NEVER INT64_MAX

struct patience {
    int64_t rate;   /* bytes a second, which are thousandths in a millisecond */
    int64_t max;    /* the allowance, in thousandths of a byte; */
    int64_t left;   /* and what is left of it */
    int64_t at;     /* the time for which that holds */
    bool waits;     /* the client is waited for since then */
    bool any_fills; /* there is no rate: any byte makes it full */
};

/**
 * Begin with the whole of the allowance; the client is not waited for yet.
 *
 * @param limit_ms  the allowance
 * @param rate      in bytes a second; 0: there is none, any byte fills the
 *                  allowance
 */
void patience_begin(struct patience *patience, int limit_ms, int64_t rate,
                    int64_t now);

/** Tell how many bytes the client has sent and taken since the last time, and
 *  whether it is waited for from now on. */
void patience_note(struct patience *patience, int64_t now, uint64_t bytes,
                   bool waits);

/** When the allowance is used up, unless something moves. */
int64_t patience_deadline(const struct patience *patience);

#endif
