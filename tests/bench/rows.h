/*
 * rows - what is measured: a file bench_*.c for each group, which ends with a
 * row without a name.
 */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include "harness.h"

extern const struct bench_row bench_request_rows[];
extern const struct bench_row bench_bodies_rows[];
extern const struct bench_row bench_threads_rows[];
extern const struct bench_row bench_calls_rows[];
extern const struct bench_row bench_pool_rows[];
extern const struct bench_row bench_params_rows[];
extern const struct bench_row bench_header_rows[];
extern const struct bench_row bench_head_rows[];
extern const struct bench_row bench_latency_rows[];
extern const struct bench_row bench_growth_rows[];
extern const struct bench_row bench_footprint_rows[];

#endif
