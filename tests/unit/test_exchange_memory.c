/*
 * Memory of exchanges and responses: none is asked for in the steady state,
 * and any of it may be refused.
 */
#include <string.h>

#include <fcgi_client/exchange.h>

#include "feeder.h"
#include "recorder.h"
#include "talk.h"
#include "test.h"

/* A conversation that needs memory of every kind: more of it each time. */
struct scene {
    struct wire noise;
    struct wire answer;
    struct feeder feeder;
    struct fcgi_param params[3];
    struct fcgi_request request;
};

static void make_scene(struct scene *s)
{
    const struct fcgi_param small = FCGI_PARAM("REQUEST_METHOD", "POST");
    memset(s, 0, sizeof(*s));
    wire_noise(&s->noise, 200000);
    s->params[0] = small;
    s->params[1].name = "LARGE";
    s->params[1].name_len = 5;
    s->params[1].value = (const char *)s->noise.data;
    s->params[1].value_len = 70000;
    s->params[2] = small;
    s->feeder.data = s->noise.data;
    s->feeder.len = 100000;
    s->request.params = s->params;
    s->request.param_count = 3;
    s->request.body = feeder_source(&s->feeder);
    wire_stderr(&s->answer, TALK_ID, "a warning");
    wire_stdout(&s->answer, TALK_ID,
                "Status: 200 Fine\r\nA: b\r\nSet-Cookie: c");
    wire_stdout(&s->answer, TALK_ID, "=1\r\nSet-Cookie: d=2\r\n\r\nbody");
    wire_stream(&s->answer, WIRE_STDERR, TALK_ID, s->noise.data, 5000);
    talk_write_answer(&s->answer, s->noise.data, s->noise.len);
}

static void free_scene(struct scene *s)
{
    wire_free(&s->noise);
    wire_free(&s->answer);
}

/* Play the scene, and stop at the first error; returns it. */
static int play(struct talk *t, struct scene *s, talk_bring *bring)
{
    struct fcgi_slice slices[8];
    size_t used;
    int count;
    s->feeder.at = 0;
    int rc = fcgi_exchange_begin(t->x, &s->request, &t->response, TALK_ID, 0);
    if (rc != FCGI_OK) {
        return rc;
    }
    for (count = fcgi_exchange_output(t->x, slices, 8); count > 0;
         count = fcgi_exchange_output(t->x, slices, 8)) {
        for (int i = 0; i < count; i++) {
            (void)fcgi_exchange_sent(t->x, slices[i].len);
        }
    }
    return count < 0 ? count : bring(t, s->answer.data, s->answer.len, &used);
}

static void assert_played(const struct talk *t, const struct scene *s)
{
    assert_int_equal(t->response.status, 200);
    assert_int_equal(t->response.field_count, 3);
    assert_int_equal(t->response.body.len, 4 + s->noise.len);
    assert_memory_equal(t->response.body.data + 4, s->noise.data, s->noise.len);
    assert_int_equal(t->response.stderr_data.len, 9 + 5000);
}

static talk_bring *const ways[] = {talk_by_feed, talk_by_input};

#define WAYS (sizeof(ways) / sizeof(ways[0]))

static void the_steady_state_allocates_nothing(void **state)
{
    struct scene s;
    make_scene(&s);
    for (size_t way = 0; way < WAYS; way++) {
        struct talk *t = *state;
        talk_anew(t);
        assert_int_equal(play(t, &s, ways[way]), FCGI_OK);
        size_t calls = t->memory.calls;
        size_t releases = t->memory.releases;
        for (int i = 0; i < 5; i++) {
            assert_int_equal(play(t, &s, ways[way]), FCGI_OK);
            assert_played(t, &s);
        }
        assert_int_equal(t->memory.calls, calls);
        assert_int_equal(t->memory.releases, releases);
    }
    free_scene(&s);
}

static void a_sink_in_the_steady_state_allocates_nothing(void **state)
{
    struct recorder r = {0};
    struct scene s;
    struct talk *t = *state;
    make_scene(&s);
    s.request.sink = recorder_sink(&r);
    assert_int_equal(play(t, &s, talk_by_input), FCGI_OK);
    size_t calls = t->memory.calls;
    assert_int_equal(play(t, &s, talk_by_input), FCGI_OK);
    assert_int_equal(t->memory.calls, calls);
    free_scene(&s);
    recorder_free(&r);
}

/* Run once and count; then again with each allocation failing, and with it
 * all that come after. */
static void assert_survives_failures(void **state, talk_bring *bring,
                                     bool onwards)
{
    struct scene s;
    struct talk *t = *state;
    make_scene(&s);
    talk_anew(t);
    size_t first = t->memory.calls;
    assert_int_equal(play(t, &s, bring), FCGI_OK);
    size_t last = t->memory.calls;
    assert_true(last > first + 5);
    for (size_t k = first + 1; k <= last; k++) {
        talk_anew(t);
        t->memory.fail_at = k;
        t->memory.fail_onwards = onwards;
        assert_int_equal(play(t, &s, bring), FCGI_ERR_NO_MEMORY);
        assert_true(t->memory.failures > 0);
        assert_true(fcgi_exchange_status(t->x) == FCGI_ERR_NO_MEMORY ||
                    fcgi_exchange_status(t->x) == FCGI_ERR_STATE);
        assert_false(fcgi_exchange_reusable(t->x));
    }
    free_scene(&s);
}

static void any_allocation_may_fail_and_nothing_leaks(void **state)
{
    for (size_t way = 0; way < WAYS; way++) {
        assert_survives_failures(state, ways[way], false);
        assert_survives_failures(state, ways[way], true);
    }
}

/* A request that begins, or for want of memory does not, whichever allocation
 * fails. */
