/*
 * load - many calls at a time on one thread: see load.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "load.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcgi_client.h>

#include "app.h"
#include "ask.h"
#include "must.h"
#include "pattern.h"
#include "php_fpm.h"
#include "process.h"
#include "program.h"
#include "test.h"
#include "wire.h"

#define SMALL_LEN 100
#define LARGE_LEN 300000
#define PARAMS 5

/* How long the host lets a call pause. */
#define PAUSE_MS 1

/* Each call's body is the pattern from another place on. */
#define BODY_AT(number) ((uint64_t)(number)*1000003)

/* Of a call with the number n, the kind is n % KINDS. */
enum kind { NO_BODY, SMALL, SLOW_UP, SLOW_DOWN, SLOW_BOTH, KINDS };

struct load_call {
    struct load *load;
    size_t number;
    enum kind kind;
    struct fcgi_call *call;
    struct fcgi_response response;
    char token[24];
    char length[24];
    size_t body_len;
    void *body;  /* where it is not made as it is read */
    uint64_t at; /* how much of it was read */
    size_t reads;
    struct wire expected; /* the answer */
    size_t got;
    bool wrong;        /* something else came */
    int64_t resume_at; /* -1: it has not paused */
};

struct load {
    struct fcgi_client *client;
    struct fcgi_loop *loop; /* which drives the calls; NULL: the test does */
    struct fcgi_wakeup *wakeup;
    const char *script; /* of PHP-FPM; NULL: fcgi-echo's answers */
    struct load_call *calls[LOAD_CALLS];
    size_t left;
};

/* ---- one call's body and answer ----------------------------------------- */

static void pause_call(struct load_call *call)
{
    call->resume_at = now_ms() + PAUSE_MS;
}

/* It has nothing each fourth time. */
static int read_slowly(void *context, void *buf, size_t cap, size_t *got)
{
    struct load_call *call = context;
    uint64_t left = call->body_len - call->at;
    size_t most = 20000 + call->number;
    call->reads += 1;
    if (call->reads % 4 == 3) {
        pause_call(call);
        return FCGI_WAIT;
    }
    most = cap < most ? cap : most;
    *got = left < most ? (size_t)left : most;
    pattern_fill(buf, BODY_AT(call->number) + call->at, *got);
    call->at += *got;
    return FCGI_OK;
}

static int replay(void *context, uint64_t taken)
{
    struct load_call *call = context;
    call->at -= taken;
    return FCGI_OK;
}

static bool is_expected(const struct load_call *call, const void *data,
                        size_t len)
{
    return len <= call->expected.len - call->got &&
           memcmp(call->expected.data + call->got, data, len) == 0;
}

/* It takes less than it is offered, and pauses. */
static int take_slowly(void *context, const void *data, size_t *len)
{
    struct load_call *call = context;
    size_t most = 9000 + call->number;
    if (*len > most) {
        *len = most;
        pause_call(call);
    }
    call->wrong = call->wrong || !is_expected(call, data, *len);
    call->got += *len;
    return 0;
}

static bool is_slow_up(const struct load_call *call)
{
    return call->kind == SLOW_UP || call->kind == SLOW_BOTH;
}

static bool is_slow_down(const struct load_call *call)
{
    return call->kind == SLOW_DOWN || call->kind == SLOW_BOTH;
}

static struct fcgi_source make_body(struct load_call *call)
{
    struct fcgi_source source = {.data = NULL};
    if (is_slow_up(call)) {
        source.read = read_slowly;
        source.replay = replay;
        source.context = call;
        return source;
    }
    call->body = must_allocate(call->body_len + 1);
    pattern_fill(call->body, BODY_AT(call->number), call->body_len);
    source.data = call->body;
    source.len = call->body_len;
    return source;
}

/* fcgi-echo answers with the variables and the body, token.php with the token
 * and the body. */
static void expect(struct load_call *call, const struct fcgi_param *params)
{
    void *body = must_allocate(call->body_len + 1);
    if (call->load->script != NULL) {
        wire_text(&call->expected, call->token);
    }
    for (size_t i = 0; i < PARAMS && call->load->script == NULL; i++) {
        wire_text(&call->expected, params[i].name);
        wire_text(&call->expected, "=");
        wire_text(&call->expected, params[i].value);
        wire_text(&call->expected, "\n");
    }
    wire_text(&call->expected, "\n");
    pattern_fill(body, BODY_AT(call->number), call->body_len);
    wire_append(&call->expected, body, call->body_len);
    free(body);
}

static size_t length_of(const struct load_call *call)
{
    switch (call->kind) {
    case NO_BODY:
        return 0;
    case SMALL:
        return SMALL_LEN + call->number;
    default:
        return LARGE_LEN + call->number * 97;
    }
}

static void on_done(void *context, int error);

