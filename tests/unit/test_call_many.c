/*
 * A thousand calls at a time on one thread, each answered a byte at a time:
 * what they hold, that they do not mix, and that descriptors beyond what
 * select() could watch are like any other.
 */
#define _POSIX_C_SOURCE 200809L

#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>

#include "fixture.h"
#include "host.h"

#define CALLS 1000
#define KIB ((size_t)1024)

/* What a call may hold: room to receive in, its params, and all else. */
#define MEMORY_PER_CALL (4 * KIB + 4 * KIB + 4 * KIB)

/* ---- a thousand calls --------------------------------------------------- */

struct one {
    struct fcgi_call *call;
    struct fcgi_response response;
    struct wire answer;
    char body[32];
    size_t said;
    bool ended;
};

struct crowd {
    struct fixture *f;
    struct one all[CALLS];
    struct pollfd watched[CALLS];
    size_t left;
};

/* As many descriptors may be open as the test needs, both ends of each
 * connection being its own, or the test is skipped. */
static void raise_limit(void)
{
    struct rlimit limit;
    const rlim_t wanted = 2 * CALLS + 200;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < wanted && limit.rlim_max >= wanted) {
        limit.rlim_cur = wanted;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
    if (limit.rlim_cur < wanted) {
        skip();
    }
}

static void begin_all(struct crowd *crowd)
{
    struct fixture *f = crowd->f;
    for (size_t i = 0; i < CALLS; i++) {
        struct one *one = &crowd->all[i];
        char text[64];
        (void)snprintf(one->body, sizeof(one->body), "for the %zuth", i);
        (void)snprintf(text, sizeof(text), "A: 1\r\n\r\n%s", one->body);
        wire_stdout(&one->answer, 1, text);
        wire_end(&one->answer, 1, 0, WIRE_COMPLETE);
        one->call = host_begin(f->client, &f->request, &one->response);
        assert_code(host_settle(one->call), FCGI_WAIT);
    }
    crowd->left = CALLS;
}

static void free_all(void *what)
{
    struct crowd *crowd = what;
    for (size_t i = 0; i < CALLS; i++) {
        host_free(crowd->all[i].call);
        fcgi_response_free(&crowd->all[i].response);
        wire_free(&crowd->all[i].answer);
    }
}

static struct crowd *begin_crowd(void **state)
{
    struct fixture *f = *state;
    struct crowd *crowd = fixture_alloc(state, sizeof(*crowd));
    struct fcgi_client_config config = {
        .pool = {.allocator = counting_allocator(&f->memory)}};
    raise_limit();
    crowd->f = fixture_peer(state, &config);
    fixture_defer(state, free_all, crowd);
    begin_all(crowd);
    return crowd;
}

/* The next byte of each answer. */
static void say_more(struct crowd *crowd)
{
    for (size_t i = 0; i < CALLS; i++) {
        struct one *one = &crowd->all[i];
        if (one->said < one->answer.len) {
            one->said +=
                peer_send(&crowd->f->peer, i, one->answer.data + one->said, 1);
        }
    }
}

static void watch_all(struct crowd *crowd)
{
    for (size_t i = 0; i < CALLS; i++) {
        struct one *one = &crowd->all[i];
        struct pollfd *watched = &crowd->watched[i];
        watched->fd = one->ended ? -1 : fcgi_call_fd(one->call);
        watched->events = POLLIN;
    }
}

/* Advance those whose descriptor is ready. */
static void advance_ready(struct crowd *crowd)
{
    watch_all(crowd);
    assert_true(host_poll(crowd->watched, CALLS, 1000) > 0);
    for (size_t i = 0; i < CALLS; i++) {
        if (crowd->watched[i].fd < 0 || crowd->watched[i].revents == 0) {
            continue;
        }
        int rc = host_advance(crowd->all[i].call);
        if (rc != FCGI_WAIT) {
            assert_code(rc, FCGI_OK);
            crowd->all[i].ended = true;
            crowd->left -= 1;
        }
    }
}

static void a_thousand_slow_calls_share_a_thread(void **state)
{
    struct crowd *crowd = begin_crowd(state);
    assert_int_equal(stats_of(crowd->f->client).open, CALLS);
    assert_true(fcgi_call_fd(crowd->all[CALLS - 1].call) > FIXTURE_SELECTABLE);
    while (crowd->left > 0) {
        say_more(crowd);
        advance_ready(crowd);
    }
    for (size_t i = 0; i < CALLS; i++) {
        assert_string_equal(crowd->all[i].response.body.data,
                            crowd->all[i].body);
    }
}

static void a_slow_call_holds_little_memory(void **state)
{
    struct crowd *crowd = begin_crowd(state);
    const struct counting_allocator *memory = &crowd->f->memory;
    assert_in_range(memory->bytes / CALLS, 1, MEMORY_PER_CALL);
    while (crowd->left > 0) {
        say_more(crowd);
        advance_ready(crowd);
        assert_true(memory->bytes / CALLS <= MEMORY_PER_CALL);
    }
    assert_true(memory->peak / CALLS <= MEMORY_PER_CALL);
}

/* Nor once they are over: few calls are kept for the next ones. */
static void ended_calls_hold_no_memory(void **state)
{
    struct crowd *crowd = begin_crowd(state);
    for (size_t i = 0; i < CALLS; i++) {
        host_free(crowd->all[i].call);
        crowd->all[i].call = NULL;
        fcgi_response_free(&crowd->all[i].response);
    }
    assert_int_equal(stats_of(crowd->f->client).open, 0);
    assert_true(crowd->f->memory.bytes < 65 * MEMORY_PER_CALL);
}

/* ---- high descriptors --------------------------------------------------- */

/* Each that is told: of a socket that connects, of a wait for a place, of an
 * answer. */
static void high_descriptors_are_like_any_other(void **state)
{
    static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};
    raise_limit();
    for (size_t i = 0; i < 2; i++) {
        struct fcgi_client_config config = {.pool = {.max_open = 1}};
        struct fixture *f = fixture_serve(state, families[i], &config);
        fixture_take_low_descriptors(state);
        fixture_begin(f);
        assert_true(fcgi_call_fd(f->call) > FIXTURE_SELECTABLE);
        struct fixture_call *other = fixture_other_call(state);
        assert_true(fcgi_call_fd(other->call) > FIXTURE_SELECTABLE);
        assert_code(host_run(f->call), FCGI_OK);
        assert_string_equal(f->response.body.data, "hello");
        fixture_free_call(f);
        assert_code(host_run(other->call), FCGI_OK);
        assert_string_equal(other->response.body.data, "hello");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_thousand_slow_calls_share_a_thread),
        fixture_test(a_slow_call_holds_little_memory),
        fixture_test(ended_calls_hold_no_memory),
        fixture_test(high_descriptors_are_like_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
