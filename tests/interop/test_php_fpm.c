/*
 * What a PHP-FPM is asked, and what it answers: variables, heads, large
 * answers, error output, time limits. All of it over a Unix socket and over
 * TCP.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>
#include <fcgi_client.h>

#include "ask.h"
#include "pattern.h"
#include "php_fpm.h"
#include "process.h"
#include "program.h"
#include "visit.h"

#define MANY 2000
#define VALUE_MAX 400

static const char *body(const struct visit *v)
{
    return v->response.body.data;
}

static const char *stderr_text(const struct visit *v)
{
    return v->response.stderr_data.data;
}

/* Whether server.php has printed that variable, byte for byte. */
static bool reported(const struct visit *v, const struct fcgi_param *param)
{
    char line[VALUE_MAX + 100];
    (void)snprintf(line, sizeof(line), "\n%zu:%s=%zu:%s\n", strlen(param->name),
                   param->name, strlen(param->value), param->value);
    return strstr(body(v), line) != NULL;
}

/* How many variables server.php has printed whose names begin like that. */
static size_t reported_as(const struct visit *v, const char *prefix)
{
    size_t count = 0;
    const char *at = strstr(body(v), prefix);
    while (at != NULL) {
        count++;
        at = strstr(at + 1, prefix);
    }
    return count;
}

static char *repeat(char c, size_t count)
{
    char *text = malloc(count + 1);
    assert_non_null(text);
    memset(text, c, count);
    text[count] = '\0';
    return text;
}

static void every_variable_reaches_the_script_unchanged(void **state)
{
    struct visit *v = visit_to(state, "GET", "server.php");
    char *just_short = repeat('s', 127);
    char *just_long = repeat('l', 128);
    visit_param(v, "TEST_EMPTY", "");
    visit_param(v, "TEST_EQUALS", "a=b=c");
    visit_param(v, "TEST_BYTES", "caf\xc3\xa9 \xff\x01 \r\n\t.");
    visit_param(v, "TEST_127", just_short);
    visit_param(v, "TEST_128", just_long);
    visit_param(v, "QUERY_STRING", "x=1&y=%20");
    visit_ok(v);
    assert_int_equal(reported_as(v, ":TEST_"), 5);
    for (size_t i = 0; i < v->request.param_count; i++) {
        assert_true(reported(v, &v->params[i]));
    }
    free(just_short);
    free(just_long);
}

struct variable {
    char name[16];
    char value[VALUE_MAX];
};

/* Long enough together that they need several FCGI_PARAMS records, each with
 * another length. */
static struct variable *make_variables(struct fcgi_param *params)
{
    struct variable *variables = calloc(MANY, sizeof(*variables));
    assert_non_null(variables);
    for (size_t i = 0; i < MANY; i++) {
        struct variable *at = &variables[i];
        (void)snprintf(at->name, sizeof(at->name), "TEST_%zu", i);
        memset(at->value, 'a' + (int)(i % 26), i % VALUE_MAX);
        params[i] = (struct fcgi_param)FCGI_PARAM(at->name, at->value);
    }
    return variables;
}

static void two_thousand_variables_arrive_in_one_request(void **state)
{
    struct visit *v = visit_to(state, "GET", "server.php");
    struct fcgi_param *params = calloc(MANY + VISIT_PARAMS, sizeof(*params));
    assert_non_null(params);
    struct variable *variables = make_variables(params);
    memcpy(params + MANY, v->params, sizeof(v->params));
    v->request.params = params;
    v->request.param_count += MANY;
    visit_ok(v);
    assert_int_equal(reported_as(v, ":TEST_"), MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_true(reported(v, &params[i]));
    }
    free(variables);
    free(params);
}

static void requests_share_one_connection(void **state)
{
    struct visit *v = visit_to(state, "GET", "server.php");
    for (int i = 0; i < 5; i++) {
        visit_ok(v);
        assert_int_equal(v->response.outcome.reused, i > 0);
    }
    assert_int_equal(stats_of(v->client).dials, 1);
    assert_int_equal(stats_of(v->client).reuses, 4);
}

