/*
 * Eight threads that share one client of a PHP-FPM whose children come and go
 * all the time, which is reloaded, ended and started again, or which has fewer
 * children than there are threads. Every answer must be the asker's own.
 */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcgi_client.h>

#include "ask.h"
#include "php_fpm.h"
#include "process.h"
#include "program.h"

#define THREADS 8

/* Of each thread, where FCGI_TEST_REQUESTS does not say: each third request
 * costs PHP-FPM a child. */
#define MANY 60

/* How long may pass until a reload has replaced all children. */
#define RELOAD_MS 30000

/* What the threads share. */
struct crowd {
    struct fcgi_client *client;
    char *script;
    size_t each;  /* requests of a thread; 0: until told to stop */
    int expected; /* what every request must return */
    int64_t began;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    size_t done; /* requests */
    bool stop;
};

/* One thread. What went wrong first is kept for the main thread to tell, since
 * cmocka's assertions work only there. */
struct asker {
    struct crowd *crowd;
    pthread_t thread;
    size_t number;
    size_t failures;
    size_t retried;
    char first[300];
    struct fcgi_response response;
};

static void fail_request(struct asker *a, const char *token, int rc)
{
    const struct fcgi_response *r = &a->response;
    if (a->failures++ > 0) {
        return;
    }
    (void)snprintf(a->first, sizeof(a->first),
                   "%s: %s (%s), phase %d, reused %d, retried %d, status %d, "
                   "body \"%.60s\"",
                   token, fcgi_error_name(rc),
                   strerror(r->outcome.system_error), (int)r->outcome.phase,
                   r->outcome.reused, r->outcome.retried, r->status,
                   r->body.data != NULL ? r->body.data : "");
}

static bool is_own(const struct fcgi_response *response, const char *token,
                   const char *expected)
{
    const char *field = fcgi_response_field(response, "X-Token", 0);
    return response->status == 200 && field != NULL &&
           strcmp(field, token) == 0 &&
           response->body.len == strlen(expected) &&
           memcmp(response->body.data, expected, response->body.len) == 0;
}

/* token.php answers with the token, a newline and the body. */
static void ask_once(struct asker *a, size_t nth)
{
    const struct crowd *crowd = a->crowd;
    char token[40];
    char answer[100];
    char length[24];
    (void)snprintf(token, sizeof(token), "thread%zu-%zu", a->number, nth);
    (void)snprintf(answer, sizeof(answer), "%s\nbody of %s", token, token);
    const char *body = strchr(answer, '\n') + 1;
    (void)snprintf(length, sizeof(length), "%zu", strlen(body));
    const struct fcgi_param params[] = {
        FCGI_PARAM("SCRIPT_FILENAME", crowd->script),
        FCGI_PARAM("REQUEST_METHOD", "POST"),
        FCGI_PARAM("CONTENT_LENGTH", length),
        FCGI_PARAM("CONTENT_TYPE", "text/plain"),
        FCGI_PARAM("TEST_TOKEN", token),
    };
    const struct fcgi_request request = {
        .params = params,
        .param_count = sizeof(params) / sizeof(params[0]),
        .retry = FCGI_RETRY_STALE, /* so that connections are reused */
        .body = {.data = body, .len = strlen(body)}};
    int rc = fcgi_client_do(crowd->client, &request, &a->response);
    a->retried += a->response.outcome.retried;
    if (rc != crowd->expected ||
        (rc == FCGI_OK && !is_own(&a->response, token, answer))) {
        fail_request(a, token, rc);
    }
}

/* Count one more; whether to go on. */
static bool moved_on(struct crowd *crowd)
{
    (void)pthread_mutex_lock(&crowd->lock);
    crowd->done++;
    bool more = !crowd->stop;
    (void)pthread_cond_signal(&crowd->moved);
    (void)pthread_mutex_unlock(&crowd->lock);
    return more;
}

static void *run_asker(void *context)
{
    struct asker *a = context;
    bool more = true;
    for (size_t i = 0; more && (a->crowd->each == 0 || i < a->crowd->each);
         i++) {
        ask_once(a, i);
        more = moved_on(a->crowd);
    }
    fcgi_response_free(&a->response);
    return NULL;
}

static void await_requests(struct crowd *crowd, size_t more)
{
    (void)pthread_mutex_lock(&crowd->lock);
    size_t until = crowd->done + more;
    while (crowd->done < until) {
        (void)pthread_cond_wait(&crowd->moved, &crowd->lock);
    }
    (void)pthread_mutex_unlock(&crowd->lock);
}

