/*
 * The client: what it asks of an application, what it makes of the answer, and
 * when a connection is used again. Bodies are in test_bodies.c.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdlib.h>

#include "fixture.h"
#include "pattern.h"

/* More calls at a time than a client keeps. */
#define CROWD 100

/* ---- an answer --------------------------------------------------------- */

static void an_answer_fills_the_response(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT,
        FAKE_READ_REQUEST,
        FAKE_STDERR("a warning"),
        FAKE_ANSWER("Status: 404 Gone Fishing\r\nX-A: 1\r\nX-A: 2\r\n\r\nbody"),
    };
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    assert_code(fcgi_client_do(f->client, &f->request, &f->response), FCGI_OK);
    assert_int_equal(f->response.status, 404);
    assert_string_equal(f->response.reason, "Gone Fishing");
    assert_int_equal(f->response.field_count, 2);
    assert_string_equal(fcgi_response_field(&f->response, "x-a", 1), "2");
    assert_string_equal(f->response.body.data, "body");
    assert_string_equal(f->response.stderr_data.data, "a warning");
    assert_int_equal(f->response.protocol_status, 0);
}

static void an_answer_may_come_byte_by_byte(void **state)
{
    static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST,
        FAKE_ANSWER_EACH("Status: 200\r\nX-A: 1\r\n\r\nslowly"),
        FAKE_READ_REQUEST, FAKE_ANSWER_EACH("X-A: 1\r\n\r\nagain")};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_run(state, families[i], script, NULL);
        ask_expecting_body(f->client, &f->request, "slowly");
        struct fcgi_outcome outcome =
            ask_expecting_body(f->client, &f->request, "again");
        assert_true(outcome.reused);
    }
}

static void a_large_answer_is_collected(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_STDOUT("X-A: 1\r\n\r\n"),
        FAKE_BODY(3000001), FAKE_END(WIRE_COMPLETE)};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    assert_code(fcgi_client_do(f->client, &f->request, &f->response), FCGI_OK);
    assert_int_equal(f->response.body.len, 3000001);
    assert_true(
        pattern_matches(f->response.body.data, 0, f->response.body.len));
    assert_int_equal(f->response.body.data[f->response.body.len], '\0');
}

/* The socket holds more since the first. */
static void one_large_body_follows_another(void **state)
{
    enum { LEN = 3000000 };
    static const struct fake_step script[] = {FAKE_ACCEPT,
                                              FAKE_READ_REQUEST,
                                              FAKE_STDOUT("X-A: 1\r\n\r\none"),
                                              FAKE_END(WIRE_COMPLETE),
                                              FAKE_READ_REQUEST,
                                              FAKE_STDOUT("X-A: 1\r\n\r\ntwo"),
                                              FAKE_END(WIRE_COMPLETE)};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    char *body = pattern_make(LEN);
    struct fcgi_request request =
        put_request((struct fcgi_source){.data = body, .len = LEN});
    (void)ask_expecting_body(f->client, &request, "one");
    assert_true(ask_expecting_body(f->client, &request, "two").reused);
    free(body);
}

/* ---- connections ------------------------------------------------------- */

static void nothing_is_dialled_before_it_is_needed(void **state)
{
    struct fixture *f = *state;
    assert_code(fcgi_client_new(&f->client, "/nowhere/at/all", NULL), FCGI_OK);
    assert_int_equal(stats_of(f->client).dials, 0);
}

static void a_connection_serves_one_request_after_another(void **state)
{
    static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_serve(state, families[i], NULL);
        assert_false(ask_hello(f->client).reused);
        assert_true(ask_hello(f->client).reused);
        assert_true(ask_hello(f->client).reused);
        assert_int_equal(fake_count(f->app, FAKE_ACCEPTED), 1);
        assert_int_equal(fake_request(f->app, 2)->flags, FCGI_FLAG_KEEP_CONN);
    }
}

/* More requests than there are ids: those go over another connection. */
static void no_two_requests_over_a_connection_have_the_same_id(void **state)
{
    enum { IDS = 65535, COUNT = IDS + 100 };
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    for (size_t i = 0; i < COUNT; i++) {
        assert_code(fcgi_client_do(f->client, &f->request, &f->response),
                    FCGI_OK);
        assert_int_equal(f->response.body.len, 5);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(fake_request(f->app, i)->id, i % IDS + 1);
        assert_int_equal(fake_request_connection(f->app, i), i / IDS);
    }
    assert_int_equal(fake_count(f->app, FAKE_ACCEPTED), 2);
}

/* ---- roles ------------------------------------------------------------- */

static void a_responder_without_a_body_gets_one_empty_stdin(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    ask_hello(f->client);
    const struct wire_request *seen = fake_request(f->app, 0);
    assert_int_equal(seen->role, FCGI_ROLE_RESPONDER);
    assert_int_equal(seen->params_ends, 1);
    assert_int_equal(seen->body.len, 0);
    assert_int_equal(seen->body_ends, 1);
    assert_int_equal(seen->data_ends, 0);
}

