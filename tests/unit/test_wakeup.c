/*
 * How a host hears that a call which waited for a connection has its turn: by a
 * descriptor that all calls of the client share, or by a wake-up of its own for
 * each event loop. A call that waits costs no descriptor.
 *
 * Threads are in test_wakeup_threads.c, children of fork() in
 * test_wakeup_fork.c.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif

#include "busy.h"
#include "host.h"
#include "process.h"

/* What nobody wakes fails in the end. */
#define LIMIT_MS 20000
#define READ FCGI_EVENT_READ

/* ---- the descriptor of the client --------------------------------------- */

static void any_number_of_calls_waits_for_one_descriptor(void **state)
{
    struct busy *b = busy_begin(state, 1);
    size_t before = open_descriptors();
    int fd = fcgi_call_fd(busy_queue(b, NULL));
    assert_true(fd >= 0);
    while (b->count < BUSY_CALLS) {
        struct fcgi_call *call = busy_queue(b, NULL);
        assert_int_equal(fcgi_call_fd(call), fd);
        assert_int_equal(fcgi_call_events(call), READ);
    }
    assert_int_equal(stats_of_pool(b->f->pool).waiting, BUSY_CALLS);
    assert_int_equal(open_descriptors(), before + 2);
    assert_false(host_ready(fd, READ));
    busy_put(b, 0);
    for (size_t i = 0; i < BUSY_CALLS; i++) {
        busy_finish_call(b, i);
    }
    assert_int_equal(open_descriptors(), before + 2);
    assert_int_equal(stats_of_pool(b->f->pool).dials, 1);
}

/* However many have, a host that polls one call alone misses nothing. */
static void
it_is_readable_until_each_call_with_a_turn_was_advanced(void **state)
{
    struct busy *b = busy_begin(state, 3);
    int fd = fcgi_call_fd(busy_queue(b, NULL));
    (void)busy_queue(b, NULL);
    (void)busy_queue(b, NULL);
    busy_put(b, 0);
    busy_put(b, 1);
    assert_code(host_advance(b->calls[2]), FCGI_WAIT);
    assert_true(host_ready(fd, READ));
    busy_take_turn(b, 1);
    assert_true(fcgi_call_fd(b->calls[1]) != fd);
    assert_true(host_ready(fd, READ));
    busy_take_turn(b, 0);
    assert_false(host_ready(fd, READ));
    busy_put(b, 2);
    assert_true(host_ready(fd, READ));
    for (size_t i = 0; i < 3; i++) {
        busy_finish_call(b, i);
    }
    assert_false(host_ready(fd, READ));
}

static void it_is_quiet_again_when_the_call_with_a_turn_is_freed(void **state)
{
    struct busy *b = busy_begin(state, 1);
    int fd = fcgi_call_fd(busy_queue(b, NULL));
    busy_put(b, 0);
    assert_true(host_ready(fd, READ));
    busy_free_call(b, 0);
    assert_false(host_ready(fd, READ));
    assert_int_equal(stats_of_pool(b->f->pool).idle, 1);
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
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    struct busy *b = busy_begin(state, 3);
    for (size_t i = 0; i < 3; i++) {
        (void)busy_queue(b, NULL);
    }
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int fd = fcgi_call_fd(b->calls[0]);
    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
    assert_false(has_edge(epoll));
    for (size_t i = 0; i < 3; i++) {
        busy_put(b, i);
        assert_true(has_edge(epoll));
        assert_false(has_edge(epoll));
    }
    for (size_t i = 0; i < 3; i++) {
        busy_finish_call(b, i);
    }
    assert_int_equal(close(epoll), 0);
}
#endif

/* ---- a wake-up of the host's own ---------------------------------------- */

static void a_call_with_a_wakeup_tells_no_descriptor(void **state)
{
    struct busy *b = busy_begin(state, 1);
    struct fcgi_wakeup *wakeup = busy_wakeup(b);
    size_t before = open_descriptors();
    while (b->count < BUSY_CALLS) {
        struct fcgi_call *call = busy_queue(b, wakeup);
        assert_int_equal(fcgi_call_fd(call), -1);
        assert_int_equal(fcgi_call_events(call), 0);
    }
    assert_int_equal(open_descriptors(), before);
    busy_assert_quiet(wakeup);
    busy_free_calls(b);
    busy_free_wakeups(b);
    assert_int_equal(open_descriptors(), before - 2);
}

