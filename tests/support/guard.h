/*
 * guard - bytes placed against a page that cannot be read, so that one byte
 * read behind them ends the test.
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
    size_t room; /* bytes that can be used; behind them is the page */
};

/** Make room for `most` bytes. Aborts when there is none. */
void guard_open(struct guard *guard, size_t most);

/** Copy `len` bytes there; the last is the last one that can be read. */
void *guard_put(struct guard *guard, const void *data, size_t len);

void guard_close(struct guard *guard);

#endif
