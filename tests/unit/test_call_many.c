/*
 * A thousand calls at a time on one thread, each answered a byte at a time:
 * what they hold, that they do not mix, and that descriptors beyond what
 * select() could watch are like any other.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fcgi_client.h>

#include "allocator.h"
#include "ask.h"
#include "fake.h"
#include "host.h"
#include "peer.h"
#include "process.h"

#define CALLS 1000
#define KIB ((size_t)1024)

/* The highest descriptor that select() knows, on most systems. */
#define SELECTABLE 1023

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
    struct counting_allocator memory;
    struct peer peer;
    struct fcgi_client *client;
    struct one all[CALLS];
    struct pollfd watched[CALLS];
    size_t left;
};

/* Whether as many descriptors may be open as the test needs, both ends of each
 * connection being its own. */
static bool raise_limit(void)
{
    struct rlimit limit;
    const rlim_t wanted = 2 * CALLS + 200;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < wanted && limit.rlim_max >= wanted) {
        limit.rlim_cur = wanted;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
    return limit.rlim_cur >= wanted;
}

static void begin_all(struct crowd *crowd)
{
    struct fcgi_request request = get_request();
    for (size_t i = 0; i < CALLS; i++) {
        struct one *one = &crowd->all[i];
        char text[64];
        (void)snprintf(one->body, sizeof(one->body), "for the %zuth", i);
        (void)snprintf(text, sizeof(text), "A: 1\r\n\r\n%s", one->body);
        wire_stdout(&one->answer, 1, text);
        wire_end(&one->answer, 1, 0, WIRE_COMPLETE);
        one->call = host_begin(crowd->client, &request, &one->response);
        assert_code(host_settle(one->call), FCGI_WAIT);
    }
    crowd->left = CALLS;
}

static struct crowd *open_crowd(void)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    assert_non_null(crowd);
    struct fcgi_client_config config = {
        .pool = {.allocator = counting_allocator(&crowd->memory)}};
    crowd->client = peer_client(&crowd->peer, &config);
    begin_all(crowd);
    return crowd;
}

static void close_crowd(struct crowd *crowd)
{
    for (size_t i = 0; i < CALLS; i++) {
        host_free(crowd->all[i].call);
        fcgi_response_free(&crowd->all[i].response);
        wire_free(&crowd->all[i].answer);
    }
    fcgi_client_free(crowd->client);
    peer_free(&crowd->peer);
    assert_int_equal(crowd->memory.blocks, 0);
    free(crowd);
}

/* The next byte of each answer. */
static void say_more(struct crowd *crowd)
{
    for (size_t i = 0; i < CALLS; i++) {
        struct one *one = &crowd->all[i];
        if (one->said < one->answer.len) {
            one->said +=
                peer_send(&crowd->peer, i, one->answer.data + one->said, 1);
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
    (void)state;
    if (!raise_limit()) {
        skip();
    }
    size_t before = open_descriptors();
    struct crowd *crowd = open_crowd();
    assert_int_equal(stats_of(crowd->client).open, CALLS);
    assert_true(fcgi_call_fd(crowd->all[CALLS - 1].call) > SELECTABLE);
    while (crowd->left > 0) {
        say_more(crowd);
        advance_ready(crowd);
    }
    for (size_t i = 0; i < CALLS; i++) {
        assert_string_equal(crowd->all[i].response.body.data,
                            crowd->all[i].body);
    }
    close_crowd(crowd);
    assert_int_equal(open_descriptors(), before);
}

static void a_slow_call_holds_little_memory(void **state)
{
    (void)state;
    if (!raise_limit()) {
        skip();
    }
    struct crowd *crowd = open_crowd();
    assert_in_range(crowd->memory.bytes / CALLS, 1, MEMORY_PER_CALL);
    while (crowd->left > 0) {
        say_more(crowd);
        advance_ready(crowd);
        assert_true(crowd->memory.bytes / CALLS <= MEMORY_PER_CALL);
    }
    assert_true(crowd->memory.peak / CALLS <= MEMORY_PER_CALL);
    close_crowd(crowd);
}

/* Nor once they are over: few calls are kept for the next ones. */
static void ended_calls_hold_no_memory(void **state)
{
    (void)state;
    if (!raise_limit()) {
        skip();
    }
    struct crowd *crowd = open_crowd();
    for (size_t i = 0; i < CALLS; i++) {
        host_free(crowd->all[i].call);
        crowd->all[i].call = NULL;
        fcgi_response_free(&crowd->all[i].response);
    }
    assert_int_equal(stats_of(crowd->client).open, 0);
    assert_true(crowd->memory.bytes < 65 * MEMORY_PER_CALL);
    close_crowd(crowd);
}

/* ---- high descriptors --------------------------------------------------- */

/* Take all descriptors up to what select() knows; to be given back. */
static size_t take_low(int *low)
{
    size_t count = 0;
    do {
        low[count] = dup(0);
        assert_true(low[count] >= 0);
        count += 1;
    } while (low[count - 1] <= SELECTABLE);
    return count;
}

static void give_back(const int *low, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(close(low[i]), 0);
    }
}

/* Each that is told: of a socket that connects, of a wait for a place, of an
 * answer. */
static void high_descriptors_are_like_any_other(void **state)
{
    (void)state;
    static int low[SELECTABLE + 2];
    static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};
    if (!raise_limit()) {
        skip();
    }
    for (size_t i = 0; i < 2; i++) {
        struct fcgi_pool_config config = {.max_open = 1};
        struct fake *app = fake_serve(families[i]);
        struct fcgi_client *client = client_with_pool(app, &config);
        struct fcgi_request request = get_request();
        struct fcgi_response responses[2] = {{0}};
        struct fcgi_call *calls[2];
        size_t count = take_low(low);
        for (size_t k = 0; k < 2; k++) {
            calls[k] = host_begin(client, &request, &responses[k]);
            assert_true(fcgi_call_fd(calls[k]) > SELECTABLE);
        }
        for (size_t k = 0; k < 2; k++) {
            assert_code(host_run(calls[k]), FCGI_OK);
            assert_string_equal(responses[k].body.data, "hello");
            host_free(calls[k]);
            fcgi_response_free(&responses[k]);
        }
        give_back(low, count);
        fcgi_client_free(client);
        fake_stop(app);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_slow_calls_share_a_thread),
        cmocka_unit_test(a_slow_call_holds_little_memory),
        cmocka_unit_test(ended_calls_hold_no_memory),
        cmocka_unit_test(high_descriptors_are_like_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
