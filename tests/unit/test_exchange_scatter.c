/*
 * A body that is collected: received right where it stays, whatever its
 * records and the reads are.
 */
#include <string.h>

#include <fcgi_client/exchange.h>

#include "talk.h"
#include "test.h"

#define HEAD "A: b\n\n"

static void a_large_body_is_received_right_where_it_stays(void **state)
{
    struct wire noise = {0};
    struct wire answer = {0};
    struct fcgi_memory room[2];
    struct talk *t = *state;
    wire_noise(&noise, 60000);
    talk_ask(t, NULL);
    wire_stdout(&answer, TALK_ID, "Content-Length: 60000\n\n");
    wire_padded(&answer, WIRE_STDOUT, TALK_ID, noise.data, noise.len);
    size_t ahead = answer.len - noise.len;
    assert_int_equal(talk_feed(t, answer.data, ahead), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_input(t->x, room, 2), 2);
    assert_true(room[0].cap - room[0].len <= noise.len);
    memcpy(room[0].data + room[0].len, noise.data, 50000);
    assert_int_equal(fcgi_exchange_received(t->x, 50000), FCGI_WAIT);
    assert_ptr_equal(t->response.body.data, room[0].data);
    assert_int_equal(t->response.body.len, 50000);
    assert_memory_equal(t->response.body.data, noise.data, 50000);
    assert_int_equal(t->response.body.data[50000], '\0');
    wire_free(&noise);
    wire_free(&answer);
}

static void what_lands_after_a_cancel_is_not_taken(void **state)
{
    struct wire noise = {0};
    struct wire answer = {0};
    struct fcgi_memory room[2];
    struct talk *t = *state;
    wire_noise(&noise, 60000);
    talk_ask(t, NULL);
    wire_stdout(&answer, TALK_ID, HEAD);
    wire_padded(&answer, WIRE_STDOUT, TALK_ID, noise.data, noise.len);
    size_t ahead = answer.len - noise.len;
    assert_int_equal(talk_feed(t, answer.data, ahead), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_input(t->x, room, 2), 2);
    memcpy(room[0].data + room[0].len, noise.data, 50000);
    (void)fcgi_exchange_cancel(t->x, FCGI_ERR_IDLE_TIMEOUT, NULL);
    assert_int_equal(fcgi_exchange_received(t->x, 50000),
                     FCGI_ERR_IDLE_TIMEOUT);
    assert_int_equal(t->response.body.len, 0);
    wire_free(&noise);
    wire_free(&answer);
}

static void record_of(struct wire *answer, const struct wire *noise, size_t len,
                      size_t padding)
{
    wire_record(answer, WIRE_STDOUT, TALK_ID, noise->data, len, padding);
}

/* Once one has come, the next are guessed to be as large. */
static void large_records_are_received_several_at_a_time(void **state)
{
    enum { LEN = 20000, FRAME = 8 };
    struct wire noise = {0};
    struct wire answer = {0};
    struct fcgi_memory room[TALK_PLACES];
    struct talk *t = *state;
    wire_noise(&noise, LEN);
    talk_ask(t, NULL);
    wire_stdout(&answer, TALK_ID, HEAD);
    for (int i = 0; i < 3; i++) {
        record_of(&answer, &noise, LEN, 0);
    }
    size_t ahead = answer.len - LEN - FRAME - LEN;
    assert_int_equal(talk_feed(t, answer.data, ahead), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_input(t->x, room, TALK_PLACES), 4);
    assert_int_equal(room[0].cap, LEN);
    assert_int_equal(room[1].cap, FRAME);
    assert_int_equal(room[2].cap, LEN);
    assert_ptr_equal(room[2].data, room[0].data + LEN);
    memcpy(room[0].data, answer.data + ahead, LEN);
    memcpy(room[1].data, answer.data + ahead + LEN, FRAME);
    memcpy(room[2].data, answer.data + ahead + LEN + FRAME, LEN);
    assert_int_equal(fcgi_exchange_received(t->x, LEN + FRAME + LEN),
                     FCGI_WAIT);
    assert_int_equal(t->response.body.len, 3 * LEN);
    for (size_t i = 0; i < 3; i++) {
        assert_memory_equal(t->response.body.data + i * LEN, noise.data, LEN);
    }
    wire_free(&noise);
    wire_free(&answer);
}

