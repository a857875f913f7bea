/*
 * Bodies through the client: every kind of source up, every kind of sink down.
 * Both ways at once is in test_duplex.c.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fcgi_client/io.h>

#include "fixture.h"
#include "pattern.h"
#include "process.h"
#include "recorder.h"
#include "temp.h"

#define LARGE 4000003

/* ---- sources ----------------------------------------------------------- */

/* Send a body, and expect it back from an application that echoes. */
static void assert_echoed(struct fixture *f, struct fcgi_source source,
                          const char *text)
{
    struct fcgi_request request = post_request(source);
    ask_expecting_body(f->client, &request, text);
    const struct wire_request *seen = fake_request(f->app, 0);
    assert_int_equal(seen->body.len, strlen(text));
    assert_memory_equal(seen->body.data, text, strlen(text));
    assert_int_equal(seen->body_ends, 1);
}

static void assert_arrives(void **state, struct fcgi_source source,
                           const char *text)
{
    assert_echoed(fixture_serve(state, FAKE_UNIX, NULL), source, text);
}

static void a_body_comes_from_memory(void **state)
{
    struct fcgi_source source = {.data = "from memory", .len = 11};
    assert_arrives(state, source, "from memory");
}

static void a_body_comes_from_a_file(void **state)
{
    struct fcgi_fd_state file;
    int fd = temp_file("from a file", 11);
    assert_arrives(state, fcgi_fd_source(&file, fd), "from a file");
    close(fd);
}

static void a_body_comes_from_a_stream(void **state)
{
    struct fcgi_file_state stream;
    FILE *file = fdopen(temp_file("from a stream", 13), "r");
    assert_arrives(state, fcgi_file_source(&stream, file), "from a stream");
    fclose(file);
}

/* Writes to a descriptor whenever the main thread waits, then closes it. */
static void *write_slowly(void *argument)
{
    const int *fd = argument;
    for (size_t i = 0; i < 3; i++) {
        await_main_asleep();
        (void)!write(*fd, "bit ", 4);
    }
    await_main_asleep();
    (void)close(*fd);
    return NULL;
}

static void assert_arrives_slowly(void **state, int to, int from)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_fd_state slow;
    int *fd = fixture_alloc(state, sizeof(*fd));
    *fd = to;
    fixture_thread(state, write_slowly, fd);
    assert_echoed(f, fcgi_fd_source(&slow, from), "bit bit bit ");
    fixture_join(state);
    close(from);
}

static void a_body_comes_from_a_slow_pipe(void **state)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_arrives_slowly(state, fds[1], fds[0]);
}

static void a_body_comes_from_a_slow_socket(void **state)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_arrives_slowly(state, fds[1], fds[0]);
}

/* The lowest of all, as of a program that is fed by a pipe. */
static void a_body_comes_from_descriptor_0(void **state)
{
    int fds[2];
    int before = dup(0);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(dup2(fds[0], 0), 0);
    close(fds[0]);
    assert_arrives_slowly(state, fds[1], 0);
    if (before >= 0) {
        assert_int_equal(dup2(before, 0), 0);
        close(before);
    }
}

/* Somebody cuts the file while it is sent: what is there is not what was
 * announced, and must not pass for it. */
static void a_body_shorter_than_its_length_fails(void **state)
{
    struct fcgi_fd_state file;
    int fd = temp_file("announced", 9);
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_request request = post_request(fcgi_fd_source(&file, fd));
    assert_int_equal(request.body.len, 9);
    assert_int_equal(ftruncate(fd, 4), 0);
    ask_expecting(f->client, &request, FCGI_ERR_SOURCE);
    fake_await(f->app, FAKE_LEFT, 1);
    assert_int_equal(fake_request(f->app, 0)->body_ends, 0);
    assert_int_equal(fake_count(f->app, FAKE_ANSWERED), 0);
    close(fd);
}

static void why_a_body_could_not_be_read_is_told(void **state)
{
    struct fcgi_fd_state folder;
    int fd = open("/", O_RDONLY | O_DIRECTORY);
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_request request = post_request(fcgi_fd_source(&folder, fd));
    struct fcgi_outcome outcome =
        ask_expecting(f->client, &request, FCGI_ERR_SOURCE);
    assert_int_equal(outcome.system_error, EISDIR);
    close(fd);
}

