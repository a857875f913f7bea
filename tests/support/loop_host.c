/*
 * loop_host - an event loop for an fcgi_loop: see loop_host.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "loop_host.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif

#include "fixture.h"

/* ---- epoll -------------------------------------------------------------- */

#ifdef __linux__
static int open_epoll(void)
{
    return epoll_create1(EPOLL_CLOEXEC);
}

static void control(const struct loop_host *host, int operation, int fd,
                    unsigned events)
{
    struct epoll_event event;
    memset(&event, 0, sizeof(event));
    event.events = (uint32_t)EPOLLET |
                   (events & FCGI_EVENT_READ ? (uint32_t)EPOLLIN : 0) |
                   (events & FCGI_EVENT_WRITE ? (uint32_t)EPOLLOUT : 0);
    event.data.fd = fd;
    assert_int_equal(epoll_ctl(host->epoll, operation, fd, &event), 0);
}

static void change_epoll(const struct loop_host *host, int fd, unsigned events)
{
    if (events == 0) {
        control(host, EPOLL_CTL_DEL, fd, 0);
    } else {
        control(host, host->watched[fd] == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
                fd, events);
    }
}

static void turn_epoll(struct loop_host *host, int timeout)
{
    struct epoll_event events[64];
    int count = epoll_wait(host->epoll, events, 64, timeout);
    assert_true(count >= 0 || errno == EINTR);
    for (int i = 0; i < count; i++) {
        uint32_t got = events[i].events;
        fcgi_loop_ready(
            host->loop, events[i].data.fd,
            (got & ~(uint32_t)EPOLLOUT ? (unsigned)FCGI_EVENT_READ : 0) |
                (got & ~(uint32_t)EPOLLIN ? (unsigned)FCGI_EVENT_WRITE : 0));
    }
}
#else
static int open_epoll(void)
{
    return -1;
}

static void change_epoll(const struct loop_host *host, int fd, unsigned events)
{
    (void)host;
    (void)fd;
    (void)events;
}

static void turn_epoll(struct loop_host *host, int timeout)
{
    (void)host;
    (void)timeout;
}
#endif

/* ---- the host ----------------------------------------------------------- */

void loop_host_done(void *context, int error)
{
    struct loop_host_end *end = context;
    end->count += 1;
    end->error = error;
}

/* A descriptor begins without a pointer of the host's, and ends so. */
static int watch(void *context, int fd, unsigned events, void **own)
{
    struct loop_host *host = context;
    assert_true(fd >= 0 && fd < LOOP_HOST_FDS);
    assert_ptr_equal(*own, host->watched[fd] == 0 ? NULL : host);
    host->changes += 1;
    if (host->fails_after > 0 && host->changes > host->fails_after) {
        return FCGI_ERR_NO_MEMORY;
    }
    if (host->epoll >= 0) {
        change_epoll(host, fd, events);
    }
    host->watched[fd] = events;
    *own = events == 0 ? NULL : host;
    return FCGI_OK;
}

static void set_timer(void *context, int milliseconds)
{
    struct loop_host *host = context;
    host->timer_ms = milliseconds;
    host->timers += 1;
}

static void free_loop(void *what)
{
    struct loop_host *host = what;
    fcgi_loop_free(host->loop);
    if (host->epoll >= 0) {
        assert_int_equal(close(host->epoll), 0);
    }
    assert_int_equal(loop_host_watched(host), 0);
}

struct loop_host *loop_host_open(void **state, const char *address,
                                 const struct fcgi_client_config *config,
                                 bool edge_triggered)
{
    struct loop_host *host = fixture_alloc(state, sizeof(*host));
    struct fcgi_loop_host functions = {.watch = watch,
                                       .set_timer = set_timer,
                                       .context = host,
                                       .edge_triggered = edge_triggered};
    host->epoll = edge_triggered ? open_epoll() : -1;
    if (edge_triggered && host->epoll < 0) {
        skip();
    }
    host->timer_ms = -1;
    assert_code(fcgi_loop_new(&host->loop, address, config, &functions),
                FCGI_OK);
    fixture_defer(state, free_loop, host);
    return host;
}

static unsigned readiness(const struct pollfd *pollfd)
{
    unsigned events = 0;
    if ((pollfd->revents & ~POLLOUT) != 0) {
        events |= FCGI_EVENT_READ;
    }
    if ((pollfd->revents & ~POLLIN) != 0) {
        events |= FCGI_EVENT_WRITE;
    }
    return events;
}

static void turn_poll(struct loop_host *host, int timeout)
{
    struct pollfd pollfds[LOOP_HOST_FDS];
    nfds_t count = 0;
    for (int fd = 0; fd < LOOP_HOST_FDS; fd++) {
        unsigned wanted = host->watched[fd];
        short events = (short)((wanted & FCGI_EVENT_READ ? POLLIN : 0) |
                               (wanted & FCGI_EVENT_WRITE ? POLLOUT : 0));
        if (wanted != 0) {
            pollfds[count++] = (struct pollfd){fd, events, 0};
        }
    }
    if (poll(pollfds, count, timeout) < 0) {
        assert_int_equal(errno, EINTR);
        return;
    }
    for (nfds_t i = 0; i < count; i++) {
        unsigned events = readiness(&pollfds[i]);
        if (events != 0) {
            fcgi_loop_ready(host->loop, pollfds[i].fd, events);
        }
    }
}

void loop_host_turn(struct loop_host *host, int most_ms)
{
    int timeout = fcgi_loop_timeout_ms(host->loop);
    if (timeout < 0 || (most_ms >= 0 && most_ms < timeout)) {
        timeout = most_ms;
    }
    if (host->epoll >= 0) {
        turn_epoll(host, timeout);
    } else {
        turn_poll(host, timeout);
    }
    fcgi_loop_expire(host->loop);
}

void loop_host_run(struct loop_host *host)
{
    while (fcgi_loop_count(host->loop) > 0) {
        loop_host_turn(host, -1);
    }
}

size_t loop_host_watched(const struct loop_host *host)
{
    size_t count = 0;
    for (size_t fd = 0; fd < LOOP_HOST_FDS; fd++) {
        count += host->watched[fd] != 0;
    }
    return count;
}
