/*
 * peer - the HTTP client's socket.
 */
#define _POSIX_C_SOURCE 200809L

#include "gateway_events_peer.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/uio.h>

#include <fcgi_client/error.h>

void peer_open(struct peer *peer, int fd, const int64_t *now,
               const struct sockaddr *address, socklen_t len)
{
    const int numeric = NI_NUMERICHOST | NI_NUMERICSERV;
    struct sockaddr_storage own;
    socklen_t own_len = sizeof(own);

    *peer = (struct peer){.fd = fd, .now = now};
    (void)getnameinfo(address, len, peer->remote_addr,
                      sizeof(peer->remote_addr), peer->remote_port,
                      sizeof(peer->remote_port), numeric);
    (void)getsockname(fd, (struct sockaddr *)&own, &own_len);
    (void)getnameinfo((const struct sockaddr *)&own, own_len, peer->server_addr,
                      sizeof(peer->server_addr), peer->server_port,
                      sizeof(peer->server_port), numeric);
}

int peer_receive(struct peer *peer, void *room, size_t cap, size_t *got)
{
    ssize_t n;

    *got = 0;
    if (!peer->readable || cap == 0) {
        return FCGI_WAIT;
    }
    do {
        n = recv(peer->fd, room, cap, 0);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        peer->readable = false;
        return FCGI_WAIT;
    }
    if (n <= 0) {
        peer->leaving = true;
        return FCGI_ERR_CLOSED;
    }
    *got = (size_t)n;
    peer->moved = *peer->now;
    /* Less than there was room for is all there was; more makes an event. The
     * end, though, has announced itself already. */
    peer->readable = *got == cap || peer->leaving;
    return FCGI_OK;
}

/* How much of a message went out: first the buffer, then the data. */
static int account(struct buffer *buffer, size_t sent, size_t len,
                   size_t *taken)
{
    size_t held = buffer_len(buffer);

    if (sent < held) {
        buffer->start += sent;
        return FCGI_WAIT;
    }
    buffer->start = 0;
    buffer->end = 0;
    *taken = sent - held;
    return *taken < len ? FCGI_WAIT : FCGI_OK;
}

/* One piece is cheaper to send than a list of them. */
static ssize_t send_both(int fd, const char *held, size_t held_len,
                         const void *data, size_t len)
{
    struct iovec parts[2] = {{(void *)(uintptr_t)held, held_len},
                             {(void *)(uintptr_t)data, len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    if (len == 0) {
        return send(fd, held, held_len, MSG_NOSIGNAL);
    }
    if (held_len == 0) {
        return send(fd, data, len, MSG_NOSIGNAL);
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

int peer_send(struct peer *peer, struct buffer *buffer, const void *data,
              size_t len, size_t *taken)
{
    ssize_t n;
    int rc;

    *taken = 0;
    if (buffer_len(buffer) + len == 0) {
        return FCGI_OK;
    }
    if (peer->full) {
        return FCGI_WAIT;
    }
    do {
        n = send_both(peer->fd, buffer->data + buffer->start,
                      buffer_len(buffer), data, len);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
        return FCGI_ERR_CLOSED;
    }
    if (n > 0) {
        peer->moved = *peer->now;
    }
    rc = account(buffer, n < 0 ? 0 : (size_t)n, len, taken);
    peer->full = rc == FCGI_WAIT;
    return rc;
}

int buffer_fill(struct buffer *buffer, struct peer *peer)
{
    size_t got;
    int rc = peer_receive(peer, buffer->data + buffer->end, buffer_room(buffer),
                          &got);

    buffer->end += got;
    return rc;
}

void buffer_put(struct buffer *buffer, const void *data, size_t len)
{
    memcpy(buffer->data + buffer->end, data, len);
    buffer->end += len;
}

void buffer_prepend(struct buffer *buffer, const void *data, size_t len)
{
    buffer->start -= len;
    memcpy(buffer->data + buffer->start, data, len);
}

size_t buffer_take(struct buffer *buffer, void *data, size_t cap)
{
    size_t held = buffer_len(buffer);
    size_t len = held < cap ? held : cap;

    memcpy(data, buffer->data + buffer->start, len);
    buffer->start += len;
    return len;
}
