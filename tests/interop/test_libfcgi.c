/*
 * Applications other than PHP: one made with libfcgi, in each of its roles,
 * and fcgi-echo, which is made with the lower layers of this library. Both
 * over a Unix socket and over TCP.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcgi_client.h>

#include "app.h"
#include "ask.h"
#include "pattern.h"
#include "program.h"

#define LARGE ((uint64_t)64 * 1024 * 1024)

/* One request; what hangs fails after a minute. */
struct session {
    struct fcgi_client *client;
    struct fcgi_param params[4];
    struct fcgi_request request;
    struct fcgi_response response;
};

static int begin(void **state)
{
    const struct app *app = *state;
    if (app == NULL) {
        return 0;
    }
    struct session *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return -1;
    }
    *state = s;
    return fcgi_client_new(&s->client, app_address(app), NULL);
}

static int end(void **state)
{
    struct session *s = *state;
    if (s != NULL) {
        fcgi_response_free(&s->response);
        fcgi_client_free(s->client);
        free(s);
    }
    return 0;
}

/* A request in that role with one variable of its own. */
static struct session *in_role(void **state, enum fcgi_role role,
                               const char *name, const char *value)
{
    struct session *s = *state;
    if (s == NULL) {
        skip();
        return NULL;
    }
    struct fcgi_param method = FCGI_PARAM("REQUEST_METHOD", "POST");
    struct fcgi_param own = FCGI_PARAM(name, value);
    s->params[0] = method;
    s->params[1] = own;
    memset(&s->request, 0, sizeof(s->request));
    s->request.role = role;
    s->request.params = s->params;
    s->request.param_count = 2;
    s->request.timeouts.total_ms = 60000;
    return s;
}

static struct session *in_mode(void **state, const char *mode)
{
    return in_role(state, FCGI_ROLE_RESPONDER, "APP_MODE", mode);
}

static struct fcgi_source text(const char *data)
{
    return (struct fcgi_source){.data = data, .len = strlen(data)};
}

static void ask(struct session *s)
{
    assert_code(fcgi_client_do(s->client, &s->request, &s->response), FCGI_OK);
}

/* Both echo alike: variables, an empty line, the body. */
static void a_responder_gets_variables_and_body(void **state)
{
    struct session *s =
        in_role(state, FCGI_ROLE_RESPONDER, "TEST_SOME", "a=b c");
    s->request.body = text("hello");
    ask(s);
    assert_int_equal(s->response.status, 200);
    assert_non_null(strstr(s->response.body.data, "TEST_SOME=a=b c\n"));
    assert_non_null(strstr(s->response.body.data, "REQUEST_METHOD=POST\n"));
    assert_string_equal(strstr(s->response.body.data, "\n\n"), "\n\nhello");
}

static void requests_share_one_connection(void **state)
{
    struct session *s = in_mode(state, "");
    s->request.retry = FCGI_RETRY_STALE; /* they are POSTs */
    for (int i = 0; i < 5; i++) {
        ask(s);
        assert_int_equal(s->response.app_status, 0);
    }
    assert_int_equal(stats_of(s->client).dials, 1);
}

/* Only as much is on its way as the sockets hold: whoever writes all before
 * reading locks up here. */
static void stream_up_and_down(struct session *s, struct fcgi_sink sink)
{
    struct pattern_upload upload = {.len = LARGE};
    s->request.body = pattern_source(&upload);
    s->request.sink = sink;
    ask(s);
    assert_int_equal(upload.at, LARGE);
}

static void a_large_body_comes_back_while_it_is_sent(void **state)
{
    struct session *s = in_mode(state, "cat");
    struct pattern_download download = {0};
    stream_up_and_down(s, pattern_sink(&download));
    assert_int_equal(download.at, LARGE);
    assert_false(download.wrong);
}

/* The body of fcgi-echo's answer begins behind the variables. */
struct echoed {
    struct pattern_download download;
    size_t ahead; /* bytes of the empty line seen; 2: behind it */
};

static int check_echoed(void *context, const void *data, size_t *len)
{
    struct echoed *echoed = context;
    const char *at = data;
    size_t left = *len;
    while (echoed->ahead < 2 && left > 0) {
        echoed->ahead = *at == '\n' ? echoed->ahead + 1 : 0;
        at++;
        left--;
    }
    struct fcgi_sink sink = pattern_sink(&echoed->download);
    return left > 0 ? sink.body(sink.context, at, &left) : 0;
}

static void a_large_body_is_echoed_while_it_is_sent(void **state)
{
    struct session *s = in_mode(state, "echo");
    struct echoed echoed = {0};
    struct fcgi_sink sink = {.body = check_echoed, .context = &echoed};
    stream_up_and_down(s, sink);
    assert_int_equal(echoed.download.at, LARGE);
    assert_false(echoed.download.wrong);
}

static void an_authorizer_grants_with_variables(void **state)
{
    struct session *s =
        in_role(state, FCGI_ROLE_AUTHORIZER, "HTTP_AUTHORIZATION", "open");
    ask(s);
    assert_int_equal(s->response.status, 200);
    assert_string_equal(
        fcgi_response_field(&s->response, "Variable-AUTH_USER", 0), "somebody");
    assert_string_equal(
        fcgi_response_field(&s->response, "Variable-AUTH_GROUP", 0),
        "some of them");
}

