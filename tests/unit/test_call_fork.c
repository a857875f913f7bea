/*
 * fork() while pollable calls are under way: the child can only give its copies
 * of them up, and whatever it does with them, the parent's go on undisturbed
 * and nothing is sent to anyone.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcgi_client.h>

#include "ask.h"
#include "fake.h"
#include "host.h"
#include "pattern.h"
#include "peer.h"
#include "process.h"

/* What a child finds not to be so ends it. */
#define CHILD_REQUIRE(condition)                                               \
    do {                                                                       \
        if (!(condition)) {                                                    \
            print_error("child: line %d: %s\n", __LINE__, #condition);         \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

/* Let a child do something with its copy of a call; returns once it is gone. */
static void in_child(void (*act)(struct fcgi_call *call),
                     struct fcgi_call *call)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)alarm(60);
        act(call);
        child_ends_well();
    }
    int status = await_exit(pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void free_it(struct fcgi_call *call)
{
    fcgi_call_free(call);
}

static void cancel_it(struct fcgi_call *call)
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

static void advance_it(struct fcgi_call *call)
{
    CHILD_REQUIRE(is_lost(fcgi_call_advance(call)));
    fcgi_call_free(call);
}

static void resume_it(struct fcgi_call *call)
{
    CHILD_REQUIRE(is_lost(fcgi_call_resume(call)));
    fcgi_call_free(call);
}

static void (*const acts[])(struct fcgi_call *call) = {free_it, cancel_it,
                                                       advance_it, resume_it};

#define ACTS (sizeof(acts) / sizeof(acts[0]))

/* Nothing of it reaches the application: neither bytes nor an end. */
static void a_child_leaves_a_call_that_awaits_its_answer_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ACTS; i++) {
        struct peer_call c;
        struct wire received = {0};
        struct fcgi_request request = get_request();
        peer_call_begin(&c, NULL, &request);
        assert_code(host_settle(c.call), FCGI_WAIT);
        assert_true(peer_receive(&c.peer, 0, &received));
        size_t before = received.len;
        in_child(acts[i], c.call);
        assert_true(peer_receive(&c.peer, 0, &received));
        assert_int_equal(received.len, before);
        peer_answer(&c.peer, 0, 1, "A: 1\r\n\r\nthe parent's");
        assert_code(host_run(c.call), FCGI_OK);
        assert_string_equal(c.response.body.data, "the parent's");
        wire_free(&received);
        peer_call_end(&c);
    }
}

static void a_child_leaves_a_call_amid_its_body_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ACTS; i++) {
        struct peer_call c;
        struct wire received = {0};
        struct wire_request seen = {0};
        struct pattern_upload upload = {.len = 2000000};
        struct fcgi_request request = post_request(pattern_source(&upload));
        peer_call_begin(&c, NULL, &request);
        assert_code(host_settle(c.call), FCGI_WAIT);
        in_child(acts[i], c.call);
        while (received.len < 2000000) {
            assert_true(peer_receive(&c.peer, 0, &received));
            assert_code(host_settle(c.call), FCGI_WAIT);
        }
        (void)peer_receive(&c.peer, 0, &received);
        (void)wire_request_read(&seen, received.data, received.len);
        assert_int_equal(seen.body.len, 2000000);
        assert_true(pattern_matches(seen.body.data, 0, 2000000));
        assert_int_equal(seen.body_ends, 1);
        assert_false(seen.aborted);
        wire_request_free(&seen);
        wire_free(&received);
        peer_call_end(&c);
    }
}

/* Something of the child's own has got the number of the descriptor since. */
static void free_it_in_place_of_another(struct fcgi_call *call)
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
    (void)state;
    struct peer_call c;
    struct fcgi_request request = get_request();
    peer_call_begin(&c, NULL, &request);
    assert_code(host_settle(c.call), FCGI_WAIT);
    in_child(free_it_in_place_of_another, c.call);
    peer_answer(&c.peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_run(c.call), FCGI_OK);
    peer_call_end(&c);
}

/* Its socket is shared, but not in the pool yet. */
static void a_child_leaves_a_call_that_connects_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ACTS; i++) {
        struct fake *app = fake_serve(FAKE_TCP);
        struct fcgi_client *client = client_for(app, NULL);
        struct fcgi_request request = get_request();
        struct fcgi_response response = {0};
        struct fcgi_call *call = host_begin(client, &request, &response);
        assert_true(fcgi_call_fd(call) >= 0);
        assert_int_equal(fcgi_call_events(call), FCGI_EVENT_WRITE);
        fake_await(app, FAKE_ACCEPTED, 1);
        in_child(acts[i], call);
        assert_code(host_run(call), FCGI_OK);
        assert_string_equal(response.body.data, "hello");
        assert_int_equal(fake_count(app, FAKE_BEGUN), 1);
        host_free(call);
        fcgi_response_free(&response);
        fcgi_client_free(client);
        fake_stop(app);
    }
}

static void a_child_leaves_a_call_in_the_queue_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ACTS; i++) {
        struct fcgi_pool_config config = {.max_open = 1};
        struct fake *app = fake_serve(FAKE_UNIX);
        struct fcgi_client *client = client_with_pool(app, &config);
        struct fcgi_connection *connection = take(fcgi_client_pool(client));
        struct fcgi_request request = get_request();
        struct fcgi_response response = {0};
        struct fcgi_call *call = host_begin(client, &request, &response);
        in_child(acts[i], call);
        assert_int_equal(stats_of(client).waiting, 1);
        assert_false(host_ready(fcgi_call_fd(call), FCGI_EVENT_READ));
        fcgi_pool_put(fcgi_client_pool(client), connection);
        assert_code(host_run(call), FCGI_OK);
        host_free(call);
        fcgi_response_free(&response);
        fcgi_client_free(client);
        fake_stop(app);
    }
}

static void find_it_due(struct fcgi_call *call)
{
    CHILD_REQUIRE(fcgi_call_fd(call) == -1);
    CHILD_REQUIRE(fcgi_call_timeout_ms(call) == 0);
    advance_it(call);
}

/* A host that only waits as the call tells would never hear that it is lost. */
static void in_a_child_a_call_in_the_queue_is_due_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct fcgi_pool_config config = {.max_open = 1};
        struct fake *app = fake_serve(FAKE_UNIX);
        struct fcgi_client *client = client_with_pool(app, &config);
        struct fcgi_connection *connection = take(fcgi_client_pool(client));
        struct fcgi_wakeup *wakeup;
        struct fcgi_request request = get_request();
        struct fcgi_response response = {0};
        assert_code(fcgi_wakeup_new(&wakeup, client), FCGI_OK);
        request.wakeup = i == 0 ? NULL : wakeup;
        struct fcgi_call *call = host_begin(client, &request, &response);
        in_child(find_it_due, call);
        host_free(call);
        fcgi_wakeup_free(wakeup);
        fcgi_pool_put(fcgi_client_pool(client), connection);
        fcgi_response_free(&response);
        fcgi_client_free(client);
        fake_stop(app);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_leaves_a_call_that_awaits_its_answer_alone),
        cmocka_unit_test(a_child_leaves_a_call_amid_its_body_alone),
        cmocka_unit_test(a_child_sends_nothing_to_whoever_has_the_number),
        cmocka_unit_test(a_child_leaves_a_call_that_connects_alone),
        cmocka_unit_test(a_child_leaves_a_call_in_the_queue_alone),
        cmocka_unit_test(in_a_child_a_call_in_the_queue_is_due_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
