/*
 * fault_sweep - implements fault_sweep.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "fault_sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "process.h"
#include "test.h"
#include "watchdog.h"

/* Far longer than a run takes, even on a busy machine. */
#define HANGS_MS 20000

/* More calls of one kind than any scenario makes. */
#define CALLS_MAX 2000

#define ERRORS_MAX 8

/* One more than the connections that a scenario's steps treat specially. */
#define SCRIPTED_MAX 3

/* The errors that each fault may cause unless it is harmless. */
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
    [FAULT_ATTRIBUTES] = {FCGI_ERR_SYSTEM},
    [FAULT_ATFORK] = {FCGI_ERR_NO_MEMORY},
};

static size_t injected[FAULT_CALLS];

/* The current run, and the one before, which the watchdog may still read. */
static char descriptions[2][200];
static size_t tries;

/* What the current run uses, for the tear-down of a test that failed. */
static struct stage stage;
static bool trying;

static const char *describe(const struct sweep *sweep,
                            const struct fault_way *way, size_t nth)
{
    char fault[120] = "no fault";
    char *out = descriptions[tries++ % 2];
    if (way != NULL) {
        faults_describe(way, nth, fault, sizeof(fault));
    }
    (void)snprintf(out, sizeof(descriptions[0]), "%s: %s", sweep->name, fault);
    return out;
}

/* ---- before and after --------------------------------------------------- */

static void set_up(const struct sweep *sweep)
{
    static const struct fake_step serve[] = {FAKE_ACCEPT, FAKE_SERVE};
    memset(&stage, 0, sizeof(stage));
    stage.fds[0] = stage.fds[1] = -1;
    stage.request = get_request();
    stage.allocator = faults_allocator(&stage.memory);
    stage.config = sweep->config;
    stage.config.pool.allocator = stage.allocator;
    stage.config.pool.evict_by_host = !sweep->evicts;
    stage.app = sweep->steps == NULL ? FAKE_RUN(sweep->family, serve)
                                     : fake_start(sweep->family, sweep->steps,
                                                  sweep->step_count);
    if (!sweep->makes_client) {
        stage.client = client_for(stage.app, &stage.config);
    }
    if (sweep->prepare != NULL) {
        sweep->prepare(&stage);
    }
}

/* Also after a tear-down that failed. */
static void tear_down(void)
{
    struct fcgi_client *client = stage.client;
    struct fake *app = stage.app;
    stage.client = NULL;
    stage.app = NULL;
    fcgi_response_free(&stage.response);
    fcgi_client_free(client);
    fake_stop(app);
    for (size_t i = 0; i < 2; i++) {
        if (stage.fds[i] >= 0) {
            (void)close(stage.fds[i]);
            stage.fds[i] = -1;
        }
    }
    free(stage.bytes);
    stage.bytes = NULL;
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

/* After a clock jump a connection ends an hour after it took the request. */
static bool is_no_longer_stale(const struct sweep *sweep,
                               const struct fault_way *way, int rc)
{
    return sweep->retries && way->call == FAULT_CLOCK &&
           (rc == FCGI_ERR_CLOSED || rc == FCGI_ERR_RESET);
}

/* Whether such an error passes on errno. */
static bool tells_errno(const struct fault_way *way, int rc)
{
    return way->error != 0 && way->call != FAULT_GETADDRINFO &&
           way->call != FAULT_CLOCK &&
           (rc == FCGI_ERR_SYSTEM || rc == FCGI_ERR_CONNECT);
}

static void judge(const struct sweep *sweep, const struct fault_way *way,
                  int rc)
{
    const struct fcgi_outcome *outcome = &stage.response.outcome;
    if (rc == sweep->want) {
        return;
    }
    if (way == NULL ||
        !(explains(way, rc) || is_no_longer_stale(sweep, way, rc))) {
        assert_code(rc, sweep->want);
    }
    if (outcome->error == rc && tells_errno(way, rc)) {
        assert_int_equal(outcome->system_error, way->error);
    }
}

static bool is_answered(const char *text)
{
    struct fcgi_request request = post_text(text);
    int rc = fcgi_client_do(stage.client, &request, &stage.response);
    return rc == FCGI_OK && strcmp(stage.response.body.data, text) == 0;
}

/* A request made now is answered. The application may first have to go through
 * steps for connections that the failed run did not get to use. */
static void assert_usable(void)
{
    char text[40];
    bool answered = false;
    (void)snprintf(text, sizeof(text), "asked after try %zu", tries);
    for (size_t i = 0; i < SCRIPTED_MAX && !answered; i++) {
        fake_go(stage.app);
        answered = is_answered(text);
    }
    assert_true(answered);
}

static void look_after(void)
{
    struct fcgi_pool_stats stats;
    if (stage.client == NULL) {
        stage.client = client_for(stage.app, &stage.config);
    }
    if (!stage.closed) {
        assert_usable();
    }
    stats = stats_of(stage.client);
    assert_int_equal(stats.open, stats.idle);
    assert_int_equal(stats.waiting, 0);
}

/* ---- running ------------------------------------------------------------ */

/* Returns whether the fault happened. */
static bool try_once(const struct sweep *sweep, const struct fault_way *way,
                     size_t nth)
{
    size_t before = open_descriptors();
    watchdog_watch_for(describe(sweep, way, nth), HANGS_MS);
    faults_reset();
    set_up(sweep);
    if (sweep->of_threads) {
        faults_begin_for_threads(way, nth);
    } else {
        faults_begin(way, nth);
    }
    int rc = sweep->act(&stage);
    bool struck = faults_end();
    if (sweep->settle != NULL) {
        sweep->settle(&stage);
    }
    judge(sweep, way, rc);
    look_after();
    tear_down();
    assert_int_equal(stage.memory.blocks, 0);
    assert_int_equal(open_descriptors(), before);
    return struck;
}

static void try_each(void **state)
{
    const struct sweep *sweep = *state;
    size_t count;
    const struct fault_way *ways = faults_ways(&count);
    trying = true;
    (void)try_once(sweep, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        size_t nth = 1;
        while (try_once(sweep, &ways[i], nth)) {
            nth += 1;
            assert_true(nth < CALLS_MAX);
        }
        injected[ways[i].call] += nth - 1;
    }
    watchdog_rest();
    trying = false;
}

/* After a failed test: print the run it failed in, and clean that up. */
static int clean_up(void **state)
{
    (void)state;
    if (trying) {
        (void)faults_end();
        watchdog_rest();
        print_error("%s\n", descriptions[(tries - 1) % 2]);
        tear_down();
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

int sweeps_run(const struct sweep *sweeps, size_t count)
{
    struct CMUnitTest *tests = calloc(count, sizeof(*tests));
    if (tests == NULL) {
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        tests[i].name = sweeps[i].name;
        tests[i].test_func = try_each;
        tests[i].teardown_func = clean_up;
        tests[i].initial_state = (void *)(uintptr_t)&sweeps[i];
    }
    int failed = _cmocka_run_group_tests("sweeps", tests, count, NULL, NULL);
    free(tests);
    print_counts(count);
    return failed;
}
