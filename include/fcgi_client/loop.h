/*
 * loop - many requests at a time in the event loop of a host. The loop tells
 * which descriptors to watch and when to call it next, and tells how each
 * request ended.
 *
 *     fcgi_loop_new(&loop, "unix:/run/php/php-fpm.sock", NULL, &host);
 *
 *     fcgi_loop_start(loop, &request, &response, done, NULL);
 *         ... for each request; done() is called when it has ended
 *
 *     ... and in the host's event loop:
 *     fcgi_loop_ready(loop, fd, events);      a descriptor is ready
 *     fcgi_loop_expire(loop);                 fcgi_loop_timeout_ms() is over
 *
 * loop_epoll.h, loop_libevent.h and loop_libuv.h are this for those three. A
 * host that would rather have descriptors and times of each request uses
 * call.h.
 *
 * The requests share a client, and so its pool. A connection's socket is
 * watched from when it is opened until it is closed: a request over a warm
 * connection changes nothing in what the host watches, and idle connections
 * that the application closes are noticed at once. No thread is started: the
 * loop closes idle connections itself.
 *
 * Threads: one at a time for each loop and its client.
 */
#ifndef FCGI_CLIENT_LOOP_H
#define FCGI_CLIENT_LOOP_H

#include <fcgi_client/call.h>
#include <fcgi_client/client.h>
#include <fcgi_client/error.h>
#include <fcgi_client/exchange.h>
#include <fcgi_client/response.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the host does for a loop. From within, it must not call the loop but
 * for fcgi_loop_count(). */
struct fcgi_loop_host {
    /**
     * Watch a descriptor for these events from now on, in place of others.
     *
     * @param events  bits of enum fcgi_event; 0: watch it no longer, as it may
     *                be closed next
     * @param own     `*own` is the host's, and NULL when a descriptor is new.
     *                With events 0, what it stands for is no longer needed
     * @return FCGI_OK; else the request ends with what this returns
     */
    int (*watch)(void *context, int fd, unsigned events, void **own);
    /** Call fcgi_loop_expire() after that many milliseconds (-1: not), and
     *  forget what was asked for before. Called when that changes, and when
     *  fcgi_loop_count() becomes 0, or is 0 no longer. NULL: the host asks
     *  fcgi_loop_timeout_ms() whenever it waits. */
    void (*set_timer)(void *context, int milliseconds);
    void *context;
    /** The host hears of changes alone, in both directions, for as long as it
     *  watches a descriptor (epoll with EPOLLET): it is asked to watch each
     *  once. */
    bool edge_triggered;
    uint64_t reserved[4]; /**< all zero */
};

/** Told once that a request has ended: its `context`, and FCGI_OK or an error
 *  of fcgi_client_do(). The response is whole, its connection is the next
 *  request's already, and its call is gone. Requests may be started and
 *  cancelled from within, but the loop must not be freed. */
typedef void fcgi_loop_done(void *context, int error);

struct fcgi_loop;

/**
 * Make a loop, and its client.
 *
 * @param loop     set to the loop, which the caller frees; NULL on failure
 * @param address  of the application: see fcgi_client_new()
 * @param config   NULL: the defaults. The `socket_opened`, `socket_closing` and
 *                 `evict_by_host` of its pool are the loop's
 * @param host     copied; not NULL
 * @return FCGI_OK; an error of fcgi_client_new(); or what `watch` returned
 */
FCGI_API int fcgi_loop_new(struct fcgi_loop **loop, const char *address,
                           const struct fcgi_client_config *config,
                           const struct fcgi_loop_host *host);

/** The loop's client, which it frees. For its statistics, and to close it. */
FCGI_API struct fcgi_client *fcgi_loop_client(struct fcgi_loop *loop);

/**
 * Begin a request. Its sources and its sink may be called from within, `done`
 * never is.
 *
 * @param request   as for fcgi_call_start(), but its `wakeup` is the loop's
 * @param response  the caller's; filled until `done` is called
 * @param done      told of its end; not NULL
 * @param call      set to the request's call, for fcgi_loop_resume() and
 *                  fcgi_loop_cancel(); NULL is allowed
 * @return FCGI_OK; else the request was not begun, and `done` is not called: an
 *         error of fcgi_call_start(), or what `watch` returned
 */
FCGI_API int fcgi_loop_start(struct fcgi_loop *loop,
                             const struct fcgi_request *request,
                             struct fcgi_response *response,
                             fcgi_loop_done *done, struct fcgi_call **call);

/** Go on with a request whose sink or source has paused, as fcgi_call_resume()
 *  does, once the cause of the pause has gone: the sink is offered its data,
 * and the source asked, again. May call its `done`. Not from within its sources
 * or its sink. NULL is allowed. */
FCGI_API void fcgi_loop_resume(struct fcgi_loop *loop, struct fcgi_call *call);

/** End a request whose `done` was not called. It is not called any more, and
 *  the call is freed. Not from within its sources or its sink, which return an
 *  error instead. NULL is allowed. */
FCGI_API void fcgi_loop_cancel(struct fcgi_loop *loop, struct fcgi_call *call);

/** Go on with what waited for a descriptor, which is ready for `events` (bits
 *  of enum fcgi_event). Harmless for any descriptor. May call `done`. */
FCGI_API void fcgi_loop_ready(struct fcgi_loop *loop, int fd, unsigned events);

/** Do what is due: time limits, and the end of idle connections. Harmless when
 *  nothing is. May call `done`. */
FCGI_API void fcgi_loop_expire(struct fcgi_loop *loop);

/** Milliseconds until fcgi_loop_expire() is due; -1: nothing will be. */
FCGI_API int fcgi_loop_timeout_ms(const struct fcgi_loop *loop);

/** How many requests have begun and not ended. */
FCGI_API size_t fcgi_loop_count(const struct fcgi_loop *loop);

/** Cancel all requests, without a call of `done`, and free the loop and its
 *  client. NULL is allowed. */
FCGI_API void fcgi_loop_free(struct fcgi_loop *loop);

#ifdef __cplusplus
}
#endif

#endif
