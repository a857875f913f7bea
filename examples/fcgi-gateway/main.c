/*
 * fcgi-gateway - an HTTP/1.1 server in front of a FastCGI application. It reads
 * no files: every request goes to the application.
 *
 *     fcgi-gateway --listen 127.0.0.1:8080 --root /srv/www \
 *         --upstream unix:/run/php/php-fpm.sock
 *
 * It prints where it listens. SIGTERM or SIGINT ends it once the requests under
 * way have ended; a second one ends it at once.
 *
 * libevent waits for events, llhttp parses HTTP; both are in Debian.
 * bufferevents would copy what the library has already received in place, and
 * evhttp wants a whole request before it passes it on: hence plain events.
 * llhttp is what Node.js parses HTTP with: it is strict and fast, allocates
 * nothing, and is maintained for that reason.
 *
 *     main ---- worker: a thread, an event loop, a loop of requests to the
 *               application with its pool of connections
 *                 connection      an HTTP client: its events, its timer
 *                   transaction   a request and its answer
 *                     stages      what is done: reading, asking, sending
 *                     http        parses the request
 *                     body        of the request
 *                     answer      what the client is sent
 *                     patience    how long to wait for the client
 *                   peer, buffer  the client's socket
 *                 memory          what all the requests hold
 */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE /* SO_REUSEPORT */

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fcgi_client.h>

#include "../common/cli.h"
#include "../common/descriptors.h"
#include "../common/listen_address.h"
#include "../common/signals.h"
#include "options.h"
#include "worker.h"

#define BACKLOG 1024

struct thread {
    struct worker worker;
    pthread_t id;
    int fd; /* of the socket that it listens on */
};

/*
 * Listening: each worker has a socket of its own at the same address, and the
 * kernel spreads the clients over them. The first socket is bound before it is
 * shared, which fails if another program listens there.
 */

static void share_address(int fd)
{
    int on = 1;

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
}

/* The sockets of clients inherit TCP_NODELAY: an answer is sent by one system
 * call, and must not wait for the next. */
static int open_socket(int family)
{
    int fd = socket(family, SOCK_STREAM, 0);
    int on = 1;

    if (fd < 0) {
        return fd;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static bool listen_at(int fd, const struct sockaddr *address, socklen_t len,
                      int worker, int workers)
{
    if (worker > 0) {
        share_address(fd);
    }
    if (bind(fd, address, len) != 0) {
        return false;
    }
    if (worker == 0 && workers > 1) {
        share_address(fd);
    }
    return listen(fd, BACKLOG) == 0;
}

/* The first socket finds the port, if any will do. */
static int open_listeners(const struct options *options, struct thread *threads)
{
    struct addrinfo *found = listen_address_resolve(options->listen);
    struct sockaddr_storage address;
    socklen_t len;

    if (found == NULL) {
        return cli_fail(EXIT_USAGE, options->listen,
                        "not an address to listen on");
    }
    len = found->ai_addrlen;
    memcpy(&address, found->ai_addr, len);
    freeaddrinfo(found);
    for (int i = 0; i < options->workers; i++) {
        int fd = open_socket(address.ss_family);

        threads[i].fd = fd;
        if (fd < 0 ||
            !listen_at(fd, (const struct sockaddr *)&address, len, i,
                       options->workers) ||
            getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
            return cli_fail(EXIT_FAILURE, options->listen, strerror(errno));
        }
    }
    return EXIT_SUCCESS;
}

static void announce(int fd)
{
    char name[96];

    listen_address_print(fd, name, sizeof(name));
    (void)printf("fcgi-gateway: listening on %s\n", name);
    (void)fflush(stdout);
}

/*
 * Threads.
 */

static void *run_worker(void *context)
{
    struct worker *worker = context;

    worker_run(worker);
    worker_close(worker);
    return NULL;
}

static int start_thread(const struct options *options, struct thread *thread,
                        int number, int stop)
{
    int rc = worker_open(&thread->worker, options, number, thread->fd, stop);

    if (rc != FCGI_OK) {
        return cli_fail(rc == FCGI_ERR_ADDRESS ? EXIT_USAGE : EXIT_FAILURE,
                        options->upstream, fcgi_strerror(rc));
    }
    rc = pthread_create(&thread->id, NULL, run_worker, &thread->worker);
    return rc == 0 ? EXIT_SUCCESS
                   : cli_fail(EXIT_FAILURE, "could not start a thread",
                              strerror(rc));
}

static int start_threads(const struct options *options, struct thread *threads,
                         int stop)
{
    int code = EXIT_SUCCESS;

    for (int i = 0; i < options->workers && code == EXIT_SUCCESS; i++) {
        code = start_thread(options, &threads[i], i, stop);
    }
    return code;
}

/* The first signal stops the workers, the second ends the program. */
static void wait_for_signal(const sigset_t *ends, int stop)
{
    struct sigaction at_once = {.sa_handler = SIG_DFL};
    int received;

    (void)sigwait(ends, &received);
    (void)sigaction(SIGTERM, &at_once, NULL);
    (void)sigaction(SIGINT, &at_once, NULL);
    (void)pthread_sigmask(SIG_UNBLOCK, ends, NULL);
    (void)close(stop);
}

static int serve(const struct options *options, struct thread *threads)
{
    sigset_t ends;
    int stop[2];
    int code;

    signals_block(&ends);
    code = open_listeners(options, threads);
    if (code == EXIT_SUCCESS && pipe(stop) != 0) {
        code = cli_fail(EXIT_FAILURE, "pipe", strerror(errno));
    }
    if (code == EXIT_SUCCESS) {
        code = start_threads(options, threads, stop[0]);
    }
    if (code != EXIT_SUCCESS) {
        return code;
    }
    announce(threads[0].fd);
    wait_for_signal(&ends, stop[1]);
    for (int i = 0; i < options->workers; i++) {
        (void)pthread_join(threads[i].id, NULL);
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static struct options options; /* as long as the program */
    struct thread *threads;
    int code;

    descriptors_open_standard();
    if (!options_read(&options, argc, argv, &code)) {
        return code;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    threads = calloc((size_t)options.workers, sizeof(*threads));
    if (threads == NULL) {
        return cli_fail(EXIT_FAILURE, "out of memory", "");
    }
    code = serve(&options, threads);
    if (code != EXIT_SUCCESS) {
        exit(code); /* workers that have started may still use all this */
    }
    free(threads);
    return EXIT_SUCCESS;
}
