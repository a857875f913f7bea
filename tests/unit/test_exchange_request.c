/*
 * What an exchange sends, as an application reads it, and what it refuses to.
 * Params and bodies have files of their own.
 */
#include <fcgi_client/exchange.h>

#include "talk.h"
#include "test.h"

static struct wire_frame frame_at(const struct talk *t, size_t *at)
{
    struct wire_frame frame;
    assert_true(wire_next(t->sent.data, t->sent.len, at, &frame));
    return frame;
}

/* Begin with an id and flags of one's own. */
static int begin(struct talk *t, const struct fcgi_request *request, int id,
                 int flags)
{
    return fcgi_exchange_begin(t->x, request, &t->response, (uint16_t)id,
                               (uint8_t)flags);
}

/* Begin, which must fail, and leave nothing begun. */
static void assert_refused(void **state, const struct fcgi_request *request,
                           int expected)
{
    struct talk *t = *state;
    struct fcgi_slice slices[4];
    talk_anew(t);
    assert_int_equal(begin(t, request, 1, 0), expected);
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_ERR_STATE);
    assert_int_equal(fcgi_exchange_output(t->x, slices, 4), 0);
}

/* ---- the shape of a request -------------------------------------------- */

static void a_request_is_begin_then_params_then_one_empty_stdin(void **state)
{
    static const int types[] = {WIRE_BEGIN, WIRE_PARAMS, WIRE_PARAMS,
                                WIRE_STDIN};
    struct talk *t = *state;
    size_t at = 0;
    talk_ask(t, NULL);
    for (size_t i = 0; i < 4; i++) {
        struct wire_frame frame = frame_at(t, &at);
        assert_int_equal(frame.version, 1);
        assert_int_equal(frame.type, types[i]);
        assert_int_equal(frame.id, TALK_ID);
        assert_int_equal(frame.len == 0, i >= 2);
    }
    assert_int_equal(at, t->sent.len);
}

static void a_role_of_0_is_a_responder(void **state)
{
    struct talk *t = *state;
    talk_ask(t, NULL);
    struct wire_request sent = talk_read_request(t);
    assert_int_equal(sent.role, FCGI_ROLE_RESPONDER);
    wire_request_free(&sent);
}

static void flags_are_sent_as_they_were_given(void **state)
{
    const struct fcgi_request request = {.role = FCGI_ROLE_RESPONDER};
    for (int flags = 0; flags <= FCGI_FLAG_KEEP_CONN; flags++) {
        struct talk *t = *state;
        talk_anew(t);
        assert_int_equal(begin(t, &request, 1, flags), FCGI_OK);
        talk_send_all(t);
        struct wire_request sent = talk_read_request(t);
        assert_int_equal(sent.flags, flags);
        wire_request_free(&sent);
    }
}

static void every_record_bears_the_id_of_the_request(void **state)
{
    static const int ids[] = {1, 255, 256, 65535};
    const struct fcgi_param param = FCGI_PARAM("A", "b");
    const struct fcgi_request request = {
        .params = &param, .param_count = 1, .body = {.data = "abc", .len = 3}};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct talk *t = *state;
        size_t at = 0;
        talk_anew(t);
        assert_int_equal(begin(t, &request, ids[i], 0), FCGI_OK);
        talk_send_all(t);
        while (at < t->sent.len) {
            assert_int_equal(frame_at(t, &at).id, ids[i]);
        }
    }
}

static void every_record_is_padded_to_8_with_zeros(void **state)
{
    for (size_t len = 0; len < 20; len++) {
        const struct fcgi_param param = {"A", "0123456789abcdefghij", 1, len};
        const struct fcgi_request request = {
            .params = &param,
            .param_count = 1,
            .body = {.data = "0123456789abcdefghij", .len = len}};
        struct talk *t = *state;
        size_t at = 0;
        talk_anew(t);
        talk_ask(t, &request);
        while (at < t->sent.len) {
            struct wire_frame frame = frame_at(t, &at);
            assert_int_equal(frame.reserved, 0);
            assert_int_equal((frame.len + frame.padding_len) % 8, 0);
            assert_true(frame.padding_len < 8);
            for (size_t i = 0; i < frame.padding_len; i++) {
                assert_int_equal(frame.padding[i], 0);
            }
        }
    }
}

static void the_reserved_bytes_of_begin_are_zero(void **state)
{
    struct talk *t = *state;
    size_t at = 0;
    talk_ask(t, NULL);
    struct wire_frame frame = frame_at(t, &at);
    assert_int_equal(frame.len, 8);
    assert_memory_equal(frame.content, "\0\1\1\0\0\0\0\0", 8);
}

