/*
 * net - sockets.
 *
 * Some systems lack SOCK_CLOEXEC and SOCK_NONBLOCK: the flags are then set
 * afterwards. Some lack MSG_NOSIGNAL: SO_NOSIGPIPE takes its place, or else the
 * signal is blocked during each send. FCGI_CLIENT_PORTABLE forces these
 * fallbacks, so that tests run them on systems that do not need them.
 */
#define _POSIX_C_SOURCE 200809L
#define _DARWIN_C_SOURCE
#define __BSD_VISIBLE 1

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <fcgi_client/error.h>

#include "clock.h"
#include "net.h"

#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK) &&                         \
    !defined(FCGI_CLIENT_PORTABLE)
#define SOCKET_FLAGS (SOCK_CLOEXEC | SOCK_NONBLOCK)
#else
#define SOCKET_FLAGS 0
#endif

#if defined(MSG_NOSIGNAL) && !defined(FCGI_CLIENT_PORTABLE)
#define SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)
#else
#define SEND_FLAGS MSG_DONTWAIT
#ifndef SO_NOSIGPIPE
#define BLOCKS_SIGPIPE 1
#endif
#endif

#define PAUSE_MIN_MS 1
#define PAUSE_MAX_MS 50

void fcgi__net_close(int fd)
{
    if (fd >= 0) {
        int saved = errno;
        (void)close(fd);
        errno = saved;
    }
}

void fcgi__net_shutdown(int fd)
{
    (void)shutdown(fd, SHUT_RDWR);
}

void fcgi__socket_opened(const struct fcgi__socket_observer *observer, int fd)
{
    if (observer->opened != NULL) {
        observer->opened(observer->context, fd);
    }
}

void fcgi__socket_close(const struct fcgi__socket_observer *observer, int fd)
{
    if (fd >= 0 && observer->closing != NULL) {
        observer->closing(observer->context, fd);
    }
    fcgi__net_close(fd);
}

void fcgi__exposed_fd_init(struct fcgi__exposed_fd *exposed,
                           const struct fcgi__socket_observer *observer)
{
    exposed->observer = observer;
    exposed->fd = -1;
    exposed->retained = -1;
}

void fcgi__exposed_fd_close(struct fcgi__exposed_fd *exposed)
{
    int fd = exposed->retained;

    exposed->retained = -1;
    fcgi__socket_close(exposed->observer, fd);
}

void fcgi__exposed_fd_retain(struct fcgi__exposed_fd *exposed, int *fd)
{
    if (*fd >= 0 && *fd == exposed->fd) {
        /* The one retained before was exposed before this one. */
        fcgi__exposed_fd_release(exposed);
        exposed->retained = *fd;
        *fd = -1;
    }
}

/*
 * Waiting.
 */

static short poll_events(unsigned events)
{
    return (short)((events & FCGI__READABLE ? POLLIN : 0) |
                   (events & FCGI__WRITABLE ? POLLOUT : 0));
}

static unsigned readiness(const struct pollfd fds[2])
{
    switch (fds[0].revents) {
    case POLLIN:
        return fds[1].revents == 0 ? FCGI__READABLE : FCGI__READY;
    case POLLOUT:
        return FCGI__WRITABLE; /* a source is read before each send anyway */
    default:
        return FCGI__READY;
    }
}

unsigned fcgi__net_wait(const struct fcgi__wait *wait)
{
    struct pollfd fds[2] = {{wait->fd, poll_events(wait->events), 0},
                            {wait->other_fd, POLLIN, 0}};
    int timeout = -1;

    if (wait->until != FCGI__NEVER) {
        timeout = fcgi__milliseconds_until(wait->until, fcgi__now());
    }
    return poll(fds, 2, timeout) > 0 ? readiness(fds) : 0;
}

/*
 * Connecting.
 */

static int set_flag(int fd, int get, int set, int flag, bool on)
{
    int flags = fcntl(fd, get);
    int wanted = on ? flags | flag : flags & ~flag;

    if (flags < 0 || (wanted != flags && fcntl(fd, set, wanted) < 0)) {
        return FCGI_ERR_SYSTEM;
    }
    return FCGI_OK;
}

