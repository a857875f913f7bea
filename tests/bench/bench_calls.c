/*
 * bench_calls - ten thousand calls in flight on one thread, in the time that
 * thread runs for each. The limit is itself with sixteen.
 */
#include "rows.h"

#include "host.h"

#define FEW 16
#define MANY 10000

/* Descriptors that are not a call's. */
#define OTHERS 64

/* Each of the many has its turn in a block. */
#define BLOCK MANY

static struct upstream upstream;
static struct host *few;
static struct host *many;

static void *open_hosts(void)
{
    size_t most = host_raise_descriptors() - OTHERS - FEW;

    upstream_start(&upstream, AF_UNIX, RESPONDER_EVENTS, 100);
    few = host_open(&upstream, FEW);
    many = host_open(&upstream, most < MANY ? most : MANY);
    return NULL;
}

static void run_many(void *context, size_t n)
{
    (void)context;
    host_run(many, n);
}

static void run_few(void *context, size_t n)
{
    (void)context;
    host_run(few, n);
}

static void close_hosts(void *context)
{
    (void)context;
    host_close(many);
    host_close(few);
    upstream_stop(&upstream);
}

const struct bench_row bench_calls_rows[] = {
    {.name = "calls-10000",
     .open = open_hosts,
     .ours = run_many,
     .limit = run_few,
     .close = close_hosts,
     .processor_time = true,
     .block = BLOCK},
    {.name = NULL},
};
