/*
 * A request that waits for its first byte over a connection dialled for it may
 * wait for a worker that an idle connection holds: which connections are closed
 * for it, when, and for how long that goes on. And what the pool learns where
 * keeping connections does not pay.
 *
 * Most calls here are begun at a moment that is known, and told the time that
 * has gone by since, so that nothing depends on how busy the machine is.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcgi_client.h>

#include "../../src/client/call.h"
#include "../../src/net/clock.h"
#include "../../src/net/net.h"
#include "ask.h"
#include "fake_private.h" /* how it listens */
#include "feeder.h"
#include "host.h"
#include "peer.h"
#include "process.h"

#define LEASED_MAX 8

/* In microseconds. */
#define MS 1000

/* How far ahead the moments are that calls are told: further than any real one,
 * so that those do not count. */
#define AHEAD_MS 3600000

/* ---- a scene ------------------------------------------------------------ */

/* A client whose connections end in the peer. Those with the lowest numbers
 * are on lease, which a test gives back when it likes to. */
struct scene {
    struct peer peer;
    struct fcgi_client *client;
    struct fcgi_pool *pool;
    struct fcgi_connection *leased[LEASED_MAX];
    size_t evicted; /* as the trace has told */
};

static void count_evicted(void *context, const struct fcgi_trace_event *event)
{
    struct scene *s = context;
    s->evicted += event->kind == FCGI_TRACE_EVICTED;
}

static void set_with(struct scene *s, struct fcgi_client_config config,
                     size_t leased)
{
    memset(s, 0, sizeof(*s));
    config.pool.idle_timeout_ms = -1;
    config.pool.trace = count_evicted;
    config.pool.trace_context = s;
    s->client = peer_client(&s->peer, &config);
    s->pool = fcgi_client_pool(s->client);
    for (size_t i = 0; i < leased; i++) {
        s->leased[i] = take(s->pool);
    }
}

static void set(struct scene *s, size_t leased)
{
    const struct fcgi_client_config standard = {.retry = FCGI_RETRY_DEFAULT};
    set_with(s, standard, leased);
}

static void put(struct scene *s, size_t nth)
{
    fcgi_pool_put(s->pool, s->leased[nth]);
    s->leased[nth] = NULL;
}

static void strike(struct scene *s)
{
    for (size_t i = 0; i < LEASED_MAX; i++) {
        fcgi_pool_put(s->pool, s->leased[i]);
    }
    fcgi_client_free(s->client);
    peer_free(&s->peer);
}

static bool is_open(struct scene *s, size_t nth)
{
    struct wire unread = {0};
    bool open = peer_receive(&s->peer, nth, &unread);
    wire_free(&unread);
    return open;
}

/* The numbers of the connections that are open, lowest first. */
static void assert_open(struct scene *s, const char *numbers)
{
    char open[32] = "";
    for (size_t i = 0; i < s->peer.count; i++) {
        if (is_open(s, i)) {
            size_t len = strlen(open);
            (void)snprintf(open + len, sizeof(open) - len, "%zu", i);
        }
    }
    assert_string_equal(open, numbers);
}

/* How many connections were closed for requests that waited, of which all are
 * told; nothing else is closed here. */
static size_t rescues(struct scene *s)
{
    struct fcgi_pool_stats stats = stats_of(s->client);
    assert_int_equal(stats.evictions, stats.rescues);
    assert_int_equal(s->evicted, stats.rescues);
    return (size_t)stats.rescues;
}

/* ---- a request that waits ----------------------------------------------- */

struct late {
    struct fcgi_call *call;
    struct fcgi_response response;
    int64_t began;
};

/* It is sent as far as that goes. */
static void begin_request(struct late *late, struct scene *s,
                          struct fcgi_request request)
{
    memset(late, 0, sizeof(*late));
    late->began = fcgi__now() + INT64_C(1) * AHEAD_MS * MS;
    assert_code(fcgi__call_start(&late->call, s->client, &request,
                                 &late->response, late->began, false),
                FCGI_OK);
    assert_code(fcgi__call_step(late->call, late->began, FCGI__WRITABLE),
                FCGI_WAIT);
}

static void begin(struct late *late, struct scene *s)
{
    begin_request(late, s, get_request());
}

/* Advance it that long after it began; nothing has come since. */
static void wait_until_us(struct late *late, int64_t after_us)
{
    assert_code(fcgi__call_step(late->call, late->began + after_us, 0),
                FCGI_WAIT);
}

static void wait_until(struct late *late, int after_ms)
{
    wait_until_us(late, INT64_C(1) * after_ms * MS);
}

static void end(struct late *late)
{
    fcgi_call_free(late->call);
    fcgi_response_free(&late->response);
}

/* ---- which connections are closed, and when ----------------------------- */

