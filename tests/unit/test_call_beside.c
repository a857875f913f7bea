/*
 * Pollable calls beside others: many on one thread, one beside a blocking
 * request, and those that a sink begins or tries to drive.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "host.h"
#include "pattern.h"
#include "peer.h"

#define MANY 12

struct one {
    char text[16];
    struct fixture_call *call;
    bool ended;
};

static void begin_all(void **state, struct one *all)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(all[i].text, sizeof(all[i].text), "the %zuth", i);
        f->request = post_text(all[i].text);
        all[i].call = fixture_other_call(state);
    }
}

/* Advance each in turn until all have ended. */
static void run_all(struct one *all)
{
    for (size_t left = MANY; left > 0;) {
        for (size_t i = 0; i < MANY; i++) {
            int rc = all[i].ended ? FCGI_WAIT : host_advance(all[i].call->call);
            if (rc != FCGI_WAIT) {
                assert_code(rc, FCGI_OK);
                all[i].ended = true;
                left -= 1;
            }
        }
    }
}

static void calls_on_one_thread_do_not_mix(void **state)
{
    struct one all[MANY] = {{{0}, NULL, false}};
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    begin_all(state, all);
    assert_int_equal(stats_of(f->client).open, MANY);
    run_all(all);
    for (size_t i = 0; i < MANY; i++) {
        assert_string_equal(all[i].call->response.body.data, all[i].text);
        fixture_free_other(all[i].call);
    }
    /* For one that a busy machine lets wait another is closed. */
    struct fcgi_pool_stats stats = stats_of(f->client);
    assert_int_equal(stats.idle + stats.rescues, MANY);
}

/* While one is under way, a blocking one may go on beside it. */
static void a_call_and_a_blocking_request_share_a_client(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    fixture_begin(f);
    assert_code(host_advance(f->call), FCGI_WAIT);
    struct fixture_call *second = fixture_other_call(state);
    assert_code(host_advance(second->call), FCGI_WAIT);
    peer_answer(&f->peer, 1, 1, "A: 1\r\n\r\nsecond");
    assert_code(host_run(second->call), FCGI_OK);
    assert_string_equal(second->response.body.data, "second");
    fixture_free_other(second);
    peer_answer(&f->peer, 1, 2, "A: 1\r\n\r\nblocking");
    ask_expecting_body(f->client, &f->request, "blocking");
    peer_answer(&f->peer, 0, 1, "A: 1\r\n\r\nfirst");
    assert_code(host_run(f->call), FCGI_OK);
    assert_string_equal(f->response.body.data, "first");
}

/* What a sink begins while its own call is under way. */
static struct fixture_call *begun;

static int begin_another(void *state, const struct fcgi_response *response)
{
    struct fixture *f = *(void **)state;
    (void)response;
    f->request = get_request();
    begun = fixture_other_call(state);
    return fcgi_call_advance(begun->call) == FCGI_WAIT ? 0 : -1;
}

static void a_sink_may_begin_another_call(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    f->request.sink.head = begin_another;
    f->request.sink.context = state;
    fixture_begin(f);
    peer_answer(&f->peer, 0, 1, "A: 1\r\n\r\nfirst");
    assert_code(host_run(f->call), FCGI_OK);
    assert_string_equal(f->response.body.data, "first");
    peer_answer(&f->peer, 1, 1, "A: 1\r\n\r\nsecond");
    assert_code(host_run(begun->call), FCGI_OK);
    assert_string_equal(begun->response.body.data, "second");
}

/* A sink that would drive its own call, which is at work already. */
struct driver {
    struct fcgi_call *call;
    struct pattern_download download;
    bool drove;
};

static int drive_own_call(void *context, const void *data, size_t *len)
{
    struct driver *driver = context;
    driver->drove = driver->drove || fcgi_call_advance(driver->call) >= 0 ||
                    fcgi_call_resume(driver->call) >= 0;
    return pattern_sink(&driver->download).body(&driver->download, data, len);
}

static void a_sink_cannot_drive_its_own_call(void **state)
{
    struct driver driver = {.drove = false};
    struct wire answer = {0};
    void *body = pattern_make(100000);
    wire_stdout(&answer, 1, "A: 1\r\n\r\n");
    wire_stream(&answer, WIRE_STDOUT, 1, body, 100000);
    wire_end(&answer, 1, 0, WIRE_COMPLETE);
    struct fixture *f = fixture_peer(state, NULL);
    f->request.sink.body = drive_own_call;
    f->request.sink.context = &driver;
    fixture_begin(f);
    driver.call = f->call;
    peer_say(&f->peer, 0, &answer);
    assert_code(host_run(f->call), FCGI_OK);
    assert_int_equal(driver.download.at, 100000);
    assert_false(driver.download.wrong);
    assert_false(driver.drove);
    free(body);
    wire_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(calls_on_one_thread_do_not_mix),
        fixture_test(a_call_and_a_blocking_request_share_a_client),
        fixture_test(a_sink_may_begin_another_call),
        fixture_test(a_sink_cannot_drive_its_own_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
