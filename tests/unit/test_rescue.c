/*
 * A request that waits for its first byte over a connection dialled for it may
 * wait for a worker that an idle connection holds: which connections are closed
 * for it, when, and for how long that goes on. What happens before it is
 * connected is in test_rescue_dialling.c, what the pool learns in
 * test_rescue_learning.c.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <string.h>

#include "../../src/client/call.h"
#include "../../src/net/net.h"
#include "child.h"
#include "fixture.h"
#include "host.h"
#include "late.h"
#include "process.h"

#define LEASED_MAX 8

/* ---- leases ------------------------------------------------------------- */

/* Connections on lease, of the lowest numbers, which a test gives back when it
 * likes to. */
static struct fcgi_connection *leased[LEASED_MAX];

static size_t evicted; /* as the trace has told */

static void count_evicted(void *context, const struct fcgi_trace_event *event)
{
    (void)context;
    evicted += event->kind == FCGI_TRACE_EVICTED;
}

static void put(struct fixture *f, size_t nth)
{
    fcgi_pool_put(f->pool, leased[nth]);
    leased[nth] = NULL;
}

static void put_all(void *f)
{
    for (size_t i = 0; i < LEASED_MAX; i++) {
        put(f, i);
    }
}

/* The peer plays the application; so many of its connections are on lease. */
static struct fixture *
lease_with(void **state, struct fcgi_client_config config, size_t count)
{
    config.pool.idle_timeout_ms = -1;
    config.pool.trace = count_evicted;
    struct fixture *f = fixture_peer(state, &config);
    evicted = 0;
    fixture_defer(state, put_all, f);
    for (size_t i = 0; i < count; i++) {
        leased[i] = take(f->pool);
    }
    return f;
}

static struct fixture *lease(void **state, size_t count)
{
    const struct fcgi_client_config standard = {.retry = FCGI_RETRY_DEFAULT};
    return lease_with(state, standard, count);
}

static bool is_open(struct fixture *f, size_t nth)
{
    struct wire unread = {0};
    bool open = peer_receive(&f->peer, nth, &unread);
    wire_free(&unread);
    return open;
}

/* The numbers of the connections that are open, lowest first. */
static void assert_open(struct fixture *f, const char *numbers)
{
    char open[32] = "";
    for (size_t i = 0; i < f->peer.count; i++) {
        if (is_open(f, i)) {
            size_t len = strlen(open);
            (void)snprintf(open + len, sizeof(open) - len, "%zu", i);
        }
    }
    assert_string_equal(open, numbers);
}

/* How many connections were closed for requests that waited, of which all are
 * told; nothing else is closed here. */
static size_t rescues(struct fixture *f)
{
    struct fcgi_pool_stats stats = stats_of(f->client);
    assert_int_equal(stats.evictions, stats.rescues);
    assert_int_equal(evicted, stats.rescues);
    return (size_t)stats.rescues;
}

/* ---- which connections are closed, and when ----------------------------- */

static void
the_connection_idle_longest_is_closed_at_20_40_80_and_160_ms(void **state)
{
    static const size_t order[] = {3, 1, 4, 0, 2};
    static const int moments[] = {20, 40, 80, 160};
    static const char *const open[] = {"01245", "0245", "025", "25"};
    struct fixture *f = lease(state, 5);
    struct late *late = late_begin(state, get_request());
    for (size_t i = 0; i < 5; i++) {
        put(f, order[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        late_wait_us(late, moments[i] * LATE_MS - 1);
        assert_int_equal(rescues(f), i);
        late_wait(late, moments[i]);
        assert_int_equal(rescues(f), i + 1);
        assert_open(f, open[i]);
    }
}

/* What was waited beyond a moment is not made up for. */
static void a_call_that_is_advanced_late_has_one_closed(void **state)
{
    struct fixture *f = lease(state, 3);
    struct late *late = late_begin(state, get_request());
    for (size_t i = 0; i < 3; i++) {
        put(f, i);
    }
    late_wait(late, 1000);
    assert_open(f, "123");
    late_wait_us(late, 1020 * LATE_MS - 1);
    assert_open(f, "123");
    late_wait(late, 1020);
    assert_open(f, "23");
}

static void where_none_is_idle_the_next_that_comes_back_is_closed(void **state)
{
    struct fixture *f = lease(state, 3);
    struct late *late = late_begin(state, get_request());
    late_wait(late, 20);
    assert_int_equal(rescues(f), 0);
    put(f, 1);
    assert_int_equal(rescues(f), 1);
    put(f, 0);
    put(f, 2);
    assert_open(f, "023");
    assert_int_equal(stats_of(f->client).idle, 2);
}

static void a_closing_is_owed_for_each_moment(void **state)
{
    struct fixture *f = lease(state, 4);
    struct late *late = late_begin(state, get_request());
    late_wait(late, 20);
    late_wait(late, 40);
    late_wait(late, 80);
    for (size_t i = 0; i < 4; i++) {
        put(f, i);
    }
    assert_open(f, "34");
    assert_int_equal(rescues(f), 3);
}

/* The application is rid of that one too. */
static void a_connection_that_ends_anyhow_is_a_closing(void **state)
{
    struct fixture *f = lease(state, 2);
    struct late *late = late_begin(state, get_request());
    late_wait(late, 20);
    fcgi_pool_discard(f->pool, leased[0]);
    leased[0] = NULL;
    put(f, 1);
    assert_open(f, "12");
    assert_int_equal(rescues(f), 0);
}

/* While it was leased the last that came back was owed to the call. */
static void
what_a_queued_call_would_have_got_is_closed_and_it_dials(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_open = 2}};
    struct fixture *f = lease_with(state, config, 1);
    struct late *late = late_begin(state, get_request());
    struct late *queued = late_begin(state, get_request());
    assert_int_equal(stats_of(f->client).waiting, 1);
    late_wait(late, 20);
    put(f, 0);
    assert_int_equal(stats_of(f->client).waiting, 0);
    assert_int_equal(rescues(f), 1);
    late_wait(queued, 20);
    assert_open(f, "12");
    assert_int_equal(stats_of(f->client).dials, 3);
}