static void
the_connection_idle_longest_is_closed_at_20_40_80_and_160_ms(void **state)
{
    (void)state;
    static const size_t order[] = {3, 1, 4, 0, 2};
    static const int moments[] = {20, 40, 80, 160};
    static const char *const open[] = {"01245", "0245", "025", "25"};
    struct scene s;
    struct late late;
    set(&s, 5);
    begin(&late, &s);
    for (size_t i = 0; i < 5; i++) {
        put(&s, order[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        wait_until_us(&late, moments[i] * MS - 1);
        assert_int_equal(rescues(&s), i);
        wait_until(&late, moments[i]);
        assert_int_equal(rescues(&s), i + 1);
        assert_open(&s, open[i]);
    }
    end(&late);
    strike(&s);
}

/* What was waited beyond a moment is not made up for. */
static void a_call_that_is_advanced_late_has_one_closed(void **state)
{
    (void)state;
    struct scene s;
    struct late late;
    set(&s, 3);
    begin(&late, &s);
    for (size_t i = 0; i < 3; i++) {
        put(&s, i);
    }
    wait_until(&late, 1000);
    assert_open(&s, "123");
    wait_until_us(&late, 1020 * MS - 1);
    assert_open(&s, "123");
    wait_until(&late, 1020);
    assert_open(&s, "23");
    end(&late);
    strike(&s);
}

static void where_none_is_idle_the_next_that_comes_back_is_closed(void **state)
{
    (void)state;
    struct scene s;
    struct late late;
    set(&s, 3);
    begin(&late, &s);
    wait_until(&late, 20);
    assert_int_equal(rescues(&s), 0);
    put(&s, 1);
    assert_int_equal(rescues(&s), 1);
    put(&s, 0);
    put(&s, 2);
    assert_open(&s, "023");
    assert_int_equal(stats_of(s.client).idle, 2);
    end(&late);
    strike(&s);
}

static void a_closing_is_owed_for_each_moment(void **state)
{
    (void)state;
    struct scene s;
    struct late late;
    set(&s, 4);
    begin(&late, &s);
    wait_until(&late, 20);
    wait_until(&late, 40);
    wait_until(&late, 80);
    for (size_t i = 0; i < 4; i++) {
        put(&s, i);
    }
    assert_open(&s, "34");
    assert_int_equal(rescues(&s), 3);
    end(&late);
    strike(&s);
}

/* The application is rid of that one too. */
static void a_connection_that_ends_anyhow_is_a_closing(void **state)
{
    (void)state;
    struct scene s;
    struct late late;
    set(&s, 2);
    begin(&late, &s);
    wait_until(&late, 20);
    fcgi_pool_discard(s.pool, s.leased[0]);
    s.leased[0] = NULL;
    put(&s, 1);
    assert_open(&s, "12");
    assert_int_equal(rescues(&s), 0);
    end(&late);
    strike(&s);
}

/* While it was leased the last that came back was owed to the call. */
static void
what_a_queued_call_would_have_got_is_closed_and_it_dials(void **state)
{
    (void)state;
    struct fcgi_client_config config = {.pool = {.max_open = 2}};
    struct scene s;
    struct late late;
    struct late queued;
    set_with(&s, config, 1);
    begin(&late, &s);
    begin(&queued, &s);
    assert_int_equal(stats_of(s.client).waiting, 1);
    wait_until(&late, 20);
    put(&s, 0);
    assert_int_equal(stats_of(s.client).waiting, 0);
    assert_int_equal(rescues(&s), 1);
    wait_until(&queued, 20);
    assert_open(&s, "12");
    assert_int_equal(stats_of(s.client).dials, 3);
    end(&queued);
    end(&late);
    strike(&s);
}

/* ---- calls that close connections -----------------------------------------
 */

/* Nothing is closed for this request, however long it waits, and none is owed
 * to it: the connection, on lease till then, is kept. */
static void assert_asks_for_nothing(struct scene *s, struct late *late,
                                    size_t leased)
{
    uint64_t before = stats_of(s->client).evictions;
    wait_until(late, 20);
    wait_until(late, 5000);
    put(s, leased);
    wait_until(late, 10000);
    assert_int_equal(stats_of(s->client).rescues, 0);
    assert_int_equal(stats_of(s->client).evictions, before);
    assert_true(is_open(s, leased));
}

/* An application accepts in order: one that was dialled later holds no worker
 * that the call waits for. */
static void a_call_alone_in_its_pool_has_none_closed(void **state)
{
    (void)state;
    struct scene s;
    struct late late;
    set(&s, 0);
    begin(&late, &s);
    s.leased[1] = take(s.pool);
    assert_asks_for_nothing(&s, &late, 1);
    end(&late);
    strike(&s);
}

static void a_call_that_had_the_only_other_one_closed_has_no_more(void **state)
{
    (void)state;
    struct scene s;
    struct late late;
    set(&s, 1);
    put(&s, 0);
    begin_request(&late, &s, post_text("body"));
    assert_int_equal(stats_of(s.client).yielded, 1);
    s.leased[2] = take(s.pool);
    assert_asks_for_nothing(&s, &late, 2);
    end(&late);
    strike(&s);
}

static void a_call_over_a_reused_connection_has_none_closed(void **state)
{
    (void)state;
    struct scene s;
    struct late late;
    set(&s, 2);
    put(&s, 1);
    begin(&late, &s);
    assert_asks_for_nothing(&s, &late, 0);
    assert_int_equal(stats_of(s.client).dials, 2);
    end(&late);
    strike(&s);
}

/* With the default policy it dials though there are idle ones. */
static void a_call_that_is_not_safe_to_repeat_has_one_closed(void **state)
{
    (void)state;
    struct scene s;
    struct late late;
    set(&s, 3);
    put(&s, 1);
    put(&s, 2);
    begin_request(&late, &s, post_text("body"));
    assert_open(&s, "013");
    wait_until(&late, 20);
    assert_open(&s, "03");
    assert_int_equal(stats_of(s.client).rescues, 1);
    end(&late);
    strike(&s);
}

/* ---- for how long ------------------------------------------------------- */

/* Whatever the time is by then. */
static void a_call_that_was_answered_has_nothing_closed(void **state)
{
    (void)state;
    struct scene s;
    struct late late;
    set(&s, 1);
    begin(&late, &s);
    put(&s, 0);
    peer_answer(&s.peer, 1, 1, "A: 1\r\n\r\n");
    assert_code(fcgi__call_step(late.call, late.began + 50 * MS, FCGI__READY),
                FCGI_OK);
    assert_int_equal(rescues(&s), 0);
    end(&late);
    strike(&s);
}

static void a_call_with_a_part_of_its_answer_has_nothing_closed(void **state)
{
    (void)state;
    struct scene s;
    struct late late;
    set(&s, 1);
    begin(&late, &s);
    put(&s, 0);
    peer_stdout(&s.peer, 1, 1, "A");
    assert_code(fcgi__call_step(late.call, late.began, FCGI__READY), FCGI_WAIT);
    wait_until(&late, 10000);
    assert_int_equal(rescues(&s), 0);
    end(&late);
    strike(&s);
}

/* How a call that is owed a closing waits no longer. */
static void be_answered_in_part(struct scene *s, struct late *late)
{
    peer_stdout(&s->peer, 2, 1, "A");
    assert_code(fcgi_call_advance(late->call), FCGI_WAIT);
}

static void be_answered(struct scene *s, struct late *late)
{
    peer_answer(&s->peer, 2, 1, "A: 1\r\n\r\n");
    assert_code(fcgi_call_advance(late->call), FCGI_OK);
}

static void lose_the_connection(struct scene *s, struct late *late)
{
    peer_close(&s->peer, 2);
    assert_code(fcgi_call_advance(late->call), FCGI_ERR_CLOSED);
}

static void be_cancelled(struct scene *s, struct late *late)
{
    (void)s;
    fcgi_call_cancel(late->call);
}

static void be_over_its_time(struct scene *s, struct late *late)
{
    int64_t then = late->began + INT64_C(60000) * MS;
    (void)s;
    assert_code(fcgi__call_step(late->call, then, FCGI__WRITABLE),
                FCGI_ERR_FIRST_BYTE_TIMEOUT);
}

static void be_freed(struct scene *s, struct late *late)
{
    (void)s;
    fcgi_call_free(late->call);
    late->call = NULL;
}

static void (*const ways_to_end[])(struct scene *, struct late *) = {
    be_answered_in_part, be_answered,      lose_the_connection,
    be_cancelled,        be_over_its_time, be_freed};

#define WAYS (sizeof(ways_to_end) / sizeof(ways_to_end[0]))

static void a_call_that_waits_no_longer_is_owed_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct scene s;
        struct late late;
        set(&s, 2);
        begin(&late, &s);
        wait_until(&late, 20);
        wait_until(&late, 40);
        ways_to_end[i](&s, &late);
        put(&s, 0);
        assert_true(is_open(&s, 0));
        assert_int_equal(rescues(&s), 0);
        end(&late);
        strike(&s);
    }
}

