/*
 * process - what a test asks about its own process: open descriptors, running
 * threads, the time.
 */
#ifndef TESTS_PROCESS_H
#define TESTS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** How many descriptors this process has open: as many after as before shows
 *  that none leaked. */
size_t open_descriptors(void);

/** How many threads this process runs. A thread that was joined may be counted
 * a moment longer: await_threads() waits until there are that many; false: the
 *  time is up. */
size_t running_threads(void);
bool await_threads(size_t count);

/** How many threads other than the caller's may run a handler of this signal:
 *  those that do not block it. */
size_t threads_open_to(int signal_number);

/** The size of a socket's send buffer, as the system counts it; and of one that
 *  was set to `len`. */
int send_buffer(int fd);
int send_buffer_for(int len);

/** read() that goes on after a signal. */
ssize_t read_on(int fd, void *buf, size_t len);

/** Wait for a child to end; returns its status, as waitpid() does. */
int await_exit(pid_t child);

/** Whether the main thread sleeps in the kernel, rather than runs or waits for
 * a processor; and wait until it does, since it waits for the caller. */
bool main_is_asleep(void);
void await_main_asleep(void);

/** End this child of fork(), which found nothing wrong: by SIGKILL, since a
 * leak checker would report the stacks of the parent's threads. A build that
 * measures coverage writes its counts first. */
void child_ends_well(void);

/** How many requests a test of many requests makes: FCGI_TEST_REQUESTS, or the
 *  standard. */
size_t requests_wanted(size_t standard);

/** Milliseconds of a monotonic clock. */
int64_t now_ms(void);

/** Let this thread, and those it starts, run on one processor only, so that
 * they do not run at the same time; or again on all that this process may use.
 * Does nothing where the system has no such choice. */
void share_one_processor(bool on);

/** Sleep that long: for tests of what happens at a given time. */
void pass_ms(int64_t duration);

/**
 * Whether `since`, from now_ms(), is at least `least` milliseconds ago, and not
 * seconds more. The machine may be busy, so that the upper bound only tells a
 * limit that is kept from one that is not.
 */
bool elapsed(int64_t since, int64_t least);

#endif
