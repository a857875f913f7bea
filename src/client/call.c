/*
 * call - one request in flight: what comes in which order, the retry, and the
 * account of it all.
 */
#define _POSIX_C_SOURCE 200809L

#include "call.h"
#include "../base/buffer.h"
#include "../exchange/exchange.h"
#include "../exchange/response.h"
#include "../net/clock.h"
#include "../pool/checkout.h"
#include "../pool/trace.h"
#include "client.h"
#include "transport.h"
#include "wakeup.h"

/* A connection that ends later than that after it last took a byte of the
 * request was not stale: the application died at its work. */
#define STALE_MS 1000

/* How long a request waits for its first byte over a connection of its own
 * dialling before idle connections are suspected to hold the workers. */
#define RESCUE_MS 20

enum stage { LEASING, TALKING, ENDED };

struct fcgi_call {
    struct fcgi__cached_call spare; /* first: the pool links calls by it */
    struct fcgi_client *client;
    struct fcgi_exchange *exchange;
    struct fcgi__checkout lease;
    struct fcgi__transport talk;
    struct fcgi_response *response;
    void *context; /* the host's */
    enum fcgi_retry retry;
    uint16_t request_id; /* 0: FCGI_GET_VALUES */
    bool may_block;      /* one thread drives it to its end */
    bool no_abort;       /* FCGI_ABORT_REQUEST is never sent */
    bool is_idempotent;

    enum stage stage;
    int error; /* once it has ended */
    bool retried;
    bool may_have_run;
    bool cancelled;    /* from within the caller's code */
    bool running;      /* the caller's code may be called from within */
    bool rescued;      /* the pool knows that it waits for its first byte */
    int64_t rescue_at; /* when it asks the pool for help; FCGI__NEVER */
    int rescue_ms;     /* and how long after that it does so again */
    int64_t now;
    int64_t started;
};

/*
 * Memory.
 */

static void free_call(struct fcgi__cached_call *spare)
{
    struct fcgi_call *call = (struct fcgi_call *)(void *)spare;

    fcgi_exchange_free(call->exchange);
    fcgi__release(&call->client->allocator, call);
}

/* The limit of the whole holds while params are copied, too. */
static bool is_late(void *context)
{
    const struct fcgi_call *call = context;

    return fcgi__now() >= call->talk.deadline;
}

static struct fcgi_call *make_call(struct fcgi_client *client)
{
    struct fcgi_call *call = fcgi__allocate(&client->allocator, sizeof(*call));

    if (call == NULL) {
        return NULL;
    }
    call->client = client;
    call->spare.release = free_call;
    call->lease.waiter.call = call;
    call->rescue_at = FCGI__NEVER;
    if (fcgi_exchange_new(&call->exchange, &client->allocator) != FCGI_OK) {
        free_call(&call->spare);
        return NULL;
    }
    fcgi__exchange_hurry(call->exchange, is_late, call);
    call->talk.exchange = call->exchange;
    return call;
}

/* Give the call back, and its connection. */
static void give_back(struct fcgi_call *call,
                      struct fcgi_connection *connection, bool reusable)
{
    struct fcgi__cached_call *refused;

    fcgi__exchange_trim(call->exchange);
    refused = fcgi__pool_return(call->client->pool, connection, reusable,
                                call->now, &call->spare);
    if (refused != NULL) {
        free_call(refused);
    }
}

/*
 * The retry. It lives here and nowhere else.
 */

/* What must not run twice does not go over a connection that may be dead. */
static enum fcgi__want wanted_connection(const struct fcgi_call *call,
                                         bool is_replayable)
{
    bool is_safe = call->is_idempotent && is_replayable;

    return call->retry == FCGI_RETRY_SAFE && !is_safe ? FCGI__WANTS_NEW
                                                      : FCGI__WANTS_ANY;
}

/* Whether the connection was dead when the request reached it. */
static bool is_stale(const struct fcgi_call *call, int error)
{
    return (error == FCGI_ERR_CLOSED || error == FCGI_ERR_RESET) &&
           call->lease.connection->reused &&
           !fcgi__exchange_answered(call->exchange) &&
           (call->talk.taken == FCGI__NEVER ||
            call->now <= fcgi__after(call->talk.taken, STALE_MS));
}

