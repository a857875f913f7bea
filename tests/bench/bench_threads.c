/*
 * bench_threads - a thread for each processor, all on one client. The limit is
 * as many loops on sockets of their own.
 */
#define _GNU_SOURCE

#include "rows.h"

#include <unistd.h>

#include "ask_threads.h"

/* So many requests take some ten milliseconds, beside which starting the
 * threads is nothing. */
#define BLOCK 1000

static void *open_threads(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (processors < 2) {
        processors = 2;
    }
    return crowd_open(processors > CROWD_MOST ? CROWD_MOST
                                              : (size_t)processors);
}

const struct bench_row bench_threads_rows[] = {
    {.name = "threads",
     .open = open_threads,
     .ours = crowd_ours,
     .limit = crowd_limit,
     .close = crowd_close,
     .any_processor = true,
     .block = BLOCK},
    {.name = NULL},
};
