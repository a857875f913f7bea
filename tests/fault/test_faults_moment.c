/*
 * One call of libc's that goes another way at one moment, and how many calls
 * there are: what an ordeal, which tries all of them, does not look at.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcgi_client.h>
#include <fcgi_client/io.h>

#include "ask.h"
#include "faults.h"
#include "late_pipe.h"
#include "pattern.h"
#include "peer.h"
#include "process.h"
#include "temp.h"

/* ---- time --------------------------------------------------------------- */

#define STRICT 400
#define SLOW 600

/* The socket takes nothing at first when there is something again: its time to
 * do so begins then. */
static void a_body_that_goes_on_late_has_its_full_time_to_be_sent(void **state)
{
    (void)state;
    static const struct fault_way full = {FAULT_SENDMSG, FAULT_REFUSES, EAGAIN,
                                          true};
    struct late_pipe late;
    struct fcgi_fd_state reading;
    struct fcgi_client_config config = {.timeouts = {.write_ms = STRICT}};
    late_pipe_open(&late);
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_for(app, &config);
    struct fcgi_request request =
        post_request(fcgi_fd_source(&reading, late.fd));
    late_pipe_write(&late, SLOW);
    faults_begin(&full, 2);
    ask_expecting_body(client, &request, "late");
    assert_true(faults_end());
    late_pipe_close(&late);
    fcgi_client_free(client);
    fake_stop(app);
}

/* ---- how much ----------------------------------------------------------- */

/* How much of a large body the socket holds, of which its second part may have
 * been short. */
static size_t sent_at_once(bool is_short)
{
    static const char large[4000000];
    static const struct fault_way way = {FAULT_SENDMSG, FAULT_SHORT, 0, false};
    struct fcgi_request request =
        post_request((struct fcgi_source){.data = large, .len = sizeof(large)});
    struct wire sent = {0};
    struct peer_call c;
    peer_call_begin(&c, NULL, &request);
    if (is_short) {
        faults_begin(&way, 2);
    }
    assert_code(fcgi_call_advance(c.call), FCGI_WAIT);
    if (is_short) {
        assert_true(faults_end());
    }
    assert_true(peer_receive(&c.peer, 0, &sent));
    size_t len = sent.len;
    wire_free(&sent);
    peer_call_end(&c);
    return len;
}

/* A host may wait for a change, of which there is none where the socket could
 * have taken more. */
static void a_socket_that_took_a_part_is_offered_the_rest(void **state)
{
    (void)state;
    size_t len = sent_at_once(false);
    assert_in_range(len, 100000, 3999999);
    assert_true(sent_at_once(true) >= len);
}

/* ---- how it is told ----------------------------------------------------- */

