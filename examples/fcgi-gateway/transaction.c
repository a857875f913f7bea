/*
 * transaction - a request of an HTTP client and its answer.
 */
#define _POSIX_C_SOURCE 200809L

#include "transaction.h"

#include <stdlib.h>
#include <string.h>

#include "stages.h"

/* When a client that has closed its side is probed first; later twice that, and
 * so on. */
#define PROBE_MS 1000

/* For some body behind the longest head. */
#define IN_ROOM ((size_t)16 * 1024)

/* How many a worker caches for the next requests. */
#define CACHED_MAX 64

bool transaction_enter(struct transaction *t, enum stage stage)
{
    const struct options *options = t->worker->options;

    t->stage = stage;
    t->since = t->worker->now;
    t->probe_ms = PROBE_MS;
    t->probe_at = t->since + PROBE_MS;
    patience_begin(&t->patience, options->client_timeout_ms,
                   options->least_rate, t->since);
    return true;
}

/*
 * Memory.
 */

static size_t total_size(const struct options *options)
{
    return sizeof(struct transaction) + options->max_head + IN_ROOM +
           options->max_answer_head + ANSWER_ROOM;
}

/* The room is not cleared: a page that nobody uses takes no memory. */
static struct transaction *allocate(struct worker *worker)
{
    const struct options *options = worker->options;
    size_t size = total_size(options);
    struct transaction *t;

    if (!memory_take(&worker->memory, size)) {
        return NULL;
    }
    t = malloc(size);
    if (t == NULL) {
        memory_give(&worker->memory, size);
        return NULL;
    }
    memset(t, 0, offsetof(struct transaction, http));
    t->worker = worker;
    t->in.data = t->room;
    t->in.size = options->max_head + IN_ROOM;
    t->out.data = t->room + t->in.size;
    t->out.size = options->max_answer_head + ANSWER_ROOM;
    return t;
}

static void release(struct transaction *t)
{
    memory_give(&t->worker->memory, total_size(t->worker->options));
    fcgi_response_free(&t->response);
    free(t);
}

static struct transaction *take_cached(struct worker *worker)
{
    struct transaction *t = worker->cached;

    if (t != NULL) {
        worker->cached = t->next;
        worker->cached_count -= 1;
    }
    return t;
}

bool transaction_free_cached(struct worker *worker)
{
    bool any = worker->cached != NULL;

    while (worker->cached != NULL) {
        release(take_cached(worker));
    }
    return any;
}

/*
 * Beginning and end.
 */

/* Nothing of the request before is kept, if there was one. */
bool transaction_read_next(struct transaction *t)
{
    http_reset(&t->http);
    t->answer = (struct answer){0};
    t->why = NULL;
    t->scanned = 0;
    (void)transaction_enter(t, STAGE_READING);
    t->again = buffer_len(&t->in) > 0;
    return !t->again;
}

struct transaction *transaction_begin(struct worker *worker, struct peer *peer)
{
    struct transaction *t = take_cached(worker);

    if (t == NULL) {
        t = allocate(worker);
    }
    if (t != NULL) {
        t->peer = peer;
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
    stages_cancel_call(t);
    body_end(&t->body);
    if (worker->cached_count == CACHED_MAX) {
        release(t);
        return;
    }
    t->next = worker->cached;
    worker->cached = t;
    worker->cached_count += 1;
}

/*
 * Time.
 */

static bool is_waited_for(const struct transaction *t)
{
    switch (t->stage) {
    case STAGE_GATHERING:
        return t->body.waits;
    case STAGE_ASKING:
        return t->peer->full || t->body.waits;
    case STAGE_SENDING:
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
    return t->stage == STAGE_READING
               ? t->since + t->worker->options->client_timeout_ms
               : patience_deadline(&t->patience);
}

/* HTTP/1.0 has no interim answers (RFC 9110, section 15.2), and none may stand
 * within an answer. */
static int64_t probe_deadline(const struct transaction *t)
{
    bool may_probe = t->stage == STAGE_ASKING && t->peer->closed &&
                     !t->http.is_1_0 && t->answer.state == ANSWER_NONE;

    return may_probe ? t->probe_at : PATIENCE_NEVER;
}

int64_t transaction_deadline(const struct transaction *t)
{
    int64_t client = client_deadline(t);
    int64_t probe = probe_deadline(t);

    if (t->again) {
        return t->worker->now;
    }
    return client < probe ? client : probe;
}

/* A client that takes no more is looked at closely before it is given up. */
void transaction_check_client(struct transaction *t)
{
    if (t->worker->now >= probe_deadline(t)) {
        t->probe_at += t->probe_ms;
        t->probe_ms *= 2;
        stages_probe_client(t);
    }
    if (t->worker->now >= client_deadline(t)) {
        peer_count_taken(t->peer);
        note_progress(t);
    }
    if (t->worker->now >= client_deadline(t)) {
        (void)stages_time_out(t);
    }
}

/*
 * The stages.
 */

enum stage transaction_proceed(struct transaction *t)
{
    static bool (*const stages[])(struct transaction *) = {
        [STAGE_READING] = stages_read_head,
        [STAGE_GATHERING] = stages_gather_body,
        [STAGE_ASKING] = stages_ask,
        [STAGE_SENDING] = stages_send_rest,
    };

    t->again = false;
    while (t->stage < STAGE_IDLE && stages[t->stage](t)) {
        /* There is more to do. */
    }
    note_progress(t);
    return t->stage;
}
