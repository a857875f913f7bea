/*
 * What fcgi_pool_get() hands out: a socket in blocking mode without a receive
 * timeout, whatever a client has done with it before; and errno as it was.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "fixture.h"

static struct timeval receive_timeout_of(int fd)
{
    struct timeval timeout = {-1, -1};
    socklen_t len = sizeof(timeout);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, &len),
                     0);
    return timeout;
}

static void assert_blocks_without_limit(int fd)
{
    struct timeval timeout = receive_timeout_of(fd);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(timeout.tv_sec, 0);
    assert_int_equal(timeout.tv_usec, 0);
}

static void a_new_connection_blocks_without_limit(void **state)
{
    struct fixture *f = fixture_pool(state, FAKE_UNIX, NULL);
    struct fcgi_connection *connection = take(f->pool);
    assert_blocks_without_limit(fcgi_connection_fd(connection));
    fcgi_pool_discard(f->pool, connection);
}

/* The second request reuses the connection, and has a receive timeout set. */
static void
a_connection_that_a_client_has_used_blocks_without_limit(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_pool *pool = fcgi_client_pool(f->client);
    (void)ask_hello(f->client);
    (void)ask_hello(f->client);
    struct fcgi_connection *connection = take(pool);
    assert_blocks_without_limit(fcgi_connection_fd(connection));
    fcgi_pool_put(pool, connection);
    (void)ask_hello(f->client);
}

static void success_leaves_errno_alone(void **state)
{
    struct fixture *f = fixture_pool(state, FAKE_UNIX, NULL);
    errno = EDOM;
    struct fcgi_connection *connection = take(f->pool);
    assert_int_equal(errno, EDOM);
    fcgi_pool_discard(f->pool, connection);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_new_connection_blocks_without_limit),
        fixture_test(a_connection_that_a_client_has_used_blocks_without_limit),
        fixture_test(success_leaves_errno_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
