/*
 * What a program executes inherits nothing of the library's, whatever is open
 * at that moment.
 */
#define _POSIX_C_SOURCE 200809L

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
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
    static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};
    for (size_t i = 0; i < 2; i++) {
        size_t before = inherited();
        struct fixture *f = fixture_serve(state, families[i], NULL);
        keep_idle(f->app, f->client, 3);
        struct fcgi_connection *leased = take(f->pool);
        assert_true(open_descriptors() > before);
        assert_int_equal(inherited(), before);
        fcgi_pool_put(f->pool, leased);
    }
}

/* The one a host dialled, too: its socket was not made to be closed. */
static int dial_carelessly(void *context, int *fd)
{
    struct fixture *f = context;
    *fd = fake_connect(f->app);
    return FCGI_OK;
}

static void nothing_that_the_host_dialled_is_inherited(void **state)
{
    struct fixture *f = *state;
    struct fcgi_client_config config = {
        .pool = {.dial = dial_carelessly, .dial_context = f}};
    fixture_serve(state, FAKE_UNIX, &config);
    size_t before = inherited();
    ask_hello(f->client);
    assert_int_equal(inherited(), before);
}

static void nothing_of_who_waits_is_inherited(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_open = 1}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    size_t before = inherited();
    struct fcgi_connection *only = take(f->pool);
    fixture_begin(f);
    assert_int_equal(stats_of(f->client).waiting, 1);
    assert_int_equal(inherited(), before);
    fcgi_pool_put(f->pool, only);
    assert_code(host_run(f->call), FCGI_OK);
}

static void nothing_that_connects_is_inherited(void **state)
{
    struct fixture *f = fixture_clogged(state, FAKE_TCP, NULL);
    size_t before = inherited();
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_int_equal(inherited(), before);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        fixture_test(nothing_idle_or_leased_is_inherited),
        fixture_test(nothing_that_the_host_dialled_is_inherited),
        fixture_test(nothing_of_who_waits_is_inherited),
        fixture_test(nothing_that_connects_is_inherited),
    };
    if (argc == 2 && strcmp(argv[1], COUNT) == 0) {
        return (int)open_descriptors();
    }
    own_path = argv[0];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
