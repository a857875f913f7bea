/*
 * harness - how a time is taken on a machine that is never quiet: ours and its
 * limit by turns, block by block, in one process, pinned to one processor. What
 * counts is the median of the ratios of neighbouring blocks, since whatever
 * slows one down slows the other down as well.
 *
 *     | ours | limit | limit | ours | ours | limit | ...
 *     '-- a pair ----'-- a pair ----'
 */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client/response.h>

/* Nanoseconds one operation takes, and the ratio ours to limit. What is no
 * time, or has no limit, is in `ours` alone. */
struct bench_ratio {
    double ours;
    double limit;
    double ratio; /* the median of the pairs' */
    double low;   /* the quartiles */
    double high;
    size_t pairs; /* 0: ours alone */
};

/* What is measured against what. */
struct bench_row {
    const char *name;
    void *(*open)(void);                    /* NULL: no context is needed */
    void (*ours)(void *context, size_t n);  /* do it `n` times */
    void (*limit)(void *context, size_t n); /* likewise */
    void (*close)(void *context);
    bool processor_time; /* of this thread, in place of the time that passed */
    bool any_processor;  /* not pinned to one */
    size_t block;        /* how many times in a block; 0: what half a
                            millisecond takes of both */
    /* In place of all that: a row of its own kind. */
    struct bench_ratio (*measure)(const struct bench_row *row, double seconds);
};

/* Compare for about `seconds`, warm-up apart. */
struct bench_ratio bench_compare(const struct bench_row *row, void *context,
                                 double seconds);

/* The medians of what was measured pair by pair, all of which is sorted. */
struct bench_ratio bench_summarize(double *ours, double *limit, double *ratios,
                                   size_t pairs);

/* The value below which the given part of sorted numbers lies. */
double bench_quantile(const double *sorted, size_t count, double part);

void bench_sort(double *numbers, size_t count);

int64_t bench_now(void);            /* nanoseconds that passed */
int64_t bench_processor_time(void); /* nanoseconds this thread has run */

/* Run this process, and what it starts, on its first processor alone. */
void bench_pin(void);

/* Run on any processor it was allowed at first. */
void bench_unpin(void);

/* Memory that stays until the end, touched, and 64 bytes past a page: where
 * the library puts its large buffers too. */
void *bench_memory(size_t len);

/* Where the library's memory comes from: all zero at first, which is malloc(),
 * or what was set to see how it is used. */
struct fcgi_allocator bench_allocator(void);
void bench_use_allocator(struct fcgi_allocator allocator);

/* End with a sentence, and with what errno means. */
void bench_fail(const char *what);

/* The same unless a condition holds; as it does, this takes next to no time. */
#define bench_check(condition, what) ((condition) ? (void)0 : bench_fail(what))

/* The compiler knows nothing of memory across this. */
static inline void bench_barrier(void)
{
    __asm__ volatile("" ::: "memory");
}

#endif
