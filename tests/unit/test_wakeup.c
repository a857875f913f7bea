/*
 * How a host hears that a call which waited for a connection has its turn: by a
 * descriptor that all calls of the client share, or by a wake-up of its own for
 * each event loop. A call that waits costs no descriptor.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif

#include <fcgi_client.h>

#include "allocator.h"
#include "ask.h"
#include "fake.h"
#include "host.h"
#include "process.h"

#define CALLS_MAX 200

/* What nobody wakes fails in the end. */
#define LIMIT_MS 20000
#define READ FCGI_EVENT_READ

/* What a child finds not to be so ends it. */
#define CHILD_REQUIRE(condition)                                               \
    do {                                                                       \
        if (!(condition)) {                                                    \
            print_error("child: line %d: %s\n", __LINE__, #condition);         \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

/* ---- a client that is busy ---------------------------------------------- */

/* All connections that there may be are on lease, so that calls wait. */
struct busy {
    struct counting_allocator memory;
    struct fake *app;
    struct fcgi_client *client;
    struct fcgi_pool *pool;
    struct fcgi_connection *leased[3];
    struct fcgi_call *calls[CALLS_MAX];
    struct fcgi_response responses[CALLS_MAX];
    size_t count;
};

static void begin(struct busy *b, int max_open)
{
    struct fcgi_pool_config config = {.max_open = max_open,
                                      .idle_timeout_ms = -1,
                                      .allocator =
                                          counting_allocator(&b->memory)};
    memset(b, 0, sizeof(*b));
    b->app = fake_serve(FAKE_UNIX);
    b->client = client_with_pool(b->app, &config);
    b->pool = fcgi_client_pool(b->client);
    for (int i = 0; i < max_open; i++) {
        b->leased[i] = take(b->pool);
    }
    fake_await(b->app, FAKE_ACCEPTED, (size_t)max_open);
}

/* Queue another call; `wakeup` NULL: the client's own. */
static struct fcgi_call *queue(struct busy *b, struct fcgi_wakeup *wakeup)
{
    struct fcgi_request request = get_request();
    request.wakeup = wakeup;
    struct fcgi_call *call =
        host_begin(b->client, &request, &b->responses[b->count]);
    assert_code(host_advance(call), FCGI_WAIT);
    b->calls[b->count] = call;
    b->count += 1;
    assert_int_equal(fcgi_call_timeout_ms(call), -1);
    return call;
}

/* A connection comes back: somebody has its turn. */
static void put(struct busy *b, size_t nth)
{
    fcgi_pool_put(b->pool, b->leased[nth]);
    b->leased[nth] = NULL;
}

static void end_call(struct busy *b, size_t nth)
{
    host_free(b->calls[nth]);
    b->calls[nth] = NULL;
}

/* The call has its turn; it may be answered at once. */
static void take_turn(struct busy *b, size_t nth)
{
    assert_true(host_advance(b->calls[nth]) >= FCGI_OK);
}

/* The same, until it is answered. */
static void finish_call(struct busy *b, size_t nth)
{
    assert_code(host_run(b->calls[nth]), FCGI_OK);
    assert_string_equal(b->responses[nth].body.data, "hello");
    end_call(b, nth);
}

static void end_calls(struct busy *b)
{
    for (size_t i = 0; i < b->count; i++) {
        end_call(b, i);
        fcgi_response_free(&b->responses[i]);
    }
    b->count = 0;
}

static void end(struct busy *b)
{
    end_calls(b);
    for (size_t i = 0; i < 3; i++) {
        fcgi_pool_put(b->pool, b->leased[i]);
    }
    fcgi_client_free(b->client);
    assert_int_equal(b->memory.blocks, 0);
    fake_stop(b->app);
}

static struct fcgi_wakeup *wakeup_for(struct busy *b)
{
    struct fcgi_wakeup *wakeup = NULL;
    assert_code(fcgi_wakeup_new(&wakeup, b->client), FCGI_OK);
    assert_true(fcgi_wakeup_fd(wakeup) >= 0);
    return wakeup;
}

static bool rings(const struct fcgi_wakeup *wakeup)
{
    return host_ready(fcgi_wakeup_fd(wakeup), READ);
}

/* Nobody of that loop has a turn. */
static void assert_quiet(struct fcgi_wakeup *wakeup)
{
    assert_false(rings(wakeup));
    assert_null(fcgi_wakeup_next(wakeup));
    assert_false(rings(wakeup));
}

/* This call, and no other, has its turn. */
static void assert_turn(struct fcgi_wakeup *wakeup, struct fcgi_call *call)
{
    assert_true(rings(wakeup));
    assert_ptr_equal(fcgi_wakeup_next(wakeup), call);
    assert_quiet(wakeup);
}

/* ---- the descriptor of the client --------------------------------------- */

static void any_number_of_calls_waits_for_one_descriptor(void **state)
{
    (void)state;
    struct busy b;
    size_t at_first = open_descriptors();
    begin(&b, 1);
    size_t before = open_descriptors();
    int fd = fcgi_call_fd(queue(&b, NULL));
    assert_true(fd >= 0);
    while (b.count < CALLS_MAX) {
        struct fcgi_call *call = queue(&b, NULL);
        assert_int_equal(fcgi_call_fd(call), fd);
        assert_int_equal(fcgi_call_events(call), READ);
    }
    assert_int_equal(stats_of_pool(b.pool).waiting, CALLS_MAX);
    assert_int_equal(open_descriptors(), before + 2);
    assert_false(host_ready(fd, READ));
    put(&b, 0);
    for (size_t i = 0; i < CALLS_MAX; i++) {
        finish_call(&b, i);
    }
    assert_int_equal(open_descriptors(), before + 2);
    assert_int_equal(stats_of_pool(b.pool).dials, 1);
    end(&b);
    assert_int_equal(open_descriptors(), at_first);
}

/* However many have, a host that polls one call alone misses nothing. */
static void
it_is_readable_until_each_call_with_a_turn_was_advanced(void **state)
{
    (void)state;
    struct busy b;
    begin(&b, 3);
    int fd = fcgi_call_fd(queue(&b, NULL));
    (void)queue(&b, NULL);
    (void)queue(&b, NULL);
    put(&b, 0);
    put(&b, 1);
    assert_code(host_advance(b.calls[2]), FCGI_WAIT);
    assert_true(host_ready(fd, READ));
    take_turn(&b, 1);
    assert_true(fcgi_call_fd(b.calls[1]) != fd);
    assert_true(host_ready(fd, READ));
    take_turn(&b, 0);
    assert_false(host_ready(fd, READ));
    put(&b, 2);
    assert_true(host_ready(fd, READ));
    for (size_t i = 0; i < 3; i++) {
        finish_call(&b, i);
    }
    assert_false(host_ready(fd, READ));
    end(&b);
}

static void it_is_quiet_again_when_the_call_with_a_turn_is_freed(void **state)
{
    (void)state;
    struct busy b;
    begin(&b, 1);
    int fd = fcgi_call_fd(queue(&b, NULL));
    put(&b, 0);
    assert_true(host_ready(fd, READ));
    end_call(&b, 0);
    assert_false(host_ready(fd, READ));
    assert_int_equal(stats_of_pool(b.pool).idle, 1);
    end(&b);
}

#ifdef __linux__
/* Whether something has changed since this was asked before. */
static bool has_edge(int epoll)
{
    struct epoll_event event;
    return epoll_wait(epoll, &event, 1, 0) == 1;
}

/* Else it would never hear of one that comes while another call has its turn,
 * but was not advanced yet. */
static void each_turn_is_a_change_to_an_edge_triggered_host(void **state)
{
    (void)state;
    struct busy b;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    begin(&b, 3);
    for (size_t i = 0; i < 3; i++) {
        (void)queue(&b, NULL);
    }
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int fd = fcgi_call_fd(b.calls[0]);
    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
    assert_false(has_edge(epoll));
    for (size_t i = 0; i < 3; i++) {
        put(&b, i);
        assert_true(has_edge(epoll));
        assert_false(has_edge(epoll));
    }
    for (size_t i = 0; i < 3; i++) {
        finish_call(&b, i);
    }
    assert_int_equal(close(epoll), 0);
    end(&b);
}
#endif

/* ---- a wake-up of the host's own ---------------------------------------- */

static void a_call_with_a_wakeup_tells_no_descriptor(void **state)
{
    (void)state;
    struct busy b;
    begin(&b, 1);
    struct fcgi_wakeup *wakeup = wakeup_for(&b);
    size_t before = open_descriptors();
    while (b.count < CALLS_MAX) {
        struct fcgi_call *call = queue(&b, wakeup);
        assert_int_equal(fcgi_call_fd(call), -1);
        assert_int_equal(fcgi_call_events(call), 0);
    }
    assert_int_equal(open_descriptors(), before);
    assert_quiet(wakeup);
    end_calls(&b);
    fcgi_wakeup_free(wakeup);
    assert_int_equal(open_descriptors(), before - 2);
    end(&b);
}

/* Its time limits are as ever. */
static void a_call_with_a_wakeup_tells_when_its_time_is_over(void **state)
{
    (void)state;
    struct busy b;
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    begin(&b, 1);
    struct fcgi_wakeup *wakeup = wakeup_for(&b);
    request.wakeup = wakeup;
    request.timeouts.queue_ms = 30;
    int64_t start = now_ms();
    struct fcgi_call *call = host_begin(b.client, &request, &response);
    assert_in_range(fcgi_call_timeout_ms(call), 0, 30);
    assert_code(host_run(call), FCGI_ERR_QUEUE_TIMEOUT);
    assert_true(elapsed(start, 30));
    put(&b, 0);
    assert_quiet(wakeup);
    host_free(call);
    fcgi_response_free(&response);
    fcgi_wakeup_free(wakeup);
    end(&b);
}

static void calls_are_told_once_in_the_order_of_their_turns(void **state)
{
    (void)state;
    struct busy b;
    begin(&b, 3);
    struct fcgi_wakeup *wakeup = wakeup_for(&b);
    for (size_t i = 0; i < 3; i++) {
        (void)queue(&b, wakeup);
    }
    assert_quiet(wakeup);
    for (size_t i = 0; i < 3; i++) {
        put(&b, 2 - i);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_true(rings(wakeup));
        assert_ptr_equal(fcgi_wakeup_next(wakeup), b.calls[i]);
    }
    assert_quiet(wakeup);
    for (size_t i = 0; i < 3; i++) {
        finish_call(&b, i);
    }
    assert_quiet(wakeup);
    fcgi_wakeup_free(wakeup);
    end(&b);
}

static void each_turn_that_comes_later_is_told_too(void **state)
{
    (void)state;
    struct busy b;
    begin(&b, 1);
    struct fcgi_wakeup *wakeup = wakeup_for(&b);
    for (size_t i = 0; i < 20; i++) {
        (void)queue(&b, wakeup);
    }
    put(&b, 0);
    for (size_t i = 0; i < 20; i++) {
        assert_turn(wakeup, b.calls[i]);
        finish_call(&b, i);
    }
    assert_quiet(wakeup);
    assert_int_equal(stats_of_pool(b.pool).dials, 1);
    fcgi_wakeup_free(wakeup);
    end(&b);
}

static void a_call_that_was_advanced_untold_is_not_told_later(void **state)
{
    (void)state;
    struct busy b;
    begin(&b, 2);
    struct fcgi_wakeup *wakeup = wakeup_for(&b);
    (void)queue(&b, wakeup);
    (void)queue(&b, wakeup);
    put(&b, 0);
    put(&b, 1);
    take_turn(&b, 0);
    assert_turn(wakeup, b.calls[1]);
    finish_call(&b, 0);
    finish_call(&b, 1);
    fcgi_wakeup_free(wakeup);
    end(&b);
}

/* Whichever of several it is. */
static void a_call_freed_amid_its_turn_passes_it_on_untold(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct busy b;
        begin(&b, 3);
        struct fcgi_wakeup *wakeup = wakeup_for(&b);
        for (size_t j = 0; j < 4; j++) {
            (void)queue(&b, wakeup);
        }
        for (size_t j = 0; j < 3; j++) {
            put(&b, j);
        }
        end_call(&b, i);
        for (size_t j = 0; j < 4; j++) {
            if (j != i) {
                assert_true(rings(wakeup));
                assert_ptr_equal(fcgi_wakeup_next(wakeup), b.calls[j]);
            }
        }
        assert_quiet(wakeup);
        finish_call(&b, 3);
        end_calls(&b);
        fcgi_wakeup_free(wakeup);
        end(&b);
    }
}

static void a_call_cancelled_amid_its_turn_passes_it_on_untold(void **state)
{
    (void)state;
    struct busy b;
    begin(&b, 1);
    struct fcgi_wakeup *wakeup = wakeup_for(&b);
    (void)queue(&b, wakeup);
    (void)queue(&b, wakeup);
    put(&b, 0);
    host_cancel(b.calls[0]);
    assert_turn(wakeup, b.calls[1]);
    assert_code(host_advance(b.calls[0]), FCGI_ERR_CANCELLED);
    finish_call(&b, 1);
    fcgi_wakeup_free(wakeup);
    end(&b);
}

/* So is one that was told already, but not advanced. */
static void a_call_freed_after_it_was_told_passes_its_turn_on(void **state)
{
    (void)state;
    struct busy b;
    begin(&b, 1);
    struct fcgi_wakeup *wakeup = wakeup_for(&b);
    (void)queue(&b, wakeup);
    (void)queue(&b, wakeup);
    put(&b, 0);
    assert_turn(wakeup, b.calls[0]);
    end_call(&b, 0);
    assert_turn(wakeup, b.calls[1]);
    finish_call(&b, 1);
    fcgi_wakeup_free(wakeup);
    end(&b);
}

static void a_call_that_gave_up_its_place_is_not_told(void **state)
{
    (void)state;
    struct busy b;
    begin(&b, 1);
    struct fcgi_wakeup *wakeup = wakeup_for(&b);
    for (size_t i = 0; i < 3; i++) {
        (void)queue(&b, wakeup);
    }
    end_call(&b, 1);
    put(&b, 0);
    assert_turn(wakeup, b.calls[0]);
    finish_call(&b, 0);
    assert_turn(wakeup, b.calls[2]);
    finish_call(&b, 2);
    assert_quiet(wakeup);
    fcgi_wakeup_free(wakeup);
    end(&b);
}

/* Its turn may be to dial. */
static void a_place_that_came_free_is_a_turn_too(void **state)
{
    (void)state;
    struct busy b;
    begin(&b, 1);
    struct fcgi_wakeup *wakeup = wakeup_for(&b);
    (void)queue(&b, wakeup);
    fcgi_pool_discard(b.pool, b.leased[0]);
    b.leased[0] = NULL;
    assert_turn(wakeup, b.calls[0]);
    finish_call(&b, 0);
    assert_int_equal(stats_of_pool(b.pool).dials, 2);
    fcgi_wakeup_free(wakeup);
    end(&b);
}

/* ---- several loops ------------------------------------------------------ */

static void each_loop_hears_of_its_own_calls_alone(void **state)
{
    (void)state;
    struct busy b;
    begin(&b, 3);
    struct fcgi_wakeup *one = wakeup_for(&b);
    struct fcgi_wakeup *other = wakeup_for(&b);
    assert_true(fcgi_wakeup_fd(one) != fcgi_wakeup_fd(other));
    (void)queue(&b, one);
    int own_fd = fcgi_call_fd(queue(&b, NULL));
    (void)queue(&b, other);
    put(&b, 0);
    assert_quiet(other);
    assert_false(host_ready(own_fd, READ));
    assert_turn(one, b.calls[0]);
    put(&b, 1);
    assert_quiet(one);
    assert_quiet(other);
    assert_true(host_ready(own_fd, READ));
    take_turn(&b, 1);
    put(&b, 2);
    assert_quiet(one);
    assert_false(host_ready(own_fd, READ));
    assert_turn(other, b.calls[2]);
    for (size_t i = 0; i < 3; i++) {
        finish_call(&b, i);
    }
    fcgi_wakeup_free(one);
    fcgi_wakeup_free(other);
    end(&b);
}

/* A thread that asks once. */
struct asker {
    pthread_t thread;
    struct fcgi_client *client;
    int rc;
};

static void *ask(void *argument)
{
    struct asker *asker = argument;
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    request.timeouts.total_ms = LIMIT_MS;
    asker->rc = fcgi_client_do(asker->client, &request, &response);
    fcgi_response_free(&response);
    return NULL;
}

static void begin_to_ask(struct asker *asker, struct busy *b)
{
    size_t waiting = stats_of_pool(b->pool).waiting;
    *asker = (struct asker){.client = b->client};
    assert_int_equal(pthread_create(&asker->thread, NULL, ask, asker), 0);
    await_waiting(b->pool, waiting + 1);
}

static void end_asking(struct asker *asker)
{
    assert_int_equal(pthread_join(asker->thread, NULL), 0);
    assert_code(asker->rc, FCGI_OK);
}

/* Whether it is a thread or whichever loop's call. */
static void who_came_first_is_served_first(void **state)
{
    (void)state;
    struct busy b;
    struct asker threads[2];
    begin(&b, 1);
    struct fcgi_wakeup *one = wakeup_for(&b);
    struct fcgi_wakeup *other = wakeup_for(&b);
    begin_to_ask(&threads[0], &b);
    (void)queue(&b, one);
    int own_fd = fcgi_call_fd(queue(&b, NULL));
    begin_to_ask(&threads[1], &b);
    (void)queue(&b, other);
    put(&b, 0);
    end_asking(&threads[0]);
    assert_turn(one, b.calls[0]);
    assert_int_equal(stats_of_pool(b.pool).waiting, 3);
    finish_call(&b, 0);
    assert_int_equal(stats_of_pool(b.pool).waiting, 2);
    assert_true(host_ready(own_fd, READ));
    finish_call(&b, 1);
    end_asking(&threads[1]);
    assert_int_equal(stats_of_pool(b.pool).waiting, 0);
    assert_turn(other, b.calls[2]);
    finish_call(&b, 2);
    assert_int_equal(stats_of_pool(b.pool).dials, 1);
    fcgi_wakeup_free(one);
    fcgi_wakeup_free(other);
    end(&b);
}

static void closing_the_client_tells_all(void **state)
{
    (void)state;
    struct busy b;
    begin(&b, 1);
    struct fcgi_wakeup *one = wakeup_for(&b);
    struct fcgi_wakeup *other = wakeup_for(&b);
    int own_fd = fcgi_call_fd(queue(&b, NULL));
    (void)queue(&b, NULL);
    (void)queue(&b, one);
    (void)queue(&b, other);
    (void)queue(&b, one);
    fcgi_client_close(b.client);
    assert_true(host_ready(own_fd, READ));
    assert_ptr_equal(fcgi_wakeup_next(one), b.calls[2]);
    assert_turn(one, b.calls[4]);
    assert_turn(other, b.calls[3]);
    for (size_t i = 0; i < 5; i++) {
        assert_code(host_advance(b.calls[i]), FCGI_ERR_POOL_CLOSED);
    }
    assert_false(host_ready(own_fd, READ));
    end_calls(&b);
    fcgi_wakeup_free(one);
    fcgi_wakeup_free(other);
    end(&b);
}

/* ---- threads ------------------------------------------------------------ */

/* A host in a thread that knows of one call, and polls that alone. */
struct lone_host {
    pthread_t thread;
    struct fcgi_client *client;
    size_t rounds;
    int rc;
};

static int drive_alone(struct fcgi_call *call)
{
    int rc = fcgi_call_advance(call);
    while (rc == FCGI_WAIT) {
        bool writes = (fcgi_call_events(call) & FCGI_EVENT_WRITE) != 0;
        struct pollfd one = {fcgi_call_fd(call),
                             (short)(POLLIN | (writes ? POLLOUT : 0)), 0};
        (void)host_poll(&one, 1, fcgi_call_timeout_ms(call));
        rc = fcgi_call_advance(call);
    }
    return rc;
}

static void *be_a_lone_host(void *argument)
{
    struct lone_host *host = argument;
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    request.timeouts.total_ms = LIMIT_MS;
    for (size_t i = 0; i < host->rounds && host->rc == FCGI_OK; i++) {
        struct fcgi_call *call;
        host->rc = fcgi_call_start(&call, host->client, &request, &response);
        if (host->rc == FCGI_OK) {
            host->rc = drive_alone(call);
            fcgi_call_free(call);
        }
    }
    fcgi_response_free(&response);
    return NULL;
}

static void begin_hosts(struct lone_host *hosts, struct busy *b, size_t rounds)
{
    for (size_t i = 0; i < 2; i++) {
        hosts[i] = (struct lone_host){.client = b->client, .rounds = rounds};
        assert_int_equal(
            pthread_create(&hosts[i].thread, NULL, be_a_lone_host, &hosts[i]),
            0);
    }
}

static void end_hosts(struct lone_host *hosts)
{
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(hosts[i].thread, NULL), 0);
        assert_code(hosts[i].rc, FCGI_OK);
    }
}

