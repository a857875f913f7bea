/*
 * temp - a temporary folder for the sockets and files of a test.
 *
 * temp_free() removes it with its contents; so does the exit of the process
 * that made it, so that a failed test leaves nothing behind.
 */
#ifndef TESTS_TEMP_H
#define TESTS_TEMP_H

#include <stddef.h>

struct temp;

/** Make an empty folder: under TMPDIR if that leaves room for the path of a
 * Unix socket, else under /tmp. Aborts if that fails. */
struct temp *temp_new(void);

/** Remove the folder and whatever is in it. NULL is fine. */
void temp_free(struct temp *temp);

/** The path of a file in the folder, which need not exist; for "" that of the
 *  folder. The caller frees it. */
char *temp_path(const struct temp *temp, const char *name);

/** A descriptor of a new file without a name that holds `len` bytes, at its
 *  start, for reading and writing. */
int temp_file(const void *data, size_t len);

#endif
