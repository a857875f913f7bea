/*
 * fcgi-echo - a FastCGI application that answers with what it was asked: every
 * variable as a line NAME=VALUE, an empty line, then the body as it came, and
 * after that a filter's data.
 *
 *     fcgi-echo unix:/run/echo.sock
 *     fcgi-echo unix:@echo            a name without a file; Linux has them
 *     fcgi-echo 127.0.0.1:9000        port 0: any free one
 *     fcgi-echo                       the socket on descriptor 0, as an
 *                                     application server starts it
 *
 * It prints where it listens. SIGTERM or SIGINT ends it.
 *
 * The lower layers of the library, `record` and `params`, serve an application
 * as well as a client: see `session`. A thread serves one
 * connection at a time; when all threads are busy, more connections wait in the
 * listen queue.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../common/cli.h"
#include "../common/descriptors.h"
#include "../common/signals.h"
#include "listener.h"
#include "options.h"
#include "session.h"

static atomic_bool failed;

/* Only the first of the threads that fail reports it. */
static void fail(const char *what, int error)
{
    if (!atomic_exchange(&failed, true)) {
        (void)cli_fail(EXIT_FAILURE, what, strerror(error));
    }
}

/* Let the peer read all that was written: to close a socket to which the peer
 * is still sending would discard the end of the answer. */
static void hang_up(int fd)
{
    const struct timeval limit = {.tv_sec = 1};
    char ignored[4096];

    (void)shutdown(fd, SHUT_WR);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    while (recv(fd, ignored, sizeof(ignored), 0) > 0) {
    }
    close(fd);
}

/* A thread: serves until the program ends, or ends it if it cannot go on. */
static void *serve_connections(void *context)
{
    const struct listener *listener = context;
    struct session *session = session_new();
    int fd = session == NULL ? -1 : listener_accept(listener);

    while (fd >= 0) {
        (void)session_serve(session, fd);
        hang_up(fd);
        fd = listener_accept(listener);
    }
    fail(listener->name, errno);
    session_free(session);
    (void)kill(getpid(), SIGTERM);
    return NULL;
}

static bool start_threads(struct listener *listener)
{
    pthread_t thread;

    for (int i = 0; i < SESSIONS_MAX; i++) {
        int error = pthread_create(&thread, NULL, serve_connections, listener);

        if (error != 0) {
            fail("could not start a thread", error);
            return false;
        }
        (void)pthread_detach(thread);
    }
    return true;
}

static void serve_until_signal(struct listener *listener)
{
    sigset_t ends;
    int received;

    signals_block(&ends);
    if (start_threads(listener)) {
        printf("fcgi-echo: listening on %s\n", listener->name);
        (void)fflush(stdout);
        (void)sigwait(&ends, &received);
    }
}

int main(int argc, char **argv)
{
    static struct listener listener; /* which threads use until the end */
    const char *address;
    int code;

    descriptors_open_standard(); /* unless descriptor 0 is the socket */
    if (!options_read(&address, argc, argv, &code)) {
        return code;
    }
    code = listener_open(&listener, address);
    if (code == EXIT_SUCCESS) {
        serve_until_signal(&listener);
    }
    listener_close(&listener);
    return code == EXIT_SUCCESS && failed ? EXIT_FAILURE : code;
}
