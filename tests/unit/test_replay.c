/*
 * What the retry sends: the same request whole, its body from where it began;
 * and what becomes of a body that cannot be read twice. The policy is
 * FCGI_RETRY_STALE, so that each request goes over a pooled connection; for the
 * others see test_retry.c.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <fcgi_client/io.h>

#include "fixture.h"
#include "pattern.h"
#include "process.h"
#include "temp.h"

#define LARGE 3000001
#define SLOW_MS 400

/* A connection that serves once and closes on the second request, read whole;
 * the next one serves. */
static const struct fake_step closes_on_request[] = {
    FAKE_ACCEPT, FAKE_SERVE_TIMES(1), FAKE_READ_REQUEST,
    FAKE_CLOSE,  FAKE_ACCEPT,         FAKE_SERVE};

static const struct fcgi_client_config stale = {.retry = FCGI_RETRY_STALE};

/* Ask once for nothing in particular, then send this body: it is sent twice,
 * and arrives whole the second time. */
static void assert_replayed(void **state, struct fcgi_source source,
                            const char *text)
{
    struct fixture *f =
        fixture_run(state, FAKE_UNIX, closes_on_request, &stale);
    struct fcgi_request request = post_request(source);
    ask_hello(f->client);
    assert_true(ask_expecting_body(f->client, &request, text).retried);
    for (size_t i = 1; i <= 2; i++) {
        const struct wire_request *seen = fake_request(f->app, i);
        assert_int_equal(seen->body.len, strlen(text));
        assert_memory_equal(seen->body.data, text, strlen(text));
        assert_int_equal(seen->body_ends, 1);
    }
}

static void a_body_in_memory_is_sent_again(void **state)
{
    struct fcgi_source source = {.data = "in memory", .len = 9};
    assert_replayed(state, source, "in memory");
}

/* Not from the start of the file. */
static void retry_replays_a_file_from_where_it_stood(void **state)
{
    struct fcgi_fd_state file;
    int fd = temp_file("skipped, sent", 13);
    assert_int_equal(lseek(fd, 9, SEEK_SET), 9);
    assert_replayed(state, fcgi_fd_source(&file, fd), "sent");
    close(fd);
}

static void retry_replays_a_stream_from_where_it_stood(void **state)
{
    struct fcgi_file_state stream;
    FILE *file = fdopen(temp_file("!sent", 5), "r");
    assert_int_equal(fgetc(file), '!');
    assert_replayed(state, fcgi_file_source(&stream, file), "sent");
    fclose(file);
}

static void retry_keeps_both_streams_of_a_filter(void **state)
{
    struct fixture *f =
        fixture_run(state, FAKE_UNIX, closes_on_request, &stale);
    struct fcgi_request request = post_text("stdin");
    request.role = FCGI_ROLE_FILTER;
    request.data = (struct fcgi_source){.data = "data", .len = 4};
    ask_hello(f->client);
    assert_true(ask_expecting_body(f->client, &request, "stdin").retried);
    const struct wire_request *seen = fake_request(f->app, 2);
    assert_int_equal(seen->data.len, 4);
    assert_memory_equal(seen->data.data, "data", 4);
    assert_int_equal(seen->data_ends, 1);
}

/* Only part of the body was sent when the connection died. */
static void retry_begins_a_half_sent_body_anew(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_SERVE_TIMES(1), FAKE_READ(500000),
        FAKE_CLOSE,  FAKE_ACCEPT,         FAKE_SERVE};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, &stale);
    struct pattern_upload upload = {.len = LARGE};
    struct fcgi_request request = post_request(pattern_source(&upload));
    ask_hello(f->client);
    assert_true(ask_expecting(f->client, &request, FCGI_OK).retried);
    const struct wire_request *seen = fake_request(f->app, 1);
    assert_int_equal(seen->body.len, LARGE);
    assert_true(pattern_matches(seen->body.data, 0, LARGE));
}

/* The counts, the params and the rest are those of the second attempt alone:
 * the same as when there had been no first. */
