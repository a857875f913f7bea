/*
 * Wake-ups where threads share a client: hosts that poll one call each, event
 * loops with a wake-up of their own, and threads that wait for themselves.
 */
#define _POSIX_C_SOURCE 200809L

#include <poll.h>

#include "busy.h"
#include "host.h"
#include "process.h"

/* What nobody wakes fails in the end. */
#define LIMIT_MS 20000

/* A thread that makes so many requests, or fails. */
struct worker {
    struct fcgi_client *client;
    size_t requests;
    int rc;
};

static struct worker *begin_worker(void **state, void *(*work)(void *worker),
                                   size_t requests)
{
    struct fixture *f = *state;
    struct worker *worker = fixture_alloc(state, sizeof(*worker));
    worker->client = f->client;
    worker->requests = requests;
    fixture_thread(state, work, worker);
    return worker;
}

/* A host that knows of one call, and polls that alone. */
static void *be_a_lone_host(void *argument)
{
    struct worker *host = argument;
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    request.timeouts.total_ms = LIMIT_MS;
    for (size_t i = 0; i < host->requests && host->rc == FCGI_OK; i++) {
        struct fcgi_call *call;
        host->rc = fcgi_call_start(&call, host->client, &request, &response);
        if (host->rc == FCGI_OK) {
            host->rc = host_run_beside(call);
            fcgi_call_free(call);
        }
    }
    fcgi_response_free(&response);
    return NULL;
}

static void hosts_that_poll_one_call_each_get_their_turns(void **state)
{
    struct worker *hosts[4];
    struct busy *b = busy_begin(state, 1);
    size_t before = open_descriptors();
    hosts[0] = begin_worker(state, be_a_lone_host, 1);
    hosts[1] = begin_worker(state, be_a_lone_host, 1);
    await_waiting(b->f->pool, 2);
    assert_int_equal(open_descriptors(), before + 2);
    busy_put(b, 0);
    fixture_join(state);
    hosts[2] = begin_worker(state, be_a_lone_host, 40);
    hosts[3] = begin_worker(state, be_a_lone_host, 40);
    fixture_join(state);
    for (size_t i = 0; i < 4; i++) {
        assert_code(hosts[i]->rc, FCGI_OK);
    }
    assert_int_equal(stats_of_pool(b->f->pool).dials, 1);
}

/* An event loop in a thread, with a wake-up of its own. */
#define LOOP_CALLS 4
#define LOOP_REQUESTS 50

struct loop {
    struct fcgi_client *client;
    struct fcgi_wakeup *wakeup;
    struct fcgi_call *calls[LOOP_CALLS];
    struct fcgi_response responses[LOOP_CALLS];
    struct pollfd watched[LOOP_CALLS + 1];
    bool due[LOOP_CALLS];
    size_t begun;
    size_t done;
    int rc; /* of the first that failed */
};

static void begin_due_call(struct loop *loop, size_t i)
{
    struct fcgi_request request = get_request();
    request.wakeup = loop->wakeup;
    request.timeouts.total_ms = LIMIT_MS;
    loop->due[i] = loop->begun < LOOP_REQUESTS && loop->rc == FCGI_OK;
    if (loop->due[i]) {
        loop->begun += 1;
        (void)fcgi_call_start(&loop->calls[i], loop->client, &request,
                              &loop->responses[i]);
    }
}

/* Goes on with each call that is due, and with the next in its place. */
static void advance_due_calls(struct loop *loop)
{
    for (size_t i = 0; i < LOOP_CALLS; i++) {
        int rc = loop->due[i] ? fcgi_call_advance(loop->calls[i]) : FCGI_WAIT;
        loop->due[i] = false;
        if (rc != FCGI_WAIT) {
            loop->rc = loop->rc == FCGI_OK ? rc : loop->rc;
            loop->done += 1;
            fcgi_call_free(loop->calls[i]);
            loop->calls[i] = NULL;
            begin_due_call(loop, i);
        }
    }
}

