/*
 * What begins no pollable call: a request that is none, nobody to ask, no place
 * to wait in, a client that is closed, and no call at all.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>

#include "fixture.h"
#include "host.h"

/* Nothing was begun, and the outcome tells why. */
static struct fcgi_outcome start_in_vain(struct fcgi_client *client,
                                         const struct fcgi_request *request,
                                         int want)
{
    struct fcgi_response response = {0};
    struct fcgi_call *call;
    assert_code(host_start(&call, client, request, &response), want);
    assert_code(response.outcome.error, want);
    assert_true(response.outcome.safe_to_repeat);
    assert_false(response.outcome.may_have_run);
    struct fcgi_outcome outcome = response.outcome;
    fcgi_response_free(&response);
    return outcome;
}

static void a_request_that_is_none_begins_no_call(void **state)
{
    static const char truncated[] = {5, 5, 'N'};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    f->request.role = 4;
    (void)start_in_vain(f->client, &f->request, FCGI_ERR_ARGUMENT);
    f->request = get_request();
    f->request.timeouts.idle_ms = -2;
    (void)start_in_vain(f->client, &f->request, FCGI_ERR_ARGUMENT);
    f->request = get_request();
    f->request.limits.body_len = -2;
    (void)start_in_vain(f->client, &f->request, FCGI_ERR_ARGUMENT);
    f->request = get_request();
    f->request.retry = 9;
    (void)start_in_vain(f->client, &f->request, FCGI_ERR_ARGUMENT);
    f->request = get_request();
    f->request.encoded_params =
        (struct fcgi_slice){truncated, sizeof(truncated)};
    (void)start_in_vain(f->client, &f->request, FCGI_ERR_PARAMS_TRUNCATED);
    assert_int_equal(stats_of(f->client).open, 0);
    ask_hello(f->client);
}

/* A pooled connection is not spoilt by it. */
static void a_request_that_is_none_costs_no_connection(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    ask_hello(f->client);
    f->request.role = 4;
    (void)start_in_vain(f->client, &f->request, FCGI_ERR_ARGUMENT);
    assert_int_equal(stats_of(f->client).idle, 1);
    assert_true(ask_hello(f->client).reused);
}

static void an_absent_socket_is_told_at_the_start(void **state)
{
    struct fixture *f = *state;
    const char *path = fixture_path(state, "absent");
    assert_code(fcgi_client_new(&f->client, path, NULL), FCGI_OK);
    struct fcgi_outcome outcome =
        start_in_vain(f->client, &f->request, FCGI_ERR_CONNECT);
    assert_int_equal(outcome.system_error, ENOENT);
    assert_int_equal(outcome.phase, FCGI_PHASE_CONNECT);
    assert_int_equal(stats_of(f->client).open, 0);
}

static void a_full_queue_is_told_at_the_start(void **state)
{
    struct fcgi_client_config config = {
        .pool = {.max_open = 1, .max_waiting = 1}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    struct fcgi_connection *connection = take(f->pool);
    fixture_begin(f);
    (void)start_in_vain(f->client, &f->request, FCGI_ERR_QUEUE_FULL);
    fcgi_pool_put(f->pool, connection);
    assert_code(host_run(f->call), FCGI_OK);
}

/* Those under way go on to their end. */
static void a_closed_client_begins_no_call(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    f->request = post_text("under way");
    fixture_begin(f);
    fcgi_client_close(f->client);
    (void)start_in_vain(f->client, &f->request, FCGI_ERR_POOL_CLOSED);
    assert_code(host_run(f->call), FCGI_OK);
    assert_string_equal(f->response.body.data, "under way");
    fixture_free_call(f);
    assert_int_equal(stats_of(f->client).open, 0);
}

static void nothing_is_asked_of_no_call(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_call *call;
    assert_code(fcgi_call_start(NULL, f->client, &f->request, &f->response),
                FCGI_ERR_ARGUMENT);
    assert_code(host_start(&call, NULL, &f->request, &f->response),
                FCGI_ERR_ARGUMENT);
    assert_code(host_start(&call, f->client, NULL, &f->response),
                FCGI_ERR_ARGUMENT);
    assert_code(host_start(&call, f->client, &f->request, NULL),
                FCGI_ERR_ARGUMENT);
    assert_code(fcgi_call_advance(NULL), FCGI_ERR_ARGUMENT);
    assert_code(fcgi_call_resume(NULL), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_call_fd(NULL), -1);
    assert_int_equal(fcgi_call_events(NULL), 0);
    assert_int_equal(fcgi_call_timeout_ms(NULL), -1);
    fcgi_call_cancel(NULL);
    fcgi_call_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_request_that_is_none_begins_no_call),
        fixture_test(a_request_that_is_none_costs_no_connection),
        fixture_test(an_absent_socket_is_told_at_the_start),
        fixture_test(a_full_queue_is_told_at_the_start),
        fixture_test(a_closed_client_begins_no_call),
        fixture_test(nothing_is_asked_of_no_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
