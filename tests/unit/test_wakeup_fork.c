/*
 * Wake-ups and other processes: another program inherits nothing, and a child
 * of fork() neither hears of the parent's calls nor disturbs them.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "busy.h"
#include "child.h"
#include "host.h"
#include "process.h"

#define READ FCGI_EVENT_READ

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
    struct busy *b = busy_begin(state, 1);
    size_t before = inherited_descriptors();
    struct fcgi_wakeup *wakeup = busy_wakeup(b);
    assert_true(fcntl(fcgi_wakeup_fd(wakeup), F_GETFD) & FD_CLOEXEC);
    (void)busy_queue(b, NULL);
    assert_int_equal(inherited_descriptors(), before);
}

static void look(void *busy)
{
    struct busy *b = busy;
    CHILD_REQUIRE(fcgi_wakeup_fd(b->wakeups[0]) == -1);
    CHILD_REQUIRE(fcgi_wakeup_next(b->wakeups[0]) == NULL);
    CHILD_REQUIRE(fcgi_call_fd(b->calls[0]) == -1);
    CHILD_REQUIRE(fcgi_call_fd(b->calls[1]) == -1);
}

static void advance_calls(void *busy)
{
    struct busy *b = busy;
    CHILD_REQUIRE(fcgi_call_advance(b->calls[0]) == FCGI_ERR_POOL_CLOSED);
    CHILD_REQUIRE(fcgi_call_advance(b->calls[1]) == FCGI_ERR_POOL_CLOSED);
}

static void close_client(void *busy)
{
    struct busy *b = busy;
    fcgi_client_close(b->f->client);
}

static void free_all(void *busy)
{
    struct busy *b = busy;
    fcgi_call_free(b->calls[0]);
    fcgi_call_free(b->calls[1]);
    fcgi_wakeup_free(b->wakeups[0]);
    fcgi_client_free(b->f->client);
}

/* Something of the child's own may have the number since. */
static void ring_in_place_of_another(void *busy)
{
    struct busy *b = busy;
    char byte;
    int ends[2];
    CHILD_REQUIRE(pipe(ends) == 0);
    CHILD_REQUIRE(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    free_all(b);
    CHILD_REQUIRE(read(ends[0], &byte, 1) < 0 && errno == EAGAIN);
}

static void (*const acts[])(void *busy) = {look, advance_calls, close_client,
                                           free_all, ring_in_place_of_another};

#define ACTS (sizeof(acts) / sizeof(acts[0]))

/* Their pipes are silent, and stay so. */
static void a_child_rings_nobody_in_the_parent(void **state)
{
    for (size_t i = 0; i < ACTS; i++) {
        struct busy *b = busy_begin(state, 1);
        struct fcgi_wakeup *wakeup = busy_wakeup(b);
        int own_fd = fcgi_call_fd(busy_queue(b, NULL));
        (void)busy_queue(b, wakeup);
        child_run(acts[i], b);
        busy_assert_quiet(wakeup);
        assert_false(host_ready(own_fd, READ));
        assert_int_equal(stats_of_pool(b->f->pool).waiting, 2);
        busy_put(b, 0);
        busy_finish_call(b, 0);
        busy_assert_turn(wakeup, b->calls[1]);
        busy_finish_call(b, 1);
    }
}

static void free_all_but_the_client(void *busy)
{
    struct busy *b = busy;
    CHILD_REQUIRE(fcgi_wakeup_next(b->wakeups[0]) == NULL);
    fcgi_call_free(b->calls[0]);
    fcgi_call_free(b->calls[1]);
    fcgi_wakeup_free(b->wakeups[0]);
}

/* The turns are those of the parent's calls. */
static void a_child_takes_no_turn_of_the_parents(void **state)
{
    struct busy *b = busy_begin(state, 2);
    struct fcgi_wakeup *wakeup = busy_wakeup(b);
    int own_fd = fcgi_call_fd(busy_queue(b, NULL));
    (void)busy_queue(b, wakeup);
    busy_put(b, 0);
    busy_put(b, 1);
    child_run(free_all_but_the_client, b);
    assert_true(host_ready(own_fd, READ));
    busy_assert_turn(wakeup, b->calls[1]);
    busy_finish_call(b, 0);
    busy_finish_call(b, 1);
    assert_int_equal(stats_of_pool(b->f->pool).dials, 2);
}

static void make_its_own(void *busy)
{
    struct busy *b = busy;
    struct fcgi_wakeup *own;
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    struct fcgi_call *call;
    struct pollfd one = {-1, POLLIN, 0};
    struct fcgi_connection *leased = take(b->f->pool);
    CHILD_REQUIRE(fcgi_wakeup_new(&own, b->f->client) == FCGI_OK);
    request.wakeup = own;
    CHILD_REQUIRE(fcgi_call_start(&call, b->f->client, &request, &response) ==
                  FCGI_OK);
    CHILD_REQUIRE(fcgi_wakeup_next(own) == NULL);
    fcgi_pool_put(b->f->pool, leased);
    one.fd = fcgi_wakeup_fd(own);
    CHILD_REQUIRE(poll(&one, 1, 0) == 1);
    CHILD_REQUIRE(fcgi_wakeup_next(own) == call);
    CHILD_REQUIRE(poll(&one, 1, 0) == 0);
    CHILD_REQUIRE(host_run_beside(call) == FCGI_OK);
    fcgi_call_free(call);
    fcgi_wakeup_free(own);
}

static void a_child_may_make_a_wakeup_of_its_own(void **state)
{
    struct busy *b = busy_begin(state, 1);
    struct fcgi_wakeup *wakeup = busy_wakeup(b);
    (void)busy_queue(b, wakeup);
    child_run(make_its_own, b);
    busy_assert_quiet(wakeup);
    busy_put(b, 0);
    busy_assert_turn(wakeup, b->calls[0]);
    busy_finish_call(b, 0);
}

static void do_nothing(void *busy)
{
    struct busy *b = busy;
    CHILD_REQUIRE(b->f->client != NULL);
}

static struct fcgi_wakeup *wakeups[3];

static void free_wakeups(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < 3; i++) {
        fcgi_wakeup_free(wakeups[i]);
        wakeups[i] = NULL;
    }
}

