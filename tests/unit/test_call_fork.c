/*
 * fork() while pollable calls are under way: the child can only give its copies
 * of them up, and whatever it does with them, the parent's go on undisturbed
 * and nothing is sent to anyone.
 */
#define _POSIX_C_SOURCE 200809L

#include <sys/socket.h>
#include <unistd.h>

#include "child.h"
#include "fixture.h"
#include "host.h"
#include "pattern.h"

static void free_it(void *call)
{
    fcgi_call_free(call);
}

static void cancel_it(void *call)
{
    fcgi_call_cancel(call);
    CHILD_REQUIRE(fcgi_call_advance(call) == FCGI_ERR_CANCELLED);
    fcgi_call_free(call);
}

/* There is nothing to go on with: no connection, and nobody to wait for one. */
static bool is_lost(int rc)
{
    return rc == FCGI_ERR_STATE || rc == FCGI_ERR_POOL_CLOSED;
}

static void advance_it(void *call)
{
    CHILD_REQUIRE(is_lost(fcgi_call_advance(call)));
    fcgi_call_free(call);
}

static void resume_it(void *call)
{
    CHILD_REQUIRE(is_lost(fcgi_call_resume(call)));
    fcgi_call_free(call);
}

static void (*const acts[])(void *call) = {free_it, cancel_it, advance_it,
                                           resume_it};

#define ACTS (sizeof(acts) / sizeof(acts[0]))

/* Nothing of it reaches the application: neither bytes nor an end. */
static void a_child_leaves_a_call_that_awaits_its_answer_alone(void **state)
{
    for (size_t i = 0; i < ACTS; i++) {
        struct wire received = {0};
        struct fixture *f = fixture_peer(state, NULL);
        fixture_begin(f);
        assert_code(host_settle(f->call), FCGI_WAIT);
        assert_true(peer_receive(&f->peer, 0, &received));
        size_t before = received.len;
        child_run(acts[i], f->call);
        assert_true(peer_receive(&f->peer, 0, &received));
        assert_int_equal(received.len, before);
        peer_answer(&f->peer, 0, 1, "A: 1\r\n\r\nthe parent's");
        assert_code(host_run(f->call), FCGI_OK);
        assert_string_equal(f->response.body.data, "the parent's");
        wire_free(&received);
    }
}

static void a_child_leaves_a_call_amid_its_body_alone(void **state)
{
    for (size_t i = 0; i < ACTS; i++) {
        struct wire received = {0};
        struct wire_request seen = {0};
        struct pattern_upload upload = {.len = 2000000};
        struct fixture *f = fixture_peer(state, NULL);
        f->request = post_request(pattern_source(&upload));
        fixture_begin(f);
        assert_code(host_settle(f->call), FCGI_WAIT);
        child_run(acts[i], f->call);
        while (received.len < 2000000) {
            assert_true(peer_receive(&f->peer, 0, &received));
            assert_code(host_settle(f->call), FCGI_WAIT);
        }
        (void)peer_receive(&f->peer, 0, &received);
        (void)wire_request_read(&seen, received.data, received.len);
        assert_int_equal(seen.body.len, 2000000);
        assert_true(pattern_matches(seen.body.data, 0, 2000000));
        assert_int_equal(seen.body_ends, 1);
        assert_false(seen.aborted);
        wire_request_free(&seen);
        wire_free(&received);
    }
}

/* Something of the child's own has got the number of the descriptor since. */
static void free_it_in_place_of_another(void *call)
{
    char byte;
    int ends[2];
    int fd = fcgi_call_fd(call);
    CHILD_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    if (fd >= 0 && fd != ends[0]) {
        CHILD_REQUIRE(dup2(ends[0], fd) == fd);
        close(ends[0]);
    }
    fcgi_call_free(call);
    CHILD_REQUIRE(recv(ends[1], &byte, 1, MSG_DONTWAIT) < 0);
}

static void a_child_sends_nothing_to_whoever_has_the_number(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    child_run(free_it_in_place_of_another, f->call);
    peer_answer(&f->peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_run(f->call), FCGI_OK);
}

/* Its socket is shared, but not in the pool yet. */
static void a_child_leaves_a_call_that_connects_alone(void **state)
{
    for (size_t i = 0; i < ACTS; i++) {
        struct fixture *f = fixture_serve(state, FAKE_TCP, NULL);
        fixture_begin(f);
        assert_true(fcgi_call_fd(f->call) >= 0);
        assert_int_equal(fcgi_call_events(f->call), FCGI_EVENT_WRITE);
        fake_await(f->app, FAKE_ACCEPTED, 1);
        child_run(acts[i], f->call);
        assert_code(host_run(f->call), FCGI_OK);
        assert_string_equal(f->response.body.data, "hello");
        assert_int_equal(fake_count(f->app, FAKE_BEGUN), 1);
    }
}

static void a_child_leaves_a_call_in_the_queue_alone(void **state)
{
    for (size_t i = 0; i < ACTS; i++) {
        struct fcgi_client_config config = {.pool = {.max_open = 1}};
        struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
        struct fcgi_connection *connection = take(f->pool);
        fixture_begin(f);
        child_run(acts[i], f->call);
        assert_int_equal(stats_of(f->client).waiting, 1);
        assert_false(host_ready(fcgi_call_fd(f->call), FCGI_EVENT_READ));
        fcgi_pool_put(f->pool, connection);
        assert_code(host_run(f->call), FCGI_OK);
    }
}

static void find_it_due(void *call)
{
    CHILD_REQUIRE(fcgi_call_fd(call) == -1);
    CHILD_REQUIRE(fcgi_call_timeout_ms(call) == 0);
    advance_it(call);
}

/* A host that only waits as the call tells would never hear that it is lost. */
static void in_a_child_a_call_in_the_queue_is_due_at_once(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct fcgi_client_config config = {.pool = {.max_open = 1}};
        struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
        struct fcgi_connection *connection = take(f->pool);
        struct fcgi_wakeup *wakeup = fixture_wakeup(state);
        f->request.wakeup = i == 0 ? NULL : wakeup;
        fixture_begin(f);
        child_run(find_it_due, f->call);
        fcgi_pool_put(f->pool, connection);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_child_leaves_a_call_that_awaits_its_answer_alone),
        fixture_test(a_child_leaves_a_call_amid_its_body_alone),
        fixture_test(a_child_sends_nothing_to_whoever_has_the_number),
        fixture_test(a_child_leaves_a_call_that_connects_alone),
        fixture_test(a_child_leaves_a_call_in_the_queue_alone),
        fixture_test(in_a_child_a_call_in_the_queue_is_due_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
