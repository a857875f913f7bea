/*
 * One call of libc's that goes another way at one moment, and how many calls
 * there are: what a sweep, which tries all of them, does not look at.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcgi_client/io.h>

#include "faults.h"
#include "fixture.h"
#include "late_pipe.h"
#include "pattern.h"
#include "peer.h"
#include "process.h"

static void end_faults(void *unused)
{
    (void)unused;
    (void)faults_end();
}

/* As faults_begin(); they end with the test at the latest. */
static void begin_faults(void **state, const struct fault_way *way, size_t nth)
{
    fixture_defer(state, end_faults, NULL);
    faults_begin(way, nth);
}

/* ---- time --------------------------------------------------------------- */

#define STRICT 400
#define SLOW 600

/* The socket takes nothing at first when there is something again: its time to
 * do so begins then. */
static void a_body_that_goes_on_late_has_its_full_time_to_be_sent(void **state)
{
    static const struct fault_way full = {FAULT_SENDMSG, FAULT_REFUSES, EAGAIN,
                                          true};
    struct fcgi_fd_state reading;
    struct fcgi_client_config config = {.timeouts = {.write_ms = STRICT}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    struct late_pipe *late = late_pipe_open(state);
    struct fcgi_request request =
        post_request(fcgi_fd_source(&reading, late->fd));
    late_pipe_write(late, SLOW);
    begin_faults(state, &full, 2);
    ask_expecting_body(f->client, &request, "late");
    assert_true(faults_end());
}

/* ---- how much ----------------------------------------------------------- */

/* How much of a large body the socket holds, of which its second part may have
 * been short. */
static size_t sent_at_once(void **state, bool is_short)
{
    static const char large[4000000];
    static const struct fault_way way = {FAULT_SENDMSG, FAULT_SHORT, 0, false};
    struct wire sent = {0};
    struct fixture *f = fixture_peer(state, NULL);
    f->request =
        post_request((struct fcgi_source){.data = large, .len = sizeof(large)});
    fixture_begin(f);
    if (is_short) {
        begin_faults(state, &way, 2);
    }
    assert_code(fcgi_call_advance(f->call), FCGI_WAIT);
    if (is_short) {
        assert_true(faults_end());
    }
    assert_true(peer_receive(&f->peer, 0, &sent));
    size_t len = sent.len;
    wire_free(&sent);
    return len;
}

/* A host may wait for a change, of which there is none where the socket could
 * have taken more. */
static void a_socket_that_took_a_part_is_offered_the_rest(void **state)
{
    size_t len = sent_at_once(state, false);
    assert_in_range(len, 100000, 3999999);
    assert_true(sent_at_once(state, true) >= len);
}

/* ---- how it is told ----------------------------------------------------- */

/* What could not be sent is why, though the end is all that is read then. */
static void a_send_that_failed_is_told_beside_the_end(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    fixture_begin(f);
    peer_close(&f->peer, 0);
    assert_code(fcgi_call_advance(f->call), FCGI_ERR_CLOSED);
    assert_int_equal(f->response.outcome.system_error, EPIPE);
}

/* ---- fork --------------------------------------------------------------- */

static size_t open_before;
static size_t forks;

/* As another thread might, ahead of whatever the library is about to do. */
static void fork_at(enum fault_call call)
{
    if (call == FAULT_CLOCK || call == FAULT_CLOSE) {
        return;
    }
    bool exposed = faults_expose(false);
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(60);
        if (open_descriptors() == open_before) {
            child_ends_well();
        }
        print_error("ahead of %s()\n", faults_call_name(call));
        _exit(1);
    }
    assert_int_equal(WTERMSIG(await_exit(child)), SIGKILL);
    forks += 1;
    (void)faults_expose(exposed);
}

