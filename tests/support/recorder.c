/*
 * recorder - a sink that logs what it receives: see recorder.h.
 */
#include "recorder.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

/* Begin an event in the log, unless it continues the last one. */
static void open_event(struct recorder *r, enum recorder_event event,
                       const char *label)
{
    if (event == RECORDER_HEAD || r->last != event) {
        wire_append(&r->log, label, strlen(label));
        r->last = event;
    }
}

static int verdict(const struct recorder *r, enum recorder_event event)
{
    return r->cancel_in == event ? r->answer : 0;
}

static int on_head(void *context, const struct fcgi_response *response)
{
    struct recorder *r = context;
    char label[32];
    (void)snprintf(label, sizeof(label), "[head %d]", response->status);
    r->heads += 1;
    open_event(r, RECORDER_HEAD, label);
    return verdict(r, RECORDER_HEAD);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int on_body(void *context, const void *data, size_t *len)
{
    struct recorder *r = context;
    assert_true(*len > 0);
    *len = r->limited ? least(*len, r->budget) : *len;
    *len = r->at_most > 0 ? least(*len, r->at_most) : *len;
    if (r->refusals > 0) {
        r->refusals -= 1;
        *len = 0;
    }
    r->bodies += 1;
    r->budget -= r->limited ? *len : 0;
    r->taken += *len;
    if (*len > 0) {
        open_event(r, RECORDER_BODY, "[body]");
        wire_append(&r->log, data, *len);
    }
    return verdict(r, RECORDER_BODY);
}

static int on_stderr(void *context, const void *data, size_t len)
{
    struct recorder *r = context;
    assert_true(len > 0);
    r->stderrs += 1;
    open_event(r, RECORDER_STDERR, "[stderr]");
    wire_append(&r->log, data, len);
    return verdict(r, RECORDER_STDERR);
}

struct fcgi_sink recorder_sink(struct recorder *r)
{
    struct fcgi_sink sink = {on_head, on_body, on_stderr, r};
    return sink;
}

void recorder_assert(const struct recorder *r, const char *log)
{
    assert_int_equal(r->log.len, strlen(log));
    if (r->log.len > 0) {
        assert_memory_equal(r->log.data, log, r->log.len);
    }
}

void recorder_free(struct recorder *r)
{
    wire_free(&r->log);
}
