/*
 * upstream - the application as one worker sees it: a client, and the
 * descriptors of its connections in the event loop.
 *
 * A connection stays registered, edge-triggered, from one request to the next:
 * a request on a warm connection costs no call of epoll_ctl(). Its events go to
 * the owner of the call that uses it.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_UPSTREAM_H
#define EXAMPLES_FCGI_GATEWAY_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>
#include <fcgi_client.h>

/** A descriptor in the event loop. */
struct watch;

struct upstream {
    struct event_base *base;
    struct fcgi_client *client;
    struct event *evicting;     /* of idle connections: a timer */
    struct fcgi_wakeup *wakeup; /* of calls that wait for a connection */
    struct event *waking;
    struct watch **watches; /* by descriptor */
    size_t watch_count;
    int reused; /* descriptor of the connection last taken from the pool; -1 */
    void (*ready)(void *owner);
};

/** A call, and what is watched for it. */
struct upstream_call {
    struct fcgi_call *call; /**< NULL: none */
    struct watch *watch;
};

/** @param ready  called with the owner of a call that can go on */
int upstream_open(struct upstream *upstream, struct event_base *base,
                  const char *address, const struct fcgi_client_config *config,
                  void (*ready)(void *owner));

/** No call may be under way. */
void upstream_close(struct upstream *upstream);

/** Start a call for that owner. Returns what fcgi_call_start() does. */
int upstream_start_call(struct upstream *upstream, struct upstream_call *call,
                        struct fcgi_request *request,
                        struct fcgi_response *response, void *owner);

/** Watch what the call waits for now. FCGI_OK or FCGI_ERR_NO_MEMORY. */
int upstream_watch_call(struct upstream *upstream, struct upstream_call *call);

/** Free the call, which may be under way. */
void upstream_end_call(struct upstream *upstream, struct upstream_call *call);

/** A descriptor now belongs to something else: the event loop must not take it
 *  for the connection that had this number before. */
void upstream_unregister(struct upstream *upstream, int fd);

#endif