static void assert_begins_or_not(void **state,
                                 const struct fcgi_request *request)
{
    int rc = FCGI_ERR_NO_MEMORY;
    for (size_t k = 1; rc != FCGI_OK; k++) {
        struct talk *t = *state;
        talk_anew(t);
        t->memory.fail_at = t->memory.calls + k;
        rc = fcgi_exchange_begin(t->x, request, &t->response, TALK_ID, 0);
        assert_int_equal(rc, t->memory.failures == 0 ? FCGI_OK
                                                     : FCGI_ERR_NO_MEMORY);
        assert_int_equal(fcgi_exchange_status(t->x),
                         rc == FCGI_OK ? FCGI_WAIT : FCGI_ERR_STATE);
    }
}

/* Wherever what was had at first is full: amid the params, or where one of the
 * streams ends. */
static void memory_may_run_out_anywhere_in_the_prologue(void **state)
{
    struct wire noise = {0};
    wire_noise(&noise, 70000);
    for (size_t len = 3700; len < 4200; len++) {
        const char *bytes = (const char *)noise.data;
        const struct fcgi_param params[] = {{"A", bytes, 1, len},
                                            {bytes, bytes, 127, 127},
                                            {"B", bytes, 1, noise.len}};
        struct fcgi_request request = {.role = FCGI_ROLE_FILTER,
                                       .params = params};
        for (request.param_count = 1; request.param_count <= 3;
             request.param_count++) {
            assert_begins_or_not(state, &request);
        }
    }
    wire_free(&noise);
}

static void after_running_out_of_memory_the_same_exchange_works(void **state)
{
    struct scene s;
    make_scene(&s);
    for (size_t k = 2;; k++) {
        struct talk *t = *state;
        talk_anew(t);
        t->memory.fail_at = k;
        int rc = play(t, &s, talk_by_input);
        t->memory.fail_at = 0;
        if (rc == FCGI_ERR_NO_MEMORY) {
            assert_int_equal(play(t, &s, talk_by_input), FCGI_OK);
        }
        assert_played(t, &s);
        if (rc == FCGI_OK) {
            break;
        }
    }
    free_scene(&s);
}

static void making_an_exchange_may_fail(void **state)
{
    struct counting_allocator memory = {.fail_at = 1, .fail_onwards = true};
    const struct fcgi_allocator allocator = counting_allocator(&memory);
    struct fcgi_exchange *x = (struct fcgi_exchange *)&memory;
    (void)state;
    assert_int_equal(fcgi_exchange_new(&x, &allocator), FCGI_ERR_NO_MEMORY);
    assert_null(x);
    assert_int_equal(memory.blocks, 0);
}

static void what_was_received_before_memory_ran_out_stays_readable(void **state)
{
    struct wire answer = {0};
    struct wire noise = {0};
    struct talk *t = *state;
    wire_noise(&noise, 60000);
    talk_ask(t, NULL);
    wire_stdout(&answer, TALK_ID, "Status: 201\nA: b\n\nbody");
    assert_int_equal(talk_answer(t, &answer), FCGI_WAIT);
    t->memory.fail_at = t->memory.calls + 1;
    wire_clear(&answer);
    talk_write_answer(&answer, noise.data, noise.len);
    assert_int_equal(talk_answer(t, &answer), FCGI_ERR_NO_MEMORY);
    assert_int_equal(t->response.status, 201);
    assert_string_equal(fcgi_response_field(&t->response, "A", 0), "b");
    assert_true(t->response.body.len >= 4);
    assert_memory_equal(t->response.body.data, "body", 4);
    wire_free(&noise);
    wire_free(&answer);
}

static void the_response_outlives_its_exchange(void **state)
{
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, "A: b\n\nbody"), FCGI_OK);
    fcgi_exchange_free(t->x);
    t->x = NULL;
    talk_assert_text(t->response.body, "body");
    assert_string_equal(fcgi_response_field(&t->response, "A", 0), "b");
}

static void a_response_moves_between_exchanges(void **state)
{
    struct wire answer = {0};
    struct talk *t = *state;
    struct fcgi_exchange *first;
    assert_int_equal(talk_anew_get(t, "A: b\n\nbody"), FCGI_OK);
    first = t->x;
    assert_int_equal(fcgi_exchange_new(&t->x, NULL), FCGI_OK);
    fcgi_exchange_free(first);
    talk_ask(t, NULL);
    talk_write_text(&answer, "C: d\n\nother");
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    talk_assert_text(t->response.body, "other");
    assert_null(fcgi_response_field(&t->response, "A", 0));
    wire_free(&answer);
}

static void a_freed_response_is_all_zero_and_usable_again(void **state)
{
    static const struct fcgi_response zero;
    struct wire answer = {0};
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, "A: b\n\nbody"), FCGI_OK);
    fcgi_response_free(&t->response);
    assert_memory_equal(&t->response, &zero, sizeof(zero));
    fcgi_response_free(&t->response);
    fcgi_response_free(NULL);
    talk_ask(t, NULL);
    talk_write_text(&answer, "A: b\n\nother");
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    talk_assert_text(t->response.body, "other");
    wire_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        talk_test(the_steady_state_allocates_nothing),
        talk_test(a_sink_in_the_steady_state_allocates_nothing),
        talk_test(any_allocation_may_fail_and_nothing_leaks),
        talk_test(memory_may_run_out_anywhere_in_the_prologue),
        talk_test(after_running_out_of_memory_the_same_exchange_works),
        cmocka_unit_test(making_an_exchange_may_fail),
        talk_test(what_was_received_before_memory_ran_out_stays_readable),
        talk_test(the_response_outlives_its_exchange),
        talk_test(a_response_moves_between_exchanges),
        talk_test(a_freed_response_is_all_zero_and_usable_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