static bool set_option(int fd, int level, int option)
{
    int on = 1;

    return setsockopt(fd, level, option, &on, sizeof(on)) == 0;
}

/* A Unix socket neither has this option nor needs it. */
static void disable_nagle(int fd)
{
    (void)set_option(fd, IPPROTO_TCP, TCP_NODELAY);
}

void fcgi__net_suppress_sigpipe(int fd)
{
#ifdef SO_NOSIGPIPE
    (void)set_option(fd, SOL_SOCKET, SO_NOSIGPIPE);
#else
    (void)fd;
#endif
}

/* Stored in the dial at once, because the process may fork at any time. */
static int open_socket(struct fcgi__dial *dial, int family)
{
    dial->fd = socket(family, SOCK_STREAM | SOCKET_FLAGS, 0);
    if (dial->fd < 0) {
        return FCGI_ERR_SYSTEM;
    }
    if (SOCKET_FLAGS == 0 &&
        (set_flag(dial->fd, F_GETFD, F_SETFD, FD_CLOEXEC, true) != FCGI_OK ||
         set_flag(dial->fd, F_GETFL, F_SETFL, O_NONBLOCK, true) != FCGI_OK)) {
        return FCGI_ERR_SYSTEM;
    }
    fcgi__net_suppress_sigpipe(dial->fd);
    if (family != AF_UNIX) {
        disable_nagle(dial->fd);
    }
    return FCGI_OK;
}

static int set_receive_timeout(int fd, int milliseconds)
{
    struct timeval timeout = {0, 0}; /* without limit */

    if (milliseconds > 0) {
        timeout.tv_sec = milliseconds / 1000;
        timeout.tv_usec = milliseconds % 1000 * 1000L;
    }
    return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) ==
                   0
               ? FCGI_OK
               : FCGI_ERR_SYSTEM;
}

int fcgi__net_set_blocking(int fd, int receive_timeout_ms)
{
    return set_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, false) == FCGI_OK
               ? set_receive_timeout(fd, receive_timeout_ms)
               : FCGI_ERR_SYSTEM;
}

int fcgi__net_adopt(int fd)
{
    fcgi__net_suppress_sigpipe(fd);
    disable_nagle(fd);
    return set_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, true);
}

static int resolve_name(struct fcgi__dial *dial)
{
    struct addrinfo hints;
    int rc;

    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    rc = getaddrinfo(dial->address->host, dial->address->port, &hints,
                     &dial->resolved);
    if (rc != 0) {
        dial->system_error = rc == EAI_SYSTEM ? errno : 0;
        return FCGI_ERR_RESOLVE;
    }
    dial->next = dial->resolved;
    return FCGI_OK;
}

int fcgi__dial_start(struct fcgi__dial *dial,
                     const struct fcgi__address *address, int64_t deadline,
                     struct fcgi__exposed_fd *exposed)
{
    memset(dial, 0, sizeof(*dial));
    dial->address = address;
    dial->exposed = exposed;
    dial->deadline = deadline;
    dial->fd = -1;
    if (address->is_name) {
        return resolve_name(dial);
    }
    dial->fixed.ai_family = address->socket.ss_family;
    dial->fixed.ai_addr = (struct sockaddr *)(uintptr_t)&address->socket;
    dial->fixed.ai_addrlen = address->socket_len;
    dial->next = &dial->fixed;
    return FCGI_OK;
}

/* A socket that a host may still watch stays open, but is shut down at once:
 * the application would otherwise wait for a request. `dial->fd` is -1 before
 * the socket is closed: the child of a fork() in between must not close it
 * too. */
static void drop_socket(struct fcgi__dial *dial)
{
    int fd = dial->fd;

    fcgi__exposed_fd_retain(dial->exposed, &dial->fd);
    if (dial->fd != fd) {
        fcgi__net_shutdown(fd);
        return;
    }
    dial->fd = -1;
    fcgi__socket_close(dial->exposed->observer, fd);
}

void fcgi__dial_end(struct fcgi__dial *dial)
{
    if (dial->resolved != NULL) {
        freeaddrinfo(dial->resolved);
    }
    drop_socket(dial);
    dial->resolved = NULL;
}

