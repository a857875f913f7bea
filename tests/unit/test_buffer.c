/*
 * Growable memory, where all arithmetic on lengths that the library keeps is
 * done: no sum may overflow, and a failure leaves all as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "../../src/base/buffer.h"
#include "allocator.h"
#include "test.h"

static void what_is_appended_stands_in_a_row_with_a_nul_behind(void **state)
{
    struct counting_allocator memory = {0};
    const struct fcgi_allocator allocator = counting_allocator(&memory);
    struct fcgi__buffer buffer = {0};
    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(fcgi__buffer_append(&buffer, &allocator, "abc", 3),
                         FCGI_OK);
        assert_true(buffer.cap > buffer.len);
        assert_int_equal(buffer.data[buffer.len], '\0');
    }
    assert_int_equal(buffer.len, 3000);
    assert_int_equal(strlen(buffer.data), 3000);
    assert_memory_equal(buffer.data + 2994, "abcabc", 6);
    fcgi__buffer_free(&buffer, &allocator);
    assert_int_equal(memory.blocks, 0);
}

static void nothing_may_be_appended_too(void **state)
{
    struct counting_allocator memory = {0};
    const struct fcgi_allocator allocator = counting_allocator(&memory);
    struct fcgi__buffer buffer = {0};
    (void)state;
    assert_int_equal(fcgi__buffer_append(&buffer, &allocator, "", 0), FCGI_OK);
    assert_int_equal(buffer.len, 0);
    assert_string_equal(buffer.data, "");
    fcgi__buffer_free(&buffer, &allocator);
}

/* Room that was made is not made again. */
static void room_is_kept_once_it_was_made(void **state)
{
    struct counting_allocator memory = {0};
    const struct fcgi_allocator allocator = counting_allocator(&memory);
    struct fcgi__buffer buffer = {0};
    (void)state;
    assert_int_equal(fcgi__buffer_reserve(&buffer, &allocator, 5000), FCGI_OK);
    assert_true(buffer.cap >= 5000);
    assert_int_equal(memory.calls, 1);
    buffer.len = 4000;
    assert_int_equal(fcgi__buffer_reserve(&buffer, &allocator, 1000), FCGI_OK);
    assert_int_equal(memory.calls, 1);
    buffer.len = buffer.cap;
    assert_int_equal(fcgi__buffer_reserve(&buffer, &allocator, 0), FCGI_OK);
    assert_int_equal(memory.calls, 1);
    assert_int_equal(fcgi__buffer_reserve(&buffer, &allocator, 1), FCGI_OK);
    assert_int_equal(memory.calls, 2);
    fcgi__buffer_free(&buffer, &allocator);
}

/* Appending n bytes bit by bit must not copy n * n. */
static void growth_is_geometric(void **state)
{
    struct counting_allocator memory = {0};
    const struct fcgi_allocator allocator = counting_allocator(&memory);
    struct fcgi__buffer buffer = {0};
    (void)state;
    (void)fcgi__buffer_append(&buffer, &allocator, "x", 1);
    for (int i = 1; i < 1000000; i++) {
        size_t cap = buffer.cap;
        (void)fcgi__buffer_append(&buffer, &allocator, "x", 1);
        assert_true(buffer.cap <= 2 * cap);
    }
    assert_int_equal(buffer.len, 1000000);
    assert_true(memory.calls < 30);
    fcgi__buffer_free(&buffer, &allocator);
}

/* Large copies into memory that starts shortly behind a page are slow. */
static void bytes_start_at_a_multiple_of_64_wherever_they_move(void **state)
{
    struct counting_allocator memory = {0};
    const struct fcgi_allocator allocator = counting_allocator(&memory);
    (void)state;
    for (size_t len = 1; len < 3000; len += 7) {
        struct fcgi__buffer buffer = {0};
        char text[] = "what is there already";
        for (size_t extra = len; extra < 100 * len; extra *= 3) {
            assert_int_equal(fcgi__buffer_reserve(&buffer, &allocator, extra),
                             FCGI_OK);
            assert_int_equal((uintptr_t)buffer.data % 64, 0);
            if (buffer.len == 0) {
                (void)fcgi__buffer_append(&buffer, &allocator, text,
                                          sizeof(text));
            }
            assert_memory_equal(buffer.data, text, sizeof(text));
        }
        fcgi__buffer_free(&buffer, &allocator);
    }
}

/* An allocator whose blocks stand 16 bytes further behind a multiple of 64 each
 * time; in front of each stand where malloc() put it and its size. */
struct prefix {
    char *origin;
    size_t size;
};

static void *allocate_shifted(void *context, size_t size)
{
    size_t *shift = context;
    char *origin = malloc(size + 192);
    char *block = origin + 64 + (-(uintptr_t)origin & 63) + *shift;
    struct prefix prefix = {origin, size};
    *shift = (*shift + 16) % 64;
    memcpy(block - sizeof(prefix), &prefix, sizeof(prefix));
    return block;
}

static void release_shifted(void *context, void *block)
{
    struct prefix prefix;
    (void)context;
    memcpy(&prefix, (char *)block - sizeof(prefix), sizeof(prefix));
    free(prefix.origin);
}