/* Of padding that has begun to come, what is left is received with the header
 * behind it, and all of it behind the next record. */
static void places_between_records_are_as_long_as_their_padding(void **state)
{
    enum { LEN = 20000, PADDING = 100, CAME = 60 };
    struct wire noise = {0};
    struct wire answer = {0};
    struct fcgi_memory room[TALK_PLACES];
    struct talk *t = *state;
    wire_noise(&noise, LEN);
    talk_ask(t, NULL);
    wire_stdout(&answer, TALK_ID, "Content-Length: 100000\n\n");
    record_of(&answer, &noise, LEN, PADDING);
    record_of(&answer, &noise, LEN, PADDING);
    size_t ahead = answer.len - PADDING + CAME;
    assert_int_equal(talk_feed(t, answer.data, ahead), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_input(t->x, room, TALK_PLACES), 5);
    assert_int_equal(room[0].cap, PADDING - CAME + 8);
    assert_int_equal(room[1].cap, LEN);
    assert_int_equal(room[2].cap, PADDING + 8);
    assert_int_equal(room[3].cap, LEN);
    wire_free(&noise);
    wire_free(&answer);
}

/* No more is guessed to come than has come, and nothing beyond what is
 * known. */
static void no_room_is_made_beyond_what_may_come(void **state)
{
    enum { LEN = 20000 };
    struct wire noise = {0};
    struct wire answer = {0};
    struct fcgi_memory room[TALK_PLACES];
    struct talk *t = *state;
    wire_noise(&noise, LEN);
    talk_ask(t, NULL);
    wire_stdout(&answer, TALK_ID, "Content-Length: 45000\n\n");
    record_of(&answer, &noise, LEN, 0);
    assert_int_equal(talk_feed(t, answer.data, answer.len - LEN), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_input(t->x, room, TALK_PLACES), 2);
    assert_int_equal(room[0].cap, LEN);
    assert_int_equal(talk_feed(t, noise.data, LEN), FCGI_WAIT);
    answer.len = 0;
    record_of(&answer, &noise, LEN, 0);
    assert_int_equal(talk_feed(t, answer.data, answer.len - LEN), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_input(t->x, room, TALK_PLACES), 4);
    assert_int_equal(room[2].cap, 5000);
    wire_free(&noise);
    wire_free(&answer);
}

/* Have memory for a large body, since no room is made for what is guessed. */
static void make_memory(struct talk *t)
{
    struct wire answer = {0};
    talk_ask(t, NULL);
    wire_stdout(&answer, TALK_ID, "Content-Length: 200000\n\nx");
    assert_int_equal(talk_answer(t, &answer), FCGI_WAIT);
    (void)fcgi_exchange_cancel(t->x, FCGI_ERR_CANCELLED, NULL);
    wire_free(&answer);
}

/* Bring an answer in two pieces. */
static void bring(struct talk *t, talk_bring *way, const struct wire *answer,
                  size_t cut)
{
    size_t used = 0;
    talk_open(t);
    make_memory(t);
    talk_ask(t, NULL);
    int status = way(t, answer->data, cut, &used);
    if (status == FCGI_WAIT) {
        status = way(t, answer->data + cut, answer->len - cut, &used);
    }
    if (status == FCGI_WAIT) {
        (void)fcgi_exchange_eof(t->x, false);
    }
}

static void assert_lands_as_fed(const struct wire *answer, size_t cut)
{
    struct talk fed, landed;
    bring(&fed, talk_by_feed, answer, cut);
    bring(&landed, talk_by_input, answer, cut);
    talk_assert_alike(&landed, &fed);
    talk_close(&fed);
    talk_close(&landed);
}

/* The records of a body, some of which are not as they are guessed to be. */
struct surprise {
    uint8_t type; /* 0: the end of the records */
    uint16_t id;
    size_t len;
    size_t padding;
};

#define USUAL                                                                  \
    {                                                                          \
        WIRE_STDOUT, TALK_ID, 16384, 0                                         \
    }