static void hosts_that_poll_one_call_each_get_their_turns(void **state)
{
    (void)state;
    struct busy b;
    struct lone_host hosts[2];
    begin(&b, 1);
    size_t before = open_descriptors();
    begin_hosts(hosts, &b, 1);
    await_waiting(b.pool, 2);
    assert_int_equal(open_descriptors(), before + 2);
    put(&b, 0);
    end_hosts(hosts);
    begin_hosts(hosts, &b, 40);
    end_hosts(hosts);
    assert_int_equal(stats_of_pool(b.pool).dials, 1);
    end(&b);
}

/* An event loop in a thread, with a wake-up of its own. */
#define LOOP_CALLS 4
#define LOOP_REQUESTS 50

struct loop {
    pthread_t thread;
    struct fcgi_client *client;
    struct fcgi_wakeup *wakeup;
    struct fcgi_call *calls[LOOP_CALLS];
    struct fcgi_response responses[LOOP_CALLS];
    struct pollfd watched[LOOP_CALLS + 1];
    bool due[LOOP_CALLS];
    size_t begun;
    size_t done;
    int rc; /* of the first that failed */
};

static void begin_due_call(struct loop *loop, size_t i)
{
    struct fcgi_request request = get_request();
    request.wakeup = loop->wakeup;
    request.timeouts.total_ms = LIMIT_MS;
    loop->due[i] = loop->begun < LOOP_REQUESTS && loop->rc == FCGI_OK;
    if (loop->due[i]) {
        loop->begun += 1;
        (void)fcgi_call_start(&loop->calls[i], loop->client, &request,
                              &loop->responses[i]);
    }
}

