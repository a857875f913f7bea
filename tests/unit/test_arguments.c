/*
 * What a caller may get wrong: a code for it, and nothing else happens.
 */
#define _POSIX_C_SOURCE 200809L

#include "fixture.h"

/* The request is refused before anything is dialled, and the client is as good
 * as before. */
static void assert_refused(void **state, const struct fcgi_request *request,
                           int want)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_outcome outcome = ask_expecting(f->client, request, want);
    assert_int_equal(outcome.phase, FCGI_PHASE_START);
    assert_int_equal(outcome.bytes_sent, 0);
    assert_false(outcome.may_have_run);
    assert_true(outcome.safe_to_repeat);
    assert_int_equal(stats_of(f->client).dials, 0);
    assert_int_equal(stats_of(f->client).open, 0);
    ask_hello(f->client);
}

static void null_is_refused(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    assert_code(fcgi_client_do(NULL, &f->request, &f->response),
                FCGI_ERR_ARGUMENT);
    assert_code(fcgi_client_do(f->client, NULL, &f->response),
                FCGI_ERR_ARGUMENT);
    assert_code(fcgi_client_do(f->client, &f->request, NULL),
                FCGI_ERR_ARGUMENT);
    assert_int_equal(stats_of(f->client).dials, 0);
    assert_string_equal(f->response.body.data, "");
}

static void what_was_answered_before_is_no_answer_to_null(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_call *call;
    for (int i = 0; i < 2; i++) {
        assert_code(fcgi_client_do(f->client, &f->request, &f->response),
                    FCGI_OK);
        assert_code(i == 0
                        ? fcgi_client_do(f->client, NULL, &f->response)
                        : fcgi_call_start(&call, f->client, NULL, &f->response),
                    FCGI_ERR_ARGUMENT);
        assert_code(f->response.outcome.error, FCGI_ERR_ARGUMENT);
        assert_true(f->response.outcome.safe_to_repeat);
        assert_int_equal(f->response.status, 0);
        assert_int_equal(f->response.body.len, 0);
    }
}

static void params_that_are_not_there_are_refused(void **state)
{
    struct fcgi_request request = {.params = NULL, .param_count = 1};
    assert_refused(state, &request, FCGI_ERR_ARGUMENT);
}

static void a_param_without_a_name_or_value_is_refused(void **state)
{
    struct fcgi_param nameless = {NULL, "value", 4, 5};
    struct fcgi_param valueless = {"NAME", NULL, 4, 5};
    struct fcgi_request request = {.params = &nameless, .param_count = 1};
    assert_refused(state, &request, FCGI_ERR_ARGUMENT);
    request.params = &valueless;
    assert_refused(state, &request, FCGI_ERR_ARGUMENT);
}

static void encoded_params_that_end_amid_a_pair_are_refused(void **state)
{
    struct fcgi_request request = get_request();
    request.encoded_params = (struct fcgi_slice){"\x04\x05NAMEval", 9};
    assert_refused(state, &request, FCGI_ERR_PARAMS_TRUNCATED);
}

static void encoded_params_that_are_not_there_are_refused(void **state)
{
    struct fcgi_request request = get_request();
    request.encoded_params = (struct fcgi_slice){NULL, 9};
    assert_refused(state, &request, FCGI_ERR_ARGUMENT);
}

static void an_unknown_role_is_refused(void **state)
{
    struct fcgi_request request = get_request();
    request.role = (enum fcgi_role)4;
    assert_refused(state, &request, FCGI_ERR_ARGUMENT);
}

static void a_body_for_an_authorizer_is_refused(void **state)
{
    struct fcgi_request request = post_text("body");
    request.role = FCGI_ROLE_AUTHORIZER;
    assert_refused(state, &request, FCGI_ERR_ARGUMENT);
}

static void data_for_anyone_but_a_filter_is_refused(void **state)
{
    struct fcgi_request request = post_text("body");
    request.data = (struct fcgi_source){.data = "data", .len = 4};
    assert_refused(state, &request, FCGI_ERR_ARGUMENT);
    request = get_request();
    request.role = FCGI_ROLE_AUTHORIZER;
    request.data = (struct fcgi_source){.data = "data", .len = 4};
    assert_refused(state, &request, FCGI_ERR_ARGUMENT);
}

static void a_body_that_is_not_there_is_refused(void **state)
{
    struct fcgi_source nothing = {.data = NULL, .len = 4};
    struct fcgi_request request = post_request(nothing);
    assert_refused(state, &request, FCGI_ERR_ARGUMENT);
    request = get_request();
    request.role = FCGI_ROLE_FILTER;
    request.data = nothing;
    assert_refused(state, &request, FCGI_ERR_ARGUMENT);
}