static const struct surprise surprises[][8] = {
    {USUAL, USUAL, USUAL, USUAL, USUAL, USUAL},
    {USUAL, USUAL, {WIRE_STDOUT, TALK_ID, 1, 7}, USUAL, USUAL},
    {USUAL, USUAL, {WIRE_STDOUT, TALK_ID, 16376, 0}, USUAL, USUAL},
    {USUAL, USUAL, {WIRE_STDOUT, TALK_ID, 16392, 0}, USUAL, USUAL},
    {USUAL, USUAL, {WIRE_STDOUT, TALK_ID, 16383, 1}, USUAL, USUAL},
    {USUAL, USUAL, {WIRE_STDOUT, TALK_ID, 16385, 7}, USUAL, USUAL},
    {USUAL, USUAL, {WIRE_STDOUT, TALK_ID, 65535, 255}, USUAL, USUAL},
    {USUAL, USUAL, {WIRE_STDOUT, TALK_ID, 16384, 255}, USUAL, USUAL},
    {USUAL, USUAL, {WIRE_STDERR, TALK_ID, 16384, 0}, USUAL, USUAL},
    {USUAL, USUAL, {WIRE_STDERR, TALK_ID, 0, 0}, USUAL, USUAL},
    {USUAL, USUAL, {WIRE_STDOUT, 7, 16384, 0}, USUAL, USUAL},
    {USUAL, USUAL, {99, TALK_ID, 16384, 0}, USUAL, USUAL},
    {USUAL, USUAL, {WIRE_STDOUT, TALK_ID, 0, 8}, USUAL, USUAL},
};

static void write_surprise(struct wire *answer, const struct wire *noise,
                           const struct surprise *at)
{
    wire_stdout(answer, TALK_ID, HEAD);
    for (; at->type != 0; at++) {
        wire_record(answer, at->type, at->id, noise->data, at->len,
                    at->padding);
    }
    wire_end(answer, TALK_ID, 0, WIRE_COMPLETE);
}

/* Cut near every end of a record, where guesses come true or do not. */
static void assert_lands_however_cut(const struct wire *answer,
                                     const struct surprise *at)
{
    size_t end = 8 + strlen(HEAD);
    for (; at->type != 0; at++) {
        end += 8 + at->len + at->padding;
        for (size_t cut = end - 9; cut <= end + 18; cut++) {
            assert_lands_as_fed(answer, cut);
        }
    }
}

static void a_record_that_was_not_guessed_lands_as_it_is_fed(void **state)
{
    struct wire noise = {0};
    (void)state;
    wire_noise(&noise, 65535);
    for (size_t i = 0; i < sizeof(surprises) / sizeof(surprises[0]); i++) {
        struct wire answer = {0};
        write_surprise(&answer, &noise, surprises[i]);
        assert_lands_however_cut(&answer, surprises[i]);
        wire_free(&answer);
    }
    wire_free(&noise);
}

/* With its length known, a body has its whole room at once, and never
 * moves. */
static void assert_never_moves(void **state, int64_t limit)
{
    const struct fcgi_request request = {.limits = {.body_len = limit}};
    struct wire noise = {0};
    struct wire answer = {0};
    struct talk *t = *state;
    size_t used;
    wire_noise(&noise, 1000000);
    talk_anew(t);
    talk_ask(t, &request);
    wire_stdout(&answer, TALK_ID, "Content-Length: 1000000\n\n");
    wire_stream(&answer, WIRE_STDOUT, TALK_ID, noise.data, noise.len);
    assert_int_equal(talk_by_input(t, answer.data, 2000, &used), FCGI_WAIT);
    const char *begin = t->response.body.data;
    size_t calls = t->memory.calls;
    assert_int_equal(
        talk_by_input(t, answer.data + used, answer.len - used, &used),
        FCGI_WAIT);
    assert_ptr_equal(t->response.body.data, begin);
    assert_in_range(t->memory.calls, calls, calls + 1); /* room aside */
    assert_int_equal(t->response.body.len, noise.len);
    assert_memory_equal(t->response.body.data, noise.data, noise.len);
    wire_free(&noise);
    wire_free(&answer);
}

static void a_body_of_known_length_never_moves(void **state)
{
    assert_never_moves(state, 0);
    assert_never_moves(state, -1);
    assert_never_moves(state, 1000000);
}