/* nginx sent it twice, HAProxy not at all; either stops some applications. */
static void stdin_ends_exactly_once_with_and_without_a_body(void **state)
{
    const struct fcgi_request requests[] = {
        {.role = FCGI_ROLE_RESPONDER},
        {.role = FCGI_ROLE_RESPONDER, .body = {.data = "abc", .len = 3}}};
    for (size_t i = 0; i < 2; i++) {
        struct talk *t = *state;
        talk_anew(t);
        talk_ask(t, &requests[i]);
        struct wire_request sent = talk_read_request(t);
        assert_int_equal(sent.params_ends, 1);
        assert_int_equal(sent.body_ends, 1);
        assert_int_equal(sent.data_ends, 0);
        wire_request_free(&sent);
    }
}

static void an_authorizer_gets_no_stdin_at_all(void **state)
{
    const struct fcgi_request request = {.role = FCGI_ROLE_AUTHORIZER};
    struct talk *t = *state;
    talk_ask(t, &request);
    struct wire_request sent = talk_read_request(t);
    assert_int_equal(sent.role, FCGI_ROLE_AUTHORIZER);
    assert_int_equal(sent.params_ends, 1);
    assert_int_equal(sent.body_ends, 0);
    assert_int_equal(sent.records, 2);
    assert_true(fcgi_exchange_sent_all(t->x));
    wire_request_free(&sent);
}

static void a_filter_gets_all_of_stdin_and_then_data(void **state)
{
    static const int types[] = {WIRE_BEGIN, WIRE_PARAMS, WIRE_STDIN,
                                WIRE_STDIN, WIRE_DATA,   WIRE_DATA};
    const struct fcgi_request request = {
        .role = FCGI_ROLE_FILTER,
        .body = {.data = "body", .len = 4},
        .data = {.data = "data!", .len = 5},
    };
    struct talk *t = *state;
    size_t at = 0;
    talk_ask(t, &request);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        assert_int_equal(frame_at(t, &at).type, types[i]);
    }
    struct wire_request sent = talk_read_request(t);
    assert_int_equal(sent.role, FCGI_ROLE_FILTER);
    assert_int_equal(sent.body.len, 4);
    assert_memory_equal(sent.body.data, "body", 4);
    assert_int_equal(sent.data.len, 5);
    assert_memory_equal(sent.data.data, "data!", 5);
    wire_request_free(&sent);
}

static void a_filter_without_data_gets_an_empty_end_of_it(void **state)
{
    const struct fcgi_request request = {.role = FCGI_ROLE_FILTER};
    struct talk *t = *state;
    talk_ask(t, &request);
    struct wire_request sent = talk_read_request(t);
    assert_int_equal(sent.body_ends, 1);
    assert_int_equal(sent.data_ends, 1);
    wire_request_free(&sent);
}

/* Not ahead of a body that is still to be sent. */
static void the_end_of_data_is_a_filters_last_record(void **state)
{
    static const char end[] = {1, FCGI_TYPE_DATA, 1, 2, 0, 0, 0, 0};
    const struct fcgi_request request = {.role = FCGI_ROLE_FILTER,
                                         .body = {.data = "abc", .len = 3}};
    struct talk *t = *state;
    talk_ask(t, &request);
    assert_memory_equal(t->sent.data + t->sent.len - 8, end, 8);
}

/* ---- what is refused --------------------------------------------------- */

static void an_id_of_0_and_unknown_flags_are_refused(void **state)
{
    const struct fcgi_request request = {.role = FCGI_ROLE_RESPONDER};
    struct talk *t = *state;
    assert_int_equal(begin(t, &request, 0, 0), FCGI_ERR_ARGUMENT);
    assert_int_equal(begin(t, &request, 1, 2), FCGI_ERR_ARGUMENT);
    assert_int_equal(begin(t, &request, 1, 0x81), FCGI_ERR_ARGUMENT);
}

static void null_is_refused(void **state)
{
    const struct fcgi_request request = {.role = FCGI_ROLE_RESPONDER};
    struct talk *t = *state;
    assert_int_equal(fcgi_exchange_new(NULL, NULL), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_begin(NULL, &request, &t->response, 1, 0),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_begin(t->x, NULL, &t->response, 1, 0),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_begin(t->x, &request, NULL, 1, 0),
                     FCGI_ERR_ARGUMENT);
}

