/*
 * bench_calls - ten thousand calls in flight on one thread, in the time that
 * thread runs for each. The limit is itself with sixteen; what bare sockets
 * take for as many says how much of the difference is the kernel's.
 */
#include "rows.h"

#include "bare_host.h"
#include "many_calls.h"

#define FEW 16
#define MANY 10000

/* Descriptors that are not a call's. */
#define OTHERS 64

/* Each of the many has its turn in a block. */
#define BLOCK MANY

static struct upstream upstream;
static struct host *few;
static struct host *many;
static struct bare_host *bare_few;
static struct bare_host *bare_many;

/* How many there can be. */
static size_t start_upstream(void)
{
    size_t most = host_raise_descriptors() - OTHERS - FEW;

    upstream_start(&upstream, AF_UNIX, RESPONDER_EVENTS, 100);
    return most < MANY ? most : MANY;
}

static void *open_hosts(void)
{
    size_t most = start_upstream();

    few = host_open(&upstream, FEW);
    many = host_open(&upstream, most);
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

static void *open_bare(void)
{
    size_t most = start_upstream();

    bare_few = bare_host_open(&upstream, FEW);
    bare_many = bare_host_open(&upstream, most);
    return NULL;
}

static void run_bare_many(void *context, size_t n)
{
    (void)context;
    bare_host_run(bare_many, n);
}

static void run_bare_few(void *context, size_t n)
{
    (void)context;
    bare_host_run(bare_few, n);
}

static void close_bare(void *context)
{
    (void)context;
    bare_host_close(bare_many);
    bare_host_close(bare_few);
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
    {.name = "sockets-10000",
     .open = open_bare,
     .ours = run_bare_many,
     .limit = run_bare_few,
     .close = close_bare,
     .processor_time = true,
     .block = BLOCK},
    {.name = NULL},
};
