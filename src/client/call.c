/*
 * call - one request in flight: the order of its stages, the retry, and the
 * outcome.
 */
#define _POSIX_C_SOURCE 200809L

#include "call.h"
#include "../base/allocator.h"
#include "../exchange/exchange.h"
#include "../exchange/response.h"
#include "../net/clock.h"
#include "../pool/trace.h"
#include "client.h"
#include "wakeup.h"

/* A connection that ends later than this after it last took a byte of the
 * request was not stale: the application died at its work. */
#define STALE_MS 1000

const struct fcgi_request fcgi__get_values;

/*
 * Memory.
 */

static void free_call(struct fcgi__cached_call *cached)
{
    struct fcgi_call *call = (struct fcgi_call *)(void *)cached;

    fcgi_exchange_free(call->options.exchange);
    fcgi__release(&call->client->allocator, call);
}

/* Copying large params must not outlast the limit of the whole. */
static bool is_past_deadline(void *context)
{
    const struct fcgi_call *call = context;

    return fcgi__now() >= call->options.deadline;
}

static struct fcgi_call *new_call(struct fcgi_client *client)
{
    struct fcgi_call *call = fcgi__allocate(&client->allocator, sizeof(*call));

    if (call == NULL) {
        return NULL;
    }
    call->cached.release = free_call;
    call->client = client;
    if (fcgi_exchange_new(&call->options.exchange, &client->allocator) !=
        FCGI_OK) {
        free_call(&call->cached);
        return NULL;
    }
    fcgi__exchange_hurry(call->options.exchange, is_past_deadline, call);
    call->options.config = fcgi__pool_config(client->pool);
    call->options.receive_timeout_ms = client->receive_timeout_ms;
    return call;
}

/* Take a cached call, or a new one, and an idle connection if there is one. */
static struct fcgi_call *take_call(struct fcgi_client *client, int64_t now,
                                   struct fcgi_connection **idle)
{
    struct fcgi__cached_call *cached = fcgi__pool_take(client->pool, now, idle);

    return cached == NULL ? new_call(client)
                          : (struct fcgi_call *)(void *)cached;
}

/* Give the call back to be cached, and its connection to the pool. */
static void give_back(struct fcgi_call *call,
                      struct fcgi_connection *connection, bool reusable)
{
    struct fcgi__cached_call *refused;

    fcgi__exchange_trim(call->options.exchange);
    refused = fcgi__pool_return(call->client->pool, connection, reusable,
                                call->now, &call->cached);
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
    int64_t sent_at = call->transport.sent_at;

    return (error == FCGI_ERR_CLOSED || error == FCGI_ERR_RESET) &&
           call->checkout.connection->reused &&
           !fcgi__exchange_answered(call->options.exchange) &&
           (sent_at == FCGI__NEVER ||
            call->now <= fcgi__after(sent_at, STALE_MS));
}

/* The retry goes over a new connection, which is never stale: there is only
 * one. */
static bool may_retry(const struct fcgi_call *call, int error)
{
    return call->retry != FCGI_RETRY_NEVER && is_stale(call, error);
}

/* Note whether the application may have run what was sent in this attempt. */
static void note_attempt(struct fcgi_call *call, int error)
{
    bool refused = error == FCGI_ERR_OVERLOADED ||
                   error == FCGI_ERR_CANT_MPX_CONN ||
                   error == FCGI_ERR_UNKNOWN_ROLE;

    if (fcgi__exchange_sent_params(call->options.exchange) && !refused) {
        call->may_have_run = true;
    }
}

/*
 * The end.
 */