static void an_unknown_role_is_refused(void **state)
{
    const struct fcgi_request over = {.role = (enum fcgi_role)4};
    const struct fcgi_request wraps = {.role = (enum fcgi_role)65537};
    assert_refused(state, &over, FCGI_ERR_ARGUMENT);
    assert_refused(state, &wraps, FCGI_ERR_ARGUMENT);
}

static void streams_that_a_role_has_not_are_refused(void **state)
{
    const struct fcgi_source some = {.data = "abc", .len = 3};
    const struct fcgi_request requests[] = {
        {.role = FCGI_ROLE_AUTHORIZER, .body = some},
        {.role = FCGI_ROLE_AUTHORIZER, .data = some},
        {.role = FCGI_ROLE_RESPONDER, .data = some},
        {.data = some},
    };
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        assert_refused(state, &requests[i], FCGI_ERR_ARGUMENT);
    }
}

static void null_params_and_bodies_with_a_length_are_refused(void **state)
{
    const struct fcgi_param no_name = {NULL, "v", 1, 1};
    const struct fcgi_request requests[] = {
        {.param_count = 1},
        {.params = &no_name, .param_count = 1},
        {.encoded_params = {NULL, 1}},
        {.body = {.len = 1}},
    };
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        assert_refused(state, &requests[i], FCGI_ERR_ARGUMENT);
    }
}

static void a_param_that_cannot_be_encoded_is_refused_not_dropped(void **state)
{
    const size_t over = (size_t)FCGI_PARAM_LEN_MAX + 1;
    const struct fcgi_param params[] = {FCGI_PARAM("A", "b"),
                                        {"n", "v", 1, over}};
    const struct fcgi_request request = {.params = params, .param_count = 2};
    assert_refused(state, &request, FCGI_ERR_CONTENT_TOO_LONG);
}

/* The length of a name that was forgotten is 0. */
static void an_empty_name_is_refused(void **state)
{
    static const struct fcgi_param empty[] = {FCGI_PARAM("", "v"),
                                              {.name = "A", .value = "b"},
                                              {NULL, NULL, 0, 0},
                                              {"", "v", 0, 1},
                                              {NULL, "v", 0, FCGI_STRLEN}};
    static char large[200];
    struct fcgi_param params[] = {
        FCGI_PARAM("BEFORE", "1"), {0}, FCGI_PARAM("AFTER", "2")};
    const struct fcgi_request request = {.params = params, .param_count = 3};
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        params[1] = empty[i];
        assert_refused(state, &request, FCGI_ERR_ARGUMENT);
    }
    params[1] = (struct fcgi_param){"", large, 0, sizeof(large)};
    assert_refused(state, &request, FCGI_ERR_ARGUMENT);
}

static void an_empty_name_that_is_encoded_is_refused(void **state)
{
    static const char *const encoded[] = {"\0\1v", "\1\1Ab\0\1v",
                                          "\200\0\0\0\1v", "\0\200\0\0\1v"};
    static const size_t lengths[] = {3, 7, 6, 6};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        const struct fcgi_request request = {
            .encoded_params = {encoded[i], lengths[i]}};
        assert_refused(state, &request, FCGI_ERR_ARGUMENT);
    }
}

/* They may mean something one day. */
static void reserved_members_that_are_not_zero_are_refused(void **state)
{
    struct fcgi_request request = {.role = FCGI_ROLE_RESPONDER};
    size_t count = sizeof(request.reserved) / sizeof(request.reserved[0]);
    for (size_t i = 0; i < count; i++) {
        request.reserved[i] = UINT64_C(1) << (13 * i);
        assert_refused(state, &request, FCGI_ERR_ARGUMENT);
        request.reserved[i] = 0;
    }
}

static void an_allocator_with_functions_missing_is_refused(void **state)
{
    struct counting_allocator memory = {0};
    (void)state;
    for (int present = 1; present < 7; present++) {
        struct fcgi_allocator allocator = counting_allocator(&memory);
        struct fcgi_exchange *x = (struct fcgi_exchange *)&memory;
        allocator.allocate = (present & 1) != 0 ? allocator.allocate : NULL;
        allocator.resize = (present & 2) != 0 ? allocator.resize : NULL;
        allocator.release = (present & 4) != 0 ? allocator.release : NULL;
        assert_int_equal(fcgi_exchange_new(&x, &allocator), FCGI_ERR_ARGUMENT);
        assert_null(x);
    }
    assert_int_equal(memory.calls, 0);
}

static void an_allocator_of_zeros_is_malloc(void **state)
{
    const struct fcgi_allocator zeros = {0};
    struct fcgi_exchange *x = NULL;
    (void)state;
    assert_int_equal(fcgi_exchange_new(&x, &zeros), FCGI_OK);
    assert_non_null(x);
    fcgi_exchange_free(x);
}

