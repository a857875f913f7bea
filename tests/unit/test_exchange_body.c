/*
 * The body of a request: from memory without a copy, or from a source that
 * gives it bit by bit, has nothing yet, or fails.
 */
#include <fcgi_client/exchange.h>

#include "feeder.h"
#include "talk.h"
#include "test.h"

#define MIB ((size_t)1024 * 1024)

static const size_t sizes[] = {0,      1,      7,      8,       65527,
                               65528,  65529,  65535,  65536,   65537,
                               131056, 131057, 131070, 1000000, 5 * MIB + 3};

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void assert_body_sent(const struct talk *t, const void *body, size_t len)
{
    struct wire_request sent = talk_read_request(t);
    assert_int_equal(sent.body_ends, 1);
    assert_int_equal(sent.body.len, len);
    if (len > 0) {
        assert_memory_equal(sent.body.data, body, len);
    }
    wire_request_free(&sent);
}

/* The end of a stream is its last record, and nothing comes after it. */
static void assert_ends_with_empty_stdin(const struct talk *t)
{
    struct wire_frame frame = {0};
    size_t at = 0;
    while (at < t->sent.len) {
        assert_true(wire_next(t->sent.data, t->sent.len, &at, &frame));
    }
    assert_int_equal(frame.type, WIRE_STDIN);
    assert_int_equal(frame.len, 0);
}

/* ---- from memory ------------------------------------------------------- */

static void a_body_in_memory_of_any_size_is_sent_whole(void **state)
{
    struct wire noise = {0};
    wire_noise(&noise, sizes[SIZES - 1]);
    for (size_t i = 0; i < SIZES; i++) {
        const struct fcgi_request request = {
            .body = {.data = noise.data, .len = sizes[i]}};
        struct talk *t = *state;
        talk_anew(t);
        talk_ask(t, &request);
        assert_body_sent(t, noise.data, sizes[i]);
        assert_ends_with_empty_stdin(t);
        assert_true(fcgi_exchange_sent_all(t->x));
    }
    wire_free(&noise);
}

static void a_body_in_memory_is_never_copied(void **state)
{
    struct wire noise = {0};
    struct fcgi_slice slices[8];
    struct talk *t = *state;
    size_t from_caller = 0;
    wire_noise(&noise, 3 * MIB);
    const struct fcgi_request request = {
        .body = {.data = noise.data, .len = noise.len}};
    const char *begin = (const char *)noise.data;
    talk_begin(t, &request);
    while (!fcgi_exchange_sent_all(t->x)) {
        int count = fcgi_exchange_output(t->x, slices, 8);
        assert_true(count > 0);
        for (int i = 0; i < count; i++) {
            bool inside = slices[i].data >= begin &&
                          slices[i].data + slices[i].len <= begin + noise.len;
            from_caller += inside ? slices[i].len : 0;
            assert_int_equal(fcgi_exchange_sent(t->x, slices[i].len), FCGI_OK);
        }
    }
    assert_int_equal(from_caller, noise.len);
    assert_true(t->memory.peak < 64 * 1024);
    wire_free(&noise);
}

static void full_records_carry_65528_bytes_and_no_padding(void **state)
{
    struct wire noise = {0};
    struct wire_frame frame;
    struct talk *t = *state;
    size_t at = 0;
    size_t full = 0;
    wire_noise(&noise, 3 * 65528 + 1);
    const struct fcgi_request request = {
        .body = {.data = noise.data, .len = noise.len}};
    talk_ask(t, &request);
    while (wire_next(t->sent.data, t->sent.len, &at, &frame)) {
        if (frame.type == WIRE_STDIN && frame.len == 65528) {
            assert_int_equal(frame.padding_len, 0);
            full += 1;
        }
    }
    assert_int_equal(full, 3);
    wire_free(&noise);
}

static void a_large_body_in_sends_of_any_size_stays_the_same(void **state)
{
    static const size_t steps[] = {1000, 4096, 65535, 65536, 65537, 200000};
    struct wire noise = {0};
    wire_noise(&noise, 3 * 65536 + 5);
    const struct fcgi_request request = {
        .body = {.data = noise.data, .len = noise.len}};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct talk *t = *state;
        talk_anew(t);
        talk_begin(t, &request);
        while (talk_send(t, steps[i]) > 0) {
        }
        assert_body_sent(t, noise.data, noise.len);
    }
    wire_free(&noise);
}

/* ---- from a source ----------------------------------------------------- */

