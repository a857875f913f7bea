/*
 * peer - the HTTP client's socket.
 *
 * The socket is watched edge-triggered. What its events have told is kept here,
 * so that no system call is made to learn it again: the caller may just try to
 * send or to receive.
 */
#ifndef EXAMPLES_FCGI_GATEWAY_PEER_H
#define EXAMPLES_FCGI_GATEWAY_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <event2/event_struct.h>

#include "buffer.h"

/* The share of one client in a turn of the event loop, so that it does not keep
 * the others waiting: bytes received, and steps, each a receive or a request.
 */
#define TURN_BYTES ((size_t)256 * 1024)
#define TURN_STEPS 16

#define PEER_HOST_MAX 64
#define PEER_PORT_MAX 8

struct peer {
    int fd;
    struct event reading, writing;
    void (*ready)(void *owner); /* there may be something to do */
    void *owner;
    bool awake;     /* an event is under way */
    bool readable;  /**< there may be something to receive */
    bool doubtful;  /* or a reset, which came along with the last bytes */
    bool closed;    /**< the client sends no more, but may still receive */
    bool torn;      /* nor does it receive */
    bool full;      /**< the client takes no more for now */
    bool held_back; /**< there is more to do, but in the next turn */
    uint64_t moved; /**< bytes received and sent */
    unsigned turn;  /* the turn that the share is of */
    size_t bytes_left;
    int steps_left;
    int queued; /* bytes sent but not received, when last counted */
    char remote_addr[PEER_HOST_MAX], remote_port[PEER_PORT_MAX];
    char server_addr[PEER_HOST_MAX], server_port[PEER_PORT_MAX];
};

/**
 * Watch a client. Set `ready` and `owner` before.
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

/** Begin an event of the client's, in that turn of the event loop. Each turn
 *  has a full share. */
void peer_begin_event(struct peer *peer, unsigned turn);

/** End it, and wait for the next. */
void peer_end_event(struct peer *peer);

/** Take a step. False: the share of this turn is used up, and the client is
 *  held back. */
bool peer_take_step(struct peer *peer);

/** Whether a client that sends no more is gone altogether, as far as the system
 *  knows: it learns that once something is sent. */
bool peer_is_gone(const struct peer *peer);

/**
 * Receive into `room`.
 *
 * @return FCGI_OK, FCGI_WAIT (nothing is there, or the client is held back) or
 *         FCGI_ERR_CLOSED (the client sends no more)
 */
int peer_receive(struct peer *peer, void *room, size_t cap, size_t *got);

/** Receive into the room of a buffer, if it has any. Returns what
 *  peer_receive() does. */
int peer_fill(struct peer *peer, struct buffer *buffer);

/** Make the next receive look even where no event has told of more: whoever
 *  waits for the rest of a request would never learn of a reset that came along
 *  with its beginning. */
void peer_doubt(struct peer *peer);

/** Receive and discard what is there. Returns what peer_receive() does, but
 *  never FCGI_OK. */
int peer_discard_input(struct peer *peer);

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
