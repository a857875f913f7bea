/*
 * wakeup - one descriptor by which an event loop hears that calls which waited
 * for a connection have their turn. A call that waits costs no descriptor.
 *
 *     fcgi_wakeup_new(&wakeup, client);
 *     ... watch fcgi_wakeup_fd(wakeup) for reading, once for all
 *     request.wakeup = wakeup;             of each call of this loop
 *
 *     ... and when it is readable:
 *     while ((call = fcgi_wakeup_next(wakeup)) != NULL) {
 *         ... fcgi_call_advance(call), as for any other event; whose call
 *             it is, fcgi_call_context() tells
 *     }
 *
 * A call with such a wake-up tells no descriptor of its own while it waits for
 * its turn. Calls without share one of the client's, which they tell by
 * fcgi_call_fd(): it stays readable until each call whose turn has come was
 * advanced, so that a host which polls one call needs nothing of this. With
 * several loops on one client give each its own, or one is woken for another.
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
 * Make a wake-up for the calls of one client that one event loop drives.
 *
 * @param wakeup  set to it, to be freed by the caller; NULL on failure
 * @param client  must outlive it
 * @return FCGI_OK, FCGI_ERR_ARGUMENT, FCGI_ERR_NO_MEMORY or FCGI_ERR_SYSTEM
 *         (errno tells)
 */
FCGI_API int fcgi_wakeup_new(struct fcgi_wakeup **wakeup,
                             struct fcgi_client *client);

/** The descriptor to watch for reading; it is readable while a call has its
 *  turn and was neither told by fcgi_wakeup_next() nor advanced. -1: NULL, or
 *  this is the child of a fork(), which makes a wake-up of its own. */
FCGI_API int fcgi_wakeup_fd(const struct fcgi_wakeup *wakeup);

/**
 * The next call that waited and has its turn, or whose client was closed:
 * fcgi_call_advance() is due. Each is told once, in the order of their turns.
 *
 * @return NULL: no other has; NULL is fine
 */
FCGI_API struct fcgi_call *fcgi_wakeup_next(struct fcgi_wakeup *wakeup);

/** Free a wake-up, whose calls have been freed. NULL is fine. */
FCGI_API void fcgi_wakeup_free(struct fcgi_wakeup *wakeup);

#ifdef __cplusplus
}
#endif

#endif