static void an_authorizer_refuses_with_an_answer(void **state)
{
    struct session *s =
        in_role(state, FCGI_ROLE_AUTHORIZER, "HTTP_AUTHORIZATION", "shut");
    ask(s);
    assert_int_equal(s->response.status, 403);
    assert_string_equal(s->response.reason, "Not You");
    assert_string_equal(s->response.body.data, "go away");
}

static void a_filter_gets_its_data_behind_the_body(void **state)
{
    struct session *s =
        in_role(state, FCGI_ROLE_FILTER, "FCGI_DATA_LENGTH", "8");
    s->request.body = text("the body");
    s->request.data = text("the data");
    ask(s);
    assert_string_equal(s->response.body.data, "stdin:the body\ndata:the data");
    assert_int_equal(s->response.stderr_data.len, 0);
}

static void a_large_file_is_filtered(void **state)
{
    struct session *s =
        in_role(state, FCGI_ROLE_FILTER, "FCGI_DATA_LENGTH", "67108864");
    struct pattern_upload upload = {.len = LARGE};
    s->request.data = pattern_source(&upload);
    ask(s);
    const struct fcgi_slice *body = &s->response.body;
    size_t ahead = strlen("stdin:\ndata:");
    assert_int_equal(body->len, ahead + LARGE);
    assert_true(pattern_matches(body->data + ahead, 0, LARGE));
}

static void the_exit_status_reaches_the_caller(void **state)
{
    static const struct {
        const char *text;
        uint32_t status;
    } cases[] = {
        {"0", 0}, {"3", 3}, {"16909060", 0x01020304}, {"-1", UINT32_MAX}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct session *s = in_mode(state, "status");
        struct fcgi_param status = FCGI_PARAM("APP_STATUS", cases[i].text);
        s->params[2] = status;
        s->request.param_count = 3;
        ask(s);
        assert_string_equal(s->response.body.data, "ended");
        assert_int_equal(s->response.app_status, cases[i].status);
    }
}

static void error_output_before_amid_and_after_stays_apart(void **state)
{
    struct session *s = in_mode(state, "stderr");
    ask(s);
    assert_string_equal(s->response.body.data, "one two");
    assert_string_equal(s->response.stderr_data.data, "before\namid\nafter\n");
}

static void a_location_without_status_is_a_302(void **state)
{
    struct session *s = in_mode(state, "location");
    ask(s);
    assert_int_equal(s->response.status, 302);
    assert_string_equal(fcgi_response_field(&s->response, "Location", 0),
                        "/elsewhere");
}

static void what_is_no_head_is_an_error_and_not_a_200(void **state)
{
    struct session *s = in_mode(state, "no-head");
    assert_code(fcgi_client_do(s->client, &s->request, &s->response),
                FCGI_ERR_BAD_HEAD);
    assert_int_equal(s->response.status, 0);
    assert_int_equal(s->response.field_count, 0);
    s = in_mode(state, "");
    ask(s);
    assert_false(s->response.outcome.reused);
}

static int start_app(void **state, const char *name, bool tcp)
{
    char *path = program_built(name);
    if (path == NULL) {
        return program_missing(name);
    }
    *state = app_start(path, tcp);
    free(path);
    return 0;
}

static int start_libfcgi_on_unix(void **state)
{
    return start_app(state, "app_libfcgi", false);
}

static int start_libfcgi_on_tcp(void **state)
{
    return start_app(state, "app_libfcgi", true);
}

static int start_echo_on_unix(void **state)
{
    return start_app(state, "fcgi-echo", false);
}

static int start_echo_on_tcp(void **state)
{
    return start_app(state, "fcgi-echo", true);
}

static int stop(void **state)
{
    app_stop(*state);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define RUN(name, tests, start)                                                \
    cmocka_run_group_tests_name(name, tests, start, stop)

int main(void)
{
    const struct CMUnitTest libfcgi[] = {
        TEST(a_responder_gets_variables_and_body),
        TEST(requests_share_one_connection),
        TEST(a_large_body_comes_back_while_it_is_sent),
        TEST(an_authorizer_grants_with_variables),
        TEST(an_authorizer_refuses_with_an_answer),
        TEST(a_filter_gets_its_data_behind_the_body),
        TEST(a_large_file_is_filtered),
        TEST(the_exit_status_reaches_the_caller),
        TEST(error_output_before_amid_and_after_stays_apart),
        TEST(a_location_without_status_is_a_302),
        TEST(what_is_no_head_is_an_error_and_not_a_200),
    };
    const struct CMUnitTest echo[] = {
        TEST(a_responder_gets_variables_and_body),
        TEST(requests_share_one_connection),
        TEST(a_large_body_is_echoed_while_it_is_sent),
    };
    int failed = RUN("libfcgi, Unix", libfcgi, start_libfcgi_on_unix);
    failed += RUN("libfcgi, TCP", libfcgi, start_libfcgi_on_tcp);
    failed += RUN("fcgi-echo, Unix", echo, start_echo_on_unix);
    failed += RUN("fcgi-echo, TCP", echo, start_echo_on_tcp);
    return failed;
}
