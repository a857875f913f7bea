/*
 * allocator - a struct fcgi_allocator that counts, and that fails when it is
 * told to.
 *
 *     struct counting_allocator memory = {0};
 *     struct fcgi_allocator allocator = counting_allocator(&memory);
 *
 * Any number of threads may share one. A byte written past the end of a block
 * aborts the test program when the block is released.
 */
#ifndef TESTS_ALLOCATOR_H
#define TESTS_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client/response.h>

/** All zero: counts, and never fails. */
struct counting_allocator {
    size_t calls;      /**< to allocate or to resize, with those that failed */
    size_t releases;   /**< blocks released */
    size_t blocks;     /**< allocated now */
    size_t bytes;      /**< allocated now */
    size_t peak;       /**< the most bytes allocated at a time */
    size_t fail_at;    /**< which call fails, counted from 1; 0: none */
    bool fail_onwards; /**< all calls after that one fail too */
    size_t failures;   /**< calls that were made to fail */
};

/** The allocator that counts in `memory`, which must outlive its use. */
struct fcgi_allocator counting_allocator(struct counting_allocator *memory);

#endif
