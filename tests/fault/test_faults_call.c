/*
 * Pollable calls, while every call to the system and to the allocator fails in
 * turn (fault_sweep.h). What the host does itself, such as to poll, is spared.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <fcgi_client.h>
#include <fcgi_client/io.h>

#include "ask.h"
#include "fault_sweep.h"
#include "host.h"
#include "pattern.h"
#include "test.h"

#define LARGE 100000

/* ---- a host ------------------------------------------------------------- */

static int begin(struct stage *stage, struct fcgi_call **call)
{
    int rc =
        fcgi_call_start(call, stage->client, &stage->request, &stage->response);
    assert_int_equal(*call == NULL, rc != FCGI_OK);
    return rc == FCGI_OK ? fcgi_call_advance(*call) : rc;
}

/* Wait as the call tells, which is no business of the library's. */
static void await(struct fcgi_call *call, int limit_ms)
{
    bool exposed = faults_expose(false);
    host_await(call, limit_ms);
    (void)faults_expose(exposed);
}

static int go_on(struct fcgi_call *call)
{
    await(call, -1);
    return fcgi_call_advance(call);
}

/* Go on to the end. What has ended stays so. */
static int finish(struct fcgi_call *call, int rc)
{
    while (rc == FCGI_WAIT) {
        rc = go_on(call);
    }
    if (call != NULL) {
        assert_code(fcgi_call_advance(call), rc);
        fcgi_call_free(call);
    }
    return rc;
}

static int ask(struct stage *stage)
{
    struct fcgi_call *call;
    int rc = begin(stage, &call);
    return finish(call, rc);
}

/* ---- connections -------------------------------------------------------- */

static const struct fake_step stale[] = {FAKE_ACCEPT, FAKE_SERVE_TIMES(1),
                                         FAKE_CLOSE, FAKE_ACCEPT, FAKE_SERVE};

static void make_stale(struct stage *stage)
{
    (void)ask_hello(stage->client);
    fake_await(stage->app, FAKE_CLOSED, 1);
}

/* The idle connection yields to the one that is dialled. */
static void warm_and_post(struct stage *stage)
{
    (void)ask_hello(stage->client);
    stage->request = post_text("body");
}

static struct fcgi_connection *only;

#define ONE_ONLY .config = {.pool = {.max_open = 1}}

static void take_only(struct stage *stage)
{
    only = take(fcgi_client_pool(stage->client));
}

static void give_back(struct stage *stage)
{
    fcgi_pool_put(fcgi_client_pool(stage->client), only);
    only = NULL;
}

/* The host gives the connection back that its call waits for. */
static int ask_and_give_back(struct stage *stage)
{
    struct fcgi_call *call;
    int rc = begin(stage, &call);
    give_back(stage);
    return finish(call, rc);
}

/* Nothing fails any more: what could not be opened for the first call is opened
 * for the second. */
static void assert_the_next_waits_well(struct stage *stage)
{
    take_only(stage);
    assert_code(ask_and_give_back(stage), FCGI_OK);
}

static bool is_woken(const struct fcgi_wakeup *wakeup)
{
    bool exposed = faults_expose(false);
    bool ready = host_ready(fcgi_wakeup_fd(wakeup), FCGI_EVENT_READ);
    (void)faults_expose(exposed);
    return ready;
}

/* Its turn is told by a wake-up of the host's own. */
static int ask_with_a_wakeup(struct stage *stage)
{
    struct fcgi_wakeup *wakeup;
    struct fcgi_call *call = NULL;
    int rc = fcgi_wakeup_new(&wakeup, stage->client);
    assert_int_equal(wakeup == NULL, rc != FCGI_OK);
    if (rc == FCGI_OK) {
        stage->request.wakeup = wakeup;
        rc = begin(stage, &call);
    }
    give_back(stage);
    if (rc == FCGI_WAIT) {
        assert_true(is_woken(wakeup));
        assert_ptr_equal(fcgi_wakeup_next(wakeup), call);
        rc = fcgi_call_advance(call);
    }
    rc = finish(call, rc);
    fcgi_wakeup_free(wakeup);
    return rc;
}

static int ask_and_close(struct stage *stage)
{
    struct fcgi_call *call;
    int rc = begin(stage, &call);
    fcgi_client_close(stage->client);
    stage->closed = true;
    return finish(call, rc);
}

static int wait_and_leave(struct stage *stage)
{
    struct fcgi_call *call;
    int rc = begin(stage, &call);
    fcgi_call_cancel(call);
    return finish(call, rc == FCGI_WAIT ? fcgi_call_advance(call) : rc);
}

/* ---- cancelling --------------------------------------------------------- */

static const struct fake_step silent[] = {FAKE_ACCEPT, FAKE_READ_REQUEST,
                                          FAKE_PAUSE,  FAKE_CLOSE,
                                          FAKE_ACCEPT, FAKE_SERVE};

/* Whatever has become of it by then. */
static int ask_and_cancel(struct stage *stage)
{
    struct fcgi_call *call;
    int rc = begin(stage, &call);
    while (rc == FCGI_WAIT && fcgi_call_timeout_ms(call) == 0) {
        rc = fcgi_call_advance(call);
    }
    fcgi_call_cancel(call);
    return finish(call, rc == FCGI_WAIT ? fcgi_call_advance(call) : rc);
}

static int ask_and_free(struct stage *stage)
{
    struct fcgi_call *call;
    int rc = begin(stage, &call);
    fcgi_call_free(call);
    return rc == FCGI_WAIT ? stage->response.outcome.error : rc;
}

/* ---- pausing ------------------------------------------------------------ */