/* Its time limits are as ever. */
static void a_call_with_a_wakeup_tells_when_its_time_is_over(void **state)
{
    struct busy *b = busy_begin(state, 1);
    struct fixture *f = b->f;
    struct fcgi_wakeup *wakeup = busy_wakeup(b);
    f->request.wakeup = wakeup;
    f->request.timeouts.queue_ms = 30;
    int64_t start = now_ms();
    fixture_begin(f);
    assert_in_range(fcgi_call_timeout_ms(f->call), 0, 30);
    assert_code(host_run(f->call), FCGI_ERR_QUEUE_TIMEOUT);
    assert_true(elapsed(start, 30));
    busy_put(b, 0);
    busy_assert_quiet(wakeup);
}

static void calls_are_told_once_in_the_order_of_their_turns(void **state)
{
    struct busy *b = busy_begin(state, 3);
    struct fcgi_wakeup *wakeup = busy_wakeup(b);
    for (size_t i = 0; i < 3; i++) {
        (void)busy_queue(b, wakeup);
    }
    busy_assert_quiet(wakeup);
    for (size_t i = 0; i < 3; i++) {
        busy_put(b, 2 - i);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_true(busy_rings(wakeup));
        assert_ptr_equal(fcgi_wakeup_next(wakeup), b->calls[i]);
    }
    busy_assert_quiet(wakeup);
    for (size_t i = 0; i < 3; i++) {
        busy_finish_call(b, i);
    }
    busy_assert_quiet(wakeup);
}

static void each_turn_that_comes_later_is_told_too(void **state)
{
    struct busy *b = busy_begin(state, 1);
    struct fcgi_wakeup *wakeup = busy_wakeup(b);
    for (size_t i = 0; i < 20; i++) {
        (void)busy_queue(b, wakeup);
    }
    busy_put(b, 0);
    for (size_t i = 0; i < 20; i++) {
        busy_assert_turn(wakeup, b->calls[i]);
        busy_finish_call(b, i);
    }
    busy_assert_quiet(wakeup);
    assert_int_equal(stats_of_pool(b->f->pool).dials, 1);
}

static void a_call_that_was_advanced_untold_is_not_told_later(void **state)
{
    struct busy *b = busy_begin(state, 2);
    struct fcgi_wakeup *wakeup = busy_wakeup(b);
    (void)busy_queue(b, wakeup);
    (void)busy_queue(b, wakeup);
    busy_put(b, 0);
    busy_put(b, 1);
    busy_take_turn(b, 0);
    busy_assert_turn(wakeup, b->calls[1]);
    busy_finish_call(b, 0);
    busy_finish_call(b, 1);
}

/* Whichever of several it is. */
static void a_call_freed_amid_its_turn_passes_it_on_untold(void **state)
{
    for (size_t i = 0; i < 3; i++) {
        struct busy *b = busy_begin(state, 3);
        struct fcgi_wakeup *wakeup = busy_wakeup(b);
        for (size_t j = 0; j < 4; j++) {
            (void)busy_queue(b, wakeup);
        }
        for (size_t j = 0; j < 3; j++) {
            busy_put(b, j);
        }
        busy_free_call(b, i);
        for (size_t j = 0; j < 4; j++) {
            if (j != i) {
                assert_true(busy_rings(wakeup));
                assert_ptr_equal(fcgi_wakeup_next(wakeup), b->calls[j]);
            }
        }
        busy_assert_quiet(wakeup);
        busy_finish_call(b, 3);
        busy_free_calls(b);
    }
}

static void a_call_cancelled_amid_its_turn_passes_it_on_untold(void **state)
{
    struct busy *b = busy_begin(state, 1);
    struct fcgi_wakeup *wakeup = busy_wakeup(b);
    (void)busy_queue(b, wakeup);
    (void)busy_queue(b, wakeup);
    busy_put(b, 0);
    host_cancel(b->calls[0]);
    busy_assert_turn(wakeup, b->calls[1]);
    assert_code(host_advance(b->calls[0]), FCGI_ERR_CANCELLED);
    busy_finish_call(b, 1);
}

/* So is one that was told already, but not advanced. */
static void a_call_freed_after_it_was_told_passes_its_turn_on(void **state)
{
    struct busy *b = busy_begin(state, 1);
    struct fcgi_wakeup *wakeup = busy_wakeup(b);
    (void)busy_queue(b, wakeup);
    (void)busy_queue(b, wakeup);
    busy_put(b, 0);
    busy_assert_turn(wakeup, b->calls[0]);
    busy_free_call(b, 0);
    busy_assert_turn(wakeup, b->calls[1]);
    busy_finish_call(b, 1);
}

static void a_call_that_gave_up_its_place_is_not_told(void **state)
{
    struct busy *b = busy_begin(state, 1);
    struct fcgi_wakeup *wakeup = busy_wakeup(b);
    for (size_t i = 0; i < 3; i++) {
        (void)busy_queue(b, wakeup);
    }
    busy_free_call(b, 1);
    busy_put(b, 0);
    busy_assert_turn(wakeup, b->calls[0]);
    busy_finish_call(b, 0);
    busy_assert_turn(wakeup, b->calls[2]);
    busy_finish_call(b, 2);
    busy_assert_quiet(wakeup);
}

