/*
 * run_log - how often requests ran, as the application itself has counted: the
 * file that runs.php writes.
 */
#ifndef TESTS_RUN_LOG_H
#define TESTS_RUN_LOG_H

#include <stddef.h>

struct run_log;

struct run_log *run_log_new(void);
void run_log_free(struct run_log *log);

/** The query that has runs.php write it, and take so long. */
const char *run_log_query(struct run_log *log, int ms);

/** How many requests have begun; and how many of these began more than once. */
size_t run_log_begun(const struct run_log *log);
size_t run_log_repeated(const struct run_log *log);

#endif