/* A socket that nobody accepts from. */
static int listen_at(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

/* Else the application would not see when the parent leaves. */
static void a_child_closes_the_socket_whenever_it_is_forked(void **state)
{
    struct fixture *f = *state;
    const char *path = fixture_path(state, "socket");
    int fd = listen_at(path);
    struct fcgi_client_config config = {.pool = {.evict_by_host = true}};
    assert_code(fcgi_client_new(&f->client, path, &config), FCGI_OK);
    f->request.timeouts.first_byte_ms = 20;
    open_before = open_descriptors();
    faults_visit(fork_at);
    begin_faults(state, NULL, 0);
    ask_expecting(f->client, &f->request, FCGI_ERR_FIRST_BYTE_TIMEOUT);
    (void)faults_end();
    faults_visit(NULL);
    assert_true(forks >= 5);
    close(fd);
}

/* ---- counts ------------------------------------------------------------- */

/* Signals make for more. */
static bool is_undisturbed(void)
{
    return getenv("FCGI_TEST_TICKS") == NULL;
}

#define NO_LIMITS                                                              \
    {                                                                          \
        .connect_ms = -1, .write_ms = -1, .first_byte_ms = -1, .idle_ms = -1,  \
        .total_ms = -1                                                         \
    }

/* A warm request, whose limits are all longer than its socket waits by itself:
 * it is sent, and received. */
static void ask_by_two_calls(void **state)
{
    struct fixture *f = *state;
    begin_faults(state, NULL, 0);
    ask_expecting_body(f->client, &f->request, "hello");
    (void)faults_end();
    if (is_undisturbed()) {
        assert_int_equal(faults_seen(FAULT_SENDMSG), 1);
        assert_int_equal(faults_seen(FAULT_RECVMSG), 1);
        assert_int_equal(faults_seen(FAULT_POLL), 0);
    }
}

static void assert_two_calls(void **state,
                             const struct fcgi_timeouts *of_client,
                             const struct fcgi_timeouts *of_request)
{
    struct fcgi_client_config config = {.timeouts = *of_client,
                                        .pool = {.evict_by_host = true}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    ask_hello(f->client);
    f->request.timeouts = *of_request;
    ask_by_two_calls(state);
}

static void a_warm_request_takes_two_calls_whatever_its_limits(void **state)
{
    static const struct fcgi_timeouts standard;
    static const struct fcgi_timeouts none = NO_LIMITS;
    static const struct fcgi_timeouts long_ones = {
        .first_byte_ms = 100000, .idle_ms = 100000, .total_ms = 100000};
    static const struct fcgi_timeouts whole = {
        .first_byte_ms = -1, .idle_ms = -1, .total_ms = 100000};
    assert_two_calls(state, &standard, &standard);
    assert_two_calls(state, &standard, &none);
    assert_two_calls(state, &standard, &long_ones);
    assert_two_calls(state, &none, &standard);
    assert_two_calls(state, &whole, &standard);
    assert_two_calls(state, &whole, &none);
}

/* The slot is the same, its socket another. */
static void a_request_takes_two_calls_after_a_retry_too(void **state)
{
    (void)state;
    struct fcgi_client_config config = {.pool = {.evict_by_host = true}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    ask_hello(f->client);
    ask_by_two_calls(state);
    fake_restart(f->app);
    assert_true(ask_hello(f->client).retried);
    ask_by_two_calls(state);
}

static int take_head(void *context, const struct fcgi_response *response)
{
    (void)context;
    (void)response;
    return 0;
}

static int take_body(void *context, const void *data, size_t *len)
{
    (void)context;
    (void)data;
    (void)len;
    return 0;
}

static int take_stderr(void *context, const void *data, size_t len)
{
    (void)context;
    (void)data;
    (void)len;
    return 0;
}

static int read_end(void *context, void *buf, size_t cap, size_t *got)
{
    (void)context;
    (void)buf;
    (void)cap;
    *got = 0;
    return FCGI_OK;
}

static size_t looks_at_the_clock(void **state)
{
    struct fixture *f = *state;
    ask_expecting(f->client, &f->request, FCGI_OK);
    begin_faults(state, NULL, 0);
    ask_expecting(f->client, &f->request, FCGI_OK);
    (void)faults_end();
    return faults_seen(FAULT_CLOCK);
}

/* Its time is to be told from the application's. */
static void the_clock_is_read_more_often_beside_the_callers_code(void **state)
{
    struct fcgi_client_config config = {.pool = {.evict_by_host = true}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &config);
    size_t alone = looks_at_the_clock(state);
    const struct fcgi_sink sinks[] = {
        {.head = take_head}, {.body = take_body}, {.stderr_data = take_stderr}};
    for (size_t i = 0; i < 3 && is_undisturbed(); i++) {
        f->request.sink = sinks[i];
        assert_true(looks_at_the_clock(state) > alone);
    }
    f->request = post_request((struct fcgi_source){.read = read_end});
    if (is_undisturbed()) {
        assert_true(looks_at_the_clock(state) > alone);
    }
}

/* An answer each piece of which is followed by the next. */
struct flow {
    struct peer *peer;
    size_t pieces;
};

#define PIECES 400
#define LARGE 10000000

static int go_on(void *context, const void *data, size_t *len)
{
    struct flow *flow = context;
    (void)data;
    (void)len;
    flow->pieces += 1;
    peer_stdout(flow->peer, 0, 1, "x");
    return flow->pieces == PIECES;
}

/* The body is more than the socket takes, and nobody reads it: once it has
 * taken a part that is known. It is tried again but when it was made to hold
 * more. */
static void a_full_socket_is_not_sent_to_however_much_is_received(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    struct flow flow = {.peer = &f->peer};
    char *body = pattern_make(LARGE);
    struct fcgi_request request =
        post_request((struct fcgi_source){.data = body, .len = LARGE});
    request.sink = (struct fcgi_sink){.body = go_on, .context = &flow};
    wire_stdout(&f->peer.greeting, 1, "A: 1\r\n\r\nx");
    begin_faults(state, NULL, 0);
    ask_expecting(f->client, &request, FCGI_ERR_CANCELLED);
    (void)faults_end();
    assert_true(faults_seen(FAULT_RECVMSG) >= PIECES);
    assert_int_equal(faults_seen(FAULT_SENDMSG), 2);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_body_that_goes_on_late_has_its_full_time_to_be_sent),
        fixture_test(a_socket_that_took_a_part_is_offered_the_rest),
        fixture_test(a_send_that_failed_is_told_beside_the_end),
        fixture_test(a_child_closes_the_socket_whenever_it_is_forked),
        fixture_test(a_warm_request_takes_two_calls_whatever_its_limits),
        fixture_test(a_request_takes_two_calls_after_a_retry_too),
        fixture_test(the_clock_is_read_more_often_beside_the_callers_code),
        fixture_test(a_full_socket_is_not_sent_to_however_much_is_received),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
