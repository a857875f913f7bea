/*
 * The fixture of the other tests: what a test began is ended though an
 * assertion failed amid it, and a test that leaves something behind fails.
 *
 * The tests that fail are a group of their own, which this program runs when
 * it is started with an argument; it starts itself so, and reads what that
 * prints.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "host.h"
#include "output.h"
#include "process.h"
#include "watchdog.h"

static const char *this_program;

/* ---- the tests that fail ------------------------------------------------ */

/* What the test that fails has had. */
static char socket_path[200];
static size_t descriptors;
static size_t threads;
static bool ended;

static void note_end(void *what)
{
    bool *flag = what;
    *flag = true;
}

static void it_fails_amid_two_requests_of_which_one_has_a_thread(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                              FAKE_PAUSE};
    watchdog_watch("nothing"); /* so that its thread is counted */
    descriptors = open_descriptors();
    threads = running_threads();
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    const char *path = strchr(fake_address(f->app), '/');
    (void)strncpy(socket_path, path, sizeof(socket_path) - 1);
    fixture_defer(state, note_end, &ended);
    (void)fixture_ask(state, f->client, &f->request);
    fake_await(f->app, FAKE_PAUSED, 1);
    fixture_begin(f);
    host_run_until(f->call, f->app, FAKE_PAUSED, 2);
    assert_int_equal(access(socket_path, F_OK), 0);
    fail_msg("as it must");
}

static void nothing_of_it_is_left(void **state)
{
    (void)state;
    assert_true(ended);
    assert_int_equal(access(socket_path, F_OK), -1);
    assert_true(await_threads(threads));
    assert_int_equal(open_descriptors(), descriptors);
}

static void it_leaves_a_descriptor_open(void **state)
{
    (void)state;
    assert_true(dup(STDIN_FILENO) >= 0);
}

static void it_leaves_a_block_allocated(void **state)
{
    struct fixture *f = *state;
    struct fcgi_allocator allocator = counting_allocator(&f->memory);
    assert_non_null(allocator.allocate(allocator.context, 1));
}

static int run_failing_tests(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(it_fails_amid_two_requests_of_which_one_has_a_thread),
        cmocka_unit_test(nothing_of_it_is_left),
        fixture_test(it_leaves_a_descriptor_open),
        fixture_test(it_leaves_a_block_allocated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* ---- what becomes of them ----------------------------------------------- */

static int read_output(void **state)
{
    static const char *const arguments[] = {"failing", NULL};
    *state = output_of(this_program, arguments);
    return 0;
}

static int free_output(void **state)
{
    free(*state);
    return 0;
}

static void assert_says(void **state, const char *text)
{
    if (strstr(*state, text) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", text, (const char *)*state);
    }
}

static void what_a_failed_test_began_is_ended(void **state)
{
    assert_says(
        state,
        "[  FAILED  ] it_fails_amid_two_requests_of_which_one_has_a_thread");
    assert_says(state, "as it must");
    assert_says(state, "[       OK ] nothing_of_it_is_left");
}

static void a_descriptor_that_is_left_open_is_a_failure(void **state)
{
    assert_says(state, "[  ERROR   ] it_leaves_a_descriptor_open");
}

static void a_block_that_is_left_allocated_is_a_failure(void **state)
{
    assert_says(state, "[  ERROR   ] it_leaves_a_block_allocated");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_failed_test_began_is_ended),
        cmocka_unit_test(a_descriptor_that_is_left_open_is_a_failure),
        cmocka_unit_test(a_block_that_is_left_allocated_is_a_failure),
    };
    this_program = argv[0];
    if (argc > 1) {
        return run_failing_tests();
    }
    return cmocka_run_group_tests(tests, read_output, free_output);
}