static void crowd_begin(struct crowd *crowd, struct asker askers[THREADS])
{
    crowd->began = now_ms();
    crowd->stop = false;
    memset(askers, 0, THREADS * sizeof(*askers));
    for (size_t i = 0; i < THREADS; i++) {
        askers[i].crowd = crowd;
        askers[i].number = i;
        assert_int_equal(
            pthread_create(&askers[i].thread, NULL, run_asker, &askers[i]), 0);
    }
}

static void print_stats(const struct crowd *crowd)
{
    struct fcgi_pool_stats stats = stats_of(crowd->client);
    print_message("after %zu requests, the last of them in %" PRId64
                  " ms: %" PRIu64 " dials, %" PRIu64 " reuses, %" PRIu64
                  " stale, %" PRIu64 " retries\n",
                  crowd->done, now_ms() - crowd->began, stats.dials,
                  stats.reuses, stats.stale, stats.retries);
}

/* Wait for all threads; returns how many of their requests were retried. */
static size_t crowd_end(struct crowd *crowd, struct asker askers[THREADS])
{
    size_t failures = 0;
    size_t retried = 0;
    (void)pthread_mutex_lock(&crowd->lock);
    crowd->stop = crowd->each == 0;
    (void)pthread_mutex_unlock(&crowd->lock);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        failures += askers[i].failures;
        retried += askers[i].retried;
        if (askers[i].failures > 0) {
            print_error("%s\n", askers[i].first);
        }
    }
    print_stats(crowd);
    assert_int_equal(failures, 0);
    return retried;
}

/* All threads ask `each` times, and each time get what is expected. */
static size_t crowd_asks(struct crowd *crowd, size_t each, int expected)
{
    struct asker askers[THREADS];
    crowd->each = each;
    crowd->expected = expected;
    crowd_begin(crowd, askers);
    return crowd_end(crowd, askers);
}

static void crowd_open(struct crowd *crowd, const struct php_fpm *fpm,
                       const struct fcgi_client_config *config)
{
    memset(crowd, 0, sizeof(*crowd));
    crowd->script = php_fpm_script("token.php");
    assert_int_equal(pthread_mutex_init(&crowd->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&crowd->moved, NULL), 0);
    assert_code(fcgi_client_new(&crowd->client, php_fpm_address(fpm), config),
                FCGI_OK);
}

static void crowd_close(struct crowd *crowd)
{
    fcgi_client_free(crowd->client);
    (void)pthread_cond_destroy(&crowd->moved);
    (void)pthread_mutex_destroy(&crowd->lock);
    free(crowd->script);
}

/* The group's state: where the PHP-FPM of each test listens. */
static bool on_tcp(void **state)
{
    const bool *tcp = *state;
    if (!php_fpm_installed()) {
        skip();
    }
    return *tcp;
}

static void children_that_serve_three_requests_fail_none(void **state)
{
    struct php_fpm_options options = {
        .tcp = on_tcp(state), .max_children = THREADS, .max_requests = 3};
    struct php_fpm *fpm = php_fpm_start(&options);
    struct crowd crowd;
    size_t each = requests_wanted(MANY);
    crowd_open(&crowd, fpm, NULL);
    size_t retried = crowd_asks(&crowd, each, FCGI_OK);
    struct fcgi_pool_stats stats = stats_of(crowd.client);
    assert_int_equal(stats.retries, retried);
    assert_true(stats.dials >= THREADS * each / 3);
    assert_int_equal(stats.open, stats.idle);
    crowd_close(&crowd);
    php_fpm_stop(fpm);
}

/* Told how many requests a child serves, the client meets a dead one only where
 * a connection was closed for another request, so that its child went on to the
 * next with fewer left. */
static void a_pool_that_knows_max_requests_retries_nothing(void **state)
{
    struct php_fpm_options options = {
        .tcp = on_tcp(state), .max_children = THREADS, .max_requests = 3};
    struct fcgi_client_config config = {.pool = {.max_requests = 3}};
    struct php_fpm *fpm = php_fpm_start(&options);
    struct crowd crowd;
    crowd_open(&crowd, fpm, &config);
    size_t retried = crowd_asks(&crowd, requests_wanted(MANY) / 2, FCGI_OK);
    struct fcgi_pool_stats stats = stats_of(crowd.client);
    assert_in_range(retried, 0, stats.rescues);
    assert_in_range(stats.stale, 0, stats.rescues);
    crowd_close(&crowd);
    php_fpm_stop(fpm);
}

/* The children end after the request they are at, and with them all the
 * connections there were; of those, some may not be needed again. */