static int watch_all(struct loop *loop)
{
    int timeout = -1;
    loop->watched[LOOP_CALLS] =
        (struct pollfd){fcgi_wakeup_fd(loop->wakeup), POLLIN, 0};
    for (size_t i = 0; i < LOOP_CALLS; i++) {
        int own = loop->due[i] ? 0 : fcgi_call_timeout_ms(loop->calls[i]);
        unsigned events = fcgi_call_events(loop->calls[i]);
        short wanted = events & FCGI_EVENT_WRITE ? POLLIN | POLLOUT : POLLIN;
        loop->watched[i] =
            (struct pollfd){fcgi_call_fd(loop->calls[i]), wanted, 0};
        if (loop->calls[i] != NULL && own >= 0) {
            timeout = timeout < 0 || own < timeout ? own : timeout;
        }
    }
    return timeout;
}

/* A call that waits for its turn has its wake-up alone to make it due. */
static void note_due_calls(struct loop *loop)
{
    struct fcgi_call *call = fcgi_wakeup_next(loop->wakeup);
    for (size_t i = 0; i < LOOP_CALLS; i++) {
        loop->due[i] = loop->calls[i] != NULL &&
                       (loop->due[i] || loop->watched[i].revents != 0 ||
                        fcgi_call_timeout_ms(loop->calls[i]) == 0);
    }
    for (; call != NULL; call = fcgi_wakeup_next(loop->wakeup)) {
        for (size_t i = 0; i < LOOP_CALLS; i++) {
            loop->due[i] = loop->due[i] || loop->calls[i] == call;
        }
    }
}

static void *run_loop(void *argument)
{
    struct loop *loop = argument;
    for (size_t i = 0; i < LOOP_CALLS; i++) {
        begin_due_call(loop, i);
    }
    while (loop->done < loop->begun) {
        (void)host_poll(loop->watched, LOOP_CALLS + 1, watch_all(loop));
        note_due_calls(loop);
        advance_due_calls(loop);
    }
    for (size_t i = 0; i < LOOP_CALLS; i++) {
        fcgi_response_free(&loop->responses[i]);
    }
    return NULL;
}

static void *ask_often(void *argument)
{
    struct worker *asker = argument;
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    request.timeouts.total_ms = LIMIT_MS;
    for (size_t i = 0; i < asker->requests && asker->rc == FCGI_OK; i++) {
        asker->rc = fcgi_client_do(asker->client, &request, &response);
    }
    fcgi_response_free(&response);
    return NULL;
}

/* Every call is served, and no loop is woken without end. */
static void loops_and_threads_share_a_client_of_two_connections(void **state)
{
    struct worker *hosts[2];
    struct worker *askers[2];
    struct busy *b = busy_begin(state, 2);
    struct loop *loops = fixture_alloc(state, 2 * sizeof(*loops));
    for (size_t i = 0; i < 2; i++) {
        loops[i].client = b->f->client;
        loops[i].wakeup = busy_wakeup(b);
        fixture_thread(state, run_loop, &loops[i]);
        askers[i] = begin_worker(state, ask_often, LOOP_REQUESTS);
        hosts[i] = begin_worker(state, be_a_lone_host, LOOP_REQUESTS);
    }
    busy_put(b, 0);
    busy_put(b, 1);
    fixture_join(state);
    for (size_t i = 0; i < 2; i++) {
        assert_code(hosts[i]->rc, FCGI_OK);
        assert_code(askers[i]->rc, FCGI_OK);
        assert_code(loops[i].rc, FCGI_OK);
        busy_assert_quiet(loops[i].wakeup);
    }
    assert_int_equal(fake_count(b->f->app, FAKE_ANSWERED), 6 * LOOP_REQUESTS);
    assert_int_equal(stats_of_pool(b->f->pool).waiting, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(hosts_that_poll_one_call_each_get_their_turns),
        fixture_test(loops_and_threads_share_a_client_of_two_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
