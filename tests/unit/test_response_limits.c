/*
 * What a response may hold: each limit lets its last byte pass and not one
 * more.
 */
#include <stdio.h>

#include <fcgi_client/response.h>

#include "../../src/exchange/response.h"
#include "talk.h"
#include "test.h"

/* Ask with limits, and get these bytes as FCGI_STDOUT, whole and byte by byte:
 * the status must be the same. */
static int status_of(void **state, const struct fcgi_limits *limits,
                     const struct wire *text)
{
    const struct fcgi_request request = {.limits = *limits};
    struct wire answer = {0};
    struct talk *t = *state;
    int piecemeal = FCGI_WAIT;
    int whole = talk_anew_request(t, &request, text->data, text->len);
    talk_anew(t);
    talk_ask(t, &request);
    talk_write_answer(&answer, text->data, text->len);
    for (size_t i = 0; i < answer.len && piecemeal == FCGI_WAIT; i++) {
        piecemeal = talk_feed(t, answer.data + i, 1);
    }
    wire_free(&answer);
    assert_int_equal(piecemeal, whole);
    return whole;
}

/* A line of exactly `len` bytes, without its end. */
static void append_line(struct wire *text, size_t len, const char *end)
{
    struct wire line = {0};
    wire_text(&line, "X: ");
    while (line.len < len) {
        wire_text(&line, "x");
    }
    wire_append(text, line.data, len);
    wire_text(text, end);
    wire_free(&line);
}

/* ---- the head ---------------------------------------------------------- */

static int status_of_line(void **state, int64_t limit, size_t len,
                          const char *end)
{
    const struct fcgi_limits limits = {.line_len = limit, .head_len = -1};
    struct wire text = {0};
    append_line(&text, len, end);
    wire_text(&text, end);
    int status = status_of(state, &limits, &text);
    wire_free(&text);
    return status;
}

static void a_line_may_be_as_long_as_its_limit(void **state)
{
    static const char *const ends[] = {"\n", "\r\n"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(status_of_line(state, 20, 20, ends[i]), FCGI_OK);
        assert_int_equal(status_of_line(state, 20, 21, ends[i]),
                         FCGI_ERR_HEAD_TOO_LARGE);
        assert_int_equal(status_of_line(state, 20, 22, ends[i]),
                         FCGI_ERR_HEAD_TOO_LARGE);
        assert_int_equal(status_of_line(state, 20, 1000, ends[i]),
                         FCGI_ERR_HEAD_TOO_LARGE);
    }
}

/* That it is too long counts before what else is wrong with it. */
static void a_line_too_long_need_be_no_field(void **state)
{
    const struct fcgi_limits limits = {.line_len = 20, .head_len = -1};
    struct wire text = {0};
    wire_text(&text, "not a field at all, but 20 bytes\r\n\r\n");
    assert_int_equal(status_of(state, &limits, &text), FCGI_ERR_HEAD_TOO_LARGE);
    wire_free(&text);
    wire_text(&text, "no field, with 1 more\n\n");
    assert_int_equal(status_of(state, &limits, &text), FCGI_ERR_HEAD_TOO_LARGE);
    wire_free(&text);
    wire_text(&text, "not a field, but 20.\r\n\r\n");
    assert_int_equal(status_of(state, &limits, &text), FCGI_ERR_BAD_HEAD);
    wire_free(&text);
}

static int status_of_lines(void **state, const struct fcgi_limits *limits,
                           size_t count, size_t len)
{
    struct wire text = {0};
    for (size_t i = 0; i < count; i++) {
        append_line(&text, len, "\r\n");
    }
    wire_text(&text, "\r\nbody");
    int status = status_of(state, limits, &text);
    wire_free(&text);
    return status;
}

static void a_line_may_fill_the_head_by_default(void **state)
{
    static const struct fcgi_limits standard;
    assert_int_equal(status_of_lines(state, &standard, 1, 20000), FCGI_OK);
    assert_int_equal(status_of_lines(state, &standard, 8, 4096), FCGI_OK);
    assert_int_equal(status_of_lines(state, &standard, 1, 65532), FCGI_OK);
    assert_int_equal(status_of_lines(state, &standard, 1, 65533),
                     FCGI_ERR_HEAD_TOO_LARGE);
}

