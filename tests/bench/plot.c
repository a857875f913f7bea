/*
 * plot - how near the limit ours comes: see plot.h.
 */
#include "plot.h"

#include <stdio.h>

#include "ask_threads.h"
#include "asker.h"
#include "harness.h"
#include "sample.h"

#define SMALL_ANSWER 100
#define CROWD_BLOCK 1000

static const size_t sizes[] = {
    0,         1 << 10, 4 << 10, 16 << 10, 64 << 10,
    256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20,
};

static void print_share(const char *what, size_t x, struct bench_ratio ratio)
{
    printf("%s %zu %.4f %.4f %.4f\n", what, x, 1 / ratio.ratio, 1 / ratio.high,
           1 / ratio.low);
    fflush(stdout);
}

static void plot_size(const char *what, size_t size, struct asker *asker,
                      double seconds)
{
    struct bench_row row = {.ours = asker_ours, .limit = asker_limit};

    print_share(what, size, bench_compare(&row, asker, seconds));
    asker_close(asker);
}

static void plot_threads(size_t count, double seconds)
{
    struct bench_row row = {
        .ours = crowd_ours, .limit = crowd_limit, .block = CROWD_BLOCK};
    struct crowd *crowd = crowd_open(count);

    print_share("threads", count, bench_compare(&row, crowd, seconds));
    crowd_close(crowd);
}

void bench_plot(double seconds)
{
    bench_pin();
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct fcgi_request empty = sample_request(NULL, 0);
        struct fcgi_request full =
            sample_request(bench_memory(sizes[i]), sizes[i]);
        plot_size("answer", sizes[i], asker_open(AF_UNIX, sizes[i], &empty),
                  seconds);
        plot_size("upload", sizes[i], asker_open(AF_UNIX, SMALL_ANSWER, &full),
                  seconds);
    }
    bench_unpin();
    for (size_t count = 1; count <= CROWD_MOST; count *= 2) {
        plot_threads(count, seconds);
    }
}
