/*
 * peer - the HTTP client's socket.
 *
 * Each event that it is readable allows one receive, so that no client keeps
 * the others waiting: what is left is another event, in the next turn of the
 * event loop. If nobody receives, there is no such event before another one has
 * passed.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_PEER_H
#define EXAMPLES_FCGI_GATEWAY_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <event2/event_struct.h>

#include "buffer.h"

#define PEER_HOST_MAX 64
#define PEER_PORT_MAX 8

struct peer {
    int fd;
    struct event reading, writing;
    void (*ready)(void *owner); /* there may be something to do */
    void *owner;
    bool awake;     /* an event is under way */
    bool readable;  /**< there may be something to receive */
    bool closed;    /**< the client sends no more, but may still receive */
    bool torn;      /* nor does it receive */
    bool full;      /**< the client takes no more for now */
    uint64_t moved; /**< bytes received and sent */
    int queued;     /* bytes sent but not received, when last counted */
    char remote_addr[PEER_HOST_MAX], remote_port[PEER_PORT_MAX];
    char server_addr[PEER_HOST_MAX], server_port[PEER_PORT_MAX];
};

/**
 * Make a peer, which is watched from the first peer_end_event() on. Set `ready`
 * and `owner` before.
 *
 * @param fd       a connected socket, which becomes the peer's
 * @param address  of the client, `len` bytes
 */
void peer_open(struct peer *peer, struct event_base *base, int fd,
               const struct sockaddr *address, socklen_t len);

/** Close the socket. */
void peer_close(struct peer *peer);

/** Have `ready` called in this turn of the event loop, unless that is under
 *  way. */
void peer_wake(struct peer *peer);

/** Begin an event of the client's. */
void peer_begin_event(struct peer *peer);

/** End it, and wait for the next. */
void peer_end_event(struct peer *peer);

/** Whether a client that sends no more is gone altogether, as far as the system
 *  knows: it learns that once something is sent. */
bool peer_is_gone(const struct peer *peer);

/**
 * Receive into `room`.
 *
 * @return FCGI_OK, FCGI_WAIT (nothing is there in this event) or
 *         FCGI_ERR_CLOSED (the client sends no more)
 */
int peer_receive(struct peer *peer, void *room, size_t cap, size_t *got);

/** Receive into the room of a buffer, if it has any. Returns what
 *  peer_receive() does. */
int peer_fill(struct peer *peer, struct buffer *buffer);

/**
 * Send what a buffer holds, and after that `len` bytes, in one system call.
 *
 * @param taken  set to how many of the `len` bytes were sent
 * @return FCGI_OK  all was sent
 *         FCGI_WAIT  some was sent; the buffer holds the rest of its own
 *         FCGI_ERR_CLOSED  the client has left
 */
int peer_send(struct peer *peer, struct buffer *buffer, const void *data,
              size_t len, size_t *taken);

/** Send a short text, while the buffer is empty. FCGI_OK or FCGI_ERR_CLOSED. */
int peer_send_text(struct peer *peer, const char *text);

/** Count in `moved` what a client that takes no more has taken since, out of
 *  what was sent. */
void peer_count_taken(struct peer *peer);

#endif