/* What could not be sent is why, though the end is all that is read then. */
static void a_send_that_failed_is_told_beside_the_end(void **state)
{
    (void)state;
    struct peer_call c;
    struct fcgi_request request = get_request();
    peer_call_begin(&c, NULL, &request);
    peer_close(&c.peer, 0);
    assert_code(fcgi_call_advance(c.call), FCGI_ERR_CLOSED);
    assert_int_equal(c.response.outcome.system_error, EPIPE);
    peer_call_end(&c);
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

/* A socket that nobody accepts from, and its address, to be freed. */
static char *listen_in(const struct temp *temp, int *fd)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    char *path = temp_path(temp, "socket");
    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    *fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(*fd, (struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(listen(*fd, 4), 0);
    return path;
}

/* Else the application would not see when the parent leaves. */
static void a_child_closes_the_socket_whenever_it_is_forked(void **state)
{
    (void)state;
    int fd;
    struct temp *temp = temp_new();
    char *path = listen_in(temp, &fd);
    struct fcgi_client_config config = {.pool = {.evict_by_host = true}};
    struct fcgi_client *client;
    struct fcgi_request request = get_request();
    assert_code(fcgi_client_new(&client, path, &config), FCGI_OK);
    request.timeouts.first_byte_ms = 20;
    open_before = open_descriptors();
    faults_visit(fork_at);
    faults_begin(NULL, 0);
    ask_expecting(client, &request, FCGI_ERR_FIRST_BYTE_TIMEOUT);
    (void)faults_end();
    faults_visit(NULL);
    assert_true(forks >= 5);
    fcgi_client_free(client);
    close(fd);
    free(path);
    temp_free(temp);
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
static void ask_by_two_calls(struct fcgi_client *client,
                             const struct fcgi_request *request)
{
    faults_begin(NULL, 0);
    ask_expecting_body(client, request, "hello");
    (void)faults_end();
    if (is_undisturbed()) {
        assert_int_equal(faults_seen(FAULT_SENDMSG), 1);
        assert_int_equal(faults_seen(FAULT_RECVMSG), 1);
        assert_int_equal(faults_seen(FAULT_POLL), 0);
    }
}

static void assert_two_calls(const struct fcgi_timeouts *of_client,
                             const struct fcgi_timeouts *of_request)
{
    struct fcgi_client_config config = {.timeouts = *of_client,
                                        .pool = {.evict_by_host = true}};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_for(app, &config);
    struct fcgi_request request = get_request();
    ask_expecting_body(client, &request, "hello");
    request.timeouts = *of_request;
    ask_by_two_calls(client, &request);
    fcgi_client_free(client);
    fake_stop(app);
}

static void a_warm_request_takes_two_calls_whatever_its_limits(void **state)
{
    (void)state;
    static const struct fcgi_timeouts standard;
    static const struct fcgi_timeouts none = NO_LIMITS;
    static const struct fcgi_timeouts long_ones = {
        .first_byte_ms = 100000, .idle_ms = 100000, .total_ms = 100000};
    static const struct fcgi_timeouts whole = {
        .first_byte_ms = -1, .idle_ms = -1, .total_ms = 100000};
    assert_two_calls(&standard, &standard);
    assert_two_calls(&standard, &none);
    assert_two_calls(&standard, &long_ones);
    assert_two_calls(&none, &standard);
    assert_two_calls(&whole, &standard);
    assert_two_calls(&whole, &none);
}

/* The slot is the same, its socket another. */
static void a_request_takes_two_calls_after_a_retry_too(void **state)
{
    (void)state;
    struct fcgi_client_config config = {.pool = {.evict_by_host = true}};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_for(app, &config);
    struct fcgi_request request = get_request();
    ask_hello(client);
    ask_by_two_calls(client, &request);
    fake_restart(app);
    assert_true(ask_hello(client).retried);
    ask_by_two_calls(client, &request);
    fcgi_client_free(client);
    fake_stop(app);
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

static size_t looks_at_the_clock(struct fcgi_client *client,
                                 const struct fcgi_request *request)
{
    ask_expecting(client, request, FCGI_OK);
    faults_begin(NULL, 0);
    ask_expecting(client, request, FCGI_OK);
    (void)faults_end();
    return faults_seen(FAULT_CLOCK);
}

/* Its time is to be told from the application's. */
static void the_clock_is_read_more_often_beside_the_callers_code(void **state)
{
    (void)state;
    struct fcgi_client_config config = {.pool = {.evict_by_host = true}};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_for(app, &config);
    struct fcgi_request request = get_request();
    size_t alone = looks_at_the_clock(client, &request);
    const struct fcgi_sink sinks[] = {
        {.head = take_head}, {.body = take_body}, {.stderr_data = take_stderr}};
    for (size_t i = 0; i < 3 && is_undisturbed(); i++) {
        request.sink = sinks[i];
        assert_true(looks_at_the_clock(client, &request) > alone);
    }
    request = post_request((struct fcgi_source){.read = read_end});
    if (is_undisturbed()) {
        assert_true(looks_at_the_clock(client, &request) > alone);
    }
    fcgi_client_free(client);
    fake_stop(app);
}

/* An answer each piece of which is followed by the next. */
struct flow {
    struct peer peer;
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
    peer_stdout(&flow->peer, 0, 1, "x");
    return flow->pieces == PIECES;
}

/* The body is more than the socket takes, and nobody reads it: once it has
 * taken a part that is known. It is tried again but when it was made to hold
 * more. */
static void a_full_socket_is_not_sent_to_however_much_is_received(void **state)
{
    (void)state;
    struct flow flow = {.pieces = 0};
    struct fcgi_client *client = peer_client(&flow.peer, NULL);
    char *body = pattern_make(LARGE);
    struct fcgi_request request =
        post_request((struct fcgi_source){.data = body, .len = LARGE});
    request.sink = (struct fcgi_sink){.body = go_on, .context = &flow};
    wire_stdout(&flow.peer.greeting, 1, "A: 1\r\n\r\nx");
    faults_begin(NULL, 0);
    ask_expecting(client, &request, FCGI_ERR_CANCELLED);
    (void)faults_end();
    assert_true(faults_seen(FAULT_RECVMSG) >= PIECES);
    assert_int_equal(faults_seen(FAULT_SENDMSG), 2);
    fcgi_client_free(client);
    peer_free(&flow.peer);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_that_goes_on_late_has_its_full_time_to_be_sent),
        cmocka_unit_test(a_socket_that_took_a_part_is_offered_the_rest),
        cmocka_unit_test(a_send_that_failed_is_told_beside_the_end),
        cmocka_unit_test(a_child_closes_the_socket_whenever_it_is_forked),
        cmocka_unit_test(a_warm_request_takes_two_calls_whatever_its_limits),
        cmocka_unit_test(a_request_takes_two_calls_after_a_retry_too),
        cmocka_unit_test(the_clock_is_read_more_often_beside_the_callers_code),
        cmocka_unit_test(a_full_socket_is_not_sent_to_however_much_is_received),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
