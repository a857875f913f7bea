/*
 * peer - the HTTP client's socket.
 */
#define _POSIX_C_SOURCE 200809L

#include "peer.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <event2/event.h>

#include <fcgi_client/error.h>

/* The most that one receive takes. */
#define RECEIVE_MAX ((size_t)256 * 1024)

/*
 * Events.
 */

static void on_event(evutil_socket_t fd, short what, void *context)
{
    struct peer *peer = context;

    (void)fd;
    peer->readable = (what & EV_READ) != 0;
    peer->full = peer->full && !(what & EV_WRITE);
    peer->ready(peer->owner);
}

/* To a socket of IPv6, an address of IPv4 is ::ffff:1.2.3.4 (RFC 4291, section
 * 2.5.5.2). */
static void print_address(const struct sockaddr *address, socklen_t len,
                          char host[PEER_HOST_MAX], char port[PEER_PORT_MAX])
{
    static const char mapped[] = "::ffff:";
    size_t skipped = sizeof(mapped) - 1;

    (void)getnameinfo(address, len, host, PEER_HOST_MAX, port, PEER_PORT_MAX,
                      NI_NUMERICHOST | NI_NUMERICSERV);
    if (strncmp(host, mapped, skipped) == 0 && strchr(host, '.') != NULL) {
        memmove(host, host + skipped, strlen(host + skipped) + 1);
    }
}

void peer_open(struct peer *peer, struct event_base *base, int fd,
               const struct sockaddr *address, socklen_t len)
{
    struct sockaddr_storage own;
    socklen_t own_len = sizeof(own);

    peer->fd = fd;
    print_address(address, len, peer->remote_addr, peer->remote_port);
    (void)getsockname(fd, (struct sockaddr *)&own, &own_len);
    print_address((const struct sockaddr *)&own, own_len, peer->server_addr,
                  peer->server_port);
    (void)event_assign(&peer->reading, base, fd, EV_READ | EV_PERSIST, on_event,
                       peer);
    (void)event_assign(&peer->writing, base, fd, EV_WRITE, on_event, peer);
}

void peer_close(struct peer *peer)
{
    (void)event_del(&peer->reading);
    (void)event_del(&peer->writing);
    (void)close(peer->fd);
}

void peer_wake(struct peer *peer)
{
    if (!peer->awake) {
        event_active(&peer->reading, 0, 0);
    }
}

void peer_begin_event(struct peer *peer)
{
    peer->awake = true;
}

void peer_end_event(struct peer *peer)
{
    bool is_watched = event_pending(&peer->reading, EV_READ, NULL) != 0;

    if (peer->readable) {
        (void)event_del(&peer->reading);
    } else if (!is_watched) {
        (void)event_add(&peer->reading, NULL);
    }
    peer->awake = false;
    peer->readable = false;
    if (peer->full) {
        (void)event_add(&peer->writing, NULL);
    }
}

/*
 * Receiving.
 */

int peer_receive(struct peer *peer, void *room, size_t cap, size_t *got)
{
    ssize_t n;

    *got = 0;
    if (peer->closed) {
        return FCGI_ERR_CLOSED;
    }
    if (!peer->readable || cap == 0) {
        return FCGI_WAIT;
    }
    peer->readable = false;
    n = recv(peer->fd, room, cap < RECEIVE_MAX ? cap : RECEIVE_MAX, 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return FCGI_WAIT;
    }
    if (n <= 0) {
        peer->closed = true;
        peer->torn = n < 0;
        return FCGI_ERR_CLOSED;
    }
    *got = (size_t)n;
    peer->moved += *got;
    return FCGI_OK;
}

int peer_fill(struct peer *peer, struct buffer *buffer)
{
    size_t got;
    int rc = peer_receive(peer, buffer->data + buffer->end, buffer_room(buffer),
                          &got);

    buffer->end += got;
    return rc;
}

bool peer_is_gone(const struct peer *peer)
{
    socklen_t len = sizeof(int);
    int error = 0;

    if (peer->closed) {
        (void)getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    }
    return peer->torn || error != 0;
}

/*
 * Sending.
 */

/* Bytes that were sent but have not reached the client; 0 where no system call
 * tells. */
static int count_queued(int fd)
{
    int queued = 0;

#ifdef TIOCOUTQ
    (void)ioctl(fd, TIOCOUTQ, &queued);
#else
    (void)fd;
#endif
    return queued;
}

/* The system reports room to send only once there is plenty. If the client is
 * slow, that may take minutes. */
void peer_count_taken(struct peer *peer)
{
    int queued = peer->full ? count_queued(peer->fd) : peer->queued;

    if (queued < peer->queued) {
        peer->moved += (uint64_t)(peer->queued - queued);
        peer->queued = queued;
    }
}

/* Account for `sent` bytes: first those of the buffer, then the data. */
static int account_sent(struct buffer *buffer, size_t sent, size_t len,
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

/* To send one piece is cheaper than to send a list of pieces. */
static ssize_t send_both(int fd, const struct buffer *buffer, const void *data,
                         size_t len)
{
    size_t held_len = buffer_len(buffer);
    const char *held = held_len == 0 ? "" : buffer->data + buffer->start;
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
    n = send_both(peer->fd, buffer, data, len);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        return FCGI_ERR_CLOSED;
    }
    n = n < 0 ? 0 : n;
    peer->moved += (uint64_t)n;
    rc = account_sent(buffer, (size_t)n, len, taken);
    peer->full = rc == FCGI_WAIT;
    if (peer->full) {
        peer->queued = count_queued(peer->fd);
    }
    return rc;
}

int peer_send_text(struct peer *peer, const char *text)
{
    struct buffer nothing = {0};
    size_t taken;
    int rc = peer_send(peer, &nothing, text, strlen(text), &taken);

    return rc == FCGI_WAIT ? FCGI_ERR_CLOSED : rc;
}
