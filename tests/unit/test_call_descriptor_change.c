/*
 * A pollable call whose descriptor changes: after a retry, or with the next
 * address of a name. The one that the host was told stays open until another
 * was told and the call advanced once more, or the call is freed.
 */
#define _POSIX_C_SOURCE 200809L

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fixture.h"
#include "host.h"
#include "peer.h"
#include "process.h"

static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};

/* A call on a pooled connection that the application has ended in some way. */
static struct fixture *begin_after(void **state,
                                   void (*end)(struct peer *peer, size_t nth))
{
    struct fixture *f = fixture_peer(state, NULL);
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    peer_answer(&f->peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_run(f->call), FCGI_OK);
    fixture_free_call(f);
    end(&f->peer, 0);
    fixture_begin(f);
    return f;
}

static void the_old_descriptor_stays_until_another_was_told(void **state)
{
    struct fixture *f = begin_after(state, peer_close);
    struct host_watch old = host_watch(f->call);
    for (int i = 0; i < 3; i++) {
        assert_code(fcgi_call_advance(f->call), FCGI_WAIT);
        assert_true(host_watch_holds(&old));
    }
    assert_int_equal(stats_of(f->client).retries, 1);
    struct host_watch next = host_watch(f->call);
    assert_true(next.fd >= 0 && next.fd != old.fd);
    assert_true(host_watch_holds(&old));
    assert_code(fcgi_call_advance(f->call), FCGI_WAIT);
    assert_false(host_watch_holds(&old));
    assert_true(host_watch_holds(&next));
    peer_answer(&f->peer, 1, 1, "A: 1\r\n\r\n");
    assert_code(host_run(f->call), FCGI_OK);
}

/* A child of PHP-FPM that has had its requests sends no more, and reads until
 * the client is gone. It must not wait for the host to advance the call, which
 * may itself wait for that child to make room for another. */
static void the_old_connection_ends_though_its_descriptor_stays(void **state)
{
    struct wire received = {0};
    struct fixture *f = begin_after(state, peer_half_close);
    struct host_watch old = host_watch(f->call);
    assert_code(fcgi_call_advance(f->call), FCGI_WAIT);
    assert_int_equal(stats_of(f->client).retries, 1);
    assert_true(host_watch_holds(&old));
    assert_false(peer_receive(&f->peer, 0, &received));
    wire_free(&received);
}

/* What was never told need not stay. */
static void a_descriptor_nobody_was_told_is_closed_at_once(void **state)
{
    struct fixture *f = begin_after(state, peer_close);
    size_t before = open_descriptors();
    assert_code(fcgi_call_advance(f->call), FCGI_WAIT);
    assert_int_equal(stats_of(f->client).retries, 1);
    /* The new one has two ends. */
    assert_int_equal(open_descriptors(), before + 1);
}

/* Cancelled, or ended, before the host has asked again. */
static void the_old_descriptor_stays_until_the_call_is_freed(void **state)
{
    for (int i = 0; i < 3; i++) {
        struct fixture *f = begin_after(state, peer_close);
        struct host_watch old = host_watch(f->call);
        assert_code(fcgi_call_advance(f->call), FCGI_WAIT);
        if (i == 0) {
            host_cancel(f->call);
        } else if (i == 1) {
            peer_answer(&f->peer, 1, 1, "A: 1\r\n\r\n");
            assert_code(fcgi_call_advance(f->call), FCGI_OK);
        }
        assert_true(host_watch_holds(&old));
        fixture_free_call(f);
        assert_false(host_watch_holds(&old));
    }
}

/* As in a program that has closed its standard input. */
static void the_old_descriptor_may_be_the_lowest(void **state)
{
    fixture_close_input(state);
    struct fixture *f = begin_after(state, peer_close);
    struct host_watch old = host_watch(f->call);
    assert_int_equal(old.fd, 0);
    assert_code(fcgi_call_advance(f->call), FCGI_WAIT);
    assert_true(host_watch_holds(&old));
    fixture_free_call(f);
    assert_false(host_watch_holds(&old));
}

/* The same with sockets that connect, where the second is one that has not
 * done so yet (TCP). */