/* ---- handing out ------------------------------------------------------- */

/* Nothing is begun then, and nothing is left of what was before. */
static void a_request_that_is_refused_ends_the_one_before(void **state)
{
    const struct fcgi_request bad = {.role = (enum fcgi_role)4};
    struct fcgi_slice slices[4];
    struct talk *t = *state;
    assert_int_equal(talk_anew_get(t, "A: b\n\nbody"), FCGI_OK);
    assert_true(fcgi_exchange_reusable(t->x));
    assert_int_equal(begin(t, &bad, 1, 0), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_ERR_STATE);
    assert_false(fcgi_exchange_reusable(t->x));
    assert_int_equal(t->response.status, 0);
    assert_int_equal(t->response.field_count, 0);
    talk_assert_text(t->response.body, "");
    talk_begin(t, NULL);
    assert_int_equal(begin(t, &bad, 1, 0), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_ERR_STATE);
    assert_int_equal(fcgi_exchange_output(t->x, slices, 4), 0);
}

static void fewer_than_four_slices_are_refused(void **state)
{
    struct fcgi_slice slices[4];
    struct talk *t = *state;
    talk_begin(t, NULL);
    assert_int_equal(fcgi_exchange_output(t->x, slices, 3), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_output(t->x, NULL, 4), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_WAIT);
}

static void output_is_the_same_until_some_is_sent(void **state)
{
    struct fcgi_slice first[8];
    struct fcgi_slice again[8];
    struct talk *t = *state;
    talk_begin(t, NULL);
    int count = fcgi_exchange_output(t->x, first, 8);
    assert_true(count > 0);
    assert_int_equal(fcgi_exchange_output(t->x, again, 8), count);
    for (int i = 0; i < count; i++) {
        assert_ptr_equal(again[i].data, first[i].data);
        assert_int_equal(again[i].len, first[i].len);
    }
}

/* Partial writes of every size: the bytes are those of one whole write. */
static void any_sizes_of_sends_make_the_same_request(void **state)
{
    const struct fcgi_param param = FCGI_PARAM("NAME", "value");
    const struct fcgi_request request = {
        .role = FCGI_ROLE_FILTER,
        .params = &param,
        .param_count = 1,
        .body = {.data = "abcdefghijk", .len = 11},
        .data = {.data = "lmn", .len = 3},
    };
    struct talk whole;
    talk_open(&whole);
    talk_ask(&whole, &request);
    for (size_t max = 1; max < whole.sent.len; max++) {
        struct talk *t = *state;
        talk_anew(t);
        talk_begin(t, &request);
        while (talk_send(t, max) > 0) {
            assert_true(t->sent.len <= whole.sent.len);
            assert_int_equal(fcgi_exchange_sent_all(t->x),
                             t->sent.len == whole.sent.len);
        }
        assert_int_equal(t->sent.len, whole.sent.len);
        assert_memory_equal(t->sent.data, whole.sent.data, whole.sent.len);
    }
    talk_close(&whole);
}

static void four_slices_at_a_time_are_enough(void **state)
{
    struct wire noise = {0};
    struct talk few;
    struct talk many;
    struct fcgi_slice slices[4];
    int count;
    (void)state;
    wire_noise(&noise, 300000);
    const struct fcgi_request request = {
        .body = {.data = noise.data, .len = noise.len}};
    talk_open(&many);
    talk_ask(&many, &request);
    talk_open(&few);
    talk_begin(&few, &request);
    for (count = fcgi_exchange_output(few.x, slices, 4); count > 0;
         count = fcgi_exchange_output(few.x, slices, 4)) {
        size_t len = 0;
        assert_in_range(count, 1, 4);
        for (int i = 0; i < count; i++) {
            wire_append(&few.sent, slices[i].data, slices[i].len);
            len += slices[i].len;
        }
        assert_int_equal(fcgi_exchange_sent(few.x, len), FCGI_OK);
    }
    assert_int_equal(count, 0);
    assert_int_equal(few.sent.len, many.sent.len);
    assert_memory_equal(few.sent.data, many.sent.data, many.sent.len);
    wire_free(&noise);
    talk_close(&few);
    talk_close(&many);
}