static void a_body_from_a_source_of_any_size_is_sent_whole(void **state)
{
    struct wire noise = {0};
    wire_noise(&noise, sizes[SIZES - 1]);
    for (size_t i = 0; i < SIZES; i++) {
        struct feeder feeder = {.data = noise.data, .len = sizes[i]};
        const struct fcgi_request request = {.body = feeder_source(&feeder)};
        struct talk *t = *state;
        talk_anew(t);
        talk_ask(t, &request);
        assert_body_sent(t, noise.data, sizes[i]);
        assert_ends_with_empty_stdin(t);
        assert_true(fcgi_exchange_sent_all(t->x));
    }
    wire_free(&noise);
}

static void short_reads_of_a_source_are_not_its_end(void **state)
{
    struct wire noise = {0};
    wire_noise(&noise, 1000);
    for (size_t chunk = 1; chunk <= 17; chunk++) {
        struct feeder feeder = {
            .data = noise.data, .len = noise.len, .chunk = chunk};
        const struct fcgi_request request = {.body = feeder_source(&feeder)};
        struct talk *t = *state;
        talk_anew(t);
        talk_ask(t, &request);
        assert_body_sent(t, noise.data, noise.len);
    }
    wire_free(&noise);
}

static void a_source_is_not_asked_again_after_its_end(void **state)
{
    struct feeder feeder = {.data = "abc", .len = 3};
    const struct fcgi_request request = {.body = feeder_source(&feeder)};
    struct talk *t = *state;
    talk_ask(t, &request);
    talk_send_all(t);
    assert_int_equal(feeder.ends, 1);
    assert_int_equal(feeder.reads, 2);
}

static void a_source_with_nothing_yet_holds_back_only_the_body(void **state)
{
    struct feeder feeder = {.data = "abcdef",
                            .len = 6,
                            .waits = true,
                            .ready = 0,
                            .descriptor = 42};
    const struct fcgi_request request = {.body = feeder_source(&feeder)};
    struct talk *t = *state;
    int descriptor = 0;
    talk_ask(t, &request);
    struct wire_request sent = talk_read_request(t);
    assert_int_equal(sent.params_ends, 1);
    assert_int_equal(sent.body_ends, 0);
    assert_true(fcgi_exchange_source_waits(t->x, &descriptor));
    assert_int_equal(descriptor, 42);
    assert_false(fcgi_exchange_sent_all(t->x));
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_WAIT);
    wire_request_free(&sent);
}

static void a_source_that_waited_goes_on_where_it_was(void **state)
{
    struct feeder feeder = {
        .data = "abcdef", .len = 6, .waits = true, .ready = 2};
    const struct fcgi_request request = {.body = feeder_source(&feeder)};
    struct talk *t = *state;
    int descriptor;
    talk_ask(t, &request);
    assert_true(fcgi_exchange_source_waits(t->x, &descriptor));
    feeder.ready = 5;
    assert_int_equal(fcgi_exchange_resume(t->x), FCGI_WAIT);
    talk_send_all(t);
    assert_true(fcgi_exchange_source_waits(t->x, &descriptor));
    feeder.waits = false;
    talk_send_all(t);
    assert_false(fcgi_exchange_source_waits(t->x, &descriptor));
    assert_body_sent(t, "abcdef", 6);
}

static void nothing_is_waited_for_once_another_request_begins(void **state)
{
    struct feeder feeder = {.waits = true, .replays = true};
    const struct fcgi_request request = {.body = feeder_source(&feeder)};
    struct talk *t = *state;
    int descriptor;
    talk_ask(t, &request);
    assert_true(fcgi_exchange_source_waits(t->x, &descriptor));
    assert_int_equal(fcgi_exchange_restart(t->x, 2), FCGI_OK);
    assert_false(fcgi_exchange_source_waits(t->x, &descriptor));
    talk_send_all(t);
    assert_true(fcgi_exchange_source_waits(t->x, &descriptor));
    talk_begin(t, NULL);
    assert_false(fcgi_exchange_source_waits(t->x, &descriptor));
}

static void a_source_without_descriptor_waits_for_none(void **state)
{
    struct feeder feeder = {.waits = true};
    struct fcgi_request request = {.body = feeder_source(&feeder)};
    struct talk *t = *state;
    int descriptor = 42;
    request.body.descriptor = NULL;
    talk_ask(t, &request);
    assert_true(fcgi_exchange_source_waits(t->x, &descriptor));
    assert_int_equal(descriptor, -1);
}