static void time_limits_below_minus_one_are_refused(void **state)
{
    struct fcgi_timeouts bad[] = {
        {.connect_ms = -2}, {.write_ms = -2}, {.first_byte_ms = -2},
        {.idle_ms = -2},    {.total_ms = -2}, {.queue_ms = -2},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fcgi_client *client;
        struct fcgi_client_config config = {.timeouts = bad[i]};
        struct fcgi_request request = get_request();
        assert_code(fcgi_client_new(&client, "/socket", &config),
                    FCGI_ERR_ARGUMENT);
        assert_null(client);
        request.timeouts = bad[i];
        assert_refused(state, &request, FCGI_ERR_ARGUMENT);
    }
}

static void limits_below_minus_one_are_refused(void **state)
{
    struct fcgi_limits bad[] = {
        {.line_len = -2}, {.head_len = -2},   {.field_count = -2},
        {.body_len = -2}, {.stderr_len = -2},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fcgi_client *client;
        struct fcgi_client_config config = {.limits = bad[i]};
        struct fcgi_request request = get_request();
        assert_code(fcgi_client_new(&client, "/socket", &config),
                    FCGI_ERR_ARGUMENT);
        assert_null(client);
        request.limits = bad[i];
        assert_refused(state, &request, FCGI_ERR_ARGUMENT);
    }
}

static void an_unknown_retry_policy_is_refused(void **state)
{
    struct fcgi_client *client;
    struct fcgi_client_config config = {.retry = (enum fcgi_retry)4};
    struct fcgi_request request = get_request();
    assert_code(fcgi_client_new(&client, "/socket", &config),
                FCGI_ERR_ARGUMENT);
    assert_null(client);
    config.retry = (enum fcgi_retry) - 1;
    assert_code(fcgi_client_new(&client, "/socket", &config),
                FCGI_ERR_ARGUMENT);
    assert_null(client);
    request.retry = (enum fcgi_retry)4;
    assert_refused(state, &request, FCGI_ERR_ARGUMENT);
    request.retry = (enum fcgi_retry) - 1;
    assert_refused(state, &request, FCGI_ERR_ARGUMENT);
}

static void assert_no_allocator(struct fcgi_allocator allocator)
{
    struct fcgi_client *client = (struct fcgi_client *)&client;
    struct fcgi_pool *pool = (struct fcgi_pool *)&pool;
    struct fcgi_exchange *x = (struct fcgi_exchange *)&x;
    struct fcgi_client_config config = {.pool.allocator = allocator};
    assert_code(fcgi_client_new(&client, "/socket", &config),
                FCGI_ERR_ARGUMENT);
    assert_null(client);
    assert_code(fcgi_pool_new(&pool, "/socket", &config.pool),
                FCGI_ERR_ARGUMENT);
    assert_null(pool);
    assert_code(fcgi_exchange_new(&x, &allocator), FCGI_ERR_ARGUMENT);
    assert_null(x);
}

static void an_allocator_that_lacks_a_function_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct fcgi_allocator whole = counting_allocator(&f->memory);
    struct fcgi_allocator lacking[] = {whole, whole, whole};
    lacking[0].allocate = NULL;
    lacking[1].resize = NULL;
    lacking[2].release = NULL;
    for (size_t i = 0; i < 3; i++) {
        assert_no_allocator(lacking[i]);
    }
    assert_int_equal(f->memory.calls, 0);
}

/* The response of an earlier answer must not be taken for this one's. */
static void a_refused_request_empties_the_response(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    assert_code(fcgi_client_do(f->client, &f->request, &f->response), FCGI_OK);
    f->request.role = (enum fcgi_role)4;
    assert_code(fcgi_client_do(f->client, &f->request, &f->response),
                FCGI_ERR_ARGUMENT);
    assert_int_equal(f->response.status, 0);
    assert_int_equal(f->response.body.len, 0);
    assert_int_equal(f->response.field_count, 0);
    assert_int_equal(f->response.protocol_status, -1);
    assert_int_equal(f->response.outcome.error, FCGI_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(null_is_refused),
        fixture_test(what_was_answered_before_is_no_answer_to_null),
        fixture_test(params_that_are_not_there_are_refused),
        fixture_test(a_param_without_a_name_or_value_is_refused),
        fixture_test(encoded_params_that_end_amid_a_pair_are_refused),
        fixture_test(encoded_params_that_are_not_there_are_refused),
        fixture_test(an_unknown_role_is_refused),
        fixture_test(a_body_for_an_authorizer_is_refused),
        fixture_test(data_for_anyone_but_a_filter_is_refused),
        fixture_test(a_body_that_is_not_there_is_refused),
        fixture_test(time_limits_below_minus_one_are_refused),
        fixture_test(limits_below_minus_one_are_refused),
        fixture_test(an_unknown_retry_policy_is_refused),
        fixture_test(an_allocator_that_lacks_a_function_is_refused),
        fixture_test(a_refused_request_empties_the_response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
