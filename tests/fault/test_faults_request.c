/*
 * Requests, while every call to the system and to the allocator fails in turn,
 * in each way it can (fault_sweep.h).
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fcgi_client.h>
#include <fcgi_client/io.h>

#include "ask.h"
#include "fault_sweep.h"
#include "feeder.h"
#include "pattern.h"
#include "temp.h"
#include "test.h"

/* More than a socket takes at once. */
#define LARGE 300000
#define SMALL 20000

static int ask(struct stage *stage)
{
    return fcgi_client_do(stage->client, &stage->request, &stage->response);
}

static void warm(struct stage *stage)
{
    (void)ask_hello(stage->client);
}

/* ---- a first request ---------------------------------------------------- */

static int make_and_ask_at(struct stage *stage, const char *address)
{
    int rc = fcgi_client_new(&stage->client, address, &stage->config);
    assert_int_equal(stage->client == NULL, rc != FCGI_OK);
    return rc == FCGI_OK ? ask(stage) : rc;
}

static int make_and_ask(struct stage *stage)
{
    return make_and_ask_at(stage, fake_address(stage->app));
}

static int make_and_ask_by_name(struct stage *stage)
{
    char address[40];
    const char *port = strrchr(fake_address(stage->app), ':');
    (void)snprintf(address, sizeof(address), "localhost%s", port);
    return make_and_ask_at(stage, address);
}

static int dial_by_host(void *context, int *fd)
{
    struct fake *app = *(struct fake **)context;
    bool exposed = faults_expose(false);
    *fd = fake_connect(app);
    (void)faults_expose(exposed);
    return FCGI_OK;
}

static struct fake *dialled;

static int make_and_ask_by_host(struct stage *stage)
{
    dialled = stage->app;
    stage->config.pool.dial = dial_by_host;
    stage->config.pool.dial_context = &dialled;
    return make_and_ask(stage);
}

/* ---- a stale connection ------------------------------------------------- */

static const struct fake_step stale[] = {FAKE_ACCEPT, FAKE_SERVE_TIMES(1),
                                         FAKE_CLOSE, FAKE_ACCEPT, FAKE_SERVE};

static void make_stale(struct stage *stage)
{
    warm(stage);
    fake_await(stage->app, FAKE_CLOSED, 1);
}

static void restart(struct stage *stage)
{
    keep_idle(stage->app, stage->client, 3);
    fake_restart(stage->app);
}

static int ask_twice(struct stage *stage)
{
    int rc = ask(stage);
    return rc == FCGI_OK ? ask(stage) : rc;
}

/* ---- bodies ------------------------------------------------------------- */

static void give_memory(struct stage *stage)
{
    stage->bytes = pattern_make(LARGE);
    stage->request =
        post_request((struct fcgi_source){.data = stage->bytes, .len = LARGE});
}

static int ask_for_echo(struct stage *stage)
{
    int rc = ask(stage);
    assert_true(rc != FCGI_OK ||
                (stage->response.body.len == stage->request.body.len &&
                 pattern_matches(stage->response.body.data, 0,
                                 stage->request.body.len)));
    return rc;
}

static struct fcgi_fd_state fd_state;

static void give_pipe(struct stage *stage)
{
    stage->bytes = pattern_make(SMALL);
    assert_int_equal(pipe(stage->fds), 0);
    assert_int_equal(write(stage->fds[1], stage->bytes, SMALL), SMALL);
    (void)close(stage->fds[1]);
    stage->fds[1] = -1;
    stage->request = post_request(fcgi_fd_source(&fd_state, stage->fds[0]));
}

static int ask_for_small_echo(struct stage *stage)
{
    int rc = ask(stage);
    assert_true(rc != FCGI_OK ||
                (stage->response.body.len == SMALL &&
                 pattern_matches(stage->response.body.data, 0, SMALL)));
    return rc;
}

static void give_file_to_stale(struct stage *stage)
{
    stage->bytes = pattern_make(SMALL);
    stage->fds[0] = temp_file(stage->bytes, SMALL);
    stage->request = put_request(fcgi_fd_source(&fd_state, stage->fds[0]));
    make_stale(stage);
}

static struct feeder feeder;

/* The connection is looked at before anything is sent. */
static void give_what_cannot_be_replayed(struct stage *stage)
{
    feeder = (struct feeder){.data = "once only", .len = 9, .chunk = 4};
    stage->request = post_request(feeder_source(&feeder));
    stage->request.retry = FCGI_RETRY_STALE;
    warm(stage);
}

/* The idle connection yields to the one that is dialled. */
static void warm_and_post(struct stage *stage)
{
    stage->request = post_text("body");
    warm(stage);
}

#define VARIABLES 100

static void give_many_params(struct stage *stage)
{
    struct fcgi_param *params = calloc(VARIABLES, sizeof(*params));
    static char value[1500];
    assert_non_null(params);
    memset(value, 'v', sizeof(value) - 1);
    for (size_t i = 0; i < VARIABLES; i++) {
        params[i] = (struct fcgi_param)FCGI_PARAM("NAME", value);
    }
    stage->bytes = params;
    stage->request.params = params;
    stage->request.param_count = VARIABLES;
}

int main(void)
{
    static const struct sweep sweeps[] = {
        {.name = "a_first_request", .act = make_and_ask, .makes_client = true},
        {.name = "a_first_request_over_tcp",
         .act = make_and_ask,
         .makes_client = true,
         .family = FAKE_TCP},
        {.name = "a_first_request_by_name",
         .act = make_and_ask_by_name,
         .makes_client = true,
         .family = FAKE_TCP},
        {.name = "a_first_request_that_the_host_dials",
         .act = make_and_ask_by_host,
         .makes_client = true},
        {.name = "a_request_on_a_warm_client", .prepare = warm, .act = ask},
        {.name = "a_request_that_keeps_no_connection",
         .act = ask,
         .config = {.pool = {.max_idle = -1}}},
        {.name = "a_retry_on_a_stale_connection",
         .prepare = make_stale,
         .act = ask,
         .retries = true,
         SWEEP_SCRIPT(stale)},
        {.name = "a_retry_of_a_body_from_a_file",
         .prepare = give_file_to_stale,
         .act = ask_for_small_echo,
         .retries = true,
         SWEEP_SCRIPT(stale)},
        {.name = "requests_after_a_restart",
         .prepare = restart,
         .act = ask_twice,
         .retries = true},
        {.name = "a_post_on_a_warm_client",
         .prepare = warm_and_post,
         .act = ask},
        {.name = "a_post_on_a_warm_client_over_tcp",
         .prepare = warm_and_post,
         .act = ask,
         .family = FAKE_TCP},
        {.name = "a_body_that_cannot_be_replayed",
         .prepare = give_what_cannot_be_replayed,
         .act = ask},
        {.name = "an_upload_from_memory",
         .prepare = give_memory,
         .act = ask_for_echo},
        {.name = "an_upload_from_a_pipe",
         .prepare = give_pipe,
         .act = ask_for_small_echo},
        {.name = "params_of_many_records",
         .prepare = give_many_params,
         .act = ask},
    };
    return sweeps_run(sweeps, sizeof(sweeps) / sizeof(sweeps[0]));
}