static void an_authorizer_gets_no_stdin(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    f->request.role = FCGI_ROLE_AUTHORIZER;
    ask_expecting_body(f->client, &f->request, "hello");
    assert_true(ask_expecting_body(f->client, &f->request, "hello").reused);
    const struct wire_request *seen = fake_request(f->app, 0);
    assert_int_equal(seen->role, FCGI_ROLE_AUTHORIZER);
    assert_int_equal(seen->body_ends, 0);
}

static void a_filter_gets_stdin_then_data(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_request request = post_text("what was sent");
    request.role = FCGI_ROLE_FILTER;
    request.data = (struct fcgi_source){.data = "what is filtered", .len = 16};
    ask_expecting_body(f->client, &request, "what was sent");
    const struct wire_request *seen = fake_request(f->app, 0);
    assert_int_equal(seen->role, FCGI_ROLE_FILTER);
    assert_int_equal(seen->body_ends, 1);
    assert_int_equal(seen->data.len, 16);
    assert_memory_equal(seen->data.data, "what is filtered", 16);
    assert_int_equal(seen->data_ends, 1);
}

static void encoded_params_go_ahead_of_the_others(void **state)
{
    struct wire encoded = {0};
    struct wire expected = {0};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_param param = FCGI_PARAM("REQUEST_METHOD", "GET");
    wire_param(&encoded, "SERVER_SOFTWARE", "test");
    struct fcgi_request request = {.params = &param, .param_count = 1};
    request.encoded_params =
        (struct fcgi_slice){(const char *)encoded.data, encoded.len};
    ask_expecting_body(f->client, &request, "hello");
    wire_append(&expected, encoded.data, encoded.len);
    wire_param(&expected, "REQUEST_METHOD", "GET");
    const struct wire_request *seen = fake_request(f->app, 0);
    assert_int_equal(seen->params.len, expected.len);
    assert_memory_equal(seen->params.data, expected.data, expected.len);
    wire_free(&encoded);
    wire_free(&expected);
}

static void content_length_is_never_added(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_request request = post_text("body");
    ask_expecting_body(f->client, &request, "body");
    assert_null(wire_request_param(fake_request(f->app, 0), "CONTENT_LENGTH"));
}

/* ---- memory ------------------------------------------------------------ */

/* Whether over the pooled connection or over a new one. */
static void a_warm_client_allocates_nothing(void **state)
{
    struct fixture *f = *state;
    struct fcgi_request requests[] = {put_text("a body to be echoed"),
                                      post_text("a body to be echoed")};
    for (size_t i = 0; i < 2; i++) {
        struct fcgi_client_config config = {
            .pool = {.allocator = counting_allocator(&f->memory),
                     .evict_by_host = true}};
        fixture_serve(state, FAKE_UNIX, &config);
        for (size_t j = 0; j < 2; j++) {
            assert_code(fcgi_client_do(f->client, &requests[i], &f->response),
                        FCGI_OK);
        }
        size_t before = f->memory.calls;
        assert_true(before > 0);
        for (size_t j = 0; j < 100; j++) {
            assert_code(fcgi_client_do(f->client, &requests[i], &f->response),
                        FCGI_OK);
            assert_int_equal(f->response.outcome.reused, i == 0);
        }
        assert_int_equal(f->memory.calls, before);
    }
}

/* Start calls that wait for the only connection, and give them up. */
static void begin_and_give_up(struct fcgi_client *client)
{
    struct fcgi_request request = get_request();
    struct fcgi_response responses[CROWD] = {{0}};
    struct fcgi_call *calls[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        assert_code(fcgi_call_start(&calls[i], client, &request, &responses[i]),
                    FCGI_OK);
    }
    for (size_t i = 0; i < CROWD; i++) {
        fcgi_call_free(calls[i]);
        fcgi_response_free(&responses[i]);
    }
}

/* However often there were more calls at a time than are kept. */
static void as_many_calls_are_kept_each_time(void **state)
{
    struct fixture *f = *state;
    struct fcgi_client_config config = {
        .pool = {.allocator = counting_allocator(&f->memory), .max_open = 1}};
    fixture_serve(state, FAKE_UNIX, &config);
    struct fcgi_connection *only = take(f->pool);
    size_t before = f->memory.blocks;
    begin_and_give_up(f->client);
    size_t kept = f->memory.blocks;
    assert_true(kept > before);
    for (size_t i = 0; i < 3; i++) {
        begin_and_give_up(f->client);
        assert_int_equal(f->memory.blocks, kept);
    }
    fcgi_pool_put(f->pool, only);
}

