/*
 * transaction - a request of an HTTP client and its answer.
 *
 * Each stage is a function that does what it can without waiting, and says
 * whether there is more to do: it is then called again, or that of the stage
 * which it has entered.
 */
#define _POSIX_C_SOURCE 200809L

#include "gateway_events_transaction.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common_status.h"
#include "gateway_events_inquiry.h"
#include "gateway_events_log.h"

/* How long a client that is not listened to any more may take to notice. */
#define LINGER_MS 5000

/* How many are kept for the next request. */
#define SPARES_MAX 64

static bool enter(struct transaction *t, enum stage stage)
{
    t->stage = stage;
    t->since = t->worker->now;
    return true;
}

/*
 * Memory.
 */

void transaction_free(struct transaction *t)
{
    while (t != NULL) {
        struct transaction *next = t->next;
        fcgi_response_free(&t->response);
        free(t);
        t = next;
    }
}

/* Buffers are not cleared: pages that nobody uses take no memory. */
static struct transaction *make(void)
{
    struct transaction *t = malloc(sizeof(*t));

    if (t != NULL) {
        memset(t, 0, offsetof(struct transaction, http));
    }
    return t;
}

static struct transaction *take_spare(struct worker *worker)
{
    struct transaction *t = worker->spares;

    if (t == NULL) {
        return make();
    }
    worker->spares = t->next;
    worker->spare_count -= 1;
    return t;
}

struct transaction *transaction_begin(struct worker *worker, struct peer *peer,
                                      void *owner)
{
    struct transaction *t = take_spare(worker);

    if (t != NULL) {
        t->worker = worker;
        t->peer = peer;
        t->owner = owner;
        t->parsed = 0;
        t->in.start = t->in.end = 0;
        t->out.start = t->out.end = 0;
        http_begin(&t->http);
        (void)enter(t, READING);
    }
    return t;
}

void transaction_end(struct transaction *t)
{
    struct worker *worker;

    if (t == NULL) {
        return;
    }
    worker = t->worker;
    inquiry_end(t);
    body_end(&t->body);
    t->next = worker->spares;
    if (worker->spare_count == SPARES_MAX) {
        t->next = NULL;
        transaction_free(t);
        return;
    }
    worker->spares = t;
    worker->spare_count += 1;
}

/*
 * Answering.
 */

/* An answer is on its way, `rc` tells how far it came. */
static bool send_answer(struct transaction *t, int rc)
{
    return enter(t, rc < 0 ? GONE : SENDING);
}

/* The connection must end if the client has yet to send what nobody reads. */
static bool answer_with(struct transaction *t, int status)
{
    t->answer.keep = t->answer.keep && t->body.left == 0;
    return send_answer(t, answer_plainly(&t->answer, status));
}

/* What was sent is no request: nothing behind it can be trusted. */
static bool refuse(struct transaction *t, int status)
{
    answer_begin(&t->answer, t->peer, &t->out, &t->http, worker_date(t->worker),
                 false);
    t->body.left = 1;
    return answer_with(t, status);
}

static bool begin_next(struct transaction *t)
{
    body_end(&t->body);
    http_begin(&t->http);
    t->parsed = t->in.start;
    return enter(t, READING);
}

/* The answer was sent whole. */
static bool finish(struct transaction *t)
{
    if (t->worker->options->access_log) {
        log_access(t->peer->remote_addr, &t->http, t->answer.status,
                   t->answer.body_len);
    }
    if (t->answer.keep && t->body.left == 0 && !t->worker->stopping) {
        return begin_next(t);
    }
    if (t->body.left == 0 && !t->peer->readable) {
        return enter(t, GONE);
    }
    /* To close with bytes unread would take the answer from the client. */
    (void)shutdown(t->peer->fd, SHUT_WR);
    return enter(t, LINGERING);
}

static bool send_rest(struct transaction *t)
{
    int rc = answer_flush(&t->answer);

    if (rc == FCGI_WAIT) {
        return false;
    }
    return rc == FCGI_OK ? finish(t) : enter(t, GONE);
}

static bool linger(struct transaction *t)
{
    int rc;

    t->in.start = t->in.end = 0;
    rc = buffer_fill(&t->in, t->peer);
    return rc < 0 ? enter(t, GONE) : rc == FCGI_OK;
}

/*
 * Asking the application.
 */

/* It has failed: the answer says so, unless it is under way. */
static bool fail(struct transaction *t, int error)
{
    bool may_answer = t->answer.state != ANSWER_SENT;
    int status = may_answer ? status_of_error(error) : 0;

    log_failure(&t->http, status, error, &t->response);
    return may_answer ? answer_with(t, status) : enter(t, GONE);
}

static bool ask(struct transaction *t)
{
    int rc = inquiry_begin(t);

    switch (rc) {
    case FCGI_OK:
        return enter(t, ASKING);
    case FCGI_ERR_BAD_REQUEST:
        return refuse(t, 400);
    default:
        return fail(t, rc);
    }
}

/* It was the client that failed. */
static bool fail_body(struct transaction *t)
{
    return t->body.malformed && t->answer.state != ANSWER_SENT
               ? answer_with(t, 400)
               : enter(t, GONE);
}

