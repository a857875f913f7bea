/*
 * stages - what a transaction does, from its end to its beginning, as each
 * stage enters the next.
 *
 * Each request that ends is a line in the access log, and no request ends in
 * another way than those here.
 */
#define _POSIX_C_SOURCE 200809L

#include "stages.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "../common/http_status.h"
#include "log.h"

/* What the log says of a client that left before it was sent anything: nginx
 * uses this number too, which is not a status of HTTP. */
#define CLIENT_LEFT 499

static void log_end(const struct transaction *t, int status, const char *why)
{
    if (t->worker->options->access_log) {
        log_access(t->peer->remote_addr, &t->http, status,
                   answer_body_sent(&t->answer), why);
    }
}

/*
 * Giving up.
 */

/* What was sent may still be on its way, and so may earlier answers: to close
 * the socket with bytes unread, or before more come, would discard them (RFC
 * 9112, section 9.6). */
static bool close_in_stages(struct transaction *t)
{
    (void)shutdown(t->peer->fd, SHUT_WR);
    return transaction_enter(t, STAGE_LINGERING);
}

/* Where an answer ends with the connection, only a reset tells that it is not
 * whole (RFC 9112, section 8). */
static void break_off(struct transaction *t, const char *why)
{
    const struct linger none = {.l_onoff = 1, .l_linger = 0};

    log_end(t, t->answer.head_sent ? t->answer.status : CLIENT_LEFT, why);
    if (!answer_tells_its_end(&t->answer)) {
        (void)setsockopt(t->peer->fd, SOL_SOCKET, SO_LINGER, &none,
                         sizeof(none));
    }
}

/* End the connection after what was sent of the answer, so that the client sees
 * that it is cut. */
static bool cut_answer(struct transaction *t, const char *why)
{
    break_off(t, why);
    return answer_tells_its_end(&t->answer) ? close_in_stages(t)
                                            : transaction_enter(t, STAGE_GONE);
}

/* Close the connection, wherever the answer stands. */
static bool abandon(struct transaction *t, const char *why)
{
    break_off(t, why);
    return transaction_enter(t, STAGE_GONE);
}

static bool lose_client(struct transaction *t)
{
    return abandon(t, "client left");
}

/*
 * Answering.
 */

/* The whole answer was sent. */
static bool finish(struct transaction *t)
{
    log_end(t, t->answer.status, t->why);
    if (t->answer.keep && t->body.left == 0 && !t->worker->stopping) {
        return transaction_read_next(t);
    }
    if (t->peer->closed) {
        return transaction_enter(t, STAGE_GONE);
    }
    return close_in_stages(t);
}

bool stages_send_rest(struct transaction *t)
{
    int rc = answer_flush(&t->answer);

    if (rc == FCGI_WAIT) {
        return false;
    }
    return rc == FCGI_OK ? finish(t) : lose_client(t);
}

/* `rc` is what the answer's last function returned. */
static bool begin_sending(struct transaction *t, int rc)
{
    stages_cancel_call(t);
    body_end(&t->body);
    return rc < 0 ? lose_client(t) : transaction_enter(t, STAGE_SENDING);
}

/* Send an answer of the gateway's own, in place of any that has not been sent.
 * The connection must end if the client has more body to send, which nobody
 * reads. */
static bool send_status(struct transaction *t, int status)
{
    t->answer.keep = t->answer.keep && t->body.left == 0;
    return begin_sending(t, answer_send_status(&t->answer, status));
}

/* The same for what is not a valid request: nothing after it can be trusted. */
static bool refuse(struct transaction *t, int status)
{
    answer_begin(&t->answer, t->peer, &t->out, &t->http, worker_date(t->worker),
                 false);
    t->body.left = 1;
    return send_status(t, status);
}

/* The same for what is over a limit, which is logged: the operator may know
 * that the client is right. */
static bool refuse_large(struct transaction *t, int status, const char *limit,
                         size_t value)
{
    char why[64];

    (void)snprintf(why, sizeof(why), "%s is %zu", limit, value);
    log_failure(&t->http, status, false, "the request is too large", why);
    return refuse(t, status);
}

/* The client is answered with 408, unless the application has begun an
 * answer. */
bool stages_time_out(struct transaction *t)
{
    t->why = "client too slow";
    if (t->stage == STAGE_READING) {
        return refuse(t, 408);
    }
    if (t->stage == STAGE_GATHERING ||
        (t->stage == STAGE_ASKING && t->answer.state == ANSWER_NONE)) {
        return send_status(t, 408);
    }
    return abandon(t, t->why);
}

/*
 * Asking: the application's failures, and its answer.
 */

