/*
 * What can go wrong before there is a connection: each has a code, says why
 * where the system does, and leaves the client as good as before.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../src/net/net.h"
#include "fixture.h"
#include "process.h"

/* Ask at an address where nobody answers, and be told why. Twice: the one
 * place there is must come back each time. */
static void assert_unreachable(void **state, const char *address, int want,
                               int want_errno)
{
    struct fixture *f = *state;
    struct fcgi_client_config config = {
        .pool = {.max_open = 1, .queue_timeout_ms = 10000}};
    f->request = post_text("body");
    assert_code(fcgi_client_new(&f->client, address, &config), FCGI_OK);
    for (size_t i = 0; i < 2; i++) {
        struct fcgi_outcome outcome =
            ask_expecting(f->client, &f->request, want);
        assert_int_equal(outcome.system_error, want_errno);
        assert_int_equal(outcome.phase, FCGI_PHASE_CONNECT);
        assert_false(outcome.retried);
        assert_false(outcome.may_have_run);
        assert_true(outcome.safe_to_repeat);
        assert_int_equal(outcome.bytes_sent, 0);
        assert_int_equal(stats_of(f->client).open, 0);
    }
    assert_int_equal(stats_of(f->client).dials, 2);
}

static void a_socket_that_is_absent_says_so(void **state)
{
    assert_unreachable(state, fixture_path(state, "absent"), FCGI_ERR_CONNECT,
                       ENOENT);
}

/* The file is left of an application that is gone. */
static void a_socket_nobody_listens_at_says_so(void **state)
{
    const char *path = fixture_path(state, "gone");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    assert_unreachable(state, path, FCGI_ERR_CONNECT, ECONNREFUSED);
}

static void a_port_nobody_listens_at_says_so(void **state)
{
    char address[64];
    struct fake *app = fake_serve(FAKE_TCP);
    snprintf(address, sizeof(address), "%s", fake_address(app));
    fake_stop(app);
    assert_unreachable(state, address, FCGI_ERR_CONNECT, ECONNREFUSED);
}

static void be_root_again(void *unused)
{
    (void)unused;
    (void)!seteuid(0);
}

/* Nothing is denied to root, which becomes somebody else for a moment. */
static void a_socket_that_is_not_for_us_says_so(void **state)
{
    struct fixture *f = *state;
    f->app = fake_serve(FAKE_UNIX);
    assert_int_equal(chmod(fake_address(f->app) + 5, 0), 0);
    if (geteuid() == 0) {
        fixture_defer(state, be_root_again, NULL);
        assert_int_equal(seteuid(65534), 0);
    }
    assert_unreachable(state, fake_address(f->app), FCGI_ERR_CONNECT, EACCES);
}

static void a_file_that_is_no_socket_says_so(void **state)
{
    const char *path = fixture_path(state, "file");
    FILE *file = fopen(path, "w");
    fclose(file);
    assert_unreachable(state, path, FCGI_ERR_CONNECT, ECONNREFUSED);
}

static void a_name_that_does_not_exist_is_not_resolved(void **state)
{
    struct fixture *f = *state;
    assert_code(fcgi_client_new(&f->client, "no-such-host.invalid:9000", NULL),
                FCGI_OK);
    struct fcgi_outcome outcome =
        ask_expecting(f->client, &f->request, FCGI_ERR_RESOLVE);
    assert_int_equal(outcome.phase, FCGI_PHASE_CONNECT);
    assert_false(outcome.may_have_run);
    assert_int_equal(stats_of(f->client).open, 0);
}

/* Why there was no connection is told after its socket was closed. */
static void a_close_that_fails_says_nothing(void **state)
{
    (void)state;
    int fd = dup(0);
    assert_int_equal(close(fd), 0);
    errno = ECONNREFUSED;
    fcgi__net_close(fd);
    assert_int_equal(errno, ECONNREFUSED);
}

/* ---- limits of the system ---------------------------------------------- */

static void no_descriptor_left_is_a_system_error(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    fixture_forbid_descriptors(state);
    struct fcgi_outcome outcome =
        ask_expecting(f->client, &f->request, FCGI_ERR_SYSTEM);
    fixture_allow_descriptors(state);
    assert_int_equal(outcome.system_error, EMFILE);
    assert_false(outcome.may_have_run);
    assert_true(outcome.safe_to_repeat);
    assert_int_equal(stats_of(f->client).open, 0);
    ask_hello(f->client);
}

