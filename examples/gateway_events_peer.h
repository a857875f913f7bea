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

struct peer {
    int fd;
    bool readable; /**< a receive may bring something */
    bool leaving;  /**< it has closed its side */
    bool full;     /**< it takes no more now */
    int64_t moved; /**< when it last took or sent something */
    const int64_t *now;
    char remote_addr[64], remote_port[8];
    char server_addr[64], server_port[8];
};

#define BUFFER_SIZE ((size_t)64 * 1024)

struct buffer {
    size_t start, end;
    char data[BUFFER_SIZE];
};

/**
 * @param fd       connected; it becomes the peer's
 * @param now      where the time in milliseconds is to be read
 * @param address  of the client, `len` bytes
 */
void peer_open(struct peer *peer, int fd, const int64_t *now,
               const struct sockaddr *address, socklen_t len);

/**
 * Receive into `room`.
 *
 * @return FCGI_OK, FCGI_WAIT (nothing there), or FCGI_ERR_CLOSED (it has left)
 */
int peer_receive(struct peer *peer, void *room, size_t cap, size_t *got);

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

static inline size_t buffer_len(const struct buffer *buffer)
{
    return buffer->end - buffer->start;
}

static inline size_t buffer_room(const struct buffer *buffer)
{
    return BUFFER_SIZE - buffer->end;
}

/** Receive into the room of a buffer, if it has any; as peer_receive(). */
int buffer_fill(struct buffer *buffer, struct peer *peer);

/** Append bytes, or put them in front: there must be room. */
void buffer_put(struct buffer *buffer, const void *data, size_t len);
void buffer_prepend(struct buffer *buffer, const void *data, size_t len);

/** Take up to `cap` bytes off the front; returns how many. */
size_t buffer_take(struct buffer *buffer, void *data, size_t cap);

#endif
