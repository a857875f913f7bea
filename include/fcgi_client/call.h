/*
 * call - one request in flight, for a host with an event loop: it never
 * blocks, and tells what to wait for.
 *
 *     fcgi_call_start(&call, client, &request, &response);
 *     while (fcgi_call_advance(call) == FCGI_WAIT) {
 *         ... watch fcgi_call_fd() for fcgi_call_events(), for no longer than
 *             fcgi_call_timeout_ms()
 *     }
 *     fcgi_call_free(call);
 *
 * It is what fcgi_client_do() is a loop over: the retry, the limits and the
 * rules for using a connection again are the same. poll(), epoll (also
 * edge-triggered), libevent and libuv will all do. The one step that may block
 * is resolving a name, which numeric addresses and Unix sockets do not need,
 * and a `dial` function of the host's own.
 *
 * Back-pressure: a sink that takes less than it was offered pauses the
 * response, and a source that returns FCGI_WAIT the request, until
 * fcgi_call_resume(). Neither costs memory that grows. What such a source waits
 * for is the host's to watch: fcgi_call_source_waits() tells.
 *
 * A call that waits for its turn, where `max_open` connections are open, has
 * the client's wake-up descriptor watched, which all such calls share: a host
 * whose loop takes a descriptor only once, or with several loops, gives each
 * loop a wake-up of its own (wakeup.h).
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

/** What to watch a descriptor for. */
enum fcgi_event { FCGI_EVENT_READ = 1, FCGI_EVENT_WRITE = 2 };

struct fcgi_call;

/**
 * Begin a request.
 *
 * @param call      set to it, to be freed by the caller; NULL on failure
 * @param client    must outlive the call
 * @param request   borrowed for this call, but its sources and sink stay in
 *                  use until the call is freed
 * @param response  emptied, then filled until the call is freed
 * @return FCGI_OK  begun: fcgi_call_advance() is due at once; or, with nothing
 *                  begun and `response->outcome` telling more, an error of
 *                  fcgi_client_do()
 */
FCGI_API int fcgi_call_start(struct fcgi_call **call,
                             struct fcgi_client *client,
                             const struct fcgi_request *request,
                             struct fcgi_response *response);

/**
 * Do what can be done without waiting. May call the sources and the sink. A
 * call that has ended keeps its connection, and its place among `max_open`,
 * until it is freed.
 *
 * @return FCGI_WAIT  under way: descriptor, events and time may have changed
 *         FCGI_OK or an error of fcgi_client_do()  how the request ended; asked
 *                    again, the same
 *         FCGI_ERR_STATE  from within a source or a sink of its own
 */
FCGI_API int fcgi_call_advance(struct fcgi_call *call);

/**
 * Go on where a sink or a source has paused: the sink is offered again what it
 * did not take, the source is asked again. Harmless where nothing has paused.
 *
 * @return as fcgi_call_advance()
 */
FCGI_API int fcgi_call_resume(struct fcgi_call *call);

/**
 * The descriptor to watch, which stays the call's; -1: none, the call is
 * paused, waits for its time alone or for its wake-up, or has ended.
 *
 * While it waits for its turn, it is the client's wake-up descriptor, which all
 * such calls without a `wakeup` of their own share, and which stays open.
 *
 * It may change with each fcgi_call_advance(). The one told before stays open
 * until this function has told another and the call is advanced again, so that
 * it can be unregistered first. The last one stays until the call is freed:
 * unregister it before that, by the number that was told, for the connection
 * may go on to another call, which is told the same.
 */
FCGI_API int fcgi_call_fd(struct fcgi_call *call);

/** What to watch it for: enum fcgi_event bits; 0 where there is none. */
FCGI_API unsigned fcgi_call_events(const struct fcgi_call *call);

/** Milliseconds until fcgi_call_advance() is due whatever the descriptor does;
 *  0: at once, there is work left; -1: never. */
FCGI_API int fcgi_call_timeout_ms(const struct fcgi_call *call);

/**
 * Whether a source has nothing yet: the call waits for it beside its own
 * descriptor.
 *
 * @param descriptor  set to what the source says is to be watched for reading,
 *                    before fcgi_call_resume(); -1: it names none. Not NULL
 */
FCGI_API bool fcgi_call_source_waits(const struct fcgi_call *call,
                                     int *descriptor);

/** The `context` of the request that the call was begun with. */
FCGI_API void *fcgi_call_context(const struct fcgi_call *call);

/** End a call with FCGI_ERR_CANCELLED, also from within its sources, its sinks
 *  and the pool's `dial`; the application is told where that needs no waiting.
 *  NULL is fine, and a call that has ended stays as it is. */
FCGI_API void fcgi_call_cancel(struct fcgi_call *call);

/** Free a call, cancelling it if it has not ended: its connection goes back to
 *  the pool or is closed, and the response is the caller's alone. Not from
 *  within a source or a sink. NULL is fine. */
FCGI_API void fcgi_call_free(struct fcgi_call *call);

#ifdef __cplusplus
}
#endif

#endif
