/*
 * supply - the bytes of one fuzz input, spent as choices one after another.
 * Once they are spent every choice is the first one, so that a shorter input
 * is a simpler one.
 *
 *     struct supply s = supply_of(data, size);
 *     while (!supply_is_spent(&s)) {
 *         switch (supply_below(&s, 3)) { ... }
 *     }
 */
#ifndef TESTS_SUPPLY_H
#define TESTS_SUPPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client/record.h>

struct supply {
    const uint8_t *data;
    size_t len;
};

struct supply supply_of(const uint8_t *data, size_t len);

bool supply_is_spent(const struct supply *s);

/** One byte; 0 once all are spent. */
uint8_t supply_byte(struct supply *s);

/** 0..limit-1, of one byte or, where that is too little, of two. */
size_t supply_below(struct supply *s, size_t limit);

/** A length, more often than not one at which something changes; at most
 *  65,535. */
size_t supply_length(struct supply *s);

/** Up to 255 bytes as they stand, behind one that says how many. */
struct fcgi_slice supply_bytes(struct supply *s);

/** All that are left. */
struct fcgi_slice supply_rest(struct supply *s);

#endif