static void the_second_attempt_keeps_nothing_of_the_first(void **state)
{
    struct fixture *f =
        fixture_run(state, FAKE_UNIX, closes_on_request, &stale);
    struct fcgi_request request = post_text("the body");
    ask_hello(f->client);
    struct fcgi_outcome retried =
        ask_expecting_body(f->client, &request, "the body");
    struct fcgi_outcome plain =
        ask_expecting_body(f->client, &request, "the body");
    assert_true(retried.retried);
    assert_false(plain.retried);
    assert_int_equal(retried.bytes_sent, plain.bytes_sent);
    assert_int_equal(retried.records_sent, plain.records_sent);
    assert_int_equal(retried.bytes_received, plain.bytes_received);
    assert_int_equal(retried.records_received, plain.records_received);
    assert_int_equal(retried.phase, FCGI_PHASE_END);
    assert_int_equal(retried.system_error, 0);
    const struct wire_request *first = fake_request(f->app, 1);
    const struct wire_request *second = fake_request(f->app, 2);
    assert_int_equal(second->params.len, first->params.len);
    assert_memory_equal(second->params.data, first->params.data,
                        first->params.len);
}

/* ---- bodies that cannot be read twice ---------------------------------- */

/* A source that counts how it is used. */
struct once {
    const char *text;
    size_t at;
    size_t reads;
    int could_replay; /* what it answers when asked beforehand */
    int can_replay;   /* what it answers when it has to */
    uint64_t taken;   /* what it was told to go back by */
    size_t replays;
};

static int read_once(void *context, void *buf, size_t cap, size_t *got)
{
    struct once *once = context;
    size_t left = strlen(once->text) - once->at;
    *got = left < cap ? left : cap;
    memcpy(buf, once->text + once->at, *got);
    once->at += *got;
    once->reads += 1;
    return FCGI_OK;
}

static int replay_once(void *context, uint64_t taken)
{
    struct once *once = context;
    if (taken == 0) {
        return once->could_replay;
    }
    once->replays += 1;
    once->taken = taken;
    if (once->can_replay == FCGI_OK) {
        once->at -= (size_t)taken;
    }
    return once->can_replay;
}

static struct fcgi_source source_of(struct once *once)
{
    struct fcgi_source source = {
        .read = read_once, .replay = replay_once, .context = once};
    return source;
}

static void a_source_is_told_how_much_was_taken(void **state)
{
    struct once once = {.text = "seven..", .can_replay = FCGI_OK};
    assert_replayed(state, source_of(&once), "seven..");
    assert_int_equal(once.replays, 1);
    assert_int_equal(once.taken, 7);
}

/* Neither one that has no replay, nor one that says it could not. */
static void without_a_replay_the_connection_is_checked_first(void **state)
{
    static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};
    for (size_t i = 0; i < 4; i++) {
        struct once once = {.text = "only once", .could_replay = -1};
        struct fixture *f = fixture_serve(state, families[i % 2], &stale);
        struct fcgi_request request = post_request(source_of(&once));
        if (i >= 2) {
            request.body.replay = NULL;
        }
        keep_idle(f->app, f->client, 3);
        fake_restart(f->app);
        struct fcgi_outcome outcome =
            ask_expecting_body(f->client, &request, "only once");
        assert_false(outcome.reused);
        assert_false(outcome.retried);
        assert_int_equal(stats_of(f->client).stale, 3);
        assert_int_equal(stats_of(f->client).retries, 0);
        assert_int_equal(fake_count(f->app, FAKE_BEGUN), 1);
    }
}

static void a_live_connection_serves_a_body_without_a_replay(void **state)
{
    struct once once = {.text = "only once", .could_replay = -1};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, &stale);
    struct fcgi_request request = post_request(source_of(&once));
    ask_hello(f->client);
    assert_true(ask_expecting_body(f->client, &request, "only once").reused);
}

/* Ask once; then this happens to the idle connection, and it is found out
 * before anything is sent over it. */