/* What is known of a failure beside its code. */
static const char *explain(const struct transaction *t, int error, char *room,
                           size_t size)
{
    const struct fcgi_outcome *outcome = &t->response.outcome;

    if (error == FCGI_ERR_HEAD_TOO_LARGE) {
        (void)snprintf(room, size, "--max-answer-head is %zu, fields 256",
                       t->worker->options->max_answer_head);
        return room;
    }
    return outcome->error == error && outcome->system_error != 0
               ? strerror(outcome->system_error)
               : "";
}

static void log_error(const struct transaction *t, int status, bool cut,
                      int error)
{
    char room[64];

    log_failure(&t->http, status, cut, fcgi_strerror(error),
                explain(t, error, room, sizeof(room)));
}

/* The application has failed: tell the client, if nothing was sent yet. */
static bool fail(struct transaction *t, int error)
{
    int status = http_status_of_error(error);

    if (t->answer.state == ANSWER_SENT) {
        log_error(t, t->answer.status, true, error);
        return cut_answer(t, fcgi_error_name(error));
    }
    log_error(t, status, false, error);
    return send_status(t, status);
}

/* The client has failed. */
static bool fail_body(struct transaction *t)
{
    if (!t->body.malformed) {
        return lose_client(t);
    }
    return t->answer.state == ANSWER_SENT ? cut_answer(t, "malformed body")
                                          : send_status(t, 400);
}

/* The call has ended. An answer that is longer than its Content-Length is sent
 * as far as that. */
static bool conclude(struct transaction *t, int rc)
{
    log_stderr(&t->http, t->response.stderr_data);
    if (t->answer.state == ANSWER_FAILED) {
        return lose_client(t);
    }
    if (rc == FCGI_ERR_SOURCE) {
        return fail_body(t);
    }
    if (t->answer.refused) {
        rc = FCGI_ERR_BAD_HEAD;
    } else if (rc == FCGI_ERR_BODY_LONG && t->answer.state != ANSWER_NONE) {
        log_error(t, t->answer.status, false, rc);
        rc = FCGI_OK;
    }
    return rc == FCGI_OK ? begin_sending(t, answer_end(&t->answer))
                         : fail(t, rc);
}

/* What has paused goes on once the client takes more, or has sent some. */
static void resume_call(struct transaction *t)
{
    if ((t->answer.paused && !t->peer->full) ||
        (t->body.waits && t->peer->readable)) {
        fcgi_loop_resume(t->worker->upstream.loop, t->call);
    }
}

/* Once the client has sent its whole body, it may send the next request, or
 * leave. What the call has made of the answer so far is sent. */
bool stages_ask(struct transaction *t)
{
    if (t->body.left == 0) {
        (void)peer_fill(t->peer, &t->in);
    }
    if (peer_is_gone(t->peer)) {
        return lose_client(t);
    }
    resume_call(t);
    if (t->call == NULL) {
        return conclude(t, t->error);
    }
    if (answer_flush(&t->answer) < 0) {
        return lose_client(t);
    }
    /* The client may have made room since the answer paused. */
    return t->answer.paused && !t->peer->full;
}

/* A client that has closed its side of the connection may have left, or wait
 * for its answer. An interim answer, which clients ignore (RFC 9110, section
 * 15.2), is received by one that waits; to one that has left, it is the
 * occasion to say so. */
void stages_probe_client(struct transaction *t)
{
    if (peer_is_gone(t->peer) ||
        peer_send_text(t->peer, "HTTP/1.1 102 Processing\r\n\r\n") != FCGI_OK) {
        (void)lose_client(t);
    }
}

/*
 * Asking: the call.
 */

static struct fcgi_slice text(const char *string)
{
    return (struct fcgi_slice){string, strlen(string)};
}

static int make_params(const struct transaction *t)
{
    struct fcgi_cgi_request request = {
        .method = t->http.method,
        .target = t->http.target,
        .protocol = text(t->http.is_1_0 ? "HTTP/1.0" : "HTTP/1.1"),
        .fields = t->http.fields,
        .field_count = t->http.field_count,
        .remote_addr = text(t->peer->remote_addr),
        .remote_port = text(t->peer->remote_port),
        .server_addr = text(t->peer->server_addr),
        .server_port = text(t->peer->server_port),
        .content_length = body_length(&t->body),
    };
    int rc = fcgi_cgi_build(t->worker->cgi, &t->worker->site, &request);

    /* --stream-chunked is for applications that need no length. */
    if (rc != FCGI_OK && rc != FCGI_ERR_LENGTH_REQUIRED) {
        return rc;
    }
    return variables_set(&t->worker->options->variables, t->worker->cgi);
}

