/*
 * many_calls - a program with an event loop: see many_calls.h.
 *
 * Descriptors are watched for edges once and for all: a pooled connection comes
 * back under its number, and with it the call that uses it now.
 */
#define _GNU_SOURCE

#include "many_calls.h"

#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness.h"
#include "sample.h"

#define EVENTS 256

struct slot {
    struct fcgi_call *call;
    struct fcgi_response response;
};

struct watched {
    bool is;
    size_t slot; /* whose call has the descriptor */
};

struct host {
    struct fcgi_client *client;
    struct fcgi_request request;
    struct slot *slots;
    size_t count;
    struct watched *watched; /* by descriptor */
    int epoll;
    size_t ahead; /* so many have ended that were not yet asked for */
};

size_t host_raise_descriptors(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return (size_t)limit.rlim_cur;
}

/* Do what can be done without waiting. */
static int advance(struct fcgi_call *call)
{
    int rc = fcgi_call_advance(call);

    while (rc == FCGI_WAIT && fcgi_call_timeout_ms(call) == 0) {
        rc = fcgi_call_advance(call);
    }
    return rc;
}

static void watch(struct host *host, size_t slot)
{
    int fd = fcgi_call_fd(host->slots[slot].call);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};

    host->watched[fd].slot = slot;
    if (!host->watched[fd].is) {
        host->watched[fd].is = true;
        bench_check(epoll_ctl(host->epoll, EPOLL_CTL_ADD, fd, &event) == 0,
                    "epoll");
    }
}

/* Whether a call has ended; it is then freed. */
static bool has_ended(struct slot *it, int rc)
{
    if (rc == FCGI_WAIT) {
        return false;
    }
    bench_check(rc == FCGI_OK && it->response.status == 200, fcgi_strerror(rc));
    fcgi_call_free(it->call);
    return true;
}

static int start(struct host *host, struct slot *it)
{
    int rc =
        fcgi_call_start(&it->call, host->client, &host->request, &it->response);

    bench_check(rc == FCGI_OK, "a call cannot begin");
    rc = advance(it->call);
    while (rc == FCGI_WAIT && fcgi_call_fd(it->call) < 0) { /* full backlog */
        poll(NULL, 0, fcgi_call_timeout_ms(it->call));
        rc = advance(it->call);
    }
    return rc;
}

/* Have a call in flight there. Returns how many were answered so soon that they
 * never were. */
static size_t begin(struct host *host, size_t slot)
{
    struct slot *it = &host->slots[slot];
    size_t ended = 0;

    while (has_ended(it, start(host, it))) {
        ended++;
    }
    watch(host, slot);
    return ended;
}

/* Go on with the call on that descriptor, and with the next there if it ends.
 * Returns how many have ended. */
static size_t serve(struct host *host, int fd)
{
    size_t slot = host->watched[fd].slot;
    struct slot *it = &host->slots[slot];

    return has_ended(it, advance(it->call)) ? 1 + begin(host, slot) : 0;
}

void host_run(struct host *host, size_t n)
{
    struct epoll_event events[EVENTS];

    while (host->ahead < n) {
        int count = epoll_wait(host->epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            host->ahead += serve(host, events[i].data.fd);
        }
    }
    host->ahead -= n;
}

struct host *host_open(const struct upstream *upstream, size_t calls)
{
    struct host *host = calloc(1, sizeof(*host));

    bench_check(host != NULL, "there is no memory");
    host->request = sample_request(NULL, 0);
    host->client = upstream_client(upstream, (int)calls);
    host->slots = calloc(calls, sizeof(*host->slots));
    host->watched = calloc(host_raise_descriptors(), sizeof(*host->watched));
    host->epoll = epoll_create1(EPOLL_CLOEXEC);
    bench_check(host->slots != NULL && host->watched != NULL,
                "there is no memory");
    for (; host->count < calls; host->count++) {
        (void)begin(host, host->count);
    }
    return host;
}

void host_close(struct host *host)
{
    for (size_t i = 0; i < host->count; i++) {
        fcgi_call_free(host->slots[i].call);
        fcgi_response_free(&host->slots[i].response);
    }
    fcgi_client_free(host->client);
    close(host->epoll);
    free(host->slots);
    free(host->watched);
    free(host);
}
