/*
 * memory - what the requests of a worker hold, in sum, and how much that may
 * be.
 *
 * The last quarter is kept from bodies: requests without one are served while
 * others have filled all the rest.
 *
 * A few blocks that bodies have used are kept, and counted, for those that
 * follow: memory that is new to the process takes the system longer to find
 * than the body takes to be copied there.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_MEMORY_H
#define EXAMPLES_FCGI_GATEWAY_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct block;

struct memory {
    size_t used, max;     /**< bytes, with those that are spare */
    struct block *spares; /* the one that was used last is the first */
    size_t spare_len;
};

/** Count `len` bytes, to be allocated now; false: that would be too many. */
bool memory_take(struct memory *memory, size_t len);

/** The same for the body of a request. */
bool memory_take_for_body(struct memory *memory, size_t len);

/** They have been freed. */
void memory_give(struct memory *memory, size_t len);

/** Take a spare block of `len` bytes or somewhat more, of `*cap`, which are
 *  counted already; it can be reallocated. NULL: no block fits. */
void *memory_reuse(struct memory *memory, size_t len, size_t *cap);

/** Keep a block from malloc(), whose bytes are counted, or free it. */
void memory_keep(struct memory *memory, void *block, size_t cap);

/** Free those that are kept. */
void memory_free_spares(struct memory *memory);

#endif
