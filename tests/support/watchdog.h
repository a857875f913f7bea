/*
 * watchdog - ends the test program if a function sleeps that must not: for
 * functions that only do what can be done without waiting.
 *
 *     watchdog_watch("fcgi_call_advance()");
 *     rc = fcgi_call_advance(call);
 *     watchdog_rest();
 *
 * Only sleep counts, not the time that something takes on a busy machine. For
 * the main thread alone.
 */
#ifndef TESTS_WATCHDOG_H
#define TESTS_WATCHDOG_H

/** From here on the caller must not sleep longer than a quarter of a second; if
 *  it does, this name is printed and the program ends. */
void watchdog_watch(const char *what);

/** The same with a limit in milliseconds: for what may sleep, but must end. The
 *  name is borrowed until the next call. */
void watchdog_watch_for(const char *what, int limit);

/** From here on it may sleep again. */
void watchdog_rest(void);

#endif