/* Once: the retry is over a new connection. */
static bool may_retry(const struct fcgi_call *call, int error)
{
    return call->retry != FCGI_RETRY_NEVER && is_stale(call, error);
}

/* Whether the application may have run what was sent in this attempt. */
static void note_attempt(struct fcgi_call *call, int error)
{
    bool refused = error == FCGI_ERR_OVERLOADED ||
                   error == FCGI_ERR_CANT_MPX_CONN ||
                   error == FCGI_ERR_UNKNOWN_ROLE;

    if (fcgi__exchange_sent_params(call->exchange) && !refused) {
        call->may_have_run = true;
    }
}

/*
 * The rescue: a request that waits for its first byte over a connection dialled
 * for it may wait for a worker that an idle connection holds.
 */

/* The connection is being dialled, or was just now. Only one that connected
 * before it can hold the worker which it waits for, since applications accept
 * in order. A plan made while dialling stays, whatever was closed meanwhile. */
static void plan_rescue(struct fcgi_call *call)
{
    if (call->client->keeps && !call->lease.connection->alone) {
        call->rescue_ms = RESCUE_MS;
        call->rescue_at = fcgi__after(call->now, RESCUE_MS);
    }
}

static void end_rescue(struct fcgi_call *call)
{
    call->rescue_at = FCGI__NEVER;
    if (call->rescued) {
        call->rescued = false;
        fcgi__pool_end_rescue(call->client->pool);
    }
}

/* Ask once, and plan to do so again when the wait has doubled. */
static void rescue(struct fcgi_call *call)
{
    if (call->stage == TALKING && call->talk.first_byte >= 0) {
        end_rescue(call);
    } else if (call->now >= call->rescue_at) {
        fcgi__pool_rescue(call->client->pool, !call->rescued);
        call->rescued = true;
        call->rescue_at = fcgi__after(call->now, call->rescue_ms);
        call->rescue_ms *= 2;
    }
}

/*
 * The end.
 */

static enum fcgi_phase phase_of_lease(const struct fcgi__checkout *lease)
{
    switch (lease->reached) {
    case FCGI__CHECKOUT_QUEUED:
        return FCGI_PHASE_QUEUE;
    case FCGI__CHECKOUT_DIALLING:
    case FCGI__CHECKOUT_READY:
        return FCGI_PHASE_CONNECT;
    case FCGI__CHECKOUT_NONE:
    default:
        return FCGI_PHASE_START;
    }
}

static enum fcgi_phase phase(const struct fcgi_call *call)
{
    if (call->stage == LEASING) {
        return phase_of_lease(&call->lease);
    }
    if (call->response->protocol_status >= 0) {
        return FCGI_PHASE_END;
    }
    if (fcgi__exchange_answered(call->exchange)) {
        return FCGI_PHASE_RECEIVE;
    }
    return fcgi_exchange_sent_all(call->exchange) ? FCGI_PHASE_WAIT
                                                  : FCGI_PHASE_SEND;
}

static void report(const struct fcgi_call *call, int error)
{
    struct fcgi_outcome *outcome = &call->response->outcome;
    const struct fcgi__checkout *lease = &call->lease;
    const struct fcgi__transport *talk = &call->talk;
    bool talked = call->stage == TALKING;

    outcome->error = error;
    outcome->system_error = talked ? talk->system_error : lease->system_error;
    outcome->phase = phase(call);
    outcome->reused = lease->connection != NULL && lease->connection->reused;
    outcome->retried = call->retried;
    outcome->may_have_run = call->may_have_run;
    outcome->safe_to_repeat = !call->may_have_run || call->is_idempotent;
    fcgi__exchange_count(call->exchange);
    outcome->queue_us = lease->queue_us;
    outcome->connect_us = lease->connect_us;
    outcome->first_byte_us =
        talked && talk->first_byte >= 0 ? talk->first_byte - call->started : -1;
    outcome->total_us = call->now - call->started;
}