/* Which of them the closings are owed to is not told apart. */
static void what_is_owed_stays_while_another_call_waits(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct scene s;
        struct late late;
        struct late other;
        set(&s, 2);
        begin(&late, &s);
        begin(&other, &s);
        wait_until(&late, 20);
        wait_until(&other, 20);
        ways_to_end[i](&s, &late);
        put(&s, 0);
        assert_int_equal(rescues(&s), 1);
        end(&other);
        end(&late);
        strike(&s);
    }
}

/* A call that was owed something more than once waits but once. */
static void nothing_is_owed_when_the_last_call_is_answered(void **state)
{
    (void)state;
    struct scene s;
    struct late late[2];
    set(&s, 2);
    for (size_t i = 0; i < 2; i++) {
        begin(&late[i], &s);
        wait_until(&late[i], 20);
        wait_until(&late[i], 40);
    }
    for (size_t i = 0; i < 2; i++) {
        fcgi_call_cancel(late[i].call);
    }
    put(&s, 0);
    assert_int_equal(rescues(&s), 0);
    for (size_t i = 0; i < 2; i++) {
        end(&late[i]);
    }
    strike(&s);
}

/* It is not the child's call that waits. */
static void nothing_is_owed_in_the_child_of_a_fork(void **state)
{
    (void)state;
    struct scene s;
    struct late late;
    set(&s, 1);
    begin(&late, &s);
    wait_until(&late, 20);
    pid_t pid = fork();
    if (pid == 0) {
        (void)alarm(60);
        fcgi_pool_put(s.pool, take(s.pool));
        if (stats_of(s.client).idle == 1) {
            child_ends_well();
        }
        _exit(1);
    }
    assert_true(WIFSIGNALED(await_exit(pid)));
    put(&s, 0);
    assert_int_equal(rescues(&s), 1);
    end(&late);
    strike(&s);
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
static void host_until_rescues(struct fcgi_call *call, struct scene *s,
                               uint64_t count)
{
    while (stats_of(s->client).rescues < count) {
        assert_code(host_wait(call), FCGI_WAIT);
    }
}

static void a_call_is_due_when_it_has_waited_long(void **state)
{
    (void)state;
    static const int moments[] = {20, 40, 80};
    struct fcgi_request request = get_within_seconds();
    struct fcgi_response response = {0};
    struct scene s;
    set(&s, 4);
    int64_t start = now_ms();
    struct fcgi_call *call = host_begin(s.client, &request, &response);
    for (size_t i = 0; i < 4; i++) {
        put(&s, i);
    }
    for (size_t i = 0; i < 3; i++) {
        host_until_rescues(call, &s, i + 1);
        assert_true(elapsed(start, moments[i]));
        assert_int_equal(rescues(&s), i + 1);
        assert_in_range(fcgi_call_timeout_ms(call), 0, moments[i]);
    }
    assert_open(&s, "34");
    host_free(call);
    fcgi_response_free(&response);
    strike(&s);
}

/* That of the first byte is a minute. */
static void assert_due_at_its_limits(struct scene *s)
{
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    struct fcgi_call *call = host_begin(s->client, &request, &response);
    assert_code(host_settle(call), FCGI_WAIT);
    assert_in_range(fcgi_call_timeout_ms(call), 30000, 60000);
    host_free(call);
    fcgi_response_free(&response);
}

static void a_call_alone_is_due_at_its_limits(void **state)
{
    (void)state;
    struct scene s;
    set(&s, 0);
    assert_due_at_its_limits(&s);
    strike(&s);
}

static void a_call_over_a_reused_connection_is_due_at_its_limits(void **state)
{
    (void)state;
    struct scene s;
    set(&s, 2);
    put(&s, 1);
    assert_due_at_its_limits(&s);
    assert_int_equal(stats_of(s.client).dials, 2);
    strike(&s);
}

/* None of its connections holds a worker that another one waits for. */
static void
a_call_of_a_client_that_keeps_none_is_due_at_its_limits(void **state)
{
    (void)state;
    struct fcgi_client_config config = {.pool = {.max_idle = -1}};
    struct scene s;
    set_with(&s, config, 1);
    assert_due_at_its_limits(&s);
    strike(&s);
}

static void a_call_with_a_part_of_its_answer_is_due_at_its_limits(void **state)
{
    (void)state;
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    struct scene s;
    set(&s, 1);
    struct fcgi_call *call = host_begin(s.client, &request, &response);
    peer_stdout(&s.peer, 1, 1, "A");
    assert_code(host_settle(call), FCGI_WAIT);
    assert_in_range(fcgi_call_timeout_ms(call), 30000, 60000);
    host_free(call);
    fcgi_response_free(&response);
    strike(&s);
}

/* The second attempt is over a connection of its own dialling, which begins to
 * wait when that is made. */
static void a_call_that_is_sent_once_more_is_due_too(void **state)
{
    (void)state;
    struct fcgi_request request = get_within_seconds();
    struct fcgi_response response = {0};
    struct scene s;
    set(&s, 2);
    put(&s, 0);
    struct fcgi_call *call = host_begin(s.client, &request, &response);
    assert_code(host_settle(call), FCGI_WAIT);
    peer_close(&s.peer, 0);
    int64_t start = now_ms();
    put(&s, 1);
    host_until_rescues(call, &s, 1);
    assert_true(elapsed(start, 20));
    assert_int_equal(stats_of(s.client).retries, 1);
    assert_false(is_open(&s, 1));
    host_free(call);
    fcgi_response_free(&response);
    strike(&s);
}

/* ---- while it is dialled ------------------------------------------------ */

/* A call that is being dialled beside another one, which is older. */
struct pair {
    struct fake *app;
    struct scene s; /* but for the peer */
    struct feeder feeder;
    struct fcgi_call *first;
    struct fcgi_response response;
    struct late late;
};

/* The first will be answered; the other one, whose body has not come, not. */
static void begin_pair(struct pair *pair)
{
    struct fcgi_pool_config config = {.idle_timeout_ms = -1};
    struct fcgi_request request = get_request();
    memset(pair, 0, sizeof(*pair));
    pair->app = fake_clogged(FAKE_UNIX);
    pair->s.client = client_with_pool(pair->app, &config);
    pair->feeder = (struct feeder){.data = "body", .len = 4, .waits = true};
    pair->first = host_begin(pair->s.client, &request, &pair->response);
    begin_request(&pair->late, &pair->s,
                  post_request(feeder_source(&pair->feeder)));
}

/* The application hears them. */
static void answer_first(struct pair *pair)
{
    fake_hear(pair->app);
    assert_code(host_run(pair->first), FCGI_OK);
}

/* Its connection comes back. */
static void free_first(struct pair *pair)
{
    host_free(pair->first);
    pair->first = NULL;
}

static uint64_t rescues_of_pair(struct pair *pair)
{
    return stats_of(pair->s.client).rescues;
}

static void end_pair(struct pair *pair)
{
    end(&pair->late);
    host_free(pair->first);
    fcgi_response_free(&pair->response);
    fcgi_client_free(pair->s.client);
    fake_stop(pair->app);
}

/* The listen queue may be full of connections that were kept. */
static void a_call_that_connects_is_owed_a_closing_at_20_ms(void **state)
{
    (void)state;
    for (int owed = 0; owed < 2; owed++) {
        struct pair pair;
        begin_pair(&pair);
        wait_until_us(&pair.late, 20 * MS - 1 + owed);
        answer_first(&pair);
        free_first(&pair);
        assert_int_equal(rescues_of_pair(&pair), owed);
        end_pair(&pair);
    }
}

static void the_time_begins_anew_when_it_is_connected(void **state)
{
    (void)state;
    struct pair pair;
    begin_pair(&pair);
    wait_until_us(&pair.late, 20 * MS - 1);
    answer_first(&pair);
    wait_until(&pair.late, 30);
    assert_int_equal(fcgi_call_events(pair.late.call), FCGI_EVENT_READ);
    free_first(&pair);
    wait_until_us(&pair.late, 50 * MS - 1);
    assert_int_equal(rescues_of_pair(&pair), 0);
    wait_until(&pair.late, 50);
    assert_int_equal(rescues_of_pair(&pair), 1);
    end_pair(&pair);
}

/* One that began later may have connected before it, and have the worker. */
static void it_counts_what_is_open_when_a_call_is_connected(void **state)
{
    (void)state;
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    struct late late;
    struct feeder feeder = {.data = "body", .len = 4, .waits = true};
    struct fake *app = fake_clogged(FAKE_UNIX);
    struct scene s = {.client = client_for(app, NULL)};
    begin_request(&late, &s, post_request(feeder_source(&feeder)));
    struct fcgi_call *other = host_begin(s.client, &request, &response);
    fake_hear(app);
    assert_code(host_run(other), FCGI_OK);
    wait_until(&late, 15);
    assert_int_equal(fcgi_call_events(late.call), FCGI_EVENT_READ);
    wait_until_us(&late, 35 * MS - 1);
    wait_until(&late, 35);
    host_free(other);
    assert_int_equal(stats_of(s.client).rescues, 1);
    end(&late);
    fcgi_response_free(&response);
    fcgi_client_free(s.client);
    fake_stop(app);
}

/* A host may change its mind when it is told what is closed for its call. */
static void cancel_at_eviction(void *context,
                               const struct fcgi_trace_event *event)
{
    if (event->kind == FCGI_TRACE_EVICTED) {
        fcgi_call_cancel(*(struct fcgi_call **)context);
    }
}

static void
a_call_cancelled_by_the_trace_of_its_rescue_ends_at_once(void **state)
{
    (void)state;
    struct late late = {.began = 0};
    struct fcgi_client_config config = {.pool = {.idle_timeout_ms = -1,
                                                 .trace = cancel_at_eviction,
                                                 .trace_context = &late.call}};
    struct peer peer = {0};
    struct scene s = {.client = peer_client(&peer, &config)};
    struct fcgi_pool *pool = fcgi_client_pool(s.client);
    struct fcgi_connection *leased = take(pool);
    begin(&late, &s);
    fcgi_pool_put(pool, leased);
    assert_code(fcgi__call_step(late.call, late.began + 20 * MS, 0),
                FCGI_ERR_CANCELLED);
    end(&late);
    fcgi_client_free(s.client);
    peer_free(&peer);
}

static void a_call_that_connects_alone_is_owed_nothing(void **state)
{
    (void)state;
    struct late late;
    struct fake *app = fake_clogged(FAKE_UNIX);
    struct scene s = {.client = client_for(app, NULL)};
    struct fcgi_pool *pool = fcgi_client_pool(s.client);
    begin(&late, &s);
    wait_until(&late, 20);
    wait_until(&late, 40);
    fake_hear(app);
    fcgi_pool_put(pool, take(pool));
    assert_int_equal(stats_of_pool(pool).rescues, 0);
    assert_int_equal(stats_of_pool(pool).idle, 1);
    end(&late);
    fcgi_client_free(s.client);
    fake_stop(app);
}

/* Let a call of the client have been answered, whose memory the next one has;
 * its connection is on lease. */
static struct fcgi_connection *
lease_after_an_answer(struct fcgi_client *client,
                      const struct fake_listener *listener)
{
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    struct wire answer = {0};
    struct fcgi_call *call = host_begin(client, &request, &response);
    assert_code(host_settle(call), FCGI_WAIT);
    int fd = accept(listener->fd, NULL, NULL);
    wire_stdout(&answer, 1, "A: 1\r\n\r\n");
    wire_end(&answer, 1, 0, WIRE_COMPLETE);
    assert_int_equal(send(fd, answer.data, answer.len, MSG_NOSIGNAL),
                     answer.len);
    assert_code(host_run(call), FCGI_OK);
    host_free(call);
    fcgi_response_free(&response);
    wire_free(&answer);
    assert_int_equal(close(fd), 0);
    return take(fcgi_client_pool(client));
}

/* The first byte of another answer does not belong to this one. */
static void a_call_in_the_memory_of_another_is_owed_a_closing_too(void **state)
{
    (void)state;
    struct fake_listener listener = {.fd = -1};
    struct scene s = {.evicted = 0};
    struct late late;
    assert_true(fake_listen(&listener, FAKE_UNIX, 0));
    assert_code(fcgi_client_new(&s.client, listener.address, NULL), FCGI_OK);
    s.leased[0] = lease_after_an_answer(s.client, &listener);
    fake_clog(&listener);
    begin(&late, &s);
    wait_until(&late, 20);
    fcgi_pool_put(fcgi_client_pool(s.client), s.leased[0]);
    assert_int_equal(stats_of(s.client).rescues, 1);
    end(&late);
    fcgi_client_free(s.client);
    fake_listen_end(&listener);
}

/* ---- blocking requests -------------------------------------------------- */

/* A thread that asks once. */
struct asker {
    pthread_t thread;
    struct fcgi_client *client;
    struct fcgi_response response;
    int rc;
};

static void *ask(void *argument)
{
    struct asker *asker = argument;
    struct fcgi_request request = get_request();
    asker->rc = fcgi_client_do(asker->client, &request, &asker->response);
    return NULL;
}

static void begin_to_ask(struct asker *asker, struct fcgi_client *client)
{
    *asker = (struct asker){.client = client};
    assert_int_equal(pthread_create(&asker->thread, NULL, ask, asker), 0);
}

/* Returns how long the request took, in microseconds. */
static int64_t end_asking(struct asker *asker)
{
    assert_int_equal(pthread_join(asker->thread, NULL), 0);
    int64_t took = asker->response.outcome.total_us;
    assert_code(asker->rc, FCGI_OK);
    fcgi_response_free(&asker->response);
    return took;
}

static void a_thread_that_waits_has_a_connection_closed(void **state)
{
    (void)state;
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_SERVE, FAKE_ACCEPT, FAKE_PAUSE, FAKE_SERVE};
    struct asker asker;
    struct fcgi_pool_config config = {.idle_timeout_ms = -1};
    struct fake *app = FAKE_RUN(FAKE_UNIX, script);
    struct fcgi_client *client = client_with_pool(app, &config);
    struct fcgi_connection *connection = take(fcgi_client_pool(client));
    fake_await(app, FAKE_ACCEPTED, 1);
    begin_to_ask(&asker, client);
    fake_await(app, FAKE_PAUSED, 1);
    fcgi_pool_put(fcgi_client_pool(client), connection);
    fake_await(app, FAKE_LEFT, 1);
    fake_go(app);
    assert_true(end_asking(&asker) >= 20 * MS);
    assert_int_equal(stats_of(client).rescues, 1);
    fcgi_client_free(client);
    fake_stop(app);
}

