/*
 * temp - a folder of its own for a test, for sockets and files.
 *
 * It is removed with its contents by temp_free(), and at the latest when the
 * process that made it exits, so that a failed test leaves nothing behind.
 */
#ifndef TESTS_TEMP_H
#define TESTS_TEMP_H

#include <stddef.h>

struct temp;

/** Make an empty folder, under TMPDIR if that leaves room for the path of a
 *  Unix socket, else under /tmp. Failing aborts. */
struct temp *temp_new(void);

/** Remove the folder and whatever is in it. NULL is fine. */
void temp_free(struct temp *temp);

/** The path of a file in the folder, which need not exist; the folder's own
 *  for "". The string is the caller's to free. */
char *temp_path(const struct temp *temp, const char *name);

/** An open descriptor, for reading and writing from its start, of a new file
 *  without a name that holds `len` bytes. */
int temp_file(const void *data, size_t len);

#endif