static bool is_time_limit(int error)
{
    return error == FCGI_ERR_WRITE_TIMEOUT ||
           error == FCGI_ERR_FIRST_BYTE_TIMEOUT ||
           error == FCGI_ERR_IDLE_TIMEOUT || error == FCGI_ERR_DEADLINE;
}

/* Whether the application is left with a request whose answer is no longer
 * awaited. */
static bool is_abandoned(int error)
{
    return is_time_limit(error) || error == FCGI_ERR_CANCELLED ||
           error == FCGI_ERR_SOURCE || error == FCGI_ERR_STATE;
}

static void trace(const struct fcgi_call *call, enum fcgi_trace_kind kind,
                  int error)
{
    const struct fcgi_connection *connection = call->lease.connection;
    int fd = connection == NULL ? -1 : connection->fd;

    fcgi__trace(fcgi__pool_config(call->client->pool), kind, fd, error);
}

/* It has failed: who is to know hears of it, and nothing goes on. */
static void give_up(struct fcgi_call *call, int error)
{
    if (is_time_limit(error)) {
        fcgi__pool_count_timeout(call->client->pool);
        trace(call, FCGI_TRACE_TIMED_OUT, error);
    }
    if (call->stage != TALKING) {
        fcgi__checkout_cancel(&call->lease);
    } else if (!call->no_abort && is_abandoned(error)) {
        /* In the child of a fork() the descriptor is another's by now. */
        call->talk.fd = call->lease.connection->fd;
        fcgi__transport_abort(&call->talk);
    }
    (void)fcgi_exchange_cancel(call->exchange, FCGI_ERR_CANCELLED, NULL);
}

/* The trace is the caller's code too. */
static int end(struct fcgi_call *call, int error)
{
    call->running = true;
    if (call->rescue_at != FCGI__NEVER) {
        end_rescue(call);
    }
    if (error != FCGI_OK) {
        give_up(call, error);
    }
    if (call->stage == TALKING) {
        note_attempt(call, error);
    }
    report(call, error);
    call->running = false;
    call->stage = ENDED;
    call->error = error;
    return error;
}

/*
 * The stages.
 */

/* A connection was had: the request goes out under its next id. */
static void begin_talking(struct fcgi_call *call)
{
    struct fcgi_connection *connection = call->lease.connection;
    uint16_t id = fcgi_connection_next_id(connection);

    if (call->request_id != 0 && id != call->request_id) {
        /* This cannot fail: nothing was taken of a source yet. */
        (void)fcgi_exchange_restart(call->exchange, id);
        call->request_id = id;
    }
    call->stage = TALKING;
    call->talk.hurries = &connection->hurries;
    if (!connection->reused) {
        plan_rescue(call);
    }
    fcgi__transport_begin(&call->talk, fcgi__pool_config(call->client->pool),
                          connection->fd, call->now);
}

/* Go on from where the lease stands. Resolving a name or a host's own dialling
 * may have taken its time. */
static int judge_lease(struct fcgi_call *call, int rc)
{
    if (call->lease.since > call->now) {
        call->now = call->lease.since;
    }
    if (rc >= 0 && call->cancelled) {
        return FCGI_ERR_CANCELLED;
    }
    if (rc == FCGI_WAIT && call->now >= call->talk.deadline) {
        return FCGI_ERR_DEADLINE;
    }
    if (rc == FCGI_OK) {
        begin_talking(call);
    } else if (call->lease.phase == FCGI__CHECKOUT_DIALLING &&
               call->rescue_at == FCGI__NEVER) {
        plan_rescue(call);
    }
    return rc;
}

/* Whoever may block lets a receive do so, once a connection has turned out to
 * be used again: for a single request that costs more than it saves. */
static void let_receives_wait(struct fcgi_call *call)
{
    struct fcgi_connection *connection = call->lease.connection;
    int wanted = call->client->receive_timeout_ms;

    if (connection->reused && connection->receive_timeout_ms != wanted) {
        (void)fcgi__connection_set_blocking(connection, wanted);
    }
    call->talk.receive_timeout_ms = connection->receive_timeout_ms;
}

