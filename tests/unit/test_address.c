/*
 * The forms an address may have, and what is none.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fixture.h"

/* An application that a test can connect to by whatever names it. */
static struct fixture *serve(void **state, enum fake_family family)
{
    struct fixture *f = *state;
    f->app = fake_serve(family);
    if (f->app == NULL) {
        skip();
    }
    return f;
}

/* A connection can be made to where the application listens. */
static void assert_reaches(struct fixture *f, const char *address)
{
    assert_code(fcgi_client_new(&f->client, address, NULL), FCGI_OK);
    ask_hello(f->client);
    assert_int_equal(fake_count(f->app, FAKE_ACCEPTED), 1);
}

static void unix_and_a_path_is_a_socket(void **state)
{
    struct fixture *f = serve(state, FAKE_UNIX);
    assert_int_equal(strncmp(fake_address(f->app), "unix:/", 6), 0);
    assert_reaches(f, fake_address(f->app));
}

static void a_bare_path_is_a_socket(void **state)
{
    struct fixture *f = serve(state, FAKE_UNIX);
    assert_reaches(f, fake_address(f->app) + strlen("unix:"));
}

static void an_at_sign_is_an_abstract_socket(void **state)
{
    struct fixture *f = serve(state, FAKE_ABSTRACT);
    assert_int_equal(strncmp(fake_address(f->app), "unix:@", 6), 0);
    assert_reaches(f, fake_address(f->app));
}

static void four_numbers_and_a_port_are_tcp(void **state)
{
    struct fixture *f = serve(state, FAKE_TCP);
    assert_reaches(f, fake_address(f->app));
}

static void brackets_and_a_port_are_tcp_over_ipv6(void **state)
{
    struct fixture *f = serve(state, FAKE_TCP6);
    assert_int_equal(strncmp(fake_address(f->app), "[::1]:", 6), 0);
    assert_reaches(f, fake_address(f->app));
}

/* Of the loopback interface, which has another name on other systems. */
static const char *zone(void)
{
    static char name[IF_NAMESIZE];
    return if_indextoname(1, name);
}

static void brackets_may_name_a_zone(void **state)
{
    char address[100];
    struct fixture *f = serve(state, FAKE_TCP6);
    if (zone() == NULL) {
        skip();
    }
    (void)snprintf(address, sizeof(address), "[::1%%%s]:%s", zone(),
                   fake_address(f->app) + strlen("[::1]:"));
    assert_reaches(f, address);
}

static int error_of_connecting(void **state, const char *address)
{
    struct fixture *f = *state;
    struct fcgi_client_config config = {.timeouts.connect_ms = 50};
    fixture_end(state);
    assert_code(fcgi_client_new(&f->client, address, &config), FCGI_OK);
    assert_true(fcgi_client_do(f->client, &f->request, &f->response) < 0);
    return f->response.outcome.system_error;
}

/* A system refuses to connect to an address that is local to a link unless it
 * is told to which. */
static void a_zone_tells_the_link_of_an_address(void **state)
{
    char address[100];
    if (zone() == NULL || error_of_connecting(state, "[fe80::1]:9") != EINVAL) {
        skip();
    }
    (void)snprintf(address, sizeof(address), "[fe80::1%%%s]:9", zone());
    assert_int_not_equal(error_of_connecting(state, address), EINVAL);
    assert_int_not_equal(error_of_connecting(state, "[fe80::1%1]:9"), EINVAL);
}

static bool resolves(const char *name)
{
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(name, NULL, NULL, &found);
    if (rc == 0) {
        freeaddrinfo(found);
    }
    return rc == 0;
}

static void a_name_and_a_port_are_resolved(void **state)
{
    char address[64];
    if (!resolves("localhost")) {
        skip();
    }
    struct fixture *f = serve(state, FAKE_TCP);
    snprintf(address, sizeof(address), "localhost%s",
             strchr(fake_address(f->app), ':'));
    assert_reaches(f, address);
}

