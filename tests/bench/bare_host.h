/*
 * bare_host - what many_calls.h does, without the library: the same bytes on as
 * many sockets. It tells what of the cost is the kernel's.
 */
#ifndef BENCH_BARE_HOST_H
#define BENCH_BARE_HOST_H

#include <stddef.h>

#include "upstream.h"

struct bare_host;

struct bare_host *bare_host_open(const struct upstream *upstream, size_t count);
void bare_host_run(struct bare_host *host, size_t n);
void bare_host_close(struct bare_host *host);

#endif
