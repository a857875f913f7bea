/*
 * Pollable calls beside others: many on one thread, one beside a blocking
 * request, and those that a sink begins or tries to drive.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcgi_client.h>

#include "ask.h"
#include "fake.h"
#include "host.h"
#include "pattern.h"
#include "peer.h"

#define MANY 12

struct one {
    char text[16];
    struct fcgi_call *call;
    struct fcgi_response response;
    bool ended;
};

static void begin_all(struct fcgi_client *client, struct one *all)
{
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(all[i].text, sizeof(all[i].text), "the %zuth", i);
        struct fcgi_request request = post_text(all[i].text);
        all[i].call = host_begin(client, &request, &all[i].response);
    }
}

/* Advance each in turn until all have ended. */
static void run_all(struct one *all)
{
    for (size_t left = MANY; left > 0;) {
        for (size_t i = 0; i < MANY; i++) {
            int rc = all[i].ended ? FCGI_WAIT : host_advance(all[i].call);
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
    (void)state;
    struct one all[MANY] = {{{0}, NULL, {0}, false}};
    struct fake *app = fake_serve(FAKE_UNIX);
    struct fcgi_client *client = client_for(app, NULL);
    begin_all(client, all);
    assert_int_equal(stats_of(client).open, MANY);
    run_all(all);
    for (size_t i = 0; i < MANY; i++) {
        assert_string_equal(all[i].response.body.data, all[i].text);
        host_free(all[i].call);
        fcgi_response_free(&all[i].response);
    }
    /* For one that a busy machine lets wait another is closed. */
    struct fcgi_pool_stats stats = stats_of(client);
    assert_int_equal(stats.idle + stats.rescues, MANY);
    fcgi_client_free(client);
    fake_stop(app);
}

/* While one is under way, a blocking one may go on beside it. */
static void a_call_and_a_blocking_request_share_a_client(void **state)
{
    (void)state;
    struct peer peer = {0};
    struct fcgi_client *client = peer_client(&peer, NULL);
    struct fcgi_request request = get_request();
    struct fcgi_response response = {0};
    struct fcgi_response other = {0};
    struct fcgi_call *first = host_begin(client, &request, &response);
    assert_code(host_advance(first), FCGI_WAIT);
    struct fcgi_call *second = host_begin(client, &request, &other);
    assert_code(host_advance(second), FCGI_WAIT);
    peer_answer(&peer, 1, 1, "A: 1\r\n\r\nsecond");
    assert_code(host_run(second), FCGI_OK);
    assert_string_equal(other.body.data, "second");
    host_free(second);
    peer_answer(&peer, 1, 2, "A: 1\r\n\r\nblocking");
    assert_code(fcgi_client_do(client, &request, &other), FCGI_OK);
    assert_string_equal(other.body.data, "blocking");
    peer_answer(&peer, 0, 1, "A: 1\r\n\r\nfirst");
    assert_code(host_run(first), FCGI_OK);
    assert_string_equal(response.body.data, "first");
    host_free(first);
    fcgi_response_free(&response);
    fcgi_response_free(&other);
    fcgi_client_free(client);
    peer_free(&peer);
}

/* What a sink begins while its own call is under way. */
struct beginner {
    struct fcgi_client *client;
    struct fcgi_request request;
    struct fcgi_response response;
    struct fcgi_call *call;
};

static int begin_another(void *context, const struct fcgi_response *response)
{
    struct beginner *beginner = context;
    (void)response;
    beginner->call =
        host_begin(beginner->client, &beginner->request, &beginner->response);
    return fcgi_call_advance(beginner->call) == FCGI_WAIT ? 0 : -1;
}

static void a_sink_may_begin_another_call(void **state)
{
    (void)state;
    struct peer peer = {0};
    struct fcgi_client *client = peer_client(&peer, NULL);
    struct beginner beginner = {.client = client, .request = get_request()};
    struct fcgi_response response = {0};
    struct fcgi_request request = get_request();
    request.sink.head = begin_another;
    request.sink.context = &beginner;
    struct fcgi_call *call = host_begin(client, &request, &response);
    peer_answer(&peer, 0, 1, "A: 1\r\n\r\nfirst");
    assert_code(host_run(call), FCGI_OK);
    assert_string_equal(response.body.data, "first");
    peer_answer(&peer, 1, 1, "A: 1\r\n\r\nsecond");
    assert_code(host_run(beginner.call), FCGI_OK);
    assert_string_equal(beginner.response.body.data, "second");
    host_free(call);
    host_free(beginner.call);
    fcgi_response_free(&response);
    fcgi_response_free(&beginner.response);
    fcgi_client_free(client);
    peer_free(&peer);
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
    (void)state;
    struct peer_call c;
    struct driver driver = {.drove = false};
    struct wire answer = {0};
    struct fcgi_request request = get_request();
    void *body = pattern_make(100000);
    wire_stdout(&answer, 1, "A: 1\r\n\r\n");
    wire_stream(&answer, WIRE_STDOUT, 1, body, 100000);
    wire_end(&answer, 1, 0, WIRE_COMPLETE);
    request.sink.body = drive_own_call;
    request.sink.context = &driver;
    peer_call_begin(&c, NULL, &request);
    driver.call = c.call;
    peer_say(&c.peer, 0, &answer);
    assert_code(host_run(c.call), FCGI_OK);
    assert_int_equal(driver.download.at, 100000);
    assert_false(driver.download.wrong);
    assert_false(driver.drove);
    free(body);
    wire_free(&answer);
    peer_call_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_on_one_thread_do_not_mix),
        cmocka_unit_test(a_call_and_a_blocking_request_share_a_client),
        cmocka_unit_test(a_sink_may_begin_another_call),
        cmocka_unit_test(a_sink_cannot_drive_its_own_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
