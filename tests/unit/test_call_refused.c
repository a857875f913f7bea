/*
 * What begins no pollable call: a request that is none, nobody to ask, no place
 * to wait in, a client that is closed, and no call at all.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include <fcgi_client.h>

#include "ask.h"
#include "fake.h"
#include "host.h"
#include "temp.h"

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
    (void)state;
    static const char truncated[] = {5, 5, 'N'};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = get_request();
    request.role = 4;
    (void)start_in_vain(client, &request, FCGI_ERR_ARGUMENT);
    request = get_request();
    request.timeouts.idle_ms = -2;
    (void)start_in_vain(client, &request, FCGI_ERR_ARGUMENT);
    request = get_request();
    request.limits.body_len = -2;
    (void)start_in_vain(client, &request, FCGI_ERR_ARGUMENT);
    request = get_request();
    request.retry = 9;
    (void)start_in_vain(client, &request, FCGI_ERR_ARGUMENT);
    request = get_request();
    request.encoded_params = (struct fcgi_slice){truncated, sizeof(truncated)};
    (void)start_in_vain(client, &request, FCGI_ERR_PARAMS_TRUNCATED);
    assert_int_equal(stats_of(client).open, 0);
    ask_hello(client);
    fcgi_client_free(client);
    fake_stop(app);
}

/* A pooled connection is not spoilt by it. */
static void a_request_that_is_none_costs_no_connection(void **state)
{
    (void)state;
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = get_request();
    ask_hello(client);
    request.role = 4;
    (void)start_in_vain(client, &request, FCGI_ERR_ARGUMENT);
    assert_int_equal(stats_of(client).idle, 1);
    assert_true(ask_hello(client).reused);
    fcgi_client_free(client);
    fake_stop(app);
}

static void an_absent_socket_is_told_at_the_start(void **state)
{
    (void)state;
    struct fcgi_client *client;
    struct temp *temp = temp_new();
    char *path = temp_path(temp, "absent");
    struct fcgi_request request = get_request();
    assert_code(fcgi_client_new(&client, path, NULL), FCGI_OK);
    struct fcgi_outcome outcome =
        start_in_vain(client, &request, FCGI_ERR_CONNECT);
    assert_int_equal(outcome.system_error, ENOENT);
    assert_int_equal(outcome.phase, FCGI_PHASE_CONNECT);
    assert_int_equal(stats_of(client).open, 0);
    fcgi_client_free(client);
    free(path);
    temp_free(temp);
}

static void a_full_queue_is_told_at_the_start(void **state)
{
    (void)state;
    struct fcgi_pool_config config = {.max_open = 1, .max_waiting = 1};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_with_pool(app, &config);
    struct fcgi_connection *connection = take(fcgi_client_pool(client));
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    struct fcgi_call *call = host_begin(client, &request, &response);
    (void)start_in_vain(client, &request, FCGI_ERR_QUEUE_FULL);
    fcgi_pool_put(fcgi_client_pool(client), connection);
    assert_code(host_run(call), FCGI_OK);
    host_free(call);
    fcgi_response_free(&response);
    fcgi_client_free(client);
    fake_stop(app);
}

/* Those under way go on to their end. */
static void a_closed_client_begins_no_call(void **state)
{
    (void)state;
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = post_text("under way");
    struct fcgi_response response = {0};
    struct fcgi_call *call = host_begin(client, &request, &response);
    fcgi_client_close(client);
    (void)start_in_vain(client, &request, FCGI_ERR_POOL_CLOSED);
    assert_code(host_run(call), FCGI_OK);
    assert_string_equal(response.body.data, "under way");
    host_free(call);
    assert_int_equal(stats_of(client).open, 0);
    fcgi_response_free(&response);
    fcgi_client_free(client);
    fake_stop(app);
}

static void nothing_is_asked_of_no_call(void **state)
{
    (void)state;
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    struct fcgi_call *call;
    assert_code(fcgi_call_start(NULL, client, &request, &response),
                FCGI_ERR_ARGUMENT);
    assert_code(host_start(&call, NULL, &request, &response),
                FCGI_ERR_ARGUMENT);
    assert_code(host_start(&call, client, NULL, &response), FCGI_ERR_ARGUMENT);
    assert_code(host_start(&call, client, &request, NULL), FCGI_ERR_ARGUMENT);
    assert_code(fcgi_call_advance(NULL), FCGI_ERR_ARGUMENT);
    assert_code(fcgi_call_resume(NULL), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_call_fd(NULL), -1);
    assert_int_equal(fcgi_call_events(NULL), 0);
    assert_int_equal(fcgi_call_timeout_ms(NULL), -1);
    fcgi_call_cancel(NULL);
    fcgi_call_free(NULL);
    fcgi_client_free(client);
    fake_stop(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_that_is_none_begins_no_call),
        cmocka_unit_test(a_request_that_is_none_costs_no_connection),
        cmocka_unit_test(an_absent_socket_is_told_at_the_start),
        cmocka_unit_test(a_full_queue_is_told_at_the_start),
        cmocka_unit_test(a_closed_client_begins_no_call),
        cmocka_unit_test(nothing_is_asked_of_no_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