/* What lies behind the bytes that move is not what lay there before. */
static void *resize_shifted(void *context, void *block, size_t size)
{
    struct prefix prefix;
    char *moved = allocate_shifted(context, size);
    memcpy(&prefix, (char *)block - sizeof(prefix), sizeof(prefix));
    memset(moved, 0xaa, size);
    memcpy(moved, block, prefix.size < size ? prefix.size : size);
    release_shifted(context, block);
    return moved;
}

static void the_nul_behind_the_bytes_moves_with_them(void **state)
{
    size_t shift = 0;
    const struct fcgi_allocator allocator = {allocate_shifted, resize_shifted,
                                             release_shifted, &shift};
    struct fcgi__buffer buffer = {0};
    (void)state;
    assert_int_equal(fcgi__buffer_append(&buffer, &allocator, "four", 4),
                     FCGI_OK);
    for (int i = 0; i < 8; i++) {
        memset(buffer.data + buffer.len + 1, 'x', buffer.cap - buffer.len - 1);
        assert_int_equal(
            fcgi__buffer_reserve(&buffer, &allocator, buffer.cap + 1), FCGI_OK);
        assert_string_equal(buffer.data, "four");
    }
    fcgi__buffer_free(&buffer, &allocator);
}

static void sizes_that_overflow_are_out_of_memory(void **state)
{
    struct counting_allocator memory = {0};
    const struct fcgi_allocator allocator = counting_allocator(&memory);
    struct fcgi__buffer buffer = {0};
    (void)state;
    assert_int_equal(fcgi__buffer_append(&buffer, &allocator, "abc", 3),
                     FCGI_OK);
    const struct fcgi__buffer before = buffer;
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(
            fcgi__buffer_reserve(&buffer, &allocator, SIZE_MAX - i),
            FCGI_ERR_NO_MEMORY);
    }
    assert_int_equal(fcgi__buffer_append(&buffer, &allocator, "", SIZE_MAX),
                     FCGI_ERR_NO_MEMORY);
    assert_memory_equal(&buffer, &before, sizeof(buffer));
    assert_string_equal(buffer.data, "abc");
    fcgi__buffer_free(&buffer, &allocator);
}

/* How much was asked for, which there never is. */
static void *note_size(void *context, void *block, size_t size)
{
    (void)block;
    *(size_t *)context = size;
    return NULL;
}

/* Where twice the size cannot be told any more. */
static void growth_near_the_largest_size_is_by_what_is_needed(void **state)
{
    size_t size = 0;
    const struct fcgi_allocator allocator = {.resize = note_size,
                                             .context = &size};
    _Alignas(64) char block;
    (void)state;
    for (size_t i = 0; i < 100; i++) {
        struct fcgi__buffer buffer = {.block = &block, .data = &block};
        buffer.cap = buffer.len = SIZE_MAX / 2 - i;
        assert_int_equal(fcgi__buffer_reserve(&buffer, &allocator, 10),
                         FCGI_ERR_NO_MEMORY);
        assert_in_range(size, buffer.len + 10, buffer.len + 10 + 64);
    }
}

static void a_failure_leaves_a_buffer_as_it_was(void **state)
{
    struct counting_allocator memory = {0};
    const struct fcgi_allocator allocator = counting_allocator(&memory);
    struct fcgi__buffer buffer = {0};
    (void)state;
    assert_int_equal(fcgi__buffer_append(&buffer, &allocator, "abc", 3),
                     FCGI_OK);
    const struct fcgi__buffer before = buffer;
    memory.fail_at = memory.calls + 1;
    assert_int_equal(fcgi__buffer_reserve(&buffer, &allocator, buffer.cap),
                     FCGI_ERR_NO_MEMORY);
    assert_memory_equal(&buffer, &before, sizeof(buffer));
    assert_string_equal(buffer.data, "abc");
    fcgi__buffer_free(&buffer, &allocator);
    assert_int_equal(memory.blocks, 0);
}

static void a_freed_buffer_is_usable_again(void **state)
{
    static const struct fcgi__buffer zero;
    struct counting_allocator memory = {0};
    const struct fcgi_allocator allocator = counting_allocator(&memory);
    struct fcgi__buffer buffer = {0};
    (void)state;
    fcgi__buffer_free(&buffer, &allocator);
    (void)fcgi__buffer_append(&buffer, &allocator, "abc", 3);
    fcgi__buffer_free(&buffer, &allocator);
    assert_memory_equal(&buffer, &zero, sizeof(buffer));
    assert_int_equal(fcgi__buffer_append(&buffer, &allocator, "de", 2),
                     FCGI_OK);
    assert_string_equal(buffer.data, "de");
    fcgi__buffer_free(&buffer, &allocator);
    assert_int_equal(memory.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_appended_stands_in_a_row_with_a_nul_behind),
        cmocka_unit_test(nothing_may_be_appended_too),
        cmocka_unit_test(room_is_kept_once_it_was_made),
        cmocka_unit_test(growth_is_geometric),
        cmocka_unit_test(bytes_start_at_a_multiple_of_64_wherever_they_move),
        cmocka_unit_test(the_nul_behind_the_bytes_moves_with_them),
        cmocka_unit_test(sizes_that_overflow_are_out_of_memory),
        cmocka_unit_test(growth_near_the_largest_size_is_by_what_is_needed),
        cmocka_unit_test(a_failure_leaves_a_buffer_as_it_was),
        cmocka_unit_test(a_freed_buffer_is_usable_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
