/*
 * listener - the socket at which fcgi-echo listens.
 */
#define _POSIX_C_SOURCE 200809L

#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fcgi_client/error.h>

#include "../common/cli.h"
#include "../common/listen_address.h"

/* NULL: it is not the address of a Unix socket. */
static const char *path_of(const char *address)
{
    if (strncmp(address, "unix:", 5) == 0) {
        return address + 5;
    }
    return address[0] == '/' ? address : NULL;
}

/* Linux would choose a name in place of an empty one, and the library does not
 * dial "@". */
static bool is_socket_name(const char *path)
{
    size_t len = strlen(path);

    return len > (path[0] == '@' ? 1U : 0U) &&
           len < sizeof((struct sockaddr_un){0}.sun_path);
}

/* A name that begins with @ is one of Linux's that have no file. */
static bool listen_unix(struct listener *listener, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(address);

    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
        len =
            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    }
    listener->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (listener->fd < 0 ||
        bind(listener->fd, (const struct sockaddr *)&address, len) != 0) {
        return false;
    }
    listener->path = path[0] == '@' ? NULL : path;
    snprintf(listener->name, sizeof(listener->name), "unix:%s", path);
    return listen(listener->fd, SOMAXCONN) == 0;
}

static bool listen_tcp(struct listener *listener, const struct addrinfo *found)
{
    int on = 1;

    listener->fd = socket(found->ai_family, SOCK_STREAM, 0);
    if (listener->fd < 0) {
        return false;
    }
    (void)setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener->fd, found->ai_addr, found->ai_addrlen) != 0 ||
        listen(listener->fd, SOMAXCONN) != 0) {
        return false;
    }
    listen_address_print(listener->fd, listener->name, sizeof(listener->name));
    return true;
}

/* Section 2.2 of the specification: an application server starts an application
 * with its listening socket on descriptor 0. */
static int adopt_descriptor_0(struct listener *listener)
{
    int listening = 0;
    socklen_t len = sizeof(listening);

    listener->fd = 0;
    snprintf(listener->name, sizeof(listener->name), "descriptor 0");
    if (getsockopt(0, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0 ||
        listening == 0) {
        return cli_fail(EXIT_USAGE, listener->name,
                        "not a listening socket; give an ADDRESS");
    }
    return EXIT_SUCCESS;
}

static int fail_address(const char *address)
{
    return cli_fail(EXIT_USAGE, address, fcgi_strerror(FCGI_ERR_ADDRESS));
}

static int open_unix(struct listener *listener, const char *address,
                     const char *path)
{
    if (!is_socket_name(path)) {
        return fail_address(address);
    }
    return listen_unix(listener, path)
               ? EXIT_SUCCESS
               : cli_fail(EXIT_FAILURE, address, strerror(errno));
}

static int open_tcp(struct listener *listener, const char *address)
{
    struct addrinfo *found = listen_address_resolve(address);
    int code = EXIT_SUCCESS;

    if (found == NULL) {
        return fail_address(address);
    }
    if (!listen_tcp(listener, found)) {
        code = cli_fail(EXIT_FAILURE, address, strerror(errno));
    }
    freeaddrinfo(found);
    return code;
}

int listener_open(struct listener *listener, const char *address)
{
    const char *path = address == NULL ? NULL : path_of(address);

    *listener = (struct listener){.fd = -1};
    if (address == NULL) {
        return adopt_descriptor_0(listener);
    }
    return path == NULL ? open_tcp(listener, address)
                        : open_unix(listener, address, path);
}

/* A socket that was inherited may be in non-blocking mode. */
int listener_accept(const struct listener *listener)
{
    struct pollfd readable = {.fd = listener->fd, .events = POLLIN};
    int on = 1;
    int fd;

    for (;;) {
        fd = accept(listener->fd, NULL, NULL);
        if (fd >= 0) {
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            return fd;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            (void)poll(&readable, 1, -1);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return -1;
        }
    }
}

void listener_close(const struct listener *listener)
{
    if (listener->path != NULL) {
        (void)unlink(listener->path);
    }
}