static enum fcgi_phase phase_of_checkout(const struct fcgi__checkout *checkout)
{
    switch (checkout->reached) {
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

static enum fcgi_phase phase_of(const struct fcgi_call *call)
{
    if (call->stage == FCGI__CALL_CHECKING_OUT) {
        return phase_of_checkout(&call->checkout);
    }
    if (call->response->protocol_status >= 0) {
        return FCGI_PHASE_END;
    }
    if (fcgi__exchange_answered(call->options.exchange)) {
        return FCGI_PHASE_RECEIVE;
    }
    return fcgi_exchange_sent_all(call->options.exchange) ? FCGI_PHASE_WAIT
                                                          : FCGI_PHASE_SEND;
}

static void fill_outcome(const struct fcgi_call *call, int error)
{
    struct fcgi_outcome *outcome = &call->response->outcome;
    const struct fcgi__checkout *checkout = &call->checkout;
    const struct fcgi_connection *c = checkout->connection;
    const struct fcgi__transport *transport = &call->transport;
    bool exchanged = call->stage == FCGI__CALL_EXCHANGING;

    outcome->error = error;
    outcome->system_error =
        exchanged ? transport->system_error : checkout->system_error;
    outcome->phase = phase_of(call);
    outcome->reused = c != NULL && c->reused;
    outcome->retried = call->retried;
    outcome->may_have_run = call->may_have_run;
    outcome->safe_to_repeat = !call->may_have_run || call->is_idempotent;
    fcgi__exchange_count(call->options.exchange);
    outcome->queue_us = checkout->queue_us;
    outcome->connect_us = checkout->connect_us;
    outcome->first_byte_us = exchanged && transport->first_byte_at >= 0
                                 ? transport->first_byte_at - call->started
                                 : -1;
    outcome->total_us = call->now - call->started;
}

static int fd_of(const struct fcgi_call *call)
{
    const struct fcgi_connection *connection = call->checkout.connection;

    return connection == NULL ? -1 : connection->fd;
}

/* Whether an application is left with a request whose answer nobody awaits. */
static bool is_given_up(int error)
{
    return error == FCGI_ERR_CANCELLED || error == FCGI_ERR_SOURCE ||
           error == FCGI_ERR_STATE;
}

static void fail_call(struct fcgi_call *call, int error)
{
    bool expired =
        fcgi__pool_note_expiry(call->client->pool, fd_of(call), error);

    if (call->stage == FCGI__CALL_CHECKING_OUT) {
        fcgi__checkout_cancel(&call->checkout);
    } else if (!call->no_abort && (expired || is_given_up(error))) {
        fcgi__transport_abort(&call->transport);
    }
    (void)fcgi_exchange_cancel(call->options.exchange, FCGI_ERR_CANCELLED,
                               NULL);
}

/* The trace is the caller's code too. */
static int end_call(struct fcgi_call *call, int error)
{
    call->running = true;
    if (fcgi__rescue_is_planned(&call->rescue)) {
        fcgi__rescue_end(&call->rescue, call->client->pool);
    }
    if (error != FCGI_OK) {
        fail_call(call, error);
    }
    if (call->stage == FCGI__CALL_EXCHANGING) {
        note_attempt(call, error);
    }
    fill_outcome(call, error);
    call->running = false;
    call->stage = FCGI__CALL_ENDED;
    call->error = error;
    return error;
}

/*
 * The stages.
 */

/* Applications accept in order: only a connection that was open before this one
 * can occupy the worker which the request waits for. A rescue planned while
 * dialling stays, whatever was closed meanwhile. */
static void plan_rescue(struct fcgi_call *call)
{
    if (call->client->keeps && !call->checkout.connection->connected_alone) {
        fcgi__rescue_plan(&call->rescue, call->now);
    }
}

/* A connection was obtained: the request goes out under its next id. */
static void begin_exchanging(struct fcgi_call *call)
{
    struct fcgi_connection *connection = call->checkout.connection;
    uint16_t id = fcgi_connection_next_id(connection);

    if (call->request_id != 0 && id != call->request_id) {
        /* This cannot fail: nothing has been read from a source yet. */
        (void)fcgi_exchange_restart(call->options.exchange, id);
        call->request_id = id;
    }
    call->stage = FCGI__CALL_EXCHANGING;
    if (!connection->reused) {
        plan_rescue(call);
    }
    fcgi__transport_begin(&call->transport, &call->options, connection,
                          call->now);
}

/* Go on from where the checkout stands. Resolving a name, or a host's own dial
 * function, may have taken time. */
static int judge_checkout(struct fcgi_call *call, int rc)
{
    if (call->checkout.since > call->now) {
        call->now = call->checkout.since;
    }
    if (rc >= 0 && call->cancelled) {
        return FCGI_ERR_CANCELLED;
    }
    if (rc == FCGI_WAIT && call->now >= call->options.deadline) {
        return FCGI_ERR_DEADLINE;
    }
    if (rc == FCGI_OK) {
        begin_exchanging(call);
    } else if (call->checkout.phase == FCGI__CHECKOUT_DIALLING &&
               !fcgi__rescue_is_planned(&call->rescue)) {
        plan_rescue(call);
    }
    return rc;
}

/* Begin the second attempt, if there may be one; else the error stands. */
static int retry_call(struct fcgi_call *call, int error)
{
    note_attempt(call, error);
    if (!may_retry(call, error) ||
        fcgi_exchange_restart(call->options.exchange, call->request_id) !=
            FCGI_OK) {
        return error;
    }
    if (call->cancelled) {
        call->transport.system_error = 0; /* the first attempt's */
        return FCGI_ERR_CANCELLED;
    }
    call->now = fcgi__now(); /* replaying has taken the source's time */
    call->retried = true;
    call->stage = FCGI__CALL_CHECKING_OUT;
    fcgi__pool_count_retry(call->client->pool);
    fcgi__trace(call->options.config, FCGI_TRACE_RETRIED, fd_of(call), error);
    return judge_checkout(call,
                          fcgi__checkout_redial(&call->checkout, call->now));
}

/* What to try on a connection that is new to the call. An answer cannot come
 * before the request: a thread that may wait for it does not look for one. */
static unsigned ready_at_first(const struct fcgi_call *call)
{
    return call->options.may_block ? FCGI__WRITABLE : FCGI__READY;
}

/* `ready` is about the descriptor of the stage that the call is in now. */
static int advance_stages(struct fcgi_call *call, unsigned ready)
{
    int rc = FCGI_OK;

    if (call->stage == FCGI__CALL_CHECKING_OUT) {
        rc = judge_checkout(call,
                            fcgi__checkout_advance(&call->checkout, call->now));
        ready = ready_at_first(call);
    }
    while (rc == FCGI_OK) {
        rc = fcgi__transport_advance(&call->transport, call->now, ready);
        call->now = call->transport.now;
        if (rc >= 0) {
            break;
        }
        rc = retry_call(call, rc);
        ready = ready_at_first(call);
    }
    return rc;
}

/* Once the first byte has come, nothing is waited for. */
static int advance_rescue(struct fcgi_call *call)
{
    if (call->stage == FCGI__CALL_EXCHANGING &&
        call->transport.first_byte_at >= 0) {
        fcgi__rescue_end(&call->rescue, call->client->pool);
    } else {
        fcgi__rescue_advance(&call->rescue, call->client->pool, call->now);
    }
    /* The trace of what was closed may have cancelled the call. */
    return call->cancelled ? FCGI_ERR_CANCELLED : FCGI_WAIT;
}

int fcgi__call_step(struct fcgi_call *call, int64_t now, unsigned ready)
{
    int rc;

    if (call->stage == FCGI__CALL_ENDED) {
        return call->error;
    }
    if (call->running) {
        return FCGI_ERR_STATE;
    }
    if (now > call->now) {
        call->now = now; /* dialling may have gone on beyond it */
    }
    fcgi__exposed_fd_release(&call->checkout.exposed);
    call->running = true;
    rc = advance_stages(call, ready);
    if (rc == FCGI_WAIT && fcgi__rescue_is_planned(&call->rescue)) {
        rc = advance_rescue(call);
    }
    call->running = false;
    return rc == FCGI_WAIT ? rc : end_call(call, rc);
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
    if (call->stage == FCGI__CALL_EXCHANGING && !call->running) {
        call->running = true;
        fcgi__transport_resume(&call->transport);
        call->running = false;
    }
    return fcgi__call_step(call, fcgi__now(), FCGI__READY);
}

void fcgi_call_cancel(struct fcgi_call *call)
{
    if (call == NULL || call->stage == FCGI__CALL_ENDED) {
        return;
    }
    if (call->running) {
        call->cancelled = true;
        (void)fcgi_exchange_cancel(call->options.exchange, FCGI_ERR_CANCELLED,
                                   NULL);
    } else {
        call->now = fcgi__now();
        (void)end_call(call, FCGI_ERR_CANCELLED);
    }
}

/*
 * The beginning.
 */

/* What the request leaves open, the client's options say. */
static int resolve_options(struct fcgi_call *call,
                           const struct fcgi_request *request,
                           struct fcgi_limits *limits)
{
    const struct fcgi_client *client = call->client;

    call->retry =
        request->retry == FCGI_RETRY_DEFAULT ? client->retry : request->retry;
    if ((unsigned)call->retry > FCGI_RETRY_NEVER ||
        fcgi__limits_resolve(limits, &request->limits, &client->limits) !=
            FCGI_OK ||
        fcgi__timeouts_resolve(&call->options.timeouts, &request->timeouts,
                               &client->timeouts) != FCGI_OK) {
        return FCGI_ERR_ARGUMENT;
    }
    call->options.deadline =
        fcgi__after(call->started, call->options.timeouts.total_ms);
    return FCGI_OK;
}

/* Begin the exchange. The id is the one that the connection will give. */
static int begin_request(struct fcgi_call *call,
                         const struct fcgi_request *request,
                         const struct fcgi_connection *idle)
{
    uint8_t flags = call->client->keeps ? FCGI_FLAG_KEEP_CONN : 0;
    struct fcgi_limits limits;
    int rc = resolve_options(call, request, &limits);

    if (rc != FCGI_OK) {
        return rc;
    }
    if (request == &fcgi__get_values) {
        call->retry = FCGI_RETRY_SAFE; /* without a method: a new connection */
        call->request_id = 0;
        return fcgi__exchange_begin_values(call->options.exchange,
                                           call->response);
    }
    call->request_id = idle == NULL ? 1 : fcgi__connection_peek_id(idle);
    return fcgi__exchange_begin(call->options.exchange, request, &limits,
                                call->response, call->request_id, flags);
}

static void reset_call(struct fcgi_call *call,
                       const struct fcgi_request *request,
                       struct fcgi_response *response, int64_t now)
{
    call->response = response;
    call->context = request->context;
    call->no_abort = request->no_abort || call->client->no_abort;
    call->stage = FCGI__CALL_CHECKING_OUT;
    call->error = FCGI_OK;
    call->retried = false;
    call->may_have_run = false;
    call->cancelled = false;
    call->running = false;
    call->now = now;
    call->started = now;
    fcgi__rescue_init(&call->rescue);
}

/* Where it is told that the turn of a queued call has come. */
static struct fcgi__turns *turns_of(const struct fcgi_call *call,
                                    const struct fcgi_request *request)
{
    if (call->options.may_block) {
        return NULL;
    }
    return request->wakeup != NULL ? fcgi__wakeup_turns(request->wakeup)
                                   : fcgi__pool_turns(call->client->pool);
}

static int begin_checkout(struct fcgi_call *call,
                          const struct fcgi_request *request,
                          struct fcgi_connection *idle)
{
    bool is_replayable = fcgi_exchange_replayable(call->options.exchange);
    const struct fcgi__checkout_options options = {
        .want = wanted_connection(call, is_replayable),
        .check = call->retry == FCGI_RETRY_NEVER || !is_replayable,
        .queue_ms = call->options.timeouts.queue_ms,
        .connect_ms = call->options.timeouts.connect_ms,
        .call = call,
        .turns = turns_of(call, request),
    };

    return judge_checkout(
        call, fcgi__checkout_begin(&call->checkout, call->client->pool,
                                   &options, idle, call->now));
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

int fcgi__call_start(struct fcgi_call **call, struct fcgi_client *client,
                     const struct fcgi_request *request,
                     struct fcgi_response *response, int64_t now,
                     bool may_block)
{
    struct fcgi_connection *idle = NULL;
    struct fcgi_call *taken = take_call(client, now, &idle);
    int rc;

    if (taken == NULL) {
        (void)fcgi__pool_return(client->pool, idle, true, now, NULL);
        return fcgi__call_refuse(response, FCGI_ERR_NO_MEMORY);
    }
    reset_call(taken, request, response, now);
    taken->options.may_block = may_block;
    rc = begin_request(taken, request, idle);
    if (rc != FCGI_OK) {
        (void)fcgi__pool_note_expiry(client->pool, -1, rc);
        give_back(taken, idle, true);
        return fcgi__call_refuse(response, rc);
    }
    taken->is_idempotent =
        fcgi__exchange_is_idempotent(taken->options.exchange);
    taken->options.calls_user_code =
        fcgi__exchange_calls_out(taken->options.exchange);
    rc = begin_checkout(taken, request, idle);
    if (rc < 0) {
        (void)end_call(taken, rc);
        fcgi_call_free(taken);
        return rc;
    }
    *call = taken;
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
    if (call->stage != FCGI__CALL_ENDED) {
        fcgi_call_cancel(call);
    }
    call->checkout.exposed.fd = -1;
    fcgi__exposed_fd_release(&call->checkout.exposed);
    reusable = call->error == FCGI_OK && call->request_id != 0 &&
               fcgi_exchange_reusable(call->options.exchange);
    give_back(call, call->checkout.connection, reusable);
}
