/*
 * Each length of a name and of a value at which something changes: 0 and 1, the
 * last of one byte and the first of four, the last and first of 8 and of 16
 * bits, and the largest there is, 2^31 - 1 bytes, which stands in memory that
 * is reserved but not there, or is the same megabyte over and over.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fcgi_client/exchange.h>
#include <fcgi_client/params.h>

#include "guard.h"
#include "talk.h"
#include "test.h"

#define LARGEST ((size_t)FCGI_PARAM_LEN_MAX)

static const size_t lengths[] = {0,   1,   126, 127,   128,   129,
                                 255, 256, 257, 65535, 65536, LARGEST};

#define LENGTHS (sizeof(lengths) / sizeof(lengths[0]))
#define SMALL_LENGTHS (LENGTHS - 1)
#define MOST ((size_t)2 * 65536 + 8)

static size_t length_size(size_t len)
{
    return len < 128 ? 1 : 4;
}

/* ---- in memory --------------------------------------------------------- */

struct room {
    struct wire noise;
    struct guard guard;
};

static void open_room(struct room *room)
{
    memset(room, 0, sizeof(*room));
    wire_noise(&room->noise, MOST);
    guard_open(&room->guard, MOST);
}

static void close_room(struct room *room)
{
    wire_free(&room->noise);
    guard_close(&room->guard);
}

/* Run `check` for each two lengths. */
static void each_pair(struct room *room,
                      void (*check)(struct room *room,
                                    const struct fcgi_param *param,
                                    const struct wire *encoded))
{
    for (size_t i = 0; i < SMALL_LENGTHS; i++) {
        for (size_t j = 0; j < SMALL_LENGTHS; j++) {
            const char *bytes = (const char *)room->noise.data;
            const struct fcgi_param param = {bytes, bytes + 7, lengths[i],
                                             lengths[j]};
            struct wire encoded = {0};
            wire_pair(&encoded, param.name, param.name_len, param.value,
                      param.value_len);
            check(room, &param, &encoded);
            wire_free(&encoded);
        }
    }
}

/* The room ends where the pair does; or before it, and is not overrun. */
static void check_encoding(struct room *room, const struct fcgi_param *param,
                           const struct wire *encoded)
{
    size_t len;
    char *out = guard_put(&room->guard, room->noise.data, encoded->len);
    assert_int_equal(fcgi_params_encode(param, 1, out, encoded->len, &len),
                     FCGI_OK);
    assert_int_equal(len, encoded->len);
    assert_memory_equal(out, encoded->data, encoded->len);
    for (size_t missing = 1; missing <= 9 && missing < encoded->len;
         missing++) {
        size_t cap = encoded->len - missing;
        out = guard_put(&room->guard, room->noise.data, cap);
        assert_int_equal(fcgi_params_encode(param, 1, out, cap, &len),
                         FCGI_ERR_CONTENT_TOO_LONG);
        assert_int_equal(len, encoded->len);
    }
}

static void each_length_is_encoded_into_room_that_just_fits(void **state)
{
    struct room room;
    (void)state;
    open_room(&room);
    each_pair(&room, check_encoding);
    close_room(&room);
}

static void assert_pair(const struct fcgi_param *param,
                        const struct fcgi_param *want)
{
    assert_int_equal(param->name_len, want->name_len);
    assert_int_equal(param->value_len, want->value_len);
    if (want->name_len > 0) {
        assert_memory_equal(param->name, want->name, want->name_len);
    }
    if (want->value_len > 0) {
        assert_memory_equal(param->value, want->value, want->value_len);
    }
}

/* Whole, and short of it by any byte of the lengths and by a few others. */
static void check_decoding(struct room *room, const struct fcgi_param *param,
                           const struct wire *encoded)
{
    struct fcgi_param back;
    size_t count;
    const void *in = guard_put(&room->guard, encoded->data, encoded->len);
    assert_int_equal(fcgi_params_decode(in, encoded->len, &back, 1, &count),
                     FCGI_OK);
    assert_int_equal(count, 1);
    assert_pair(&back, param);
    for (size_t len = 1; len < encoded->len; len++) {
        struct fcgi_slice rest = {NULL, len};
        if (len > 12 && len < encoded->len - 3) {
            continue;
        }
        rest.data = guard_put(&room->guard, encoded->data, len);
        assert_int_equal(fcgi_params_next(&rest, &back),
                         FCGI_ERR_PARAMS_TRUNCATED);
        assert_int_equal(rest.len, len);
    }
}

static void each_length_is_decoded_where_the_bytes_end(void **state)
{
    struct room room;
    (void)state;
    open_room(&room);
    each_pair(&room, check_decoding);
    close_room(&room);
}

