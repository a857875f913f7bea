/*
 * An application that writes its answer in pieces, as flup and Mono do: over
 * TCP its system holds back the second until the first is acknowledged, which
 * ours does at once only for as long as a connection is new.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcgi_client.h>

#include "ask.h"
#include "host.h"
#include "ticks.h"

/* More requests than those for which a system acknowledges all at once. */
#define REQUESTS 60

/* Of the system; 40 ms on Linux. */
#define DELAYED_MS 30

static const struct fake_step one_request[] = {
    FAKE_READ_REQUEST,
    FAKE_STDOUT("A: 1\r\n\r\nbody"),
    FAKE_END(WIRE_COMPLETE),
};

/* What answers that many requests over one connection. */
static const struct fake_step *pieces(size_t *count)
{
    static struct fake_step steps[1 + REQUESTS * 3];
    static const struct fake_step accepting = FAKE_ACCEPT;

    steps[0] = accepting;
    for (size_t i = 0; i < (size_t)REQUESTS * 3; i++) {
        steps[1 + i] = one_request[i % 3];
    }
    *count = 1 + (size_t)REQUESTS * 3;
    return steps;
}

static int ask_blocking(struct fcgi_client *client,
                        struct fcgi_response *response)
{
    struct fcgi_request request = get_request();

    return fcgi_client_do(client, &request, response);
}

static int ask_from_loop(struct fcgi_client *client,
                         struct fcgi_response *response)
{
    struct fcgi_request request = get_request();
    struct fcgi_call *call = host_begin(client, &request, response);
    int rc = host_run(call);

    host_free(call);
    return rc;
}

static void assert_hardly_any_is_late(int (*ask)(struct fcgi_client *,
                                                 struct fcgi_response *))
{
    size_t count;
    const struct fake_step *steps = pieces(&count);
    struct fake *app = fake_start(FAKE_TCP, steps, count);
    struct fcgi_client *client = client_for(app, NULL);
    struct fcgi_response response = {0};
    int late = 0;

    for (int i = 0; i < REQUESTS; i++) {
        assert_code(ask(client, &response), FCGI_OK);
        assert_int_equal(response.outcome.reused, i > 0);
        late += response.outcome.total_us >= DELAYED_MS * 1000;
    }
    assert_in_range(late, 0, 3);
    fcgi_response_free(&response);
    fcgi_client_free(client);
    fake_stop(app);
}

static void an_answer_in_pieces_is_acknowledged_at_once(void **state)
{
    (void)state;
    assert_hardly_any_is_late(ask_blocking);
}

static void an_answer_in_pieces_is_acknowledged_at_once_in_a_loop(void **state)
{
    (void)state;
    assert_hardly_any_is_late(ask_from_loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_in_pieces_is_acknowledged_at_once),
        cmocka_unit_test(an_answer_in_pieces_is_acknowledged_at_once_in_a_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