static const struct fake_step large[] = {
    FAKE_ACCEPT,      FAKE_READ_REQUEST, FAKE_STDOUT("A: 1\r\n\r\n"),
    FAKE_BODY(LARGE), FAKE_STDOUT(""),   FAKE_END(WIRE_COMPLETE),
    FAKE_SERVE,       FAKE_ACCEPT,       FAKE_SERVE};

/* A sink that takes half of what it is offered, each time. */
struct hesitant {
    uint64_t at;
    bool wrong;
};

static struct hesitant hesitant;

static int take_half(void *context, const void *data, size_t *len)
{
    struct hesitant *h = context;
    *len = (*len + 1) / 2;
    h->wrong = h->wrong || !pattern_matches(data, h->at, *len);
    h->at += *len;
    return 0;
}

static void take_by_halves(struct stage *stage)
{
    hesitant = (struct hesitant){0};
    stage->request.sink.body = take_half;
    stage->request.sink.context = &hesitant;
}

static int ask_and_resume(struct stage *stage)
{
    struct fcgi_call *call;
    int rc = begin(stage, &call);
    while (rc == FCGI_WAIT) {
        bool paused = fcgi_call_events(call) == 0;
        rc = paused ? fcgi_call_resume(call) : go_on(call);
    }
    assert_false(hesitant.wrong);
    assert_true(rc != FCGI_OK || hesitant.at == LARGE);
    return finish(call, rc);
}

/* ---- uploading ---------------------------------------------------------- */

static struct fcgi_fd_state fd_state;

/* It does not block: else a poll() that is wrong would hang the reader. */
static void give_pipe(struct stage *stage)
{
    assert_int_equal(pipe(stage->fds), 0);
    assert_int_equal(fcntl(stage->fds[0], F_SETFL, O_NONBLOCK), 0);
    stage->request = post_request(fcgi_fd_source(&fd_state, stage->fds[0]));
}

static void feed(struct stage *stage)
{
    bool exposed = faults_expose(false);
    assert_int_equal(write(stage->fds[1], "from a pipe", 11), 11);
    (void)close(stage->fds[1]);
    stage->fds[1] = -1;
    (void)faults_expose(exposed);
}

/* The body is there only once the call waits for it. */
static int feed_while_asking(struct stage *stage)
{
    struct fcgi_call *call;
    int rc = begin(stage, &call);
    feed(stage);
    while (rc == FCGI_WAIT) {
        await(call, 1); /* The pipe is always ready. */
        rc = fcgi_call_resume(call);
    }
    assert_true(rc != FCGI_OK ||
                strcmp(stage->response.body.data, "from a pipe") == 0);
    return finish(call, rc);
}

/* ---- several ------------------------------------------------------------ */

#define CALLS 3

/* One fails, if any does; the others are answered. */
static int ask_several(struct stage *stage)
{
    struct fcgi_call *calls[CALLS];
    struct fcgi_response responses[CALLS] = {{0}};
    int rcs[CALLS];
    int rc = FCGI_OK;
    for (size_t i = 0; i < CALLS; i++) {
        rcs[i] = fcgi_call_start(&calls[i], stage->client, &stage->request,
                                 &responses[i]);
        rcs[i] = rcs[i] == FCGI_OK ? fcgi_call_advance(calls[i]) : rcs[i];
    }
    for (size_t i = 0; i < CALLS; i++) {
        rcs[i] = finish(calls[i], rcs[i]);
        assert_true(rc == FCGI_OK || rcs[i] == FCGI_OK || rcs[i] == rc);
        rc = rc == FCGI_OK ? rcs[i] : rc;
        fcgi_response_free(&responses[i]);
    }
    return rc;
}

int main(void)
{
    static const struct sweep sweeps[] = {
        {.name = "a_call", .act = ask},
        {.name = "a_call_over_tcp", .act = ask, .family = FAKE_TCP},
        {.name = "a_call_on_a_stale_connection",
         .prepare = make_stale,
         .act = ask,
         .retries = true,
         SWEEP_SCRIPT(stale)},
        {.name = "a_call_of_a_post", .prepare = warm_and_post, .act = ask},
        {.name = "a_call_that_waits_for_its_turn",
         .prepare = take_only,
         .act = ask_and_give_back,
         .settle = assert_the_next_waits_well,
         ONE_ONLY},
        {.name = "a_call_that_waits_for_its_turn_with_a_wake_up",
         .prepare = take_only,
         .act = ask_with_a_wakeup,
         ONE_ONLY},
        {.name = "a_call_that_leaves_the_queue",
         .prepare = take_only,
         .act = wait_and_leave,
         .want = FCGI_ERR_CANCELLED,
         .settle = give_back,
         ONE_ONLY},
        {.name = "a_close_while_a_call_waits",
         .prepare = take_only,
         .act = ask_and_close,
         .want = FCGI_ERR_POOL_CLOSED,
         .settle = give_back,
         ONE_ONLY},
        {.name = "a_call_that_is_cancelled",
         .act = ask_and_cancel,
         .want = FCGI_ERR_CANCELLED,
         SWEEP_SCRIPT(silent)},
        {.name = "a_call_that_is_freed",
         .act = ask_and_free,
         .want = FCGI_ERR_CANCELLED,
         SWEEP_SCRIPT(silent)},
        {.name = "a_call_whose_sink_pauses",
         .prepare = take_by_halves,
         .act = ask_and_resume,
         SWEEP_SCRIPT(large)},
        {.name = "a_call_whose_source_pauses",
         .prepare = give_pipe,
         .act = feed_while_asking},
        {.name = "calls_at_the_same_time", .act = ask_several},
    };
    return sweeps_run(sweeps, sizeof(sweeps) / sizeof(sweeps[0]));
}
