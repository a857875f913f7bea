/*
 * must - allocates memory for a test, and ends the test program when it cannot
 * go on.
 */
#ifndef TESTS_MUST_H
#define TESTS_MUST_H

#include <stddef.h>

/** Print what failed and why (errno), and end the program: by exit(), not
 *  abort(), so that its programs are stopped and its folders removed. */
_Noreturn void must_die(const char *what);

/** Allocate zeroed memory; ends the program if there is none. */
void *must_allocate(size_t size);

/** realloc(), likewise. */
void *must_resize(void *pointer, size_t size);

#endif