/* ---- calls that close connections --------------------------------------- */

/* Nothing is closed for this request, however long it waits, and none is owed
 * to it: the connection, on lease till then, is kept. */
static void assert_asks_for_nothing(struct fixture *f, struct late *late,
                                    size_t nth)
{
    uint64_t before = stats_of(f->client).evictions;
    late_wait(late, 20);
    late_wait(late, 5000);
    put(f, nth);
    late_wait(late, 10000);
    assert_int_equal(stats_of(f->client).rescues, 0);
    assert_int_equal(stats_of(f->client).evictions, before);
    assert_true(is_open(f, nth));
}

/* An application accepts in order: one that was dialled later holds no worker
 * that the call waits for. */
static void a_call_alone_in_its_pool_has_none_closed(void **state)
{
    struct fixture *f = lease(state, 0);
    struct late *late = late_begin(state, get_request());
    leased[1] = take(f->pool);
    assert_asks_for_nothing(f, late, 1);
}

static void a_call_that_had_the_only_other_one_closed_has_no_more(void **state)
{
    struct fixture *f = lease(state, 1);
    put(f, 0);
    struct late *late = late_begin(state, post_text("body"));
    assert_int_equal(stats_of(f->client).yielded, 1);
    leased[2] = take(f->pool);
    assert_asks_for_nothing(f, late, 2);
}

static void a_call_over_a_reused_connection_has_none_closed(void **state)
{
    struct fixture *f = lease(state, 2);
    put(f, 1);
    struct late *late = late_begin(state, get_request());
    assert_asks_for_nothing(f, late, 0);
    assert_int_equal(stats_of(f->client).dials, 2);
}

/* With the default policy it dials though there are idle ones. */
static void a_call_that_is_not_safe_to_repeat_has_one_closed(void **state)
{
    struct fixture *f = lease(state, 3);
    put(f, 1);
    put(f, 2);
    struct late *late = late_begin(state, post_text("body"));
    assert_open(f, "013");
    late_wait(late, 20);
    assert_open(f, "03");
    assert_int_equal(stats_of(f->client).rescues, 1);
}

/* ---- for how long ------------------------------------------------------- */

/* Whatever the time is by then. */
static void a_call_that_was_answered_has_nothing_closed(void **state)
{
    struct fixture *f = lease(state, 1);
    struct late *late = late_begin(state, get_request());
    put(f, 0);
    peer_answer(&f->peer, 1, 1, "A: 1\r\n\r\n");
    assert_code(
        fcgi__call_step(late->call, late->began + 50 * LATE_MS, FCGI__READY),
        FCGI_OK);
    assert_int_equal(rescues(f), 0);
}

static void a_call_with_a_part_of_its_answer_has_nothing_closed(void **state)
{
    struct fixture *f = lease(state, 1);
    struct late *late = late_begin(state, get_request());
    put(f, 0);
    peer_stdout(&f->peer, 1, 1, "A");
    assert_code(fcgi__call_step(late->call, late->began, FCGI__READY),
                FCGI_WAIT);
    late_wait(late, 10000);
    assert_int_equal(rescues(f), 0);
}

/* How a call that is owed a closing waits no longer. */
static void be_answered_in_part(struct fixture *f, struct late *late)
{
    peer_stdout(&f->peer, 2, 1, "A");
    assert_code(fcgi_call_advance(late->call), FCGI_WAIT);
}

