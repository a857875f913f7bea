/*
 * many_calls - a program with an event loop that has very many calls in flight,
 * all on one thread: as soon as one has ended it begins another.
 */
#ifndef BENCH_MANY_CALLS_H
#define BENCH_MANY_CALLS_H

#include <stddef.h>

#include "upstream.h"

struct host;

/* Have `calls` in flight. */
struct host *host_open(const struct upstream *upstream, size_t calls);

/* Go on until `n` more have ended. */
void host_run(struct host *host, size_t n);

void host_close(struct host *host);

/* Raise the limit on descriptors as far as can be, and tell it. */
size_t host_raise_descriptors(void);

#endif
