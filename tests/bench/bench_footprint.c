/*
 * bench_footprint - the memory that the library takes: of an idle connection,
 * of a call in flight beside its buffers, of the stack, and whether it stays as
 * it is. All in bytes.
 */
#define _GNU_SOURCE

#include "rows.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "allocator.h"
#include "asker.h"
#include "many_calls.h"
#include "sample.h"

#define SMALL_ANSWER 100

static struct bench_ratio bytes(double count)
{
    return (struct bench_ratio){.ours = count};
}

/* ---- An idle connection -------------------------------------------------- */

#define KEPT 32

static struct bench_ratio idle_connection(const struct bench_row *row,
                                          double seconds)
{
    struct counting_allocator memory = {0};
    struct fcgi_pool_config config = {.allocator = counting_allocator(&memory)};
    struct fcgi_connection *connections[KEPT];
    struct fcgi_pool *pool = NULL;
    struct upstream upstream;

    (void)row;
    (void)seconds;
    upstream_start(&upstream, AF_UNIX, RESPONDER_THREADS, 0);
    bench_check(fcgi_pool_new(&pool, upstream.address, &config) == FCGI_OK,
                "no pool");
    size_t before = memory.bytes;
    for (size_t i = 0; i < KEPT; i++) {
        bench_check(fcgi_pool_get(pool, &connections[i], NULL) == FCGI_OK,
                    "no connection");
    }
    for (size_t i = 0; i < KEPT; i++) {
        fcgi_pool_put(pool, connections[i]);
    }
    size_t after = memory.bytes;
    fcgi_pool_free(pool);
    upstream_stop(&upstream);
    return bytes((double)(after - before) / KEPT);
}

/* ---- A call -------------------------------------------------------------- */

/* What is smaller than any buffer for sending or receiving. */
#define SMALL 4096
#define CALLS 64

/* An allocator that counts the small blocks alone. */
static size_t small_bytes;

static size_t small_size(void *pointer)
{
    size_t size = pointer == NULL ? 0 : malloc_usable_size(pointer);
    return size < SMALL ? size : 0;
}

static void *allocate(void *context, size_t size)
{
    void *pointer = malloc(size);

    (void)context;
    small_bytes += small_size(pointer);
    return pointer;
}

static void release(void *context, void *pointer)
{
    (void)context;
    small_bytes -= small_size(pointer);
    free(pointer);
}

static void *resize(void *context, void *pointer, size_t size)
{
    (void)context;
    small_bytes -= small_size(pointer);
    pointer = realloc(pointer, size);
    small_bytes += small_size(pointer);
    return pointer;
}

/* The idle connection's share is in it. */
static struct bench_ratio call_in_flight(const struct bench_row *row,
                                         double seconds)
{
    struct upstream upstream;

    (void)row;
    (void)seconds;
    bench_pin();
    upstream_start(&upstream, AF_UNIX, RESPONDER_EVENTS, SMALL_ANSWER);
    bench_use_allocator(
        (struct fcgi_allocator){allocate, resize, release, NULL});
    struct host *host = host_open(&upstream, CALLS);
    size_t taken = small_bytes;
    host_close(host);
    bench_use_allocator((struct fcgi_allocator){0});
    upstream_stop(&upstream);
    return bytes((double)taken / CALLS);
}

/* ---- The stack ----------------------------------------------------------- */

#define STACK ((size_t)256 << 10)
#define PAINT 0xa5

/* The lowest byte that is not paint. */
static const char *lowest_used(const char *stack)
{
    while ((unsigned char)*stack == PAINT) {
        stack++;
    }
    return stack;
}

/* Returns where its own frame is. */
static void *ask_twice(void *asker)
{
    asker_ours(asker, 2);
    return __builtin_frame_address(0);
}

static struct bench_ratio stack_of_call(const struct bench_row *row,
                                        double seconds)
{
    struct fcgi_request request = sample_request(NULL, 0);
    struct asker *asker = asker_open(AF_UNIX, SMALL_ANSWER, &request);
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_attr_t attributes;
    pthread_t thread;
    void *top = NULL;

    (void)row;
    (void)seconds;
    bench_check(stack != MAP_FAILED, "there is no memory");
    memset(stack, PAINT, STACK);
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack, STACK);
    bench_check(pthread_create(&thread, &attributes, ask_twice, asker) == 0,
                "no thread");
    pthread_join(thread, &top);
    double used = (double)((char *)top - lowest_used(stack));
    pthread_attr_destroy(&attributes);
    munmap(stack, STACK);
    asker_close(asker);
    return bytes(used);
}

/* ---- What is resident -----------------------------------------------------
 */

#define REQUESTS_FULL 10000000
#define REQUESTS_QUICK 100000

static size_t resident(void)
{
    size_t whole = 0;
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    bench_check(file != NULL && fscanf(file, "%zu %zu", &whole, &pages) == 2,
                "what is resident is not known");
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static struct bench_ratio resident_growth(const struct bench_row *row,
                                          double seconds)
{
    struct fcgi_request request = sample_request(NULL, 0);

    (void)row;
    bench_pin();
    struct asker *asker = asker_open(AF_UNIX, SMALL_ANSWER, &request);
    asker_ours(asker, 1000);
    size_t before = resident();
    asker_ours(asker, seconds < 2 ? REQUESTS_QUICK : REQUESTS_FULL);
    size_t after = resident();
    asker_close(asker);
    return bytes((double)after - (double)before);
}

const struct bench_row bench_footprint_rows[] = {
    {.name = "idle-connection", .measure = idle_connection},
    {.name = "call-in-flight", .measure = call_in_flight},
    {.name = "stack", .measure = stack_of_call},
    {.name = "resident-growth", .measure = resident_growth},
    {.name = NULL},
};
