/*
 * loop_libuv - fcgi_loop for a program with libuv.
 *
 *     struct fcgi_loop_libuv fcgi;
 *     fcgi_loop_libuv_new(&fcgi, uv_default_loop(),
 *                         "unix:/run/php/php-fpm.sock", NULL);
 *     fcgi_loop_start(fcgi.loop, &request, &response, done, NULL);
 *     uv_run(uv_default_loop(), UV_RUN_DEFAULT);
 *
 *     fcgi_loop_libuv_free(&fcgi);
 *     uv_run(uv_default_loop(), UV_RUN_DEFAULT);     closes the handles
 */
#ifndef FCGI_CLIENT_LOOP_LIBUV_H
#define FCGI_CLIENT_LOOP_LIBUV_H

#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include <fcgi_client/loop.h>

struct fcgi_loop_libuv {
    struct fcgi_loop *loop;
    uv_loop_t *uv;
    uv_timer_t *timer;
};

/* A descriptor's handle. */
struct fcgi_loop_libuv_handle {
    uv_poll_t poll; /* first: libuv returns it */
    struct fcgi_loop_libuv *fcgi;
    int fd;
};

static inline void fcgi_loop_libuv_free_handle(uv_handle_t *handle)
{
    free(handle);
}

static inline void fcgi_loop_libuv_on_event(uv_poll_t *poll, int status,
                                            int what)
{
    struct fcgi_loop_libuv_handle *watch =
        (struct fcgi_loop_libuv_handle *)poll;
    unsigned events =
        ((what & UV_READABLE) != 0 ? (unsigned)FCGI_EVENT_READ : 0U) |
        ((what & UV_WRITABLE) != 0 ? (unsigned)FCGI_EVENT_WRITE : 0U);

    if (status != 0) {
        events = FCGI_EVENT_READ | FCGI_EVENT_WRITE;
    }
    fcgi_loop_ready(watch->fcgi->loop, watch->fd, events);
}

static inline void fcgi_loop_libuv_on_timer(uv_timer_t *timer)
{
    fcgi_loop_expire(((struct fcgi_loop_libuv *)timer->data)->loop);
}

static inline int fcgi_loop_libuv_begin(struct fcgi_loop_libuv *fcgi, int fd,
                                        void **own)
{
    struct fcgi_loop_libuv_handle *watch =
        (struct fcgi_loop_libuv_handle *)calloc(1, sizeof(*watch));

    if (watch == NULL) {
        return FCGI_ERR_NO_MEMORY;
    }
    if (uv_poll_init(fcgi->uv, &watch->poll, fd) != 0) {
        free(watch);
        return FCGI_ERR_SYSTEM;
    }
    uv_unref((uv_handle_t *)&watch->poll); /* the timer keeps uv_run() going */
    watch->fcgi = fcgi;
    watch->fd = fd;
    *own = watch;
    return FCGI_OK;
}

static inline int fcgi_loop_libuv_watch(void *context, int fd, unsigned events,
                                        void **own)
{
    struct fcgi_loop_libuv *fcgi = (struct fcgi_loop_libuv *)context;
    int rc = *own == NULL ? fcgi_loop_libuv_begin(fcgi, fd, own) : FCGI_OK;
    struct fcgi_loop_libuv_handle *watch =
        (struct fcgi_loop_libuv_handle *)*own;

    if (rc != FCGI_OK) {
        return rc;
    }
    if (events == 0) {
        uv_close((uv_handle_t *)&watch->poll, fcgi_loop_libuv_free_handle);
        *own = NULL;
        return FCGI_OK;
    }
    return uv_poll_start(
               &watch->poll,
               ((events & FCGI_EVENT_READ) != 0 ? UV_READABLE : 0) |
                   ((events & FCGI_EVENT_WRITE) != 0 ? UV_WRITABLE : 0),
               fcgi_loop_libuv_on_event) == 0
               ? FCGI_OK
               : FCGI_ERR_SYSTEM;
}

/* Requests keep uv_run() going, idle connections do not. */
static inline void fcgi_loop_libuv_set_timer(void *context, int milliseconds)
{
    struct fcgi_loop_libuv *fcgi = (struct fcgi_loop_libuv *)context;
    bool is_idle = fcgi_loop_count(fcgi->loop) == 0;

    if (milliseconds < 0 && is_idle) {
        (void)uv_timer_stop(fcgi->timer);
        return;
    }
    (void)uv_timer_start(fcgi->timer, fcgi_loop_libuv_on_timer,
                         milliseconds < 0 ? 3600000U : (uint64_t)milliseconds,
                         0);
    if (is_idle) {
        uv_unref((uv_handle_t *)fcgi->timer);
    } else {
        uv_ref((uv_handle_t *)fcgi->timer);
    }
}

/** Free the loop. Run uv_run() after this, which closes its handles. NULL in
 *  its place is allowed. */
static inline void fcgi_loop_libuv_free(struct fcgi_loop_libuv *fcgi)
{
    fcgi_loop_free(fcgi->loop);
    fcgi->loop = NULL;
    if (fcgi->timer != NULL) {
        uv_close((uv_handle_t *)fcgi->timer, fcgi_loop_libuv_free_handle);
        fcgi->timer = NULL;
    }
}

/** Make a loop in libuv's: see fcgi_loop_new(). `fcgi` must stay where it is
 *  until fcgi_loop_libuv_free(). */
static inline int fcgi_loop_libuv_new(struct fcgi_loop_libuv *fcgi,
                                      uv_loop_t *uv, const char *address,
                                      const struct fcgi_client_config *config)
{
    struct fcgi_loop_host host;
    int rc;

    memset(&host, 0, sizeof(host));
    host.watch = fcgi_loop_libuv_watch;
    host.set_timer = fcgi_loop_libuv_set_timer;
    host.context = fcgi;
    fcgi->loop = NULL;
    fcgi->uv = uv;
    fcgi->timer = (uv_timer_t *)malloc(sizeof(*fcgi->timer));
    if (fcgi->timer == NULL || uv_timer_init(uv, fcgi->timer) != 0) {
        free(fcgi->timer);
        return FCGI_ERR_NO_MEMORY;
    }
    fcgi->timer->data = fcgi;
    rc = fcgi_loop_new(&fcgi->loop, address, config, &host);
    if (rc != FCGI_OK) {
        fcgi_loop_libuv_free(fcgi);
    }
    return rc;
}

#endif