/* Each allocation in turn fails: an error code, and nothing is lost. */
static void out_of_memory_is_an_error_and_leaks_nothing(void **state)
{
    struct fixture *f = *state;
    int rc = FCGI_ERR_NO_MEMORY;
    for (size_t nth = 1; rc != FCGI_OK; nth++) {
        struct fcgi_client_config config = {
            .pool = {.allocator = counting_allocator(&f->memory),
                     .evict_by_host = true}};
        fixture_end(state);
        f->memory = (struct counting_allocator){.fail_at = nth};
        f->app = fake_serve(FAKE_UNIX);
        rc = fcgi_client_new(&f->client, fake_address(f->app), &config);
        if (rc == FCGI_OK) {
            rc = fcgi_client_do(f->client, &f->request, &f->response);
        }
        assert_code(rc, f->memory.failures > 0 ? FCGI_ERR_NO_MEMORY : FCGI_OK);
    }
}

/* What was taken for it goes back as it was. */
static void an_idle_connection_outlives_a_want_of_memory(void **state)
{
    struct fixture *f = *state;
    struct fcgi_client_config config = {
        .pool = {.allocator = counting_allocator(&f->memory)}};
    fixture_serve(state, FAKE_UNIX, &config);
    fcgi_pool_put(f->pool, take(f->pool));
    f->memory.fail_at = f->memory.calls + 1;
    ask_expecting(f->client, &f->request, FCGI_ERR_NO_MEMORY);
    assert_int_equal(stats_of(f->client).idle, 1);
    assert_true(ask_hello(f->client).reused);
}

/* ---- closing ----------------------------------------------------------- */

static void a_closed_client_asks_no_more(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    ask_hello(f->client);
    fcgi_client_close(f->client);
    fcgi_client_close(f->client);
    fake_await(f->app, FAKE_LEFT, 1);
    ask_expecting(f->client, &f->request, FCGI_ERR_POOL_CLOSED);
    assert_int_equal(fake_count(f->app, FAKE_BEGUN), 1);
}

/* Ask while a request is under way: another one, or to close. */
struct meanwhile {
    struct fcgi_client *client;
    bool close;
};

static int do_meanwhile(void *context, const struct fcgi_response *response)
{
    struct meanwhile *meanwhile = context;
    (void)response;
    if (meanwhile->close) {
        fcgi_client_close(meanwhile->client);
    } else {
        assert_false(ask_hello(meanwhile->client).reused);
    }
    return 0;
}

static void no_client_is_fine(void **state)
{
    (void)state;
    fcgi_client_close(NULL);
    fcgi_client_free(NULL);
    assert_null(fcgi_client_pool(NULL));
}

static void a_request_under_way_outlives_the_close(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct meanwhile meanwhile = {f->client, true};
    f->request.sink.head = do_meanwhile;
    f->request.sink.context = &meanwhile;
    ask_expecting_body(f->client, &f->request, "hello");
    fake_await(f->app, FAKE_LEFT, 1);
    assert_int_equal(stats_of(f->client).open, 0);
}

static void a_sink_may_ask_the_same_client(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct meanwhile meanwhile = {f->client, false};
    f->request.sink.head = do_meanwhile;
    f->request.sink.context = &meanwhile;
    ask_expecting_body(f->client, &f->request, "hello");
    assert_int_equal(stats_of(f->client).idle, 2);
}

static void freeing_a_client_leaves_nothing_open(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    keep_idle(f->app, f->client, 5);
    ask_hello(f->client);
    fixture_free_client(f);
    fake_await(f->app, FAKE_LEFT, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(an_answer_fills_the_response),
        fixture_test(an_answer_may_come_byte_by_byte),
        fixture_test(a_large_answer_is_collected),
        fixture_test(one_large_body_follows_another),
        fixture_test(nothing_is_dialled_before_it_is_needed),
        fixture_test(a_connection_serves_one_request_after_another),
        fixture_test(no_two_requests_over_a_connection_have_the_same_id),
        fixture_test(a_responder_without_a_body_gets_one_empty_stdin),
        fixture_test(an_authorizer_gets_no_stdin),
        fixture_test(a_filter_gets_stdin_then_data),
        fixture_test(encoded_params_go_ahead_of_the_others),
        fixture_test(content_length_is_never_added),
        fixture_test(a_warm_client_allocates_nothing),
        fixture_test(as_many_calls_are_kept_each_time),
        fixture_test(out_of_memory_is_an_error_and_leaks_nothing),
        fixture_test(an_idle_connection_outlives_a_want_of_memory),
        fixture_test(a_closed_client_asks_no_more),
        fixture_test(no_client_is_fine),
        fixture_test(a_request_under_way_outlives_the_close),
        fixture_test(a_sink_may_ask_the_same_client),
        fixture_test(freeing_a_client_leaves_nothing_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