#define TEN_MEGABYTES (10 * 1024 * 1024)
#define TEN_MEGABYTES_QUERY "lines=655360"

static void an_answer_of_ten_megabytes_is_collected(void **state)
{
    struct visit *v = visit_to(state, "GET", "pattern.php");
    visit_param(v, "QUERY_STRING", TEN_MEGABYTES_QUERY);
    visit_ok(v);
    assert_int_equal(v->response.body.len, TEN_MEGABYTES);
    assert_true(pattern_matches(body(v), 0, TEN_MEGABYTES));
    assert_int_equal(body(v)[TEN_MEGABYTES], '\0');
}

static void an_answer_of_ten_megabytes_is_streamed(void **state)
{
    struct visit *v = visit_to(state, "GET", "pattern.php");
    struct pattern_download download = {0};
    visit_param(v, "QUERY_STRING", TEN_MEGABYTES_QUERY);
    v->request.sink = pattern_sink(&download);
    visit_ok(v);
    assert_int_equal(download.at, TEN_MEGABYTES);
    assert_false(download.wrong);
    assert_int_equal(v->response.body.len, 0);
}

static void an_answer_over_the_limit_is_an_error(void **state)
{
    struct visit *v = visit_to(state, "GET", "pattern.php");
    visit_param(v, "QUERY_STRING", TEN_MEGABYTES_QUERY);
    v->request.limits.body_len = TEN_MEGABYTES - 1;
    assert_code(visit_ask(v), FCGI_ERR_BODY_TOO_LARGE);
}

static void repeated_cookies_stay_in_order(void **state)
{
    static const char *const expected[] = {
        "first=1; Path=/", "second=2; Path=/", "first=3; Path=/"};
    struct visit *v = visit_to(state, "GET", "cookies.php");
    visit_ok(v);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(fcgi_response_field(&v->response, "set-cookie", i),
                            expected[i]);
    }
    assert_null(fcgi_response_field(&v->response, "Set-Cookie", 3));
    assert_string_equal(fcgi_response_field(&v->response, "X-Between", 0),
                        "yes");
}

static void error_output_never_mixes_with_the_answer(void **state)
{
    struct visit *v = visit_to(state, "GET", "errors.php");
    visit_ok(v);
    assert_string_equal(body(v), "one two three");
    const char *before = strstr(stderr_text(v), "before");
    assert_non_null(before);
    const char *amid = strstr(before, "amid");
    assert_non_null(amid);
    assert_non_null(strstr(amid, "after"));
}

static void a_fatal_error_is_a_500_with_its_reason_on_stderr(void **state)
{
    struct visit *v = visit_to(state, "GET", "fatal.php");
    visit_ok(v);
    assert_int_equal(v->response.status, 500);
    assert_string_equal(v->response.reason, "Internal Server Error");
    assert_int_equal(v->response.body.len, 0);
    assert_non_null(strstr(stderr_text(v), "function_that_is_not_there"));
}

static void a_missing_script_is_a_404_with_its_reason_on_stderr(void **state)
{
    struct visit *v = visit_to(state, "GET", "no-such-script.php");
    visit_ok(v);
    assert_int_equal(v->response.status, 404);
    assert_string_equal(body(v), "File not found.\n");
    assert_non_null(strstr(stderr_text(v), "Primary script unknown"));
}

static void a_redirection_is_a_302(void **state)
{
    struct visit *v = visit_to(state, "GET", "location.php");
    visit_ok(v);
    assert_int_equal(v->response.status, 302);
    assert_string_equal(v->response.reason, "Found");
    assert_string_equal(fcgi_response_field(&v->response, "Location", 0),
                        "/elsewhere?a=1");
}

