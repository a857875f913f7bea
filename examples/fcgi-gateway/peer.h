/*
 * peer - the HTTP client's socket, and a buffer on either side of it.
 *
 *     client  -- receive -->  [   |unread|   room   ]
 *     client  <-- send -----  [   |unsent|   room   ]
 *
 * The socket is watched edge-triggered: what is known of it is noted here, and
 * no system call asks for it again. Whoever wants to send or to receive may
 * just try.
 */
#ifndef GATEWAY_EVENTS_PEER_H
#define GATEWAY_EVENTS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* What one client may take of a turn of the event loop, so that it does not
 * keep the others waiting: bytes, and steps, each a receive or a request. */
#define TURN_BYTES ((size_t)256 * 1024)
#define TURN_STEPS 16

struct peer {
    int fd;
    bool readable;  /**< a receive may bring something */
    bool leaving;   /**< it has closed its side */
    bool full;      /**< it takes no more now */
    bool held_back; /**< there is more to do, in the next turn of the loop */
    uint64_t moved; /**< bytes that were received and sent */
    unsigned turn;  /* the one that these are left of: */
    size_t bytes_left;
    int steps_left;
    int queued; /* bytes that the system had yet to bring it, last we looked */
    char remote_addr[64], remote_port[8];
    char server_addr[64], server_port[8];
};

struct buffer {
    char *data;
    size_t size;
    size_t start, end;
};

/**
 * @param fd       connected; it becomes the peer's
 * @param address  of the client, `len` bytes
 */
void peer_open(struct peer *peer, int fd, const struct sockaddr *address,
               socklen_t len);

/** An event of its own begins, in that turn of the loop: if it is another than
 *  the last one, all of its share is left. */
void peer_begin_turn(struct peer *peer, unsigned turn);

/** Whether another step may be taken in this turn; if not, it is held back. */
bool peer_may_go_on(struct peer *peer);

/**
 * Receive into `room`.
 *
 * @return FCGI_OK, FCGI_WAIT (nothing is there, or it is held back), or
 *         FCGI_ERR_CLOSED (it has left)
 */
int peer_receive(struct peer *peer, void *room, size_t cap, size_t *got);

/** Receive and drop what is there; as peer_receive(), but never FCGI_OK. */
int peer_drop(struct peer *peer);

/**
 * Send what a buffer holds and `len` bytes behind that, in one go.
 *
 * @param taken  set to how many of the `len` bytes were sent
 * @return FCGI_OK  all was sent
 *         FCGI_WAIT  a part of it; the buffer keeps its own
 *         FCGI_ERR_CLOSED  it has left
 */
int peer_send(struct peer *peer, struct buffer *buffer, const void *data,
              size_t len, size_t *taken);

/** Look whether one that takes no more has taken something of what was sent. */
void peer_look(struct peer *peer);

/** Empty; its room is borrowed. */
void buffer_init(struct buffer *buffer, char *room, size_t size);

static inline size_t buffer_len(const struct buffer *buffer)
{
    return buffer->end - buffer->start;
}

static inline size_t buffer_room(const struct buffer *buffer)
{
    return buffer->size - buffer->end;
}

/** Receive into the room of a buffer, if it has any; as peer_receive(). */
int buffer_fill(struct buffer *buffer, struct peer *peer);

/** Append bytes, or put them in front: there must be room. */
void buffer_put(struct buffer *buffer, const void *data, size_t len);
void buffer_prepend(struct buffer *buffer, const void *data, size_t len);

/** Take up to `cap` bytes off the front; returns how many. */
size_t buffer_take(struct buffer *buffer, void *data, size_t cap);

#endif