static void a_line_may_fill_a_larger_head(void **state)
{
    static const struct fcgi_limits large = {.head_len = 100000};
    static const struct fcgi_limits both = {.line_len = 16384,
                                            .head_len = 100000};
    assert_int_equal(status_of_lines(state, &large, 1, 99996), FCGI_OK);
    assert_int_equal(status_of_lines(state, &large, 1, 99997),
                     FCGI_ERR_HEAD_TOO_LARGE);
    assert_int_equal(status_of_lines(state, &both, 2, 16384), FCGI_OK);
    assert_int_equal(status_of_lines(state, &both, 1, 16385),
                     FCGI_ERR_HEAD_TOO_LARGE);
}

static void a_line_without_limit_may_be_long(void **state)
{
    assert_int_equal(status_of_line(state, -1, 200000, "\r\n"), FCGI_OK);
}

/* A line that never ends is refused before all memory is filled with it. */
static void a_line_that_never_ends_is_refused(void **state)
{
    struct wire answer = {0};
    struct wire line = {0};
    struct talk *t = *state;
    size_t used;
    append_line(&line, 100000, "");
    wire_stream(&answer, WIRE_STDOUT, TALK_ID, line.data, line.len);
    talk_ask(t, NULL);
    assert_int_equal(fcgi_exchange_feed(t->x, answer.data, 66000, &used),
                     FCGI_ERR_HEAD_TOO_LARGE);
    wire_free(&answer);
    wire_free(&line);
}

/* A head of exactly `len` bytes, its empty line included. */
static int status_of_head(void **state, int64_t limit, size_t len)
{
    const struct fcgi_limits limits = {.head_len = limit, .field_count = -1};
    struct wire text = {0};
    while (text.len + 200 < len) {
        append_line(&text, 98, "\r\n");
    }
    append_line(&text, len - text.len - 4, "\r\n");
    wire_text(&text, "\r\n");
    assert_int_equal(text.len, len);
    wire_text(&text, "body");
    int status = status_of(state, &limits, &text);
    wire_free(&text);
    return status;
}

static void a_head_may_be_as_long_as_its_limit(void **state)
{
    assert_int_equal(status_of_head(state, 1000, 999), FCGI_OK);
    assert_int_equal(status_of_head(state, 1000, 1000), FCGI_OK);
    assert_int_equal(status_of_head(state, 1000, 1001),
                     FCGI_ERR_HEAD_TOO_LARGE);
    assert_int_equal(status_of_head(state, 1000, 1002),
                     FCGI_ERR_HEAD_TOO_LARGE);
    assert_int_equal(status_of_head(state, 1000, 5000),
                     FCGI_ERR_HEAD_TOO_LARGE);
}

/* Where it has come to its limit and is no whole one, it is too large with the
 * next byte, and not before. */
static void a_head_that_stops_at_its_limit_is_none(void **state)
{
    const struct fcgi_request request = {.limits = {.head_len = 10}};
    struct talk *t = *state;
    assert_int_equal(talk_anew_text(t, &request, "A: bcdefgh"),
                     FCGI_ERR_NO_HEAD);
    assert_int_equal(talk_anew_text(t, &request, "A: bcdefghi"),
                     FCGI_ERR_HEAD_TOO_LARGE);
}

static void a_head_is_64_kib_at_most_by_default(void **state)
{
    assert_int_equal(status_of_head(state, 0, 65536), FCGI_OK);
    assert_int_equal(status_of_head(state, 0, 65537), FCGI_ERR_HEAD_TOO_LARGE);
}

static void a_head_without_limit_may_be_long(void **state)
{
    assert_int_equal(status_of_head(state, -1, 300000), FCGI_OK);
}

static int status_of_fields(void **state, int64_t limit, size_t count)
{
    const struct fcgi_limits limits = {.field_count = limit};
    struct wire text = {0};
    wire_text(&text, "Status: 200\n");
    for (size_t i = 0; i < count; i++) {
        wire_text(&text, "A: b\n");
    }
    wire_text(&text, "\n");
    int status = status_of(state, &limits, &text);
    wire_free(&text);
    return status;
}