/* A Content-Length is only believed as far as the bytes come. */
static void assert_not_believed(void **state, const char *head, int64_t limit)
{
    const struct fcgi_request request = {.limits = {.body_len = limit}};
    struct wire answer = {0};
    struct talk *t = *state;
    talk_anew(t);
    talk_ask(t, &request);
    wire_stdout(&answer, TALK_ID, head);
    wire_stdout(&answer, TALK_ID, "body");
    assert_int_equal(talk_answer(t, &answer), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_eof(t->x, false), FCGI_ERR_TRUNCATED);
    talk_assert_text(t->response.body, "body");
    assert_true(t->memory.peak < 200 * 1024);
    wire_free(&answer);
}

static void an_enormous_content_length_takes_no_memory_by_itself(void **state)
{
    assert_not_believed(state, "Content-Length: 9000000000000000000\n\n", 0);
    assert_not_believed(state, "Content-Length: 9000000000000000000\n\n", -1);
    assert_not_believed(state, "Content-Length: 9223372036854775799\n\n", -1);
    assert_not_believed(state, "Content-Length: 100000000\n\n", 0);
    assert_not_believed(state, "Content-Length: 10000000\n\n", 1000);
}

/* Making room for more moves the bytes that are there. */
static void a_body_stays_readable_when_room_was_made_for_more(void **state)
{
    struct wire noise = {0};
    struct wire answer = {0};
    struct fcgi_memory room[2];
    struct talk *t = *state;
    wire_noise(&noise, 60000);
    talk_ask(t, NULL);
    wire_stdout(&answer, TALK_ID, HEAD "body");
    wire_padded(&answer, WIRE_STDOUT, TALK_ID, noise.data, noise.len);
    size_t ahead = answer.len - noise.len;
    assert_int_equal(talk_feed(t, answer.data, ahead), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_input(t->x, room, 2), 2);
    talk_assert_text(t->response.body, "body");
    assert_int_equal(fcgi_exchange_eof(t->x, false), FCGI_ERR_TRUNCATED);
    talk_assert_text(t->response.body, "body");
    wire_free(&noise);
    wire_free(&answer);
}

/* Whatever the mix of reads, landing gives what feeding gives. */
static void bodies_of_any_record_size_land_as_they_are_fed(void **state)
{
    static const size_t lengths[] = {1,    100,   4095,  4096,
                                     4097, 20000, 65528, 65535};
    static const size_t reads[] = {1, 7, 8, 9, 1000, 4096, 65536, 131072};
    struct wire noise = {0};
    wire_noise(&noise, 65535);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (size_t j = 0; j < sizeof(reads) / sizeof(reads[0]); j++) {
            struct wire answer = {0};
            struct talk *t = *state;
            int status = FCGI_WAIT;
            talk_anew(t);
            talk_ask(t, NULL);
            wire_stdout(&answer, TALK_ID, HEAD);
            wire_padded(&answer, WIRE_STDOUT, TALK_ID, noise.data, lengths[i]);
            wire_record(&answer, WIRE_STDOUT, TALK_ID, noise.data, lengths[i],
                        255);
            wire_end(&answer, TALK_ID, 0, WIRE_COMPLETE);
            for (size_t at = 0; at < answer.len;) {
                size_t n =
                    answer.len - at < reads[j] ? answer.len - at : reads[j];
                size_t used;
                status = talk_by_input(t, answer.data + at, n, &used);
                assert_int_equal(used, n);
                at += n;
            }
            assert_int_equal(status, FCGI_OK);
            assert_int_equal(t->response.body.len, 2 * lengths[i]);
            assert_memory_equal(t->response.body.data, noise.data, lengths[i]);
            assert_memory_equal(t->response.body.data + lengths[i], noise.data,
                                lengths[i]);
            wire_free(&answer);
        }
    }
    wire_free(&noise);
}

/* Nothing is done then: the same room is still there. */
static void more_than_there_was_room_for_cannot_have_been_received(void **state)
{
    struct fcgi_memory room[2];
    struct talk *t = *state;
    size_t space = 0;
    talk_ask(t, NULL);
    assert_int_equal(fcgi_exchange_received(t->x, 1), FCGI_ERR_ARGUMENT);
    int count = fcgi_exchange_input(t->x, room, 2);
    for (int i = 0; i < count; i++) {
        space += room[i].cap - room[i].len;
    }
    assert_int_equal(fcgi_exchange_received(t->x, space + 1),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_received(t->x, SIZE_MAX), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_eof(t->x, false), FCGI_ERR_CLOSED);
}