/* The script still says how long the body would have been. */
static void head_has_fields_but_no_body(void **state)
{
    struct visit *v = visit_to(state, "HEAD", "pattern.php");
    visit_param(v, "QUERY_STRING", "lines=4");
    visit_ok(v);
    assert_int_equal(v->response.status, 200);
    assert_int_equal(v->response.body.len, 0);
    assert_string_equal(fcgi_response_field(&v->response, "Content-Length", 0),
                        "64");
    v->params[2] = (struct fcgi_param)FCGI_PARAM("REQUEST_METHOD", "GET");
    visit_ok(v);
    assert_true(v->response.outcome.reused);
    assert_int_equal(v->response.body.len, 64);
}

/* PHP-FPM keeps a script's exit status to itself: its application status is
 * always 0 (see its fcgi_end_request). */
static void an_exit_status_of_a_script_is_no_failure(void **state)
{
    struct visit *v = visit_to(state, "GET", "exit.php");
    visit_param(v, "QUERY_STRING", "status=3");
    visit_ok(v);
    assert_int_equal(v->response.status, 200);
    assert_string_equal(body(v), "exiting");
    assert_int_equal(v->response.app_status, 0);
    assert_int_equal(v->response.protocol_status, FCGI_STATUS_REQUEST_COMPLETE);
}

static void silence_before_the_answer_ends_at_the_first_byte_limit(void **state)
{
    struct visit *v = visit_to(state, "GET", "slow.php");
    visit_param(v, "QUERY_STRING", "before=10000");
    v->request.timeouts.first_byte_ms = 200;
    int64_t start = now_ms();
    assert_code(visit_ask(v), FCGI_ERR_FIRST_BYTE_TIMEOUT);
    assert_true(elapsed(start, 200));
    assert_int_equal(v->response.status, 0);
    assert_int_equal(v->response.outcome.phase, FCGI_PHASE_WAIT);
    assert_int_equal(v->response.outcome.first_byte_us, -1);
    assert_true(v->response.outcome.may_have_run);
    assert_int_equal(stats_of(v->client).idle, 0);
    assert_int_equal(stats_of(v->client).timeouts, 1);
}

static void silence_amid_the_answer_ends_at_the_idle_limit(void **state)
{
    struct visit *v = visit_to(state, "GET", "slow.php");
    visit_param(v, "QUERY_STRING", "amid=10000");
    v->request.timeouts.idle_ms = 200;
    int64_t start = now_ms();
    assert_code(visit_ask(v), FCGI_ERR_IDLE_TIMEOUT);
    assert_true(elapsed(start, 200));
    assert_int_equal(v->response.status, 200);
    assert_string_equal(body(v), "first");
    assert_int_equal(v->response.outcome.phase, FCGI_PHASE_RECEIVE);
    assert_int_equal(stats_of(v->client).idle, 0);
}

static void the_limit_of_the_whole_request_has_a_code_of_its_own(void **state)
{
    struct visit *v = visit_to(state, "GET", "slow.php");
    visit_param(v, "QUERY_STRING", "amid=10000");
    v->request.timeouts.total_ms = 300;
    int64_t start = now_ms();
    assert_code(visit_ask(v), FCGI_ERR_DEADLINE);
    assert_true(elapsed(start, 300));
    assert_string_equal(body(v), "first");
}

/* The idle limit counts from the first byte, the other until then. */
static void a_slow_answer_within_its_limits_is_fine(void **state)
{
    struct visit *v = visit_to(state, "GET", "slow.php");
    visit_param(v, "QUERY_STRING", "before=300&amid=20");
    v->request.timeouts.first_byte_ms = 10000;
    v->request.timeouts.idle_ms = 250;
    visit_ok(v);
    assert_string_equal(body(v), "firstlast");
    assert_true(v->response.outcome.first_byte_us >= 300000);
}

/* PHP leaves the record that ends FCGI_STDIN unread, and with bytes unread most
 * systems turn the end of a connection into a reset. */
static void assert_broken(int rc, int closed)
{
    if (rc != FCGI_ERR_RESET) {
        assert_code(rc, closed);
    }
}

static int kill_child(void *context, const struct fcgi_response *response)
{
    const char *child = fcgi_response_field(response, "X-Child", 0);
    long pid = child != NULL ? strtol(child, NULL, 10) : 0;
    (void)context;
    return pid > 1 ? kill((pid_t)pid, SIGKILL) : -1;
}

