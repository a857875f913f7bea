/*
 * talk - an exchange over a connected socket.
 *
 * Two system calls carry a small request: one gathered send, which never
 * blocks, and one receive, which may, because the socket's own receive timeout
 * ends it before any limit is over. Only where there is more to wait for, or
 * less time, or the connection is a new one, does poll() come in.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>

#include "../exchange/exchange.h"
#include "../net/clock.h"
#include "transport.h"

/* How much of a request goes out at once, and how much a socket that took a
 * part is made to hold. */
struct share {
    size_t slices;
    int socket_len;
};

static const struct share *share_of(bool may_block)
{
    /* A call that a thread waits for: a prologue and 31 records of a large
     * body, which such a socket just takes, where the system allows one. */
    static const struct share whole = {FCGI__SLICES_MAX, 1024 * 1024};
    /* One of a host's many, who share its time, and the kernel's memory. */
    static const struct share fair = {16, 256 * 1024};

    return may_block ? &whole : &fair;
}

/* Systems delay an acknowledgement by 40 ms and more, but by less than this
 * hardly ever. */
#define DELAYED_US 35000

/* How often a call sends and receives before it looks at the rest again. */
#define ROUNDS 8

void fcgi__transport_begin(struct fcgi__transport *talk,
                           const struct fcgi_pool_config *config, int fd,
                           int64_t now)
{
    fcgi__record_trace_begin(&talk->tap, config, fd);
    talk->fd = fd;
    talk->pending = false;
    talk->wide = false;
    talk->more = true; /* the request */
    talk->now = now;
    talk->accepted = now;
    talk->taken = FCGI__NEVER;
    talk->received = now;
    talk->first_byte = -1;
    talk->system_error = 0;
}

/*
 * Time.
 */

