/*
 * busy - a client all of whose connections are on lease: see busy.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "busy.h"

#include "host.h"

static void end(void *what)
{
    struct busy *b = what;
    busy_free_calls(b);
    busy_free_wakeups(b);
    for (size_t i = 0; i < BUSY_LEASES; i++) {
        busy_put(b, i);
    }
}

struct busy *busy_begin(void **state, int max_open)
{
    struct fixture *f = *state;
    struct busy *b = fixture_alloc(state, sizeof(*b));
    struct fcgi_client_config config = {
        .pool = {.max_open = max_open,
                 .idle_timeout_ms = -1,
                 .allocator = counting_allocator(&f->memory)}};
    b->f = fixture_serve(state, FAKE_UNIX, &config);
    fixture_defer(state, end, b);
    for (int i = 0; i < max_open; i++) {
        b->leased[i] = take(f->pool);
    }
    fake_await(f->app, FAKE_ACCEPTED, (size_t)max_open);
    return b;
}

struct fcgi_wakeup *busy_wakeup(struct busy *b)
{
    size_t nth = b->wakeups[0] == NULL ? 0 : 1;
    assert_null(b->wakeups[nth]);
    assert_code(fcgi_wakeup_new(&b->wakeups[nth], b->f->client), FCGI_OK);
    assert_true(fcgi_wakeup_fd(b->wakeups[nth]) >= 0);
    return b->wakeups[nth];
}

struct fcgi_call *busy_queue(struct busy *b, struct fcgi_wakeup *wakeup)
{
    struct fcgi_request request = get_request();
    request.wakeup = wakeup;
    struct fcgi_call *call =
        host_begin(b->f->client, &request, &b->responses[b->count]);
    b->calls[b->count] = call;
    b->count += 1;
    assert_code(host_advance(call), FCGI_WAIT);
    assert_int_equal(fcgi_call_timeout_ms(call), -1);
    return call;
}

void busy_put(struct busy *b, size_t nth)
{
    fcgi_pool_put(b->f->pool, b->leased[nth]);
    b->leased[nth] = NULL;
}

void busy_take_turn(struct busy *b, size_t nth)
{
    assert_true(host_advance(b->calls[nth]) >= FCGI_OK);
}

void busy_finish_call(struct busy *b, size_t nth)
{
    assert_code(host_run(b->calls[nth]), FCGI_OK);
    assert_string_equal(b->responses[nth].body.data, "hello");
    busy_free_call(b, nth);
}

void busy_free_call(struct busy *b, size_t nth)
{
    host_free(b->calls[nth]);
    b->calls[nth] = NULL;
}

void busy_free_calls(struct busy *b)
{
    for (size_t i = 0; i < b->count; i++) {
        busy_free_call(b, i);
        fcgi_response_free(&b->responses[i]);
    }
    b->count = 0;
}

void busy_free_wakeups(struct busy *b)
{
    for (size_t i = 0; i < BUSY_WAKEUPS; i++) {
        fcgi_wakeup_free(b->wakeups[i]);
        b->wakeups[i] = NULL;
    }
}

bool busy_rings(const struct fcgi_wakeup *wakeup)
{
    return host_ready(fcgi_wakeup_fd(wakeup), FCGI_EVENT_READ);
}

void busy_assert_quiet(struct fcgi_wakeup *wakeup)
{
    assert_false(busy_rings(wakeup));
    assert_null(fcgi_wakeup_next(wakeup));
    assert_false(busy_rings(wakeup));
}

void busy_assert_turn(struct fcgi_wakeup *wakeup, struct fcgi_call *call)
{
    assert_true(busy_rings(wakeup));
    assert_ptr_equal(fcgi_wakeup_next(wakeup), call);
    busy_assert_quiet(wakeup);
}
