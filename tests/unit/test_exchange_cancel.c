/*
 * A request that is given up: what it ends with, when FCGI_ABORT_REQUEST may
 * be sent, and that nothing of its answer is taken any more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <fcgi_client/exchange.h>

#include "talk.h"

#define HEAD "Content-Type: text/plain\r\n\r\n"

/* Ask, and make an answer begin with a head. */
static void open_answered(struct talk *t, struct wire *answer)
{
    memset(answer, 0, sizeof(*answer));
    talk_open(t);
    talk_ask(t, NULL);
    wire_stdout(answer, TALK_ID, HEAD);
}

static void cancelling_between_records_gives_an_abort_record(void **state)
{
    uint8_t record[FCGI_RECORD_HEADER_LEN];
    struct talk t;
    (void)state;
    talk_open(&t);
    talk_ask(&t, NULL);
    memset(record, 0xff, sizeof(record));
    assert_int_equal(fcgi_exchange_cancel(t.x, FCGI_ERR_DEADLINE, record), 8);
    assert_memory_equal(record, "\1\2\1\2\0\0\0\0", 8);
    assert_int_equal(fcgi_exchange_status(t.x), FCGI_ERR_DEADLINE);
    assert_false(fcgi_exchange_reusable(t.x));
    talk_close(&t);
}

/* Amid a record, an abort would pass for its content. */
static void cancelling_amid_a_record_gives_no_abort_record(void **state)
{
    struct wire noise = {0};
    struct talk whole;
    (void)state;
    wire_noise(&noise, 65528 + 20);
    const struct fcgi_request request = {
        .role = FCGI_ROLE_FILTER,
        .body = {.data = noise.data, .len = noise.len},
        .data = {.data = "data!", .len = 5}};
    talk_open(&whole);
    talk_ask(&whole, &request);
    for (size_t sent = 1; sent <= whole.sent.len; sent++) {
        struct wire_request read = {0};
        uint8_t record[FCGI_RECORD_HEADER_LEN];
        struct talk t;
        if (sent == 200) {
            sent = whole.sent.len - 100;
        }
        bool between = wire_request_read(&read, whole.sent.data, sent) == sent;
        talk_open(&t);
        talk_begin(&t, &request);
        while (t.sent.len < sent) {
            talk_send(&t, sent - t.sent.len);
        }
        assert_int_equal(fcgi_exchange_cancel(t.x, FCGI_ERR_CANCELLED, record),
                         between ? 8 : 0);
        wire_request_free(&read);
        talk_close(&t);
    }
    wire_free(&noise);
    talk_close(&whole);
}

static void there_is_nothing_to_abort_before_anything_was_sent(void **state)
{
    uint8_t record[FCGI_RECORD_HEADER_LEN];
    struct talk t;
    (void)state;
    talk_open(&t);
    talk_begin(&t, NULL);
    assert_int_equal(fcgi_exchange_cancel(t.x, FCGI_ERR_CANCELLED, record), 0);
    assert_int_equal(fcgi_exchange_status(t.x), FCGI_ERR_CANCELLED);
    talk_close(&t);
}

static void cancelling_without_a_record_only_ends_the_request(void **state)
{
    struct fcgi_slice slices[4];
    struct fcgi_memory room[2];
    struct talk t;
    (void)state;
    talk_open(&t);
    talk_begin(&t, NULL);
    assert_int_equal(talk_send(&t, 5), 5);
    assert_int_equal(fcgi_exchange_cancel(t.x, FCGI_ERR_CANCELLED, NULL), 0);
    assert_int_equal(fcgi_exchange_output(t.x, slices, 4), 0);
    assert_int_equal(fcgi_exchange_input(t.x, room, 2), 0);
    talk_close(&t);
}

static void there_is_nowhere_to_send_an_abort_once_a_send_failed(void **state)
{
    uint8_t record[FCGI_RECORD_HEADER_LEN];
    struct talk t;
    (void)state;
    talk_open(&t);
    talk_ask(&t, NULL);
    fcgi_exchange_send_failed(t.x);
    assert_int_equal(fcgi_exchange_cancel(t.x, FCGI_ERR_CANCELLED, record), 0);
    assert_int_equal(fcgi_exchange_status(t.x), FCGI_ERR_CANCELLED);
    talk_close(&t);
}

static void cancelling_needs_an_error(void **state)
{
    static const int none[] = {FCGI_OK, FCGI_WAIT, 5};
    uint8_t record[FCGI_RECORD_HEADER_LEN];
    struct talk t;
    (void)state;
    talk_open(&t);
    talk_ask(&t, NULL);
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_int_equal(fcgi_exchange_cancel(t.x, none[i], record), 0);
        assert_int_equal(fcgi_exchange_status(t.x), FCGI_WAIT);
    }
    talk_close(&t);
}

static void cancelling_a_request_that_ended_changes_nothing(void **state)
{
    uint8_t record[FCGI_RECORD_HEADER_LEN];
    struct talk t;
    (void)state;
    assert_int_equal(talk_open_get(&t, HEAD "body"), FCGI_OK);
    assert_int_equal(fcgi_exchange_cancel(t.x, FCGI_ERR_CANCELLED, record), 0);
    assert_int_equal(fcgi_exchange_status(t.x), FCGI_OK);
    assert_true(fcgi_exchange_reusable(t.x));
    talk_close(&t);
}

/* A call that was given up must not leave its answer for the next one. */
static void a_late_answer_after_a_cancel_is_not_taken(void **state)
{
    struct wire answer;
    struct talk t;
    size_t used;
    (void)state;
    open_answered(&t, &answer);
    (void)fcgi_exchange_cancel(t.x, FCGI_ERR_IDLE_TIMEOUT, NULL);
    assert_int_equal(fcgi_exchange_feed(t.x, answer.data, answer.len, &used),
                     FCGI_ERR_IDLE_TIMEOUT);
    assert_int_equal(used, 0);
    assert_int_equal(t.response.status, 0);
    assert_false(fcgi_exchange_reusable(t.x));
    wire_free(&answer);
    talk_close(&t);
}

/* Ends the request by its own error, and cancels it as well. */
static int give_up(void *context, const struct fcgi_response *response)
{
    struct talk *t = context;
    (void)response;
    (void)fcgi_exchange_cancel(t->x, FCGI_ERR_DEADLINE, NULL);
    return 1;
}

static void the_first_error_of_a_sink_stands(void **state)
{
    struct talk t;
    const struct fcgi_request request = {
        .sink = {.head = give_up, .context = &t}};
    (void)state;
    assert_int_equal(talk_open_text(&t, &request, HEAD "body"),
                     FCGI_ERR_DEADLINE);
    assert_int_equal(fcgi_exchange_status(t.x), FCGI_ERR_DEADLINE);
    talk_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cancelling_between_records_gives_an_abort_record),
        cmocka_unit_test(cancelling_amid_a_record_gives_no_abort_record),
        cmocka_unit_test(there_is_nothing_to_abort_before_anything_was_sent),
        cmocka_unit_test(cancelling_without_a_record_only_ends_the_request),
        cmocka_unit_test(there_is_nowhere_to_send_an_abort_once_a_send_failed),
        cmocka_unit_test(cancelling_needs_an_error),
        cmocka_unit_test(cancelling_a_request_that_ended_changes_nothing),
        cmocka_unit_test(a_late_answer_after_a_cancel_is_not_taken),
        cmocka_unit_test(the_first_error_of_a_sink_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
