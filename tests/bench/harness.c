/*
 * harness - blocks by turns, and the median of their ratios: see harness.h.
 */
#define _GNU_SOURCE

#include "harness.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCK_NS 500000
#define TRIES 5
#define PAIRS_LEAST 9
#define PAIRS_MOST 4000
#define PAGE 4096

void bench_fail(const char *what)
{
    fprintf(stderr, "bench: %s (%s)\n", what, strerror(errno));
    exit(1);
}

static int64_t read_clock(clockid_t id)
{
    struct timespec time;

    clock_gettime(id, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t bench_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t bench_processor_time(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

/* What the process was allowed when it began. */
static cpu_set_t allowed;

static void remember_allowed(void)
{
    if (CPU_COUNT(&allowed) == 0) {
        bench_check(sched_getaffinity(0, sizeof(allowed), &allowed) == 0,
                    "which processors may be used is not known");
    }
}

void bench_pin(void)
{
    cpu_set_t first;
    size_t cpu = 0;

    remember_allowed();
    while (!CPU_ISSET(cpu, &allowed)) {
        cpu++;
    }
    CPU_ZERO(&first);
    CPU_SET(cpu, &first);
    bench_check(sched_setaffinity(0, sizeof(first), &first) == 0,
                "the process cannot be pinned");
}

void bench_unpin(void)
{
    remember_allowed();
    bench_check(sched_setaffinity(0, sizeof(allowed), &allowed) == 0,
                "the process cannot be let go");
}

void *bench_memory(size_t len)
{
    size_t whole = (len + 2 * PAGE - 1) / PAGE * PAGE;
    char *pages = aligned_alloc(PAGE, whole);

    bench_check(pages != NULL, "there is no memory");
    memset(pages, 'x', whole);
    return pages + 64;
}

static struct fcgi_allocator current_allocator;

struct fcgi_allocator bench_allocator(void)
{
    return current_allocator;
}

void bench_use_allocator(struct fcgi_allocator allocator)
{
    current_allocator = allocator;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

void bench_sort(double *numbers, size_t count)
{
    qsort(numbers, count, sizeof(*numbers), compare_doubles);
}

double bench_quantile(const double *sorted, size_t count, double part)
{
    return sorted[(size_t)(part * (double)(count - 1) + 0.5)];
}

/* How long a block takes, in nanoseconds. */
static double time_block(const struct bench_row *row, void *context, bool ours,
                         size_t n)
{
    int64_t (*clock)(void) =
        row->processor_time ? bench_processor_time : bench_now;
    int64_t start = clock();

    (ours ? row->ours : row->limit)(context, n);
    return (double)(clock() - start);
}

/* How long a pair of blocks takes where nothing gets in between: the least of
 * some. Warms up both sides on the way. */
static double least_of_pairs(const struct bench_row *row, void *context,
                             size_t n)
{
    double least = 0;

    for (size_t i = 0; i < TRIES; i++) {
        double took = time_block(row, context, true, n) +
                      time_block(row, context, false, n);
        least = i == 0 || took < least ? took : least;
    }
    return least;
}

/* How many operations make a block. */
static size_t fit_block(const struct bench_row *row, void *context)
{
    size_t n = 1;

    if (row->block != 0) {
        (void)time_block(row, context, true, row->block);
        (void)time_block(row, context, false, row->block);
        return row->block;
    }
    while (least_of_pairs(row, context, n) < BLOCK_NS) {
        n *= 2;
    }
    return n;
}

struct bench_ratio bench_summarize(double *ours, double *limit, double *ratios,
                                   size_t pairs)
{
    bench_sort(ours, pairs);
    bench_sort(limit, pairs);
    bench_sort(ratios, pairs);
    return (struct bench_ratio){
        .ours = bench_quantile(ours, pairs, 0.5),
        .limit = bench_quantile(limit, pairs, 0.5),
        .ratio = bench_quantile(ratios, pairs, 0.5),
        .low = bench_quantile(ratios, pairs, 0.25),
        .high = bench_quantile(ratios, pairs, 0.75),
        .pairs = pairs,
    };
}

struct bench_ratio bench_compare(const struct bench_row *row, void *context,
                                 double seconds)
{
    static double ours[PAIRS_MOST], limit[PAIRS_MOST], ratios[PAIRS_MOST];
    size_t n = fit_block(row, context);
    int64_t end = bench_now() + (int64_t)(seconds * 1e9);
    size_t pairs = 0;

    while (pairs < PAIRS_MOST && (pairs < PAIRS_LEAST || bench_now() < end)) {
        bool first = pairs % 2 == 0;
        double a = time_block(row, context, first, n);
        double b = time_block(row, context, !first, n);
        ours[pairs] = (first ? a : b) / (double)n;
        limit[pairs] = (first ? b : a) / (double)n;
        ratios[pairs] = ours[pairs] / limit[pairs];
        pairs++;
    }
    return bench_summarize(ours, limit, ratios, pairs);
}
