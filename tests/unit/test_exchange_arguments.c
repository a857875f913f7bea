/*
 * What a caller of an exchange may get wrong: a code for it, and the exchange
 * is as good as before.
 */
#include <fcgi_client/exchange.h>

#include "talk.h"
#include "test.h"

/* The exchange under way ends as if nothing had been asked of it. */
static void assert_unharmed(struct talk *t)
{
    struct wire answer = {0};
    talk_send_all(t);
    talk_write_text(&answer, "Status: 200 OK\r\n\r\nhello");
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    talk_assert_text(t->response.body, "hello");
    wire_free(&answer);
}

static void no_exchange_is_a_wrong_argument(void **state)
{
    (void)state;
    struct fcgi_slice slices[4];
    struct fcgi_memory room[2];
    size_t used = 7;
    assert_int_equal(fcgi_exchange_restart(NULL, 1), FCGI_ERR_ARGUMENT);
    assert_false(fcgi_exchange_replayable(NULL));
    assert_int_equal(fcgi_exchange_output(NULL, slices, 4), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_sent(NULL, 0), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_input(NULL, room, 2), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_received(NULL, 0), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_feed(NULL, "x", 1, &used),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(used, 7);
    assert_int_equal(fcgi_exchange_cancel(NULL, FCGI_ERR_CANCELLED, NULL), 0);
    assert_int_equal(fcgi_exchange_status(NULL), FCGI_ERR_STATE);
    assert_int_equal(fcgi_exchange_eof(NULL, false), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_resume(NULL), FCGI_ERR_ARGUMENT);
    fcgi_exchange_send_failed(NULL);
    fcgi_exchange_free(NULL);
}

static void a_null_exchange_answers_no_to_every_question(void **state)
{
    (void)state;
    int descriptor = 7;
    assert_false(fcgi_exchange_source_waits(NULL, &descriptor));
    assert_int_equal(descriptor, 7);
    assert_false(fcgi_exchange_sent_all(NULL));
    assert_false(fcgi_exchange_paused(NULL));
    assert_false(fcgi_exchange_reusable(NULL));
}

static int has_nothing_yet(void *context, void *buf, size_t cap, size_t *got)
{
    (void)context;
    (void)buf;
    (void)cap;
    (void)got;
    return FCGI_WAIT;
}

static void a_source_that_waits_needs_a_place_for_its_descriptor(void **state)
{
    const struct fcgi_request request = {.body = {.read = has_nothing_yet}};
    struct talk *t = *state;
    int descriptor;
    talk_ask(t, &request);
    assert_true(fcgi_exchange_source_waits(t->x, &descriptor));
    assert_false(fcgi_exchange_source_waits(t->x, NULL));
}

static void nothing_was_sent_before_a_request_was_begun(void **state)
{
    (void)state;
    struct fcgi_exchange *x;
    assert_int_equal(fcgi_exchange_new(&x, NULL), FCGI_OK);
    assert_false(fcgi_exchange_sent_all(x));
    assert_false(fcgi_exchange_reusable(x));
    assert_false(fcgi_exchange_paused(x));
    fcgi_exchange_free(x);
}

/* The one before it was sent whole. */
static void a_request_that_was_refused_was_not_sent(void **state)
{
    const struct fcgi_request refused = {.role = (enum fcgi_role)99};
    struct talk *t = *state;
    talk_ask(t, NULL);
    assert_true(fcgi_exchange_sent_all(t->x));
    assert_int_equal(fcgi_exchange_begin(t->x, &refused, &t->response, 2, 0),
                     FCGI_ERR_ARGUMENT);
    assert_false(fcgi_exchange_sent_all(t->x));
}

static void no_place_for_what_it_says_is_a_wrong_argument(void **state)
{
    struct talk *t = *state;
    size_t used;
    talk_begin(t, NULL);
    assert_int_equal(fcgi_exchange_output(t->x, NULL, 4), FCGI_ERR_ARGUMENT);
    struct fcgi_memory room[1];
    assert_int_equal(fcgi_exchange_input(t->x, NULL, 2), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_input(t->x, room, 1), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_feed(t->x, "x", 1, NULL), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_feed(t->x, NULL, 1, &used),
                     FCGI_ERR_ARGUMENT);
    assert_unharmed(t);
}

static void nothing_at_all_may_be_fed(void **state)
{
    struct talk *t = *state;
    size_t used = 7;
    talk_begin(t, NULL);
    assert_int_equal(fcgi_exchange_feed(t->x, NULL, 0, &used), FCGI_WAIT);
    assert_int_equal(used, 0);
    assert_unharmed(t);
}

static void success_is_no_reason_to_cancel(void **state)
{
    struct talk *t = *state;
    uint8_t record[FCGI_RECORD_HEADER_LEN];
    talk_begin(t, NULL);
    assert_int_equal(fcgi_exchange_cancel(t->x, FCGI_OK, record), 0);
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_WAIT);
    assert_unharmed(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_exchange_is_a_wrong_argument),
        cmocka_unit_test(a_null_exchange_answers_no_to_every_question),
        talk_test(a_source_that_waits_needs_a_place_for_its_descriptor),
        cmocka_unit_test(nothing_was_sent_before_a_request_was_begun),
        talk_test(a_request_that_was_refused_was_not_sent),
        talk_test(no_place_for_what_it_says_is_a_wrong_argument),
        talk_test(nothing_at_all_may_be_fed),
        talk_test(success_is_no_reason_to_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
