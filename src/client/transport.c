/*
 * transport - an exchange over a connected socket.
 *
 * Two system calls carry a small request: one gathered send, which never
 * blocks, and one receive, which may block, because the socket's own receive
 * timeout ends it before any limit expires. poll() is needed only where there
 * is more to wait for, or less time, or the connection is new. Measured: 1.13
 * times the time of a bare loop that sends and receives the same bytes, and
 * 1.20 times with poll() before each receive, which is a third system call and
 * 410 instructions.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>

#include "../exchange/exchange.h"
#include "../net/clock.h"
#include "transport.h"

/* How many slices are sent at once, and to what size the send buffer is
 * enlarged once it has taken only a part of them. */
struct quota {
    size_t slices;
    int send_buffer_len;
};

static const struct quota *quota_of(const struct fcgi__transport *transport)
{
    /* For a thread that waits: a prologue and 31 records of two slices each,
     * which fit into such a buffer, where the system allows one. */
    static const struct quota whole = {FCGI__SLICES_MAX, 1024 * 1024};
    /* For one of a host's many requests, which share its time, and the
     * kernel's memory. */
    static const struct quota fair = {16, 256 * 1024};

    return transport->options->may_block ? &whole : &fair;
}

/* Systems delay an acknowledgement by 40 ms and more, but hardly ever by less
 * than this. */
#define DELAYED_US 35000

/* How often a request sends and receives before others have their turn. */
#define ROUNDS 8

void fcgi__transport_begin(struct fcgi__transport *transport,
                           const struct fcgi__transport_options *options,
                           struct fcgi_connection *connection, int64_t now)
{
    transport->options = options;
    transport->connection = connection;
    fcgi__record_trace_begin(&transport->trace, options->config,
                             connection->fd);
    transport->pending = false;
    transport->enlarged = false;
    transport->ready = FCGI__WRITABLE; /* there is a request to send */
    transport->now = now;
    transport->accepted_at = now;
    transport->sent_at = FCGI__NEVER;
    transport->received_at = now;
    transport->first_byte_at = -1;
    transport->system_error = 0;
}

/*
 * Time.
 */

/* Move the start of each limit later by the time that the caller's code has
 * taken since `since`. */
static void exclude_user_time(struct fcgi__transport *transport, int64_t since)
{
    if (transport->options->calls_user_code) {
        int64_t elapsed = fcgi__now() - since;
        transport->now = since + elapsed;
        transport->accepted_at += elapsed;
        transport->received_at += elapsed;
        if (transport->sent_at != FCGI__NEVER) {
            transport->sent_at += elapsed;
        }
    }
}

/* Make a limit the next to expire, if it is. */
static void apply_limit(int64_t *next, int *error, int64_t start, int limit_ms,
                        int limit_error)
{
    int64_t moment = fcgi__after(start, limit_ms);

    if (moment < *next) {
        *next = moment;
        *error = limit_error;
    }
}

static bool source_waits(const struct fcgi__transport *transport)
{
    int descriptor;

    return fcgi_exchange_source_waits(transport->options->exchange,
                                      &descriptor);
}

/* When the next time limit expires, and the error it ends the request with. */
static int64_t next_limit(const struct fcgi__transport *transport, int *error)
{
    const struct fcgi_timeouts *timeouts = &transport->options->timeouts;
    int64_t next = transport->options->deadline;
    int64_t last_moved_at = transport->accepted_at > transport->received_at
                                ? transport->accepted_at
                                : transport->received_at;

    *error = FCGI_ERR_DEADLINE;
    /* While the sink has paused, or the source waits and all that it gave is
     * sent, the caller is waited for, not the application. */
    if (fcgi_exchange_paused(transport->options->exchange) ||
        (source_waits(transport) && !transport->pending)) {
        return next;
    }
    if (transport->pending) {
        apply_limit(&next, error, transport->accepted_at, timeouts->write_ms,
                    FCGI_ERR_WRITE_TIMEOUT);
    } else if (transport->first_byte_at < 0) {
        apply_limit(&next, error, transport->accepted_at,
                    timeouts->first_byte_ms, FCGI_ERR_FIRST_BYTE_TIMEOUT);
    }
    if (transport->first_byte_at >= 0) {
        apply_limit(&next, error, last_moved_at, timeouts->idle_ms,
                    FCGI_ERR_IDLE_TIMEOUT);
    }
    return next;
}