static void assert_found_stale(void **state, enum fake_family family,
                               const struct fake_step *script, size_t count)
{
    struct once once = {.text = "only once", .could_replay = -1};
    struct fixture *f = fixture_start(state, family, script, count, &stale);
    struct fcgi_request request = post_request(source_of(&once));
    ask_hello(f->client);
    fake_go(f->app);
    fake_await(f->app, FAKE_REACHED, 1);
    assert_false(ask_expecting_body(f->client, &request, "only once").reused);
    assert_int_equal(stats_of(f->client).stale, 1);
    assert_int_equal(stats_of(f->client).dials, 2);
    assert_int_equal(stats_of(f->client).open, 1);
}

#define SERVED_ONCE FAKE_ACCEPT, FAKE_SERVE_TIMES(1), FAKE_PAUSE
#define THEN_SERVES FAKE_REACH, FAKE_ACCEPT, FAKE_SERVE

static void a_half_closed_idle_connection_is_found_stale(void **state)
{
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_HALF_CLOSE,
                                              THEN_SERVES};
    assert_found_stale(state, FAKE_UNIX, FAKE_STEPS(script));
    assert_found_stale(state, FAKE_TCP, FAKE_STEPS(script));
}

/* Nobody asked for these bytes. */
static void a_readable_idle_connection_is_found_stale(void **state)
{
    static const struct fake_step script[] = {
        SERVED_ONCE, FAKE_STDOUT("by the way"), THEN_SERVES};
    assert_found_stale(state, FAKE_UNIX, FAKE_STEPS(script));
    assert_found_stale(state, FAKE_TCP, FAKE_STEPS(script));
}

static void a_reset_idle_connection_is_found_stale(void **state)
{
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_RESET,
                                              FAKE_ACCEPT, FAKE_SERVE};
    struct once once = {.text = "only once", .could_replay = -1};
    struct fixture *f = fixture_run(state, FAKE_TCP, script, &stale);
    struct fcgi_request request = post_request(source_of(&once));
    ask_hello(f->client);
    fake_go(f->app);
    fake_await(f->app, FAKE_CLOSED, 1);
    assert_false(ask_expecting_body(f->client, &request, "only once").reused);
    assert_int_equal(stats_of(f->client).stale, 1);
}

static void a_body_already_read_is_not_sent_again(void **state)
{
    struct once once = {.text = "only once", .could_replay = -1};
    struct fixture *f =
        fixture_run(state, FAKE_UNIX, closes_on_request, &stale);
    struct fcgi_request request = post_request(source_of(&once));
    ask_hello(f->client);
    struct fcgi_outcome outcome =
        ask_expecting(f->client, &request, FCGI_ERR_CLOSED);
    assert_false(outcome.retried);
    assert_true(outcome.may_have_run);
    assert_false(outcome.safe_to_repeat);
    assert_int_equal(once.replays, 0);
    assert_int_equal(fake_count(f->app, FAKE_ACCEPTED), 1);
}

/* It said it could, and cannot after all: nothing may be sent in its place. */
static void a_replay_that_fails_ends_the_request(void **state)
{
    struct once once = {.text = "only once", .can_replay = -1};
    struct fixture *f =
        fixture_run(state, FAKE_UNIX, closes_on_request, &stale);
    struct fcgi_request request = post_request(source_of(&once));
    ask_hello(f->client);
    assert_in_range(-fcgi_client_do(f->client, &request, &f->response), 1, 100);
    assert_int_equal(once.replays, 1);
    assert_int_equal(fake_count(f->app, FAKE_ASKED), 2);
    assert_int_equal(stats_of(f->client).open, 0);
}

/* Going back takes its time, which is not the connection's. */
static int replay_slowly(void *context, uint64_t taken)
{
    if (taken > 0) {
        pass_ms(SLOW_MS);
    }
    return replay_once(context, taken);
}

static void the_time_of_a_replay_is_not_that_of_the_connect(void **state)
{
    struct once once = {.text = "twice"};
    struct fixture *f =
        fixture_run(state, FAKE_UNIX, closes_on_request, &stale);
    struct fcgi_request request = post_request(source_of(&once));
    request.body.replay = replay_slowly;
    ask_hello(f->client);
    struct fcgi_outcome outcome =
        ask_expecting_body(f->client, &request, "twice");
    assert_true(outcome.retried);
    assert_in_range(outcome.connect_us, 0, SLOW_MS * 1000 - 1);
}