static void a_body_comes_from_a_function(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct pattern_upload upload = {.len = LARGE};
    struct fcgi_request request = post_request(pattern_source(&upload));
    assert_code(fcgi_client_do(f->client, &request, &f->response), FCGI_OK);
    assert_int_equal(f->response.body.len, LARGE);
    assert_true(pattern_matches(f->response.body.data, 0, LARGE));
}

static void a_silent_pipe_does_not_hide_an_early_answer(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_PARAMS,
        FAKE_ANSWER("Status: 401\r\n\r\nno need")};
    int fds[2];
    struct fcgi_fd_state silent;
    assert_int_equal(pipe(fds), 0);
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    struct fcgi_request request = post_request(fcgi_fd_source(&silent, fds[0]));
    ask_expecting_body(f->client, &request, "no need");
    fake_await(f->app, FAKE_LEFT, 1);
    assert_int_equal(stats_of(f->client).idle, 0);
    close(fds[0]);
    close(fds[1]);
}

static void a_silent_pipe_does_not_hide_a_time_limit(void **state)
{
    int fds[2];
    struct fcgi_fd_state silent;
    assert_int_equal(pipe(fds), 0);
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_request request = post_request(fcgi_fd_source(&silent, fds[0]));
    request.timeouts.total_ms = 60;
    int64_t start = now_ms();
    ask_expecting(f->client, &request, FCGI_ERR_DEADLINE);
    assert_true(elapsed(start, 60));
    close(fds[0]);
    close(fds[1]);
}

static int read_nothing_yet(void *context, void *buf, size_t cap, size_t *got)
{
    (void)context;
    (void)buf;
    (void)cap;
    *got = 0;
    errno = EAGAIN;
    return FCGI_WAIT;
}

static int no_descriptor(void *context)
{
    (void)context;
    return -1;
}

static void a_source_that_waits_for_nothing_is_a_wrong_state(void **state)
{
    struct fcgi_source sources[] = {
        {.read = read_nothing_yet},
        {.read = read_nothing_yet, .descriptor = no_descriptor},
    };
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
        struct fcgi_request request = post_request(sources[i]);
        ask_expecting(f->client, &request, FCGI_ERR_STATE);
        fake_await(f->app, FAKE_ABORTED, 1);
        assert_int_equal(stats_of(f->client).open, 0);
    }
}

static int descriptor_of(void *context)
{
    const int *fds = context;
    return fds[0];
}

/* What a source leaves in errno while it has nothing yet is no error. */
static void only_a_source_that_fails_tells_errno(void **state)
{
    int fds[2];
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_source source = {
        .read = read_nothing_yet, .descriptor = descriptor_of, .context = fds};
    struct fcgi_request request = post_request(source);
    assert_int_equal(pipe(fds), 0);
    request.timeouts.total_ms = 40;
    struct fcgi_outcome outcome =
        ask_expecting(f->client, &request, FCGI_ERR_DEADLINE);
    assert_int_equal(outcome.system_error, 0);
    close(fds[0]);
    close(fds[1]);
}

/* ---- sockets ----------------------------------------------------------- */

struct dialled {
    const struct fake *app;
    int fd; /* the same socket, which stays when the client has closed it */
};

static int dial_and_note(void *context, int *fd)
{
    struct dialled *dialled = context;
    *fd = fake_connect(dialled->app);
    dialled->fd = dup(*fd);
    return FCGI_OK;
}