static void put_long(struct wire *w, size_t len)
{
    const uint8_t bytes[] = {(uint8_t)(len >> 24 | 0x80), (uint8_t)(len >> 16),
                             (uint8_t)(len >> 8), (uint8_t)len};
    wire_append(w, bytes, sizeof(bytes));
}

/* Four bytes may hold what one would. */
static void check_long_form(struct room *room, const struct fcgi_param *param,
                            const struct wire *encoded)
{
    struct wire longer = {0};
    (void)encoded;
    put_long(&longer, param->name_len);
    put_long(&longer, param->value_len);
    wire_append(&longer, param->name, param->name_len);
    wire_append(&longer, param->value, param->value_len);
    check_decoding(room, param, &longer);
    wire_free(&longer);
}

static void each_length_is_decoded_in_four_bytes(void **state)
{
    struct room room;
    (void)state;
    open_room(&room);
    each_pair(&room, check_long_form);
    close_room(&room);
}

static void check_sent(struct room *room, const struct fcgi_param *param,
                       const struct wire *encoded)
{
    const struct fcgi_param params[] = {FCGI_PARAM("BEFORE", "it"), *param,
                                        FCGI_PARAM("BEHIND", "it")};
    const struct fcgi_request request = {.params = params, .param_count = 3};
    struct wire expected = {0};
    struct talk t;
    (void)room;
    if (param->name_len == 0) {
        return; /* no request may have it */
    }
    wire_param(&expected, "BEFORE", "it");
    wire_append(&expected, encoded->data, encoded->len);
    wire_param(&expected, "BEHIND", "it");
    talk_open(&t);
    talk_ask(&t, &request);
    struct wire_request sent = talk_read_request(&t);
    assert_int_equal(sent.params.len, expected.len);
    assert_memory_equal(sent.params.data, expected.data, expected.len);
    assert_int_equal(sent.params_ends, 1);
    wire_request_free(&sent);
    talk_close(&t);
    wire_free(&expected);
}

static void each_length_is_sent_in_a_request(void **state)
{
    struct room room;
    (void)state;
    open_room(&room);
    each_pair(&room, check_sent);
    close_room(&room);
}

/* ---- in address space -------------------------------------------------- */

#define MEGABYTE ((size_t)1 << 20)

/* Address space of which only the beginning is there. NULL: there is not as
 * much. */
static char *reserve(uint64_t len, size_t beginning)
{
    int fd = open("/dev/zero", O_RDWR);
    void *place = MAP_FAILED;
    assert_true(fd >= 0);
    if (len <= SIZE_MAX) {
        place = mmap(NULL, (size_t)len, PROT_NONE, MAP_PRIVATE, fd, 0);
    }
    close(fd);
    if (place == MAP_FAILED) {
        return NULL;
    }
    if (beginning > 0) {
        assert_int_equal(mprotect(place, beginning, PROT_READ | PROT_WRITE), 0);
    }
    return place;
}

/* Nothing is copied, hence nothing is looked at. */
static void the_largest_lengths_are_measured(void **state)
{
    char *nowhere = reserve(LARGEST, 0);
    (void)state;
    if (nowhere == NULL) {
        skip();
    }
    for (size_t i = 0; i < LENGTHS; i++) {
        for (size_t j = 0; j < LENGTHS; j++) {
            const struct fcgi_param param = {nowhere, nowhere, lengths[i],
                                             lengths[j]};
            uint64_t expected = (uint64_t)length_size(lengths[i]) +
                                length_size(lengths[j]) + lengths[i] +
                                lengths[j];
            size_t len = 0;
            int rc = fcgi_params_encode(&param, 1, NULL, 0, &len);
            if (expected <= SIZE_MAX) {
                assert_int_equal(rc, FCGI_OK);
                assert_true(len == expected);
            } else {
                assert_int_equal(rc, FCGI_ERR_CONTENT_TOO_LONG);
            }
        }
    }
    assert_int_equal(munmap(nowhere, LARGEST), 0);
}

static void put_lengths(char *out, size_t name_len, size_t value_len)
{
    struct wire w = {0};
    put_long(&w, name_len);
    put_long(&w, value_len);
    memcpy(out, w.data, w.len);
    wire_free(&w);
}

