/*
 * fcgi-gateway - an HTTP server for a FastCGI application: HTTP/1.1 in,
 * FastCGI out. It looks at no file; every request is the application's.
 *
 *     fcgi-gateway --listen 127.0.0.1:8080 --root /srv/www \
 *         --upstream unix:/run/php/php-fpm.sock
 *
 * It says on standard output where it listens, and ends at SIGTERM or SIGINT
 * when the requests under way have ended; at a second one, at once.
 *
 * Events are libevent's, HTTP is read by llhttp. libevent lets a descriptor be
 * registered once, edge-triggered, for all of its life: on a warm connection a
 * request costs a read and a write on either side and its share of
 * epoll_wait(), and nothing else. (libuv's handles are level-triggered, and
 * change their registration at every turn; evhttp and libh2o of Debian want a
 * request whole before they hand it on.) llhttp is what Node.js reads HTTP
 * with: strict, fast, without memory of its own, and kept up for that reason.
 * Both are in Debian; bufferevents would copy what the library receives in its
 * place already, hence plain events.
 *
 *     main ---- worker: a thread, an event loop, a pool of connections
 *                 connection     an HTTP client: its events, its timer
 *                   transaction  a request and its answer: what comes when
 *                     http       the request, taken apart
 *                     body       what it brings
 *                     inquiry    what the application gets of it
 *                     answer     what the client is sent
 *                     ending     how it ends, and what the log says of that
 *                     patience   for how long the client is waited for
 *                   peer         the client's socket
 *                 memory         what all the requests hold
 *                 upstream       the application, in the event loop
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

/*
 * Listening: each worker has a socket of its own at the same address, among
 * which the kernel shares out who connects. The first takes it alone, so that
 * nobody else is there, and then shares it.
 */

static void share(int fd)
{
    int on = 1;

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
}

/* Sockets of those who connect inherit TCP_NODELAY: an answer leaves in one
 * write, and is not to wait for the next. */
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
        share(fd);
    }
    if (bind(fd, address, len) != 0) {
        return false;
    }
    if (worker == 0 && workers > 1) {
        share(fd);
    }
    return listen(fd, BACKLOG) == 0;
}

/* Listen as often as there are workers; the first has found the port. */
static int open_listeners(const struct options *options, int *fds)
{
    struct addrinfo *found = listen_address_resolve(options->listen);
    struct sockaddr_storage address;
    socklen_t len;

    if (found == NULL) {
        return cli_fail(EXIT_USAGE, options->listen,
                        "not an address to listen at");
    }
    len = found->ai_addrlen;
    memcpy(&address, found->ai_addr, len);
    freeaddrinfo(found);
    for (int i = 0; i < options->workers; i++) {
        fds[i] = open_socket(address.ss_family);
        if (fds[i] < 0 ||
            !listen_at(fds[i], (const struct sockaddr *)&address, len, i,
                       options->workers) ||
            getsockname(fds[i], (struct sockaddr *)&address, &len) != 0) {
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
 * Workers.
 */

static void *work(void *context)
{
    struct worker *worker = context;

    worker_run(worker);
    worker_close(worker);
    return NULL;
}

static int start_workers(const struct options *options, struct worker *workers,
                         pthread_t *threads, const int *fds, int stop)
{
    for (int i = 0; i < options->workers; i++) {
        int rc = worker_open(&workers[i], options, i, fds[i], stop);

        if (rc != FCGI_OK) {
            return cli_fail(rc == FCGI_ERR_ADDRESS ? EXIT_USAGE : EXIT_FAILURE,
                            options->upstream, fcgi_strerror(rc));
        }
        rc = pthread_create(&threads[i], NULL, work, &workers[i]);
        if (rc != 0) {
            return cli_fail(EXIT_FAILURE, "threads", strerror(rc));
        }
    }
    return EXIT_SUCCESS;
}

/* The first signal lets the workers stop, the second ends the program. */
static void wait_for_signal(const sigset_t *ends, int stopping_end)
{
    struct sigaction at_once = {.sa_handler = SIG_DFL};
    int received;

    (void)sigwait(ends, &received);
    (void)sigaction(SIGTERM, &at_once, NULL);
    (void)sigaction(SIGINT, &at_once, NULL);
    (void)pthread_sigmask(SIG_UNBLOCK, ends, NULL);
    (void)close(stopping_end);
}

static int serve(const struct options *options, struct worker *workers,
                 pthread_t *threads, int *fds)
{
    sigset_t ends;
    int stop[2];
    int code;

    signals_block(&ends);
    code = open_listeners(options, fds);
    if (code == EXIT_SUCCESS && pipe(stop) != 0) {
        code = cli_fail(EXIT_FAILURE, "pipe", strerror(errno));
    }
    if (code == EXIT_SUCCESS) {
        code = start_workers(options, workers, threads, fds, stop[0]);
    }
    if (code != EXIT_SUCCESS) {
        return code;
    }
    announce(fds[0]);
    wait_for_signal(&ends, stop[1]);
    for (int i = 0; i < options->workers; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct options options;
    struct worker *workers;
    pthread_t *threads;
    int *fds;
    int code;

    descriptors_open_standard();
    if (!options_read(&options, argc, argv, &code)) {
        return code;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    workers = calloc((size_t)options.workers, sizeof(*workers));
    threads = calloc((size_t)options.workers, sizeof(*threads));
    fds = calloc((size_t)options.workers, sizeof(*fds));
    code = workers != NULL && threads != NULL && fds != NULL
               ? serve(&options, workers, threads, fds)
               : cli_fail(EXIT_FAILURE, "memory",
                          fcgi_strerror(FCGI_ERR_NO_MEMORY));
    free(workers);
    free(threads);
    free(fds);
    return code;
}
