/*
 * What the requests of a worker of the gateway among the examples may hold in
 * sum, and the blocks that it keeps for those that follow.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "../../examples/fcgi-gateway/memory.c"
#include "test.h"

#define MAX ((size_t)16000)
#define SPARE_MAX (MAX / 16)

/* A block as a body has it at its end. */
static void *block_of(struct memory *memory, size_t cap)
{
    void *block = malloc(cap);
    assert_non_null(block);
    assert_true(memory_take(memory, cap));
    return block;
}

static void the_sum_is_never_more_than_the_most(void **state)
{
    (void)state;
    struct memory memory = {.max = MAX};
    assert_true(memory_take(&memory, MAX - 1));
    assert_false(memory_take(&memory, 2));
    assert_true(memory_take(&memory, 1));
    assert_false(memory_take(&memory, 1));
    assert_false(memory_take(&memory, SIZE_MAX));
    memory_give(&memory, 10);
    assert_true(memory_take(&memory, 10));
}

static void bodies_leave_a_quarter_to_others(void **state)
{
    (void)state;
    struct memory memory = {.max = MAX};
    assert_false(memory_take_for_body(&memory, MAX * 3 / 4 + 1));
    assert_true(memory_take_for_body(&memory, MAX * 3 / 4));
    assert_false(memory_take_for_body(&memory, 1));
    assert_true(memory_take(&memory, MAX / 4));
    assert_false(memory_take_for_body(&memory, 1));
}

static void a_block_that_is_kept_is_used_again(void **state)
{
    (void)state;
    struct memory memory = {.max = MAX};
    void *block = block_of(&memory, 600);
    size_t cap = 0;
    memory_keep(&memory, block, 600);
    assert_int_equal(memory.used, 600);
    assert_ptr_equal(memory_reuse(&memory, 500, &cap), block);
    assert_int_equal(cap, 600);
    assert_null(memory_reuse(&memory, 1, &cap));
    assert_int_equal(memory.used, 600);
    free(block);
}

static void a_block_that_does_not_suit_is_left_alone(void **state)
{
    (void)state;
    struct memory memory = {.max = MAX};
    void *small = block_of(&memory, 100);
    void *large = block_of(&memory, 800);
    size_t cap = 0;
    memory_keep(&memory, small, 100);
    memory_keep(&memory, large, 800);
    assert_null(memory_reuse(&memory, 801, &cap));
    assert_null(memory_reuse(&memory, 10, &cap));
    assert_ptr_equal(memory_reuse(&memory, 90, &cap), small);
    assert_ptr_equal(memory_reuse(&memory, 200, &cap), large);
    assert_int_equal(memory.spare_len, 0);
    free(small);
    free(large);
}

static void no_more_than_a_part_is_spare(void **state)
{
    (void)state;
    struct memory memory = {.max = MAX};
    memory_keep(&memory, block_of(&memory, SPARE_MAX + 1), SPARE_MAX + 1);
    assert_int_equal(memory.used, 0);
    for (int i = 0; i < 10; i++) {
        memory_keep(&memory, block_of(&memory, SPARE_MAX / 2), SPARE_MAX / 2);
    }
    assert_int_equal(memory.used, SPARE_MAX);
    memory_free_spares(&memory);
    assert_int_equal(memory.used, 0);
}

static void what_is_spare_is_freed_when_memory_is_short(void **state)
{
    (void)state;
    struct memory memory = {.max = MAX};
    memory_keep(&memory, block_of(&memory, 500), 500);
    assert_true(memory_take(&memory, MAX - 500));
    assert_int_equal(memory.spare_len, 500);
    assert_true(memory_take(&memory, 500));
    assert_int_equal(memory.spare_len, 0);
    assert_int_equal(memory.used, MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sum_is_never_more_than_the_most),
        cmocka_unit_test(bodies_leave_a_quarter_to_others),
        cmocka_unit_test(a_block_that_is_kept_is_used_again),
        cmocka_unit_test(a_block_that_does_not_suit_is_left_alone),
        cmocka_unit_test(no_more_than_a_part_is_spare),
        cmocka_unit_test(what_is_spare_is_freed_when_memory_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
