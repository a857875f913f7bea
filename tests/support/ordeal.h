/*
 * ordeal - something that a program does with the library, done again and
 * again, each time with another call of libc's failing in another way, until
 * all have failed in all ways there are (faults.h).
 *
 *     static int ask(struct stage *stage)
 *     {
 *         return fcgi_client_do(stage->client, &stage->request,
 *                               &stage->response);
 *     }
 *     static const struct ordeal ordeals[] = {{.name = "a_request", .act =
 * ask}}; int main(void) { return ordeals_run(ordeals, 1); }
 *
 * After each fault: what was returned is an error that this fault explains, or
 * none, as nobody may notice one that is harmless; the outcome tells its errno;
 * the client is usable, and answers with what was asked; no connection is lost,
 * no memory, no descriptor. What hangs ends the program.
 */
#ifndef TESTS_ORDEAL_H
#define TESTS_ORDEAL_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client.h>

#include "allocator.h"
#include "fake.h"
#include "faults.h"

/** What one run is made of; all of it is freed afterwards. */
struct stage {
    struct counting_allocator memory;
    struct fcgi_allocator allocator; /**< over that, and it fails */
    struct fcgi_client_config config;
    struct fake *app;
    struct fcgi_client *client;
    struct fcgi_request request; /**< a GET, at first */
    struct fcgi_response response;
    int fds[2];  /**< the ordeal's own; -1: closed */
    void *bytes; /**< likewise */
    bool closed; /**< the ordeal has closed the client */
};

struct ordeal {
    const char *name; /**< a sentence, as of a test */
    /** Done before anything fails; NULL: nothing. */
    void (*prepare)(struct stage *stage);
    /** What may fail at each call; how it ended. */
    int (*act)(struct stage *stage);
    /** Done after that; NULL: nothing. */
    void (*settle)(struct stage *stage);
    /** How it ends without a fault. */
    int want;
    /** A request is retried, unless the clock jumps: the connection then ends
     *  too late to be stale. */
    bool retries;
    /** The application; `steps` NULL: FAKE_SERVE. */
    enum fake_family family;
    const struct fake_step *steps;
    size_t step_count;
    /** Of the client, which is made before anything fails, unless `act` makes
     *  it. */
    struct fcgi_client_config config;
    bool makes_client;
    /** Its pool has a thread. */
    bool evicts;
    /** It is the library's threads that fail, not the one that acts. */
    bool of_threads;
};

/** The application of an ordeal: an array of steps. */
#define ORDEAL_SCRIPT(array)                                                   \
    .steps = (array), .step_count = sizeof(array) / sizeof((array)[0])

/** Run them all as tests, and print what was counted. Returns what main()
 *  returns. */
int ordeals_run(const struct ordeal *ordeals, size_t count);

#endif