/* Room is good for one time, and not once something else has come. */
static void room_is_good_until_the_next_bytes_come(void **state)
{
    struct fcgi_memory room[2];
    struct talk *t = *state;
    talk_ask(t, NULL);
    assert_true(fcgi_exchange_input(t->x, room, 2) > 0);
    room[0].data[0] = 1;
    assert_int_equal(fcgi_exchange_received(t->x, 1), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_received(t->x, 1), FCGI_ERR_ARGUMENT);
    assert_true(fcgi_exchange_input(t->x, room, 2) > 0);
    assert_int_equal(talk_feed(t, "\6", 1), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_received(t->x, 1), FCGI_ERR_ARGUMENT);
    assert_true(fcgi_exchange_input(t->x, room, 2) > 0);
    talk_begin(t, NULL);
    assert_int_equal(fcgi_exchange_received(t->x, 1), FCGI_ERR_ARGUMENT);
}

/* The room was for the body's; what is fed instead is taken from where it
 * is. */
static void feeding_in_place_of_landing_is_the_same(void **state)
{
    struct wire noise = {0};
    struct wire answer = {0};
    struct fcgi_memory room[2];
    struct talk *t = *state;
    wire_noise(&noise, 20000);
    talk_ask(t, NULL);
    wire_stdout(&answer, TALK_ID, HEAD);
    talk_write_answer(&answer, noise.data, noise.len);
    assert_int_equal(talk_feed(t, answer.data, 40), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_input(t->x, room, 2), 2);
    assert_int_equal(talk_feed(t, answer.data + 40, answer.len - 40), FCGI_OK);
    assert_int_equal(t->response.body.len, noise.len);
    assert_memory_equal(t->response.body.data, noise.data, noise.len);
    assert_true(fcgi_exchange_reusable(t->x));
    wire_free(&noise);
    wire_free(&answer);
}

static void receiving_refuses_null_where_it_is_not_allowed(void **state)
{
    struct talk *t = *state;
    size_t used = 99;
    talk_ask(t, NULL);
    assert_int_equal(fcgi_exchange_input(t->x, NULL, 2), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_feed(t->x, NULL, 1, &used),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_feed(t->x, "\1", 1, NULL),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_feed(t->x, NULL, 0, &used), FCGI_WAIT);
    assert_int_equal(used, 0);
    assert_int_equal(fcgi_exchange_eof(t->x, false), FCGI_ERR_CLOSED);
}

static void nothing_received_is_nothing_done(void **state)
{
    struct fcgi_memory room[2];
    struct talk *t = *state;
    talk_ask(t, NULL);
    assert_true(fcgi_exchange_input(t->x, room, 2) > 0);
    assert_int_equal(fcgi_exchange_received(t->x, 0), FCGI_WAIT);
    assert_int_equal(fcgi_exchange_eof(t->x, false), FCGI_ERR_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        talk_test(a_large_body_is_received_right_where_it_stays),
        talk_test(what_lands_after_a_cancel_is_not_taken),
        talk_test(large_records_are_received_several_at_a_time),
        talk_test(places_between_records_are_as_long_as_their_padding),
        talk_test(no_room_is_made_beyond_what_may_come),
        cmocka_unit_test(a_record_that_was_not_guessed_lands_as_it_is_fed),
        talk_test(a_body_of_known_length_never_moves),
        talk_test(an_enormous_content_length_takes_no_memory_by_itself),
        talk_test(a_body_stays_readable_when_room_was_made_for_more),
        talk_test(bodies_of_any_record_size_land_as_they_are_fed),
        talk_test(more_than_there_was_room_for_cannot_have_been_received),
        talk_test(room_is_good_until_the_next_bytes_come),
        talk_test(feeding_in_place_of_landing_is_the_same),
        talk_test(receiving_refuses_null_where_it_is_not_allowed),
        talk_test(nothing_received_is_nothing_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
