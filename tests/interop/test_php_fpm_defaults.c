/*
 * A real PHP-FPM and a client at its defaults: nothing runs twice, and no
 * request waits for a child that an idle connection of the same client holds.
 *
 * How often a request runs is counted by the script.
 */
#define _POSIX_C_SOURCE 200809L

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <fcgi_client.h>

#include "ask.h"
#include "host.h"
#include "php_fpm.h"
#include "process.h"
#include "program.h"
#include "run_log.h"
#include "rush.h"

/* PHP-FPM, and a client of it. */
struct pair {
    struct php_fpm *fpm;
    struct fcgi_client *client;
    char *hello;
    char *runs;
};

static void begin(struct pair *p, const struct php_fpm_options *options,
                  const struct fcgi_client_config *config)
{
    if (!php_fpm_installed()) {
        skip();
    }
    p->fpm = php_fpm_start(options);
    assert_code(fcgi_client_new(&p->client, php_fpm_address(p->fpm), config),
                FCGI_OK);
    p->hello = php_fpm_script("hello.php");
    p->runs = php_fpm_script("runs.php");
}

static void end(struct pair *p)
{
    fcgi_client_free(p->client);
    php_fpm_stop(p->fpm);
    free(p->hello);
    free(p->runs);
}

static double share_reused(const struct rush *rush)
{
    return (double)rush->reused / (double)rush->done;
}

/* ---- nothing runs twice ------------------------------------------------- */

#define VISITORS 10
#define KILLED_S 2

/* One who asks for a page, thinks about it, and sends a form that takes long:
 * PHP-FPM counts the time of thought against request_terminate_timeout. */
struct visitor {
    pthread_t thread;
    const struct pair *pair;
    const char *query;
    int number;
    int rc;
    struct fcgi_outcome outcome;
};

static int visit(struct visitor *v, struct fcgi_client *client,
                 const char *method, const char *script)
{
    char query[350];
    struct fcgi_param params[] = {
        FCGI_PARAM("SCRIPT_FILENAME", script),
        FCGI_PARAM("REQUEST_METHOD", method),
        FCGI_PARAM("QUERY_STRING", query),
    };
    struct fcgi_request request = {.params = params, .param_count = 3};
    struct fcgi_response response = {0};
    int rc;

    (void)snprintf(query, sizeof(query), "%s&n=%d", v->query, v->number);
    rc = fcgi_client_do(client, &request, &response);
    v->outcome = response.outcome;
    fcgi_response_free(&response);
    return rc;
}

static void *think_and_post(void *context)
{
    struct visitor *v = context;
    struct fcgi_client *client;

    v->rc = fcgi_client_new(&client, php_fpm_address(v->pair->fpm), NULL);
    if (v->rc == FCGI_OK) {
        v->rc = visit(v, client, "GET", v->pair->hello);
        pass_ms(1500);
    }
    if (v->rc == FCGI_OK) {
        v->rc = visit(v, client, "POST", v->pair->runs);
    }
    fcgi_client_free(client);
    return NULL;
}

/* Twice as many as at a time. */
static void a_post_behind_a_long_pause_runs_once(void **state)
{
    static const struct php_fpm_options options = {.max_children = 2 * VISITORS,
                                                   .terminate_s = KILLED_S};
    struct visitor visitors[2 * VISITORS];
    struct run_log *log = run_log_new();
    struct pair p;
    (void)state;
    begin(&p, &options, NULL);
    for (int i = 0; i < 2 * VISITORS; i++) {
        visitors[i] = (struct visitor){
            .pair = &p, .query = run_log_query(log, 1600), .number = i};
        assert_int_equal(pthread_create(&visitors[i].thread, NULL,
                                        think_and_post, &visitors[i]),
                         0);
    }
    for (int i = 0; i < 2 * VISITORS; i++) {
        assert_int_equal(pthread_join(visitors[i].thread, NULL), 0);
        assert_code(visitors[i].rc, FCGI_OK);
        assert_false(visitors[i].outcome.reused);
    }
    assert_int_equal(run_log_begun(log), 2 * VISITORS);
    assert_int_equal(run_log_repeated(log), 0);
    run_log_free(log);
    end(&p);
}

