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
 *                   peer         the client's socket
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

#include "gateway_events_options.h"
#include "gateway_events_worker.h"

#define EXIT_USAGE 3
#define BACKLOG 1024

static bool complain(const char *what, const char *why)
{
    (void)fprintf(stderr, "fcgi-gateway: %s: %s\n", what, why);
    return false;
}

/*
 * Listening: each worker has a socket of its own at the same address, among
 * which the kernel shares out who connects.
 */

static struct addrinfo *resolve(const char *listen_at)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    const char *colon = strrchr(listen_at, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - listen_at);
    struct addrinfo *found = NULL;
    char host[256];

    if (len > 1 && listen_at[0] == '[' && colon[-1] == ']') {
        listen_at += 1;
        len -= 2;
    }
    if (len == 0 || len >= sizeof(host)) {
        return NULL;
    }
    memcpy(host, listen_at, len);
    host[len] = '\0';
    return getaddrinfo(host, colon + 1, &hints, &found) == 0 ? found : NULL;
}

/* Sockets of those who connect inherit TCP_NODELAY: an answer leaves in one
 * write, and is not to wait for the next. */
static int listen_at(const struct sockaddr *address, socklen_t len)
{
    int fd = socket(address->sa_family, SOCK_STREAM, 0);
    int on = 1;

    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || bind(fd, address, len) != 0 ||
        listen(fd, BACKLOG) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* Listen as often as there are workers; the first has found the port. */
static bool open_listeners(const struct options *options, int *fds,
                           struct sockaddr_storage *address, socklen_t *len)
{
    struct addrinfo *found = resolve(options->listen);

    if (found == NULL) {
        return complain(options->listen, "not an address to listen at");
    }
    memcpy(address, found->ai_addr, found->ai_addrlen);
    *len = found->ai_addrlen;
    freeaddrinfo(found);
    for (int i = 0; i < options->workers; i++) {
        fds[i] = listen_at((const struct sockaddr *)address, *len);
        if (fds[i] < 0 ||
            getsockname(fds[i], (struct sockaddr *)address, len) != 0) {
            return complain(options->listen, strerror(errno));
        }
    }
    return true;
}

static void announce(const struct sockaddr_storage *address, socklen_t len)
{
    char host[64] = "";
    char port[16] = "";

    (void)getnameinfo((const struct sockaddr *)address, len, host, sizeof(host),
                      port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
    (void)printf(strchr(host, ':') == NULL
                     ? "fcgi-gateway: listening on %s:%s\n"
                     : "fcgi-gateway: listening on [%s]:%s\n",
                 host, port);
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

static bool start_workers(const struct options *options, struct worker *workers,
                          pthread_t *threads, const int *fds, int stop)
{
    for (int i = 0; i < options->workers; i++) {
        int rc = worker_open(&workers[i], options, fds[i], stop);

        if (rc != FCGI_OK) {
            return complain(options->upstream, fcgi_strerror(rc));
        }
        rc = pthread_create(&threads[i], NULL, work, &workers[i]);
        if (rc != 0) {
            return complain("threads", strerror(rc));
        }
    }
    return true;
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

static bool serve(const struct options *options, struct worker *workers,
                  pthread_t *threads, int *fds)
{
    struct sockaddr_storage address;
    socklen_t len;
    sigset_t ends;
    int stop[2];

    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &ends, NULL);
    if (!open_listeners(options, fds, &address, &len)) {
        return false;
    }
    if (pipe(stop) != 0) {
        return complain("pipe", strerror(errno));
    }
    if (!start_workers(options, workers, threads, fds, stop[0])) {
        return false;
    }
    announce(&address, len);
    wait_for_signal(&ends, stop[1]);
    for (int i = 0; i < options->workers; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options;
    struct worker *workers;
    pthread_t *threads;
    int *fds;
    bool done = false;

    if (!options_read(&options, argc, argv)) {
        return EXIT_USAGE;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    workers = calloc((size_t)options.workers, sizeof(*workers));
    threads = calloc((size_t)options.workers, sizeof(*threads));
    fds = calloc((size_t)options.workers, sizeof(*fds));
    if (workers != NULL && threads != NULL && fds != NULL) {
        done = serve(&options, workers, threads, fds);
    }
    free(workers);
    free(threads);
    free(fds);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
