/*
 * A dial function of the host's own, in the place of the library's.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fcgi_client.h>

#include "../../src/pool/pool.h"
#include "ask.h"
#include "fake.h"
#include "process.h"

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

static struct fcgi_pool *pool_that_dials(struct switchboard *board)
{
    struct fcgi_pool *pool;
    struct fcgi_pool_config config = {.dial = dial, .dial_context = board};
    assert_code(fcgi_pool_new(&pool, "/nowhere", &config), FCGI_OK);
    return pool;
}

static void the_host_may_dial(void **state)
{
    (void)state;
    char byte;
    struct switchboard board = {0};
    size_t before = open_descriptors();
    struct fcgi_pool *pool = pool_that_dials(&board);
    struct fcgi_connection *connection = take(pool);
    assert_int_equal(board.calls, 1);
    assert_int_equal(write(fcgi_connection_fd(connection), "x", 1), 1);
    assert_int_equal(read(board.far, &byte, 1), 1);
    fcgi_pool_discard(pool, connection);
    assert_int_equal(read(board.far, &byte, 1), 0);
    fcgi_pool_free(pool);
    close(board.far);
    assert_int_equal(open_descriptors(), before);
}

static void a_hosts_nonblocking_socket_is_made_blocking(void **state)
{
    (void)state;
    struct switchboard board = {.flags = O_NONBLOCK};
    struct fcgi_pool *pool = pool_that_dials(&board);
    struct fcgi_connection *connection = take(pool);
    int fd = fcgi_connection_fd(connection);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    fcgi_pool_discard(pool, connection);
    fcgi_pool_free(pool);
    close(board.far);
}

static void what_the_hosts_dial_function_returns_is_passed_on(void **state)
{
    (void)state;
    struct switchboard board = {.rc = FCGI_ERR_CONNECT};
    struct fcgi_connection *connection;
    struct fcgi_pool *pool = pool_that_dials(&board);
    assert_code(fcgi_pool_get(pool, &connection, NULL), FCGI_ERR_CONNECT);
    assert_int_equal(errno, EHOSTUNREACH);
    board.rc = FCGI_ERR_CANCELLED;
    assert_code(fcgi_pool_get(pool, &connection, NULL), FCGI_ERR_CANCELLED);
    assert_int_equal(stats_of_pool(pool).open, 0);
    assert_int_equal(stats_of_pool(pool).dials, 2);
    fcgi_pool_free(pool);
}

/* An errno, say. */
static void what_is_no_code_is_a_failed_connect(void **state)
{
    (void)state;
    static const int numbers[] = {1, EHOSTUNREACH, INT_MAX};
    struct switchboard board = {0};
    struct fcgi_client_config config = {
        .pool = {.dial = dial, .dial_context = &board}};
    struct fcgi_request request = get_request();
    struct fcgi_client *client;
    struct fcgi_connection *connection;
    assert_code(fcgi_client_new(&client, "/nowhere", &config), FCGI_OK);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        board.rc = numbers[i];
        assert_code(fcgi_pool_get(fcgi_client_pool(client), &connection, NULL),
                    FCGI_ERR_CONNECT);
        struct fcgi_outcome outcome =
            ask_expecting(client, &request, FCGI_ERR_CONNECT);
        assert_int_equal(outcome.system_error, EHOSTUNREACH);
        assert_int_equal(stats_of(client).open, 0);
    }
    fcgi_client_free(client);
}

/* Connect where the system needs no name, and leave the socket non-blocking. */
static int dial_app(void *context, int *fd)
{
    const struct fake *app = context;
    *fd = fake_connect(app);
    return fcntl(*fd, F_SETFL, O_NONBLOCK) == 0 ? FCGI_OK : FCGI_ERR_SYSTEM;
}

static void requests_go_over_what_the_host_has_dialled(void **state)
{
    (void)state;
    struct fake *app = fake_serve(FAKE_TCP);
    struct fcgi_client *client;
    struct fcgi_client_config config = {
        .pool = {.dial = dial_app, .dial_context = app}};
    assert_code(fcgi_client_new(&client, "/nowhere", &config), FCGI_OK);
    assert_false(ask_hello(client).reused);
    assert_true(ask_hello(client).reused);
    fake_restart(app);
    assert_true(ask_hello(client).retried);
    fcgi_client_free(client);
    fake_stop(app);
}

static void a_dial_function_that_stores_no_socket_has_failed(void **state)
{
    (void)state;
    struct fcgi_connection *connection;
    struct switchboard board = {.stores_nothing = true};
    struct fcgi_pool *pool = pool_that_dials(&board);
    assert_code(fcgi_pool_get(pool, &connection, NULL), FCGI_ERR_CONNECT);
    assert_null(connection);
    assert_int_equal(stats_of_pool(pool).open, 0);
    fcgi_pool_free(pool);
}

/* It frees no worker for the request that waits: the next connection that comes
 * back is closed for it all the same. */
static void
a_dial_that_fails_does_not_count_as_a_closing_that_is_owed(void **state)
{
    (void)state;
    struct switchboard board = {0};
    struct fcgi_connection *other;
    struct fcgi_pool *pool = pool_that_dials(&board);
    struct fcgi_connection *connection = take(pool);
    fcgi__pool_rescue(pool, true);
    board.rc = FCGI_ERR_CONNECT;
    assert_code(fcgi_pool_get(pool, &other, NULL), FCGI_ERR_CONNECT);
    fcgi_pool_put(pool, connection);
    assert_int_equal(stats_of_pool(pool).rescues, 1);
    assert_int_equal(stats_of_pool(pool).open, 0);
    fcgi__pool_end_rescue(pool);
    fcgi_pool_free(pool);
    close(board.far);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_host_may_dial),
        cmocka_unit_test(a_hosts_nonblocking_socket_is_made_blocking),
        cmocka_unit_test(what_the_hosts_dial_function_returns_is_passed_on),
        cmocka_unit_test(what_is_no_code_is_a_failed_connect),
        cmocka_unit_test(requests_go_over_what_the_host_has_dialled),
        cmocka_unit_test(a_dial_function_that_stores_no_socket_has_failed),
        cmocka_unit_test(
            a_dial_that_fails_does_not_count_as_a_closing_that_is_owed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