/* A worker that is killed at its work, long after it took the request, is not
 * a stale connection, in any policy. */
static void a_request_whose_worker_is_killed_is_not_repeated(void **state)
{
    static const struct php_fpm_options options = {.max_children = 3,
                                                   .terminate_s = KILLED_S};
    static const enum fcgi_retry policies[] = {FCGI_RETRY_SAFE,
                                               FCGI_RETRY_STALE};
    struct run_log *log = run_log_new();
    struct pair p;
    (void)state;
    begin(&p, &options, NULL);
    for (size_t i = 0; i < 2; i++) {
        struct rush get = {
            .client = p.client, .script = p.hello, .threads = 1, .each = 1};
        struct rush slow = {.client = p.client,
                            .script = p.runs,
                            .query = run_log_query(log, 5000),
                            .retry = policies[i],
                            .threads = 1,
                            .each = 1};
        rush_run(&get);
        rush_run(&slow);
        assert_int_equal(slow.reused, 1);
        assert_int_equal(slow.failed, 1);
        assert_int_equal(slow.retried, 0);
        assert_int_equal(run_log_begun(log), i + 1);
    }
    run_log_free(log);
    end(&p);
}

static void posts_to_children_that_go(int max_requests)
{
    struct php_fpm_options options = {.max_children = 10,
                                      .max_requests = max_requests};
    struct run_log *log = run_log_new();
    struct pair p;
    begin(&p, &options, NULL);
    struct rush rush = {.client = p.client,
                        .script = p.runs,
                        .method = "POST",
                        .query = run_log_query(log, 0),
                        .threads = 8,
                        .each = (int)requests_wanted(100)};
    rush_run(&rush);
    rush_assert_ok(&rush);
    assert_int_equal(run_log_begun(log), 8 * rush.each);
    assert_int_equal(run_log_repeated(log), 0);
    run_log_free(log);
    end(&p);
}

static void posts_to_children_that_serve_three_run_once_each(void **state)
{
    (void)state;
    posts_to_children_that_go(3);
}

static void posts_to_children_that_serve_fifty_run_once_each(void **state)
{
    (void)state;
    posts_to_children_that_go(50);
}

/* ---- nobody starves ----------------------------------------------------- */

static void
with_one_child_the_second_request_waits_for_the_first_alone(void **state)
{
    static const struct php_fpm_options options = {.max_children = 1};
    struct pair p;
    (void)state;
    begin(&p, &options, NULL);
    struct rush rush = {
        .client = p.client, .script = p.hello, .threads = 2, .each = 1};
    rush_run(&rush);
    rush_assert_ok(&rush);
    assert_in_range(rush.worst_ms, 0, 100);
    end(&p);
}

/* Beside a client that keeps nothing, in the same run. */
static void eight_threads_share_four_children(void **state)
{
    static const struct php_fpm_options options = {.max_children = 4};
    static const struct fcgi_client_config keeps_none = {
        .pool = {.max_idle = -1}};
    struct pair p;
    struct fcgi_client *other;
    (void)state;
    begin(&p, &options, NULL);
    assert_code(fcgi_client_new(&other, php_fpm_address(p.fpm), &keeps_none),
                FCGI_OK);
    struct rush dials = {
        .client = other, .script = p.hello, .threads = 8, .each = 500};
    struct rush keeps = dials;
    rush_run(&dials);
    keeps.client = p.client;
    rush_run(&keeps);
    rush_assert_ok(&dials);
    rush_assert_ok(&keeps);
    assert_true(2 * keeps.total_ms <= 3 * dials.total_ms + 100);
    assert_true(share_reused(&keeps) >= 0.8);
    assert_in_range(keeps.worst_ms, 0, 200 + dials.worst_ms);
    fcgi_client_free(other);
    end(&p);
}

