/*
 * front - one of the example gateways, run beside a test in front of an
 * application. Start and stop it from the main thread.
 */
#ifndef TESTS_FRONT_H
#define TESTS_FRONT_H

#include <stdbool.h>
#include <stddef.h>

struct front;

/**
 * Start one at a free port, and wait until it listens.
 *
 * @param program   its name, without a folder
 * @param upstream  the application's address
 * @param root      DOCUMENT_ROOT
 * @param options   further arguments, ended by NULL; or NULL
 * @return NULL if this build has no such program
 */
struct front *front_start(const char *program, const char *upstream,
                          const char *root, const char *const *options);

/**
 * Start fcgi-gateway under strace, which writes its system calls to a file, one
 * a line, without the data they pass.
 *
 * @param calls  names of system calls, separated by commas; a question mark in
 *               front of one that not all systems have
 * @param file   complete after front_stop()
 * @return NULL if there is no strace, if it may not trace, or if this build has
 *         no fcgi-gateway
 */
struct front *front_trace(const char *calls, const char *file,
                          const char *upstream, const char *root,
                          const char *const *options);

/** Have it shut down in order; returns whether it did. NULL is fine. */
bool front_stop(struct front *front);

/** Where it listens. */
const char *front_address(const struct front *front);

/** Tell it to end, and do not wait. */
void front_tell(struct front *front);

/** All that it has printed; the caller frees it. */
char *front_output(const struct front *front);

/** How often a text occurs in what it has printed. */
size_t front_has_said(const struct front *front, const char *text);

/** Wait until it has printed that; false: the time is up. */
bool front_await(const struct front *front, const char *text);

/** Its resident size in KiB, now and at its largest, and how many descriptors
 *  it has open. */
size_t front_resident(const struct front *front);
size_t front_peak(const struct front *front);
size_t front_descriptors(const struct front *front);

/** Wait until it has at most that many open; false: the time is up. */
bool front_await_descriptors(const struct front *front, size_t count);

#endif
