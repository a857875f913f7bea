/*
 * watchdog - ends a test program that sleeps where it must not: see
 * watchdog.h.
 *
 * A thread looks again and again whether the watched thread is still at the
 * same function, has used no processor time since, and is asleep: on a busy
 * machine it may only have had no processor. It counts these looks, not the
 * time, which a test may make jump.
 */
#define _POSIX_C_SOURCE 200809L

#include "watchdog.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "process.h"

#define SHORT_MS 250
#define LOOK_MS 20

/* A thread that used less than this was asleep. */
#define AWAKE_US 2000

/* What is watched, or NULL; how long it may sleep; and how often it changed. */
static _Atomic(const char *) watched;
static atomic_int limit_ms;
static atomic_size_t turns;

/* How much processor time the watched thread has used. */
static clockid_t used_clock;

/* exit(), not abort(), so that temporary folders are removed. */
static void die(const char *what)
{
    (void)fprintf(stderr, "tests: %s sleeps\n", what);
    exit(EXIT_FAILURE);
}

static int64_t used_us(void)
{
    struct timespec used;
    if (clock_gettime(used_clock, &used) != 0) {
        die("the watchdog");
    }
    return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

static void *look(void *unused)
{
    size_t turn = 0;
    int slept_ms = 0;
    int64_t used = 0;
    (void)unused;
    for (;;) {
        pass_ms(LOOK_MS);
        const char *what = atomic_load(&watched);
        if (what == NULL || atomic_load(&turns) != turn ||
            used_us() - used > AWAKE_US) {
            turn = atomic_load(&turns);
            slept_ms = 0;
            used = used_us();
            continue;
        }
        slept_ms += main_is_asleep() ? LOOK_MS : 0;
        if (slept_ms >= atomic_load(&limit_ms)) {
            die(what);
        }
    }
    return NULL;
}

/* A thread that no signal of the test interrupts, and that ends with the
 * program. */
static void begin_to_look(void)
{
    sigset_t all;
    sigset_t before;
    pthread_t thread;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_getcpuclockid(pthread_self(), &used_clock) != 0) {
        die("the watchdog");
    }
    if (pthread_create(&thread, NULL, look, NULL) != 0) {
        die("the watchdog");
    }
    (void)pthread_detach(thread);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void watchdog_watch_for(const char *what, int limit)
{
    static bool looks;
    if (!looks) {
        looks = true;
        begin_to_look();
    }
    (void)atomic_fetch_add(&turns, 1);
    atomic_store(&limit_ms, limit);
    atomic_store(&watched, what);
}

void watchdog_watch(const char *what)
{
    watchdog_watch_for(what, SHORT_MS);
}

void watchdog_rest(void)
{
    atomic_store(&watched, NULL);
}
