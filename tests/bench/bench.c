/*
 * bench - the program that is measured, and that measures:
 *
 *     bench list                        the names of what can be counted
 *     bench time [--quick] [NAME...]    NAME ours limit ratio low high pairs
 *     bench count NAME M N              do ours M times to warm up and N times,
 *                                       and say how many allocations the N took
 *     bench plot [--quick]              the points of the plot
 *     bench machine                     what it runs on
 *     bench respond threads|events N [PATH]
 *                                       be the application that is asked, and
 *                                       answer with N bytes of body
 *     bench ask ADDRESS N keep|dial     ask N times, on one connection or on
 *                                       one for each
 *     bench variables                   what is asked, as NAME=VALUE
 *
 * What counts instructions runs `count` with N and with twice as many: the
 * difference is that of N operations, whatever starting took. What counts
 * system calls looks between two calls of getppid().
 */
#define _GNU_SOURCE

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "allocator.h"
#include "ask_only.h"
#include "plot.h"
#include "responder.h"
#include "rows.h"
#include "sample.h"

#define SECONDS 8.0
#define SECONDS_QUICK 1.0

static const struct bench_row *const groups[] = {
    bench_request_rows,   bench_bodies_rows,  bench_threads_rows,
    bench_calls_rows,     bench_pool_rows,    bench_params_rows,
    bench_header_rows,    bench_head_rows,    bench_growth_rows,
    bench_footprint_rows, bench_latency_rows,
};

/* ---- Rows --------------------------------------------------------------- */

static bool chosen(const struct bench_row *row, char **names)
{
    bool any = names[0] != NULL;

    for (; *names != NULL; names++) {
        if (strcmp(*names, row->name) == 0) {
            return true;
        }
    }
    return !any;
}

/* Call for each row that is named, or for all. */
static void for_each(char **names,
                     void (*visit)(const struct bench_row *row, void *context),
                     void *context)
{
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        for (const struct bench_row *row = groups[i]; row->name; row++) {
            if (chosen(row, names)) {
                visit(row, context);
            }
        }
    }
}

static void *open_row(const struct bench_row *row)
{
    if (row->any_processor) {
        bench_unpin();
    } else {
        bench_pin();
    }
    return row->open == NULL ? NULL : row->open();
}

static void close_row(const struct bench_row *row, void *context)
{
    if (row->close != NULL) {
        row->close(context);
    }
}

/* ---- What it is told to do ---------------------------------------------- */

static void list_row(const struct bench_row *row, void *context)
{
    (void)context;
    if (row->measure == NULL && !row->processor_time && !row->any_processor) {
        puts(row->name);
    }
}

static struct bench_ratio measure_row(const struct bench_row *row,
                                      double seconds)
{
    void *context = open_row(row);
    struct bench_ratio ratio = row->measure == NULL
                                   ? bench_compare(row, context, seconds)
                                   : row->measure(row, seconds);

    close_row(row, context);
    return ratio;
}

static void time_row(const struct bench_row *row, void *seconds)
{
    struct bench_ratio r = measure_row(row, *(double *)seconds);

    if (r.pairs == 0) {
        printf("%s %.1f - - - - 0\n", row->name, r.ours);
    } else {
        printf("%s %.1f %.1f %.3f %.3f %.3f %zu\n", row->name, r.ours, r.limit,
               r.ratio, r.low, r.high, r.pairs);
    }
    fflush(stdout);
}

/* For a thread of the library's to have started and to sleep. */
#define SETTLE_MS 20

static void count_row(const struct bench_row *row, void *times)
{
    struct counting_allocator memory = {0};
    const size_t *n = times; /* to warm up, to count */

    bench_use_allocator(counting_allocator(&memory));
    void *context = open_row(row);
    row->ours(context, n[0]);
    poll(NULL, 0, SETTLE_MS);
    size_t before = memory.calls;
    (void)getppid(); /* a mark for who looks at the system calls, */
    row->ours(context, n[1]);
    (void)getppid(); /* and another */
    printf("%zu\n", memory.calls - before);
    close_row(row, context);
}

/* How far past a page the library receives. */
static size_t library_offset(void)
{
    struct fcgi_request request = sample_request(NULL, 0);
    struct fcgi_response response = {0};
    struct fcgi_exchange *x = NULL;
    struct fcgi_memory room[2] = {{NULL, 0, 0}};

    bench_check(fcgi_exchange_new(&x, NULL) == FCGI_OK &&
                    fcgi_exchange_begin(x, &request, &response, 1, 0) ==
                        FCGI_OK &&
                    fcgi_exchange_input(x, room, 2) > 0,
                "no exchange");
    size_t offset = (size_t)room[0].data % 4096;
    fcgi_exchange_free(x);
    fcgi_response_free(&response);
    return offset;
}

static void tell_machine(void)
{
    struct utsname name;
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");

    uname(&name);
    printf("kernel %s %s %s\n", name.sysname, name.release, name.machine);
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "model name", 10) == 0) {
            printf("processor%s", strchr(line, ':') + 1);
            break;
        }
    }
    printf("buffers %zu bytes past a page, the library's %zu\n",
           (size_t)bench_memory(1) % 4096, library_offset());
}

static void tell_variables(void)
{
    for (size_t i = 0; i < SAMPLE_PARAMS; i++) {
        printf("%s=%s\n", sample_params[i].name, sample_params[i].value);
    }
}

static size_t number(const char *text)
{
    return (size_t)strtoull(text, NULL, 10);
}

static int usage(void)
{
    fputs("usage: bench list | time [--quick] [NAME...] | count NAME M N |"
          " plot [--quick] | machine | respond threads|events N [PATH] |"
          " ask ADDRESS N keep|dial | variables\n",
          stderr);
    return 64;
}

int main(int argc, char **argv)
{
    const char *what = argc < 2 ? "" : argv[1];

    if (strcmp(what, "respond") == 0 && argc >= 4) {
        if (argc > 4) {
            responder_listen(argv[4]);
        }
        return responder_run(strcmp(argv[2], "events") == 0 ? RESPONDER_EVENTS
                                                            : RESPONDER_THREADS,
                             number(argv[3]));
    } else if (strcmp(what, "list") == 0) {
        for_each(argv + 2, list_row, NULL);
    } else if (strcmp(what, "time") == 0) {
        bool quick = argc > 2 && strcmp(argv[2], "--quick") == 0;
        double seconds = quick ? SECONDS_QUICK : SECONDS;
        for_each(argv + 2 + quick, time_row, &seconds);
    } else if (strcmp(what, "count") == 0 && argc == 5) {
        size_t times[2] = {number(argv[3]), number(argv[4])};
        argv[3] = NULL;
        for_each(argv + 2, count_row, times);
    } else if (strcmp(what, "plot") == 0) {
        bench_plot(argc > 2 ? SECONDS_QUICK / 2 : SECONDS / 4);
    } else if (strcmp(what, "ask") == 0 && argc == 5) {
        return ask_run(argv[2], number(argv[3]), strcmp(argv[4], "dial") == 0);
    } else if (strcmp(what, "variables") == 0) {
        tell_variables();
    } else if (strcmp(what, "machine") == 0) {
        tell_machine();
    } else {
        return usage();
    }
    return 0;
}
