/*
 * call - one request in flight, for a host with an event loop: it never blocks,
 * and tells what to wait for.
 *
 *     fcgi_call_start(&call, client, &request, &response);
 *     while (fcgi_call_advance(call) == FCGI_WAIT) {
 *         ... watch fcgi_call_fd() for fcgi_call_events(), for no longer than
 *             fcgi_call_timeout_ms()
 *     }
 *     fcgi_call_free(call);
 *
 * fcgi_client_do() is a loop over this: the retry, the limits and the rules for
 * reusing a connection are the same. poll(), epoll (also edge-triggered),
 * libevent and libuv all work. Only two steps may block: resolving a name,
 * which numeric addresses and Unix sockets do not need, and a `dial` function
 * of the host's own.
 *
 * Back-pressure: a sink that takes less than it was offered pauses the
 * response, and a source that returns FCGI_WAIT pauses the request, until
 * fcgi_call_resume(). Memory does not grow meanwhile. The host watches what
 * such a source waits for: see fcgi_call_source_waits().
 *
 * A call that waits for a connection, because `max_open` are open, tells the
 * host to watch the client's wake-up descriptor, which all such calls share. If
 * a loop takes each descriptor only once, or if there are several loops, give
 * each loop a wake-up of its own (wakeup.h).
 *
 * Threads: one at a time for each call; any number of calls for each client.
 */
#ifndef FCGI_CLIENT_CALL_H
#define FCGI_CLIENT_CALL_H

#include <fcgi_client/client.h>
#include <fcgi_client/error.h>
#include <fcgi_client/exchange.h>
#include <fcgi_client/response.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What to watch a descriptor for: readable, writable. */
enum fcgi_event { FCGI_EVENT_READ = 1, FCGI_EVENT_WRITE = 2 };

struct fcgi_call;

/**
 * Begin a request.
 *
 * @param call      set to the call, which the caller frees; NULL on failure
 * @param client    must outlive the call; not NULL
 * @param request   borrowed for this function, but its sources and sink are
 *                  used until the call is freed; not NULL
 * @param response  the caller's; emptied, then filled until the call is freed;
 *                  not NULL
 * @return FCGI_OK  begun: run fcgi_call_advance() at once
 *         other    not begun: an error of fcgi_client_do();
 *                  `response->outcome` tells more
 */
FCGI_API int fcgi_call_start(struct fcgi_call **call,
                             struct fcgi_client *client,
                             const struct fcgi_request *request,
                             struct fcgi_response *response);

/**
 * Do what can be done without waiting. May call the sources and the sink.
 *
 * A call that has ended keeps its connection, and so its place among
 * `max_open`, until it is freed.
 *
 * @return FCGI_WAIT       under way: the descriptor, the events and the time
 *                         may have changed
 *         FCGI_OK, or an error of fcgi_client_do()
 *                         how the request ended, each time it is asked; what is
 *                         left to do is fcgi_call_free()
 *         FCGI_ERR_STATE  called from within a source or a sink of this call;
 *                         nothing was done
 */
FCGI_API int fcgi_call_advance(struct fcgi_call *call);

/**
 * Go on after a sink or a source has paused: the sink is offered again what it
 * did not take, the source is asked again. Harmless if neither has.
 *
 * @return as fcgi_call_advance()
 */
FCGI_API int fcgi_call_resume(struct fcgi_call *call);

/**
 * The descriptor to watch. It stays the library's. -1: there is none, because
 * the call is paused, waits for a time or for its wake-up alone, or has ended.
 *
 * While the call waits for a connection, this is the client's wake-up
 * descriptor, which all such calls without a `wakeup` of their own share, and
 * which stays open.
 *
 * It may change with each fcgi_call_advance(). The old one stays open until
 * this function has returned the new one and the call is advanced again, so
 * that the host can unregister it first. The last one stays open until the call
 * is freed: unregister it before that, by its number, because the connection
 * may go on to another call, which then returns the same number.
 */
FCGI_API int fcgi_call_fd(struct fcgi_call *call);

/** What to watch the descriptor for: bits of enum fcgi_event; 0: there is
 *  none. */
FCGI_API unsigned fcgi_call_events(const struct fcgi_call *call);

/** Milliseconds until fcgi_call_advance() is due whatever the descriptor does.
 *  0: at once, because work is left or the call has ended; -1: never. */
FCGI_API int fcgi_call_timeout_ms(const struct fcgi_call *call);

/**
 * Whether a source has nothing yet, so that the call waits for it as well as
 * for its own descriptor.
 *
 * @param descriptor  set to the descriptor that the source names: when it is
 *                    readable, run fcgi_call_resume(); -1: it names none. Not
 *                    NULL
 */
FCGI_API bool fcgi_call_source_waits(const struct fcgi_call *call,
                                     int *descriptor);

/** The `context` of the request that the call began with. */
FCGI_API void *fcgi_call_context(const struct fcgi_call *call);

/** End a call with FCGI_ERR_CANCELLED. Allowed from within its sources, its
 *  sink and the pool's `dial`. The application is sent FCGI_ABORT_REQUEST if
 *  that is possible without waiting and `no_abort` is not set. NULL is allowed;
 *  a call that has ended stays as it is. */
FCGI_API void fcgi_call_cancel(struct fcgi_call *call);

/** Free a call, cancelling it if it has not ended. Its connection goes back to
 *  the pool or is closed; the response, its sources and its sink are the
 *  caller's again. Not from within a source or a sink. NULL is allowed. */
FCGI_API void fcgi_call_free(struct fcgi_call *call);

#ifdef __cplusplus
}
#endif

#endif
