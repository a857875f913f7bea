/*
 * ordeal - the library under every single fault: see ordeal.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "ordeal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "process.h"
#include "test.h"
#include "watchdog.h"

/* Nothing here needs longer, but a machine may be busy. */
#define HANGS_MS 20000

/* No ordeal makes as many calls of one kind. */
#define CALLS_MAX 2000

#define ERRORS_MAX 8

/* How many connections a script treats in its own way, and one. */
#define SCRIPTED_MAX 3

/* What each fault may end in, where it is not harmless. */
static const int errors[FAULT_CALLS][ERRORS_MAX] = {
    [FAULT_ALLOCATE] = {FCGI_ERR_NO_MEMORY},
    [FAULT_SOCKET] = {FCGI_ERR_SYSTEM},
    [FAULT_CONNECT] = {FCGI_ERR_CONNECT},
    [FAULT_GETADDRINFO] = {FCGI_ERR_RESOLVE},
    [FAULT_FCNTL] = {FCGI_ERR_SYSTEM},
    [FAULT_SETSOCKOPT] = {FCGI_ERR_SYSTEM},
    [FAULT_GETSOCKOPT] = {FCGI_ERR_CONNECT},
    [FAULT_SENDMSG] = {FCGI_ERR_RESET, FCGI_ERR_CLOSED, FCGI_ERR_TRUNCATED,
                       FCGI_ERR_SYSTEM},
    [FAULT_RECVMSG] = {FCGI_ERR_RESET, FCGI_ERR_CLOSED, FCGI_ERR_TRUNCATED,
                       FCGI_ERR_SYSTEM},
    [FAULT_PIPE] = {FCGI_ERR_SYSTEM},
    [FAULT_READ] = {FCGI_ERR_SOURCE, FCGI_ERR_RESET, FCGI_ERR_SYSTEM},
    [FAULT_CLOCK] = {FCGI_ERR_CONNECT_TIMEOUT, FCGI_ERR_WRITE_TIMEOUT,
                     FCGI_ERR_FIRST_BYTE_TIMEOUT, FCGI_ERR_IDLE_TIMEOUT,
                     FCGI_ERR_DEADLINE, FCGI_ERR_QUEUE_TIMEOUT,
                     FCGI_ERR_BACKLOG_FULL},
    [FAULT_WRITE] = {FCGI_ERR_SYSTEM},
    [FAULT_LOCK] = {FCGI_ERR_SYSTEM},
    [FAULT_CONDITION] = {FCGI_ERR_SYSTEM},
    [FAULT_ATFORK] = {FCGI_ERR_NO_MEMORY},
};

static size_t injected[FAULT_CALLS];

/* What is being tried. The watchdog may still read the one before. */
static char descriptions[2][200];
static size_t tries;
static bool trying;

static const char *describe(const struct ordeal *ordeal,
                            const struct fault_way *way, size_t nth)
{
    char fault[120] = "no fault";
    char *out = descriptions[tries++ % 2];
    if (way != NULL) {
        faults_describe(way, nth, fault, sizeof(fault));
    }
    (void)snprintf(out, sizeof(descriptions[0]), "%s: %s", ordeal->name, fault);
    return out;
}

/* ---- before and after --------------------------------------------------- */

static void set_up(struct stage *stage, const struct ordeal *ordeal)
{
    static const struct fake_step serve[] = {FAKE_ACCEPT, FAKE_SERVE};
    memset(stage, 0, sizeof(*stage));
    stage->fds[0] = stage->fds[1] = -1;
    stage->request = get_request();
    stage->allocator = faults_allocator(&stage->memory);
    stage->config = ordeal->config;
    stage->config.pool.allocator = stage->allocator;
    stage->config.pool.evict_by_host = !ordeal->evicts;
    stage->app =
        ordeal->steps == NULL
            ? FAKE_RUN(ordeal->family, serve)
            : fake_start(ordeal->family, ordeal->steps, ordeal->step_count);
    if (!ordeal->makes_client) {
        stage->client = client_for(stage->app, &stage->config);
    }
    if (ordeal->prepare != NULL) {
        ordeal->prepare(stage);
    }
}

static void close_own(struct stage *stage)
{
    for (size_t i = 0; i < 2; i++) {
        if (stage->fds[i] >= 0) {
            (void)close(stage->fds[i]);
            stage->fds[i] = -1;
        }
    }
    free(stage->bytes);
}

static void tear_down(struct stage *stage)
{
    fcgi_response_free(&stage->response);
    fcgi_client_free(stage->client);
    fake_stop(stage->app);
    close_own(stage);
    assert_int_equal(stage->memory.blocks, 0);
}

/* ---- what must hold ----------------------------------------------------- */

static bool explains(const struct fault_way *way, int rc)
{
    for (size_t i = 0; i < ERRORS_MAX && !way->harmless; i++) {
        if (errors[way->call][i] == rc) {
            return true;
        }
    }
    return false;
}

