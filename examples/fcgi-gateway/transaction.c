/*
 * transaction - a request of an HTTP client and its answer.
 */
#define _POSIX_C_SOURCE 200809L

#include "transaction.h"

#include <stdlib.h>
#include <string.h>

#include "asking.h"
#include "ending.h"
#include "reading.h"

/* How many a worker caches for the next requests. */
#define CACHED_MAX 64

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

/* The rooms are not cleared: a page that nobody uses takes no memory. */
static struct transaction *allocate(struct worker *worker)
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
    t->in = (struct buffer){.data = t->in_room, .size = sizeof(t->in_room)};
    t->out = (struct buffer){.data = t->out_room, .size = sizeof(t->out_room)};
    return t;
}

static void release(struct transaction *t)
{
    memory_give(&t->worker->memory, sizeof(*t));
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
    t->parsed = t->in.start;
    (void)transaction_enter(t, STAGE_READING);
    return peer_take_step(t->peer);
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
    asking_end(t);
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
        return t->body.waits && !t->peer->held_back;
    case STAGE_ASKING:
        return t->peer->full || (t->body.waits && !t->peer->held_back);
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

int64_t transaction_deadline(const struct transaction *t)
{
    return t->stage == STAGE_READING
               ? t->since + t->worker->options->client_timeout_ms
               : patience_deadline(&t->patience);
}

/* A client that takes no more is looked at closely before it is given up. */
void transaction_check_client(struct transaction *t)
{
    if (t->worker->now >= transaction_deadline(t)) {
        peer_count_taken(t->peer);
        note_progress(t);
    }
    if (t->worker->now >= transaction_deadline(t)) {
        ending_time_out(t);
    }
}

/*
 * The stages.
 */

enum stage transaction_proceed(struct transaction *t)
{
    static bool (*const stages[])(struct transaction *) = {
        [STAGE_READING] = reading_read_head,
        [STAGE_GATHERING] = reading_gather_body,
        [STAGE_ASKING] = asking_go_on,
        [STAGE_SENDING] = ending_send_rest,
    };

    while (t->stage < STAGE_IDLE && stages[t->stage](t)) {
        /* There is more to do. */
    }
    note_progress(t);
    return t->stage;
}
