/*
 * patience - how long to wait for a client.
 *
 * The client has an allowance of time, which is full at first. Only the time
 * spent waiting for the client is taken from it, and each byte that the client
 * sends or takes adds to it, until it is full again. A client that keeps the
 * least rate is therefore waited for without end; one that is silent, for as
 * long as the allowance lasts; one that is slower than the rate, for somewhat
 * longer.
 *
 * Nothing here reads the clock: the caller tells the time, in milliseconds.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_PATIENCE_H
#define EXAMPLES_FCGI_GATEWAY_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

/** The deadline while nobody waits for the client. */
#define PATIENCE_NEVER INT64_MAX

struct patience {
    int64_t rate;   /* bytes a second: thousandths of a byte a millisecond */
    int64_t max;    /* the full allowance, in thousandths of a byte */
    int64_t left;   /* of the allowance, at the time `at` */
    int64_t at;     /* when that was counted */
    bool waits;     /* whether the client has been waited for since then */
    bool any_fills; /* there is no rate: any byte fills the allowance */
};

/**
 * Begin with a full allowance. The client is not waited for yet.
 *
 * @param limit_ms  the allowance
 * @param rate      in bytes a second; 0: any byte fills the allowance
 */
void patience_begin(struct patience *patience, int limit_ms, int64_t rate,
                    int64_t now);

/** Tell how many bytes the client has sent and taken since the last time, and
 *  whether it is waited for from now on. */
void patience_note(struct patience *patience, int64_t now, uint64_t bytes,
                   bool waits);

/** When the allowance is used up, unless bytes move. */
int64_t patience_deadline(const struct patience *patience);

#endif
