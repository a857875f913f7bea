/*
 * A dial function of the host's own, in the place of the library's.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../src/pool/pool.h"
#include "fixture.h"

/* A dial function that hands out one end of a pair, and keeps the other. */
struct switchboard {
    int rc;
    bool stores_nothing;
    int flags; /* of the end handed out */
    int far;
    size_t calls;
};

static int dial(void *context, int *fd)
{
    struct switchboard *board = context;
    int fds[2];
    board->calls += 1;
    if (board->rc != FCGI_OK) {
        errno = EHOSTUNREACH;
        return board->rc;
    }
    if (board->stores_nothing) {
        return FCGI_OK;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) {
        return FCGI_ERR_SYSTEM;
    }
    (void)fcntl(fds[0], F_SETFL, board->flags);
    *fd = fds[0];
    board->far = fds[1];
    return FCGI_OK;
}

static void hang_up(void *what)
{
    const struct switchboard *board = what;
    if (board->far >= 0) {
        (void)close(board->far);
    }
}

/* A pool that dials by such a function. */
static struct switchboard *begin(void **state)
{
    struct fixture *f = *state;
    struct switchboard *board = fixture_alloc(state, sizeof(*board));
    struct fcgi_pool_config config = {.dial = dial, .dial_context = board};
    board->far = -1;
    fixture_defer(state, hang_up, board);
    assert_code(fcgi_pool_new(&f->pool, "/nowhere", &config), FCGI_OK);
    return board;
}

static void the_host_may_dial(void **state)
{
    struct fixture *f = *state;
    char byte;
    struct switchboard *board = begin(state);
    struct fcgi_connection *connection = take(f->pool);
    assert_int_equal(board->calls, 1);
    assert_int_equal(write(fcgi_connection_fd(connection), "x", 1), 1);
    assert_int_equal(read(board->far, &byte, 1), 1);
    fcgi_pool_discard(f->pool, connection);
    assert_int_equal(read(board->far, &byte, 1), 0);
}

static void a_hosts_nonblocking_socket_is_made_blocking(void **state)
{
    struct fixture *f = *state;
    struct switchboard *board = begin(state);
    board->flags = O_NONBLOCK;
    struct fcgi_connection *connection = take(f->pool);
    int fd = fcgi_connection_fd(connection);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    fcgi_pool_discard(f->pool, connection);
}

static void what_the_hosts_dial_function_returns_is_passed_on(void **state)
{
    struct fixture *f = *state;
    struct fcgi_connection *connection;
    struct switchboard *board = begin(state);
    board->rc = FCGI_ERR_CONNECT;
    assert_code(fcgi_pool_get(f->pool, &connection, NULL), FCGI_ERR_CONNECT);
    assert_int_equal(errno, EHOSTUNREACH);
    board->rc = FCGI_ERR_CANCELLED;
    assert_code(fcgi_pool_get(f->pool, &connection, NULL), FCGI_ERR_CANCELLED);
    assert_int_equal(stats_of_pool(f->pool).open, 0);
    assert_int_equal(stats_of_pool(f->pool).dials, 2);
}

/* An errno, say. */
static void what_is_no_code_is_a_failed_connect(void **state)
{
    static const int numbers[] = {1, EHOSTUNREACH, INT_MAX};
    struct fixture *f = *state;
    struct switchboard board = {.far = -1};
    struct fcgi_client_config config = {
        .pool = {.dial = dial, .dial_context = &board}};
    struct fcgi_connection *connection;
    assert_code(fcgi_client_new(&f->client, "/nowhere", &config), FCGI_OK);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        board.rc = numbers[i];
        assert_code(
            fcgi_pool_get(fcgi_client_pool(f->client), &connection, NULL),
            FCGI_ERR_CONNECT);
        struct fcgi_outcome outcome =
            ask_expecting(f->client, &f->request, FCGI_ERR_CONNECT);
        assert_int_equal(outcome.system_error, EHOSTUNREACH);
        assert_int_equal(stats_of(f->client).open, 0);
    }
}

/* Connect where the system needs no name, and leave the socket non-blocking. */
static int dial_app(void *context, int *fd)
{
    const struct fixture *f = context;
    *fd = fake_connect(f->app);
    return fcntl(*fd, F_SETFL, O_NONBLOCK) == 0 ? FCGI_OK : FCGI_ERR_SYSTEM;
}

static void requests_go_over_what_the_host_has_dialled(void **state)
{
    struct fixture *f = *state;
    struct fcgi_client_config config = {
        .pool = {.dial = dial_app, .dial_context = f}};
    f->app = fake_serve(FAKE_TCP);
    assert_code(fcgi_client_new(&f->client, "/nowhere", &config), FCGI_OK);
    assert_false(ask_hello(f->client).reused);
    assert_true(ask_hello(f->client).reused);
    fake_restart(f->app);
    assert_true(ask_hello(f->client).retried);
}

static void a_dial_function_that_stores_no_socket_has_failed(void **state)
{
    struct fixture *f = *state;
    struct fcgi_connection *connection;
    struct switchboard *board = begin(state);
    board->stores_nothing = true;
    assert_code(fcgi_pool_get(f->pool, &connection, NULL), FCGI_ERR_CONNECT);
    assert_null(connection);
    assert_int_equal(stats_of_pool(f->pool).open, 0);
}

/* It frees no worker for the request that waits: the next connection that comes
 * back is closed for it all the same. */
static void
a_dial_that_fails_does_not_count_as_a_closing_that_is_owed(void **state)
{
    struct fixture *f = *state;
    struct fcgi_connection *other;
    struct switchboard *board = begin(state);
    struct fcgi_connection *connection = take(f->pool);
    fcgi__pool_rescue(f->pool, true);
    board->rc = FCGI_ERR_CONNECT;
    assert_code(fcgi_pool_get(f->pool, &other, NULL), FCGI_ERR_CONNECT);
    fcgi_pool_put(f->pool, connection);
    assert_int_equal(stats_of_pool(f->pool).rescues, 1);
    assert_int_equal(stats_of_pool(f->pool).open, 0);
    fcgi__pool_end_rescue(f->pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(the_host_may_dial),
        fixture_test(a_hosts_nonblocking_socket_is_made_blocking),
        fixture_test(what_the_hosts_dial_function_returns_is_passed_on),
        fixture_test(what_is_no_code_is_a_failed_connect),
        fixture_test(requests_go_over_what_the_host_has_dialled),
        fixture_test(a_dial_function_that_stores_no_socket_has_failed),
        fixture_test(
            a_dial_that_fails_does_not_count_as_a_closing_that_is_owed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
