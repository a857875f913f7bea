/*
 * output - what a program prints from its start to its end.
 */
#ifndef TESTS_OUTPUT_H
#define TESTS_OUTPUT_H

/**
 * Run a program, and end it if it takes longer than a minute or two. Call this
 * from the main thread.
 *
 * @param arguments  behind its name, ended by NULL
 * @return what it printed, also to standard error, with a NUL behind it; the
 *         caller frees it
 */
char *output_of(const char *path, const char *const *arguments);

/** All of a file, with a NUL behind it; "" if there is none. The caller frees
 *  it. */
char *output_read(const char *path);

#endif