/* Its turn may be to dial. */
static void a_place_that_came_free_is_a_turn_too(void **state)
{
    struct busy *b = busy_begin(state, 1);
    struct fcgi_wakeup *wakeup = busy_wakeup(b);
    (void)busy_queue(b, wakeup);
    fcgi_pool_discard(b->f->pool, b->leased[0]);
    b->leased[0] = NULL;
    busy_assert_turn(wakeup, b->calls[0]);
    busy_finish_call(b, 0);
    assert_int_equal(stats_of_pool(b->f->pool).dials, 2);
}

/* ---- several loops ------------------------------------------------------ */

static void each_loop_hears_of_its_own_calls_alone(void **state)
{
    struct busy *b = busy_begin(state, 3);
    struct fcgi_wakeup *one = busy_wakeup(b);
    struct fcgi_wakeup *other = busy_wakeup(b);
    assert_true(fcgi_wakeup_fd(one) != fcgi_wakeup_fd(other));
    (void)busy_queue(b, one);
    int own_fd = fcgi_call_fd(busy_queue(b, NULL));
    (void)busy_queue(b, other);
    busy_put(b, 0);
    busy_assert_quiet(other);
    assert_false(host_ready(own_fd, READ));
    busy_assert_turn(one, b->calls[0]);
    busy_put(b, 1);
    busy_assert_quiet(one);
    busy_assert_quiet(other);
    assert_true(host_ready(own_fd, READ));
    busy_take_turn(b, 1);
    busy_put(b, 2);
    busy_assert_quiet(one);
    assert_false(host_ready(own_fd, READ));
    busy_assert_turn(other, b->calls[2]);
    for (size_t i = 0; i < 3; i++) {
        busy_finish_call(b, i);
    }
}

/* A thread that asks and waits. */
static struct fixture_asker *begin_to_ask(void **state, struct busy *b)
{
    size_t waiting = stats_of_pool(b->f->pool).waiting;
    struct fcgi_request request = get_request();
    request.timeouts.total_ms = LIMIT_MS;
    struct fixture_asker *asker = fixture_ask(state, b->f->client, &request);
    await_waiting(b->f->pool, waiting + 1);
    return asker;
}

/* Whether it is a thread or whichever loop's call. */
static void who_came_first_is_served_first(void **state)
{
    struct busy *b = busy_begin(state, 1);
    struct fcgi_wakeup *one = busy_wakeup(b);
    struct fcgi_wakeup *other = busy_wakeup(b);
    struct fixture_asker *first = begin_to_ask(state, b);
    (void)busy_queue(b, one);
    int own_fd = fcgi_call_fd(busy_queue(b, NULL));
    struct fixture_asker *fourth = begin_to_ask(state, b);
    (void)busy_queue(b, other);
    busy_put(b, 0);
    fixture_join_asker(state, first);
    busy_assert_turn(one, b->calls[0]);
    assert_int_equal(stats_of_pool(b->f->pool).waiting, 3);
    busy_finish_call(b, 0);
    assert_int_equal(stats_of_pool(b->f->pool).waiting, 2);
    assert_true(host_ready(own_fd, READ));
    busy_finish_call(b, 1);
    fixture_join_asker(state, fourth);
    assert_int_equal(stats_of_pool(b->f->pool).waiting, 0);
    busy_assert_turn(other, b->calls[2]);
    busy_finish_call(b, 2);
    assert_int_equal(stats_of_pool(b->f->pool).dials, 1);
}

static void closing_the_client_tells_all(void **state)
{
    struct busy *b = busy_begin(state, 1);
    struct fcgi_wakeup *one = busy_wakeup(b);
    struct fcgi_wakeup *other = busy_wakeup(b);
    int own_fd = fcgi_call_fd(busy_queue(b, NULL));
    (void)busy_queue(b, NULL);
    (void)busy_queue(b, one);
    (void)busy_queue(b, other);
    (void)busy_queue(b, one);
    fcgi_client_close(b->f->client);
    assert_true(host_ready(own_fd, READ));
    assert_ptr_equal(fcgi_wakeup_next(one), b->calls[2]);
    busy_assert_turn(one, b->calls[4]);
    busy_assert_turn(other, b->calls[3]);
    for (size_t i = 0; i < 5; i++) {
        assert_code(host_advance(b->calls[i]), FCGI_ERR_POOL_CLOSED);
    }
    assert_false(host_ready(own_fd, READ));
    busy_free_calls(b);
}

/* ---- what does not go --------------------------------------------------- */