static int talk(struct fcgi_call *call, unsigned ready)
{
    int rc;

    call->talk.fd = call->lease.connection->fd;
    if (call->talk.fd < 0) {
        return FCGI_ERR_STATE; /* this is the child of a fork() */
    }
    if (call->may_block) {
        let_receives_wait(call);
    }
    rc =
        fcgi__transport_advance(&call->talk, call->now, ready, call->may_block);
    call->now = call->talk.now;
    return rc;
}

/* Begin the second attempt, if there may be one; else the error stands. */
static int retry(struct fcgi_call *call, int error)
{
    note_attempt(call, error);
    if (!may_retry(call, error) ||
        fcgi_exchange_restart(call->exchange, call->request_id) != FCGI_OK) {
        return error;
    }
    if (call->cancelled) {
        call->talk.system_error = 0; /* it says how the first attempt ended */
        return FCGI_ERR_CANCELLED;
    }
    call->now = fcgi__now(); /* going back has taken the source's time */
    call->retried = true;
    call->stage = LEASING;
    fcgi__pool_count_retry(call->client->pool);
    trace(call, FCGI_TRACE_RETRIED, error);
    return judge_lease(call, fcgi__checkout_redial(&call->lease, call->now));
}

/* What to try on a connection that is new to the call. An answer cannot have
 * come before the request: a thread that may wait for it need not look. */
static unsigned ready_at_first(const struct fcgi_call *call)
{
    return call->may_block ? FCGI__WRITABLE : FCGI__READY;
}

/* What is ready was told of the descriptor of the stage it begins in. */
static int advance(struct fcgi_call *call, unsigned ready)
{
    int rc = FCGI_OK;

    if (call->stage == LEASING) {
        rc = judge_lease(call, fcgi__checkout_advance(&call->lease, call->now));
        ready = ready_at_first(call);
    }
    if (call->stage == TALKING) {
        rc = talk(call, ready);
        if (rc < 0) {
            rc = retry(call, rc);
            if (rc == FCGI_OK) {
                rc = talk(call, ready_at_first(call));
            }
        }
    }
    return rc;
}

int fcgi__call_step(struct fcgi_call *call, int64_t now, unsigned ready)
{
    int rc;

    if (call->stage == ENDED) {
        return call->error;
    }
    if (call->running) {
        return FCGI_ERR_STATE;
    }
    if (now > call->now) {
        call->now = now; /* dialling may have gone on beyond it */
    }
    fcgi__exposed_fd_release(&call->lease.shown);
    call->running = true;
    rc = advance(call, ready);
    if (rc == FCGI_WAIT && call->rescue_at != FCGI__NEVER) {
        rescue(call);
        if (call->cancelled) {
            rc = FCGI_ERR_CANCELLED; /* by the trace of what was closed */
        }
    }
    call->running = false;
    return rc == FCGI_WAIT ? rc : end(call, rc);
}

int fcgi_call_advance(struct fcgi_call *call)
{
    return call == NULL ? FCGI_ERR_ARGUMENT
                        : fcgi__call_step(call, fcgi__now(), FCGI__READY);
}