static void the_address_is_copied(void **state)
{
    char address[200];
    struct fixture *f = serve(state, FAKE_UNIX);
    snprintf(address, sizeof(address), "%s", fake_address(f->app));
    assert_code(fcgi_client_new(&f->client, address, NULL), FCGI_OK);
    memset(address, 'x', sizeof(address));
    ask_hello(f->client);
}

/* ---- what is none ------------------------------------------------------ */

static void assert_refused(const char *address)
{
    struct fcgi_pool *pool = (struct fcgi_pool *)&pool;
    int rc = fcgi_pool_new(&pool, address, NULL);
    if (rc != FCGI_ERR_ADDRESS) {
        print_error("\"%s\" is taken for an address\n", address);
    }
    assert_code(rc, FCGI_ERR_ADDRESS);
    assert_null(pool);
}

static void an_empty_address_is_malformed(void **state)
{
    (void)state;
    assert_refused("");
    assert_refused("unix:");
    assert_refused("unix:@");
}

static void an_address_without_a_port_is_malformed(void **state)
{
    (void)state;
    assert_refused("127.0.0.1");
    assert_refused("localhost");
    assert_refused("localhost:");
    assert_refused("[::1]");
    assert_refused("[::1]:");
}

static void an_address_without_a_host_is_malformed(void **state)
{
    (void)state;
    assert_refused(":9000");
    assert_refused("[]:9000");
}

static void a_port_is_a_number_from_1_to_65535(void **state)
{
    struct fixture *f = *state;
    assert_code(fcgi_pool_new(&f->pool, "127.0.0.1:65535", NULL), FCGI_OK);
    assert_refused("127.0.0.1:0");
    assert_refused("127.0.0.1:65536");
    assert_refused("127.0.0.1:009000");
    assert_refused("127.0.0.1:4294967297");
    assert_refused("127.0.0.1:18446744073709551617");
    assert_refused("127.0.0.1:-1");
    assert_refused("127.0.0.1:+9");
    assert_refused("127.0.0.1: 9");
    assert_refused("127.0.0.1:9000x");
    assert_refused("127.0.0.1:0x50");
}

static void brackets_must_match(void **state)
{
    (void)state;
    assert_refused("[::1:9000");
    assert_refused("[::1]9000");
    assert_refused("[::1]x:9000");
}

static void brackets_hold_an_ipv6_address_and_no_name(void **state)
{
    (void)state;
    assert_refused("[localhost]:9000");
    assert_refused("[127.0.0.1]:9000");
    assert_refused("[::1::]:9000");
}

static void a_zone_is_an_interface_or_a_number(void **state)
{
    (void)state;
    struct fcgi_pool *pool;
    assert_code(fcgi_pool_new(&pool, "[fe80::1%4294967295]:9000", NULL),
                FCGI_OK);
    fcgi_pool_free(pool);
    assert_refused("[fe80::1%]:9000");
    assert_refused("[fe80::1%0]:9000");
    assert_refused("[fe80::1%nowhere]:9000");
    assert_refused("[fe80::1%4294967296]:9000");
    assert_refused("[fe80::1%12345678901]:9000");
    assert_refused("[%1]:9000");
    assert_refused("127.0.0.1%1:9000");
}

static void a_name_has_letters_digits_dots_and_dashes(void **state)
{
    (void)state;
    assert_refused("local host:9000");
    assert_refused("localhost/:9000");
    assert_refused("http://localhost:9000");
}

/* It would be too long for the path of a socket. */
static void a_name_may_begin_as_the_scheme_does(void **state)
{
    struct fixture *f = *state;
    char address[200];
    memset(address, 'x', sizeof(address));
    memcpy(address, "unix", 4);
    memcpy(address + sizeof(address) - 6, ":9000", 6);
    assert_code(fcgi_pool_new(&f->pool, address, NULL), FCGI_OK);
}

