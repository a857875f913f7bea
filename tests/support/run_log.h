/*
 * run_log - how often requests ran, as the application itself counted them: the
 * file that runs.php writes.
 */
#ifndef TESTS_RUN_LOG_H
#define TESTS_RUN_LOG_H

#include <stddef.h>

struct run_log;

struct run_log *run_log_new(void);
void run_log_free(struct run_log *log);

/** The query that makes runs.php write the log, and take that long. */
const char *run_log_query(struct run_log *log, int ms);

/** How many requests began; and how many of them began more than once. */
size_t run_log_begun(const struct run_log *log);
size_t run_log_repeated(const struct run_log *log);

#endif