/* A warm client needs none. */
static void a_pooled_connection_needs_no_descriptor(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    ask_hello(f->client);
    fixture_forbid_descriptors(state);
    struct fcgi_outcome outcome = ask_hello(f->client);
    fixture_allow_descriptors(state);
    assert_true(outcome.reused);
}

/* More than select() could watch. */
static void a_high_descriptor_serves(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              FAKE_PAUSE};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    fixture_take_low_descriptors(state);
    f->request.timeouts.first_byte_ms = 30;
    int64_t start = now_ms();
    ask_expecting(f->client, &f->request, FCGI_ERR_FIRST_BYTE_TIMEOUT);
    assert_true(elapsed(start, 30));
}

/* It is a descriptor like any other. */
static void descriptor_0_serves(void **state)
{
    struct fixture *f = fixture_pool(state, FAKE_UNIX, NULL);
    fixture_close_input(state);
    struct fcgi_connection *connection = take(f->pool);
    assert_int_equal(fcgi_connection_fd(connection), 0);
    fcgi_pool_put(f->pool, connection);
    fake_await(f->app, FAKE_ACCEPTED, 1);
    fixture_free_client(f);
    fake_await(f->app, FAKE_LEFT, 1);
}

/* Dialling again fails for want of a descriptor: nothing is lost by it. */
static void a_retry_without_a_descriptor_leaves_the_client_usable(void **state)
{
    struct fcgi_client_config config = {
        .pool = {.max_open = 1, .queue_timeout_ms = 10000}};
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_SERVE_TIMES(1), FAKE_READ_REQUEST,
        FAKE_CLOSE,  FAKE_ACCEPT,         FAKE_SERVE};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, &config);
    ask_hello(f->client);
    fixture_forbid_descriptors(state);
    int rc = fcgi_client_do(f->client, &f->request, &f->response);
    fixture_allow_descriptors(state);
    /* The dead connection's own descriptor may serve for the second. */
    assert_true(rc == FCGI_OK || rc == FCGI_ERR_SYSTEM);
    fcgi_response_free(&f->response);
    ask_hello(f->client);
}

/* ---- a full listen queue ----------------------------------------------- */

static void *hear_when_asked(void *app)
{
    await_main_asleep();
    fake_hear(app);
    return NULL;
}

/* A Unix socket says EAGAIN, which is not a failure but a matter of time. */
static void a_full_listen_queue_is_waited_out(void **state)
{
    struct fixture *f = fixture_clogged(state, FAKE_UNIX, NULL);
    fixture_thread(state, hear_when_asked, f->app);
    struct fcgi_outcome outcome = ask_hello(f->client);
    fixture_join(state);
    assert_false(outcome.retried);
    assert_int_equal(stats_of(f->client).dials, 1);
}

static void a_full_listen_queue_is_told_from_a_refusal(void **state)
{
    struct fcgi_pool_config config = {.connect_timeout_ms = 30};
    struct fixture *f = *state;
    struct fcgi_connection *connection;
    f->app = fake_clogged(FAKE_UNIX);
    f->pool = pool_for(f->app, &config);
    int64_t start = now_ms();
    assert_code(fcgi_pool_get(f->pool, &connection, NULL),
                FCGI_ERR_BACKLOG_FULL);
    assert_true(elapsed(start, 30));
    assert_null(connection);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_socket_that_is_absent_says_so),
        fixture_test(a_socket_nobody_listens_at_says_so),
        fixture_test(a_port_nobody_listens_at_says_so),
        fixture_test(a_socket_that_is_not_for_us_says_so),
        fixture_test(a_file_that_is_no_socket_says_so),
        fixture_test(a_name_that_does_not_exist_is_not_resolved),
        fixture_test(a_close_that_fails_says_nothing),
        fixture_test(no_descriptor_left_is_a_system_error),
        fixture_test(a_pooled_connection_needs_no_descriptor),
        fixture_test(a_high_descriptor_serves),
        fixture_test(descriptor_0_serves),
        fixture_test(a_retry_without_a_descriptor_leaves_the_client_usable),
        fixture_test(a_full_listen_queue_is_waited_out),
        fixture_test(a_full_listen_queue_is_told_from_a_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
