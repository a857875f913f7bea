/*
 * transaction - a request of an HTTP client and its answer.
 *
 * Each stage is a function that does what it can without waiting, and says
 * whether there is more to do: it is then called again, or that of the stage
 * which it has entered.
 */
#define _POSIX_C_SOURCE 200809L

#include "transaction.h"

#include <stdlib.h>
#include <string.h>

#include "../common/http_status.h"
#include "asking.h"
#include "ending.h"
#include "log.h"

/* How many are kept for the next request. */
#define SPARES_MAX 64

bool transaction_enter(struct transaction *t, enum stage stage)
{
    const struct options *options = t->worker->options;

    t->stage = stage;
    t->since = t->worker->now;
    patience_begin(&t->patience, options->client_timeout_ms,
                   options->least_rate, t->since);
    return true;
}

/*
 * Memory.
 */

static void destroy(struct transaction *t)
{
    memory_give(&t->worker->memory, sizeof(*t));
    fcgi_response_free(&t->response);
    free(t);
}

/* Buffers are not cleared: pages that nobody uses take no memory. */
static struct transaction *make(struct worker *worker)
{
    struct transaction *t;

    if (!memory_take(&worker->memory, sizeof(*t))) {
        return NULL;
    }
    t = malloc(sizeof(*t));
    if (t == NULL) {
        memory_give(&worker->memory, sizeof(*t));
        return NULL;
    }
    memset(t, 0, offsetof(struct transaction, http));
    t->worker = worker;
    buffer_init(&t->in, t->in_room, sizeof(t->in_room));
    buffer_init(&t->out, t->out_room, sizeof(t->out_room));
    return t;
}

static struct transaction *take_spare(struct worker *worker)
{
    struct transaction *t = worker->spares;

    if (t == NULL) {
        return make(worker);
    }
    worker->spares = t->next;
    worker->spare_count -= 1;
    return t;
}

bool transaction_free_spares(struct worker *worker)
{
    bool any = worker->spares != NULL;

    while (worker->spares != NULL) {
        destroy(take_spare(worker));
    }
    return any;
}

/* Nothing of the request before, if there was one, is known any more. */
bool transaction_read_next(struct transaction *t)
{
    http_begin(&t->http);
    t->answer = (struct answer){0};
    t->why = NULL;
    t->parsed = t->in.start;
    (void)transaction_enter(t, READING);
    return peer_may_go_on(t->peer);
}