/* ---- an application of one process -------------------------------------- */

#define LINE_MAX_LEN 64

/* It serves a connection to its end before it turns to the next: those that
 * were dialled stand in line. Its first answer comes when so many do. */
struct single {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t dialled;
    int line[LINE_MAX_LEN];
    size_t count;
    size_t wanted;
    bool stopped;
};

static int stand_in_line(void *context, int *fd)
{
    struct single *single = context;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return FCGI_ERR_SYSTEM;
    }
    (void)pthread_mutex_lock(&single->lock);
    single->line[single->count % LINE_MAX_LEN] = ends[1];
    single->count += 1;
    (void)pthread_cond_signal(&single->dialled);
    (void)pthread_mutex_unlock(&single->lock);
    *fd = ends[0];
    return FCGI_OK;
}

/* The nth connection; -1: there will be no more. */
static int accept_nth(struct single *single, size_t nth)
{
    (void)pthread_mutex_lock(&single->lock);
    while (single->count <= nth || single->count < single->wanted) {
        if (single->stopped) {
            break;
        }
        (void)pthread_cond_wait(&single->dialled, &single->lock);
    }
    int fd = single->count <= nth ? -1 : single->line[nth % LINE_MAX_LEN];
    (void)pthread_mutex_unlock(&single->lock);
    return fd;
}

