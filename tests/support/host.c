/*
 * host - drives pollable calls by poll(): see host.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "ask.h"
#include "process.h"
#include "test.h"
#include "watchdog.h"

/* How long to wait between looks at what no descriptor reports. */
#define GLANCE_MS 1

/* ---- what a call tells -------------------------------------------------- */

struct host_watch host_watch(struct fcgi_call *call)
{
    struct host_watch watch;
    memset(&watch, 0, sizeof(watch));
    watchdog_watch("fcgi_call_fd()");
    watch.fd = fcgi_call_fd(call);
    watchdog_rest();
    if (watch.fd >= 0) {
        assert_int_equal(fstat(watch.fd, &watch.stat), 0);
    }
    return watch;
}

bool host_watch_holds(const struct host_watch *watch)
{
    struct stat now;
    return watch->fd < 0 ||
           (fstat(watch->fd, &now) == 0 && now.st_dev == watch->stat.st_dev &&
            now.st_ino == watch->stat.st_ino);
}

static short poll_events(unsigned events)
{
    short wanted = 0;
    if (events & FCGI_EVENT_READ) {
        wanted |= POLLIN;
    }
    if (events & FCGI_EVENT_WRITE) {
        wanted |= POLLOUT;
    }
    return wanted;
}

bool host_ready(int fd, unsigned events)
{
    struct pollfd one = {fd, poll_events(events), 0};
    return poll(&one, 1, 0) > 0;
}

/* Check that what a call tells the host fits together. */
static void look(struct fcgi_call *call)
{
    int fd = fcgi_call_fd(call);
    unsigned events = fcgi_call_events(call);
    int timeout = fcgi_call_timeout_ms(call);
    assert_true(fd >= -1 && timeout >= -1);
    assert_true(events <= (FCGI_EVENT_READ | FCGI_EVENT_WRITE));
    assert_int_equal(fd < 0, events == 0);
    if (fd >= 0) {
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    }
}

/* ---- its functions ------------------------------------------------------ */

int host_start(struct fcgi_call **call, struct fcgi_client *client,
               const struct fcgi_request *request,
               struct fcgi_response *response)
{
    watchdog_watch("fcgi_call_start()");
    int rc = fcgi_call_start(call, client, request, response);
    watchdog_rest();
    assert_int_equal(*call == NULL, rc != FCGI_OK);
    return rc;
}

struct fcgi_call *host_begin(struct fcgi_client *client,
                             const struct fcgi_request *request,
                             struct fcgi_response *response)
{
    struct fcgi_call *call;
    assert_code(host_start(&call, client, request, response), FCGI_OK);
    return call;
}

/* Go on with the call; the host knew its descriptor before. */
static int go_on(struct fcgi_call *call, int (*function)(struct fcgi_call *),
                 const char *name)
{
    struct host_watch before = host_watch(call);
    watchdog_watch(name);
    int rc = function(call);
    watchdog_rest();
    assert_true(host_watch_holds(&before));
    if (rc == FCGI_WAIT) {
        look(call);
    }
    assert_true(host_watch_holds(&before));
    return rc;
}

int host_advance(struct fcgi_call *call)
{
    return go_on(call, fcgi_call_advance, "fcgi_call_advance()");
}

int host_resume(struct fcgi_call *call)
{
    return go_on(call, fcgi_call_resume, "fcgi_call_resume()");
}

void host_cancel(struct fcgi_call *call)
{
    watchdog_watch("fcgi_call_cancel()");
    fcgi_call_cancel(call);
    watchdog_rest();
}

void host_free(struct fcgi_call *call)
{
    watchdog_watch("fcgi_call_free()");
    fcgi_call_free(call);
    watchdog_rest();
}

/* ---- driving ------------------------------------------------------------ */

int host_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    int64_t until = now_ms() + timeout_ms + 1; /* it is rounded down */
    int rc = poll(fds, count, timeout_ms);
    while (rc < 0 && errno == EINTR) {
        int64_t left = until - now_ms();
        rc = poll(fds, count, timeout_ms < 0 ? -1 : left > 0 ? (int)left : 0);
    }
    return rc;
}

void host_await(struct fcgi_call *call, int limit_ms)
{
    struct pollfd one = {fcgi_call_fd(call),
                         poll_events(fcgi_call_events(call)), 0};
    int timeout = fcgi_call_timeout_ms(call);
    if (limit_ms >= 0 && (timeout < 0 || timeout > limit_ms)) {
        timeout = limit_ms;
    }
    if (one.fd < 0 && timeout < 0) {
        fail_msg("the call waits for nothing");
    }
    assert_true(host_poll(&one, 1, timeout) >= 0);
}

int host_wait(struct fcgi_call *call)
{
    host_await(call, -1);
    return host_advance(call);
}

int host_settle(struct fcgi_call *call)
{
    int rc = host_advance(call);
    while (rc == FCGI_WAIT && fcgi_call_timeout_ms(call) == 0) {
        rc = host_advance(call);
    }
    return rc;
}

int host_run(struct fcgi_call *call)
{
    int rc = host_advance(call);
    while (rc == FCGI_WAIT) {
        rc = host_wait(call);
    }
    return rc;
}

int host_run_beside(struct fcgi_call *call)
{
    int rc = fcgi_call_advance(call);
    while (rc == FCGI_WAIT) {
        struct pollfd one = {fcgi_call_fd(call),
                             poll_events(fcgi_call_events(call)), 0};
        (void)host_poll(&one, 1, fcgi_call_timeout_ms(call));
        rc = fcgi_call_advance(call);
    }
    return rc;
}

int host_run_resuming(struct fcgi_call *call)
{
    int rc = host_advance(call);
    while (rc == FCGI_WAIT) {
        if (fcgi_call_events(call) != 0) {
            host_await(call, GLANCE_MS);
        }
        rc = host_resume(call);
    }
    return rc;
}

void host_run_until(struct fcgi_call *call, struct fake *app,
                    enum fake_event event, size_t times)
{
    int rc = host_advance(call);
    while (rc == FCGI_WAIT && fake_count(app, event) < times) {
        host_await(call, GLANCE_MS);
        rc = host_advance(call);
    }
    assert_code(rc, FCGI_WAIT);
}

int host_do(struct fcgi_client *client, const struct fcgi_request *request,
            struct fcgi_response *response)
{
    struct fcgi_call *call;
    int rc = host_start(&call, client, request, response);
    if (rc == FCGI_OK) {
        rc = host_run(call);
        host_free(call);
    }
    return rc;
}
