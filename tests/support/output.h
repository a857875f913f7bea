/*
 * output - what a program prints that runs to its end.
 */
#ifndef TESTS_OUTPUT_H
#define TESTS_OUTPUT_H

#include <stddef.h>

/**
 * Run a program for at most a minute or two; one that takes longer is ended.
 * Call it from the main thread.
 *
 * @param arguments  behind its name; NULL ends
 * @return what it has printed, also to standard error; it ends in NUL, and is
 *         the caller's to free
 */
char *output_of(const char *path, const char *const *arguments);

/** All of a file; none: "". It ends in NUL, and is the caller's to free. */
char *output_read(const char *path);

#endif
