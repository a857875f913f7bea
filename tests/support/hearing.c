/*
 * hearing - one answer heard over and over: see hearing.h.
 */
#include "hearing.h"

#include <string.h>

#include "sound.h"
#include "test.h"

void hearing_open(struct hearing *h, const struct fcgi_request *request,
                  size_t most)
{
    memset(h, 0, sizeof(*h));
    h->request = *request;
    guard_open(&h->guard, most);
    talk_open(&h->t);
}

void hearing_close(struct hearing *h)
{
    recorder_free(&h->r);
    guard_close(&h->guard);
    talk_close(&h->t);
}

void hearing_begin(struct hearing *h, struct manner manner)
{
    static const struct fcgi_sink none;
    h->manner = manner;
    wire_clear(&h->r.log);
    h->r.last = RECORDER_NOTHING;
    h->r.taken = 0;
    h->r.limited = manner.share > 0;
    h->r.budget = 0;
    h->request.sink = manner.sunk ? recorder_sink(&h->r) : none;
    wire_clear(&h->t.sent);
    talk_ask(&h->t, &h->request);
}

int hearing_resume(struct hearing *h)
{
    int status = fcgi_exchange_status(h->t.x);
    while (fcgi_exchange_paused(h->t.x)) {
        size_t taken = h->r.taken;
        h->r.budget = h->manner.share;
        status = fcgi_exchange_resume(h->t.x);
        assert_int_equal(status, fcgi_exchange_status(h->t.x));
        /* What waits in the exchange is offered; else it is the rest of a
         * piece, and comes when that is brought again. */
        assert_true(h->r.taken > taken || !fcgi_exchange_paused(h->t.x));
    }
    return status;
}

int hearing_bring(struct hearing *h, const uint8_t *piece, size_t len)
{
    uint8_t *at = guard_put(&h->guard, piece, len);
    int status = fcgi_exchange_status(h->t.x);
    size_t used;
    while (len > 0 && status == FCGI_WAIT) {
        status = h->manner.bring(&h->t, at, len, &used);
        assert_true(used == len || status != FCGI_WAIT ||
                    fcgi_exchange_paused(h->t.x));
        at += used;
        len -= used;
        status = hearing_resume(h);
    }
    if (len > 0) {
        int ended = talk_by_feed(&h->t, at, len, &used);
        assert_int_equal(ended, status);
    }
    return status;
}

/* How long the next piece is: mostly short, now and then a long one. */
static size_t piece_len(uint32_t *seed, size_t left)
{
    static const size_t most[] = {1, 2, 4, 8, 9, 16, 64, 300, 5000, 70000};
    *seed = *seed * 1664525u + 1013904223u;
    size_t limit = most[(*seed >> 8) % (sizeof(most) / sizeof(most[0]))];
    size_t len = 1 + (*seed >> 12) % limit;
    return len < left ? len : left;
}

int hearing_bring_cut(struct hearing *h, const struct wire *answer,
                      uint32_t seed)
{
    int status = fcgi_exchange_status(h->t.x);
    for (size_t at = 0; at < answer->len;) {
        size_t len = piece_len(&seed, answer->len - at);
        status = hearing_bring(h, answer->data + at, len);
        at += len;
    }
    return status;
}

void hearing_digest(const struct hearing *h, struct wire *digest)
{
    wire_clear(digest);
    sound_note_number(digest, "ended", fcgi_exchange_status(h->t.x));
    sound_note_number(digest, "reusable", fcgi_exchange_reusable(h->t.x));
    sound_digest(digest, &h->t.response);
    sound_note(digest, "log", h->r.log.data, h->r.log.len);
}
