/*
 * A request that is being dialled may wait for a worker that an idle connection
 * holds, as one does that waits for its first byte: the listen queue may be
 * full of connections that were kept. The others are in test_rescue.c.
 */
#define _POSIX_C_SOURCE 200809L

#include <sys/socket.h>
#include <unistd.h>

#include "../../src/client/call.h"
#include "../../src/net/net.h"
#include "fake_private.h" /* how it listens */
#include "feeder.h"
#include "fixture.h"
#include "host.h"
#include "late.h"

static struct feeder silent_feeder;

/* A body that does not come. */
static struct fcgi_request post_that_waits(void)
{
    silent_feeder = (struct feeder){.data = "body", .len = 4, .waits = true};
    return post_request(feeder_source(&silent_feeder));
}

/* A call that is being dialled beside an older one, which is the fixture's.
 * That one will be answered; the other one, whose body has not come, not. */
static struct late *begin_beside(void **state)
{
    struct fcgi_client_config config = {.pool = {.idle_timeout_ms = -1}};
    fixture_begin(fixture_clogged(state, FAKE_UNIX, &config));
    return late_begin(state, post_that_waits());
}

/* The application hears them. */
static void answer_first(struct fixture *f)
{
    fake_hear(f->app);
    assert_code(host_run(f->call), FCGI_OK);
}

/* The listen queue may be full of connections that were kept. */
static void a_call_that_connects_is_owed_a_closing_at_20_ms(void **state)
{
    struct fixture *f = *state;
    for (int owed = 0; owed < 2; owed++) {
        struct late *late = begin_beside(state);
        late_wait_us(late, 20 * LATE_MS - 1 + owed);
        answer_first(f);
        fixture_free_call(f);
        assert_int_equal(stats_of(f->client).rescues, owed);
    }
}

static void the_time_begins_anew_when_it_is_connected(void **state)
{
    struct fixture *f = *state;
    struct late *late = begin_beside(state);
    late_wait_us(late, 20 * LATE_MS - 1);
    answer_first(f);
    late_wait(late, 30);
    assert_int_equal(fcgi_call_events(late->call), FCGI_EVENT_READ);
    fixture_free_call(f);
    late_wait_us(late, 50 * LATE_MS - 1);
    assert_int_equal(stats_of(f->client).rescues, 0);
    late_wait(late, 50);
    assert_int_equal(stats_of(f->client).rescues, 1);
}

/* One that began later may have connected before it, and have the worker. */
static void it_counts_what_is_open_when_a_call_is_connected(void **state)
{
    struct fixture *f = fixture_clogged(state, FAKE_UNIX, NULL);
    struct late *late = late_begin(state, post_that_waits());
    fixture_begin(f);
    answer_first(f);
    late_wait(late, 15);
    assert_int_equal(fcgi_call_events(late->call), FCGI_EVENT_READ);
    late_wait_us(late, 35 * LATE_MS - 1);
    late_wait(late, 35);
    fixture_free_call(f);
    assert_int_equal(stats_of(f->client).rescues, 1);
}

/* A host may change its mind when it is told what is closed for its call. */
static void cancel_at_eviction(void *context,
                               const struct fcgi_trace_event *event)
{
    struct late **late = context;
    if (event->kind == FCGI_TRACE_EVICTED) {
        fcgi_call_cancel((*late)->call);
    }
}

static void
a_call_cancelled_by_the_trace_of_its_rescue_ends_at_once(void **state)
{
    static struct late *late;
    struct fcgi_client_config config = {.pool = {.idle_timeout_ms = -1,
                                                 .trace = cancel_at_eviction,
                                                 .trace_context = &late}};
    struct fixture *f = fixture_peer(state, &config);
    struct fcgi_connection *connection = take(f->pool);
    late = late_begin(state, get_request());
    fcgi_pool_put(f->pool, connection);
    assert_code(fcgi__call_step(late->call, late->began + 20 * LATE_MS, 0),
                FCGI_ERR_CANCELLED);
}

static void a_call_that_connects_alone_is_owed_nothing(void **state)
{
    struct fixture *f = fixture_clogged(state, FAKE_UNIX, NULL);
    struct late *late = late_begin(state, get_request());
    late_wait(late, 20);
    late_wait(late, 40);
    fake_hear(f->app);
    fcgi_pool_put(f->pool, take(f->pool));
    assert_int_equal(stats_of_pool(f->pool).rescues, 0);
    assert_int_equal(stats_of_pool(f->pool).idle, 1);
}

static void end_listener(void *listener)
{
    fake_listen_end(listener);
}

/* Have a call answered, whose memory the next one has; its connection is on
 * lease. */
static struct fcgi_connection *
lease_after_an_answer(struct fixture *f, const struct fake_listener *listener)
{
    struct wire answer = {0};
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    int fd = accept(listener->fd, NULL, NULL);
    wire_stdout(&answer, 1, "A: 1\r\n\r\n");
    wire_end(&answer, 1, 0, WIRE_COMPLETE);
    assert_int_equal(send(fd, answer.data, answer.len, MSG_NOSIGNAL),
                     answer.len);
    assert_code(host_run(f->call), FCGI_OK);
    fixture_free_call(f);
    wire_free(&answer);
    assert_int_equal(close(fd), 0);
    return take(fcgi_client_pool(f->client));
}

/* The first byte of another answer does not belong to this one. */
static void a_call_in_the_memory_of_another_is_owed_a_closing_too(void **state)
{
    struct fixture *f = *state;
    struct fake_listener *listener = fixture_alloc(state, sizeof(*listener));
    assert_true(fake_listen(listener, FAKE_UNIX, 0));
    fixture_defer(state, end_listener, listener);
    assert_code(fcgi_client_new(&f->client, listener->address, NULL), FCGI_OK);
    struct fcgi_connection *connection = lease_after_an_answer(f, listener);
    fake_clog(listener);
    struct late *late = late_begin(state, get_request());
    late_wait(late, 20);
    fcgi_pool_put(fcgi_client_pool(f->client), connection);
    assert_int_equal(stats_of(f->client).rescues, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_call_that_connects_is_owed_a_closing_at_20_ms),
        fixture_test(the_time_begins_anew_when_it_is_connected),
        fixture_test(it_counts_what_is_open_when_a_call_is_connected),
        fixture_test(a_call_cancelled_by_the_trace_of_its_rescue_ends_at_once),
        fixture_test(a_call_that_connects_alone_is_owed_nothing),
        fixture_test(a_call_in_the_memory_of_another_is_owed_a_closing_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