/* A silent source must not hide that the application has answered. */
static void an_answer_is_read_while_the_source_waits(void **state)
{
    struct feeder feeder = {.waits = true};
    const struct fcgi_request request = {.body = feeder_source(&feeder)};
    struct wire answer = {0};
    struct talk *t = *state;
    int descriptor;
    talk_ask(t, &request);
    talk_write_text(&answer, "Status: 401\n\nno");
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    assert_int_equal(t->response.status, 401);
    assert_false(fcgi_exchange_source_waits(t->x, &descriptor));
    assert_false(fcgi_exchange_reusable(t->x));
    wire_free(&answer);
}

/* Whatever the source returned, it is not taken for a dead connection. */
static void a_failing_source_ends_the_request_with_its_own_error(void **state)
{
    static const int errors[] = {FCGI_ERR_RESET, FCGI_ERR_CLOSED, -1000, 5};
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct feeder feeder = {.data = "abc",
                                .len = 3,
                                .fails = true,
                                .fail_at = 2,
                                .error = errors[i]};
        const struct fcgi_request request = {.body = feeder_source(&feeder)};
        struct fcgi_slice slices[4];
        struct talk *t = *state;
        talk_anew(t);
        talk_begin(t, &request);
        assert_true(talk_send(t, SIZE_MAX) > 0);
        assert_int_equal(fcgi_exchange_output(t->x, slices, 4),
                         FCGI_ERR_SOURCE);
        assert_int_equal(fcgi_exchange_status(t->x), FCGI_ERR_SOURCE);
        assert_int_equal(fcgi_exchange_output(t->x, slices, 4), 0);
        assert_false(fcgi_exchange_reusable(t->x));
    }
}

static int read_too_much(void *context, void *buf, size_t cap, size_t *got)
{
    (void)context;
    (void)buf;
    *got = cap + 1;
    return FCGI_OK;
}

static void a_source_that_says_more_than_fits_has_failed(void **state)
{
    const struct fcgi_request request = {.body = {.read = read_too_much}};
    struct fcgi_slice slices[4];
    struct talk *t = *state;
    talk_begin(t, &request);
    assert_int_equal(fcgi_exchange_output(t->x, slices, 4), FCGI_ERR_SOURCE);
}

static int read_and_cancel(void *context, void *buf, size_t cap, size_t *got)
{
    struct talk *t = context;
    (void)buf;
    (void)cap;
    *got = 0;
    assert_int_equal(fcgi_exchange_cancel(t->x, FCGI_ERR_CANCELLED, NULL), 0);
    return FCGI_OK;
}

static void a_source_may_cancel_its_own_request(void **state)
{
    struct talk *t = *state;
    struct fcgi_slice slices[4];
    const struct fcgi_request request = {
        .body = {.read = read_and_cancel, .context = t}};
    talk_begin(t, &request);
    assert_true(fcgi_exchange_output(t->x, slices, 4) <= 0);
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_ERR_CANCELLED);
}

static void a_filter_reads_both_of_its_sources(void **state)
{
    struct wire noise = {0};
    struct talk *t = *state;
    wire_noise(&noise, 200000);
    struct feeder body = {.data = noise.data, .len = 100000, .chunk = 999};
    struct feeder data = {.data = noise.data, .len = 200000};
    const struct fcgi_request request = {.role = FCGI_ROLE_FILTER,
                                         .body = feeder_source(&body),
                                         .data = feeder_source(&data)};
    talk_ask(t, &request);
    struct wire_request sent = talk_read_request(t);
    assert_int_equal(sent.body.len, 100000);
    assert_memory_equal(sent.body.data, noise.data, 100000);
    assert_int_equal(sent.data.len, 200000);
    assert_memory_equal(sent.data.data, noise.data, 200000);
    assert_int_equal(sent.body_ends, 1);
    assert_int_equal(sent.data_ends, 1);
    wire_request_free(&sent);
    wire_free(&noise);
}

/* ---- from a source of known length ------------------------------------- */

/* A source that could give all of `feeder`, but is to give `len` bytes. */
static struct fcgi_source source_of(struct feeder *feeder, size_t len)
{
    struct fcgi_source source = feeder_source(feeder);
    source.len = len;
    return source;
}

static void a_body_of_known_length_ends_with_its_last_record(void **state)
{
    struct feeder feeder = {.data = "abcdef", .len = 6};
    const struct fcgi_request request = {.body = source_of(&feeder, 6)};
    struct talk *t = *state;
    talk_begin(t, &request);
    assert_true(talk_send(t, SIZE_MAX) > 0);
    assert_true(fcgi_exchange_sent_all(t->x));
    assert_int_equal(feeder.reads, 1);
    assert_body_sent(t, "abcdef", 6);
    assert_ends_with_empty_stdin(t);
}