/* Nothing is counted then: all is still to be sent. */
static void more_than_was_handed_out_cannot_have_been_sent(void **state)
{
    struct fcgi_slice slices[8];
    struct talk *t = *state;
    size_t len = 0;
    talk_begin(t, NULL);
    assert_int_equal(fcgi_exchange_sent(t->x, 1), FCGI_ERR_ARGUMENT);
    int count = fcgi_exchange_output(t->x, slices, 8);
    for (int i = 0; i < count; i++) {
        len += slices[i].len;
    }
    assert_int_equal(fcgi_exchange_sent(t->x, len + 1), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_sent(t->x, SIZE_MAX), FCGI_ERR_ARGUMENT);
    assert_false(fcgi_exchange_sent_all(t->x));
    assert_int_equal(fcgi_exchange_sent(t->x, 0), FCGI_OK);
    assert_int_equal(fcgi_exchange_sent(t->x, 3), FCGI_OK);
    assert_int_equal(fcgi_exchange_sent(t->x, len - 2), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_sent(t->x, len - 3), FCGI_OK);
    assert_true(fcgi_exchange_sent_all(t->x));
    assert_int_equal(fcgi_exchange_sent(t->x, 1), FCGI_ERR_ARGUMENT);
}

/* What an earlier request handed out is not this one's. */
static void beginning_anew_takes_back_what_was_handed_out(void **state)
{
    struct fcgi_slice slices[8];
    struct talk *t = *state;
    talk_begin(t, NULL);
    assert_true(fcgi_exchange_output(t->x, slices, 8) > 0);
    talk_begin(t, NULL);
    assert_int_equal(fcgi_exchange_sent(t->x, 1), FCGI_ERR_ARGUMENT);
}

static void an_exchange_never_begun_does_nothing(void **state)
{
    struct fcgi_slice slices[4];
    struct fcgi_memory room[2];
    struct talk *t = *state;
    size_t used = 99;
    assert_int_equal(fcgi_exchange_status(t->x), FCGI_ERR_STATE);
    assert_int_equal(fcgi_exchange_output(t->x, slices, 4), 0);
    assert_int_equal(fcgi_exchange_input(t->x, room, 2), 0);
    assert_int_equal(fcgi_exchange_feed(t->x, "abc", 3, &used), FCGI_ERR_STATE);
    assert_int_equal(used, 0);
    assert_int_equal(fcgi_exchange_eof(t->x, false), FCGI_ERR_STATE);
    assert_int_equal(fcgi_exchange_resume(t->x), FCGI_ERR_STATE);
    assert_int_equal(fcgi_exchange_restart(t->x, 1), FCGI_ERR_STATE);
    assert_false(fcgi_exchange_reusable(t->x));
    assert_false(fcgi_exchange_paused(t->x));
    fcgi_exchange_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        talk_test(a_request_is_begin_then_params_then_one_empty_stdin),
        talk_test(a_role_of_0_is_a_responder),
        talk_test(flags_are_sent_as_they_were_given),
        talk_test(every_record_bears_the_id_of_the_request),
        talk_test(every_record_is_padded_to_8_with_zeros),
        talk_test(the_reserved_bytes_of_begin_are_zero),
        talk_test(stdin_ends_exactly_once_with_and_without_a_body),
        talk_test(an_authorizer_gets_no_stdin_at_all),
        talk_test(a_filter_gets_all_of_stdin_and_then_data),
        talk_test(a_filter_without_data_gets_an_empty_end_of_it),
        talk_test(the_end_of_data_is_a_filters_last_record),
        talk_test(an_id_of_0_and_unknown_flags_are_refused),
        talk_test(null_is_refused),
        talk_test(an_unknown_role_is_refused),
        talk_test(streams_that_a_role_has_not_are_refused),
        talk_test(null_params_and_bodies_with_a_length_are_refused),
        talk_test(a_param_that_cannot_be_encoded_is_refused_not_dropped),
        talk_test(an_empty_name_is_refused),
        talk_test(an_empty_name_that_is_encoded_is_refused),
        talk_test(reserved_members_that_are_not_zero_are_refused),
        cmocka_unit_test(an_allocator_with_functions_missing_is_refused),
        cmocka_unit_test(an_allocator_of_zeros_is_malloc),
        talk_test(a_request_that_is_refused_ends_the_one_before),
        talk_test(fewer_than_four_slices_are_refused),
        talk_test(output_is_the_same_until_some_is_sent),
        talk_test(any_sizes_of_sends_make_the_same_request),
        cmocka_unit_test(four_slices_at_a_time_are_enough),
        talk_test(more_than_was_handed_out_cannot_have_been_sent),
        talk_test(beginning_anew_takes_back_what_was_handed_out),
        talk_test(an_exchange_never_begun_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
