/*
 * loop - drives calls by the events of the host.
 *
 * A table by descriptor says what the host watches, and which call waits for
 * it. Events name a descriptor, not an object, so that one that comes late is
 * harmless: at worst a call is advanced without need.
 *
 * The time limit of a call mostly moves away with each of its events. The heap
 * is left as it is then: a call that turns out not to be due is put back.
 */
#define _POSIX_C_SOURCE 200809L

#include <stddef.h>
#include <string.h>

#include <fcgi_client/loop.h>
#include <fcgi_client/wakeup.h>

#include "../base/allocator.h"
#include "../base/buffer.h"
#include "../net/clock.h"
#include "../net/net.h"
#include "../pool/pool.h"
#include "call.h"
#include "client.h"
#include "timers.h"

enum watch_kind { NOTHING, SOCKET, SOURCE, WAKEUP };

struct watch {
    enum watch_kind kind;
    unsigned events; /* what the host watches it for */
    void *own;       /* the host's */
    struct fcgi_call *call;
};

struct fcgi_loop {
    struct fcgi_allocator allocator;
    struct fcgi_loop_host host;
    struct fcgi_client *client;
    struct fcgi_wakeup *wakeup;
    struct fcgi__buffer watches; /* by descriptor */
    struct fcgi__timers timers;  /* of all calls */
    size_t count;
    int64_t evict_at; /* when idle connections may expire */
    int64_t timer_at; /* when the host's timer expires */
    bool timer_idle;  /* no call was under way when it was set */
};

/*
 * The table.
 */

static struct watch *find_watch(const struct fcgi_loop *loop, int fd)
{
    size_t end = ((size_t)fd + 1) * sizeof(struct watch);

    return fd < 0 || end > loop->watches.len
               ? NULL
               : (struct watch *)(void *)loop->watches.data + fd;
}

/* NULL: there is no memory for it. */
static struct watch *make_watch(struct fcgi_loop *loop, int fd)
{
    size_t len = loop->watches.len;
    size_t end = ((size_t)fd + 1) * sizeof(struct watch);

    if (end > len) {
        if (fcgi__buffer_reserve(&loop->watches, &loop->allocator, end - len) !=
            FCGI_OK) {
            return NULL;
        }
        memset(loop->watches.data + len, 0, end - len);
        loop->watches.len = end;
    }
    return find_watch(loop, fd);
}

/* Have the host watch a descriptor for these events. */
static int set_events(struct fcgi_loop *loop, int fd, struct watch *watch,
                      unsigned events)
{
    int rc;

    if (watch->events == events) {
        return FCGI_OK;
    }
    rc = loop->host.watch(loop->host.context, fd, events, &watch->own);
    watch->events = rc == FCGI_OK ? events : 0;
    return rc;
}

static int begin_watch(struct fcgi_loop *loop, int fd, enum watch_kind kind,
                       struct fcgi_call *call, unsigned events)
{
    struct watch *watch = make_watch(loop, fd);

    if (watch == NULL) {
        return FCGI_ERR_NO_MEMORY;
    }
    watch->kind = kind;
    watch->call = call;
    return set_events(loop, fd, watch, events);
}

static void end_watch(struct fcgi_loop *loop, int fd)
{
    struct watch *watch = find_watch(loop, fd);

    if (watch != NULL) {
        (void)set_events(loop, fd, watch, 0);
        memset(watch, 0, sizeof(*watch));
    }
}

/* A host that hears of changes alone watches a socket for as long as it is
 * open. If it cannot, the call that waits for it finds out. */
static void on_opened(void *context, int fd)
{
    struct fcgi_loop *loop = context;

    (void)begin_watch(loop, fd, SOCKET, NULL,
                      loop->host.edge_triggered ? FCGI__READY : 0);
}

static void on_closing(void *context, int fd)
{
    struct fcgi_loop *loop = context;
    struct watch *watch = find_watch(loop, fd);

    if (watch != NULL && watch->call != NULL) {
        watch->call->member.fd = -1;
    }
    end_watch(loop, fd);
}

/*
 * What calls wait for.
 */

static struct fcgi_call *call_of(struct fcgi__timer *timer)
{
    return (
        struct fcgi_call *)(void *)((char *)timer -
                                    offsetof(struct fcgi_call, member.timer));
}