static void begin_call(struct load_call *call)
{
    const char *script = call->load->script;
    (void)snprintf(call->token, sizeof(call->token), "call-%zu", call->number);
    call->kind = (enum kind)(call->number % KINDS);
    call->body_len = length_of(call);
    call->resume_at = -1;
    (void)snprintf(call->length, sizeof(call->length), "%zu", call->body_len);
    const struct fcgi_param params[PARAMS] = {
        FCGI_PARAM("SCRIPT_FILENAME", script == NULL ? "/echo" : script),
        FCGI_PARAM("REQUEST_METHOD", call->kind == NO_BODY ? "GET" : "POST"),
        FCGI_PARAM("CONTENT_LENGTH", call->length),
        FCGI_PARAM("CONTENT_TYPE", "text/plain"),
        FCGI_PARAM("TEST_TOKEN", call->token),
    };
    struct fcgi_request request = {.params = params, .param_count = PARAMS};
    request.body = make_body(call);
    request.wakeup = call->load->wakeup;
    request.context = call;
    if (is_slow_down(call)) {
        request.sink.body = take_slowly;
        request.sink.context = call;
    }
    expect(call, params);
    if (call->load->loop != NULL) {
        assert_code(fcgi_loop_start(call->load->loop, &request, &call->response,
                                    on_done, &call->call),
                    FCGI_OK);
        return;
    }
    assert_code(fcgi_call_start(&call->call, call->load->client, &request,
                                &call->response),
                FCGI_OK);
}

/* ---- what a loop uses --------------------------------------------------- */

size_t load_left(const struct load *load)
{
    return load->left;
}

struct load_call *load_call(struct load *load, size_t nth)
{
    return load->calls[nth];
}

int load_turns_fd(const struct load *load)
{
    return fcgi_wakeup_fd(load->wakeup);
}

size_t load_next_turn(struct load *load)
{
    const struct load_call *call =
        fcgi_call_context(fcgi_wakeup_next(load->wakeup));
    return call == NULL ? LOAD_CALLS : call->number;
}

int load_fd(struct load_call *call)
{
    return fcgi_call_fd(call->call);
}

unsigned load_events(const struct load_call *call)
{
    return fcgi_call_events(call->call);
}

int load_timeout_ms(const struct load_call *call)
{
    int timeout = fcgi_call_timeout_ms(call->call);
    int64_t pause = call->resume_at - now_ms();
    if (call->resume_at < 0 || (timeout >= 0 && timeout < pause)) {
        return timeout;
    }
    return pause < 0 ? 0 : (int)pause;
}

int load_step(struct load_call *call)
{
    if (call->resume_at >= 0 && now_ms() >= call->resume_at) {
        call->resume_at = -1;
        return fcgi_call_resume(call->call);
    }
    return fcgi_call_advance(call->call);
}

/* Whether the answer was the one expected, all of it. */
static bool is_answered(const struct load_call *call)
{
    const struct fcgi_slice *body = &call->response.body;
    if (is_slow_down(call)) {
        return !call->wrong && call->got == call->expected.len;
    }
    return body->len == call->expected.len &&
           is_expected(call, body->data, body->len);
}

static void free_call(struct load_call *call)
{
    fcgi_response_free(&call->response);
    wire_free(&call->expected);
    free(call->body);
    free(call);
}

static void judge_end(struct load_call *call, int rc)
{
    struct load *load = call->load;
    bool answered = is_answered(call);
    size_t number = call->number;
    load->calls[number] = NULL;
    load->left -= 1;
    free_call(call);
    if (rc != FCGI_OK || !answered) {
        fail_msg("call %zu: %s, %s", number, fcgi_error_name(rc),
                 answered ? "answered" : "not its answer");
    }
}

void load_finish(struct load_call *call)
{
    int rc = fcgi_call_advance(call->call);
    fcgi_call_free(call->call);
    judge_end(call, rc);
}

/* ---- what an fcgi_loop needs -------------------------------------------- */

static void on_done(void *context, int error)
{
    judge_end(context, error);
}

/* Resume those that have paused for long enough; how long the others have, -1:
 * none has paused. */
static int resume_calls(struct load *load)
{
    int shortest = -1;
    for (size_t i = 0; i < LOAD_CALLS; i++) {
        struct load_call *call = load->calls[i];
        if (call == NULL || call->resume_at < 0) {
            continue;
        }
        int64_t left = call->resume_at - now_ms();
        if (left <= 0) {
            call->resume_at = -1;
            fcgi_loop_resume(load->loop, call->call);
            left = 0;
        }
        if (shortest < 0 || left < shortest) {
            shortest = (int)left;
        }
    }
    return shortest;
}

static void drive_by_loop(struct load *load, const struct load_host *host)
{
    while (load->left > 0) {
        host->turn(resume_calls(load));
    }
}

/* ---- the tests ---------------------------------------------------------- */

