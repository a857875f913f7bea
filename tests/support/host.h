/*
 * host - a small program with an event loop: it drives pollable calls by
 * poll(), and checks at each step what <fcgi_client/call.h> promises:
 *
 *     descriptor, events and time fit together
 *     the descriptor that the host knows stays open, and stays the same, until
 *     the call was advanced once more after the host was told another
 *     no function sleeps
 *
 *     struct fcgi_call *call = host_begin(client, &request, &response);
 *     assert_code(host_run(call), FCGI_OK);
 *     host_free(call);
 *
 * A broken promise fails the test; a function that sleeps ends the program.
 */
#ifndef TESTS_HOST_H
#define TESTS_HOST_H

#include <poll.h>
#include <stddef.h>
#include <sys/stat.h>

#include <fcgi_client.h>

#include "ask.h"
#include "fake.h"

/** fcgi_call_start(). */
int host_start(struct fcgi_call **call, struct fcgi_client *client,
               const struct fcgi_request *request,
               struct fcgi_response *response);

/** The same; fails the test unless it succeeds. */
struct fcgi_call *host_begin(struct fcgi_client *client,
                             const struct fcgi_request *request,
                             struct fcgi_response *response);

/** fcgi_call_advance(), and a check of what the call tells the host then. */
int host_advance(struct fcgi_call *call);

/** fcgi_call_resume(), likewise. */
int host_resume(struct fcgi_call *call);

/** poll() that goes on after a signal, for the rest of its time. */
int host_poll(struct pollfd *fds, nfds_t count, int timeout_ms);

/** Wait as the call says, at most that long; -1: no limit. Fails the test if
 * the call would wait for ever. */
void host_await(struct fcgi_call *call, int limit_ms);

/** Wait as the call says, and advance it. */
int host_wait(struct fcgi_call *call);

/** Advance it until it has to wait for something. */
int host_settle(struct fcgi_call *call);

/** Advance it and wait until it has ended; returns its code. */
int host_run(struct fcgi_call *call);

/** The same beside the test, in a thread or a child of fork(), where the call
 *  is not held to any rule. */
int host_run_beside(struct fcgi_call *call);

/** host_run(), resuming it all the time: for sinks and sources that pause. */
int host_run_resuming(struct fcgi_call *call);

/** host_run() until the application has counted that; fails the test if the
 * call ends before. */
void host_run_until(struct fcgi_call *call, struct fake *app,
                    enum fake_event event, size_t times);

/** fcgi_call_cancel() and fcgi_call_free(). */
void host_cancel(struct fcgi_call *call);
void host_free(struct fcgi_call *call);

/** Do what fcgi_client_do() does, by a pollable call. */
int host_do(struct fcgi_client *client, const struct fcgi_request *request,
            struct fcgi_response *response);

/** Ask by a pollable call, expect a code (and this body), and return the
 *  outcome: as ask_expecting() and ask_expecting_body(). */
#define host_expecting(client, request, want)                                  \
    ask_and_check(host_do, (client), (request), (want), NULL, __FILE__,        \
                  __LINE__)
#define host_expecting_body(client, request, body)                             \
    ask_and_check(host_do, (client), (request), FCGI_OK, (body), __FILE__,     \
                  __LINE__)

/** A descriptor, and what it refers to; descriptor -1: none. */
struct host_watch {
    int fd;
    struct stat stat;
};

/** The descriptor that the call tells: from now on the host knows it. */
struct host_watch host_watch(struct fcgi_call *call);

/** Whether it is still open and refers to the same. */
bool host_watch_holds(const struct host_watch *watch);

/** Whether it is ready for these events (enum fcgi_event). */
bool host_ready(int fd, unsigned events);

#endif