static bool conclude(struct transaction *t, int rc)
{
    inquiry_end(t);
    log_stderr(&t->http, t->response.stderr_data);
    if (t->answer.state == ANSWER_FAILED) {
        return enter(t, GONE);
    }
    if (rc == FCGI_ERR_SOURCE) {
        return fail_body(t);
    }
    if (t->answer.refused) {
        rc = FCGI_ERR_BAD_HEAD;
    } else if (rc == FCGI_ERR_BODY_LONG && t->answer.state != ANSWER_NONE) {
        /* Its Content-Length is there, and no more than that. */
        log_failure(&t->http, t->answer.status, rc, &t->response);
        rc = FCGI_OK;
    }
    return rc == FCGI_OK ? send_answer(t, answer_end(&t->answer)) : fail(t, rc);
}

/* The call waits, and so does what it has made of the answer: send that. */
static bool await_call(struct transaction *t)
{
    if (answer_flush(&t->answer) < 0) {
        return enter(t, GONE);
    }
    if (upstream_watch(&t->worker->upstream, &t->ask) != FCGI_OK) {
        return conclude(t, FCGI_ERR_NO_MEMORY);
    }
    return false;
}

/* Whatever has happened, the call finds out what it can do now. A client that
 * has sent all of its body may send the next request meanwhile, or leave. */
static bool go_on_asking(struct transaction *t)
{
    int rc;

    if (t->body.left == 0) {
        (void)buffer_fill(&t->in, t->peer);
    }
    if (t->peer->leaving) {
        return enter(t, GONE);
    }
    rc = fcgi_call_resume(t->ask.call);
    return rc == FCGI_WAIT ? await_call(t) : conclude(t, rc);
}

/*
 * Reading a request.
 */

static bool gather(struct transaction *t)
{
    int rc = body_gather(&t->body, t->worker->options->gather);

    switch (rc) {
    case FCGI_OK:
        return ask(t);
    case FCGI_WAIT:
        return false;
    case FCGI_ERR_BAD_REQUEST:
        return answer_with(t, 400);
    case FCGI_ERR_CONTENT_TOO_LONG:
        return answer_with(t, 413);
    case FCGI_ERR_NO_MEMORY:
        return answer_with(t, 503);
    default:
        return enter(t, GONE);
    }
}

static bool begin_request(struct transaction *t)
{
    const struct options *options = t->worker->options;

    t->in.start = t->parsed;
    body_begin(&t->body, &t->http, t->peer, &t->in, options->stream_chunked);
    answer_begin(&t->answer, t->peer, &t->out, &t->http, worker_date(t->worker),
                 t->http.keep_alive && !t->worker->stopping);
    if (!body_wants_gathering(&t->body)) {
        return ask(t);
    }
    return options->gather == 0 ? answer_with(t, 411) : enter(t, GATHERING);
}

/* A head that is not whole starts at the front of the buffer, so that it has
 * all of the room. */
static void move_to_front(struct transaction *t)
{
    struct buffer *in = &t->in;
    size_t len = buffer_len(in);

    if (in->start == 0) {
        return;
    }
    memmove(in->data, in->data + in->start, len);
    in->start = 0;
    in->end = len;
    t->parsed = 0;
    http_begin(&t->http);
}

static bool receive_head(struct transaction *t)
{
    int rc;

    move_to_front(t);
    if (buffer_room(&t->in) == 0) {
        return refuse(t, http_too_large(&t->http));
    }
    rc = buffer_fill(&t->in, t->peer);
    if (rc == FCGI_WAIT && buffer_len(&t->in) == 0) {
        return enter(t, IDLE);
    }
    return rc < 0 ? enter(t, GONE) : rc == FCGI_OK;
}

static bool read_head(struct transaction *t)
{
    size_t used = 0;
    int rc = FCGI_WAIT;

    if (t->parsed < t->in.end) {
        rc = http_parse(&t->http, t->in.data + t->parsed, t->in.end - t->parsed,
                        &used);
        t->parsed += used;
    }
    switch (rc) {
    case FCGI_OK:
        return begin_request(t);
    case FCGI_WAIT:
        return receive_head(t);
    default:
        return refuse(t, t->http.refusal);
    }
}

/*
 * Going on, and waiting.
 */

enum stage transaction_proceed(struct transaction *t)
{
    static bool (*const stages[])(struct transaction *) = {
        [READING] = read_head, [GATHERING] = gather, [ASKING] = go_on_asking,
        [SENDING] = send_rest, [LINGERING] = linger,
    };

    while (t->stage < IDLE && stages[t->stage](t)) {
        /* There is more to do. */
    }
    return t->stage;
}

int64_t transaction_client_deadline(const struct transaction *t)
{
    int64_t limit = t->worker->options->client_timeout_ms;
    int64_t moved = t->peer->moved > t->since ? t->peer->moved : t->since;

    switch (t->stage) {
    case READING:
        return t->since + limit;
    case ASKING:
        return t->body.waits || t->peer->full ? moved + limit : NEVER;
    case LINGERING:
        return t->since + LINGER_MS;
    default:
        return moved + limit;
    }
}

int64_t transaction_deadline(const struct transaction *t)
{
    int64_t at = transaction_client_deadline(t);
    int64_t call_at = NEVER;
    int ms = t->stage == ASKING ? fcgi_call_timeout_ms(t->ask.call) : -1;

    if (ms >= 0) {
        call_at = t->worker->now + ms;
    }
    return call_at < at ? call_at : at;
}

void transaction_time_out(struct transaction *t)
{
    if (t->stage == READING) {
        (void)refuse(t, 408);
    } else if (t->stage == GATHERING ||
               (t->stage == ASKING && t->answer.state == ANSWER_NONE)) {
        (void)answer_with(t, 408);
    } else {
        (void)enter(t, GONE);
    }
}