/* Drop the current address, and go on to the next. Returns the error. */
static int give_up_address(struct fcgi__dial *dial, int error, int system_error)
{
    dial->system_error = system_error;
    drop_socket(dial);
    dial->pausing = false;
    dial->next = dial->next->ai_next;
    return error;
}

/* When the share of time of the current address ends: each of the addresses
 * left gets the same. */
static int64_t share_end(const struct fcgi__dial *dial, int64_t now)
{
    int64_t addresses = 0;

    if (dial->deadline == FCGI__NEVER) {
        return FCGI__NEVER;
    }
    for (const struct addrinfo *at = dial->next; at != NULL; at = at->ai_next) {
        addresses += 1;
    }
    return now + (dial->deadline - now) / addresses;
}

/* The listen queue of a Unix socket is full. Linux says so at once, and offers
 * no way to wait for room. */
static void pause_dial(struct fcgi__dial *dial, int64_t now)
{
    dial->pausing = true;
    dial->pause_ms = dial->pause_ms == 0 ? PAUSE_MIN_MS : dial->pause_ms * 2;
    if (dial->pause_ms > PAUSE_MAX_MS) {
        dial->pause_ms = PAUSE_MAX_MS;
    }
    dial->until = fcgi__after(now, dial->pause_ms);
    if (dial->until > dial->deadline) {
        dial->until = dial->deadline;
    }
}

static int judge_connect(struct fcgi__dial *dial, int system_error, int64_t now)
{
    switch (system_error) {
    case 0:
    case EISCONN:
        dial->next = NULL;
        return FCGI_OK;
    case EINPROGRESS:
    case EALREADY:
    case EINTR:
        return FCGI_WAIT;
    case EAGAIN:
        pause_dial(dial, now);
        return FCGI_WAIT;
    default:
        return give_up_address(dial, FCGI_ERR_CONNECT, system_error);
    }
}

static int try_connect(struct fcgi__dial *dial, int64_t now)
{
    int rc = connect(dial->fd, dial->next->ai_addr, dial->next->ai_addrlen);

    dial->pausing = false;
    dial->until = share_end(dial, now);
    return judge_connect(dial, rc == 0 ? 0 : errno, now);
}

static int begin_address(struct fcgi__dial *dial, int64_t now)
{
    if (open_socket(dial, dial->next->ai_family) != FCGI_OK) {
        return give_up_address(dial, FCGI_ERR_SYSTEM, errno);
    }
    fcgi__socket_opened(dial->exposed->observer, dial->fd);
    return try_connect(dial, now);
}

/* See whether a connect under way has ended. */
static int check_connect(struct fcgi__dial *dial, int64_t now)
{
    struct fcgi__wait at_once = {dial->fd, FCGI__WRITABLE, -1, 0};
    int system_error = 0;
    socklen_t len = sizeof(system_error);

    if (fcgi__net_wait(&at_once) == 0) {
        return FCGI_WAIT;
    }
    if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &system_error, &len) != 0) {
        system_error = errno;
    }
    return judge_connect(dial, system_error, now);
}

static int give_up_expired(struct fcgi__dial *dial)
{
    return dial->pausing
               ? give_up_address(dial, FCGI_ERR_BACKLOG_FULL, EAGAIN)
               : give_up_address(dial, FCGI_ERR_CONNECT_TIMEOUT, ETIMEDOUT);
}

/* Go on with the current address. If this returns neither FCGI_OK nor
 * FCGI_WAIT, the address was given up. */
static int advance_address(struct fcgi__dial *dial, int64_t now)
{
    int rc;

    if (dial->fd < 0) {
        return begin_address(dial, now);
    }
    if (dial->pausing) {
        if (now < dial->until) {
            return FCGI_WAIT;
        }
        return now < dial->deadline ? try_connect(dial, now)
                                    : give_up_expired(dial);
    }
    rc = check_connect(dial, now);
    return rc == FCGI_WAIT && now >= dial->until ? give_up_expired(dial) : rc;
}

int fcgi__dial_advance(struct fcgi__dial *dial, int64_t now)
{
    int rc = FCGI_ERR_CONNECT;

    while (dial->next != NULL) {
        rc = advance_address(dial, now);
        if (rc == FCGI_OK || rc == FCGI_WAIT) {
            return rc;
        }
    }
    return rc;
}