/* ---- the place and the dial of the second attempt ---------------------- */

static void *go_when_someone_waits(void *argument)
{
    struct fixture *f = argument;
    await_waiting(f->pool, 1);
    fake_go(f->app);
    return NULL;
}

/* There is one place in all: while one request has it and is about to be
 * retried, another waits for it, and must not come between. */
static void the_retry_keeps_its_place(void **state)
{
    static const struct fake_step script[] = {
        FAKE_ACCEPT, FAKE_SERVE_TIMES(1), FAKE_READ_REQUEST, FAKE_PAUSE,
        FAKE_CLOSE,  FAKE_ACCEPT,         FAKE_SERVE};
    struct fcgi_client_config config = {.retry = FCGI_RETRY_STALE,
                                        .pool = {.max_open = 1}};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, &config);
    struct fcgi_request request = post_text("last");
    ask_hello(f->client);
    struct fixture_asker *other = fixture_ask(state, f->client, &f->request);
    fake_await(f->app, FAKE_PAUSED, 1);
    fixture_thread(state, go_when_someone_waits, f);
    ask_expecting_body(f->client, &request, "last");
    fixture_join(state);
    assert_code(other->rc, FCGI_OK);
    /* The other's request twice, then this one's. */
    assert_int_equal(fake_request(f->app, 1)->body.len, 0);
    assert_int_equal(fake_request(f->app, 2)->body.len, 0);
    assert_int_equal(fake_request(f->app, 3)->body.len, 4);
    assert_int_equal(stats_of(f->client).open, 1);
}

/* A dial function that reaches the application only once. */
struct once_reached {
    const struct fake *app;
    size_t calls;
};

static int dial_once(void *context, int *fd)
{
    struct once_reached *reached = context;
    reached->calls += 1;
    if (reached->calls > 1) {
        errno = ECONNREFUSED;
        return FCGI_ERR_CONNECT;
    }
    *fd = fake_connect(reached->app);
    return FCGI_OK;
}

/* Nothing was sent the second time; but the first may have run. */
static void
a_second_dial_that_fails_does_not_hide_the_first_attempt(void **state)
{
    struct fixture *f = *state;
    struct once_reached reached = {.calls = 0};
    struct fcgi_client_config config = {
        .retry = FCGI_RETRY_STALE,
        .pool = {.dial = dial_once, .dial_context = &reached}};
    fixture_run(state, FAKE_UNIX, closes_on_request, &config);
    reached.app = f->app;
    struct fcgi_request request = post_text("body");
    ask_hello(f->client);
    struct fcgi_outcome outcome =
        ask_expecting(f->client, &request, FCGI_ERR_CONNECT);
    assert_int_equal(reached.calls, 2);
    assert_true(outcome.may_have_run);
    assert_false(outcome.safe_to_repeat);
    assert_int_equal(stats_of(f->client).open, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_body_in_memory_is_sent_again),
        fixture_test(retry_replays_a_file_from_where_it_stood),
        fixture_test(retry_replays_a_stream_from_where_it_stood),
        fixture_test(retry_keeps_both_streams_of_a_filter),
        fixture_test(retry_begins_a_half_sent_body_anew),
        fixture_test(the_second_attempt_keeps_nothing_of_the_first),
        fixture_test(a_source_is_told_how_much_was_taken),
        fixture_test(without_a_replay_the_connection_is_checked_first),
        fixture_test(a_live_connection_serves_a_body_without_a_replay),
        fixture_test(a_half_closed_idle_connection_is_found_stale),
        fixture_test(a_readable_idle_connection_is_found_stale),
        fixture_test(a_reset_idle_connection_is_found_stale),
        fixture_test(a_body_already_read_is_not_sent_again),
        fixture_test(a_replay_that_fails_ends_the_request),
        fixture_test(the_time_of_a_replay_is_not_that_of_the_connect),
        fixture_test(the_retry_keeps_its_place),
        fixture_test(a_second_dial_that_fails_does_not_hide_the_first_attempt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
