/*
 * What a program executes inherits nothing of the library's, whatever is open
 * at that moment.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcgi_client.h>

#include "ask.h"
#include "fake.h"
#include "host.h"
#include "process.h"

/* This program, told to, exits with how many descriptors it has. */
#define COUNT "count-descriptors"

static const char *own_path;

/* How many descriptors a program has that is executed now. */
static size_t inherited(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)execl(own_path, own_path, COUNT, (char *)NULL);
        _exit(255);
    }
    int status = await_exit(pid);
    assert_true(WIFEXITED(status));
    assert_int_not_equal(WEXITSTATUS(status), 255);
    return (size_t)WEXITSTATUS(status);
}

static void nothing_idle_or_leased_is_inherited(void **state)
{
    (void)state;
    static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};
    for (size_t i = 0; i < 2; i++) {
        struct fake *app = fake_serve(families[i]);
        size_t before = inherited();
        struct fcgi_client *client = client_for(app, NULL);
        keep_idle(app, client, 3);
        struct fcgi_connection *leased = take(fcgi_client_pool(client));
        assert_true(open_descriptors() > before);
        assert_int_equal(inherited(), before);
        fcgi_pool_put(fcgi_client_pool(client), leased);
        fcgi_client_free(client);
        fake_stop(app);
    }
}

/* The one a host dialled, too: its socket was not made to be closed. */
static int dial_carelessly(void *context, int *fd)
{
    *fd = fake_connect(context);
    return FCGI_OK;
}

static void nothing_that_the_host_dialled_is_inherited(void **state)
{
    (void)state;
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_pool_config config = {.dial = dial_carelessly,
                                      .dial_context = app};
    struct fcgi_client *client = client_with_pool(app, &config);
    size_t before = inherited();
    ask_hello(client);
    assert_int_equal(inherited(), before);
    fcgi_client_free(client);
    fake_stop(app);
}

static void nothing_of_who_waits_is_inherited(void **state)
{
    (void)state;
    struct fcgi_pool_config config = {.max_open = 1};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_with_pool(app, &config);
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    size_t before = inherited();
    struct fcgi_connection *only = take(fcgi_client_pool(client));
    struct fcgi_call *call = host_begin(client, &request, &response);
    assert_int_equal(stats_of(client).waiting, 1);
    assert_int_equal(inherited(), before);
    fcgi_pool_put(fcgi_client_pool(client), only);
    assert_code(host_run(call), FCGI_OK);
    host_free(call);
    fcgi_response_free(&response);
    fcgi_client_free(client);
    fake_stop(app);
}

static void nothing_that_connects_is_inherited(void **state)
{
    (void)state;
    struct fake *app = fake_clogged(FAKE_TCP);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    size_t before = inherited();
    struct fcgi_call *call = host_begin(client, &request, &response);
    assert_code(host_settle(call), FCGI_WAIT);
    assert_int_equal(inherited(), before);
    host_free(call);
    fcgi_response_free(&response);
    fcgi_client_free(client);
    fake_stop(app);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_idle_or_leased_is_inherited),
        cmocka_unit_test(nothing_that_the_host_dialled_is_inherited),
        cmocka_unit_test(nothing_of_who_waits_is_inherited),
        cmocka_unit_test(nothing_that_connects_is_inherited),
    };
    if (argc == 2 && strcmp(argv[1], COUNT) == 0) {
        return (int)open_descriptors();
    }
    own_path = argv[0];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
