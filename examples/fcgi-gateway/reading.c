/*
 * reading - the first stages of a transaction.
 */
#include "reading.h"

#include "asking.h"
#include "ending.h"

bool reading_gather_body(struct transaction *t)
{
    switch (body_gather(&t->body)) {
    case FCGI_OK:
        return asking_begin(t);
    case FCGI_WAIT:
        return false;
    case FCGI_ERR_BAD_REQUEST:
        return ending_send_status(t, 400);
    case FCGI_ERR_CONTENT_TOO_LONG:
        return ending_send_status(t, 413);
    case FCGI_ERR_NO_MEMORY:
        return transaction_free_cached(t->worker) || ending_send_status(t, 503);
    default:
        return ending_lose_client(t);
    }
}

/* The head is whole, and can be answered. */
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
        return asking_begin(t);
    }
    return options->gather == 0 ? ending_send_status(t, 411)
                                : transaction_enter(t, STAGE_GATHERING);
}

/* Parse the head again from the front of the buffer, with all the room behind
 * it. */
static void restart_head(struct transaction *t)
{
    buffer_move_to_front(&t->in);
    t->parsed = 0;
    http_reset(&t->http);
}

static bool receive_head(struct transaction *t)
{
    int rc;

    if (t->in.start > 0) {
        restart_head(t);
        return true;
    }
    if (buffer_len(&t->in) >= HTTP_HEAD_MAX) {
        return ending_refuse(t, http_too_large(&t->http));
    }
    if (buffer_len(&t->in) > 0) {
        peer_doubt(t->peer);
    }
    rc = peer_fill(t->peer, &t->in);
    if (buffer_len(&t->in) == 0 && rc != FCGI_OK) {
        return transaction_enter(t, rc == FCGI_WAIT ? STAGE_IDLE : STAGE_GONE);
    }
    return rc < 0 ? ending_lose_client(t) : rc == FCGI_OK;
}

/* A chunked body is decoded in the room behind the head: there must be some. */
static bool end_head(struct transaction *t)
{
    if (t->parsed - t->in.start > HTTP_HEAD_MAX) {
        return ending_refuse(t, http_too_large(&t->http));
    }
    if (t->http.chunked && t->parsed > HTTP_HEAD_MAX) {
        restart_head(t);
        return true;
    }
    return begin_request(t);
}

bool reading_read_head(struct transaction *t)
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