/* Status is not a field, and is not counted. */
static void there_may_be_as_many_fields_as_their_limit(void **state)
{
    assert_int_equal(status_of_fields(state, 3, 3), FCGI_OK);
    assert_int_equal(status_of_fields(state, 3, 4), FCGI_ERR_HEAD_TOO_LARGE);
    assert_int_equal(status_of_fields(state, 0, 256), FCGI_OK);
    assert_int_equal(status_of_fields(state, 0, 257), FCGI_ERR_HEAD_TOO_LARGE);
    assert_int_equal(status_of_fields(state, -1, 5000), FCGI_OK);
}

static void many_fields_are_all_there(void **state)
{
    struct wire text = {0};
    struct talk *t = *state;
    for (int i = 0; i < 256; i++) {
        char line[32];
        int len = snprintf(line, sizeof(line), "X-%d: value %d\r\n", i, i);
        wire_append(&text, line, (size_t)len);
    }
    wire_text(&text, "\r\n");
    assert_int_equal(talk_anew_request(t, NULL, text.data, text.len), FCGI_OK);
    assert_int_equal(t->response.field_count, 256);
    for (int i = 0; i < 256; i++) {
        char name[16];
        char value[32];
        (void)snprintf(name, sizeof(name), "x-%d", i);
        (void)snprintf(value, sizeof(value), "value %d", i);
        assert_string_equal(fcgi_response_field(&t->response, name, 0), value);
    }
    wire_free(&text);
}

/* ---- the body ---------------------------------------------------------- */

/* Open it with a body of so many bytes, in two records, brought one way. */
static int open_body(struct talk *t, int64_t limit, size_t len,
                     talk_bring *bring)
{
    const struct fcgi_request request = {.limits = {.body_len = limit}};
    struct wire noise = {0};
    struct wire answer = {0};
    size_t used;
    wire_noise(&noise, len);
    wire_stdout(&answer, TALK_ID, "A: b\n\n");
    wire_stream(&answer, WIRE_STDOUT, TALK_ID, noise.data, len / 2);
    talk_write_answer(&answer, noise.data + len / 2, len - len / 2);
    talk_anew(t);
    talk_ask(t, &request);
    int status = bring(t, answer.data, answer.len, &used);
    assert_memory_equal(t->response.body.data, noise.data,
                        t->response.body.len);
    wire_free(&noise);
    wire_free(&answer);
    return status;
}

static void a_body_may_be_as_long_as_its_limit(void **state)
{
    static talk_bring *const ways[] = {talk_by_feed, talk_by_input};
    static const size_t limits[] = {1, 10, 5000, 100000};
    for (size_t i = 0; i < 8; i++) {
        size_t limit = limits[i / 2];
        struct talk *t = *state;
        assert_int_equal(open_body(t, (int64_t)limit, limit, ways[i % 2]),
                         FCGI_OK);
        assert_int_equal(t->response.body.len, limit);
        for (size_t over = limit + 1; over <= limit + 20000; over += 9999) {
            assert_int_equal(open_body(t, (int64_t)limit, over, ways[i % 2]),
                             FCGI_ERR_BODY_TOO_LARGE);
            assert_int_equal(t->response.body.len, limit);
            assert_int_equal(t->response.status, 200);
            assert_int_equal(t->response.body.data[limit], '\0');
            assert_false(fcgi_exchange_reusable(t->x));
        }
    }
}

/* Told without one: it would take as much memory. */
static void a_body_is_256_mib_at_most_by_default(void **state)
{
    static const struct fcgi_limits none;
    struct fcgi_limits limits;
    (void)state;
    assert_int_equal(fcgi__limits_resolve(&limits, &none, NULL), FCGI_OK);
    assert_int_equal(limits.body_len, (int64_t)256 * 1024 * 1024);
}

static void a_body_without_limit_may_be_long(void **state)
{
    struct talk *t = *state;
    assert_int_equal(open_body(t, -1, 3000000, talk_by_input), FCGI_OK);
    assert_int_equal(t->response.body.len, 3000000);
}

/* ---- stderr ------------------------------------------------------------ */

