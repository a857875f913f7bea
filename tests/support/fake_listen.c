/*
 * fake_listen - the listening socket of the fake application, in each of its
 * families.
 */
#define _POSIX_C_SOURCE 200809L

#include "fake_private.h"

#include "must.h"
#include "temp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

union any_address {
    struct sockaddr base;
    struct sockaddr_un local;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
};

static socklen_t local_address(struct fake_listener *listener,
                               union any_address *address)
{
    listener->temp = temp_new();
    char *path = temp_path(listener->temp, "app.sock");
    address->local.sun_family = AF_UNIX;
    (void)snprintf(address->local.sun_path, sizeof(address->local.sun_path),
                   "%s", path);
    (void)snprintf(listener->address, sizeof(listener->address), "unix:%s",
                   path);
    free(path);
    return sizeof(address->local);
}

static socklen_t abstract_address(struct fake_listener *listener,
                                  union any_address *address)
{
    char *name = address->local.sun_path + 1;
    address->local.sun_family = AF_UNIX;
    (void)snprintf(name, 60, "fcgi-test-%ld-%p", (long)getpid(),
                   (void *)listener);
    (void)snprintf(listener->address, sizeof(listener->address), "unix:@%s",
                   name);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                       strlen(name));
}

static socklen_t make_address(struct fake_listener *listener,
                              enum fake_family family,
                              union any_address *address)
{
    memset(address, 0, sizeof(*address));
    switch (family) {
    case FAKE_UNIX:
        return local_address(listener, address);
    case FAKE_ABSTRACT:
        return abstract_address(listener, address);
    case FAKE_TCP6:
        address->in6.sin6_family = AF_INET6;
        address->in6.sin6_addr = in6addr_loopback;
        return sizeof(address->in6);
    case FAKE_TCP:
    default:
        address->in4.sin_family = AF_INET;
        address->in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return sizeof(address->in4);
    }
}

/* A port is known only once it is bound. */
static void write_port(struct fake_listener *listener)
{
    union any_address bound;
    socklen_t len = sizeof(bound);
    if (getsockname(listener->fd, &bound.base, &len) != 0) {
        must_die("tests: getsockname");
    }
    if (bound.base.sa_family == AF_INET) {
        (void)snprintf(listener->address, sizeof(listener->address),
                       "127.0.0.1:%u", (unsigned)ntohs(bound.in4.sin_port));
    } else if (bound.base.sa_family == AF_INET6) {
        (void)snprintf(listener->address, sizeof(listener->address), "[::1]:%u",
                       (unsigned)ntohs(bound.in6.sin6_port));
    }
}

bool fake_listen(struct fake_listener *listener, enum fake_family family,
                 int backlog)
{
    union any_address address;
    socklen_t len = make_address(listener, family, &address);
    listener->fd = socket(address.base.sa_family, SOCK_STREAM, 0);
    if (listener->fd < 0 || bind(listener->fd, &address.base, len) != 0) {
        return false;
    }
    if (listen(listener->fd, backlog) != 0) {
        must_die("tests: listen");
    }
    /* So that accept() does not hang if the connection is gone again. */
    (void)fcntl(listener->fd, F_SETFL, O_NONBLOCK);
    (void)fcntl(listener->fd, F_SETFD, FD_CLOEXEC);
    write_port(listener);
    return true;
}

/* It goes on after a signal. */
static bool is_connected(int fd, const struct sockaddr *address, socklen_t len)
{
    while (connect(fd, address, len) != 0) {
        if (errno != EINTR) {
            return errno == EINPROGRESS || errno == EISCONN;
        }
    }
    return true;
}

int fake_dial(const struct fake_listener *listener, bool blocking)
{
    union any_address address;
    socklen_t len = sizeof(address);
    if (getsockname(listener->fd, &address.base, &len) != 0) {
        return -1;
    }
    int fd = socket(address.base.sa_family, SOCK_STREAM, 0);
    (void)fcntl(fd, F_SETFL, blocking ? 0 : O_NONBLOCK);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (!is_connected(fd, &address.base, len)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* A Unix socket reports that its queue is full; that of TCP is full with a few
 * connections more than its length. */
void fake_clog(struct fake_listener *listener)
{
    int fd = fake_dial(listener, false);
    while (fd >= 0) {
        listener->clog[listener->clog_count] = fd;
        listener->clog_count += 1;
        fd = listener->clog_count < 8 ? fake_dial(listener, false) : -1;
    }
}

void fake_listen_end(struct fake_listener *listener)
{
    for (size_t i = 0; i < listener->clog_count; i++) {
        (void)close(listener->clog[i]);
    }
    if (listener->fd >= 0) {
        (void)close(listener->fd);
    }
    temp_free(listener->temp);
}
