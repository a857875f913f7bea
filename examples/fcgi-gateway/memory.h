/*
 * memory - how much memory the requests of a worker hold together, and a limit
 * on it.
 *
 * Bodies cannot have the last quarter: requests without a body are still served
 * when bodies have filled the rest.
 *
 * A few blocks that bodies have used are kept for later bodies, and stay
 * counted: for the system to provide new memory takes longer than to copy the
 * body there.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_MEMORY_H
#define EXAMPLES_FCGI_GATEWAY_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct block;

struct memory {
    size_t used, max;     /**< bytes, spare blocks included */
    struct block *spares; /* the one that was used last comes first */
    size_t spare_len;
};

/** Count `len` bytes that the caller is about to allocate. False: that would be
 *  too many. */
bool memory_take(struct memory *memory, size_t len);

/** The same for the body of a request. */
bool memory_take_for_body(struct memory *memory, size_t len);

/** Count `len` bytes as freed. */
void memory_give(struct memory *memory, size_t len);

/** Take a spare block of at least `len` bytes, but not many times that. It is
 *  counted already, may be reallocated, and has `*cap` bytes. NULL: there is no
 *  such block. */
void *memory_reuse(struct memory *memory, size_t len, size_t *cap);

/** Keep a block from malloc(), whose bytes are counted, or free it. */
void memory_keep(struct memory *memory, void *block, size_t cap);

/** Free the spare blocks. */
void memory_free_spares(struct memory *memory);

#endif
