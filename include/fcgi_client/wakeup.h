/*
 * wakeup - one descriptor that tells an event loop which of the calls that wait
 * for a connection can go on. A waiting call needs no descriptor of its own.
 *
 *     fcgi_wakeup_new(&wakeup, client);
 *     ... watch fcgi_wakeup_fd(wakeup) for reading, once for all
 *     request.wakeup = wakeup;             for each call of this loop
 *
 *     ... and when it is readable:
 *     while ((call = fcgi_wakeup_next(wakeup)) != NULL) {
 *         ... fcgi_call_advance(call), as for any other event;
 *             fcgi_call_context() tells whose call it is
 *     }
 *
 * A call that was given a wake-up has no descriptor while it waits for a
 * connection. Calls without one share the client's, which fcgi_call_fd()
 * returns: that stays readable until each call whose turn has come was
 * advanced, so a host that polls a single call needs nothing of this. If
 * several loops use one client, give each its own, or one loop is woken for
 * another.
 *
 * Threads: one at a time for each wake-up.
 */
#ifndef FCGI_CLIENT_WAKEUP_H
#define FCGI_CLIENT_WAKEUP_H

#include <fcgi_client/call.h>
#include <fcgi_client/client.h>
#include <fcgi_client/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fcgi_wakeup;

/**
 * Make a wake-up for those calls of a client that one event loop drives.
 *
 * @param wakeup  set to the wake-up, which the caller frees; NULL on failure
 * @param client  must outlive the wake-up; not NULL
 * @return FCGI_OK, FCGI_ERR_ARGUMENT, FCGI_ERR_NO_MEMORY or FCGI_ERR_SYSTEM
 *         (errno tells)
 */
FCGI_API int fcgi_wakeup_new(struct fcgi_wakeup **wakeup,
                             struct fcgi_client *client);

/** The descriptor to watch for reading, which stays the wake-up's. It is
 *  readable while there is a call whose turn has come and which was neither
 *  returned by fcgi_wakeup_next() nor advanced. -1: NULL, or this is the child
 *  of a fork(), which must make a wake-up of its own. */
FCGI_API int fcgi_wakeup_fd(const struct fcgi_wakeup *wakeup);

/**
 * Take the next call whose turn has come, or whose client was closed. Run
 * fcgi_call_advance() on it. Each is returned once, in the order of their
 * turns.
 *
 * @param wakeup  NULL is allowed
 * @return the call, which stays its owner's; NULL: there is no other
 */
FCGI_API struct fcgi_call *fcgi_wakeup_next(struct fcgi_wakeup *wakeup);

/** Free a wake-up. All calls that were given it have been freed. NULL is
 *  allowed. */
FCGI_API void fcgi_wakeup_free(struct fcgi_wakeup *wakeup);

#ifdef __cplusplus
}
#endif

#endif
