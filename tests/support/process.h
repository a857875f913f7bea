/*
 * process - what a test asks about its own process: how many descriptors are
 * open, how many threads run, what time it is.
 */
#ifndef TESTS_PROCESS_H
#define TESTS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** How many descriptors this process has open: the same before and after
 *  shows that none leaked. */
size_t open_descriptors(void);

/** How many threads this process runs. One that was joined may be counted a
 *  moment longer: await_threads() waits until there are so many, and tells
 *  whether that came to be. */
size_t running_threads(void);
bool await_threads(size_t count);

/** How many threads, the caller's own left out, may run a handler of this
 *  signal: those that do not block it. */
size_t threads_open_to(int signal_number);

/** How much a socket holds of what is sent, as the system counts it; and how
 *  much one would that was asked to hold `len`. */
int send_buffer(int fd);
int send_buffer_for(int len);

/** read() that no signal ends. */
ssize_t read_on(int fd, void *buf, size_t len);

/** Wait for a child to end; returns its status, as waitpid() tells it. */
int await_exit(pid_t child);

/** Whether the main thread sleeps in the kernel, rather than runs or waits for
 *  a processor; and to wait until it does, for something that the caller is
 *  about to give it. */
bool main_is_asleep(void);
void await_main_asleep(void);

/** End this child of fork(), which has found all to be well: by SIGKILL, since
 * a checker of leaks would find the stacks of the parent's threads. What a
 * build that counts which lines are reached has counted is kept. */
void child_ends_well(void);

/** How many requests a test of many makes: FCGI_TEST_REQUESTS, else the
 *  standard. */
size_t requests_wanted(size_t standard);

/** Milliseconds of a clock that only moves on. */
int64_t now_ms(void);

/** Let this thread, and those it starts, run on one processor only, so that
 *  they do not run at the same time; or again on all, where this process may.
 *  Nothing happens where a system has no such choice. */
void share_one_processor(bool on);

/** Let so much time go by: for tests of what happens at a time. */
void pass_ms(int64_t duration);

/**
 * Whether `since`, from now_ms(), is at least `least` milliseconds ago, and
 * not absurdly more: the machine may be busy, so that an upper bound only
 * tells a limit that is kept from one that is not.
 */
bool elapsed(int64_t since, int64_t least);

#endif
