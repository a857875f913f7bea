/*
 * late - a request that is told the time: see late.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "late.h"

#include "../../src/client/call.h"
#include "../../src/net/clock.h"
#include "../../src/net/net.h"
#include "fixture.h"

/* How far ahead the moments are that requests are told: further than any real
 * one, so that those do not count. */
#define AHEAD_MS 3600000

void late_free(struct late *late)
{
    fcgi_call_free(late->call);
    late->call = NULL;
    fcgi_response_free(&late->response);
}

static void end(void *late)
{
    late_free(late);
}

struct late *late_begin(void **state, struct fcgi_request request)
{
    struct fixture *f = *state;
    struct late *late = fixture_alloc(state, sizeof(*late));
    late->began = fcgi__now() + AHEAD_MS * LATE_MS;
    fixture_defer(state, end, late);
    assert_code(fcgi__call_start(&late->call, f->client, &request,
                                 &late->response, late->began, false),
                FCGI_OK);
    assert_code(fcgi__call_step(late->call, late->began, FCGI__WRITABLE),
                FCGI_WAIT);
    return late;
}

void late_wait_us(struct late *late, int64_t after_us)
{
    assert_code(fcgi__call_step(late->call, late->began + after_us, 0),
                FCGI_WAIT);
}

void late_wait(struct late *late, int after_ms)
{
    late_wait_us(late, after_ms * LATE_MS);
}