int fcgi_call_resume(struct fcgi_call *call)
{
    if (call == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    if (call->stage == TALKING && !call->running) {
        call->running = true;
        fcgi__transport_resume(&call->talk);
        call->running = false;
    }
    return fcgi__call_step(call, fcgi__now(), FCGI__READY);
}

void fcgi_call_cancel(struct fcgi_call *call)
{
    if (call == NULL || call->stage == ENDED) {
        return;
    }
    if (call->running) {
        call->cancelled = true;
        (void)fcgi_exchange_cancel(call->exchange, FCGI_ERR_CANCELLED, NULL);
    } else {
        call->now = fcgi__now();
        (void)end(call, FCGI_ERR_CANCELLED);
    }
}

/*
 * What it waits for.
 */

static void wait_until(struct fcgi__wait *wait, int64_t moment)
{
    if (moment < wait->until) {
        wait->until = moment;
    }
}

static void tell_wait(const struct fcgi_call *call, struct fcgi__wait *wait)
{
    if (call->stage == TALKING) {
        fcgi__transport_wait(&call->talk, wait);
    } else {
        fcgi__checkout_wait(&call->lease, wait);
        wait_until(wait, call->talk.deadline);
    }
    wait_until(wait, call->rescue_at);
}

unsigned fcgi__call_await(struct fcgi_call *call)
{
    struct fcgi__wait wait;

    tell_wait(call, &wait);
    return call->stage == TALKING ? fcgi__net_wait(&wait)
                                  : fcgi__checkout_await(&call->lease, &wait);
}

static struct fcgi__wait waits_for(const struct fcgi_call *call)
{
    struct fcgi__wait wait = {-1, 0, -1, FCGI__NEVER};

    if (call != NULL && call->stage != ENDED) {
        tell_wait(call, &wait);
    }
    if (wait.events == 0) {
        wait.fd = -1;
    }
    return wait;
}

int fcgi_call_fd(struct fcgi_call *call)
{
    int fd = waits_for(call).fd;

    if (call != NULL && call->stage != ENDED) {
        call->lease.shown.fd = fd;
    }
    return fd;
}

unsigned fcgi_call_events(const struct fcgi_call *call)
{
    struct fcgi__wait wait = waits_for(call);

    return wait.fd < 0 ? 0 : wait.events;
}

int fcgi_call_timeout_ms(const struct fcgi_call *call)
{
    if (call != NULL && call->stage == ENDED) {
        return 0;
    }
    return fcgi__milliseconds_until(waits_for(call).until, fcgi__now());
}

bool fcgi_call_source_waits(const struct fcgi_call *call, int *descriptor)
{
    *descriptor = -1;
    return call != NULL && call->stage == TALKING &&
           fcgi_exchange_source_waits(call->exchange, descriptor);
}

void *fcgi_call_context(const struct fcgi_call *call)
{
    return call == NULL ? NULL : call->context;
}

/*
 * The beginning and the return.
 */

/* What the request leaves open is the client's to say. */
static int resolve(struct fcgi_call *call, const struct fcgi_request *request,
                   struct fcgi_limits *limits)
{
    const struct fcgi_client *client = call->client;

    call->retry =
        request->retry == FCGI_RETRY_DEFAULT ? client->retry : request->retry;
    if ((unsigned)call->retry > FCGI_RETRY_NEVER ||
        fcgi__limits_resolve(limits, &request->limits, &client->limits)) {
        return FCGI_ERR_ARGUMENT;
    }
    if (fcgi__timeouts_resolve(&call->talk.limits, &request->timeouts,
                               &client->timeouts) != FCGI_OK) {
        return FCGI_ERR_ARGUMENT;
    }
    call->talk.deadline =
        fcgi__after(call->started, call->talk.limits.total_ms);
    return FCGI_OK;
}

static int begin_request(struct fcgi_call *call,
                         const struct fcgi_request *request,
                         const struct fcgi_connection *idle)
{
    uint8_t flags = call->client->keeps ? FCGI_FLAG_KEEP_CONN : 0;
    struct fcgi_limits limits;
    int rc = resolve(call, request, &limits);

    call->context = request->context;
    call->no_abort = request->no_abort || call->client->no_abort;
    call->request_id = idle == NULL ? 1 : fcgi__connection_peek_id(idle);
    if (rc == FCGI_OK) {
        rc = fcgi__exchange_begin(call->exchange, request, &limits,
                                  call->response, call->request_id, flags);
    }
    return rc;
}

static int begin_values(struct fcgi_call *call)
{
    call->context = NULL;
    call->request_id = 0;
    call->retry = FCGI_RETRY_SAFE; /* has no method: a new connection, once */
    call->talk.limits = call->client->timeouts;
    call->talk.deadline =
        fcgi__after(call->started, call->talk.limits.total_ms);
    return fcgi__exchange_begin_values(call->exchange, call->response);
}

static void reset(struct fcgi_call *call, struct fcgi_response *response,
                  int64_t now)
{
    call->response = response;
    call->stage = LEASING;
    call->error = FCGI_OK;
    call->retried = false;
    call->may_have_run = false;
    call->cancelled = false;
    call->running = false;
    call->now = now;
    call->started = now;
}

/* Who hears that its turn has come. */
static void choose_wakeup(struct fcgi_call *call,
                          const struct fcgi_request *request)
{
    struct fcgi__turns **turns = &call->lease.waiter.turns;

    if (call->may_block) {
        *turns = NULL;
    } else if (request->wakeup != NULL) {
        *turns = fcgi__wakeup_turns(request->wakeup);
    } else {
        *turns = fcgi__pool_turns(call->client->pool);
    }
}

static int start_lease(struct fcgi_call *call, struct fcgi_connection *idle)
{
    struct fcgi__transport *talk = &call->talk;
    bool is_replayable = fcgi_exchange_replayable(call->exchange);
    struct fcgi__checkout_options options = {
        .check = call->retry == FCGI_RETRY_NEVER || !is_replayable,
        .queue_ms = talk->limits.queue_ms,
        .connect_ms = talk->limits.connect_ms,
    };
    int rc;

    call->is_idempotent = fcgi__exchange_is_idempotent(call->exchange);
    options.want = wanted_connection(call, is_replayable);
    talk->calls_out = fcgi__exchange_calls_out(call->exchange);
    rc = fcgi__checkout_start(&call->lease, call->client->pool, &options, idle,
                              call->now);
    return judge_lease(call, rc);
}

int fcgi__call_refuse(struct fcgi_response *response, int error)
{
    if (response != NULL) {
        fcgi__response_clear(response);
        response->outcome.error = error;
        response->outcome.safe_to_repeat = true;
    }
    return error;
}

/* A call kept by the client, or a new one; and an idle connection, unless there
 * is no place for one. */
static struct fcgi_call *take_call(struct fcgi_client *client, int64_t now,
                                   struct fcgi_connection **idle)
{
    struct fcgi__cached_call *spare = fcgi__pool_take(client->pool, now, idle);

    return spare == NULL ? make_call(client)
                         : (struct fcgi_call *)(void *)spare;
}

int fcgi__call_start(struct fcgi_call **call, struct fcgi_client *client,
                     const struct fcgi_request *request,
                     struct fcgi_response *response, int64_t now,
                     bool may_block)
{
    struct fcgi_connection *idle = NULL;
    struct fcgi_call *made = take_call(client, now, &idle);
    int rc;

    if (made == NULL) {
        (void)fcgi__pool_return(client->pool, idle, true, now, NULL);
        return fcgi__call_refuse(response, FCGI_ERR_NO_MEMORY);
    }
    reset(made, response, now);
    made->may_block = may_block;
    choose_wakeup(made, request);
    rc = request == NULL ? begin_values(made)
                         : begin_request(made, request, idle);
    if (rc != FCGI_OK) {
        if (rc == FCGI_ERR_DEADLINE) {
            fcgi__pool_count_timeout(client->pool);
        }
        give_back(made, idle, true);
        return fcgi__call_refuse(response, rc);
    }
    rc = start_lease(made, idle);
    if (rc < 0) {
        (void)end(made, rc);
        fcgi_call_free(made);
        return rc;
    }
    *call = made;
    return FCGI_OK;
}

int fcgi_call_start(struct fcgi_call **call, struct fcgi_client *client,
                    const struct fcgi_request *request,
                    struct fcgi_response *response)
{
    if (call != NULL) {
        *call = NULL;
    }
    if (call == NULL || client == NULL || request == NULL || response == NULL) {
        return fcgi__call_refuse(response, FCGI_ERR_ARGUMENT);
    }
    return fcgi__call_start(call, client, request, response, fcgi__now(),
                            false);
}

void fcgi_call_free(struct fcgi_call *call)
{
    bool reusable;

    if (call == NULL) {
        return;
    }
    if (call->stage != ENDED) {
        fcgi_call_cancel(call);
    }
    call->lease.shown.fd = -1;
    fcgi__exposed_fd_release(&call->lease.shown);
    reusable = call->error == FCGI_OK && call->request_id != 0 &&
               fcgi_exchange_reusable(call->exchange);
    give_back(call, call->lease.connection, reusable);
}
