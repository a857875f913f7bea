/*
 * memory - what the requests of a worker hold, in sum, and how much that may
 * be.
 *
 * The last quarter is kept from bodies: requests without one are served while
 * others have filled all the rest.
 */
#ifndef GATEWAY_EVENTS_MEMORY_H
#define GATEWAY_EVENTS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct memory {
    size_t used, max; /**< bytes */
};

/** Count `len` bytes, to be allocated now; false: that would be too many. */
bool memory_take(struct memory *memory, size_t len);

/** The same for the body of a request. */
bool memory_take_for_body(struct memory *memory, size_t len);

/** They have been freed. */
void memory_give(struct memory *memory, size_t len);

#endif
