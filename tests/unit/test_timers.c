/*
 * The timers of a loop: whatever is added, moved and removed, the first is the
 * one that is due first.
 */
#include "../../src/base/allocator.h"
#include "../../src/client/timers.h"

#include <stdbool.h>
#include <stdint.h>

#include "test.h"

#define TIMERS 100
#define STEPS 20000

struct heap {
    struct fcgi_allocator allocator;
    struct fcgi__timers timers;
    struct fcgi__timer all[TIMERS];
    bool in[TIMERS];
    uint32_t seed;
};

static uint32_t draw(struct heap *heap, uint32_t below)
{
    heap->seed = heap->seed * 1664525 + 1013904223;
    return (heap->seed >> 8) % below;
}

static int64_t least(const struct heap *heap)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < TIMERS; i++) {
        if (heap->in[i] && heap->all[i].due < due) {
            due = heap->all[i].due;
        }
    }
    return due;
}

static void step(struct heap *heap)
{
    size_t nth = draw(heap, TIMERS);
    int64_t due = draw(heap, 50);
    if (!heap->in[nth]) {
        assert_int_equal(fcgi__timers_add(&heap->timers, &heap->allocator,
                                          &heap->all[nth], due),
                         FCGI_OK);
        heap->in[nth] = true;
    } else if (draw(heap, 2) == 0) {
        fcgi__timers_move(&heap->timers, &heap->all[nth], due);
    } else {
        fcgi__timers_remove(&heap->timers, &heap->all[nth]);
        heap->in[nth] = false;
    }
}

static void the_first_is_due_first_whatever_happened(void **state)
{
    struct heap heap = {.seed = 1};
    (void)state;
    assert_int_equal(fcgi__allocator_init(&heap.allocator, NULL), FCGI_OK);
    assert_null(fcgi__timers_first(&heap.timers));
    for (int i = 0; i < STEPS; i++) {
        step(&heap);
        const struct fcgi__timer *first = fcgi__timers_first(&heap.timers);
        assert_int_equal(first == NULL ? INT64_MAX : first->due, least(&heap));
    }
    fcgi__timers_free(&heap.timers, &heap.allocator);
}

static void they_come_in_the_order_in_which_they_are_due(void **state)
{
    struct heap heap = {.seed = 2};
    int64_t last = 0;
    (void)state;
    assert_int_equal(fcgi__allocator_init(&heap.allocator, NULL), FCGI_OK);
    for (size_t i = 0; i < TIMERS; i++) {
        assert_int_equal(fcgi__timers_add(&heap.timers, &heap.allocator,
                                          &heap.all[i], draw(&heap, 1000)),
                         FCGI_OK);
    }
    for (size_t i = 0; i < TIMERS; i++) {
        struct fcgi__timer *first = fcgi__timers_first(&heap.timers);
        assert_true(first->due >= last);
        last = first->due;
        fcgi__timers_remove(&heap.timers, first);
    }
    assert_null(fcgi__timers_first(&heap.timers));
    fcgi__timers_free(&heap.timers, &heap.allocator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_due_first_whatever_happened),
        cmocka_unit_test(they_come_in_the_order_in_which_they_are_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
