/*
 * ticks - a signal every millisecond: see ticks.h.
 */
#define _POSIX_C_SOURCE 200809L
/* setitimer() belongs to the X/Open part of POSIX. */
#define _XOPEN_SOURCE 700

#include "ticks.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define TICK_US 1000

static volatile sig_atomic_t ticks;
static bool begun;

static void count_tick(int signal_number)
{
    (void)signal_number;
    ticks = ticks + 1;
}

static void handle_with(void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = handler;
    if (sigaction(SIGALRM, &action, NULL) != 0) {
        perror("tests: sigaction");
        abort();
    }
}

static void repeat_every(int microseconds)
{
    struct itimerval timer = {{0, microseconds}, {0, microseconds}};
    if (setitimer(ITIMER_REAL, &timer, NULL) != 0) {
        perror("tests: setitimer");
        abort();
    }
}

void ticks_begin(void)
{
    ticks = 0;
    begun = true;
    handle_with(count_tick);
    repeat_every(TICK_US);
}

size_t ticks_end(void)
{
    if (!begun) {
        return 0;
    }
    begun = false;
    repeat_every(0);
    /* One may still be on its way. */
    handle_with(SIG_IGN);
    return (size_t)ticks;
}
