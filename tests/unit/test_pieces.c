/*
 * An application that writes its answer in pieces, as flup and Mono do: over
 * TCP its system holds back the second until the first is acknowledged, which
 * ours does at once only for as long as a connection is new.
 */
#define _POSIX_C_SOURCE 200809L

#include "fixture.h"
#include "host.h"

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

static void assert_hardly_any_is_late(void **state, ask_function *ask)
{
    size_t count;
    const struct fake_step *steps = pieces(&count);
    struct fixture *f = fixture_start(state, FAKE_TCP, steps, count, NULL);
    int late = 0;

    for (int i = 0; i < REQUESTS; i++) {
        assert_code(ask(f->client, &f->request, &f->response), FCGI_OK);
        assert_int_equal(f->response.outcome.reused, i > 0);
        late += f->response.outcome.total_us >= DELAYED_MS * 1000;
    }
    assert_in_range(late, 0, 3);
}

static void an_answer_in_pieces_is_acknowledged_at_once(void **state)
{
    assert_hardly_any_is_late(state, fcgi_client_do);
}

static void an_answer_in_pieces_is_acknowledged_at_once_in_a_loop(void **state)
{
    assert_hardly_any_is_late(state, host_do);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(an_answer_in_pieces_is_acknowledged_at_once),
        fixture_test(an_answer_in_pieces_is_acknowledged_at_once_in_a_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
