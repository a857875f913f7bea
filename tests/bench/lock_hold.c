/*
 * lock_hold - a program by itself, which tells for how long the pool's lock is
 * held while a connection is taken and given back. It is linked so that every
 * lock and unlock of a mutex passes by here.
 *
 *     lock                      unlock
 *       |-- time is read           |-- time is read
 *             '------- held -------'
 */
#define _GNU_SOURCE

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fcgi_client.h>

#include "harness.h"

#define ROUNDS 200000
#define HOLDS (2 * ROUNDS) /* one for taking, one for giving back */

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);

static _Thread_local bool watched; /* the thread that takes and gives */
static uint64_t locked;
static double holds[HOLDS];
static size_t hold_count;

/* Of what the processor counts at an even pace, once all before is done and
 * nothing after has begun. */
static uint64_t ticks(void)
{
#if defined(__x86_64__)
    __builtin_ia32_lfence();
    uint64_t now = __builtin_ia32_rdtsc();
    __builtin_ia32_lfence();
    return now;
#else
    return (uint64_t)bench_now();
#endif
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    int rc = __real_pthread_mutex_lock(mutex);

    if (watched) {
        locked = ticks();
    }
    return rc;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    if (watched && hold_count < HOLDS) {
        holds[hold_count++] = (double)(ticks() - locked);
    }
    return __real_pthread_mutex_unlock(mutex);
}

static int dial(void *context, int *fd)
{
    int *other = context;
    int pair[2];

    bench_check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "no sockets");
    *fd = pair[0];
    *other = pair[1];
    return FCGI_OK;
}

/* The mean of all but the longest, in which something else ran: the pace of
 * the ticks may be too coarse for a median. */
static double usual(double *ticks_taken, size_t count)
{
    size_t kept = count - count / 100;
    double sum = 0;

    bench_sort(ticks_taken, count);
    for (size_t i = 0; i < kept; i++) {
        sum += ticks_taken[i];
    }
    return sum / (double)kept;
}

/* Ticks between two readings with nothing in between. */
static double empty_hold(void)
{
    static double empty[ROUNDS];

    for (size_t i = 0; i < ROUNDS; i++) {
        uint64_t start = ticks();
        empty[i] = (double)(ticks() - start);
    }
    return usual(empty, ROUNDS);
}

static double ticks_in_a_nanosecond(void)
{
    int64_t start = bench_now();
    uint64_t first = ticks();

    while (bench_now() - start < 50000000) {
    }
    return (double)(ticks() - first) / (double)(bench_now() - start);
}

static void take_and_give(struct fcgi_pool *pool)
{
    struct fcgi_connection *connection;

    for (size_t i = 0; i < ROUNDS; i++) {
        bench_check(fcgi_pool_get(pool, &connection, NULL) == FCGI_OK,
                    "no connection");
        fcgi_pool_put(pool, connection);
    }
}

int main(void)
{
    int other = -1;
    struct fcgi_pool_config config = {.dial = dial, .dial_context = &other};
    struct fcgi_pool *pool = NULL;

    bench_pin();
    bench_check(fcgi_pool_new(&pool, "unix:/none", &config) == FCGI_OK,
                "no pool");
    take_and_give(pool);
    watched = true;
    take_and_give(pool);
    watched = false;
    fcgi_pool_free(pool);
    close(other);
    bench_check(hold_count > 0, "nothing was locked");
    double hold = usual(holds, hold_count) - empty_hold();
    printf("pool-lock %.1f - - - - 0\n", hold / ticks_in_a_nanosecond());
    return 0;
}