static void slow_posts_cost_fast_gets_few_connections(void **state)
{
    static const struct php_fpm_options options = {.max_children = 10};
    struct run_log *log = run_log_new();
    struct pair p;
    (void)state;
    begin(&p, &options, NULL);
    struct rush posts = {.client = p.client,
                         .script = p.runs,
                         .method = "POST",
                         .query = run_log_query(log, 200),
                         .threads = 1,
                         .each = 8};
    struct rush gets = {
        .client = p.client, .script = p.hello, .threads = 8, .each = 8000};
    rush_begin(&posts);
    rush_run(&gets);
    rush_end(&posts);
    rush_assert_ok(&posts);
    rush_assert_ok(&gets);
    assert_true(share_reused(&gets) >= 0.8);
    assert_int_equal(run_log_begun(log), 8);
    run_log_free(log);
    end(&p);
}

/* ---- many calls on one thread ------------------------------------------- */

#define CALLS 500

/* One of them, which begins anew until enough have. */
struct chain {
    struct fcgi_call *call;
    struct fcgi_response response;
};

static struct fcgi_call *start(const struct pair *p, struct chain *chain)
{
    struct fcgi_param params[] = {
        FCGI_PARAM("SCRIPT_FILENAME", p->hello),
        FCGI_PARAM("REQUEST_METHOD", "GET"),
    };
    struct fcgi_request request = {.params = params, .param_count = 2};
    assert_code(
        fcgi_call_start(&chain->call, p->client, &request, &chain->response),
        FCGI_OK);
    return chain->call;
}

static int64_t worst_ms(int64_t worst, const struct fcgi_response *r)
{
    int64_t ms = r->outcome.total_us / 1000;
    return ms > worst ? ms : worst;
}

static void await_any(struct chain *chains, struct pollfd *fds)
{
    int timeout = -1;
    for (int i = 0; i < CALLS; i++) {
        int own = -1;
        fds[i] = (struct pollfd){.fd = -1};
        if (chains[i].call != NULL) {
            unsigned events = fcgi_call_events(chains[i].call);
            fds[i].fd = fcgi_call_fd(chains[i].call);
            fds[i].events = (short)((events & FCGI_EVENT_READ ? POLLIN : 0) |
                                    (events & FCGI_EVENT_WRITE ? POLLOUT : 0));
            own = fcgi_call_timeout_ms(chains[i].call);
        }
        timeout = own >= 0 && (timeout < 0 || own < timeout) ? own : timeout;
    }
    assert_true(poll(fds, CALLS, timeout) >= 0);
}

static void five_hundred_calls_at_once_share_ten_children(void **state)
{
    static const struct php_fpm_options options = {.max_children = 10};
    static struct chain chains[CALLS];
    static struct pollfd fds[CALLS];
    int left_to_start = 2000 - CALLS;
    int under_way = CALLS;
    int64_t worst = 0;
    struct pair p;
    (void)state;
    begin(&p, &options, NULL);
    for (int i = 0; i < CALLS; i++) {
        (void)start(&p, &chains[i]);
    }
    while (under_way > 0) {
        for (int i = 0; i < CALLS; i++) {
            struct chain *c = &chains[i];
            int rc = c->call == NULL ? FCGI_WAIT : fcgi_call_advance(c->call);
            if (rc == FCGI_WAIT) {
                continue;
            }
            assert_code(rc, FCGI_OK);
            worst = worst_ms(worst, &c->response);
            fcgi_call_free(c->call);
            c->call = NULL;
            if (left_to_start > 0) {
                left_to_start -= 1;
                (void)start(&p, c);
            } else {
                under_way -= 1;
            }
        }
        if (under_way > 0) {
            await_any(chains, fds);
        }
    }
    print_message("worst %d ms\n", (int)worst);
    for (int i = 0; i < CALLS; i++) {
        fcgi_response_free(&chains[i].response);
    }
    end(&p);
}

#define WAITING 2000
#define DESCRIPTORS 700

static void limit_descriptors(rlim_t count)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = count < limit.rlim_max ? count : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Returns how many descriptors those that wait have cost. */
static size_t begin_waiting(const struct pair *p, struct chain *chains)
{
    size_t before = 0;
    for (int i = 0; i < WAITING; i++) {
        (void)start(p, &chains[i]);
        before = i == 7 ? open_descriptors() : before;
    }
    assert_int_equal(stats_of(p->client).waiting, WAITING - 8);
    return open_descriptors() - before;
}