/* No name that is resolved has more than 255 letters. */
static void a_name_longer_than_any_is_refused(void **state)
{
    (void)state;
    char address[300];
    memset(address, 'x', sizeof(address));
    memcpy(address + sizeof(address) - 6, ":9000", 6);
    assert_refused(address);
}

/* sun_path holds about a hundred bytes, whatever the system. */
static void a_path_too_long_for_a_socket_is_refused(void **state)
{
    (void)state;
    char address[400] = "unix:/";
    memset(address + 6, 'x', sizeof(address) - 7);
    assert_refused(address);
    assert_refused(address + 5);
    address[5] = '@';
    assert_refused(address);
}

/* It needs its NUL within the address of a socket. */
static void a_path_has_room_for_its_nul(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un un;
    char address[5 + sizeof(un.sun_path) + 1] = "unix:/";
    memset(address + 6, 'x', sizeof(un.sun_path) - 1);
    assert_refused(address);
    address[5 + sizeof(un.sun_path) - 1] = '\0';
    assert_code(fcgi_pool_new(&f->pool, address, NULL), FCGI_OK);
}

/* The longest that fits is not cut: it is merely not there. */
static void the_longest_path_is_not_cut(void **state)
{
    struct fixture *f = *state;
    char address[5 + 108] = "unix:/tmp/";
    struct fcgi_connection *connection;
    memset(address + 10, 'x', 5 + 103 - 10);
    assert_code(fcgi_pool_new(&f->pool, address, NULL), FCGI_OK);
    assert_code(fcgi_pool_get(f->pool, &connection, NULL), FCGI_ERR_CONNECT);
}

static void no_address_is_a_wrong_argument(void **state)
{
    (void)state;
    struct fcgi_pool *pool = (struct fcgi_pool *)&pool;
    struct fcgi_client *client = (struct fcgi_client *)&client;
    assert_code(fcgi_pool_new(&pool, NULL, NULL), FCGI_ERR_ARGUMENT);
    assert_null(pool);
    assert_code(fcgi_client_new(&client, NULL, NULL), FCGI_ERR_ARGUMENT);
    assert_null(client);
    assert_code(fcgi_pool_new(NULL, "/socket", NULL), FCGI_ERR_ARGUMENT);
    assert_code(fcgi_client_new(NULL, "/socket", NULL), FCGI_ERR_ARGUMENT);
}

static void a_client_refuses_what_a_pool_refuses(void **state)
{
    (void)state;
    struct fcgi_client *client = (struct fcgi_client *)&client;
    assert_code(fcgi_client_new(&client, "127.0.0.1", NULL), FCGI_ERR_ADDRESS);
    assert_null(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(unix_and_a_path_is_a_socket),
        fixture_test(a_bare_path_is_a_socket),
        fixture_test(an_at_sign_is_an_abstract_socket),
        fixture_test(four_numbers_and_a_port_are_tcp),
        fixture_test(brackets_and_a_port_are_tcp_over_ipv6),
        fixture_test(brackets_may_name_a_zone),
        fixture_test(a_zone_tells_the_link_of_an_address),
        fixture_test(a_name_and_a_port_are_resolved),
        fixture_test(the_address_is_copied),
        fixture_test(an_empty_address_is_malformed),
        fixture_test(an_address_without_a_port_is_malformed),
        fixture_test(an_address_without_a_host_is_malformed),
        fixture_test(a_port_is_a_number_from_1_to_65535),
        fixture_test(brackets_must_match),
        fixture_test(brackets_hold_an_ipv6_address_and_no_name),
        fixture_test(a_zone_is_an_interface_or_a_number),
        fixture_test(a_name_has_letters_digits_dots_and_dashes),
        fixture_test(a_name_may_begin_as_the_scheme_does),
        fixture_test(a_name_longer_than_any_is_refused),
        fixture_test(a_path_too_long_for_a_socket_is_refused),
        fixture_test(a_path_has_room_for_its_nul),
        fixture_test(the_longest_path_is_not_cut),
        fixture_test(no_address_is_a_wrong_argument),
        fixture_test(a_client_refuses_what_a_pool_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