/* Read a request, and answer it; false: no request came. */
static bool serve_request(int fd)
{
    struct wire_request request = {0};
    struct wire w = {0};
    uint8_t buf[4096];
    ssize_t got = 1;
    while (request.body_ends == 0 && got > 0) {
        got = recv(fd, buf, sizeof(buf), 0);
        wire_append(&w, buf, got > 0 ? (size_t)got : 0);
        wire_request_free(&request);
        memset(&request, 0, sizeof(request));
        (void)wire_request_read(&request, w.data, w.len);
    }
    wire_clear(&w);
    wire_stdout(&w, request.id, "A: 1\r\n\r\nhello");
    wire_end(&w, request.id, 0, WIRE_COMPLETE);
    bool served = got > 0 && send(fd, w.data, w.len, MSG_NOSIGNAL) > 0;
    wire_free(&w);
    wire_request_free(&request);
    return served;
}

static void *serve_in_line(void *argument)
{
    struct single *single = argument;
    int fd = accept_nth(single, 0);
    for (size_t i = 1; fd >= 0; i++) {
        while (serve_request(fd)) {
        }
        (void)close(fd);
        fd = accept_nth(single, i);
    }
    return NULL;
}

static struct fcgi_client *begin_single(struct single *single, size_t wanted)
{
    struct fcgi_client *client;
    struct fcgi_client_config config = {.pool = {.idle_timeout_ms = -1,
                                                 .dial = stand_in_line,
                                                 .dial_context = single}};
    memset(single, 0, sizeof(*single));
    single->wanted = wanted;
    assert_int_equal(pthread_mutex_init(&single->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&single->dialled, NULL), 0);
    assert_int_equal(
        pthread_create(&single->thread, NULL, serve_in_line, single), 0);
    assert_code(fcgi_client_new(&client, "unix:/in/line", &config), FCGI_OK);
    return client;
}