void fcgi__dial_wait(const struct fcgi__dial *dial, struct fcgi__wait *wait)
{
    wait->fd = dial->pausing ? -1 : dial->fd;
    wait->events = dial->pausing ? 0 : FCGI__WRITABLE;
    wait->other_fd = -1;
    wait->until = dial->until;
}

/*
 * Sending and receiving.
 */

int fcgi__net_error(int system_error)
{
    if (system_error == EAGAIN || system_error == EWOULDBLOCK ||
        system_error == EINTR) {
        return FCGI_WAIT;
    }
    return system_error == EPIPE || system_error == ECONNRESET
               ? FCGI_ERR_RESET
               : FCGI_ERR_SYSTEM;
}

#ifdef BLOCKS_SIGPIPE
/* Send with SIGPIPE blocked in this thread, and consume the one that the send
 * has raised, but not one that was pending before. */
static ssize_t send_message(int fd, const struct msghdr *message)
{
    static const struct timespec at_once = {0, 0};
    sigset_t sigpipe, before, pending;
    ssize_t n;
    int saved;

    (void)sigemptyset(&sigpipe);
    (void)sigaddset(&sigpipe, SIGPIPE);
    (void)sigpending(&pending);
    (void)pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
    n = sendmsg(fd, message, SEND_FLAGS);
    saved = errno;
    if (n < 0 && saved == EPIPE && !sigismember(&pending, SIGPIPE)) {
        (void)sigtimedwait(&sigpipe, NULL, &at_once);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return n;
}
#else
static ssize_t send_message(int fd, const struct msghdr *message)
{
    return sendmsg(fd, message, SEND_FLAGS);
}
#endif

void fcgi__net_enlarge_send_buffer(int fd, int len)
{
    struct sockaddr_storage name;
    socklen_t name_len = sizeof(name);
    int size = 0;
    socklen_t size_len = sizeof(size);

    if (getsockname(fd, (struct sockaddr *)&name, &name_len) != 0 ||
        name.ss_family != AF_UNIX ||
        getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &size_len) != 0) {
        return;
    }
    if (size < len) {
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &len, sizeof(len));
    }
}

int fcgi__net_send(int fd, const struct fcgi_slice *slices, size_t count,
                   size_t *sent)
{
    struct iovec vector[FCGI__SLICES_MAX];
    struct msghdr message;
    ssize_t n;

    assert(count <= FCGI__SLICES_MAX);
    for (size_t i = 0; i < count; i++) {
        vector[i].iov_base = (void *)(uintptr_t)slices[i].data;
        vector[i].iov_len = slices[i].len;
    }
    memset(&message, 0, sizeof(message));
    message.msg_iov = vector;
    message.msg_iovlen = (unsigned short)count; /* an int or a size_t */
    do {
        n = send_message(fd, &message);
    } while (n < 0 && errno == EINTR);
    *sent = n < 0 ? 0 : (size_t)n;
    return n < 0 ? fcgi__net_error(errno) : FCGI_OK;
}

int fcgi__net_receive(int fd, const struct fcgi_memory *room, size_t count,
                      bool may_block, size_t *got)
{
    struct iovec vector[FCGI__PLACES_MAX];
    struct msghdr message;
    ssize_t n;

    assert(count <= FCGI__PLACES_MAX);
    for (size_t i = 0; i < count; i++) {
        vector[i].iov_base = room[i].data;
        vector[i].iov_len = room[i].cap;
    }
    memset(&message, 0, sizeof(message));
    message.msg_iov = vector;
    message.msg_iovlen = (unsigned short)count;
    do {
        n = recvmsg(fd, &message, may_block ? 0 : MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR && !may_block);
    *got = n < 0 ? 0 : (size_t)n;
    return n < 0 ? fcgi__net_error(errno) : FCGI_OK;
}

bool fcgi__net_acknowledge(int fd)
{
#ifdef TCP_QUICKACK
    return set_option(fd, IPPROTO_TCP, TCP_QUICKACK);
#else
    (void)fd;
    return false;
#endif
}

bool fcgi__net_is_idle(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           fcgi__net_error(errno) == FCGI_WAIT;
}