/* Goes on with each call that is due, and with the next in its place. */
static void advance_due_calls(struct loop *loop)
{
    for (size_t i = 0; i < LOOP_CALLS; i++) {
        int rc = loop->due[i] ? fcgi_call_advance(loop->calls[i]) : FCGI_WAIT;
        loop->due[i] = false;
        if (rc != FCGI_WAIT) {
            loop->rc = loop->rc == FCGI_OK ? rc : loop->rc;
            loop->done += 1;
            fcgi_call_free(loop->calls[i]);
            loop->calls[i] = NULL;
            begin_due_call(loop, i);
        }
    }
}

static int watch_all(struct loop *loop)
{
    int timeout = -1;
    loop->watched[LOOP_CALLS] =
        (struct pollfd){fcgi_wakeup_fd(loop->wakeup), POLLIN, 0};
    for (size_t i = 0; i < LOOP_CALLS; i++) {
        int own = loop->due[i] ? 0 : fcgi_call_timeout_ms(loop->calls[i]);
        unsigned events = fcgi_call_events(loop->calls[i]);
        short wanted = events & FCGI_EVENT_WRITE ? POLLIN | POLLOUT : POLLIN;
        loop->watched[i] =
            (struct pollfd){fcgi_call_fd(loop->calls[i]), wanted, 0};
        if (loop->calls[i] != NULL && own >= 0) {
            timeout = timeout < 0 || own < timeout ? own : timeout;
        }
    }
    return timeout;
}