static load_loop *loop_under_test;
static bool loop_has_wakeup;
static const struct load_host *host_under_test;

static void begin_calls(struct load *load)
{
    for (size_t i = 0; i < LOAD_CALLS; i++) {
        struct load_call *call = must_allocate(sizeof(*call));
        call->load = load;
        call->number = i;
        load->calls[i] = call;
        load->left += 1;
        begin_call(call);
    }
}

/* The same as run_load() by an fcgi_loop. When all have ended, the connections
 * that are idle expire. */
static void run_loop_load(struct load *load, const char *address,
                          const struct fcgi_client_config *config)
{
    struct fcgi_client_config own = *config;
    own.pool.idle_timeout_ms = 100;
    load->loop = host_under_test->open(address, &own);
    assert_non_null(load->loop);
    begin_calls(load);
    drive_by_loop(load, host_under_test);
    struct fcgi_client *client = fcgi_loop_client(load->loop);
    assert_int_equal(fcgi_loop_count(load->loop), 0);
    assert_int_equal(stats_of(client).waiting, 0);
    while (stats_of(client).open > 0) {
        assert_true(fcgi_loop_timeout_ms(load->loop) >= 0);
        host_under_test->turn(-1);
    }
    host_under_test->close();
}

/* Let the loop drive all calls to an application at that address; then one
 * more is asked without a loop. */
static void run_load(const char *address, const char *script, int max_open)
{
    struct fcgi_client_config config = {.pool = {.max_open = max_open},
                                        /* So that what hangs fails. */
                                        .timeouts = {.total_ms = 60000}};
    struct load load = {.script = script};
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    size_t before = open_descriptors();
    if (host_under_test != NULL) {
        run_loop_load(&load, address, &config);
        assert_int_equal(open_descriptors(), before);
        return;
    }
    assert_code(fcgi_client_new(&load.client, address, &config), FCGI_OK);
    if (loop_has_wakeup) {
        assert_code(fcgi_wakeup_new(&load.wakeup, load.client), FCGI_OK);
    }
    begin_calls(&load);
    loop_under_test(&load);
    assert_int_equal(load.left, 0);
    assert_int_equal(stats_of(load.client).waiting, 0);
    assert_int_equal(stats_of(load.client).open, stats_of(load.client).idle);
    assert_code(fcgi_client_do(load.client, &request, &response), FCGI_OK);
    fcgi_response_free(&response);
    fcgi_wakeup_free(load.wakeup);
    fcgi_client_free(load.client);
    assert_int_equal(open_descriptors(), before);
}

/* Sessions are fewer than calls, and so are places in the listen queue: some
 * calls wait for a timer. */
static void many_calls_crowd_at_a_unix_socket(void **state)
{
    if (*state == NULL) {
        skip();
    }
    run_load(app_address(*state), NULL, -1);
}

static void many_calls_queue_for_few_connections(void **state)
{
    if (*state == NULL) {
        skip();
    }
    run_load(app_address(*state), NULL, 24);
}

static void many_calls_wear_php_fpm_out(void **state)
{
    if (*state == NULL) {
        skip();
    }
    char *script = php_fpm_script("token.php");
    run_load(php_fpm_address(*state), script, 8);
    free(script);
}

static int start_echo(void **state, bool tcp)
{
    char *path = program_built("fcgi-echo");
    if (path == NULL) {
        return program_missing("fcgi-echo");
    }
    *state = app_start(path, tcp);
    free(path);
    return 0;
}

static int start_echo_on_unix(void **state)
{
    return start_echo(state, false);
}

static int start_echo_on_tcp(void **state)
{
    return start_echo(state, true);
}

static int stop_echo(void **state)
{
    app_stop(*state);
    return 0;
}

static int start_php_fpm(void **state)
{
    static const struct php_fpm_options options = {.max_children = 8,
                                                   .max_requests = 7};
    if (!php_fpm_installed()) {
        return program_missing("php-fpm");
    }
    *state = php_fpm_start(&options);
    return 0;
}

static int stop_php_fpm(void **state)
{
    php_fpm_stop(*state);
    return 0;
}

static int run_group(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_calls_crowd_at_a_unix_socket,
                                        start_echo_on_unix, stop_echo),
        cmocka_unit_test_setup_teardown(many_calls_queue_for_few_connections,
                                        start_echo_on_tcp, stop_echo),
        cmocka_unit_test_setup_teardown(many_calls_wear_php_fpm_out,
                                        start_php_fpm, stop_php_fpm),
    };
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int load_run_tests(const char *name, load_loop *loop, bool has_wakeup)
{
    loop_under_test = loop;
    loop_has_wakeup = has_wakeup;
    return run_group(name);
}

int load_run_loop_tests(const char *name, const struct load_host *host)
{
    host_under_test = host;
    return run_group(name);
}