static void be_answered(struct fixture *f, struct late *late)
{
    peer_answer(&f->peer, 2, 1, "A: 1\r\n\r\n");
    assert_code(fcgi_call_advance(late->call), FCGI_OK);
}

static void lose_the_connection(struct fixture *f, struct late *late)
{
    peer_close(&f->peer, 2);
    assert_code(fcgi_call_advance(late->call), FCGI_ERR_CLOSED);
}

static void be_cancelled(struct fixture *f, struct late *late)
{
    (void)f;
    fcgi_call_cancel(late->call);
}

static void be_over_its_time(struct fixture *f, struct late *late)
{
    int64_t then = late->began + INT64_C(60000) * LATE_MS;
    (void)f;
    assert_code(fcgi__call_step(late->call, then, FCGI__WRITABLE),
                FCGI_ERR_FIRST_BYTE_TIMEOUT);
}

static void be_freed(struct fixture *f, struct late *late)
{
    (void)f;
    fcgi_call_free(late->call);
    late->call = NULL;
}

static void (*const ways_to_end[])(struct fixture *, struct late *) = {
    be_answered_in_part, be_answered,      lose_the_connection,
    be_cancelled,        be_over_its_time, be_freed};

#define WAYS (sizeof(ways_to_end) / sizeof(ways_to_end[0]))

static void a_call_that_waits_no_longer_is_owed_nothing(void **state)
{
    for (size_t i = 0; i < WAYS; i++) {
        struct fixture *f = lease(state, 2);
        struct late *late = late_begin(state, get_request());
        late_wait(late, 20);
        late_wait(late, 40);
        ways_to_end[i](f, late);
        put(f, 0);
        assert_true(is_open(f, 0));
        assert_int_equal(rescues(f), 0);
    }
}

/* Which of them the closings are owed to is not told apart. */
static void what_is_owed_stays_while_another_call_waits(void **state)
{
    for (size_t i = 0; i < WAYS; i++) {
        struct fixture *f = lease(state, 2);
        struct late *late = late_begin(state, get_request());
        struct late *other = late_begin(state, get_request());
        late_wait(late, 20);
        late_wait(other, 20);
        ways_to_end[i](f, late);
        put(f, 0);
        assert_int_equal(rescues(f), 1);
    }
}

/* A call that was owed something more than once waits but once. */
static void nothing_is_owed_when_the_last_call_is_answered(void **state)
{
    struct late *late[2];
    struct fixture *f = lease(state, 2);
    for (size_t i = 0; i < 2; i++) {
        late[i] = late_begin(state, get_request());
        late_wait(late[i], 20);
        late_wait(late[i], 40);
    }
    for (size_t i = 0; i < 2; i++) {
        fcgi_call_cancel(late[i]->call);
    }
    put(f, 0);
    assert_int_equal(rescues(f), 0);
}

static void put_in_child(void *context)
{
    struct fixture *f = context;
    fcgi_pool_put(f->pool, take(f->pool));
    CHILD_REQUIRE(stats_of(f->client).idle == 1);
}

/* It is not the child's call that waits. */
static void nothing_is_owed_in_the_child_of_a_fork(void **state)
{
    struct fixture *f = lease(state, 1);
    struct late *late = late_begin(state, get_request());
    late_wait(late, 20);
    child_run(put_in_child, f);
    put(f, 0);
    assert_int_equal(rescues(f), 1);
}

/* ---- what the host is told ---------------------------------------------- */

/* What is not told when it is due fails in the end. */
static struct fcgi_request get_within_seconds(void)
{
    struct fcgi_request request = get_request();
    request.timeouts.first_byte_ms = 10000;
    return request;
}

/* Waits as the call tells, and advances it, until so many were closed. */
static void host_until_rescues(struct fixture *f, uint64_t count)
{
    while (stats_of(f->client).rescues < count) {
        assert_code(host_wait(f->call), FCGI_WAIT);
    }
}

static void a_call_is_due_when_it_has_waited_long(void **state)
{
    static const int moments[] = {20, 40, 80};
    struct fixture *f = lease(state, 4);
    int64_t start = now_ms();
    f->request = get_within_seconds();
    fixture_begin(f);
    for (size_t i = 0; i < 4; i++) {
        put(f, i);
    }
    for (size_t i = 0; i < 3; i++) {
        host_until_rescues(f, i + 1);
        assert_true(elapsed(start, moments[i]));
        assert_int_equal(rescues(f), i + 1);
        assert_in_range(fcgi_call_timeout_ms(f->call), 0, moments[i]);
    }
    assert_open(f, "34");
}