/* The call no longer waits for its socket, which goes on to be watched for
 * `events` where the host is asked for each change. */
static int leave_socket(struct fcgi_loop *loop, struct fcgi_call *call,
                        unsigned events)
{
    int fd = call->member.fd;
    struct watch *watch = find_watch(loop, fd);

    call->member.fd = -1;
    if (watch == NULL) {
        return FCGI_OK;
    }
    watch->call = NULL;
    return loop->host.edge_triggered ? FCGI_OK
                                     : set_events(loop, fd, watch, events);
}

static int await_socket(struct fcgi_loop *loop, struct fcgi_call *call, int fd,
                        unsigned events)
{
    if (call->member.fd != fd && call->member.fd >= 0) {
        int rc = leave_socket(loop, call, 0);
        if (rc != FCGI_OK) {
            return rc;
        }
    }
    if (fd < 0) {
        return FCGI_OK;
    }
    call->member.fd = fd;
    return begin_watch(loop, fd, SOCKET, call,
                       loop->host.edge_triggered ? FCGI__READY : events);
}

static int await_source(struct fcgi_loop *loop, struct fcgi_call *call, int fd)
{
    if (call->member.source_fd != fd) {
        end_watch(loop, call->member.source_fd);
        call->member.source_fd = fd;
    }
    return fd < 0 ? FCGI_OK
                  : begin_watch(loop, fd, SOURCE, call, FCGI__READABLE);
}

static int await_call(struct fcgi_loop *loop, struct fcgi_call *call)
{
    struct fcgi__wait wait;
    int rc;

    fcgi__call_wait(call, &wait);
    if (wait.until < call->member.timer.due) {
        fcgi__timers_move(&loop->timers, &call->member.timer, wait.until);
    }
    rc = await_socket(loop, call, wait.events == 0 ? -1 : wait.fd, wait.events);
    return rc == FCGI_OK ? await_source(loop, call, wait.other_fd) : rc;
}

/*
 * The life of a call.
 */

static int begin_call(struct fcgi_loop *loop, struct fcgi_call *call,
                      fcgi_loop_done *done)
{
    int rc = fcgi__timers_add(&loop->timers, &loop->allocator,
                              &call->member.timer, FCGI__NEVER);

    if (rc == FCGI_OK) {
        call->member.done = done;
        call->member.fd = -1;
        call->member.source_fd = -1;
        loop->count += 1;
    }
    return rc;
}

/* Connections may be idle from now on. */
static void plan_eviction(struct fcgi_loop *loop, int64_t now)
{
    const struct fcgi_pool_config *config =
        fcgi__pool_config(loop->client->pool);

    if (loop->evict_at == FCGI__NEVER) {
        int64_t idle = fcgi__after(now, config->idle_timeout_ms);
        int64_t age = fcgi__after(now, config->max_age_ms);
        loop->evict_at = idle < age ? idle : age;
    }
}

/* An idle connection stays watched, so that its end is seen. */
static void free_call(struct fcgi_loop *loop, struct fcgi_call *call)
{
    int64_t now = call->now;

    (void)leave_socket(loop, call, FCGI__READABLE);
    end_watch(loop, call->member.source_fd);
    fcgi__timers_remove(&loop->timers, &call->member.timer);
    loop->count -= 1;
    fcgi_call_free(call);
    plan_eviction(loop, now);
}

static void end_call(struct fcgi_loop *loop, struct fcgi_call *call, int error)
{
    fcgi_loop_done *done = call->member.done;
    void *context = call->context;

    free_call(loop, call);
    done(context, error);
}

/* Go on with what a step of the call returned. */
static void judge_step(struct fcgi_loop *loop, struct fcgi_call *call, int rc)
{
    if (rc == FCGI_WAIT) {
        rc = await_call(loop, call);
        if (rc == FCGI_OK) {
            return;
        }
        fcgi_call_cancel(call);
    }
    end_call(loop, call, rc);
}

static void advance_call(struct fcgi_loop *loop, struct fcgi_call *call)
{
    judge_step(loop, call, fcgi_call_advance(call));
}

/*
 * The host's timer.
 */