/* For a thread that has nothing else to do, most of a body may wait there. */
static void a_unix_socket_that_is_full_is_made_to_hold_much(void **state)
{
    static const struct fake_step reads_nothing[] = {FAKE_ACCEPT, FAKE_PAUSE};
    struct dialled dialled = {.fd = -1};
    struct fcgi_client_config config = {
        .pool = {.dial = dial_and_note, .dial_context = &dialled}};
    struct pattern_upload upload = {.len = LARGE};
    struct fcgi_request request = post_request(pattern_source(&upload));
    struct fixture *f = fixture_run(state, FAKE_UNIX, reads_nothing, &config);
    dialled.app = f->app;
    request.timeouts.write_ms = 40;
    ask_expecting(f->client, &request, FCGI_ERR_WRITE_TIMEOUT);
    assert_int_equal(send_buffer(dialled.fd), send_buffer_for(1024 * 1024));
    close(dialled.fd);
}

/* ---- sinks ------------------------------------------------------------- */

static void free_recorder(void *recorder)
{
    recorder_free(recorder);
}

/* GET from an application that runs this script, into a recorder. */
static void assert_recorded(void **state, const struct fake_step *script,
                            size_t count, struct recorder recorder, int want,
                            const char *log)
{
    struct fixture *f = fixture_start(state, FAKE_UNIX, script, count, NULL);
    struct recorder *kept = fixture_alloc(state, sizeof(recorder));
    *kept = recorder;
    fixture_defer(state, free_recorder, kept);
    f->request.sink = recorder_sink(kept);
    ask_expecting(f->client, &f->request, want);
    recorder_assert(kept, log);
    assert_int_equal(stats_of(f->client).idle, want == FCGI_OK);
}

static const struct fake_step answer_script[] = {
    FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_STDERR("a warning"),
    FAKE_ANSWER("Status: 201\r\n\r\nthe whole body")};

static void sinks_get_head_body_and_stderr(void **state)
{
    assert_recorded(state, FAKE_STEPS(answer_script), (struct recorder){0},
                    FCGI_OK, "[stderr]a warning[head 201][body]the whole body");
}

static void what_a_sink_does_not_take_is_offered_again(void **state)
{
    assert_recorded(state, FAKE_STEPS(answer_script),
                    (struct recorder){.at_most = 1, .refusals = 1}, FCGI_OK,
                    "[stderr]a warning[head 201][body]the whole body");
}

static void a_sink_that_takes_nothing_twice_is_a_wrong_state(void **state)
{
    assert_recorded(state, FAKE_STEPS(answer_script),
                    (struct recorder){.at_most = 1, .refusals = 2},
                    FCGI_ERR_STATE, "[stderr]a warning[head 201]");
}

static void a_body_is_handed_on_as_it_arrives(void **state)
{
    /* Six bytes of a record of a thousand; the rest never comes. */
    static const struct fake_step script[] = {FAKE_ACCEPT,
                                              FAKE_READ_REQUEST,
                                              FAKE_STDOUT("A: 1\r\n\r\n"),
                                              FAKE_PROMISE(WIRE_STDOUT, 1000),
                                              FAKE_SEND("so far"),
                                              FAKE_CLOSE};
    assert_recorded(state, FAKE_STEPS(script), (struct recorder){0},
                    FCGI_ERR_TRUNCATED, "[head 200][body]so far");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_body_comes_from_memory),
        fixture_test(a_body_comes_from_a_file),
        fixture_test(a_body_comes_from_a_stream),
        fixture_test(a_body_comes_from_a_slow_pipe),
        fixture_test(a_body_comes_from_a_slow_socket),
        fixture_test(a_body_comes_from_descriptor_0),
        fixture_test(a_body_shorter_than_its_length_fails),
        fixture_test(why_a_body_could_not_be_read_is_told),
        fixture_test(a_body_comes_from_a_function),
        fixture_test(a_silent_pipe_does_not_hide_an_early_answer),
        fixture_test(a_silent_pipe_does_not_hide_a_time_limit),
        fixture_test(a_source_that_waits_for_nothing_is_a_wrong_state),
        fixture_test(only_a_source_that_fails_tells_errno),
        fixture_test(a_unix_socket_that_is_full_is_made_to_hold_much),
        fixture_test(sinks_get_head_body_and_stderr),
        fixture_test(what_a_sink_does_not_take_is_offered_again),
        fixture_test(a_sink_that_takes_nothing_twice_is_a_wrong_state),
        fixture_test(a_body_is_handed_on_as_it_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