/* That of the first byte is a minute. */
static void assert_due_at_its_limits(struct fixture *f)
{
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_in_range(fcgi_call_timeout_ms(f->call), 30000, 60000);
}

static void a_call_alone_is_due_at_its_limits(void **state)
{
    struct fixture *f = lease(state, 0);
    assert_due_at_its_limits(f);
}

static void a_call_over_a_reused_connection_is_due_at_its_limits(void **state)
{
    struct fixture *f = lease(state, 2);
    put(f, 1);
    assert_due_at_its_limits(f);
    assert_int_equal(stats_of(f->client).dials, 2);
}

/* None of its connections holds a worker that another one waits for. */
static void
a_call_of_a_client_that_keeps_none_is_due_at_its_limits(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_idle = -1}};
    struct fixture *f = lease_with(state, config, 1);
    assert_due_at_its_limits(f);
}

static void a_call_with_a_part_of_its_answer_is_due_at_its_limits(void **state)
{
    struct fixture *f = lease(state, 1);
    fixture_begin(f);
    peer_stdout(&f->peer, 1, 1, "A");
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_in_range(fcgi_call_timeout_ms(f->call), 30000, 60000);
}

/* The second attempt is over a connection of its own dialling, which begins to
 * wait when that is made. */
static void a_call_that_is_sent_once_more_is_due_too(void **state)
{
    struct fixture *f = lease(state, 2);
    put(f, 0);
    f->request = get_within_seconds();
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    peer_close(&f->peer, 0);
    int64_t start = now_ms();
    put(f, 1);
    host_until_rescues(f, 1);
    assert_true(elapsed(start, 20));
    assert_int_equal(stats_of(f->client).retries, 1);
    assert_false(is_open(f, 1));
}

/* ---- where it does not pay ---------------------------------------------- */

/* A connection is kept, and has to be closed for a request before it served
 * another one: while it is idle, or as soon as it would be. */
static void keep_in_vain(void **state, bool idle)
{
    struct fixture *f = *state;
    leased[0] = take(f->pool);
    struct late *late = late_begin(state, get_request());
    if (idle) {
        put(f, 0);
    }
    late_wait(late, 20);
    if (!idle) {
        put(f, 0);
    }
    peer_answer(&f->peer, f->peer.count - 1, 1, "A: 1\r\n\r\n");
    assert_code(fcgi_call_advance(late->call), FCGI_OK);
    late_free(late);
}

static void where_keeping_leads_to_rescues_none_is_kept(void **state)
{
    for (int idle = 0; idle < 2; idle++) {
        struct fixture *f = lease(state, 0);
        for (int i = 0; i < 64; i++) {
            keep_in_vain(state, idle);
        }
        assert_int_equal(rescues(f), 64);
        assert_int_equal(stats_of(f->client).idle, 1);
        keep_in_vain(state, idle);
        assert_int_equal(stats_of(f->client).rescues, 65);
        assert_int_equal(stats_of(f->client).unkept, 1);
        assert_int_equal(stats_of(f->client).idle, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(
            the_connection_idle_longest_is_closed_at_20_40_80_and_160_ms),
        fixture_test(a_call_that_is_advanced_late_has_one_closed),
        fixture_test(where_none_is_idle_the_next_that_comes_back_is_closed),
        fixture_test(a_closing_is_owed_for_each_moment),
        fixture_test(a_connection_that_ends_anyhow_is_a_closing),
        fixture_test(what_a_queued_call_would_have_got_is_closed_and_it_dials),
        fixture_test(a_call_alone_in_its_pool_has_none_closed),
        fixture_test(a_call_that_had_the_only_other_one_closed_has_no_more),
        fixture_test(a_call_over_a_reused_connection_has_none_closed),
        fixture_test(a_call_that_is_not_safe_to_repeat_has_one_closed),
        fixture_test(a_call_that_was_answered_has_nothing_closed),
        fixture_test(a_call_with_a_part_of_its_answer_has_nothing_closed),
        fixture_test(a_call_that_waits_no_longer_is_owed_nothing),
        fixture_test(what_is_owed_stays_while_another_call_waits),
        fixture_test(nothing_is_owed_when_the_last_call_is_answered),
        fixture_test(nothing_is_owed_in_the_child_of_a_fork),
        fixture_test(a_call_is_due_when_it_has_waited_long),
        fixture_test(a_call_alone_is_due_at_its_limits),
        fixture_test(a_call_over_a_reused_connection_is_due_at_its_limits),
        fixture_test(a_call_of_a_client_that_keeps_none_is_due_at_its_limits),
        fixture_test(a_call_with_a_part_of_its_answer_is_due_at_its_limits),
        fixture_test(a_call_that_is_sent_once_more_is_due_too),
        fixture_test(where_keeping_leads_to_rescues_none_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