static int64_t next_due(const struct fcgi_loop *loop)
{
    const struct fcgi__timer *first = fcgi__timers_first(&loop->timers);

    return first != NULL && first->due < loop->evict_at ? first->due
                                                        : loop->evict_at;
}

/* A timer that expires too early is harmless, so that it is not put off. */
static void set_timer(struct fcgi_loop *loop)
{
    int64_t due = next_due(loop);
    bool is_idle = loop->count == 0;

    if (loop->host.set_timer != NULL &&
        (due < loop->timer_at || is_idle != loop->timer_idle)) {
        loop->timer_at = due;
        loop->timer_idle = is_idle;
        loop->host.set_timer(loop->host.context,
                             fcgi__milliseconds_until(due, fcgi__now()));
    }
}

/* A call that is due is advanced once, however soon it is due again. */
static void advance_due(struct fcgi_loop *loop, int64_t now)
{
    struct fcgi__timer *first = fcgi__timers_first(&loop->timers);

    for (size_t left = loop->count;
         left > 0 && first != NULL && first->due <= now; left--) {
        struct fcgi_call *call = call_of(first);
        fcgi__timers_move(&loop->timers, first, FCGI__NEVER);
        advance_call(loop, call);
        first = fcgi__timers_first(&loop->timers);
    }
}

void fcgi_loop_expire(struct fcgi_loop *loop)
{
    int64_t now = fcgi__now();

    if (loop == NULL) {
        return;
    }
    loop->timer_at = FCGI__NEVER; /* it may have expired early */
    if (now >= loop->evict_at) {
        int next_ms = fcgi_pool_evict(loop->client->pool);
        loop->evict_at = fcgi__after(now, next_ms);
    }
    advance_due(loop, now);
    set_timer(loop);
}

int fcgi_loop_timeout_ms(const struct fcgi_loop *loop)
{
    return loop == NULL ? -1
                        : fcgi__milliseconds_until(next_due(loop), fcgi__now());
}

/*
 * Requests.
 */

/* Start a call as the loop's own. */
static int start_call(struct fcgi_loop *loop,
                      const struct fcgi_request *request,
                      struct fcgi_response *response, fcgi_loop_done *done,
                      int64_t now, struct fcgi_call **call)
{
    struct fcgi_request own = *request;
    int rc;

    own.wakeup = loop->wakeup;
    rc = fcgi__call_start(call, loop->client, &own, response, now, false);
    if (rc != FCGI_OK) {
        plan_eviction(loop, now);
        return rc;
    }
    rc = begin_call(loop, *call, done);
    if (rc != FCGI_OK) {
        fcgi_call_free(*call);
    }
    return rc;
}

/* Take the first step, without a call of `done`: a call that has ended is due
 * at once. */
static int step_first(struct fcgi_loop *loop, struct fcgi_call *call,
                      int64_t now)
{
    int rc = fcgi__call_step(call, now, FCGI__WRITABLE);

    if (rc != FCGI_WAIT) {
        fcgi__timers_move(&loop->timers, &call->member.timer, now);
        return FCGI_OK;
    }
    rc = await_call(loop, call);
    if (rc != FCGI_OK) {
        free_call(loop, call);
    }
    return rc;
}

int fcgi_loop_start(struct fcgi_loop *loop, const struct fcgi_request *request,
                    struct fcgi_response *response, fcgi_loop_done *done,
                    struct fcgi_call **call)
{
    struct fcgi_call *started = NULL;
    int64_t now = fcgi__now();
    int rc = FCGI_ERR_ARGUMENT;

    if (loop == NULL || request == NULL || response == NULL || done == NULL) {
        (void)fcgi__call_refuse(response, rc);
    } else {
        rc = start_call(loop, request, response, done, now, &started);
        if (rc == FCGI_OK) {
            rc = step_first(loop, started, now);
        }
        set_timer(loop);
    }
    if (call != NULL) {
        *call = rc == FCGI_OK ? started : NULL;
    }
    return rc;
}

void fcgi_loop_resume(struct fcgi_loop *loop, struct fcgi_call *call)
{
    if (loop != NULL && call != NULL) {
        judge_step(loop, call, fcgi_call_resume(call));
        set_timer(loop);
    }
}

void fcgi_loop_cancel(struct fcgi_loop *loop, struct fcgi_call *call)
{
    if (loop != NULL && call != NULL) {
        free_call(loop, call);
        set_timer(loop);
    }
}

