/*
 * Eight threads on one client, that ask, poll, cancel and run out of time,
 * while the process forks, and the client is closed and replaced again and
 * again. Every answer must be the asker's own. Run under ThreadSanitizer too.
 *
 * FCGI_TEST_REQUESTS says how many requests each thread makes.
 */
#define _POSIX_C_SOURCE 200809L

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcgi_client.h>

#include "app.h"
#include "ask.h"
#include "process.h"
#include "program.h"
#include "test.h"

#define THREADS 8
#define EACH 500

/* How often something happens to all of them. */
#define INCIDENTS 40

/* What the threads share. Who uses the client holds `use`, and has passed the
 * gate, which is shut while the client is replaced. */
struct crowd {
    struct fcgi_client *client;
    pthread_mutex_t gate;
    pthread_rwlock_t use;
    size_t each;
    atomic_size_t asked;
    sem_t incident; /* posted when it is time for one */
};

struct asker {
    struct crowd *crowd;
    pthread_t thread;
    size_t number;
    size_t closed;    /* requests that were refused, and made again */
    size_t cancelled; /* and those that had ended before that do not count */
    size_t too_late;
    size_t wrong; /* answers that were not its own */
    int rc;       /* the first code that has no reason */
    struct fcgi_response response;
};

/* ---- one request -------------------------------------------------------- */

/* The echo ends with the body. */
static void check_answer(struct asker *a, int rc, const char *body)
{
    const struct fcgi_slice *got = &a->response.body;
    size_t len = strlen(body);
    if (rc == FCGI_OK && (got->len < len ||
                          memcmp(got->data + got->len - len, body, len) != 0)) {
        a->wrong += 1;
    }
}

static int step(struct fcgi_call *call)
{
    unsigned events = fcgi_call_events(call);
    struct pollfd one = {fcgi_call_fd(call), 0, 0};
    one.events = (short)((events & FCGI_EVENT_READ ? POLLIN : 0) |
                         (events & FCGI_EVENT_WRITE ? POLLOUT : 0));
    (void)poll(&one, 1, fcgi_call_timeout_ms(call));
    return fcgi_call_advance(call);
}

/* Advance a call so many times, then cancel it if it has not ended. */
static int poll_a_while(struct asker *a, const struct fcgi_request *request,
                        size_t steps)
{
    struct fcgi_call *call;
    int rc = fcgi_call_start(&call, a->crowd->client, request, &a->response);
    if (rc != FCGI_OK) {
        return rc;
    }
    rc = fcgi_call_advance(call);
    for (size_t i = 0; i < steps && rc == FCGI_WAIT; i++) {
        rc = step(call);
    }
    if (rc == FCGI_WAIT) {
        fcgi_call_cancel(call);
        rc = fcgi_call_advance(call);
    }
    fcgi_call_free(call);
    return rc;
}

static int ask(struct asker *a, size_t nth)
{
    char body[40];
    struct fcgi_request request;
    int rc;
    (void)snprintf(body, sizeof(body), "%zu of thread %zu", nth, a->number);
    request = post_text(body);
    switch (nth % 16) {
    case 0:
        rc = poll_a_while(a, &request, nth / 16 % 4);
        break;
    case 5:
        rc = poll_a_while(a, &request, SIZE_MAX);
        break;
    case 10:
        request.timeouts.total_ms = 1;
        rc = fcgi_client_do(a->crowd->client, &request, &a->response);
        break;
    default:
        rc = fcgi_client_do(a->crowd->client, &request, &a->response);
    }
    check_answer(a, rc, body);
    return rc;
}

static void judge(struct asker *a, size_t nth, int rc)
{
    if (rc == FCGI_ERR_CANCELLED && nth % 16 == 0) {
        a->cancelled += 1;
    } else if (rc == FCGI_ERR_DEADLINE && nth % 16 == 10) {
        a->too_late += 1;
    } else if (a->rc == FCGI_OK) {
        a->rc = rc;
    }
}

/* ---- the threads -------------------------------------------------------- */

static int ask_inside(struct asker *a, size_t nth)
{
    struct crowd *crowd = a->crowd;
    (void)pthread_mutex_lock(&crowd->gate);
    (void)pthread_rwlock_rdlock(&crowd->use);
    (void)pthread_mutex_unlock(&crowd->gate);
    int rc = ask(a, nth);
    (void)pthread_rwlock_unlock(&crowd->use);
    return rc;
}