struct transaction *transaction_begin(struct worker *worker, struct peer *peer,
                                      void *owner)
{
    struct transaction *t = take_spare(worker);

    if (t != NULL) {
        t->peer = peer;
        t->owner = owner;
        t->counted = peer->moved;
        t->in.start = t->in.end = 0;
        t->out.start = t->out.end = 0;
        (void)transaction_read_next(t);
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
    if (worker->spare_count == SPARES_MAX) {
        destroy(t);
        return;
    }
    t->next = worker->spares;
    worker->spares = t;
    worker->spare_count += 1;
}

/*
 * Asking the application.
 */

/* It has failed: the answer says so, unless it is under way. */
static bool fail(struct transaction *t, int error)
{
    bool cut = t->answer.state == ANSWER_SENT;
    int status = cut ? t->answer.status : http_status_of_error(error);

    log_failure(&t->http, status, cut, error, &t->response);
    return cut ? ending_give_up(t, fcgi_error_name(error))
               : ending_answer(t, status);
}

static bool ask(struct transaction *t)
{
    int rc = inquiry_begin(t);

    switch (rc) {
    case FCGI_OK:
        return transaction_enter(t, ASKING);
    case FCGI_ERR_BAD_REQUEST:
        return ending_refuse(t, 400);
    default:
        return fail(t, rc);
    }
}

/* It was the client that failed. */
static bool fail_body(struct transaction *t)
{
    if (!t->body.malformed) {
        return ending_lose(t);
    }
    return t->answer.state == ANSWER_SENT ? ending_give_up(t, "malformed body")
                                          : ending_answer(t, 400);
}

static bool conclude(struct transaction *t, int rc)
{
    inquiry_end(t);
    log_stderr(&t->http, t->response.stderr_data);
    if (t->answer.state == ANSWER_FAILED) {
        return ending_lose(t);
    }
    if (rc == FCGI_ERR_SOURCE) {
        return fail_body(t);
    }
    if (t->answer.refused) {
        rc = FCGI_ERR_BAD_HEAD;
    } else if (rc == FCGI_ERR_BODY_LONG && t->answer.state != ANSWER_NONE) {
        /* Its Content-Length is there, and no more than that. */
        log_failure(&t->http, t->answer.status, false, rc, &t->response);
        rc = FCGI_OK;
    }
    return rc == FCGI_OK ? ending_send(t) : fail(t, rc);
}

/* The call waits, and so does what it has made of the answer: send that. */
static bool await_call(struct transaction *t)
{
    if (answer_flush(&t->answer) < 0) {
        return ending_lose(t);
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
        return ending_lose(t);
    }
    rc = fcgi_call_resume(t->ask.call);
    return rc == FCGI_WAIT ? await_call(t) : conclude(t, rc);
}

/*
 * Reading a request.
 */

static bool gather(struct transaction *t)
{
    int rc = body_gather(&t->body);

    switch (rc) {
    case FCGI_OK:
        return ask(t);
    case FCGI_WAIT:
        return false;
    case FCGI_ERR_BAD_REQUEST:
        return ending_answer(t, 400);
    case FCGI_ERR_CONTENT_TOO_LONG:
        return ending_answer(t, 413);
    case FCGI_ERR_NO_MEMORY:
        return transaction_free_spares(t->worker) || ending_answer(t, 503);
    default:
        return ending_lose(t);
    }
}

static bool begin_request(struct transaction *t)
{
    const struct options *options = t->worker->options;

    t->in.start = t->parsed;
    t->body = (struct body){.http = &t->http,
                            .peer = t->peer,
                            .in = &t->in,
                            .memory = &t->worker->memory,
                            .limit = options->gather,
                            .streams = options->stream_chunked};
    body_begin(&t->body);
    answer_begin(&t->answer, t->peer, &t->out, &t->http, worker_date(t->worker),
                 t->http.keep_alive && !t->worker->stopping);
    if (!t->body.gathers) {
        return ask(t);
    }
    return options->gather == 0 ? ending_answer(t, 411)
                                : transaction_enter(t, GATHERING);
}

/* A head that is not whole starts at the front of the buffer, so that it has
 * all of the room. */
static void move_to_front(struct transaction *t)
{
    struct buffer *in = &t->in;
    size_t len = buffer_len(in);

    memmove(in->data, in->data + in->start, len);
    in->start = 0;
    in->end = len;
    t->parsed = 0;
    http_begin(&t->http);
}

static bool receive_head(struct transaction *t)
{
    int rc;

    if (t->in.start > 0) {
        move_to_front(t);
    }
    if (buffer_len(&t->in) >= HTTP_HEAD_MAX) {
        return ending_refuse(t, http_too_large(&t->http));
    }
    rc = buffer_fill(&t->in, t->peer);
    if (buffer_len(&t->in) == 0 && rc != FCGI_OK) {
        return transaction_enter(t, rc == FCGI_WAIT ? IDLE : GONE);
    }
    return rc < 0 ? ending_lose(t) : rc == FCGI_OK;
}

/* The head is whole. A chunked body is decoded in the room behind it. */
static bool end_head(struct transaction *t)
{
    if (t->parsed - t->in.start > HTTP_HEAD_MAX) {
        return ending_refuse(t, http_too_large(&t->http));
    }
    if (t->http.chunked && t->parsed > HTTP_HEAD_MAX) {
        move_to_front(t); /* where it is read once more */
        return true;
    }
    return begin_request(t);
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
        return end_head(t);
    case FCGI_WAIT:
        return receive_head(t);
    default:
        return ending_refuse(t, t->http.refusal);
    }
}

/*
 * Time.
 */

static bool is_waited_for(const struct transaction *t)
{
    switch (t->stage) {
    case GATHERING:
        return t->body.waits && !t->peer->held_back;
    case ASKING:
        return t->peer->full || (t->body.waits && !t->peer->held_back);
    case SENDING:
        return true;
    default:
        return false;
    }
}

static void note_progress(struct transaction *t)
{
    uint64_t bytes = t->peer->moved - t->counted;

    t->counted = t->peer->moved;
    patience_note(&t->patience, t->worker->now, bytes, is_waited_for(t));
}

static int64_t client_deadline(const struct transaction *t)
{
    return t->stage == READING
               ? t->since + t->worker->options->client_timeout_ms
               : patience_deadline(&t->patience);
}

int64_t transaction_deadline(const struct transaction *t)
{
    int64_t at = client_deadline(t);
    int64_t call_at = NEVER;
    int ms = t->stage == ASKING ? fcgi_call_timeout_ms(t->ask.call) : -1;

    if (ms >= 0) {
        call_at = t->worker->now + ms;
    }
    return call_at < at ? call_at : at;
}

static void time_out(struct transaction *t)
{
    static const char why[] = "client too slow";

    t->why = why;
    if (t->stage == READING) {
        (void)ending_refuse(t, 408);
    } else if (t->stage == GATHERING ||
               (t->stage == ASKING && t->answer.state == ANSWER_NONE)) {
        (void)ending_answer(t, 408);
    } else {
        (void)ending_give_up(t, why);
    }
}

/* One that takes no more is looked at closely before it is given up. */
void transaction_check_client(struct transaction *t)
{
    if (t->worker->now >= client_deadline(t)) {
        peer_look(t->peer);
        note_progress(t);
    }
    if (t->worker->now >= client_deadline(t)) {
        time_out(t);
    }
}

/*
 * Going on.
 */

enum stage transaction_proceed(struct transaction *t)
{
    static bool (*const stages[])(struct transaction *) = {
        [READING] = read_head,
        [GATHERING] = gather,
        [ASKING] = go_on_asking,
        [SENDING] = ending_send_rest,
    };

    while (t->stage < IDLE && stages[t->stage](t)) {
        /* There is more to do. */
    }
    note_progress(t);
    return t->stage;
}