static bool has_expired(const struct fcgi__transport *transport)
{
    int error;

    return transport->now >= next_limit(transport, &error);
}

static bool is_under_way(const struct fcgi__transport *transport)
{
    return fcgi_exchange_status(transport->options->exchange) == FCGI_WAIT;
}

/*
 * Sending.
 */

static void fail_transport(struct fcgi__transport *transport, int error,
                           int system_error)
{
    transport->system_error = system_error;
    (void)fcgi_exchange_cancel(transport->options->exchange, error, NULL);
}

/* A send took nothing. Where the peer has gone, that is not an error yet: what
 * it answered before must be read first. */
static void judge_send(struct fcgi__transport *transport, int rc,
                       int system_error)
{
    if (rc == FCGI_ERR_RESET) {
        transport->system_error = system_error;
        transport->pending = false;
        fcgi_exchange_send_failed(transport->options->exchange);
    } else if (rc != FCGI_WAIT) {
        fail_transport(transport, rc, system_error);
    }
}

static size_t total_len(const struct fcgi_slice *slices, int count)
{
    size_t len = 0;

    for (int i = 0; i < count; i++) {
        len += slices[i].len;
    }
    return len;
}

/* The socket took a part. Whether to send again. Enlarging its send buffer once
 * may be enough. After that it is probably full: a thread leaves it to poll()
 * to tell when there is room, but a host with edge-triggered events hears of it
 * only after a send that took nothing. */
static bool should_send_again(struct fcgi__transport *transport)
{
    if (!transport->enlarged) {
        transport->enlarged = true;
        fcgi__net_enlarge_send_buffer(transport->connection->fd,
                                      quota_of(transport)->send_buffer_len);
        return true;
    }
    return !transport->options->may_block;
}

/* The socket took `sent` bytes. Whether to send again. */
static bool note_sent(struct fcgi__transport *transport,
                      const struct fcgi_slice *slices, int count, size_t sent)
{
    struct fcgi_exchange *exchange = transport->options->exchange;

    transport->accepted_at = transport->now;
    transport->sent_at = transport->now;
    fcgi__record_trace_out(&transport->trace, slices, sent);
    (void)fcgi_exchange_sent(exchange, sent);
    if (fcgi_exchange_sent_all(exchange)) {
        transport->pending = false;
        return false;
    }
    return sent == total_len(slices, count) || should_send_again(transport);
}

/* A source that waits, but names no descriptor to wait for, would make a thread
 * wait without end. */
static void refuse_endless_wait(struct fcgi__transport *transport)
{
    struct fcgi_exchange *exchange = transport->options->exchange;
    int descriptor;

    if (fcgi_exchange_source_waits(exchange, &descriptor) && descriptor < 0) {
        (void)fcgi_exchange_cancel(exchange, FCGI_ERR_STATE, NULL);
    }
}

/* The exchange had `count` slices to send, or an error, at `before`. */
static void note_output(struct fcgi__transport *transport, int count,
                        int system_error, int64_t before)
{
    bool was_pending = transport->pending;

    if (count < 0) {
        transport->system_error = system_error; /* the source's */
    }
    exclude_user_time(transport, before);
    transport->pending = count > 0;
    if (transport->pending && !was_pending) {
        transport->accepted_at = transport->now;
    }
    if (transport->options->may_block) {
        refuse_endless_wait(transport);
    }
}

static void send_some(struct fcgi__transport *transport)
{
    struct fcgi_slice slices[FCGI__SLICES_MAX];
    int64_t before = transport->now;
    size_t sent;
    int count, rc;

    transport->ready &= ~(unsigned)FCGI__WRITABLE;
    errno = 0;
    count = fcgi_exchange_output(transport->options->exchange, slices,
                                 quota_of(transport)->slices);
    note_output(transport, count, errno, before);
    if (count <= 0) {
        return;
    }
    rc =
        fcgi__net_send(transport->connection->fd, slices, (size_t)count, &sent);
    if (rc != FCGI_OK) {
        judge_send(transport, rc, errno);
    } else if (note_sent(transport, slices, count, sent)) {
        transport->ready |= FCGI__WRITABLE;
    }
}