/* A fork() finds those that are left. */
static void wakeups_are_freed_in_any_order(void **state)
{
    static const size_t orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}};
    struct busy *b = busy_begin(state, 1);
    size_t before = open_descriptors();
    fixture_defer(state, free_wakeups, NULL);
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 3; j++) {
            assert_code(fcgi_wakeup_new(&wakeups[j], b->f->client), FCGI_OK);
        }
        for (size_t j = 0; j < 3; j++) {
            fcgi_wakeup_free(wakeups[orders[i][j]]);
            wakeups[orders[i][j]] = NULL;
            child_run(do_nothing, b);
        }
        assert_int_equal(open_descriptors(), before);
    }
}

static size_t expected;

static void count_descriptors(void *unused)
{
    (void)unused;
    CHILD_REQUIRE(open_descriptors() == expected);
}

/* It has no copy of what wakes in the parent, whose end could not be seen
 * otherwise. */
static void a_child_has_no_copy_of_what_wakes(void **state)
{
    struct busy *b = busy_begin(state, 1);
    size_t before = open_descriptors();
    (void)busy_wakeup(b);
    (void)busy_queue(b, NULL);
    assert_int_equal(open_descriptors(), before + 4);
    /* The connection is closed too. */
    expected = before - 1;
    child_run(count_descriptors, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(what_wakes_is_closed_on_exec),
        fixture_test(a_child_rings_nobody_in_the_parent),
        fixture_test(a_child_takes_no_turn_of_the_parents),
        fixture_test(a_child_may_make_a_wakeup_of_its_own),
        fixture_test(wakeups_are_freed_in_any_order),
        fixture_test(a_child_has_no_copy_of_what_wakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
