/*
 * delivery - implements delivery.h.
 */
#include "delivery.h"

#include <string.h>

#include "response_check.h"
#include "test.h"

void delivery_open(struct delivery *d, const struct fcgi_request *request,
                   size_t most)
{
    memset(d, 0, sizeof(*d));
    d->request = *request;
    guard_open(&d->guard, most);
    talk_open(&d->t);
}

void delivery_close(struct delivery *d)
{
    recorder_free(&d->r);
    guard_close(&d->guard);
    talk_close(&d->t);
}

void delivery_begin(struct delivery *d, struct manner manner)
{
    static const struct fcgi_sink none;
    d->manner = manner;
    wire_clear(&d->r.log);
    d->r.last = RECORDER_NOTHING;
    d->r.taken = 0;
    d->r.limited = manner.share > 0;
    d->r.budget = 0;
    d->request.sink = manner.sunk ? recorder_sink(&d->r) : none;
    wire_clear(&d->t.sent);
    talk_ask(&d->t, &d->request);
}

int delivery_resume(struct delivery *d)
{
    int status = fcgi_exchange_status(d->t.x);
    while (fcgi_exchange_paused(d->t.x)) {
        size_t taken = d->r.taken;
        d->r.budget = d->manner.share;
        status = fcgi_exchange_resume(d->t.x);
        assert_int_equal(status, fcgi_exchange_status(d->t.x));
        /* The sink was offered what waits in the exchange. Otherwise the rest
         * of a piece is next, and comes when that piece is given again. */
        assert_true(d->r.taken > taken || !fcgi_exchange_paused(d->t.x));
    }
    return status;
}

int delivery_bring(struct delivery *d, const uint8_t *piece, size_t len)
{
    uint8_t *at = guard_put(&d->guard, piece, len);
    int status = fcgi_exchange_status(d->t.x);
    size_t used;
    while (len > 0 && status == FCGI_WAIT) {
        status = d->manner.bring(&d->t, at, len, &used);
        assert_true(used == len || status != FCGI_WAIT ||
                    fcgi_exchange_paused(d->t.x));
        at += used;
        len -= used;
        status = delivery_resume(d);
    }
    if (len > 0) {
        int ended = talk_by_feed(&d->t, at, len, &used);
        assert_int_equal(ended, status);
    }
    return status;
}

/* The length of the next piece: mostly short, sometimes long. */
static size_t piece_len(uint32_t *seed, size_t left)
{
    static const size_t most[] = {1, 2, 4, 8, 9, 16, 64, 300, 5000, 70000};
    *seed = *seed * 1664525u + 1013904223u;
    size_t limit = most[(*seed >> 8) % (sizeof(most) / sizeof(most[0]))];
    size_t len = 1 + (*seed >> 12) % limit;
    return len < left ? len : left;
}

int delivery_bring_cut(struct delivery *d, const struct wire *answer,
                       uint32_t seed)
{
    int status = fcgi_exchange_status(d->t.x);
    for (size_t at = 0; at < answer->len;) {
        size_t len = piece_len(&seed, answer->len - at);
        status = delivery_bring(d, answer->data + at, len);
        at += len;
    }
    return status;
}

void delivery_digest(const struct delivery *d, struct wire *digest)
{
    wire_clear(digest);
    response_note_number(digest, "ended", fcgi_exchange_status(d->t.x));
    response_note_number(digest, "reusable", fcgi_exchange_reusable(d->t.x));
    response_digest(digest, &d->t.response);
    response_note(digest, "log", d->r.log.data, d->r.log.len);
}