/* A call that waits for its turn has its wake-up alone to make it due. */
static void note_due_calls(struct loop *loop)
{
    struct fcgi_call *call = fcgi_wakeup_next(loop->wakeup);
    for (size_t i = 0; i < LOOP_CALLS; i++) {
        loop->due[i] = loop->calls[i] != NULL &&
                       (loop->due[i] || loop->watched[i].revents != 0 ||
                        fcgi_call_timeout_ms(loop->calls[i]) == 0);
    }
    for (; call != NULL; call = fcgi_wakeup_next(loop->wakeup)) {
        for (size_t i = 0; i < LOOP_CALLS; i++) {
            loop->due[i] = loop->due[i] || loop->calls[i] == call;
        }
    }
}

static void *run_loop(void *argument)
{
    struct loop *loop = argument;
    for (size_t i = 0; i < LOOP_CALLS; i++) {
        begin_due_call(loop, i);
    }
    while (loop->done < loop->begun) {
        (void)host_poll(loop->watched, LOOP_CALLS + 1, watch_all(loop));
        note_due_calls(loop);
        advance_due_calls(loop);
    }
    for (size_t i = 0; i < LOOP_CALLS; i++) {
        fcgi_response_free(&loop->responses[i]);
    }
    return NULL;
}

static void *ask_often(void *argument)
{
    for (size_t i = 0; i < LOOP_REQUESTS; i++) {
        struct asker *asker = argument;
        (void)ask(asker);
        if (asker->rc != FCGI_OK) {
            break;
        }
    }
    return NULL;
}