static void a_retry_keeps_the_old_descriptor_over_sockets_too(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT,
                                              FAKE_SERVE_TIMES(1),
                                              FAKE_CLOSE,
                                              FAKE_ACCEPT,
                                              FAKE_READ_REQUEST,
                                              FAKE_PAUSE,
                                              FAKE_ANSWER("A: 1\r\n\r\n")};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_run(state, families[i], script, NULL);
        ask_hello(f->client);
        fake_await(f->app, FAKE_CLOSED, 1);
        fixture_begin(f);
        struct host_watch old = host_watch(f->call);
        while (fcgi_call_fd(f->call) == old.fd) {
            assert_code(host_wait(f->call), FCGI_WAIT);
        }
        assert_true(host_watch_holds(&old));
        assert_code(host_advance(f->call), FCGI_WAIT);
        assert_false(host_watch_holds(&old));
        fake_go(f->app);
        assert_code(host_run(f->call), FCGI_OK);
        assert_true(f->response.outcome.retried);
    }
}

/* Two addresses of one name: nobody listens at the first. This stands in place
 * of the system's resolver in this program. */
static struct sockaddr_in addresses[2];
static struct addrinfo resolved[2];

int getaddrinfo(const char *name, const char *service,
                const struct addrinfo *hints, struct addrinfo **found)
{
    (void)name;
    (void)service;
    (void)hints;
    for (size_t i = 0; i < 2; i++) {
        resolved[i].ai_family = AF_INET;
        resolved[i].ai_socktype = SOCK_STREAM;
        resolved[i].ai_addr = (struct sockaddr *)&addresses[i];
        resolved[i].ai_addrlen = sizeof(addresses[i]);
    }
    resolved[0].ai_next = &resolved[1];
    *found = &resolved[0];
    return 0;
}

void freeaddrinfo(struct addrinfo *found)
{
    (void)found;
}

static void set_address(struct sockaddr_in *address, const struct fake *app)
{
    const char *port = strrchr(fake_address(app), ':') + 1;
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address->sin_port = htons((uint16_t)strtol(port, NULL, 10));
}

/* A call to a name whose second address is that of an application. */
static struct fixture *begin_at_two(void **state,
                                    struct fake *(*start)(enum fake_family))
{
    struct fixture *f = *state;
    struct fake *gone = fake_serve(FAKE_TCP);
    f->app = start(FAKE_TCP);
    set_address(&addresses[0], gone);
    set_address(&addresses[1], f->app);
    fake_stop(gone);
    assert_code(fcgi_client_new(&f->client, "two.example:80", NULL), FCGI_OK);
    fixture_begin(f);
    return f;
}

/* The socket of the first was told while it was connecting. */
static void the_next_address_has_another_descriptor(void **state)
{
    struct fixture *f = begin_at_two(state, fake_serve);
    struct host_watch first = host_watch(f->call);
    assert_true(first.fd >= 0);
    assert_code(host_wait(f->call), FCGI_WAIT);
    assert_true(fcgi_call_fd(f->call) != first.fd);
    assert_true(host_watch_holds(&first));
    (void)host_advance(f->call);
    assert_false(host_watch_holds(&first));
    assert_code(host_run(f->call), FCGI_OK);
    assert_int_equal(stats_of(f->client).dials, 1);
}

/* Two of them were told, and the call has not been advanced since: neither is
 * forgotten. */
static void a_cancelled_dial_leaves_no_descriptor_behind(void **state)
{
    struct fixture *f = begin_at_two(state, fake_clogged);
    struct host_watch first = host_watch(f->call);
    assert_true(first.fd >= 0);
    assert_code(host_wait(f->call), FCGI_WAIT);
    assert_true(fcgi_call_fd(f->call) != first.fd);
    host_cancel(f->call);
}

/* Though its descriptor stays until the call is freed: the application is not
 * kept waiting for a request that never comes. */
static void a_cancelled_dial_ends_its_connection(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT};
    struct fixture *f = fixture_run(state, FAKE_TCP, script, NULL);
    fixture_begin(f);
    struct host_watch watch = host_watch(f->call);
    assert_true(watch.fd >= 0);
    fake_await(f->app, FAKE_ACCEPTED, 1);
    host_cancel(f->call);
    assert_int_equal(stats_of(f->client).open, 0);
    fake_await(f->app, FAKE_LEFT, 1);
    assert_true(host_watch_holds(&watch));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(the_old_descriptor_stays_until_another_was_told),
        fixture_test(the_old_connection_ends_though_its_descriptor_stays),
        fixture_test(a_descriptor_nobody_was_told_is_closed_at_once),
        fixture_test(the_old_descriptor_stays_until_the_call_is_freed),
        fixture_test(the_old_descriptor_may_be_the_lowest),
        fixture_test(a_retry_keeps_the_old_descriptor_over_sockets_too),
        fixture_test(the_next_address_has_another_descriptor),
        fixture_test(a_cancelled_dial_leaves_no_descriptor_behind),
        fixture_test(a_cancelled_dial_ends_its_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