/* The end of a connection may come an hour after it took the request. */
static bool is_no_longer_stale(const struct ordeal *ordeal,
                               const struct fault_way *way, int rc)
{
    return ordeal->retries && way->call == FAULT_CLOCK &&
           (rc == FCGI_ERR_CLOSED || rc == FCGI_ERR_RESET);
}

/* Whether errno itself is what such an error is about. */
static bool tells_errno(const struct fault_way *way, int rc)
{
    return way->error != 0 && way->call != FAULT_GETADDRINFO &&
           way->call != FAULT_CLOCK &&
           (rc == FCGI_ERR_SYSTEM || rc == FCGI_ERR_CONNECT);
}

static void judge(const struct stage *stage, const struct ordeal *ordeal,
                  const struct fault_way *way, int rc)
{
    const struct fcgi_outcome *outcome = &stage->response.outcome;
    if (rc == ordeal->want) {
        return;
    }
    if (way == NULL ||
        !(explains(way, rc) || is_no_longer_stale(ordeal, way, rc))) {
        assert_code(rc, ordeal->want);
    }
    if (outcome->error == rc && tells_errno(way, rc)) {
        assert_int_equal(outcome->system_error, way->error);
    }
}

static bool is_answered(struct stage *stage, const char *text)
{
    struct fcgi_request request = post_text(text);
    int rc = fcgi_client_do(stage->client, &request, &stage->response);
    return rc == FCGI_OK && strcmp(stage->response.body.data, text) == 0;
}

/* What is asked now is answered. First the application may have to go through
 * what its script has in store for connections that the ordeal did not come to
 * use. */
static void assert_usable(struct stage *stage)
{
    char text[40];
    bool answered = false;
    (void)snprintf(text, sizeof(text), "asked after try %zu", tries);
    for (size_t i = 0; i < SCRIPTED_MAX && !answered; i++) {
        fake_go(stage->app);
        answered = is_answered(stage, text);
    }
    assert_true(answered);
}

static void look_after(struct stage *stage)
{
    struct fcgi_pool_stats stats;
    if (stage->client == NULL) {
        stage->client = client_for(stage->app, &stage->config);
    }
    if (!stage->closed) {
        assert_usable(stage);
    }
    stats = stats_of(stage->client);
    assert_int_equal(stats.open, stats.idle);
    assert_int_equal(stats.waiting, 0);
}

/* ---- running ------------------------------------------------------------ */

/* Whether the fault, if any, has struck. */
static bool try_once(const struct ordeal *ordeal, const struct fault_way *way,
                     size_t nth)
{
    struct stage stage;
    size_t before = open_descriptors();
    watchdog_watch_for(describe(ordeal, way, nth), HANGS_MS);
    faults_reset();
    set_up(&stage, ordeal);
    if (ordeal->of_threads) {
        faults_begin_for_threads(way, nth);
    } else {
        faults_begin(way, nth);
    }
    int rc = ordeal->act(&stage);
    bool struck = faults_end();
    if (ordeal->settle != NULL) {
        ordeal->settle(&stage);
    }
    judge(&stage, ordeal, way, rc);
    look_after(&stage);
    tear_down(&stage);
    assert_int_equal(open_descriptors(), before);
    return struck;
}

static void try_each(void **state)
{
    const struct ordeal *ordeal = *state;
    size_t count;
    const struct fault_way *ways = faults_ways(&count);
    trying = true;
    (void)try_once(ordeal, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        size_t nth = 1;
        while (try_once(ordeal, &ways[i], nth)) {
            nth += 1;
            assert_true(nth < CALLS_MAX);
        }
        injected[ways[i].call] += nth - 1;
    }
    watchdog_rest();
    trying = false;
}

/* A test that has failed says what was being tried. */
static int tell_failure(void **state)
{
    (void)state;
    if (trying) {
        (void)faults_end();
        watchdog_rest();
        print_error("%s\n", descriptions[(tries - 1) % 2]);
    }
    return 0;
}

static void print_counts(size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < FAULT_CALLS; i++) {
        total += injected[i];
    }
    printf("%zu scenarios, %zu faults:", count, total);
    for (size_t i = 0; i < FAULT_CALLS; i++) {
        if (injected[i] > 0) {
            printf(" %s %zu", faults_call_name((enum fault_call)i),
                   injected[i]);
        }
    }
    printf("\n");
}

int ordeals_run(const struct ordeal *ordeals, size_t count)
{
    struct CMUnitTest *tests = calloc(count, sizeof(*tests));
    if (tests == NULL) {
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        tests[i].name = ordeals[i].name;
        tests[i].test_func = try_each;
        tests[i].teardown_func = tell_failure;
        tests[i].initial_state = (void *)(uintptr_t)&ordeals[i];
    }
    int failed = _cmocka_run_group_tests("ordeals", tests, count, NULL, NULL);
    free(tests);
    print_counts(count);
    return failed;
}