/* Every call is served, and no loop is woken without end. */
static void loops_and_threads_share_a_client_of_two_connections(void **state)
{
    (void)state;
    struct busy b;
    struct loop loops[2] = {0};
    struct asker askers[2];
    struct lone_host hosts[2];
    begin(&b, 2);
    for (size_t i = 0; i < 2; i++) {
        loops[i].client = b.client;
        loops[i].wakeup = wakeup_for(&b);
        askers[i] = (struct asker){.client = b.client};
        assert_int_equal(
            pthread_create(&loops[i].thread, NULL, run_loop, &loops[i]), 0);
        assert_int_equal(
            pthread_create(&askers[i].thread, NULL, ask_often, &askers[i]), 0);
    }
    begin_hosts(hosts, &b, LOOP_REQUESTS);
    put(&b, 0);
    put(&b, 1);
    end_hosts(hosts);
    for (size_t i = 0; i < 2; i++) {
        end_asking(&askers[i]);
        assert_int_equal(pthread_join(loops[i].thread, NULL), 0);
        assert_code(loops[i].rc, FCGI_OK);
        assert_quiet(loops[i].wakeup);
        fcgi_wakeup_free(loops[i].wakeup);
    }
    assert_int_equal(fake_count(b.app, FAKE_ANSWERED), 6 * LOOP_REQUESTS);
    assert_int_equal(stats_of_pool(b.pool).waiting, 0);
    end(&b);
}