static void wakeups_want_a_client_and_a_place(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_wakeup *wakeup = (struct fcgi_wakeup *)f;
    assert_code(fcgi_wakeup_new(NULL, f->client), FCGI_ERR_ARGUMENT);
    assert_code(fcgi_wakeup_new(&wakeup, NULL), FCGI_ERR_ARGUMENT);
    assert_null(wakeup);
    assert_int_equal(fcgi_wakeup_fd(NULL), -1);
    assert_null(fcgi_wakeup_next(NULL));
    fcgi_wakeup_free(NULL);
}

static void a_wakeup_without_memory_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct fcgi_client_config config = {
        .pool = {.allocator = counting_allocator(&f->memory)}};
    struct fcgi_wakeup *wakeup = (struct fcgi_wakeup *)f;
    assert_code(fcgi_client_new(&f->client, "/nowhere", &config), FCGI_OK);
    size_t blocks = f->memory.blocks;
    size_t descriptors = open_descriptors();
    f->memory.fail_at = f->memory.calls + 1;
    assert_code(fcgi_wakeup_new(&wakeup, f->client), FCGI_ERR_NO_MEMORY);
    assert_null(wakeup);
    assert_int_equal(f->memory.blocks, blocks);
    assert_int_equal(open_descriptors(), descriptors);
    assert_code(fcgi_wakeup_new(&wakeup, f->client), FCGI_OK);
    assert_int_equal(f->memory.blocks, blocks + 1);
    fcgi_wakeup_free(wakeup);
    assert_int_equal(f->memory.blocks, blocks);
}

static void what_is_woken_by_a_descriptor_fails_without_one(void **state)
{
    struct busy *b = busy_begin(state, 1);
    struct fixture *f = b->f;
    struct fcgi_wakeup *wakeup = (struct fcgi_wakeup *)f;
    fixture_forbid_descriptors(state);
    int made = fcgi_wakeup_new(&wakeup, f->client);
    int made_error = errno;
    int started = host_start(&f->call, f->client, &f->request, &f->response);
    fixture_allow_descriptors(state);
    assert_code(made, FCGI_ERR_SYSTEM);
    assert_int_equal(made_error, EMFILE);
    assert_null(wakeup);
    assert_code(started, FCGI_ERR_SYSTEM);
    assert_int_equal(f->response.outcome.system_error, EMFILE);
    assert_int_equal(f->response.outcome.phase, FCGI_PHASE_START);
    assert_int_equal(stats_of_pool(f->pool).waiting, 0);
    (void)busy_queue(b, NULL);
}

static void threads_and_further_calls_wait_without_a_descriptor(void **state)
{
    struct busy *b = busy_begin(state, 1);
    struct fcgi_wakeup *wakeup = busy_wakeup(b);
    (void)busy_queue(b, NULL);
    fixture_forbid_descriptors(state);
    struct fixture_asker *asker = begin_to_ask(state, b);
    (void)busy_queue(b, NULL);
    (void)busy_queue(b, wakeup);
    busy_put(b, 0);
    busy_finish_call(b, 0);
    fixture_join_asker(state, asker);
    busy_finish_call(b, 1);
    busy_assert_turn(wakeup, b->calls[2]);
    busy_finish_call(b, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(any_number_of_calls_waits_for_one_descriptor),
        fixture_test(it_is_readable_until_each_call_with_a_turn_was_advanced),
        fixture_test(it_is_quiet_again_when_the_call_with_a_turn_is_freed),
#ifdef __linux__
        fixture_test(each_turn_is_a_change_to_an_edge_triggered_host),
#endif
        fixture_test(a_call_with_a_wakeup_tells_no_descriptor),
        fixture_test(a_call_with_a_wakeup_tells_when_its_time_is_over),
        fixture_test(calls_are_told_once_in_the_order_of_their_turns),
        fixture_test(each_turn_that_comes_later_is_told_too),
        fixture_test(a_call_that_was_advanced_untold_is_not_told_later),
        fixture_test(a_call_freed_amid_its_turn_passes_it_on_untold),
        fixture_test(a_call_cancelled_amid_its_turn_passes_it_on_untold),
        fixture_test(a_call_freed_after_it_was_told_passes_its_turn_on),
        fixture_test(a_call_that_gave_up_its_place_is_not_told),
        fixture_test(a_place_that_came_free_is_a_turn_too),
        fixture_test(each_loop_hears_of_its_own_calls_alone),
        fixture_test(who_came_first_is_served_first),
        fixture_test(closing_the_client_tells_all),
        fixture_test(wakeups_want_a_client_and_a_place),
        fixture_test(a_wakeup_without_memory_is_an_error),
        fixture_test(what_is_woken_by_a_descriptor_fails_without_one),
        fixture_test(threads_and_further_calls_wait_without_a_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
