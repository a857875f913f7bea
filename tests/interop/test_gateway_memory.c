/*
 * The memory of fcgi-gateway is bounded in sum, however many clients there are:
 * what is beyond the sum is refused, others are served meanwhile, and what is
 * given back can be taken again.
 */
#define _POSIX_C_SOURCE 200809L

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "front.h"
#include "process.h"
#include "site.h"
#include "web.h"

#define HOST "Host: test\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST "\r\n"
#define POST "POST / HTTP/1.1\r\n" HOST

/* The options of the tests, and as numbers. */
static const char *const options[] = {"--gather", "1048576", "--memory",
                                      "33554432", NULL};
#define GATHER ((size_t)1024 * 1024)
#define MEMORY ((size_t)32 * 1024 * 1024)

#define CLIENTS 200
#define SOON_MS 10000

/* At most so many bodies fit into the sum. */
#define FITTING (MEMORY / GATHER)

/*
 * What the process may grow by beside the sum, in KiB: 64 requests that it
 * keeps for the next ones, of which each has touched up to 150 KiB, and 16 KiB
 * for each client: its part of the event loop, the kernel's pages for its
 * place in tables, and what malloc() loses.
 */
#define ALLOWANCE_KIB ((size_t)64 * 150 + (size_t)CLIENTS * 16)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TELLS_MEMORY 0 /* what is freed stays with the sanitizer */
#else
#define TELLS_MEMORY 1
#endif

struct crowd {
    struct fake *app;
    struct front *front;
    size_t resident;    /* of the gateway beforehand, KiB */
    size_t descriptors; /* likewise */
    struct web *webs[CLIENTS];
};

static void assert_get(const struct front *front)
{
    struct web_answer answer;
    web_ask(front_address(front), GET, &answer);
    assert_int_equal(answer.status, 200);
    web_answer_free(&answer);
}

static void begin(struct crowd *crowd, void **state,
                  const char *const *with_options)
{
    crowd->app = fake_serve(FAKE_UNIX);
    crowd->front = site_gateway(state, fake_address(crowd->app), with_options);
    assert_get(crowd->front);
    crowd->descriptors = front_descriptors(crowd->front);
    crowd->resident = front_resident(crowd->front);
}

static void end(struct crowd *crowd)
{
    assert_true(front_stop(crowd->front));
    fake_stop(crowd->app);
}

/* Each of them begins so, and falls silent. */
static void come(struct crowd *crowd, const char *text, const char *body,
                 size_t len)
{
    for (int i = 0; i < CLIENTS; i++) {
        crowd->webs[i] = web_open(front_address(crowd->front));
        (void)web_send(crowd->webs[i], text);
        (void)web_send_bytes(crowd->webs[i], body, len);
    }
}

static size_t count_answered(const struct crowd *crowd)
{
    size_t count = 0;
    for (int i = 0; i < CLIENTS; i++) {
        count += web_hears(crowd->webs[i], 0);
    }
    return count;
}

/* Nothing tells when the last of them has been. */
static bool await_answered(const struct crowd *crowd, size_t wanted)
{
    int64_t began = now_ms();
    while (count_answered(crowd) < wanted && now_ms() - began < SOON_MS) {
        pass_ms(2);
    }
    return count_answered(crowd) >= wanted;
}

/* Returns how many were told that there is no room; those that have sent HEAD
 * without a body. */
static size_t read_refusals(struct crowd *crowd, bool to_head)
{
    size_t count = 0;
    for (int i = 0; i < CLIENTS; i++) {
        struct web_answer answer;
        if (web_hears(crowd->webs[i], 0)) {
            web_read(crowd->webs[i], &answer);
            assert_int_equal(answer.status, 503);
            assert_true(answer.len == 0 || !to_head);
            web_answer_free(&answer);
            count += 1;
        }
    }
    return count;
}

static void go(struct crowd *crowd)
{
    for (int i = 0; i < CLIENTS; i++) {
        web_close(crowd->webs[i]);
    }
    assert_true(front_await_descriptors(crowd->front, crowd->descriptors));
}

static void assert_bounded(const struct crowd *crowd)
{
    size_t bound = crowd->resident + MEMORY / 1024 + ALLOWANCE_KIB;
    size_t resident = front_resident(crowd->front);
    print_message("resident %zu KiB before, %zu KiB now, %zu KiB at the most; "
                  "may be %zu KiB\n",
                  crowd->resident, resident, front_peak(crowd->front), bound);
    if (TELLS_MEMORY) {
        assert_in_range(front_peak(crowd->front), 0, bound);
    }
}

/* One that ends its body gets it back. */
static void assert_upload(const struct crowd *crowd, const char *body,
                          size_t len)
{
    struct web *web = web_open(front_address(crowd->front));
    struct web_answer answer;
    (void)web_sendf(web, POST "Content-Length: %zu\r\n\r\n", len);
    (void)web_send_bytes(web, body, len);
    web_read(web, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.len, len);
    web_answer_free(&answer);
    web_close(web);
}

/* Each has sent all that may be gathered but for a byte. */
static void assert_uploads_are_bounded(void **state, const char *text)
{
    struct crowd crowd;
    char *body = malloc(GATHER);
    assert_non_null(body);
    memset(body, 'x', GATHER);
    begin(&crowd, state, options);
    come(&crowd, text, body, GATHER - 1);
    assert_true(await_answered(&crowd, CLIENTS - FITTING));
    for (int i = 0; i < 5; i++) {
        assert_get(crowd.front);
    }
    assert_bounded(&crowd);
    assert_in_range(read_refusals(&crowd, false), CLIENTS - FITTING,
                    CLIENTS - 1);
    assert_int_equal(fake_count(crowd.app, FAKE_BEGUN), 6);
    go(&crowd);
    assert_upload(&crowd, body, GATHER);
    end(&crowd);
    free(body);
}

static void chunked_uploads_are_bounded_in_sum(void **state)
{
    assert_uploads_are_bounded(state, POST "Transfer-Encoding: chunked\r\n\r\n"
                                           "100000\r\n");
}

static void measured_uploads_are_bounded_in_sum(void **state)
{
    assert_uploads_are_bounded(state, POST "Content-Length: 1048576\r\n\r\n");
}

/* There is no room even for the head of a request. */
static void heads_are_bounded_in_sum(void **state)
{
    static const char *const little[] = {"--memory", "2097152", NULL};
    struct crowd crowd;
    begin(&crowd, state, little);
    come(&crowd, "HEAD / HTTP/1.1\r\n", NULL, 0);
    assert_true(await_answered(&crowd, CLIENTS - 30));
    assert_in_range(read_refusals(&crowd, true), CLIENTS - 30, CLIENTS - 1);
    go(&crowd);
    assert_get(crowd.front);
    end(&crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunked_uploads_are_bounded_in_sum),
        cmocka_unit_test(measured_uploads_are_bounded_in_sum),
        cmocka_unit_test(heads_are_bounded_in_sum),
    };
    return cmocka_run_group_tests(tests, site_finds_gateway, NULL);
}