/* The caller's code ran since then: that is not the application's time. */
static void forgive(struct fcgi__transport *talk, int64_t since)
{
    if (talk->calls_out) {
        talk->now = fcgi__now();
        talk->accepted += talk->now - since;
        talk->received += talk->now - since;
        if (talk->taken != FCGI__NEVER) {
            talk->taken += talk->now - since;
        }
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

static bool source_waits(const struct fcgi__transport *talk)
{
    int descriptor;

    return fcgi_exchange_source_waits(talk->exchange, &descriptor);
}

/* The time limit that is over first, and the error it ends with. */
static int64_t next_limit(const struct fcgi__transport *talk, int *error)
{
    const struct fcgi_timeouts *limits = &talk->limits;
    int64_t next = talk->deadline;
    int64_t moved =
        talk->accepted > talk->received ? talk->accepted : talk->received;

    *error = FCGI_ERR_DEADLINE;
    if (fcgi_exchange_paused(talk->exchange) ||
        (source_waits(talk) && !talk->pending)) {
        return next;
    }
    if (talk->pending) {
        consider(&next, error, talk->accepted, limits->write_ms,
                 FCGI_ERR_WRITE_TIMEOUT);
    } else if (talk->first_byte < 0) {
        consider(&next, error, talk->accepted, limits->first_byte_ms,
                 FCGI_ERR_FIRST_BYTE_TIMEOUT);
    }
    if (talk->first_byte >= 0) {
        consider(&next, error, moved, limits->idle_ms, FCGI_ERR_IDLE_TIMEOUT);
    }
    return next;
}

static bool is_under_way(const struct fcgi__transport *talk)
{
    return fcgi_exchange_status(talk->exchange) == FCGI_WAIT;
}

/*
 * Sending.
 */

static void fail(struct fcgi__transport *talk, int error, int system_error)
{
    talk->system_error = system_error;
    (void)fcgi_exchange_cancel(talk->exchange, error, NULL);
}

/* What a send that took nothing means: nothing yet where the peer is gone,
 * because what it answered before is still to be read. */
static void judge_send(struct fcgi__transport *talk, int rc, int system_error)
{
    if (rc == FCGI_ERR_RESET) {
        talk->system_error = system_error;
        talk->pending = false;
        fcgi_exchange_send_failed(talk->exchange);
    } else if (rc != FCGI_WAIT) {
        fail(talk, rc, system_error);
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

/* The socket took a part. It is made to hold more, which may do; else it is
 * full, mostly: poll() will tell a blocking call, but nothing a host that waits
 * for a change. Whether to try once more. */
static bool took_a_part(struct fcgi__transport *talk, bool may_block)
{
    if (!talk->wide) {
        talk->wide = true;
        fcgi__net_enlarge_send_buffer(talk->fd,
                                      share_of(may_block)->socket_len);
        return true;
    }
    return !may_block;
}

/* Send once; whether to do so again. */
static bool send_some(struct fcgi__transport *talk, bool may_block)
{
    struct fcgi_slice slices[FCGI__SLICES_MAX];
    int64_t before = talk->now;
    bool was_pending = talk->pending;
    size_t sent;
    int count, rc;

    errno = 0;
    count = fcgi_exchange_output(talk->exchange, slices,
                                 share_of(may_block)->slices);
    if (count < 0) {
        talk->system_error = errno; /* the source's */
    }
    forgive(talk, before);
    talk->pending = count > 0;
    if (count <= 0) {
        return false;
    }
    if (!was_pending) {
        talk->accepted = talk->now;
    }
    rc = fcgi__net_send(talk->fd, slices, (size_t)count, &sent);
    if (rc != FCGI_OK) {
        judge_send(talk, rc, errno);
        return false;
    }
    talk->accepted = talk->now;
    talk->taken = talk->now;
    fcgi__record_trace_out(&talk->tap, slices, sent);
    (void)fcgi_exchange_sent(talk->exchange, sent);
    if (fcgi_exchange_sent_all(talk->exchange)) {
        talk->pending = false;
        return false;
    }
    return sent == total_len(slices, count) || took_a_part(talk, may_block);
}

/*
 * Receiving.
 */

/* An application that writes its answer in pieces, and whose system holds back
 * the next until the one before is acknowledged (Nagle), is slowed down by a
 * system that delays this. A piece that came late is taken for the sign of it,
 * until one is late in spite of an acknowledgement at once. */
static void note_pause(struct fcgi__transport *talk)
{
    if (talk->first_byte >= 0 && talk->now - talk->received >= DELAYED_US) {
        *talk->hurries = !*talk->hurries;
    }
}

/* Records that bring this request nothing keep no limit from being over. */
static void received(struct fcgi__transport *talk, size_t got)
{
    int64_t before = talk->now;

    if (fcgi__exchange_received(talk->exchange, got)) {
        note_pause(talk);
        talk->first_byte = talk->first_byte < 0 ? before : talk->first_byte;
        talk->received = before;
    }
    forgive(talk, before);
}

/* A receive may wait by itself only when there is nothing else to do or to
 * wait for, and when it gives up before any limit is over. */
static bool may_wait_in_receive(const struct fcgi__transport *talk)
{
    int timeout_ms = talk->receive_timeout_ms;
    int64_t limit;
    int error;

    if (timeout_ms == 0 || talk->pending || source_waits(talk)) {
        return false;
    }
    limit = next_limit(talk, &error);
    return limit == FCGI__NEVER ||
           (timeout_ms > 0 && limit >= fcgi__after(talk->now, timeout_ms));
}

/* What a receive that brought nothing means; FCGI_OK: the end. */
static void judge_receive(struct fcgi__transport *talk, int rc,
                          int system_error)
{
    if (rc == FCGI_OK) {
        (void)fcgi_exchange_eof(talk->exchange, false);
    } else if (rc == FCGI_ERR_RESET) {
        talk->system_error = system_error;
        (void)fcgi_exchange_eof(talk->exchange, true);
    } else if (rc != FCGI_WAIT) {
        fail(talk, rc, system_error);
    }
}

/* Receive once; whether to do so again. */
static bool receive_some(struct fcgi__transport *talk, bool waits)
{
    struct fcgi_memory room[FCGI__PLACES_MAX];
    size_t got;
    int count = fcgi_exchange_input(talk->exchange, room, FCGI__PLACES_MAX);
    int rc;

    if (count <= 0) {
        return false;
    }
    rc = fcgi__net_receive(talk->fd, room, (size_t)count, waits, &got);
    talk->now = fcgi__now();
    if (rc == FCGI_OK && got > 0) {
        fcgi__record_trace_in(&talk->tap, room, got);
        received(talk, got);
        if (*talk->hurries && is_under_way(talk)) {
            *talk->hurries = fcgi__net_acknowledge(talk->fd);
        }
        return true;
    }
    judge_receive(talk, rc, errno);
    return false;
}

/*
 * What only a blocking caller needs.
 */

/* A sink that takes part of what it was offered is asked again, for as long as
 * it takes something. */
static void insist(struct fcgi__transport *talk)
{
    struct fcgi_exchange *x = talk->exchange;

    while (fcgi_exchange_paused(x)) {
        uint64_t taken = fcgi__exchange_body_len(x);
        int64_t before = talk->now;
        (void)fcgi_exchange_resume(x);
        forgive(talk, before);
        if (fcgi__exchange_body_len(x) == taken) {
            (void)fcgi_exchange_cancel(x, FCGI_ERR_STATE, NULL);
        }
    }
}

/* A source that waits for nothing that can be waited for would do so for
 * ever. */
static void refuse_endless_wait(struct fcgi__transport *talk)
{
    int descriptor;

    if (fcgi_exchange_source_waits(talk->exchange, &descriptor) &&
        descriptor < 0) {
        (void)fcgi_exchange_cancel(talk->exchange, FCGI_ERR_STATE, NULL);
    }
}

/*
 * Both ways.
 */

static unsigned with(unsigned ready, unsigned way, bool is_ready)
{
    return is_ready ? ready | way : ready & ~way;
}

/* Send and receive once each, where that may bring something. Returns where it
 * may once more. */
static unsigned move_once(struct fcgi__transport *talk, unsigned ready,
                          bool may_block)
{
    bool waits;

    if ((ready & FCGI__WRITABLE) != 0) {
        ready = with(ready, FCGI__WRITABLE, send_some(talk, may_block));
    }
    if (may_block) {
        refuse_endless_wait(talk);
    }
    waits =
        may_block && (ready & FCGI__WRITABLE) == 0 && may_wait_in_receive(talk);
    if (((ready & FCGI__READABLE) != 0 || waits) && is_under_way(talk)) {
        ready = with(ready, FCGI__READABLE, receive_some(talk, waits));
    }
    if (may_block) {
        insist(talk);
    }
    return ready;
}

static bool is_over(const struct fcgi__transport *talk)
{
    int error;

    return talk->now >= next_limit(talk, &error);
}

/* Rounds end where others may have waited for long enough: the host's other
 * calls, or the request's own body. A thread whose request is sent receives an
 * answer that flows without a pause until a limit is over. What came in time
 * counts, however late it is looked at, so that a limit ends sending at once,
 * but receiving only after as many rounds: records that bring the request
 * nothing may come without end. */
static void move(struct fcgi__transport *talk, unsigned ready, bool may_block)
{
    bool flows = true;

    for (int round = 0; ready != 0 && (round < ROUNDS || flows); round++) {
        ready = move_once(talk, ready, may_block);
        if (ready == 0 || !is_under_way(talk)) {
            break;
        }
        flows = may_block && fcgi_exchange_sent_all(talk->exchange);
        if (is_over(talk)) {
            flows = false;
            ready &= FCGI__READABLE;
        }
    }
    talk->more = ready != 0 && is_under_way(talk);
}

/* The time of the whole is over before anything was sent. */
static bool is_in_vain(const struct fcgi__transport *talk)
{
    return talk->now >= talk->deadline &&
           !fcgi__exchange_sent_any(talk->exchange);
}

int fcgi__transport_advance(struct fcgi__transport *talk, int64_t now,
                            unsigned ready, bool may_block)
{
    int status;
    int error;

    talk->now = now;
    if (is_in_vain(talk)) {
        return FCGI_ERR_DEADLINE;
    }
    if (ready == 0 && now >= next_limit(talk, &error)) {
        ready = FCGI__READY; /* what came just now came in time */
    }
    move(talk, ready, may_block);
    status = fcgi_exchange_status(talk->exchange);
    if (status == FCGI_WAIT && talk->now >= next_limit(talk, &error)) {
        return error;
    }
    return status;
}

void fcgi__transport_resume(struct fcgi__transport *talk)
{
    if (fcgi_exchange_paused(talk->exchange)) {
        (void)fcgi_exchange_resume(talk->exchange);
        talk->accepted = fcgi__now();
        talk->received = talk->accepted;
    }
}

void fcgi__transport_wait(const struct fcgi__transport *talk,
                          struct fcgi__wait *wait)
{
    int error;

    wait->fd = talk->fd;
    wait->events = talk->pending ? FCGI__WRITABLE : 0;
    wait->other_fd = -1;
    wait->until = talk->more ? talk->now : next_limit(talk, &error);
    if (!fcgi_exchange_paused(talk->exchange)) {
        wait->events |= FCGI__READABLE;
    }
    (void)fcgi_exchange_source_waits(talk->exchange, &wait->other_fd);
}

void fcgi__transport_abort(struct fcgi__transport *talk)
{
    uint8_t record[FCGI_RECORD_HEADER_LEN];
    struct fcgi_slice slice = {(const char *)record, 0};
    size_t sent;

    slice.len = fcgi__exchange_abort(talk->exchange, record);
    if (slice.len > 0 &&
        fcgi__net_send(talk->fd, &slice, 1, &sent) == FCGI_OK) {
        fcgi__record_trace_out(&talk->tap, &slice, sent);
    }
}