/* After its client was freed. */
static void end_single(struct single *single)
{
    (void)pthread_mutex_lock(&single->lock);
    single->stopped = true;
    (void)pthread_cond_signal(&single->dialled);
    (void)pthread_mutex_unlock(&single->lock);
    assert_int_equal(pthread_join(single->thread, NULL), 0);
    (void)pthread_cond_destroy(&single->dialled);
    (void)pthread_mutex_destroy(&single->lock);
}

/* How long the slower of two requests took that were made at once, where the
 * connection of the other one, kept, had the only process. */
static int64_t ask_twice_at_once(void)
{
    struct single app;
    struct asker askers[2];
    int64_t took[2];
    struct fcgi_client *client = begin_single(&app, 2);
    for (size_t i = 0; i < 2; i++) {
        begin_to_ask(&askers[i], client);
    }
    for (size_t i = 0; i < 2; i++) {
        took[i] = end_asking(&askers[i]);
    }
    assert_int_equal(stats_of(client).rescues, 1);
    fcgi_client_free(client);
    end_single(&app);
    return took[0] > took[1] ? took[0] : took[1];
}

/* The machine may be busy, but not each time. */
static void
two_requests_at_once_to_one_process_take_less_than_100_ms(void **state)
{
    (void)state;
    int64_t took = INT64_MAX;
    for (int i = 0; i < 20 && took >= 100 * MS; i++) {
        took = ask_twice_at_once();
        assert_true(took >= 20 * MS);
    }
    assert_true(took < 100 * MS);
}

