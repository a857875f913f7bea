/*
 * guard - bytes placed right in front of a page that cannot be read, so that
 * reading one byte too many ends the test program.
 *
 *     struct guard guard;
 *     guard_open(&guard, most);
 *     bytes = guard_put(&guard, data, len);      until the next one is put
 *     guard_close(&guard);
 */
#ifndef TESTS_GUARD_H
#define TESTS_GUARD_H

#include <stddef.h>

struct guard {
    char *pages;
    size_t room; /* bytes in front of that page */
};

/** Make room for `most` bytes. Aborts if there is no memory. */
void guard_open(struct guard *guard, size_t most);

/** Copy `len` bytes there, so that the last one is the last that can be
 *  read. */
void *guard_put(struct guard *guard, const void *data, size_t len);

void guard_close(struct guard *guard);

#endif
