/*
 * Two applications that HAProxy spreads connections over, one of which ends
 * while four threads ask: balancing is left to those who can do it, and the
 * loss of an application costs no request that can be repeated.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <fcgi_client.h>

#include "ask.h"
#include "fake.h"
#include "process.h"
#include "program.h"
#include "temp.h"

#define BALANCER "/usr/sbin/haproxy"
#define SKIPPED 77
#define THREADS 4
#define PATIENCE_MS 30000

/* HAProxy, and the folder with its socket. */
struct balancer {
    struct temp *folder;
    struct program *program;
    char *socket;
    char address[200];
};

/* What the threads share. */
struct crowd {
    struct fcgi_client *client;
    pthread_mutex_t lock;
    size_t answers;
    char failure[200]; /* the first */
    bool stop;
};

/*
 * HAProxy.
 */

static void write_config(const char *path, const char *socket,
                         struct fake *const apps[2])
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    (void)fprintf(out, "defaults\n mode tcp\n retries 3\n option redispatch 1\n"
                       " timeout connect 2s\n timeout client 1m\n"
                       " timeout server 1m\n");
    (void)fprintf(out, "listen one\n bind unix@%s\n balance roundrobin\n",
                  socket);
    for (int i = 0; i < 2; i++) {
        const char *address = fake_address(apps[i]);
        (void)fprintf(out, " server app%d unix@%s\n", i,
                      address + strlen("unix:"));
    }
    assert_int_equal(fclose(out), 0);
}

static bool listens(void *context)
{
    const struct balancer *balancer = context;
    return access(balancer->socket, F_OK) == 0;
}

static void start_balancer(struct balancer *balancer,
                           struct fake *const apps[2])
{
    balancer->folder = temp_new();
    balancer->socket = temp_path(balancer->folder, "socket");
    char *config = temp_path(balancer->folder, "config");
    write_config(config, balancer->socket, apps);
    const char *const arguments[] = {"-db", "-q", "-f", config, NULL};
    struct program_spec spec = {.path = BALANCER, .arguments = arguments};
    balancer->program = program_start(&spec);
    assert_true(
        program_await(balancer->program, PATIENCE_MS, listens, balancer));
    (void)snprintf(balancer->address, sizeof(balancer->address), "unix:%s",
                   balancer->socket);
    free(config);
}

static void stop_balancer(struct balancer *balancer)
{
    program_stop(balancer->program);
    temp_free(balancer->folder);
    free(balancer->socket);
}

/*
 * The threads.
 */

/* Count one answer; whether to go on. */
static bool note(struct crowd *crowd, int rc,
                 const struct fcgi_response *response)
{
    const struct fcgi_outcome *outcome = &response->outcome;
    bool echoed = rc == FCGI_OK && response->status == 200 &&
                  strstr(response->body.data, "body") != NULL;
    (void)pthread_mutex_lock(&crowd->lock);
    crowd->answers += 1;
    if (!echoed) {
        (void)snprintf(crowd->failure, sizeof(crowd->failure),
                       "%s, status %d, reused %d, retried %d",
                       fcgi_error_name(rc), response->status, outcome->reused,
                       outcome->retried);
    }
    bool more = !crowd->stop && crowd->failure[0] == '\0';
    (void)pthread_mutex_unlock(&crowd->lock);
    return more;
}

static void *run_asker(void *context)
{
    struct crowd *crowd = context;
    const struct fcgi_request request = put_text("body");
    struct fcgi_response response = {0};
    int rc;
    do {
        rc = fcgi_client_do(crowd->client, &request, &response);
    } while (note(crowd, rc, &response));
    fcgi_response_free(&response);
    return NULL;
}

/* Wait for so many more answers; a failure ends the waiting too. */
static void await_answers(struct crowd *crowd, size_t more)
{
    (void)pthread_mutex_lock(&crowd->lock);
    size_t until = crowd->answers + more;
    bool done = false;
    for (int64_t since = now_ms(); !done && now_ms() < since + PATIENCE_MS;) {
        (void)pthread_mutex_unlock(&crowd->lock);
        pass_ms(5);
        (void)pthread_mutex_lock(&crowd->lock);
        done = crowd->answers >= until || crowd->failure[0] != '\0';
    }
    (void)pthread_mutex_unlock(&crowd->lock);
    assert_true(done);
}

/* The threads go on until one of them has met a connection that has died. */
static void await_loss(struct crowd *crowd)
{
    struct fcgi_pool_stats stats;
    int64_t since = now_ms();
    do {
        pass_ms(5);
        stats = stats_of(crowd->client);
    } while (stats.retries + stats.stale == 0 &&
             now_ms() < since + PATIENCE_MS);
    assert_true(stats.retries + stats.stale > 0);
}

static void run_crowd(struct crowd *crowd, pthread_t *threads)
{
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, run_asker, crowd),
                         0);
    }
}

static void end_crowd(struct crowd *crowd, pthread_t *threads)
{
    (void)pthread_mutex_lock(&crowd->lock);
    crowd->stop = true;
    (void)pthread_mutex_unlock(&crowd->lock);
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    if (crowd->failure[0] != '\0') {
        fail_msg("%s", crowd->failure);
    }
}

static void the_loss_of_an_application_costs_no_request(void **state)
{
    struct fake *apps[2] = {fake_serve(FAKE_UNIX), fake_serve(FAKE_UNIX)};
    struct crowd crowd = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct balancer balancer;
    pthread_t threads[THREADS];
    (void)state;
    start_balancer(&balancer, apps);
    assert_code(fcgi_client_new(&crowd.client, balancer.address, NULL),
                FCGI_OK);
    run_crowd(&crowd, threads);
    fake_await(apps[0], FAKE_ANSWERED, 100);
    fake_await(apps[1], FAKE_ANSWERED, 100);
    fake_stop(apps[0]);
    await_loss(&crowd);
    await_answers(&crowd, 500);
    end_crowd(&crowd, threads);
    fcgi_client_free(crowd.client);
    stop_balancer(&balancer);
    fake_stop(apps[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loss_of_an_application_costs_no_request),
    };
    if (!program_exists(BALANCER)) {
        (void)puts("skipped: there is no " BALANCER);
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
