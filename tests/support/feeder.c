/*
 * feeder - a source that waits or fails as a test says: see feeder.h.
 */
#include "feeder.h"

#include <string.h>

/* How much may be read now. */
static size_t available(const struct feeder *f, size_t cap)
{
    size_t end = f->len;
    if (f->waits && f->ready < end) {
        end = f->ready;
    }
    if (f->fails && f->fail_at < end) {
        end = f->fail_at;
    }
    size_t n = end > f->at ? end - f->at : 0;
    if (f->chunk > 0 && n > f->chunk) {
        n = f->chunk;
    }
    return n < cap ? n : cap;
}

static int feed(void *context, void *buf, size_t cap, size_t *got)
{
    struct feeder *f = context;
    size_t n = available(f, cap);
    f->reads += 1;
    if (n == 0 && f->fails) {
        return f->error;
    }
    if (n == 0 && f->waits) {
        return FCGI_WAIT;
    }
    if (n > 0) {
        memcpy(buf, (const char *)f->data + f->at, n);
    }
    f->at += n;
    f->ends += n == 0;
    *got = n;
    return FCGI_OK;
}

static int replay(void *context, uint64_t taken)
{
    struct feeder *f = context;
    if (!f->replays) {
        return FCGI_ERR_STATE;
    }
    if (taken == 0) {
        f->replay_asked += 1;
        return FCGI_OK;
    }
    f->replay_calls += 1;
    f->replay_taken = taken;
    f->at -= (size_t)taken;
    return FCGI_OK;
}

static int descriptor(void *context)
{
    struct feeder *f = context;
    return f->descriptor;
}

struct fcgi_source feeder_source(struct feeder *f)
{
    struct fcgi_source source = {NULL, 0, feed, replay, descriptor, f};
    return source;
}