size_t fcgi_loop_count(const struct fcgi_loop *loop)
{
    return loop == NULL ? 0 : loop->count;
}

/*
 * Events.
 */

static void advance_turns(struct fcgi_loop *loop)
{
    struct fcgi_call *call;

    for (call = fcgi_wakeup_next(loop->wakeup); call != NULL;
         call = fcgi_wakeup_next(loop->wakeup)) {
        advance_call(loop, call);
    }
}

static void advance_socket(struct fcgi_loop *loop, int fd, unsigned events,
                           struct fcgi_call *call)
{
    if (call != NULL) {
        advance_call(loop, call);
    } else if ((events & FCGI_EVENT_READ) != 0) {
        fcgi_pool_check_idle(loop->client->pool, fd);
    }
}

void fcgi_loop_ready(struct fcgi_loop *loop, int fd, unsigned events)
{
    struct watch *watch = loop == NULL ? NULL : find_watch(loop, fd);
    struct fcgi_call *call;

    if (watch == NULL) {
        return;
    }
    call = watch->call; /* the table may move meanwhile */
    switch (watch->kind) {
    case SOCKET:
        advance_socket(loop, fd, events, call);
        break;
    case SOURCE:
        judge_step(loop, call, fcgi_call_resume(call));
        break;
    case WAKEUP:
        advance_turns(loop);
        break;
    case NOTHING:
    default:
        break;
    }
    set_timer(loop);
}

/*
 * Creating and freeing.
 */

static int open_client(struct fcgi_loop *loop, const char *address,
                       struct fcgi_client_config *config)
{
    int rc;

    config->pool.evict_by_host = true;
    config->pool.socket_opened = on_opened;
    config->pool.socket_closing = on_closing;
    config->pool.socket_context = loop;
    rc = fcgi_client_new(&loop->client, address, config);
    if (rc == FCGI_OK) {
        rc = fcgi_wakeup_new(&loop->wakeup, loop->client);
    }
    if (rc == FCGI_OK) {
        rc = begin_watch(loop, fcgi_wakeup_fd(loop->wakeup), WAKEUP, NULL,
                         FCGI__READABLE);
    }
    return rc;
}

int fcgi_loop_new(struct fcgi_loop **loop, const char *address,
                  const struct fcgi_client_config *config,
                  const struct fcgi_loop_host *host)
{
    struct fcgi_client_config own = {0};
    struct fcgi_allocator allocator;
    int rc;

    if (loop == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    *loop = NULL;
    if (config != NULL) {
        own = *config;
    }
    if (host == NULL || host->watch == NULL ||
        fcgi__allocator_init(&allocator, &own.pool.allocator) != FCGI_OK) {
        return FCGI_ERR_ARGUMENT;
    }
    *loop = fcgi__allocate(&allocator, sizeof(**loop));
    if (*loop == NULL) {
        return FCGI_ERR_NO_MEMORY;
    }
    (*loop)->allocator = allocator;
    (*loop)->host = *host;
    (*loop)->evict_at = FCGI__NEVER;
    (*loop)->timer_at = FCGI__NEVER;
    (*loop)->timer_idle = true;
    rc = open_client(*loop, address, &own);
    if (rc != FCGI_OK) {
        fcgi_loop_free(*loop);
        *loop = NULL;
    }
    return rc;
}

struct fcgi_client *fcgi_loop_client(struct fcgi_loop *loop)
{
    return loop == NULL ? NULL : loop->client;
}

void fcgi_loop_free(struct fcgi_loop *loop)
{
    struct fcgi_allocator allocator;
    struct fcgi__timer *first;

    if (loop == NULL) {
        return;
    }
    for (first = fcgi__timers_first(&loop->timers); first != NULL;
         first = fcgi__timers_first(&loop->timers)) {
        free_call(loop, call_of(first));
    }
    end_watch(loop, fcgi_wakeup_fd(loop->wakeup));
    fcgi_wakeup_free(loop->wakeup);
    fcgi_client_free(loop->client);
    allocator = loop->allocator;
    fcgi__timers_free(&loop->timers, &allocator);
    fcgi__buffer_free(&loop->watches, &allocator);
    fcgi__release(&allocator, loop);
}