static void a_child_that_dies_amid_its_answer_is_an_error(void **state)
{
    struct visit *v = visit_to(state, "GET", "killed.php");
    v->request.sink.head = kill_child;
    assert_broken(visit_ask(v), FCGI_ERR_TRUNCATED);
    assert_int_equal(v->response.status, 200);
    assert_int_equal(v->response.outcome.phase, FCGI_PHASE_RECEIVE);
    assert_int_equal(v->response.protocol_status, -1);
    assert_int_equal(stats_of(v->client).open, 0);
}

static int start_fpm(void **state, bool tcp)
{
    struct php_fpm_options options = {.tcp = tcp, .max_children = 8};
    if (!php_fpm_installed()) {
        return program_missing("php-fpm");
    }
    *state = php_fpm_start(&options);
    return 0;
}

static int start_on_unix(void **state)
{
    return start_fpm(state, false);
}

static int start_on_tcp(void **state)
{
    return start_fpm(state, true);
}

static int stop(void **state)
{
    php_fpm_stop(*state);
    return 0;
}

/* A child that takes longer than PHP-FPM allows is killed by it. */
static void a_child_that_php_fpm_ends_is_an_error_not_repeated(void **state)
{
    struct php_fpm_options options = {.ondemand = true, .terminate_s = 1};
    if (!php_fpm_installed()) {
        skip();
    }
    void *own = php_fpm_start(&options);
    void *mine = own;
    assert_int_equal(visit_begin(&mine), 0);
    struct visit *v = visit_to(&mine, "GET", "slow.php");
    visit_param(v, "QUERY_STRING", "before=30000");
    assert_broken(visit_ask(v), FCGI_ERR_CLOSED);
    assert_int_equal(v->response.outcome.phase, FCGI_PHASE_WAIT);
    assert_false(v->response.outcome.retried);
    assert_true(v->response.outcome.may_have_run);
    assert_int_equal(visit_end(&mine), 0);
    php_fpm_stop(own);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VISIT_TEST(every_variable_reaches_the_script_unchanged),
        VISIT_TEST(two_thousand_variables_arrive_in_one_request),
        VISIT_TEST(requests_share_one_connection),
        VISIT_TEST(an_answer_of_ten_megabytes_is_collected),
        VISIT_TEST(an_answer_of_ten_megabytes_is_streamed),
        VISIT_TEST(an_answer_over_the_limit_is_an_error),
        VISIT_TEST(repeated_cookies_stay_in_order),
        VISIT_TEST(error_output_never_mixes_with_the_answer),
        VISIT_TEST(a_fatal_error_is_a_500_with_its_reason_on_stderr),
        VISIT_TEST(a_missing_script_is_a_404_with_its_reason_on_stderr),
        VISIT_TEST(a_redirection_is_a_302),
        VISIT_TEST(head_has_fields_but_no_body),
        VISIT_TEST(an_exit_status_of_a_script_is_no_failure),
        VISIT_TEST(silence_before_the_answer_ends_at_the_first_byte_limit),
        VISIT_TEST(silence_amid_the_answer_ends_at_the_idle_limit),
        VISIT_TEST(the_limit_of_the_whole_request_has_a_code_of_its_own),
        VISIT_TEST(a_slow_answer_within_its_limits_is_fine),
        VISIT_TEST(a_child_that_dies_amid_its_answer_is_an_error),
    };
    const struct CMUnitTest own_tests[] = {
        cmocka_unit_test(a_child_that_php_fpm_ends_is_an_error_not_repeated),
    };
    int failed = cmocka_run_group_tests_name("PHP-FPM on a Unix socket", tests,
                                             start_on_unix, stop);
    failed += cmocka_run_group_tests_name("PHP-FPM on TCP", tests, start_on_tcp,
                                          stop);
    failed += cmocka_run_group_tests_name("PHP-FPM with a time limit",
                                          own_tests, NULL, NULL);
    return failed;
}