static void a_known_length_of_any_size_is_sent_whole(void **state)
{
    struct wire noise = {0};
    wire_noise(&noise, sizes[SIZES - 1] + 10);
    for (size_t i = 1; i < SIZES; i++) {
        struct feeder feeder = {
            .data = noise.data, .len = noise.len, .chunk = 100000 * (i % 2)};
        const struct fcgi_request request = {.body =
                                                 source_of(&feeder, sizes[i])};
        struct talk *t = *state;
        talk_anew(t);
        talk_ask(t, &request);
        assert_body_sent(t, noise.data, sizes[i]);
        assert_int_equal(feeder.at, sizes[i]);
        assert_int_equal(feeder.ends, 0);
    }
    wire_free(&noise);
}

static void no_more_than_the_known_length_is_read(void **state)
{
    for (size_t chunk = 1; chunk <= 10; chunk++) {
        struct feeder feeder = {
            .data = "abcdefghij", .len = 10, .chunk = chunk};
        const struct fcgi_request request = {.body = source_of(&feeder, 6)};
        struct talk *t = *state;
        talk_anew(t);
        talk_ask(t, &request);
        assert_int_equal(feeder.at, 6);
        assert_body_sent(t, "abcdef", 6);
    }
}

/* What was sent must not pass for all of it. */
static void a_source_that_ends_before_its_known_length_fails(void **state)
{
    struct feeder feeder = {.data = "abc", .len = 3};
    const struct fcgi_request request = {.body = source_of(&feeder, 6)};
    struct fcgi_slice slices[4];
    struct talk *t = *state;
    talk_begin(t, &request);
    assert_true(talk_send(t, SIZE_MAX) > 0);
    assert_int_equal(fcgi_exchange_output(t->x, slices, 4), FCGI_ERR_SOURCE);
    assert_int_equal(feeder.ends, 1);
}

static void a_body_of_known_length_waits_and_starts_over_like_any(void **state)
{
    struct feeder feeder = {
        .data = "abcdef", .len = 6, .waits = true, .ready = 2, .replays = true};
    const struct fcgi_request request = {.body = source_of(&feeder, 6)};
    struct talk *t = *state;
    int descriptor;
    talk_ask(t, &request);
    assert_true(fcgi_exchange_source_waits(t->x, &descriptor));
    feeder.waits = false;
    assert_int_equal(fcgi_exchange_restart(t->x, 2), FCGI_OK);
    assert_int_equal(feeder.replay_taken, 2);
    wire_clear(&t->sent);
    talk_send_all(t);
    assert_body_sent(t, "abcdef", 6);
}

/* ---- memory ------------------------------------------------------------ */

/* Memory stays bounded by the options, however much is sent. */
static void a_large_body_from_a_source_takes_no_more_memory(void **state)
{
    struct wire noise = {0};
    struct talk *t = *state;
    wire_noise(&noise, 4 * MIB);
    struct feeder feeder = {.data = noise.data, .len = noise.len};
    const struct fcgi_request request = {.body = feeder_source(&feeder)};
    talk_ask(t, &request);
    assert_int_equal(feeder.at, noise.len);
    assert_true(t->memory.peak < 256 * 1024);
    wire_free(&noise);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        talk_test(a_body_in_memory_of_any_size_is_sent_whole),
        talk_test(a_body_in_memory_is_never_copied),
        talk_test(full_records_carry_65528_bytes_and_no_padding),
        talk_test(a_large_body_in_sends_of_any_size_stays_the_same),
        talk_test(a_body_from_a_source_of_any_size_is_sent_whole),
        talk_test(short_reads_of_a_source_are_not_its_end),
        talk_test(a_source_is_not_asked_again_after_its_end),
        talk_test(a_source_with_nothing_yet_holds_back_only_the_body),
        talk_test(a_source_that_waited_goes_on_where_it_was),
        talk_test(nothing_is_waited_for_once_another_request_begins),
        talk_test(a_source_without_descriptor_waits_for_none),
        talk_test(an_answer_is_read_while_the_source_waits),
        talk_test(a_failing_source_ends_the_request_with_its_own_error),
        talk_test(a_source_that_says_more_than_fits_has_failed),
        talk_test(a_source_may_cancel_its_own_request),
        talk_test(a_filter_reads_both_of_its_sources),
        talk_test(a_body_of_known_length_ends_with_its_last_record),
        talk_test(a_known_length_of_any_size_is_sent_whole),
        talk_test(no_more_than_the_known_length_is_read),
        talk_test(a_source_that_ends_before_its_known_length_fails),
        talk_test(a_body_of_known_length_waits_and_starts_over_like_any),
        talk_test(a_large_body_from_a_source_takes_no_more_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
