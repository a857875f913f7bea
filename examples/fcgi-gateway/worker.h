/*
 * worker - a thread, its event loop, and what its connections share.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_WORKER_H
#define EXAMPLES_FCGI_GATEWAY_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>
#include <fcgi_client.h>
#include <fcgi_client/loop_libevent.h>

#include "memory.h"
#include "options.h"

struct connection;
struct transaction;

struct worker {
    const struct options *options;
    int number; /* among all workers, from 0 */
    struct event_base *base;
    struct evconnlistener *listener;
    struct event *stopper;
    struct event *pause;                /* ends a pause of accepting: a timer */
    struct fcgi_loop_libevent upstream; /**< the application */
    struct fcgi_cgi *cgi;
    struct fcgi_cgi_site site;
    int64_t now;                    /**< milliseconds, when the event began */
    bool stopping;                  /**< no more requests begin */
    struct connection *connections; /**< a list of all */
    struct memory memory;           /**< of its transactions */
    struct transaction *cached;     /**< a list, for the next requests */
    int cached_count;
    time_t date_time;
    char date[48];
};

/**
 * @param options  must outlive the worker
 * @param number   which of all the workers it is, from 0
 * @param fd       the listening socket, which becomes the worker's
 * @param stop     the reading end of a pipe: the worker stops when the other
 *                 end is closed
 * @return FCGI_OK, or an error code: the program must end then
 */
int worker_open(struct worker *worker, const struct options *options,
                int number, int fd, int stop);

/** Serve until told to stop, and until the requests under way have ended. */
void worker_run(struct worker *worker);

void worker_close(struct worker *worker);

/** Read the clock: at the beginning of each event. */
void worker_update_clock(struct worker *worker);

/** The Date field, with its line end. */
const char *worker_date(struct worker *worker);

#endif
