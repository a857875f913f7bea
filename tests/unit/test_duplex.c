/*
 * Both ways at once: neither direction waits for the other to end, or to pause.
 */
#define _POSIX_C_SOURCE 200809L

#include <unistd.h>

#include <fcgi_client/io.h>

#include "fixture.h"
#include "late_pipe.h"
#include "pattern.h"
#include "peer.h"
#include "process.h"
#include "temp.h"

#define LARGE 4000003
#define READS 5
#define DELAY 50

/* The application writes all of its answer before it reads the body, more
 * than sockets hold: who sends everything first would hang here. */
static void a_large_upload_meets_a_large_answer(void **state)
{
    static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};
    static const struct fake_step script[] = {
        FAKE_ACCEPT,       FAKE_READ_PARAMS,        FAKE_STDOUT("A: 1\r\n\r\n"),
        FAKE_BODY(LARGE),  FAKE_READ_REQUEST,       FAKE_END(WIRE_COMPLETE),
        FAKE_READ_REQUEST, FAKE_ANSWER("\r\nagain")};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_run(state, families[i], script, NULL);
        struct pattern_upload upload = {.len = LARGE};
        struct pattern_download download = {0};
        struct fcgi_request request = post_request(pattern_source(&upload));
        request.sink = pattern_sink(&download);
        ask_expecting(f->client, &request, FCGI_OK);
        assert_int_equal(download.at, LARGE);
        assert_false(download.wrong);
        const struct wire_request *seen = fake_request(f->app, 0);
        assert_int_equal(seen->body.len, LARGE);
        assert_true(pattern_matches(seen->body.data, 0, LARGE));
        request = get_request();
        assert_true(ask_expecting_body(f->client, &request, "again").reused);
    }
}

/* The application reads all the time and writes all the time. On one processor
 * the client always finds something to receive; and what it has to send must
 * go on nevertheless. */
static void an_upload_goes_on_while_the_answer_flows(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_PARAMS, FAKE_DUPLEX,
        FAKE_ANSWER("A: 1\r\n\r\nall read")};
    share_one_processor(true);
    for (size_t i = 0; i < 4; i++) {
        struct fixture *f = fixture_run(state, FAKE_TCP, script, NULL);
        struct pattern_upload upload = {.len = 30000000};
        struct fcgi_request request = post_request(pattern_source(&upload));
        request.timeouts.write_ms = 5000;
        ask_expecting_body(f->client, &request, "all read");
        assert_int_equal(fake_request(f->app, 0)->body.len, 30000000);
    }
    share_one_processor(false);
}

static void a_pipe_is_watched_while_the_answer_flows(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_READ_PARAMS, FAKE_DUPLEX,
        FAKE_ANSWER("A: 1\r\n\r\nall read")};
    struct fcgi_fd_state reading;
    share_one_processor(true);
    struct fixture *f = fixture_run(state, FAKE_TCP, script, NULL);
    struct late_pipe *late = late_pipe_open(state);
    struct fcgi_request request =
        post_request(fcgi_fd_source(&reading, late->fd));
    request.timeouts.total_ms = 10000;
    late_pipe_write(late, DELAY);
    ask_expecting_body(f->client, &request, "all read");
    share_one_processor(false);
}

static int let_go_on(void *app, const struct fcgi_response *response)
{
    (void)response;
    fake_go(app);
    return 0;
}

/* The application reads the body only when its answer has begun: whoever now
 * waits for the answer alone would hang. */
static void an_upload_goes_on_after_the_answer_has_begun(void **state)
{
    static const struct fake_step script[] = {FAKE_ACCEPT,
                                              FAKE_READ_PARAMS,
                                              FAKE_STDOUT("A: 1\r\n\r\n"),
                                              FAKE_PAUSE,
                                              FAKE_READ_REQUEST,
                                              FAKE_STDOUT("all read"),
                                              FAKE_END(WIRE_COMPLETE)};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    struct pattern_upload upload = {.len = LARGE};
    struct fcgi_request request = post_request(pattern_source(&upload));
    request.timeouts.write_ms = -1;
    request.sink.head = let_go_on;
    request.sink.context = f->app;
    ask_expecting_body(f->client, &request, "all read");
    assert_int_equal(fake_request(f->app, 0)->body.len, LARGE);
}

static int begin_writing(void *late, const struct fcgi_response *response)
{
    (void)response;
    late_pipe_write(late, DELAY);
    return 0;
}

static void a_pipe_is_watched_after_the_answer_has_begun(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT,       FAKE_READ_PARAMS,        FAKE_STDOUT("A: 1\r\n\r\n"),
        FAKE_READ_REQUEST, FAKE_STDOUT("all read"), FAKE_END(WIRE_COMPLETE)};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, NULL);
    struct fcgi_fd_state reading;
    struct late_pipe *late = late_pipe_open(state);
    struct fcgi_request request =
        post_request(fcgi_fd_source(&reading, late->fd));
    request.sink.head = begin_writing;
    request.sink.context = late;
    ask_expecting_body(f->client, &request, "all read");
    assert_int_equal(fake_request(f->app, 0)->body.len, 4);
}

/* An application that says one more byte whenever the client looks what its
 * source waits for, which is ready all the time. */
struct talker {
    struct peer *peer;
    size_t left; /* bytes */
    size_t reads;
    size_t left_at_end; /* of the source */
    int ready;
};

static int descriptor_of_talker(void *context)
{
    struct talker *talker = context;
    if (talker->left > 0) {
        peer_stdout(talker->peer, 0, 1, "x");
        talker->left -= 1;
    }
    return talker->ready;
}

/* Nothing for some times, then the end. */
static int read_talker(void *context, void *buf, size_t cap, size_t *got)
{
    struct talker *talker = context;
    (void)buf;
    (void)cap;
    *got = 0;
    talker->reads += 1;
    if (talker->reads == 1) {
        peer_stdout(talker->peer, 0, 1, "A: 1\r\n\r\n");
    }
    if (talker->reads < READS) {
        return FCGI_WAIT;
    }
    talker->left_at_end = talker->left;
    talker->left = 0;
    peer_end(talker->peer, 0, 1);
    return FCGI_OK;
}

static void an_answer_that_keeps_coming_does_not_hold_up_the_body(void **state)
{
    enum { BYTES = 1000 };
    struct fixture *f = fixture_peer(state, NULL);
    struct talker talker = {
        .peer = &f->peer, .left = BYTES, .ready = temp_file("", 0)};
    struct fcgi_request request =
        post_request((struct fcgi_source){.read = read_talker,
                                          .descriptor = descriptor_of_talker,
                                          .context = &talker});
    assert_code(fcgi_client_do(f->client, &request, &f->response), FCGI_OK);
    assert_int_equal(talker.reads, READS);
    assert_in_range(talker.left_at_end, 1, BYTES);
    assert_int_equal(f->response.body.len, BYTES - talker.left_at_end);
    close(talker.ready);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_large_upload_meets_a_large_answer),
        fixture_test(an_upload_goes_on_while_the_answer_flows),
        fixture_test(a_pipe_is_watched_while_the_answer_flows),
        fixture_test(an_upload_goes_on_after_the_answer_has_begun),
        fixture_test(a_pipe_is_watched_after_the_answer_has_begun),
        fixture_test(an_answer_that_keeps_coming_does_not_hold_up_the_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
