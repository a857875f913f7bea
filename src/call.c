/*
 * call - one request in flight.
 *
 * Time that passes in the caller's sources and sinks is taken out of what the
 * application is charged with: it counts for the limit of the whole alone.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <string.h>

#include "buffer.h"
#include "call.h"
#include "client.h"
#include "clock.h"
#include "exchange.h"
#include "lease.h"
#include "response.h"

/* Enough for a prologue and seven records of a large body: more than a socket
 * takes at once. */
#define SLICES 16

enum stage { LEASING, TALKING, ENDED };

struct fcgi_call {
    struct fcgi__spare spare; /* first: the pool links calls by it */
    struct fcgi_client *client;
    struct fcgi_exchange *exchange;
    struct fcgi__lease lease;
    enum stage stage;
    int error; /* once it has ended */

    struct fcgi_response *response;
    struct fcgi_timeouts timeouts;
    enum fcgi_retry retry;
    uint16_t request_id;
    bool calls_out;
    bool retried;
    bool may_have_run;
    bool pending; /* the socket did not take all there was */

    int64_t now;
    int64_t started;
    int64_t deadline;
    int64_t accepted;   /* when the socket last took a byte, */
    int64_t received;   /* or gave one */
    int64_t first_byte; /* -1: none yet */
};

/*
 * Memory.
 */

static void free_call(struct fcgi_client *client, struct fcgi_call *call)
{
    fcgi_exchange_free(call->exchange);
    fcgi__release(&client->allocator, call);
}

static struct fcgi_call *make_call(struct fcgi_client *client)
{
    struct fcgi_call *call = fcgi__allocate(&client->allocator, sizeof(*call));

    if (call == NULL) {
        return NULL;
    }
    call->client = client;
    if (fcgi_exchange_new(&call->exchange, &client->allocator) != FCGI_OK) {
        free_call(client, call);
        return NULL;
    }
    return call;
}

static struct fcgi_call *call_of(struct fcgi__spare *spare)
{
    return (struct fcgi_call *)(void *)spare;
}

void fcgi__calls_free(struct fcgi_client *client)
{
    struct fcgi_connection *none;
    struct fcgi__spare *spare = fcgi__pool_take(client->pool, 0, &none);

    while (spare != NULL) {
        free_call(client, call_of(spare));
        spare = fcgi__pool_take(client->pool, 0, &none);
    }
}

/* Give the call back, and its connection. */
static void give_back(struct fcgi_call *call,
                      struct fcgi_connection *connection, bool reusable)
{
    struct fcgi_client *client = call->client;
    struct fcgi__spare *refused;

    fcgi__exchange_forget(call->exchange);
    refused = fcgi__pool_return(client->pool, connection, reusable, call->now,
                                &call->spare);
    if (refused != NULL) {
        free_call(client, call);
    }
}

/*
 * The retry. It lives here and nowhere else.
 */