/* ---- what does not go --------------------------------------------------- */

static void wakeups_want_a_client_and_a_place(void **state)
{
    (void)state;
    struct busy b;
    begin(&b, 1);
    struct fcgi_wakeup *wakeup = wakeup_for(&b);
    fcgi_wakeup_free(wakeup);
    assert_code(fcgi_wakeup_new(NULL, b.client), FCGI_ERR_ARGUMENT);
    assert_code(fcgi_wakeup_new(&wakeup, NULL), FCGI_ERR_ARGUMENT);
    assert_null(wakeup);
    assert_int_equal(fcgi_wakeup_fd(NULL), -1);
    assert_null(fcgi_wakeup_next(NULL));
    fcgi_wakeup_free(NULL);
    end(&b);
}

static void a_wakeup_without_memory_is_an_error(void **state)
{
    (void)state;
    struct counting_allocator memory = {0};
    struct fcgi_client_config config = {
        .pool = {.allocator = counting_allocator(&memory)}};
    struct fcgi_client *client;
    struct fcgi_wakeup *wakeup = (struct fcgi_wakeup *)&memory;
    assert_code(fcgi_client_new(&client, "/nowhere", &config), FCGI_OK);
    size_t blocks = memory.blocks;
    size_t descriptors = open_descriptors();
    memory.fail_at = memory.calls + 1;
    assert_code(fcgi_wakeup_new(&wakeup, client), FCGI_ERR_NO_MEMORY);
    assert_null(wakeup);
    assert_int_equal(memory.blocks, blocks);
    assert_int_equal(open_descriptors(), descriptors);
    assert_code(fcgi_wakeup_new(&wakeup, client), FCGI_OK);
    assert_int_equal(memory.blocks, blocks + 1);
    fcgi_wakeup_free(wakeup);
    assert_int_equal(memory.blocks, blocks);
    fcgi_client_free(client);
    assert_int_equal(memory.blocks, 0);
}

/* No other can be opened, since each would get the lowest number. */
static struct rlimit use_up_descriptors(void)
{
    struct rlimit before;
    int lowest = dup(0);
    assert_int_equal(close(lowest), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {(rlim_t)lowest, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    return before;
}

static void what_is_woken_by_a_descriptor_fails_without_one(void **state)
{
    (void)state;
    struct busy b;
    struct fcgi_wakeup *wakeup = (struct fcgi_wakeup *)&b;
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    struct fcgi_call *call;
    begin(&b, 1);
    struct rlimit before = use_up_descriptors();
    int made = fcgi_wakeup_new(&wakeup, b.client);
    int made_error = errno;
    int started = host_start(&call, b.client, &request, &response);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_code(made, FCGI_ERR_SYSTEM);
    assert_int_equal(made_error, EMFILE);
    assert_null(wakeup);
    assert_code(started, FCGI_ERR_SYSTEM);
    assert_int_equal(response.outcome.system_error, EMFILE);
    assert_int_equal(response.outcome.phase, FCGI_PHASE_START);
    assert_int_equal(stats_of_pool(b.pool).waiting, 0);
    (void)queue(&b, NULL);
    fcgi_response_free(&response);
    end(&b);
}

static void threads_and_further_calls_wait_without_a_descriptor(void **state)
{
    (void)state;
    struct busy b;
    struct asker asker;
    begin(&b, 1);
    struct fcgi_wakeup *wakeup = wakeup_for(&b);
    (void)queue(&b, NULL);
    struct rlimit before = use_up_descriptors();
    begin_to_ask(&asker, &b);
    (void)queue(&b, NULL);
    (void)queue(&b, wakeup);
    put(&b, 0);
    finish_call(&b, 0);
    end_asking(&asker);
    finish_call(&b, 1);
    assert_turn(wakeup, b.calls[2]);
    finish_call(&b, 2);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    fcgi_wakeup_free(wakeup);
    end(&b);
}

/* ---- other programs, other processes ------------------------------------ */

/* How many descriptors another program would find open. */
static size_t inherited_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);
        count += flags >= 0 && (flags & FD_CLOEXEC) == 0;
    }
    return count;
}