/* The loop is done with the call. The client is dealt with later in this turn:
 * this may be within a function of its transaction. */
static void note_end(void *context, int error)
{
    struct transaction *t = context;

    t->call = NULL;
    t->error = error;
    peer_wake(t->peer);
}

static int start_call(struct transaction *t)
{
    int64_t head_len = (int64_t)t->worker->options->max_answer_head;
    struct fcgi_request request = {
        .body = body_source(&t->body),
        .sink = answer_sink(&t->answer),
        .limits = {.line_len = head_len, .head_len = head_len},
        .context = t,
    };
    int rc = make_params(t);

    if (rc != FCGI_OK) {
        return rc;
    }
    request.params = fcgi_cgi_params(t->worker->cgi, &request.param_count);
    return fcgi_loop_start(t->worker->upstream.loop, &request, &t->response,
                           note_end, &t->call);
}

void stages_cancel_call(struct transaction *t)
{
    fcgi_loop_cancel(t->worker->upstream.loop, t->call);
    t->call = NULL;
}

static bool begin_asking(struct transaction *t)
{
    int rc = start_call(t);

    switch (rc) {
    case FCGI_OK:
        return transaction_enter(t, STAGE_ASKING);
    case FCGI_ERR_BAD_REQUEST:
        return refuse(t, 400);
    case FCGI_ERR_NOT_FOUND:
        return send_status(t, 404);
    default:
        return fail(t, rc);
    }
}

/*
 * Reading: the body, where it is gathered.
 */

bool stages_gather_body(struct transaction *t)
{
    switch (body_gather(&t->body)) {
    case FCGI_OK:
        return begin_asking(t);
    case FCGI_WAIT:
        return false;
    case FCGI_ERR_BAD_REQUEST:
        return send_status(t, 400);
    case FCGI_ERR_CONTENT_TOO_LONG:
        return refuse_large(t, 413, "--gather", t->worker->options->gather);
    case FCGI_ERR_NO_MEMORY:
        return transaction_free_cached(t->worker) || send_status(t, 503);
    default:
        return lose_client(t);
    }
}

/* The head is whole, and can be answered. */
static bool begin_request(struct transaction *t)
{
    const struct options *options = t->worker->options;

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
        return begin_asking(t);
    }
    return options->gather == 0 ? send_status(t, 411)
                                : transaction_enter(t, STAGE_GATHERING);
}

/*
 * Reading: the head.
 */

static bool refuse_head(struct transaction *t, int status)
{
    return status == 431
               ? refuse_large(t, 431, "the limit of fields", HTTP_FIELDS_MAX)
               : refuse(t, status);
}

static bool refuse_long_head(struct transaction *t)
{
    size_t max = t->worker->options->max_head;
    bool is_line = t->http.line_len == 0 || t->http.line_len > max;

    return refuse_large(t, is_line ? 414 : 431, "--max-head", max);
}

/* All room must be behind what is there of a head. */
static bool receive_head(struct transaction *t)
{
    int status;
    int rc;

    buffer_move_to_front(&t->in);
    status = http_read_line(&t->http, t->in.data, t->in.end);
    if (status != 0) {
        return refuse_head(t, status);
    }
    if (t->in.end >= t->worker->options->max_head) {
        return refuse_long_head(t);
    }
    rc = peer_fill(t->peer, &t->in);
    if (t->in.end == 0 && rc != FCGI_OK) {
        return transaction_enter(t, rc == FCGI_WAIT ? STAGE_IDLE : STAGE_GONE);
    }
    return rc < 0 ? lose_client(t) : rc == FCGI_OK;
}

/* A chunked body is decoded behind the head: there must be room. */
static bool read_head(struct transaction *t, size_t len)
{
    size_t max = t->worker->options->max_head;
    const char *head;
    int status;

    if (t->in.start + len > max) {
        buffer_move_to_front(&t->in);
    }
    head = t->in.data + t->in.start;
    status = http_read_line(&t->http, head, len);
    if (len > max) {
        return refuse_long_head(t);
    }
    if (status == 0) {
        status = http_read_fields(&t->http, head, len);
    }
    if (status != 0) {
        return refuse_head(t, status);
    }
    t->in.start += len;
    return begin_request(t);
}

bool stages_read_head(struct transaction *t)
{
    struct buffer *in = &t->in;
    size_t len;

    in->start += http_blank_len(in->data + in->start, buffer_len(in));
    len = http_head_len(in->data + in->start, buffer_len(in), t->scanned);
    t->scanned = buffer_len(in);
    return len > 0 ? read_head(t, len) : receive_head(t);
}