/* ---- learning ----------------------------------------------------------- */

#define REQUESTS 500

/* Whatever FCGI_KEEP_CONN says. */
static void
an_application_that_closes_after_each_answer_is_found_out(void **state)
{
    (void)state;
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_SERVE_TIMES(1),
                                              FAKE_CLOSE};
    struct fcgi_pool_config config = {.idle_timeout_ms = -1};
    struct fake *app = FAKE_RUN(FAKE_UNIX, script);
    struct fcgi_client *client = client_with_pool(app, &config);
    for (size_t i = 1; i <= REQUESTS; i++) {
        ask_hello(client);
        fake_await(app, FAKE_CLOSED, i);
    }
    struct fcgi_pool_stats stats = stats_of(client);
    assert_in_range(stats.retries, 5, 20);
    assert_in_range(stats.unkept, REQUESTS - 40, REQUESTS);
    assert_true(stats.evictions >= stats.unkept);
    assert_int_equal(stats.dials, REQUESTS);
    fcgi_client_free(client);
    fake_stop(app);
}

#define UNTIL_REFORMED 40

static void
an_application_that_begins_to_keep_connections_is_found_out(void **state)
{
    (void)state;
    static const struct fake_step closes[] = {FAKE_ACCEPT, FAKE_SERVE_TIMES(1),
                                              FAKE_CLOSE};
    static const struct fake_step keeps[] = {FAKE_ACCEPT, FAKE_SERVE};
    struct fcgi_pool_config config = {.idle_timeout_ms = -1};
    struct fake_step script[3 * UNTIL_REFORMED + 2];
    size_t asked = 0;
    for (size_t i = 0; i < UNTIL_REFORMED; i++) {
        memcpy(&script[3 * i], closes, sizeof(closes));
    }
    memcpy(&script[3 * UNTIL_REFORMED], keeps, sizeof(keeps));
    struct fake *app = FAKE_RUN(FAKE_UNIX, script);
    struct fcgi_client *client = client_with_pool(app, &config);
    while (!ask_hello(client).reused) {
        asked += 1;
        fake_await(app, FAKE_CLOSED,
                   asked < UNTIL_REFORMED ? asked : UNTIL_REFORMED);
        assert_true(asked < 2 * UNTIL_REFORMED);
    }
    assert_true(asked >= UNTIL_REFORMED);
    uint64_t unkept = stats_of(client).unkept;
    for (size_t i = 0; i < 100; i++) {
        assert_true(ask_hello(client).reused);
    }
    assert_int_equal(stats_of(client).unkept, unkept);
    fcgi_client_free(client);
    fake_stop(app);
}

/* As PHP-FPM does with pm.max_requests: what was reused has paid. */
static void one_that_closes_after_a_reuse_has_its_connections_kept(void **state)
{
    (void)state;
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_SERVE_TIMES(2),
                                              FAKE_CLOSE};
    struct fcgi_pool_config config = {.idle_timeout_ms = -1};
    struct fake *app = FAKE_RUN(FAKE_UNIX, script);
    struct fcgi_client *client = client_with_pool(app, &config);
    for (size_t i = 1; i <= 50; i++) {
        ask_hello(client);
        assert_true(ask_hello(client).reused);
        fake_await(app, FAKE_CLOSED, i);
    }
    assert_int_equal(stats_of(client).retries, 49);
    assert_int_equal(stats_of(client).unkept, 0);
    fcgi_client_free(client);
    fake_stop(app);
}

