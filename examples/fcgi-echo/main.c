/*
 * fcgi-echo - a FastCGI application that answers with what it was asked: every
 * variable as a line NAME=VALUE, an empty line, then the body as it came, and
 * behind that a filter's data.
 *
 *     fcgi-echo unix:/run/echo.sock
 *     fcgi-echo unix:@echo            a name without a file; Linux has them
 *     fcgi-echo 127.0.0.1:9000        port 0: any that is free
 *     fcgi-echo                       the socket on descriptor 0, as an
 *                                     application server starts it
 *
 * It says on standard output where it listens, and ends at SIGTERM or SIGINT.
 *
 * The lower layers of the library, `record` and `params`, serve an application
 * as well as a client: see `session` beside this file, which listens, and
 * shares the connections out to threads. A thread serves one connection at a
 * time; when all are busy, more wait in the listen queue.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <fcgi_client/error.h>

#include "../common/cli.h"
#include "../common/descriptors.h"
#include "../common/listen_address.h"
#include "../common/signals.h"
#include "options.h"
#include "session.h"

struct server {
    int fd;
    char name[320];   /* what to dial */
    const char *path; /* of the Unix socket to remove at the end; or NULL */
};

static atomic_bool failed;

/* The one line of a failure, whichever thread meets it first. */
static void complain(const char *what, const char *why)
{
    if (!atomic_exchange(&failed, true)) {
        fprintf(stderr, "fcgi-echo: %s: %s\n", what, why);
    }
}

/* NULL: the address is none of a Unix socket. */
static const char *path_of(const char *address)
{
    if (strncmp(address, "unix:", 5) == 0) {
        return address + 5;
    }
    return address[0] == '/' ? address : NULL;
}

/* Linux would make up a name in place of an empty one, and take "@" for one
 * that the library does not dial. */
static bool is_socket_name(const char *path)
{
    size_t len = strlen(path);

    return len > (path[0] == '@' ? 1U : 0U) &&
           len < sizeof((struct sockaddr_un){0}.sun_path);
}

/* A name that begins with @ is one of Linux's that have no file. */
static bool listen_unix(struct server *server, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(address);

    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
        len =
            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    }
    server->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (server->fd < 0 ||
        bind(server->fd, (const struct sockaddr *)&address, len) != 0) {
        return false;
    }
    server->path = path[0] == '@' ? NULL : path;
    snprintf(server->name, sizeof(server->name), "unix:%s", path);
    return listen(server->fd, SOMAXCONN) == 0;
}

static bool listen_tcp(struct server *server, const struct addrinfo *found)
{
    int on = 1;

    server->fd = socket(found->ai_family, SOCK_STREAM, 0);
    if (server->fd < 0) {
        return false;
    }
    (void)setsockopt(server->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(server->fd, found->ai_addr, found->ai_addrlen) != 0 ||
        listen(server->fd, SOMAXCONN) != 0) {
        return false;
    }
    listening_name(server->fd, server->name, sizeof(server->name));
    return true;
}

/* Section 2.2 of the specification: what an application is started with. */
static int adopt_descriptor_0(struct server *server)
{
    int listening = 0;
    socklen_t len = sizeof(listening);

    server->fd = 0;
    snprintf(server->name, sizeof(server->name), "descriptor 0");
    if (getsockopt(0, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0 ||
        listening == 0) {
        complain(server->name, "is no listening socket; give an address");
        return EXIT_USAGE;
    }
    return EXIT_SUCCESS;
}

static int open_server(struct server *server, const char *address)
{
    const char *path = path_of(address);
    struct addrinfo *found = NULL;
    bool is_sound;
    bool listens;

    if (path != NULL) {
        is_sound = is_socket_name(path);
        listens = is_sound && listen_unix(server, path);
    } else {
        found = listening_find(address);
        is_sound = found != NULL;
        listens = is_sound && listen_tcp(server, found);
    }
    if (!listens) {
        complain(address,
                 is_sound ? strerror(errno) : fcgi_strerror(FCGI_ERR_ADDRESS));
    }
    if (found != NULL) {
        freeaddrinfo(found);
    }
    if (!is_sound) {
        return EXIT_USAGE;
    }
    return listens ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Let the peer read all that was written: closing a socket at once, while the
 * peer still sends, would take the end of the answer from it. */
static void hang_up(int fd)
{
    const struct timeval patience = {.tv_sec = 1};
    char ignored[4096];

    (void)shutdown(fd, SHUT_WR);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    while (recv(fd, ignored, sizeof(ignored), 0) > 0) {
    }
    close(fd);
}

/* A listening socket that was inherited may be in non-blocking mode. */
static int next_connection(int listener)
{
    int on = 1;
    int fd;

    for (;;) {
        fd = accept(listener, NULL, NULL);
        if (fd >= 0) {
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            return fd;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd ready = {.fd = listener, .events = POLLIN};

            (void)poll(&ready, 1, -1);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return -1;
        }
    }
}

/* A thread: serves until the program ends, or ends it where that fails. */
static void *work(void *context)
{
    const struct server *server = context;
    struct session *session = session_new();
    int fd = session == NULL ? -1 : next_connection(server->fd);

    while (fd >= 0) {
        (void)session_serve(session, fd);
        hang_up(fd);
        fd = next_connection(server->fd);
    }
    complain(server->name, strerror(errno));
    session_free(session);
    (void)kill(getpid(), SIGTERM);
    return NULL;
}

static void serve_until_told(struct server *server)
{
    sigset_t ends;
    pthread_t thread;
    int received;

    signals_keep(&ends);
    for (int i = 0; i < SESSIONS_MAX; i++) {
        int error = pthread_create(&thread, NULL, work, server);

        if (error != 0) {
            complain("threads", strerror(error));
            return;
        }
        (void)pthread_detach(thread);
    }
    printf("fcgi-echo: listening on %s\n", server->name);
    (void)fflush(stdout);
    (void)sigwait(&ends, &received);
}

int main(int argc, char **argv)
{
    static struct server server = {.fd = -1};
    const char *address;
    int code;

    descriptors_occupy(); /* descriptor 0 alone may be open */
    if (!options_read(&address, argc, argv, &code)) {
        return code;
    }
    code = address == NULL ? adopt_descriptor_0(&server)
                           : open_server(&server, address);
    if (code == EXIT_SUCCESS) {
        serve_until_told(&server);
    }
    if (server.path != NULL) {
        (void)unlink(server.path);
    }
    return code == EXIT_SUCCESS && failed ? EXIT_FAILURE : code;
}