static void the_largest_lengths_are_decoded(void **state)
{
    const uint64_t total = 8 + (uint64_t)2 * LARGEST;
    char *in = reserve(total, 8);
    (void)state;
    if (in == NULL) {
        skip();
    }
    for (size_t i = 0; i < LENGTHS; i++) {
        for (size_t j = 0; j < LENGTHS; j++) {
            size_t len = 8 + lengths[i] + lengths[j];
            struct fcgi_param back;
            size_t count;
            put_lengths(in, lengths[i], lengths[j]);
            assert_int_equal(fcgi_params_decode(in, len, &back, 1, &count),
                             FCGI_OK);
            assert_int_equal(count, 1);
            assert_ptr_equal(back.name, in + 8);
            assert_true(back.name_len == lengths[i]);
            assert_ptr_equal(back.value, in + 8 + lengths[i]);
            assert_true(back.value_len == lengths[j]);
            assert_int_equal(fcgi_params_decode(in, len - 1, &back, 1, &count),
                             FCGI_ERR_PARAMS_TRUNCATED);
            assert_int_equal(count, 0);
        }
    }
    assert_int_equal(munmap(in, (size_t)total), 0);
}

/* What does not fit is not begun. */
static void the_largest_lengths_need_their_room(void **state)
{
    const size_t total = 4 + 1 + LARGEST + 1;
    const size_t rooms[] = {1, 5, 4096, LARGEST, total - 1};
    char *out = reserve(total, 0);
    (void)state;
    if (out == NULL) {
        skip();
    }
    const struct fcgi_param params[] = {{out, out, LARGEST, 1},
                                        {out, out, 1, LARGEST}};
    for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        for (size_t j = 0; j < 2; j++) {
            size_t len = 0;
            assert_int_equal(
                fcgi_params_encode(&params[j], 1, out, rooms[i], &len),
                FCGI_ERR_CONTENT_TOO_LONG);
            assert_true(len == total);
        }
    }
    assert_int_equal(munmap(out, total), 0);
}

/* ---- in a request ------------------------------------------------------ */

/* An allocator that has a few megabytes, and no more. */
static void *allocate_little(void *context, size_t size)
{
    (void)context;
    return size > 4 * MEGABYTE ? NULL : malloc(size);
}

static void *resize_little(void *context, void *pointer, size_t size)
{
    (void)context;
    return size > 4 * MEGABYTE ? NULL : realloc(pointer, size);
}

static void release_little(void *context, void *pointer)
{
    (void)context;
    free(pointer);
}

static int begin(const struct fcgi_param *param)
{
    const struct fcgi_allocator little = {allocate_little, resize_little,
                                          release_little, NULL};
    const struct fcgi_request request = {.params = param, .param_count = 1};
    struct fcgi_response response = {0};
    struct fcgi_exchange *x;
    assert_int_equal(fcgi_exchange_new(&x, &little), FCGI_OK);
    int rc = fcgi_exchange_begin(x, &request, &response, 1, 0);
    fcgi_exchange_free(x);
    fcgi_response_free(&response);
    return rc;
}

static void the_largest_pair_of_a_request_needs_its_memory(void **state)
{
    char *bytes = reserve(LARGEST, 8 * MEGABYTE);
    (void)state;
    if (bytes == NULL) {
        skip();
    }
    const struct fcgi_param large_name = {bytes, "", LARGEST, 0};
    const struct fcgi_param large_value = {"n", bytes, 1, LARGEST};
    assert_int_equal(begin(&large_name), FCGI_ERR_NO_MEMORY);
    assert_int_equal(begin(&large_value), FCGI_ERR_NO_MEMORY);
    assert_int_equal(munmap(bytes, LARGEST), 0);
}

/* It is told by its length alone. */
static void a_pair_over_that_is_too_long_for_a_request(void **state)
{
    const size_t over = LARGEST + 1;
    const struct fcgi_param params[] = {{"n", "v", over, 1},
                                        {"n", "v", 1, over},
                                        {"n", "v", SIZE_MAX - 1, 1},
                                        {"n", "v", 1, SIZE_MAX - 1}};
    (void)state;
    for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
        assert_int_equal(begin(&params[i]), FCGI_ERR_CONTENT_TOO_LONG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_length_is_encoded_into_room_that_just_fits),
        cmocka_unit_test(each_length_is_decoded_where_the_bytes_end),
        cmocka_unit_test(each_length_is_decoded_in_four_bytes),
        cmocka_unit_test(each_length_is_sent_in_a_request),
        cmocka_unit_test(the_largest_lengths_are_measured),
        cmocka_unit_test(the_largest_lengths_are_decoded),
        cmocka_unit_test(the_largest_lengths_need_their_room),
        cmocka_unit_test(the_largest_pair_of_a_request_needs_its_memory),
        cmocka_unit_test(a_pair_over_that_is_too_long_for_a_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