static void a_reload_amid_the_requests_fails_none(void **state)
{
    struct php_fpm_options options = {.tcp = on_tcp(state),
                                      .max_children = THREADS};
    struct php_fpm *fpm = php_fpm_start(&options);
    struct asker askers[THREADS];
    struct crowd crowd;
    crowd_open(&crowd, fpm, NULL);
    crowd_begin(&crowd, askers);
    await_requests(&crowd, 1000);
    struct fcgi_pool_stats before = stats_of(crowd.client);
    int64_t until = now_ms() + RELOAD_MS;
    php_fpm_reload(fpm);
    while (stats_of(crowd.client).stale == before.stale && now_ms() < until) {
        await_requests(&crowd, 1);
    }
    await_requests(&crowd, 1000);
    (void)crowd_end(&crowd, askers);
    assert_true(now_ms() < until);
    crowd_close(&crowd);
    php_fpm_stop(fpm);
}

static void only_requests_while_it_is_down_fail(void **state)
{
    struct php_fpm_options options = {.tcp = on_tcp(state),
                                      .max_children = THREADS};
    struct php_fpm *fpm = php_fpm_start(&options);
    struct crowd crowd;
    crowd_open(&crowd, fpm, NULL);
    (void)crowd_asks(&crowd, 100, FCGI_OK);
    assert_true(stats_of(crowd.client).idle > 0);
    php_fpm_down(fpm);
    (void)crowd_asks(&crowd, 10, FCGI_ERR_CONNECT);
    php_fpm_up(fpm);
    (void)crowd_asks(&crowd, 100, FCGI_OK);
    crowd_close(&crowd);
    php_fpm_stop(fpm);
}

/* The connections kept idle are those of the PHP-FPM that is no more. */
static void a_restart_between_requests_fails_none(void **state)
{
    struct php_fpm_options options = {.tcp = on_tcp(state),
                                      .max_children = THREADS};
    struct php_fpm *fpm = php_fpm_start(&options);
    struct crowd crowd;
    crowd_open(&crowd, fpm, NULL);
    for (int i = 0; i < 3; i++) {
        (void)crowd_asks(&crowd, 100, FCGI_OK);
        php_fpm_down(fpm);
        php_fpm_up(fpm);
    }
    (void)crowd_asks(&crowd, 100, FCGI_OK);
    assert_true(stats_of(crowd.client).stale > 0);
    crowd_close(&crowd);
    php_fpm_stop(fpm);
}

static void a_capped_pool_serves_more_threads_than_children(void **state)
{
    struct php_fpm_options options = {.tcp = on_tcp(state), .max_children = 2};
    struct fcgi_client_config config = {.pool = {.max_open = 2}};
    struct php_fpm *fpm = php_fpm_start(&options);
    struct crowd crowd;
    crowd_open(&crowd, fpm, &config);
    (void)crowd_asks(&crowd, 500, FCGI_OK);
    assert_true(stats_of(crowd.client).dials <= 2);
    crowd_close(&crowd);
    php_fpm_stop(fpm);
}

static void a_capped_pool_copes_with_children_that_go(void **state)
{
    struct php_fpm_options options = {
        .tcp = on_tcp(state), .max_children = 2, .max_requests = 3};
    struct fcgi_client_config config = {.pool = {.max_open = 2}};
    struct php_fpm *fpm = php_fpm_start(&options);
    struct crowd crowd;
    crowd_open(&crowd, fpm, &config);
    (void)crowd_asks(&crowd, MANY / 2, FCGI_OK);
    crowd_close(&crowd);
    php_fpm_stop(fpm);
}

static int begin(void **state, bool tcp)
{
    static bool choice;
    choice = tcp;
    *state = &choice;
    return php_fpm_installed() ? 0 : program_missing("php-fpm");
}

static int begin_on_unix(void **state)
{
    return begin(state, false);
}

static int begin_on_tcp(void **state)
{
    return begin(state, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_that_serve_three_requests_fail_none),
        cmocka_unit_test(a_pool_that_knows_max_requests_retries_nothing),
        cmocka_unit_test(a_reload_amid_the_requests_fails_none),
        cmocka_unit_test(only_requests_while_it_is_down_fail),
        cmocka_unit_test(a_restart_between_requests_fails_none),
        cmocka_unit_test(a_capped_pool_serves_more_threads_than_children),
        cmocka_unit_test(a_capped_pool_copes_with_children_that_go),
    };
    int failed = cmocka_run_group_tests_name("threads, Unix socket", tests,
                                             begin_on_unix, NULL);
    failed +=
        cmocka_run_group_tests_name("threads, TCP", tests, begin_on_tcp, NULL);
    return failed;
}
