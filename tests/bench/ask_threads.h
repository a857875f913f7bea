/*
 * ask_threads - threads that ask at the same time: all of them one client, or
 * for the limit each on a socket of its own.
 */
#ifndef BENCH_ASK_THREADS_H
#define BENCH_ASK_THREADS_H

#include <stddef.h>

struct crowd;

#define CROWD_MOST 16

/* So many threads, at most CROWD_MOST. */
struct crowd *crowd_open(size_t threads);

/* All together ask `n` times; each is an operation of a row. */
void crowd_ours(void *crowd, size_t n);
void crowd_limit(void *crowd, size_t n);

void crowd_close(void *crowd);

#endif
