/*
 * allocator - a struct fcgi_allocator that counts, and that fails when it is
 * told to.
 *
 *     struct counting_allocator memory = {0};
 *     struct fcgi_allocator allocator = counting_allocator(&memory);
 *
 * Any number of threads may use one. A byte written behind a block
 * aborts the test when the block is given back.
 */
#ifndef TESTS_ALLOCATOR_H
#define TESTS_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client/response.h>

/** All zero: counts, and never fails. */
struct counting_allocator {
    size_t calls;      /**< allocations and growths asked for, failures too */
    size_t releases;   /**< blocks given back */
    size_t blocks;     /**< outstanding */
    size_t bytes;      /**< outstanding */
    size_t peak;       /**< the most bytes outstanding at a time */
    size_t fail_at;    /**< the number of the call that fails, from 1; 0: none
                            does */
    bool fail_onwards; /**< all calls after that one fail as well */
    size_t failures;   /**< calls that were made to fail */
};

/** The allocator that counts in `memory`, which must outlive its use. */
struct fcgi_allocator counting_allocator(struct counting_allocator *memory);

#endif