static void *run(void *argument)
{
    struct asker *a = argument;
    size_t pace = a->crowd->each * THREADS / INCIDENTS;
    for (size_t nth = 0; nth < a->crowd->each; nth++) {
        int rc = ask_inside(a, nth);
        while (rc == FCGI_ERR_POOL_CLOSED) {
            a->closed += 1;
            rc = ask_inside(a, nth);
        }
        judge(a, nth, rc);
        if ((atomic_fetch_add(&a->crowd->asked, 1) + 1) % pace == 0) {
            (void)sem_post(&a->crowd->incident);
        }
    }
    fcgi_response_free(&a->response);
    return NULL;
}

/* ---- what happens to them ----------------------------------------------- */

/* Whatever lock another thread holds, a child begins anew. It starts no thread,
 * which ThreadSanitizer would not allow. */
static void fork_amid_requests(struct crowd *crowd)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct fcgi_pool *pool = fcgi_client_pool(crowd->client);
        struct fcgi_connection *connection;
        bool reused = true;
        (void)alarm(60);
        if (fcgi_pool_get(pool, &connection, &reused) != FCGI_OK || reused) {
            _exit(1);
        }
        fcgi_pool_discard(pool, connection);
        /* It ends well this way, since a checker of leaks would find the
         * stacks of the parent's threads. */
        (void)raise(SIGKILL);
    }
    int status = await_exit(pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static struct fcgi_client *make_client(const struct app *app)
{
    /* Few connections, which live briefly. */
    struct fcgi_client_config config = {.pool = {.max_open = 6,
                                                 .max_idle = 4,
                                                 .max_requests = 100,
                                                 .idle_timeout_ms = 1}};
    struct fcgi_client *client;
    assert_code(fcgi_client_new(&client, app_address(app), &config), FCGI_OK);
    return client;
}

static void free_client(struct fcgi_client *client)
{
    struct fcgi_pool_stats stats = stats_of(client);
    assert_int_equal(stats.open, stats.idle);
    assert_int_equal(stats.waiting, 0);
    fcgi_client_free(client);
}

/* Closed while all use it, replaced when none does. */
static void replace_client(struct crowd *crowd, const struct app *app)
{
    fcgi_client_close(crowd->client);
    (void)pthread_mutex_lock(&crowd->gate);
    (void)pthread_rwlock_wrlock(&crowd->use);
    free_client(crowd->client);
    crowd->client = make_client(app);
    (void)pthread_rwlock_unlock(&crowd->use);
    (void)pthread_mutex_unlock(&crowd->gate);
}

static void let_things_happen(struct crowd *crowd, const struct app *app)
{
    for (size_t i = 0; i < INCIDENTS; i++) {
        while (sem_wait(&crowd->incident) != 0) {
        }
        if (i % 2 == 0) {
            fork_amid_requests(crowd);
        } else {
            replace_client(crowd, app);
        }
    }
}

/* ---- all of it ---------------------------------------------------------- */

static void begin(struct crowd *crowd, struct asker *askers)
{
    assert_int_equal(pthread_mutex_init(&crowd->gate, NULL), 0);
    assert_int_equal(pthread_rwlock_init(&crowd->use, NULL), 0);
    assert_int_equal(sem_init(&crowd->incident, 0, 0), 0);
    crowd->each = requests_wanted(EACH);
    assert_true(crowd->each >= INCIDENTS);
    for (size_t i = 0; i < THREADS; i++) {
        askers[i].crowd = crowd;
        askers[i].number = i;
        assert_int_equal(
            pthread_create(&askers[i].thread, NULL, run, &askers[i]), 0);
    }
}

static void end(struct crowd *crowd, struct asker *askers)
{
    size_t cancelled = 0, too_late = 0, closed = 0;
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        assert_code(askers[i].rc, FCGI_OK);
        assert_int_equal(askers[i].wrong, 0);
        cancelled += askers[i].cancelled;
        too_late += askers[i].too_late;
        closed += askers[i].closed;
    }
    print_message("%zu requests of %d threads: %zu cancelled, %zu too late, "
                  "%zu refused by a closed client, %d forks\n",
                  crowd->each * THREADS, THREADS, cancelled, too_late, closed,
                  INCIDENTS / 2);
    pthread_mutex_destroy(&crowd->gate);
    pthread_rwlock_destroy(&crowd->use);
    sem_destroy(&crowd->incident);
}

static void each_gets_its_own_answer_whatever_happens(void **state)
{
    (void)state;
    struct asker askers[THREADS] = {{0}};
    struct crowd crowd = {0};
    size_t before = open_descriptors();
    char *path = program_built("fcgi-echo");
    if (path == NULL) {
        skip();
    }
    struct app *app = app_start(path, false);
    crowd.client = make_client(app);
    begin(&crowd, askers);
    let_things_happen(&crowd, app);
    end(&crowd, askers);
    free_client(crowd.client);
    app_stop(app);
    free(path);
    assert_int_equal(open_descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gets_its_own_answer_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