static void two_thousand_calls_wait_for_few_descriptors(void **state)
{
    static const struct php_fpm_options options = {.max_children = 10};
    static const struct fcgi_client_config config = {
        .pool = {.max_open = 8, .max_waiting = -1}};
    static struct chain chains[WAITING];
    struct pair p;
    (void)state;
    begin(&p, &options, &config);
    limit_descriptors(DESCRIPTORS);
    assert_in_range(begin_waiting(&p, chains), 0, 3);
    for (int i = 0; i < WAITING; i++) {
        int rc = fcgi_call_advance(chains[i].call);
        while (rc == FCGI_WAIT) {
            host_await(chains[i].call, -1);
            rc = fcgi_call_advance(chains[i].call);
        }
        assert_code(rc, FCGI_OK);
        fcgi_call_free(chains[i].call);
        fcgi_response_free(&chains[i].response);
    }
    limit_descriptors(RLIM_INFINITY);
    end(&p);
}

/* ---- several processes -------------------------------------------------- */

#define PROCESSES 4

/* Of the requests of a process: the longest, and all. */
struct times {
    int64_t worst_ms;
    int64_t total_ms;
};

/* Asks, says how long that took, and stays until it is told to go. */
static void be_one_of_them(const struct pair *p, int says, int told)
{
    char byte;
    struct rush rush = {
        .client = p->client, .script = p->hello, .threads = 1, .each = 1000};
    struct times times;
    rush_run(&rush);
    times.worst_ms = rush.failed > 0 ? INT64_MAX : rush.worst_ms;
    times.total_ms = rush.total_ms;
    if (write(says, &times, sizeof(times)) != sizeof(times)) {
        _exit(1);
    }
    (void)read_on(told, &byte, 1);
    fcgi_client_free(p->client);
    child_ends_well();
}

/* They are forked once the client is made, as the workers of a server are.
 * Those that are done stay, and their connections are idle: the last waits for
 * the first that is done, and for its idle time. */
static void processes_that_are_done_starve_no_other(void **state)
{
    static const struct php_fpm_options options = {.max_children = 3};
    int says[2];
    int told[2];
    pid_t pids[PROCESSES];
    struct pair p;
    (void)state;
    begin(&p, &options, NULL);
    assert_int_equal(pipe(says), 0);
    assert_int_equal(pipe(told), 0);
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            (void)close(told[1]);
            be_one_of_them(&p, says[1], told[0]);
        }
    }
    (void)close(says[1]);
    int64_t first_done_ms = 0;
    for (int i = 0; i < PROCESSES; i++) {
        struct times times;
        assert_int_equal(read_on(says[0], &times, sizeof(times)),
                         sizeof(times));
        first_done_ms = i == 0 ? times.total_ms : first_done_ms;
        assert_in_range(times.worst_ms, 0, first_done_ms + 3000);
    }
    (void)close(told[1]);
    for (int i = 0; i < PROCESSES; i++) {
        (void)await_exit(pids[i]);
    }
    (void)close(says[0]);
    (void)close(told[0]);
    end(&p);
}

static int group_begins(void **state)
{
    (void)state;
    return php_fpm_installed() ? 0 : program_missing("php-fpm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_post_behind_a_long_pause_runs_once),
        cmocka_unit_test(a_request_whose_worker_is_killed_is_not_repeated),
        cmocka_unit_test(posts_to_children_that_serve_three_run_once_each),
        cmocka_unit_test(posts_to_children_that_serve_fifty_run_once_each),
        cmocka_unit_test(
            with_one_child_the_second_request_waits_for_the_first_alone),
        cmocka_unit_test(eight_threads_share_four_children),
        cmocka_unit_test(slow_posts_cost_fast_gets_few_connections),
        cmocka_unit_test(five_hundred_calls_at_once_share_ten_children),
        cmocka_unit_test(two_thousand_calls_wait_for_few_descriptors),
        cmocka_unit_test(processes_that_are_done_starve_no_other),
    };
    return cmocka_run_group_tests(tests, group_begins, NULL);
}
