/*
 * loop_epoll - fcgi_loop for a program with an epoll descriptor (Linux).
 *
 *     struct fcgi_loop_epoll fcgi;
 *     fcgi_loop_epoll_new(&fcgi, epoll, 0, "unix:/run/php/php-fpm.sock", NULL);
 *     fcgi_loop_start(fcgi.loop, &request, &response, done, NULL);
 *
 *     for (;;) {
 *         n = epoll_wait(epoll, events, 64, fcgi_loop_timeout_ms(fcgi.loop));
 *         for (i = 0; i < n; i++)
 *             if (!fcgi_loop_epoll_ready(&fcgi, &events[i]))
 *                 ... an event of the program's own
 *         fcgi_loop_expire(fcgi.loop);
 *     }
 *
 *     fcgi_loop_free(fcgi.loop);
 *
 * In events of the loop, `data.u64` is the descriptor plus `tag`, a multiple of
 * 2 to the 32nd that the program uses for nothing else.
 */
#ifndef FCGI_CLIENT_LOOP_EPOLL_H
#define FCGI_CLIENT_LOOP_EPOLL_H

#include <stdbool.h>
#include <stdint.h>

#include <string.h>
#include <sys/epoll.h>

#include <fcgi_client/loop.h>

struct fcgi_loop_epoll {
    struct fcgi_loop *loop;
    int epoll;
    uint64_t tag;
};

static inline int fcgi_loop_epoll_watch(void *context, int fd, unsigned events,
                                        void **own)
{
    struct fcgi_loop_epoll *fcgi = (struct fcgi_loop_epoll *)context;
    struct epoll_event event;
    int operation = *own == NULL  ? EPOLL_CTL_ADD
                    : events == 0 ? EPOLL_CTL_DEL
                                  : EPOLL_CTL_MOD;

    event.events = EPOLLET | EPOLLRDHUP |
                   ((events & FCGI_EVENT_READ) != 0 ? EPOLLIN : 0U) |
                   ((events & FCGI_EVENT_WRITE) != 0 ? EPOLLOUT : 0U);
    event.data.u64 = fcgi->tag + (uint64_t)(unsigned)fd;
    if (epoll_ctl(fcgi->epoll, operation, fd, &event) != 0) {
        return FCGI_ERR_SYSTEM;
    }
    *own = events == 0 ? NULL : (void *)fcgi;
    return FCGI_OK;
}

/** Make a loop over the program's epoll descriptor: see fcgi_loop_new(). `fcgi`
 *  must stay where it is until fcgi_loop_free(). */
static inline int fcgi_loop_epoll_new(struct fcgi_loop_epoll *fcgi, int epoll,
                                      uint64_t tag, const char *address,
                                      const struct fcgi_client_config *config)
{
    struct fcgi_loop_host host;

    memset(&host, 0, sizeof(host));
    host.watch = fcgi_loop_epoll_watch;
    host.context = fcgi;
    host.edge_triggered = true;
    fcgi->epoll = epoll;
    fcgi->tag = tag;
    return fcgi_loop_new(&fcgi->loop, address, config, &host);
}

/** Pass on an event; false: it is not of this loop. */
static inline bool fcgi_loop_epoll_ready(struct fcgi_loop_epoll *fcgi,
                                         const struct epoll_event *event)
{
    unsigned events = 0;

    if (event->data.u64 - fcgi->tag > UINT32_MAX) {
        return false;
    }
    if ((event->events & ~(uint32_t)EPOLLOUT) != 0) {
        events |= FCGI_EVENT_READ;
    }
    if ((event->events & ~(uint32_t)(EPOLLIN | EPOLLRDHUP)) != 0) {
        events |= FCGI_EVENT_WRITE;
    }
    fcgi_loop_ready(fcgi->loop, (int)(event->data.u64 - fcgi->tag), events);
    return true;
}

#endif