/*
 * Receiving.
 */

/* An application may write its answer in pieces, and its system hold back each
 * until the one before is acknowledged (Nagle), which a system that delays
 * acknowledgements makes slow. A piece that comes late therefore switches
 * immediate acknowledgement on. If one is late in spite of that, this was not
 * the cause, and it is switched off. */
static void note_late_piece(struct fcgi__transport *transport)
{
    struct fcgi_connection *connection = transport->connection;

    if (transport->first_byte_at >= 0 &&
        transport->now - transport->received_at >= DELAYED_US) {
        connection->acknowledges = !connection->acknowledges;
    }
}

/* Bytes of this response's own have come. Records that bring the request
 * nothing move no limit. */
static void note_received(struct fcgi__transport *transport, int64_t at)
{
    note_late_piece(transport);
    if (transport->first_byte_at < 0) {
        transport->first_byte_at = at;
    }
    transport->received_at = at;
}

/* A receive may block only when there is nothing else to do or to wait for, and
 * when the socket's receive timeout ends it before any limit expires. */
static bool may_receive_block(const struct fcgi__transport *transport)
{
    int timeout_ms = transport->connection->receive_timeout_ms;
    int64_t limit;
    int error;

    if (!transport->options->may_block || timeout_ms == 0 ||
        transport->pending || source_waits(transport)) {
        return false;
    }
    limit = next_limit(transport, &error);
    return limit == FCGI__NEVER ||
           (timeout_ms > 0 && limit >= fcgi__after(transport->now, timeout_ms));
}

/* A receive brought nothing; FCGI_OK: the end. */
static void judge_receive(struct fcgi__transport *transport, int rc,
                          int system_error)
{
    if (rc == FCGI_OK) {
        (void)fcgi_exchange_eof(transport->options->exchange, false);
    } else if (rc == FCGI_ERR_RESET) {
        transport->system_error = system_error;
        (void)fcgi_exchange_eof(transport->options->exchange, true);
    } else if (rc != FCGI_WAIT) {
        fail_transport(transport, rc, system_error);
    }
}

static void acknowledge(struct fcgi__transport *transport)
{
    struct fcgi_connection *connection = transport->connection;

    if (connection->acknowledges && is_under_way(transport)) {
        connection->acknowledges = fcgi__net_acknowledge(connection->fd);
    }
}

static void receive_some(struct fcgi__transport *transport)
{
    struct fcgi_exchange *exchange = transport->options->exchange;
    struct fcgi_memory room[FCGI__PLACES_MAX];
    bool may_block = (transport->ready & FCGI__WRITABLE) == 0 &&
                     may_receive_block(transport);
    int64_t now;
    size_t got;
    int count, rc;

    if ((transport->ready & FCGI__READABLE) == 0 && !may_block) {
        return;
    }
    transport->ready &= ~(unsigned)FCGI__READABLE;
    count = fcgi_exchange_input(exchange, room, FCGI__PLACES_MAX);
    if (count <= 0) {
        return;
    }
    rc = fcgi__net_receive(transport->connection->fd, room, (size_t)count,
                           may_block, &got);
    now = transport->now = fcgi__now();
    if (rc != FCGI_OK || got == 0) {
        judge_receive(transport, rc, errno);
        return;
    }
    transport->ready |= FCGI__READABLE;
    fcgi__record_trace_in(&transport->trace, room, got);
    if (fcgi__exchange_received(exchange, got)) {
        note_received(transport, now);
    }
    exclude_user_time(transport, now);
    acknowledge(transport);
}

/*
 * What only a thread that waits needs.
 */

/* Let its receives block, once the connection has been reused: for a single
 * request that costs more than it saves. */
static void let_receives_block(struct fcgi__transport *transport)
{
    struct fcgi_connection *connection = transport->connection;
    int wanted = transport->options->receive_timeout_ms;

    if (connection->reused && connection->receive_timeout_ms != wanted) {
        (void)fcgi__connection_set_blocking(connection, wanted);
    }
}

/* Offer the rest again to a sink that took only a part, for as long as it takes
 * something: one that takes nothing would keep the thread for ever. */
