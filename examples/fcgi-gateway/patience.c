/*
 * patience - how long to wait for a client.
 *
 * The allowance is counted in thousandths of a byte, so that nothing is ever
 * rounded: a millisecond takes as many as the rate has bytes, and a byte adds a
 * thousand.
 */
#include "patience.h"

#define BYTE 1000

void patience_begin(struct patience *patience, int limit_ms, int64_t rate,
                    int64_t now)
{
    patience->any_fills = rate == 0;
    patience->rate = rate == 0 ? 1 : rate;
    patience->max = limit_ms * patience->rate;
    patience->left = patience->max;
    patience->at = now;
    patience->waits = false;
}

/* Take time from the allowance. The caller may be late to tell of bytes that
 * have moved: nothing is left at the worst. */
static void spend(struct patience *patience, int64_t ms)
{
    patience->left -= ms < patience->left / patience->rate ? ms * patience->rate
                                                           : patience->left;
}

static void add(struct patience *patience, uint64_t bytes)
{
    uint64_t room = (uint64_t)(patience->max - patience->left);

    if (bytes > 0 && (patience->any_fills || bytes > room / BYTE)) {
        patience->left = patience->max;
    } else {
        patience->left += (int64_t)bytes * BYTE;
    }
}

void patience_note(struct patience *patience, int64_t now, uint64_t bytes,
                   bool waits)
{
    if (patience->waits) {
        spend(patience, now - patience->at);
    }
    add(patience, bytes);
    patience->at = now;
    patience->waits = waits;
}

int64_t patience_deadline(const struct patience *patience)
{
    int64_t rate = patience->rate;

    return patience->waits ? patience->at + (patience->left + rate - 1) / rate
                           : PATIENCE_NEVER;
}