static void what_wakes_is_closed_on_exec(void **state)
{
    (void)state;
    struct busy b;
    begin(&b, 1);
    size_t before = inherited_descriptors();
    struct fcgi_wakeup *wakeup = wakeup_for(&b);
    assert_true(fcntl(fcgi_wakeup_fd(wakeup), F_GETFD) & FD_CLOEXEC);
    (void)queue(&b, NULL);
    assert_int_equal(inherited_descriptors(), before);
    fcgi_wakeup_free(wakeup);
    end(&b);
}

/* Let a child do something; returns once it is gone. */
static void in_child(void (*act)(struct busy *, struct fcgi_wakeup *),
                     struct busy *b, struct fcgi_wakeup *wakeup)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)alarm(60);
        act(b, wakeup);
        child_ends_well();
    }
    int status = await_exit(pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void look(struct busy *b, struct fcgi_wakeup *wakeup)
{
    CHILD_REQUIRE(fcgi_wakeup_fd(wakeup) == -1);
    CHILD_REQUIRE(fcgi_wakeup_next(wakeup) == NULL);
    CHILD_REQUIRE(fcgi_call_fd(b->calls[0]) == -1);
    CHILD_REQUIRE(fcgi_call_fd(b->calls[1]) == -1);
}

static void advance_calls(struct busy *b, struct fcgi_wakeup *wakeup)
{
    (void)wakeup;
    CHILD_REQUIRE(fcgi_call_advance(b->calls[0]) == FCGI_ERR_POOL_CLOSED);
    CHILD_REQUIRE(fcgi_call_advance(b->calls[1]) == FCGI_ERR_POOL_CLOSED);
}

static void close_client(struct busy *b, struct fcgi_wakeup *wakeup)
{
    (void)wakeup;
    fcgi_client_close(b->client);
}

static void free_all(struct busy *b, struct fcgi_wakeup *wakeup)
{
    fcgi_call_free(b->calls[0]);
    fcgi_call_free(b->calls[1]);
    fcgi_wakeup_free(wakeup);
    fcgi_client_free(b->client);
}

/* Something of the child's own may have the number since. */
static void ring_in_place_of_another(struct busy *b, struct fcgi_wakeup *wakeup)
{
    char byte;
    int ends[2];
    CHILD_REQUIRE(pipe(ends) == 0);
    CHILD_REQUIRE(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    free_all(b, wakeup);
    CHILD_REQUIRE(read(ends[0], &byte, 1) < 0 && errno == EAGAIN);
}

static void (*const acts[])(struct busy *, struct fcgi_wakeup *) = {
    look, advance_calls, close_client, free_all, ring_in_place_of_another};

#define ACTS (sizeof(acts) / sizeof(acts[0]))

/* Their pipes are silent, and stay so. */
static void a_child_rings_nobody_in_the_parent(void **state)
{
    (void)state;
    for (size_t i = 0; i < ACTS; i++) {
        struct busy b;
        begin(&b, 1);
        struct fcgi_wakeup *wakeup = wakeup_for(&b);
        int own_fd = fcgi_call_fd(queue(&b, NULL));
        (void)queue(&b, wakeup);
        in_child(acts[i], &b, wakeup);
        assert_quiet(wakeup);
        assert_false(host_ready(own_fd, READ));
        assert_int_equal(stats_of_pool(b.pool).waiting, 2);
        put(&b, 0);
        finish_call(&b, 0);
        assert_turn(wakeup, b.calls[1]);
        finish_call(&b, 1);
        fcgi_wakeup_free(wakeup);
        end(&b);
    }
}

static void free_all_but_the_client(struct busy *b, struct fcgi_wakeup *wakeup)
{
    CHILD_REQUIRE(fcgi_wakeup_next(wakeup) == NULL);
    fcgi_call_free(b->calls[0]);
    fcgi_call_free(b->calls[1]);
    fcgi_wakeup_free(wakeup);
}

/* The turns are those of the parent's calls. */
static void a_child_takes_no_turn_of_the_parents(void **state)
{
    (void)state;
    struct busy b;
    begin(&b, 2);
    struct fcgi_wakeup *wakeup = wakeup_for(&b);
    int own_fd = fcgi_call_fd(queue(&b, NULL));
    (void)queue(&b, wakeup);
    put(&b, 0);
    put(&b, 1);
    in_child(free_all_but_the_client, &b, wakeup);
    assert_true(host_ready(own_fd, READ));
    assert_turn(wakeup, b.calls[1]);
    finish_call(&b, 0);
    finish_call(&b, 1);
    assert_int_equal(stats_of_pool(b.pool).dials, 2);
    fcgi_wakeup_free(wakeup);
    end(&b);
}

static void make_its_own(struct busy *b, struct fcgi_wakeup *wakeup)
{
    struct fcgi_wakeup *own;
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    struct fcgi_call *call;
    struct pollfd one = {-1, POLLIN, 0};
    struct fcgi_connection *leased = take(b->pool);
    (void)wakeup;
    CHILD_REQUIRE(fcgi_wakeup_new(&own, b->client) == FCGI_OK);
    request.wakeup = own;
    CHILD_REQUIRE(fcgi_call_start(&call, b->client, &request, &response) ==
                  FCGI_OK);
    CHILD_REQUIRE(fcgi_wakeup_next(own) == NULL);
    fcgi_pool_put(b->pool, leased);
    one.fd = fcgi_wakeup_fd(own);
    CHILD_REQUIRE(poll(&one, 1, 0) == 1);
    CHILD_REQUIRE(fcgi_wakeup_next(own) == call);
    CHILD_REQUIRE(poll(&one, 1, 0) == 0);
    CHILD_REQUIRE(drive_alone(call) == FCGI_OK);
    fcgi_call_free(call);
    fcgi_wakeup_free(own);
}

static void a_child_may_make_a_wakeup_of_its_own(void **state)
{
    (void)state;
    struct busy b;
    begin(&b, 1);
    struct fcgi_wakeup *wakeup = wakeup_for(&b);
    (void)queue(&b, wakeup);
    in_child(make_its_own, &b, wakeup);
    assert_quiet(wakeup);
    put(&b, 0);
    assert_turn(wakeup, b.calls[0]);
    finish_call(&b, 0);
    fcgi_wakeup_free(wakeup);
    end(&b);
}

static void do_nothing(struct busy *b, struct fcgi_wakeup *wakeup)
{
    CHILD_REQUIRE(b->client != NULL && wakeup == NULL);
}

/* A fork() finds those that are left. */
static void wakeups_are_freed_in_any_order(void **state)
{
    (void)state;
    static const size_t orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}};
    struct busy b;
    begin(&b, 1);
    size_t before = open_descriptors();
    for (size_t i = 0; i < 3; i++) {
        struct fcgi_wakeup *wakeups[3];
        for (size_t j = 0; j < 3; j++) {
            wakeups[j] = wakeup_for(&b);
        }
        for (size_t j = 0; j < 3; j++) {
            fcgi_wakeup_free(wakeups[orders[i][j]]);
            in_child(do_nothing, &b, NULL);
        }
        assert_int_equal(open_descriptors(), before);
    }
    end(&b);
}