static void offer_again(struct fcgi__transport *transport)
{
    struct fcgi_exchange *exchange = transport->options->exchange;

    while (fcgi_exchange_paused(exchange)) {
        uint64_t taken = fcgi__exchange_body_len(exchange);
        int64_t before = transport->now;
        (void)fcgi_exchange_resume(exchange);
        exclude_user_time(transport, before);
        if (fcgi__exchange_body_len(exchange) == taken) {
            (void)fcgi_exchange_cancel(exchange, FCGI_ERR_STATE, NULL);
        }
    }
}

/*
 * Both ways.
 */

/* Whether there is another round. There are ROUNDS of them, so that the host's
 * other calls, or the request's own body, have their turn; a thread that has
 * sent everything goes on for as long as bytes come. After a time limit nothing
 * is sent any more. What came in time still counts, so that receiving ends only
 * with the rounds: records that bring the request nothing may come without
 * end. */
static bool goes_on(struct fcgi__transport *transport, int round)
{
    if (round == 0) {
        return transport->ready != 0;
    }
    if (transport->ready == 0 || !is_under_way(transport)) {
        return false;
    }
    if (has_expired(transport)) {
        transport->ready &= FCGI__READABLE;
        return transport->ready != 0 && round < ROUNDS;
    }
    return round < ROUNDS ||
           (transport->options->may_block &&
            fcgi_exchange_sent_all(transport->options->exchange));
}

/* FCGI_OK, or why nothing may be sent. */
static int begin_advance(struct fcgi__transport *transport)
{
    if (transport->connection->fd < 0) {
        return FCGI_ERR_STATE; /* this is the child of a fork() */
    }
    if (transport->options->may_block) {
        let_receives_block(transport);
    }
    return transport->now >= transport->options->deadline &&
                   !fcgi__exchange_sent_any(transport->options->exchange)
               ? FCGI_ERR_DEADLINE
               : FCGI_OK;
}

int fcgi__transport_advance(struct fcgi__transport *transport, int64_t now,
                            unsigned ready)
{
    int error, status;

    transport->now = now;
    transport->ready = ready;
    error = begin_advance(transport);
    if (error != FCGI_OK) {
        return error;
    }
    if (ready == 0 && has_expired(transport)) {
        transport->ready = FCGI__READY; /* what came just now came in time */
    }
    for (int round = 0; goes_on(transport, round); round++) {
        if ((transport->ready & FCGI__WRITABLE) != 0) {
            send_some(transport);
        }
        if (is_under_way(transport)) {
            receive_some(transport);
        }
        if (transport->options->may_block) {
            offer_again(transport);
        }
    }
    status = fcgi_exchange_status(transport->options->exchange);
    if (status == FCGI_WAIT &&
        transport->now >= next_limit(transport, &error)) {
        return error;
    }
    return status;
}

void fcgi__transport_resume(struct fcgi__transport *transport)
{
    struct fcgi_exchange *exchange = transport->options->exchange;

    if (fcgi_exchange_paused(exchange)) {
        (void)fcgi_exchange_resume(exchange);
        transport->accepted_at = fcgi__now();
        transport->received_at = transport->accepted_at;
    }
}

void fcgi__transport_wait(const struct fcgi__transport *transport,
                          struct fcgi__wait *wait)
{
    struct fcgi_exchange *exchange = transport->options->exchange;
    int error;

    wait->fd = transport->connection->fd;
    wait->events = transport->pending ? FCGI__WRITABLE : 0;
    wait->other_fd = -1;
    wait->until =
        transport->ready != 0 ? transport->now : next_limit(transport, &error);
    if (!fcgi_exchange_paused(exchange)) {
        wait->events |= FCGI__READABLE;
    }
    (void)fcgi_exchange_source_waits(exchange, &wait->other_fd);
}

void fcgi__transport_abort(struct fcgi__transport *transport)
{
    uint8_t record[FCGI_RECORD_HEADER_LEN];
    struct fcgi_slice slice = {(const char *)record, 0};
    size_t sent;

    slice.len = fcgi__exchange_abort(transport->options->exchange, record);
    if (slice.len > 0 && fcgi__net_send(transport->connection->fd, &slice, 1,
                                        &sent) == FCGI_OK) {
        fcgi__record_trace_out(&transport->trace, &slice, sent);
    }
}
