/*
 * Params that are larger than anybody sends: they are copied before anything is
 * sent, which takes time and memory.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdlib.h>
#include <string.h>

#include "fixture.h"

/* So much is not copied in a millisecond. */
#define HUGE_LEN ((size_t)64 * 1024 * 1024)

#define LARGE_LEN ((size_t)1024 * 1024)

/* GET with one more variable, of that many bytes. */
struct large {
    char *value;
    struct fcgi_param params[2];
    struct fcgi_request request;
};

static void large_open(struct large *large, size_t len)
{
    large->value = malloc(len);
    assert_non_null(large->value);
    memset(large->value, 'x', len);
    large->params[0] =
        (struct fcgi_param){"REQUEST_METHOD", "GET", FCGI_STRLEN, FCGI_STRLEN};
    large->params[1] =
        (struct fcgi_param){"LARGE", large->value, FCGI_STRLEN, len};
    large->request =
        (struct fcgi_request){.params = large->params, .param_count = 2};
}

static void the_whole_limit_ends_the_copying(void **state)
{
    struct fixture *f = *state;
    struct fcgi_client_config config = {
        .timeouts.total_ms = 1,
        .pool = {.allocator = counting_allocator(&f->memory)}};
    fixture_serve(state, FAKE_UNIX, &config);
    struct large large;

    large_open(&large, HUGE_LEN);
    struct fcgi_outcome outcome =
        ask_expecting(f->client, &large.request, FCGI_ERR_DEADLINE);
    assert_true(outcome.safe_to_repeat);
    assert_true(f->memory.peak < HUGE_LEN);
    assert_int_equal(stats_of(f->client).timeouts, 1);
    assert_int_equal(fake_count(f->app, FAKE_ACCEPTED), 0);
    free(large.value);
}

static void their_memory_is_not_kept(void **state)
{
    struct fixture *f = *state;
    struct fcgi_client_config config = {
        .pool = {.allocator = counting_allocator(&f->memory)}};
    fixture_serve(state, FAKE_UNIX, &config);
    struct large large;

    large_open(&large, LARGE_LEN);
    ask_expecting_body(f->client, &large.request, "hello");
    assert_true(f->memory.peak > LARGE_LEN);
    assert_true(f->memory.bytes < LARGE_LEN);
    ask_expecting_body(f->client, &large.request, "hello");
    free(large.value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(the_whole_limit_ends_the_copying),
        fixture_test(their_memory_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
