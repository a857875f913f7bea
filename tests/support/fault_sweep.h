/*
 * fault_sweep - run one scenario many times, with a different libc call failing
 * each time, until every call it makes has failed in every way (faults.h).
 *
 *     static int ask(struct stage *stage)
 *     {
 *         return fcgi_client_do(stage->client, &stage->request,
 *                               &stage->response);
 *     }
 *     static const struct sweep sweeps[] = {{.name = "a_request", .act = ask}};
 *     int main(void) { return sweeps_run(sweeps, 1); }
 *
 * Checked after each fault: the scenario succeeded or returned an error that
 * this fault explains (a harmless fault must go unnoticed), and the outcome has
 * its errno; the client still works; no connection, memory or descriptor
 * leaked. A run that hangs ends the program.
 */
#ifndef TESTS_FAULT_SWEEP_H
#define TESTS_FAULT_SWEEP_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client.h>

#include "allocator.h"
#include "fake.h"
#include "faults.h"

/** What one run uses; all of it is freed afterwards. */
struct stage {
    struct counting_allocator memory;
    struct fcgi_allocator allocator; /**< counts in `memory`; may fail */
    struct fcgi_client_config config;
    struct fake *app;
    struct fcgi_client *client;
    struct fcgi_request request; /**< a GET unless changed */
    struct fcgi_response response;
    int fds[2];  /**< for the scenario; closed at the end; -1: none */
    void *bytes; /**< for the scenario; freed at the end */
    bool closed; /**< the scenario closed the client */
};

struct sweep {
    const char *name; /**< as a test is named */
    /** Runs before any fault; NULL: nothing. */
    void (*prepare)(struct stage *stage);
    /** Runs with a fault; returns how it ended. */
    int (*act)(struct stage *stage);
    /** Runs after `act`, without faults; NULL: nothing. */
    void (*settle)(struct stage *stage);
    /** What `act` returns without a fault. */
    int want;
    /** A request is retried, except when the clock jumps: the connection then
     *  ends too late to count as stale. */
    bool retries;
    /** The application; `steps` NULL: FAKE_SERVE. */
    enum fake_family family;
    const struct fake_step *steps;
    size_t step_count;
    /** The client's. It is made before any fault unless `act` makes it. */
    struct fcgi_client_config config;
    bool makes_client;
    /** The client's pool has a thread. */
    bool evicts;
    /** The library's threads get the faults, not the thread of `act`. */
    bool of_threads;
};

/** Sets the steps of a sweep from an array. */
#define SWEEP_SCRIPT(array)                                                    \
    .steps = (array), .step_count = sizeof(array) / sizeof((array)[0])

/** Run all as tests and print how many faults there were. Returns main()'s
 *  exit status. */
int sweeps_run(const struct sweep *sweeps, size_t count);

#endif