/* Open it with so much stderr, in two records. */
static int open_stderr(struct talk *t, int64_t limit, size_t len)
{
    const struct fcgi_request request = {.limits = {.stderr_len = limit}};
    struct wire noise = {0};
    struct wire answer = {0};
    wire_noise(&noise, len);
    wire_stream(&answer, WIRE_STDERR, TALK_ID, noise.data, len / 2);
    wire_stream(&answer, WIRE_STDERR, TALK_ID, noise.data + len / 2,
                len - len / 2);
    talk_write_text(&answer, "A: b\n\nbody");
    talk_anew(t);
    talk_ask(t, &request);
    int status = talk_answer(t, &answer);
    assert_memory_equal(t->response.stderr_data.data, noise.data,
                        t->response.stderr_data.len);
    assert_int_equal(t->response.stderr_data.data[t->response.stderr_data.len],
                     '\0');
    wire_free(&noise);
    wire_free(&answer);
    return status;
}

static void assert_stderr(void **state, int64_t limit, size_t len, size_t kept)
{
    struct talk *t = *state;
    assert_int_equal(open_stderr(t, limit, len), FCGI_OK);
    assert_int_equal(t->response.stderr_data.len, kept);
    assert_int_equal(t->response.stderr_cut, kept < len);
    talk_assert_text(t->response.body, "body");
    assert_true(fcgi_exchange_reusable(t->x));
}

static void stderr_over_its_limit_is_cut_and_says_so(void **state)
{
    assert_stderr(state, 10, 10, 10);
    assert_stderr(state, 10, 11, 10);
    assert_stderr(state, 10, 500, 10);
    assert_stderr(state, 1, 1, 1);
    assert_stderr(state, 1, 2, 1);
}

static void stderr_is_64_kib_at_most_by_default(void **state)
{
    assert_stderr(state, 0, 65536, 65536);
    assert_stderr(state, 0, 65537, 65536);
}

/* Large error output made others loop or crash. */
static void stderr_without_limit_may_be_long(void **state)
{
    assert_stderr(state, -1, 1000000, 1000000);
}

/* ---- options ----------------------------------------------------------- */

static void a_limit_below_minus_1_is_refused(void **state)
{
    const struct fcgi_limits limits[] = {{.line_len = -2},
                                         {.head_len = -2},
                                         {.field_count = INT64_MIN},
                                         {.body_len = -2},
                                         {.stderr_len = -1000}};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        const struct fcgi_request request = {.limits = limits[i]};
        struct talk *t = *state;
        talk_anew(t);
        assert_int_equal(
            fcgi_exchange_begin(t->x, &request, &t->response, 1, 0),
            FCGI_ERR_ARGUMENT);
    }
}

/* Cut to 32 bits, such a limit would be 0. */
static void a_limit_over_32_bits_is_no_smaller_for_it(void **state)
{
    const int64_t large = (int64_t)1 << 32;
    const struct fcgi_limits limits = {large, large, large, large, large};
    const struct fcgi_request request = {.limits = limits};
    struct wire answer = {0};
    struct talk *t = *state;
    talk_ask(t, &request);
    wire_stderr(&answer, TALK_ID, "oh no");
    talk_write_text(&answer, "A: b\n\nbody");
    assert_int_equal(talk_answer(t, &answer), FCGI_OK);
    talk_assert_text(t->response.body, "body");
    talk_assert_text(t->response.stderr_data, "oh no");
    wire_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        talk_test(a_line_may_be_as_long_as_its_limit),
        talk_test(a_line_too_long_need_be_no_field),
        talk_test(a_line_may_fill_the_head_by_default),
        talk_test(a_line_may_fill_a_larger_head),
        talk_test(a_line_without_limit_may_be_long),
        talk_test(a_line_that_never_ends_is_refused),
        talk_test(a_head_may_be_as_long_as_its_limit),
        talk_test(a_head_that_stops_at_its_limit_is_none),
        talk_test(a_head_is_64_kib_at_most_by_default),
        talk_test(a_head_without_limit_may_be_long),
        talk_test(there_may_be_as_many_fields_as_their_limit),
        talk_test(many_fields_are_all_there),
        talk_test(a_body_may_be_as_long_as_its_limit),
        cmocka_unit_test(a_body_is_256_mib_at_most_by_default),
        talk_test(a_body_without_limit_may_be_long),
        talk_test(stderr_over_its_limit_is_cut_and_says_so),
        talk_test(stderr_is_64_kib_at_most_by_default),
        talk_test(stderr_without_limit_may_be_long),
        talk_test(a_limit_below_minus_1_is_refused),
        talk_test(a_limit_over_32_bits_is_no_smaller_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
