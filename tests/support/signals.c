/*
 * signals - the signals of every test program. It is linked with all of them,
 * and runs before main().
 *
 * SIGPIPE has its default action, whatever started the program, and must still
 * have it at the end, so that code that raises it ends the test program.
 *
 * With FCGI_TEST_TICKS in the environment a signal comes every millisecond, to
 * a handler without SA_RESTART, so that it interrupts all system calls that
 * wait. For a single test there is ticks.h.
 */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS 1000000

static void die(const char *what)
{
    perror(what);
    abort();
}

static void set_handler(int signal_number, void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = handler;
    if (sigaction(signal_number, &action, NULL) != 0) {
        die("tests: sigaction");
    }
}

static void check_sigpipe(void)
{
    struct sigaction action;
    (void)sigaction(SIGPIPE, NULL, &action);
    if (action.sa_handler != SIG_DFL) {
        (void)fputs("tests: SIGPIPE is not at its default\n", stderr);
        _exit(EXIT_FAILURE);
    }
}

#if defined(_POSIX_TIMERS) && _POSIX_TIMERS > 0
static void do_nothing(int signal_number)
{
    (void)signal_number;
}

/* A child of fork() has no such timer, and neither has a program it runs. */
static void begin_ticks(void)
{
    struct sigevent event;
    struct itimerspec each = {{0, TICK_NS}, {0, TICK_NS}};
    timer_t timer;
    memset(&event, 0, sizeof(event));
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGRTMIN;
    set_handler(SIGRTMIN, do_nothing);
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
        timer_settime(timer, 0, &each, NULL) != 0) {
        die("tests: timer_create");
    }
}
#else
static void begin_ticks(void)
{
    (void)fputs("tests: there are no timers here\n", stderr);
    exit(77);
}
#endif

__attribute__((constructor)) static void begin(void)
{
    set_handler(SIGPIPE, SIG_DFL);
    if (atexit(check_sigpipe) != 0) {
        die("tests: atexit");
    }
    if (getenv("FCGI_TEST_TICKS") != NULL) {
        begin_ticks();
    }
}