/* RFC 9110, section 9.2.2. */
static bool is_idempotent(const struct fcgi_call *call)
{
    static const char *const methods[] = {"GET",   "HEAD", "OPTIONS",
                                          "TRACE", "PUT",  "DELETE"};
    const char *method = fcgi__exchange_method(call->exchange);

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(method, methods[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool policy_allows(const struct fcgi_call *call)
{
    switch (call->retry) {
    case FCGI_RETRY_STALE:
        return true;
    case FCGI_RETRY_IDEMPOTENT:
        return is_idempotent(call) || !fcgi__exchange_sent_any(call->exchange);
    default:
        return false;
    }
}

static bool may_retry(const struct fcgi_call *call, int error)
{
    return (error == FCGI_ERR_CLOSED || error == FCGI_ERR_RESET) &&
           call->lease.connection->reused && !call->retried &&
           !fcgi__exchange_answered(call->exchange) && policy_allows(call);
}

/* Whether a dead connection must be found before anything is sent over it,
 * since the request cannot be sent again. */
static bool must_check(const struct fcgi_call *call)
{
    return call->retry == FCGI_RETRY_NEVER ||
           (call->retry == FCGI_RETRY_IDEMPOTENT && !is_idempotent(call)) ||
           !fcgi_exchange_replayable(call->exchange);
}

/*
 * The end.
 */

static enum fcgi_phase phase_of_lease(const struct fcgi__lease *lease)
{
    switch (lease->reached) {
    case FCGI__LEASE_QUEUED:
        return FCGI_PHASE_QUEUE;
    case FCGI__LEASE_DIALLING:
    case FCGI__LEASE_READY:
        return FCGI_PHASE_CONNECT;
    case FCGI__LEASE_NONE:
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

static bool was_refused(int error)
{
    return error == FCGI_ERR_OVERLOADED || error == FCGI_ERR_CANT_MPX_CONN ||
           error == FCGI_ERR_UNKNOWN_ROLE;
}

static void note_attempt(struct fcgi_call *call, int error)
{
    if (fcgi__exchange_sent_params(call->exchange) && !was_refused(error)) {
        call->may_have_run = true;
    }
}

static void report(struct fcgi_call *call, int error)
{
    struct fcgi_outcome *outcome = &call->response->outcome;
    const struct fcgi__lease *lease = &call->lease;

    outcome->error = error;
    outcome->system_error = lease->system_error;
    outcome->reused = lease->connection != NULL && lease->connection->reused;
    outcome->retried = call->retried;
    outcome->may_have_run = call->may_have_run;
    outcome->safe_to_repeat = !call->may_have_run || is_idempotent(call);
    fcgi__exchange_count(call->exchange);
    outcome->queue_us = lease->queue_us;
    outcome->connect_us = lease->connect_us;
    outcome->first_byte_us =
        call->first_byte < 0 ? -1 : call->first_byte - call->started;
    outcome->total_us = call->now - call->started;
}

/* The limits kept here; those of the lease are counted there. */
static bool is_time_limit(int error)
{
    switch (error) {
    case FCGI_ERR_WRITE_TIMEOUT:
    case FCGI_ERR_FIRST_BYTE_TIMEOUT:
    case FCGI_ERR_IDLE_TIMEOUT:
    case FCGI_ERR_DEADLINE:
        return true;
    default:
        return false;
    }
}

/* Tell the application to give up, if that can be said without waiting. */
static void send_abort(struct fcgi_call *call)
{
    uint8_t record[FCGI_RECORD_HEADER_LEN];
    struct fcgi_slice slice = {(const char *)record, 0};
    size_t sent;

    slice.len = fcgi__exchange_abort(call->exchange, record);
    if (slice.len > 0 && call->lease.connection->fd >= 0) {
        (void)fcgi__net_send(call->lease.connection->fd, &slice, 1, &sent);
    }
}

static int end(struct fcgi_call *call, int error)
{
    bool limit = is_time_limit(error);

    call->response->outcome.phase = phase(call);
    if (limit) {
        fcgi__pool_count_timeout(call->client->pool);
    }
    if (call->stage == TALKING) {
        note_attempt(call, error);
        if (limit || error == FCGI_ERR_CANCELLED || error == FCGI_ERR_STATE ||
            error == FCGI_ERR_SOURCE) {
            send_abort(call);
        }
    } else {
        fcgi__lease_cancel(&call->lease);
    }
    (void)fcgi_exchange_cancel(call->exchange, FCGI_ERR_CANCELLED, NULL);
    report(call, error);
    call->stage = ENDED;
    call->error = error;
    return error;
}

/*
 * Time.
 */

/* Take time that passed in the caller's code off what the application is
 * charged with. */
static void forgive(struct fcgi_call *call, int64_t since)
{
    if (call->calls_out) {
        call->now = fcgi__now();
        call->accepted += call->now - since;
        call->received += call->now - since;
    }
}

static void consider(int64_t *next, int *error, int64_t start, int limit_ms,
                     int limit_error)
{
    int64_t moment = fcgi__after(start, limit_ms);

    if (moment < *next) {
        *next = moment;
        *error = limit_error;
    }
}

/* The time limit that ends first, and the error it ends with. */
static int64_t next_limit(const struct fcgi_call *call, int *error)
{
    const struct fcgi_timeouts *limits = &call->timeouts;
    int64_t next = call->deadline;
    int64_t moved =
        call->accepted > call->received ? call->accepted : call->received;
    int descriptor;

    *error = FCGI_ERR_DEADLINE;
    if (call->stage != TALKING || fcgi_exchange_paused(call->exchange)) {
        return next;
    }
    if (call->pending) {
        consider(&next, error, call->accepted, limits->write_ms,
                 FCGI_ERR_WRITE_TIMEOUT);
    } else if (fcgi_exchange_source_waits(call->exchange, &descriptor)) {
        return next;
    } else if (call->first_byte < 0) {
        consider(&next, error, call->accepted, limits->first_byte_ms,
                 FCGI_ERR_FIRST_BYTE_TIMEOUT);
    }
    if (call->first_byte >= 0) {
        consider(&next, error, moved, limits->idle_ms, FCGI_ERR_IDLE_TIMEOUT);
    }
    return next;
}

/*
 * Talking.
 */

static int failed(struct fcgi_call *call, int error)
{
    call->lease.system_error = errno;
    (void)fcgi_exchange_cancel(call->exchange, error, NULL);
    return error;
}

/* Send once: FCGI_OK there may be more to send, FCGI_WAIT not now. */
static int send_some(struct fcgi_call *call)
{
    struct fcgi_slice slices[SLICES];
    int64_t before = call->now;
    bool was_pending = call->pending;
    size_t sent;
    int count;
    int rc;

    count = fcgi_exchange_output(call->exchange, slices, SLICES);
    forgive(call, before);
    call->pending = count > 0;
    if (count <= 0) {
        return count < 0 ? count : FCGI_WAIT;
    }
    if (!was_pending) {
        call->accepted = call->now;
    }
    rc = fcgi__net_send(call->lease.connection->fd, slices, (size_t)count,
                        &sent);
    if (rc == FCGI_OK) {
        call->accepted = call->now;
        fcgi_exchange_sent(call->exchange, sent);
    } else if (rc == FCGI_ERR_RESET) {
        /* What the application has answered before is read yet. */
        call->lease.system_error = errno;
        call->pending = false;
        fcgi_exchange_send_failed(call->exchange);
        return FCGI_WAIT;
    } else if (rc != FCGI_WAIT) {
        return failed(call, rc);
    }
    return rc;
}

static int received(struct fcgi_call *call, size_t got)
{
    int64_t before = call->now;

    if (got == 0) {
        return fcgi_exchange_eof(call->exchange, false);
    }
    if (call->first_byte < 0) {
        call->first_byte = call->now;
    }
    call->received = call->now;
    (void)fcgi_exchange_received(call->exchange, got);
    forgive(call, before);
    return FCGI_OK;
}

/* A receive may wait by itself only when there is nothing else to do or to
 * wait for, and it gives up before any limit is over. */
static bool may_wait_in_receive(const struct fcgi_call *call)
{
    int timeout = call->client->receive_timeout_ms;
    int descriptor;
    int error;
    int64_t limit = next_limit(call, &error);

    if (call->pending ||
        fcgi_exchange_source_waits(call->exchange, &descriptor)) {
        return false;
    }
    return limit == FCGI__NEVER ||
           (timeout >= 0 && limit - call->now >= (int64_t)timeout * 1000);
}

/* Receive once: FCGI_OK there may be more, FCGI_WAIT not now. */
static int receive_some(struct fcgi_call *call, bool may_block)
{
    struct fcgi_memory room[2];
    size_t got;
    int count = fcgi_exchange_input(call->exchange, room);
    int rc;

    if (count <= 0) {
        return count < 0 ? count : FCGI_WAIT;
    }
    may_block = may_block && may_wait_in_receive(call);
    rc = fcgi__net_receive(call->lease.connection->fd, room, (size_t)count,
                           may_block, &got);
    call->now = fcgi__now();
    switch (rc) {
    case FCGI_OK:
        return received(call, got);
    case FCGI_WAIT:
        return rc;
    case FCGI_ERR_RESET:
        call->lease.system_error = errno;
        return fcgi_exchange_eof(call->exchange, true);
    default:
        return failed(call, rc);
    }
}

/* A sink that takes part of what it was offered is asked again, for as long as
 * it takes something. */
static void insist(struct fcgi_call *call)
{
    struct fcgi_exchange *x = call->exchange;

    while (fcgi_exchange_paused(x)) {
        uint64_t taken = fcgi__exchange_body_len(x);
        int64_t before = call->now;
        (void)fcgi_exchange_resume(x);
        forgive(call, before);
        if (fcgi__exchange_body_len(x) == taken) {
            (void)fcgi_exchange_cancel(x, FCGI_ERR_STATE, NULL);
        }
    }
}

/* A source that waits for nothing that can be waited for would wait for
 * ever. */
static void refuse_endless_wait(struct fcgi_call *call)
{
    int descriptor;

    if (fcgi_exchange_source_waits(call->exchange, &descriptor) &&
        descriptor < 0) {
        (void)fcgi_exchange_cancel(call->exchange, FCGI_ERR_STATE, NULL);
    }
}

static int talk(struct fcgi_call *call, bool may_block)
{
    bool writable = true;
    bool readable = true;

    if (call->lease.connection->fd < 0) {
        return failed(call, FCGI_ERR_STATE); /* a fork() has closed it */
    }
    while ((writable || readable) && call->now < call->deadline &&
           fcgi_exchange_status(call->exchange) == FCGI_WAIT) {
        if (writable) {
            writable = send_some(call) == FCGI_OK;
        }
        if (may_block) {
            refuse_endless_wait(call);
        }
        if (readable && fcgi_exchange_status(call->exchange) == FCGI_WAIT) {
            readable = receive_some(call, may_block && !writable) == FCGI_OK;
        }
        if (may_block) {
            insist(call);
        }
    }
    return fcgi_exchange_status(call->exchange);
}

/*
 * The stages.
 */

/* A connection was had: the request goes out under its next id. */
static int begin_talking(struct fcgi_call *call)
{
    uint16_t id = fcgi_connection_next_id(call->lease.connection);
    int rc = FCGI_OK;

    call->stage = TALKING;
    call->pending = false;
    call->accepted = call->now;
    call->received = call->now;
    if (id != call->request_id) {
        call->request_id = id;
        rc = fcgi_exchange_restart(call->exchange, id);
    }
    return rc;
}

static int advance_lease(struct fcgi_call *call)
{
    int rc = fcgi__lease_advance(&call->lease, call->now);

    if (rc == FCGI_WAIT && call->now >= call->deadline) {
        rc = FCGI_ERR_DEADLINE;
    }
    if (rc == FCGI_OK) {
        rc = begin_talking(call);
    }
    return rc;
}

/* Whether another attempt was begun. */
static bool retry(struct fcgi_call *call, int error, int *rc)
{
    note_attempt(call, error);
    if (!may_retry(call, error) ||
        fcgi_exchange_restart(call->exchange, call->request_id) != FCGI_OK) {
        return false;
    }
    call->retried = true;
    call->stage = LEASING;
    fcgi__pool_count_retry(call->client->pool);
    *rc = fcgi__lease_redial(&call->lease, call->now);
    if (*rc == FCGI_OK) {
        *rc = begin_talking(call);
    }
    return true;
}

/* One stage's work: FCGI_OK it is done, FCGI_WAIT it is not, or an error. */
static int advance(struct fcgi_call *call, bool may_block)
{
    int rc = FCGI_OK;
    int error;

    if (call->stage == LEASING) {
        rc = advance_lease(call);
    }
    while (call->stage == TALKING && rc == FCGI_OK) {
        rc = talk(call, may_block);
        if (rc >= 0 || !retry(call, rc, &rc)) {
            break;
        }
    }
    if (rc == FCGI_WAIT && call->now >= next_limit(call, &error)) {
        rc = error;
    }
    return rc;
}

int fcgi__call_advance(struct fcgi_call *call, int64_t now, bool may_block)
{
    int rc;

    if (call->stage == ENDED) {
        return call->error;
    }
    call->now = now;
    rc = advance(call, may_block);
    return rc == FCGI_WAIT ? rc : end(call, rc);
}

void fcgi__call_wait(const struct fcgi_call *call, struct fcgi__wait *wait)
{
    int error;
    int64_t limit = next_limit(call, &error);

    if (call->stage == LEASING) {
        fcgi__lease_wait(&call->lease, wait);
    } else {
        wait->fd = call->lease.connection->fd;
        wait->events = 0;
        wait->other_fd = -1;
        wait->until = limit;
        if (!fcgi_exchange_paused(call->exchange)) {
            wait->events |= FCGI__READABLE;
        }
        if (call->pending) {
            wait->events |= FCGI__WRITABLE;
        }
        (void)fcgi_exchange_source_waits(call->exchange, &wait->other_fd);
    }
    if (limit < wait->until) {
        wait->until = limit;
    }
}

/*
 * The beginning and the return.
 */

/* A request with what it leaves open filled in from the client. */
static int complete_request(struct fcgi_call *call,
                            const struct fcgi_request *request,
                            struct fcgi_request *complete)
{
    const struct fcgi_client *client = call->client;
    struct fcgi_limits *limits = &complete->limits;

    *complete = *request;
    limits->line_len += limits->line_len == 0 ? client->limits.line_len : 0;
    limits->head_len += limits->head_len == 0 ? client->limits.head_len : 0;
    limits->field_count +=
        limits->field_count == 0 ? client->limits.field_count : 0;
    limits->body_len += limits->body_len == 0 ? client->limits.body_len : 0;
    limits->stderr_len +=
        limits->stderr_len == 0 ? client->limits.stderr_len : 0;
    call->retry =
        request->retry == FCGI_RETRY_DEFAULT ? client->retry : request->retry;
    if (call->retry < FCGI_RETRY_STALE || call->retry > FCGI_RETRY_NEVER) {
        return FCGI_ERR_ARGUMENT;
    }
    return fcgi__timeouts_resolve(&call->timeouts, &request->timeouts,
                                  &client->timeouts);
}

static int begin_exchange(struct fcgi_call *call,
                          const struct fcgi_request *request,
                          const struct fcgi_connection *idle)
{
    struct fcgi_request complete;
    int rc = complete_request(call, request, &complete);

    call->request_id = idle == NULL ? 1 : fcgi__connection_peek_id(idle);
    if (rc == FCGI_OK) {
        rc = fcgi_exchange_begin(call->exchange, &complete, call->response,
                                 call->request_id,
                                 call->client->keeps ? FCGI_FLAG_KEEP_CONN : 0);
    }
    return rc;
}

static void reset(struct fcgi_call *call, struct fcgi_response *response,
                  int64_t now)
{
    call->response = response;
    call->stage = LEASING;
    call->error = FCGI_OK;
    call->retried = false;
    call->may_have_run = false;
    call->pending = false;
    call->now = now;
    call->started = now;
    call->first_byte = -1;
}

static int start_lease(struct fcgi_call *call, struct fcgi_connection *idle)
{
    struct fcgi__lease_options options = {
        false, must_check(call), call->timeouts.queue_ms,
        call->timeouts.connect_ms, call->client->receive_timeout_ms};
    int rc;

    call->deadline = fcgi__after(call->started, call->timeouts.total_ms);
    call->calls_out = fcgi__exchange_calls_out(call->exchange);
    rc = fcgi__lease_start(&call->lease, call->client->pool, &options, idle,
                           call->now);
    return rc;
}

/* What failed before there was a call. */
static int refuse(struct fcgi_response *response, int error)
{
    fcgi__response_clear(response);
    response->outcome.error = error;
    response->outcome.safe_to_repeat = true;
    return error;
}

int fcgi__call_start(struct fcgi_call **call, struct fcgi_client *client,
                     const struct fcgi_request *request,
                     struct fcgi_response *response, int64_t now)
{
    struct fcgi_connection *idle;
    struct fcgi_call *made;
    int rc;

    if (client == NULL || request == NULL || response == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    made = call_of(fcgi__pool_take(client->pool, now, &idle));
    if (made == NULL) {
        made = make_call(client);
    }
    if (made == NULL) {
        (void)fcgi__pool_return(client->pool, idle, true, now, NULL);
        return refuse(response, FCGI_ERR_NO_MEMORY);
    }
    reset(made, response, now);
    rc = begin_exchange(made, request, idle);
    if (rc != FCGI_OK) {
        give_back(made, idle, true);
        return refuse(response, rc);
    }
    rc = start_lease(made, idle);
    if (rc < 0) {
        (void)end(made, rc);
        fcgi__call_end(made);
        return rc;
    }
    *call = made;
    return FCGI_OK;
}

void fcgi__call_end(struct fcgi_call *call)
{
    bool reusable;

    if (call->stage != ENDED) {
        (void)end(call, FCGI_ERR_CANCELLED);
    }
    reusable = call->error == FCGI_OK && fcgi_exchange_reusable(call->exchange);
    give_back(call, call->lease.connection, reusable);
}
