/*
 * fuzz_input - turns the bytes of a fuzz input into choices, one after another.
 * When the bytes are used up every choice is the first one, so that a shorter
 * input is a simpler one.
 *
 *     struct fuzz_input s = fuzz_input_of(data, size);
 *     while (!fuzz_input_is_spent(&s)) {
 *         switch (fuzz_input_below(&s, 3)) { ... }
 *     }
 */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client/record.h>

struct fuzz_input {
    const uint8_t *data;
    size_t len;
};

struct fuzz_input fuzz_input_of(const uint8_t *data, size_t len);

bool fuzz_input_is_spent(const struct fuzz_input *s);

/** The next byte; 0 when all are used up. */
uint8_t fuzz_input_byte(struct fuzz_input *s);

/** A number from 0 to limit - 1, made from one byte, or two if needed. */
size_t fuzz_input_below(struct fuzz_input *s, size_t limit);

/** A length up to 65,535, mostly one at which the library changes its
 *  behaviour. */
size_t fuzz_input_length(struct fuzz_input *s);

/** Up to 255 bytes of the input; the byte before them gives the number. */
struct fcgi_slice fuzz_input_bytes(struct fuzz_input *s);

/** All bytes that are left. */
struct fcgi_slice fuzz_input_rest(struct fuzz_input *s);

#endif