/* Those that it ends all at once say nothing about how it deals with one. */
static void an_application_may_be_restarted(void **state)
{
    (void)state;
    struct fcgi_connection *connections[12];
    struct fcgi_pool_config config = {.idle_timeout_ms = -1};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_with_pool(app, &config);
    struct fcgi_pool *pool = fcgi_client_pool(client);
    keep_idle(app, client, 12);
    fake_restart(app);
    ask_hello(client);
    for (size_t i = 0; i < 12; i++) {
        connections[i] = take(pool);
    }
    /* On a busy machine the request may have had to wait, too. */
    assert_int_equal(stats_of_pool(pool).stale + stats_of_pool(pool).rescues,
                     12);
    for (size_t i = 0; i < 12; i++) {
        fcgi_pool_put(pool, connections[i]);
    }
    assert_int_equal(stats_of_pool(pool).unkept, 0);
    assert_int_equal(stats_of_pool(pool).idle, 12);
    fcgi_client_free(client);
    fake_stop(app);
}

/* A connection is kept, and has to be closed for a request before it served
 * another one: while it is idle, or as soon as it would be. */
static void keep_in_vain(struct scene *s, bool idle)
{
    struct late late;
    s->leased[0] = take(s->pool);
    begin(&late, s);
    if (idle) {
        put(s, 0);
    }
    wait_until(&late, 20);
    if (!idle) {
        put(s, 0);
    }
    peer_answer(&s->peer, s->peer.count - 1, 1, "A: 1\r\n\r\n");
    assert_code(fcgi_call_advance(late.call), FCGI_OK);
    end(&late);
}

static void where_keeping_leads_to_rescues_none_is_kept(void **state)
{
    (void)state;
    for (int idle = 0; idle < 2; idle++) {
        struct scene s;
        set(&s, 0);
        for (int i = 0; i < 64; i++) {
            keep_in_vain(&s, idle);
        }
        assert_int_equal(rescues(&s), 64);
        assert_int_equal(stats_of(s.client).idle, 1);
        keep_in_vain(&s, idle);
        assert_int_equal(stats_of(s.client).rescues, 65);
        assert_int_equal(stats_of(s.client).unkept, 1);
        assert_int_equal(stats_of(s.client).idle, 0);
        strike(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            the_connection_idle_longest_is_closed_at_20_40_80_and_160_ms),
        cmocka_unit_test(a_call_that_is_advanced_late_has_one_closed),
        cmocka_unit_test(where_none_is_idle_the_next_that_comes_back_is_closed),
        cmocka_unit_test(a_closing_is_owed_for_each_moment),
        cmocka_unit_test(a_connection_that_ends_anyhow_is_a_closing),
        cmocka_unit_test(
            what_a_queued_call_would_have_got_is_closed_and_it_dials),
        cmocka_unit_test(a_call_alone_in_its_pool_has_none_closed),
        cmocka_unit_test(a_call_that_had_the_only_other_one_closed_has_no_more),
        cmocka_unit_test(a_call_over_a_reused_connection_has_none_closed),
        cmocka_unit_test(a_call_that_is_not_safe_to_repeat_has_one_closed),
        cmocka_unit_test(a_call_that_was_answered_has_nothing_closed),
        cmocka_unit_test(a_call_with_a_part_of_its_answer_has_nothing_closed),
        cmocka_unit_test(a_call_that_waits_no_longer_is_owed_nothing),
        cmocka_unit_test(what_is_owed_stays_while_another_call_waits),
        cmocka_unit_test(nothing_is_owed_when_the_last_call_is_answered),
        cmocka_unit_test(nothing_is_owed_in_the_child_of_a_fork),
        cmocka_unit_test(a_call_is_due_when_it_has_waited_long),
        cmocka_unit_test(a_call_alone_is_due_at_its_limits),
        cmocka_unit_test(a_call_over_a_reused_connection_is_due_at_its_limits),
        cmocka_unit_test(
            a_call_of_a_client_that_keeps_none_is_due_at_its_limits),
        cmocka_unit_test(a_call_with_a_part_of_its_answer_is_due_at_its_limits),
        cmocka_unit_test(a_call_that_is_sent_once_more_is_due_too),
        cmocka_unit_test(a_call_that_connects_is_owed_a_closing_at_20_ms),
        cmocka_unit_test(the_time_begins_anew_when_it_is_connected),
        cmocka_unit_test(it_counts_what_is_open_when_a_call_is_connected),
        cmocka_unit_test(
            a_call_cancelled_by_the_trace_of_its_rescue_ends_at_once),
        cmocka_unit_test(a_call_that_connects_alone_is_owed_nothing),
        cmocka_unit_test(a_call_in_the_memory_of_another_is_owed_a_closing_too),
        cmocka_unit_test(a_thread_that_waits_has_a_connection_closed),
        cmocka_unit_test(
            two_requests_at_once_to_one_process_take_less_than_100_ms),
        cmocka_unit_test(
            an_application_that_closes_after_each_answer_is_found_out),
        cmocka_unit_test(
            an_application_that_begins_to_keep_connections_is_found_out),
        cmocka_unit_test(
            one_that_closes_after_a_reuse_has_its_connections_kept),
        cmocka_unit_test(an_application_may_be_restarted),
        cmocka_unit_test(where_keeping_leads_to_rescues_none_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
