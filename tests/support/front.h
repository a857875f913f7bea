/*
 * front - one of the gateways among the examples, run beside a test, in
 * front of an application. Start and stop it from the main thread.
 */
#ifndef TESTS_FRONT_H
#define TESTS_FRONT_H

#include <stdbool.h>
#include <stddef.h>

struct front;

/**
 * Start one at a free port, and wait until it listens.
 *
 * @param program   its name; it is one that this build made
 * @param upstream  the application's address
 * @param root      DOCUMENT_ROOT
 * @param options   more of its command line; NULL ends; or NULL
 * @return NULL if this build did not make it
 */
struct front *front_start(const char *program, const char *upstream,
                          const char *root, const char *const *options);

/**
 * Start fcgi-gateway under strace, which writes to a file what system calls it
 * makes, a line each, without what they hand over.
 *
 * @param calls  their names, with commas in between; a question mark ahead of
 *               one that not all systems have
 * @param file   is whole after front_stop()
 * @return NULL if there is no strace, if it may not trace, or if this build did
 *         not make fcgi-gateway
 */
struct front *front_trace(const char *calls, const char *file,
                          const char *upstream, const char *root,
                          const char *const *options);

/** End it, in its own time; whether it did. NULL is fine. */
bool front_stop(struct front *front);

/** Where it listens. */
const char *front_address(const struct front *front);

/** Tell it to end. */
void front_tell(struct front *front);

/** All that it has printed; the caller's to free. */
char *front_output(const struct front *front);

/** How often a text stands in what it has printed. */
size_t front_has_said(const struct front *front, const char *text);

/** Wait until it has printed that; false: it did not. */
bool front_await(const struct front *front, const char *text);

/** Its resident size in KiB, now and at its largest, and how many descriptors
 *  it has open. */
size_t front_resident(const struct front *front);
size_t front_peak(const struct front *front);
size_t front_descriptors(const struct front *front);

/** Wait until it has no more than so many open; false: it did not come to
 *  that. */
bool front_await_descriptors(const struct front *front, size_t count);

#endif
