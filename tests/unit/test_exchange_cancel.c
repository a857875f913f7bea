/*
 * A request that is given up: what it ends with, when FCGI_ABORT_REQUEST may
 * be sent, and that nothing of its answer is taken any more.
 */
#include <string.h>

#include <fcgi_client/exchange.h>

#include "talk.h"
#include "test.h"

#define HEAD "Content-Type: text/plain\r\n\r\n"

/* Ask, and make an answer begin with a head. */
static void open_answered(struct talk *t, struct wire *answer)
{
    memset(answer, 0, sizeof(*answer));
    talk_anew(t);
    talk_ask(t, NULL);
    wire_stdout(answer, TALK_ID, HEAD);
}

static void cancelling_between_records_gives_an_abort_record(void **state)
{
    uint8_t record[FCGI_RECORD_HEADER_LEN];
    struct talk *t = *state;
    talk_ask(t, NULL);
    memset(record, 0xff, sizeof(record));
    assert_int_equal(fcgi_exchange_cancel(t->x, FCGI_ERR_DEADLINE, record), 8);
    assert_memory_equal(record, "\1\2\1\2\0\0\0\0", 8);
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_ERR_DEADLINE);
    assert_false(fcgi_exchange_reusable(t->x));
}

/* Amid a record, an abort would pass for its content. */
static void cancelling_amid_a_record_gives_no_abort_record(void **state)
{
    struct wire noise = {0};
    struct talk whole;
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
        struct talk *t = *state;
        if (sent == 200) {
            sent = whole.sent.len - 100;
        }
        bool between = wire_request_read(&read, whole.sent.data, sent) == sent;
        talk_anew(t);
        talk_begin(t, &request);
        while (t->sent.len < sent) {
            talk_send(t, sent - t->sent.len);
        }
        assert_int_equal(fcgi_exchange_cancel(t->x, FCGI_ERR_CANCELLED, record),
                         between ? 8 : 0);
        wire_request_free(&read);
    }
    wire_free(&noise);
    talk_close(&whole);
}

static void there_is_nothing_to_abort_before_anything_was_sent(void **state)
{
    uint8_t record[FCGI_RECORD_HEADER_LEN];
    struct talk *t = *state;
    talk_begin(t, NULL);
    assert_int_equal(fcgi_exchange_cancel(t->x, FCGI_ERR_CANCELLED, record), 0);
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_ERR_CANCELLED);
}

static void cancelling_without_a_record_only_ends_the_request(void **state)
{
    struct fcgi_slice slices[4];
    struct fcgi_memory room[2];
    struct talk *t = *state;
    talk_begin(t, NULL);
    assert_int_equal(talk_send(t, 5), 5);
    assert_int_equal(fcgi_exchange_cancel(t->x, FCGI_ERR_CANCELLED, NULL), 0);
    assert_int_equal(fcgi_exchange_output(t->x, slices, 4), 0);
    assert_int_equal(fcgi_exchange_input(t->x, room, 2), 0);
}

static void there_is_nowhere_to_send_an_abort_once_a_send_failed(void **state)
{
    uint8_t record[FCGI_RECORD_HEADER_LEN];
    struct talk *t = *state;
    talk_ask(t, NULL);
    fcgi_exchange_send_failed(t->x);
    assert_int_equal(fcgi_exchange_cancel(t->x, FCGI_ERR_CANCELLED, record), 0);
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_ERR_CANCELLED);
}

static void cancelling_needs_an_error(void **state)
{
    static const int none[] = {FCGI_OK, FCGI_WAIT, 5};
    uint8_t record[FCGI_RECORD_HEADER_LEN];
    struct talk *t = *state;
    talk_ask(t, NULL);
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_int_equal(fcgi_exchange_cancel(t->x, none[i], record), 0);
        assert_int_equal(fcgi_exchange_status(t->x), FCGI_WAIT);
    }
}

static void cancelling_a_request_that_ended_changes_nothing(void **state)
{
    uint8_t record[FCGI_RECORD_HEADER_LEN];
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, HEAD "body"), FCGI_OK);
    assert_int_equal(fcgi_exchange_cancel(t->x, FCGI_ERR_CANCELLED, record), 0);
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_OK);
    assert_true(fcgi_exchange_reusable(t->x));
}

/* A call that was given up must not leave its answer for the next one. */
static void a_late_answer_after_a_cancel_is_not_taken(void **state)
{
    struct wire answer;
    struct talk *t = *state;
    size_t used;
    open_answered(t, &answer);
    (void)fcgi_exchange_cancel(t->x, FCGI_ERR_IDLE_TIMEOUT, NULL);
    assert_int_equal(fcgi_exchange_feed(t->x, answer.data, answer.len, &used),
                     FCGI_ERR_IDLE_TIMEOUT);
    assert_int_equal(used, 0);
    assert_int_equal(t->response.status, 0);
    assert_false(fcgi_exchange_reusable(t->x));
    wire_free(&answer);
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
    struct talk *t = *state;
    const struct fcgi_request request = {
        .sink = {.head = give_up, .context = t}};
    assert_int_equal(talk_anew_text(t, &request, HEAD "body"),
                     FCGI_ERR_DEADLINE);
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_ERR_DEADLINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        talk_test(cancelling_between_records_gives_an_abort_record),
        talk_test(cancelling_amid_a_record_gives_no_abort_record),
        talk_test(there_is_nothing_to_abort_before_anything_was_sent),
        talk_test(cancelling_without_a_record_only_ends_the_request),
        talk_test(there_is_nowhere_to_send_an_abort_once_a_send_failed),
        talk_test(cancelling_needs_an_error),
        talk_test(cancelling_a_request_that_ended_changes_nothing),
        talk_test(a_late_answer_after_a_cancel_is_not_taken),
        talk_test(the_first_error_of_a_sink_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
