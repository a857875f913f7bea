/*
 * loop_host - an event loop over poll() for an fcgi_loop, which writes down
 * what it was told. It may hear of changes alone, as epoll does with EPOLLET:
 * then it passes readiness on only once until there is none.
 *
 *     struct loop_host *host = loop_host_open(state, address, config, false);
 *     fcgi_loop_start(host->loop, &request, &response, loop_host_done, slot);
 *     loop_host_run(host);
 */
#ifndef TESTS_LOOP_HOST_H
#define TESTS_LOOP_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client/loop.h>

/** Descriptors that it can watch. */
#define LOOP_HOST_FDS 1024

struct loop_host {
    struct fcgi_loop *loop;
    unsigned watched[LOOP_HOST_FDS]; /**< events, by descriptor */
    int epoll;                       /**< -1: it is over poll() */
    size_t changes;                  /**< calls of `watch` */
    size_t fails_after;              /**< so many of them succeed; 0: all do */
    int timer_ms;  /**< what it was last asked for; -1: nothing */
    size_t timers; /**< how often */
};

/** The end of a request; zeroed before. */
struct loop_host_end {
    size_t count; /**< how often its `done` was called */
    int error;
};

/** A `done`; the request's context is a struct loop_host_end. */
void loop_host_done(void *context, int error);

/** Make a loop, which is freed with the test. Fails the test if it cannot, and
 *  skips it if there is no epoll. */
struct loop_host *loop_host_open(void **state, const char *address,
                                 const struct fcgi_client_config *config,
                                 bool edge_triggered);

/** Wait for events, no longer than the loop or `most_ms` (-1: any time) want,
 *  and pass them on. */
void loop_host_turn(struct loop_host *host, int most_ms);

/** Turn until no request is under way. */
void loop_host_run(struct loop_host *host);

/** How many descriptors it watches. */
size_t loop_host_watched(const struct loop_host *host);

#endif
