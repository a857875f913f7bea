/*
 * ticks - a signal every millisecond, with a handler without SA_RESTART, so
 * that system calls of the test's thread fail with EINTR all the time.
 */
#ifndef TESTS_TICKS_H
#define TESTS_TICKS_H

#include <stddef.h>

void ticks_begin(void);

/** Stop, and ignore the signal. Returns how many were handled; 0 if none had
 *  been begun. */
size_t ticks_end(void);

#endif
