/*
 * watchdog - ends a test program in which something sleeps that must not: for
 * functions which do what can be done without waiting.
 *
 *     watchdog_watch("fcgi_call_advance()");
 *     rc = fcgi_call_advance(call);
 *     watchdog_rest();
 *
 * Sleep alone counts, not the time that something takes on a busy machine. For
 * one thread, the main one.
 */
#ifndef TESTS_WATCHDOG_H
#define TESTS_WATCHDOG_H

/** From here on the caller must not sleep for longer than a quarter of a
 *  second; if it does, this name is told, and the program ends. */
void watchdog_watch(const char *what);

/** The same with another limit, in milliseconds: for what may sleep, but has to
 *  end. The name must stay as it is until the next one is told. */
void watchdog_watch_for(const char *what, int limit);

/** It may again. */
void watchdog_rest(void);

#endif
