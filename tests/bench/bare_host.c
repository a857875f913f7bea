/*
 * bare_host - an event loop over bare sockets: see bare_host.h.
 */
#define _GNU_SOURCE

#include "bare_host.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "harness.h"
#include "sample.h"

#define EVENTS 256
#define ROOM 65536

struct bare_host {
    struct fcgi_slice wire;
    char *room;
    int *fds;
    size_t count;
    int epoll;
    size_t ahead; /* so many were answered that were not yet asked for */
};

static void ask(const struct bare_host *host, int fd)
{
    ssize_t n = send(fd, host->wire.data, host->wire.len, MSG_NOSIGNAL);

    bench_check(n == (ssize_t)host->wire.len, "a request is not sent");
}

static void add(struct bare_host *host, const struct upstream *upstream)
{
    int fd = upstream_connect(upstream);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};

    bench_check(epoll_ctl(host->epoll, EPOLL_CTL_ADD, fd, &event) == 0,
                "epoll");
    host->fds[host->count++] = fd;
    ask(host, fd);
}

struct bare_host *bare_host_open(const struct upstream *upstream, size_t count)
{
    struct fcgi_request request = sample_request(NULL, 0);
    struct bare_host *host = calloc(1, sizeof(*host));

    bench_check(host != NULL, "there is no memory");
    host->wire = sample_wire(&request);
    host->room = bench_memory(ROOM);
    host->fds = calloc(count, sizeof(*host->fds));
    host->epoll = epoll_create1(EPOLL_CLOEXEC);
    bench_check(host->fds != NULL, "there is no memory");
    while (host->count < count) {
        add(host, upstream);
    }
    return host;
}

/* A small answer comes at once. */
void bare_host_run(struct bare_host *host, size_t n)
{
    struct epoll_event events[EVENTS];

    while (host->ahead < n) {
        int count = epoll_wait(host->epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++, host->ahead++) {
            int fd = events[i].data.fd;
            bench_check(recv(fd, host->room, ROOM, 0) > 0, "no answer");
            ask(host, fd);
        }
    }
    host->ahead -= n;
}

void bare_host_close(struct bare_host *host)
{
    for (size_t i = 0; i < host->count; i++) {
        close(host->fds[i]);
    }
    close(host->epoll);
    free(host->fds);
    free(host);
}
