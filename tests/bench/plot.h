/*
 * plot - how near the limit ours comes, by the size of the answer, by the size
 * of the upload, and by the number of threads.
 */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

/* Print lines `answer|upload|threads X share low high`, each measured for so
 * many seconds. */
void bench_plot(double seconds);

#endif