/* It has no copy of what wakes in the parent, whose end could not be seen
 * otherwise. */
static void a_child_has_no_copy_of_what_wakes(void **state)
{
    (void)state;
    struct busy b;
    begin(&b, 1);
    size_t before = open_descriptors();
    struct fcgi_wakeup *wakeup = wakeup_for(&b);
    (void)queue(&b, NULL);
    assert_int_equal(open_descriptors(), before + 4);
    pid_t pid = fork();
    if (pid == 0) {
        /* The connection was closed too. */
        CHILD_REQUIRE(open_descriptors() == before - 1);
        child_ends_well();
    }
    assert_true(WIFSIGNALED(await_exit(pid)));
    end_calls(&b);
    fcgi_wakeup_free(wakeup);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_calls_waits_for_one_descriptor),
        cmocka_unit_test(
            it_is_readable_until_each_call_with_a_turn_was_advanced),
        cmocka_unit_test(it_is_quiet_again_when_the_call_with_a_turn_is_freed),
#ifdef __linux__
        cmocka_unit_test(each_turn_is_a_change_to_an_edge_triggered_host),
#endif
        cmocka_unit_test(a_call_with_a_wakeup_tells_no_descriptor),
        cmocka_unit_test(a_call_with_a_wakeup_tells_when_its_time_is_over),
        cmocka_unit_test(calls_are_told_once_in_the_order_of_their_turns),
        cmocka_unit_test(each_turn_that_comes_later_is_told_too),
        cmocka_unit_test(a_call_that_was_advanced_untold_is_not_told_later),
        cmocka_unit_test(a_call_freed_amid_its_turn_passes_it_on_untold),
        cmocka_unit_test(a_call_cancelled_amid_its_turn_passes_it_on_untold),
        cmocka_unit_test(a_call_freed_after_it_was_told_passes_its_turn_on),
        cmocka_unit_test(a_call_that_gave_up_its_place_is_not_told),
        cmocka_unit_test(a_place_that_came_free_is_a_turn_too),
        cmocka_unit_test(each_loop_hears_of_its_own_calls_alone),
        cmocka_unit_test(who_came_first_is_served_first),
        cmocka_unit_test(closing_the_client_tells_all),
        cmocka_unit_test(hosts_that_poll_one_call_each_get_their_turns),
        cmocka_unit_test(loops_and_threads_share_a_client_of_two_connections),
        cmocka_unit_test(wakeups_want_a_client_and_a_place),
        cmocka_unit_test(a_wakeup_without_memory_is_an_error),
        cmocka_unit_test(what_is_woken_by_a_descriptor_fails_without_one),
        cmocka_unit_test(threads_and_further_calls_wait_without_a_descriptor),
        cmocka_unit_test(what_wakes_is_closed_on_exec),
        cmocka_unit_test(a_child_rings_nobody_in_the_parent),
        cmocka_unit_test(a_child_takes_no_turn_of_the_parents),
        cmocka_unit_test(a_child_may_make_a_wakeup_of_its_own),
        cmocka_unit_test(wakeups_are_freed_in_any_order),
        cmocka_unit_test(a_child_has_no_copy_of_what_wakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
