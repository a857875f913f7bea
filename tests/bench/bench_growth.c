/*
 * bench_growth - what more variables and more bytes cost: ours at the last of
 * three sizes, against the straight line through the first two.
 */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "asker.h"
#include "sample.h"

#define POINTS 3
#define ROUNDS_LEAST 5
#define ROUNDS_MOST 4000
#define SMALL_ANSWER 100
#define TRIES 5

/* So long is one block, in nanoseconds. */
#define BLOCK_NS 3e5

struct point {
    struct asker *asker;
    double size;
    size_t block; /* so many requests at a time */
};

/* ---- Requests of any size ------------------------------------------------ */

static struct asker *ask_with_variables(size_t count)
{
    struct fcgi_param *params = calloc(count, sizeof(*params));
    char(*names)[16] = calloc(count, sizeof(*names));
    struct fcgi_request request = {.params = params, .param_count = count};

    bench_check(params != NULL && names != NULL, "there is no memory");
    for (size_t i = 0; i < count; i++) {
        int len = snprintf(names[i], sizeof(names[i]), "VARIABLE_%05zu", i);
        params[i] = (struct fcgi_param){names[i], "a value as they come",
                                        (size_t)len, 20};
    }
    return asker_open(AF_UNIX, SMALL_ANSWER, &request);
}

static struct asker *ask_for_answer(size_t len)
{
    struct fcgi_request request = sample_request(NULL, 0);
    return asker_open(AF_UNIX, len, &request);
}

static struct asker *ask_with_body(size_t len)
{
    struct fcgi_request request = sample_request(bench_memory(len), len);
    return asker_open(AF_UNIX, SMALL_ANSWER, &request);
}

/* ---- The line ------------------------------------------------------------ */

static double time_requests(const struct point *point)
{
    int64_t start = bench_now();

    asker_ours(point->asker, point->block);
    return (double)(bench_now() - start) / (double)point->block;
}

/* Of some requests, the one that nothing got in the way of. */
static double least_time(const struct point *point)
{
    double least = time_requests(point);

    for (size_t i = 1; i < TRIES; i++) {
        double took = time_requests(point);
        least = took < least ? took : least;
    }
    return least;
}

static void open_points(struct point points[POINTS],
                        struct asker *(*open)(size_t size),
                        const size_t sizes[POINTS])
{
    bench_pin();
    for (size_t i = 0; i < POINTS; i++) {
        points[i] = (struct point){open(sizes[i]), (double)sizes[i], 1};
        double took = least_time(&points[i]);
        points[i].block = took < BLOCK_NS ? (size_t)(BLOCK_NS / took) : 1;
    }
}

/* What the line through the first two says of the last. */
static double foresee(const struct point points[POINTS],
                      const double medians[POINTS])
{
    double slope =
        (medians[1] - medians[0]) / (points[1].size - points[0].size);

    return medians[0] + slope * (points[2].size - points[0].size);
}

static struct bench_ratio follow(struct asker *(*open)(size_t size),
                                 const size_t sizes[POINTS], double seconds)
{
    static double times[POINTS][ROUNDS_MOST];
    double medians[POINTS];
    struct point points[POINTS];
    size_t n = 0;

    open_points(points, open, sizes);
    int64_t end = bench_now() + (int64_t)(seconds * 1e9);
    for (; n < ROUNDS_MOST && (n < ROUNDS_LEAST || bench_now() < end); n++) {
        for (size_t i = 0; i < POINTS; i++) {
            times[i][n] = time_requests(&points[i]);
        }
    }
    for (size_t i = 0; i < POINTS; i++) {
        asker_close(points[i].asker);
        bench_sort(times[i], n);
        medians[i] = bench_quantile(times[i], n, 0.5);
    }
    const double *last = times[POINTS - 1];
    double line = foresee(points, medians);
    return (struct bench_ratio){medians[POINTS - 1],
                                line,
                                medians[POINTS - 1] / line,
                                bench_quantile(last, n, 0.25) / line,
                                bench_quantile(last, n, 0.75) / line,
                                n};
}

static struct bench_ratio more_variables(const struct bench_row *row,
                                         double seconds)
{
    (void)row;
    return follow(ask_with_variables, (size_t[]){18, 500, 2000}, seconds);
}

#define MIB ((size_t)1 << 20)

static struct bench_ratio longer_answer(const struct bench_row *row,
                                        double seconds)
{
    (void)row;
    return follow(ask_for_answer, (size_t[]){0, 16 * MIB, 64 * MIB}, seconds);
}

static struct bench_ratio longer_body(const struct bench_row *row,
                                      double seconds)
{
    (void)row;
    return follow(ask_with_body, (size_t[]){0, 16 * MIB, 64 * MIB}, seconds);
}

const struct bench_row bench_growth_rows[] = {
    {.name = "variables-2000", .measure = more_variables},
    {.name = "answer-64m", .measure = longer_answer},
    {.name = "body-64m", .measure = longer_body},
    {.name = NULL},
};
