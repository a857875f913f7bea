/*
 * bench_latency - how long a whole small request takes, not in the middle alone
 * but for the unlucky ones. Ours and the limit's by turns, one at a time.
 */
#include "rows.h"

#include <stdlib.h>

#include "asker.h"
#include "sample.h"

#define SMALL_ANSWER 100
#define REQUESTS_A_SECOND 20000 /* of which each is ours and the limit's */

struct samples {
    double *ours;
    double *limit;
    size_t count;
};

static double time_one(void (*ask)(void *asker, size_t n), void *asker)
{
    int64_t start = bench_now();

    ask(asker, 1);
    return (double)(bench_now() - start);
}

/* What was taken once serves all rows. */
static const struct samples *take_samples(double seconds)
{
    static struct samples samples;
    struct fcgi_request request = sample_request(NULL, 0);

    if (samples.count > 0) {
        return &samples;
    }
    samples.count = (size_t)(seconds * REQUESTS_A_SECOND);
    samples.ours = calloc(samples.count, sizeof(double));
    samples.limit = calloc(samples.count, sizeof(double));
    bench_check(samples.ours != NULL && samples.limit != NULL,
                "there is no memory");
    bench_pin();
    struct asker *asker = asker_open(AF_UNIX, SMALL_ANSWER, &request);
    for (size_t i = 0; i < samples.count; i++) {
        samples.ours[i] = time_one(asker_ours, asker);
        samples.limit[i] = time_one(asker_limit, asker);
    }
    asker_close(asker);
    bench_sort(samples.ours, samples.count);
    bench_sort(samples.limit, samples.count);
    return &samples;
}

static struct bench_ratio part(double seconds, double which)
{
    const struct samples *samples = take_samples(seconds);
    double ours = bench_quantile(samples->ours, samples->count, which);
    double limit = bench_quantile(samples->limit, samples->count, which);
    double ratio = ours / limit;

    return (struct bench_ratio){ours,  limit, ratio,
                                ratio, ratio, samples->count};
}

static struct bench_ratio half(const struct bench_row *row, double seconds)
{
    (void)row;
    return part(seconds, 0.5);
}

static struct bench_ratio most(const struct bench_row *row, double seconds)
{
    (void)row;
    return part(seconds, 0.99);
}

static struct bench_ratio nearly_all(const struct bench_row *row,
                                     double seconds)
{
    (void)row;
    return part(seconds, 0.999);
}

const struct bench_row bench_latency_rows[] = {
    {.name = "latency-p50", .measure = half},
    {.name = "latency-p99", .measure = most},
    {.name = "latency-p99.9", .measure = nearly_all},
    {.name = NULL},
};
