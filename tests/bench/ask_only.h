/*
 * ask_only - a program that does nothing but ask, for comparison with others
 * that do.
 */
#ifndef BENCH_ASK_ONLY_H
#define BENCH_ASK_ONLY_H

#include <stdbool.h>
#include <stddef.h>

/* Ask `n` times, on a connection for each if `dial`. Returns an exit status. */
int ask_run(const char *address, size_t n, bool dial);

#endif
