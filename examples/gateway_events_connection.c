/*
 * connection - an HTTP client.
 *
 *     READING_HEAD -> [GATHERING] -> ASKING -> SENDING -> LINGERING -> GONE
 *           ^                                     |
 *           +------------- keep-alive ------------+
 *
 * A stage does what it can without waiting, and says whether there is more to
 * do. What a request needs (buffers, parser, response) is a transaction, which
 * an idle connection does without.
 */
#define _POSIX_C_SOURCE 200809L

#include "gateway_events_connection.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event_struct.h>

#include "gateway_events_answer.h"
#include "gateway_events_body.h"
#include "gateway_events_http.h"
#include "gateway_events_log.h"
#include "gateway_events_peer.h"

#define NEVER INT64_MAX

/* How long a client that is not listened to any more may take to notice. */
#define LINGER_MS 5000

/* Transactions that are kept for the next request. */
#define SPARES_MAX 64

/* The longest head of an answer: it must fit beside what is added to it. */
#define ANSWER_HEAD_MAX (24 * 1024)

enum stage { READING_HEAD, GATHERING, ASKING, SENDING, LINGERING, GONE };

struct transaction {
    struct transaction *next;
    struct ask ask;
    bool due; /* the call may go on */
    struct body body;
    struct answer answer;
    struct fcgi_response response;
    uint64_t sent_before; /* to the client */
    size_t parsed;        /* where in the buffer the parser stands */
    struct http http;
    struct buffer in;
    struct buffer out;
};

struct connection {
    struct worker *worker;
    struct connection *next, *previous;
    struct peer peer;
    struct event reading, writing, timer;
    int64_t timer_at; /* NEVER: it is not set */
    enum stage stage;
    int64_t since; /* when the stage began */
    struct transaction *transaction;
    char remote_addr[64], remote_port[8];
    char server_addr[64], server_port[8];
};

static bool enter(struct connection *c, enum stage stage)
{
    c->stage = stage;
    c->since = c->worker->now;
    return true;
}

/*
 * Transactions.
 */

void transaction_free(struct transaction *transaction)
{
    while (transaction != NULL) {
        struct transaction *next = transaction->next;
        fcgi_response_free(&transaction->response);
        free(transaction);
        transaction = next;
    }
}

/* Buffers are not cleared: pages that nobody uses take no memory. */
static struct transaction *make_transaction(void)
{
    struct transaction *t = malloc(sizeof(*t));

    if (t != NULL) {
        memset(t, 0, offsetof(struct transaction, http));
    }
    return t;
}

static struct transaction *take_transaction(struct connection *c)
{
    struct worker *worker = c->worker;
    struct transaction *t = worker->spares;

    if (t != NULL) {
        worker->spares = t->next;
        worker->spare_count -= 1;
    } else {
        t = make_transaction();
    }
    if (t != NULL) {
        t->next = NULL;
        t->parsed = 0;
        t->in.start = t->in.end = 0;
        t->out.start = t->out.end = 0;
        http_begin(&t->http);
        c->since = worker->now;
    }
    c->transaction = t;
    return t;
}

static void release_transaction(struct connection *c)
{
    struct worker *worker = c->worker;
    struct transaction *t = c->transaction;

    c->transaction = NULL;
    if (t == NULL) {
        return;
    }
    if (t->ask.call != NULL) {
        upstream_end(&worker->upstream, &t->ask);
    }
    body_end(&t->body);
    if (worker->spare_count == SPARES_MAX) {
        transaction_free(t);
        return;
    }
    t->next = worker->spares;
    worker->spares = t;
    worker->spare_count += 1;
}

/*
 * Answering.
 */

/* An answer is on its way, `rc` tells how far it came. */
static bool send_answer(struct connection *c, int rc)
{
    return enter(c, rc < 0 ? GONE : SENDING);
}

/* The connection must end if the client has yet to send what nobody reads. */
static bool answer_with(struct connection *c, int status)
{
    struct transaction *t = c->transaction;

    t->answer.keep = t->answer.keep && t->body.left == 0;
    return send_answer(c, answer_plainly(&t->answer, status));
}

/* What was sent is no request: nothing behind it can be trusted. */
static bool refuse(struct connection *c, int status)
{
    struct transaction *t = c->transaction;

    answer_begin(&t->answer, &c->peer, &t->out, &t->http,
                 worker_date(c->worker), false);
    t->body.left = 1;
    return answer_with(c, status);
}

static bool begin_next(struct connection *c)
{
    struct transaction *t = c->transaction;

    body_end(&t->body);
    http_begin(&t->http);
    t->parsed = t->in.start;
    if (buffer_len(&t->in) == 0 && !c->peer.readable) {
        release_transaction(c);
    }
    return enter(c, READING_HEAD);
}

/* An answer was sent whole. */
static bool finish(struct connection *c)
{
    struct transaction *t = c->transaction;

    if (c->worker->options->access_log) {
        log_access(c->remote_addr, &t->http, t->answer.status,
                   c->peer.sent - t->sent_before);
    }
    if (t->answer.keep && t->body.left == 0 && !c->worker->stopping) {
        return begin_next(c);
    }
    if (t->body.left == 0 && !c->peer.readable) {
        return enter(c, GONE);
    }
    /* To close with bytes unread would take the answer from the client. */
    (void)shutdown(c->peer.fd, SHUT_WR);
    return enter(c, LINGERING);
}

static bool send_rest(struct connection *c)
{
    struct transaction *t = c->transaction;
    int rc = FCGI_OK;

    if (buffer_len(&t->out) > 0) {
        rc = c->peer.full ? FCGI_WAIT : answer_flush(&t->answer);
    }
    switch (rc) {
    case FCGI_OK:
        return finish(c);
    case FCGI_WAIT:
        return false;
    default:
        return enter(c, GONE);
    }
}

static bool linger(struct connection *c)
{
    struct buffer *in = &c->transaction->in;
    int rc = FCGI_OK;

    while (rc == FCGI_OK && c->peer.readable) {
        in->start = in->end = 0;
        rc = buffer_fill(in, &c->peer);
    }
    return rc < 0 ? enter(c, GONE) : false;
}

/*
 * Asking the application.
 */

static struct fcgi_slice text(const char *string)
{
    return (struct fcgi_slice){string, strlen(string)};
}

static int make_params(struct connection *c)
{
    struct transaction *t = c->transaction;
    struct fcgi_cgi_request request = {
        .method = t->http.method,
        .target = t->http.target,
        .protocol = text(t->http.is_1_0 ? "HTTP/1.0" : "HTTP/1.1"),
        .fields = t->http.fields,
        .field_count = t->http.field_count,
        .remote_addr = text(c->remote_addr),
        .remote_port = text(c->remote_port),
        .server_addr = text(c->server_addr),
        .server_port = text(c->server_port),
        .content_length = body_length(&t->body),
    };
    int rc = fcgi_cgi_build(c->worker->cgi, &c->worker->site, &request);

    /* It is for who has said --stream-chunked to know. */
    return rc == FCGI_ERR_LENGTH_REQUIRED ? FCGI_OK : rc;
}

static int start_call(struct connection *c)
{
    struct transaction *t = c->transaction;
    struct fcgi_request request = {
        .body = body_source(&t->body),
        .sink = answer_sink(&t->answer),
        .limits.head_len = ANSWER_HEAD_MAX,
    };

    request.params = fcgi_cgi_params(c->worker->cgi, &request.param_count);
    return upstream_ask(&c->worker->upstream, &t->ask, &request, &t->response);
}

/* What to answer where the application did not. */
static int status_of(int error)
{
    switch (error) {
    case FCGI_ERR_QUEUE_FULL:
    case FCGI_ERR_QUEUE_TIMEOUT:
    case FCGI_ERR_POOL_CLOSED:
    case FCGI_ERR_BACKLOG_FULL:
    case FCGI_ERR_OVERLOADED:
    case FCGI_ERR_NO_MEMORY:
    case FCGI_ERR_SYSTEM:
        return 503;
    case FCGI_ERR_CONNECT_TIMEOUT:
    case FCGI_ERR_WRITE_TIMEOUT:
    case FCGI_ERR_FIRST_BYTE_TIMEOUT:
    case FCGI_ERR_IDLE_TIMEOUT:
    case FCGI_ERR_DEADLINE:
        return 504;
    default:
        return 502;
    }
}

static bool fail(struct connection *c, int error)
{
    struct transaction *t = c->transaction;
    bool may_answer = t->answer.state != ANSWER_SENT;

    log_failure(&t->http, may_answer ? status_of(error) : 0, error,
                &t->response);
    return may_answer ? answer_with(c, status_of(error)) : enter(c, GONE);
}

static bool ask(struct connection *c)
{
    struct transaction *t = c->transaction;
    int rc = make_params(c);

    if (rc == FCGI_ERR_BAD_REQUEST) {
        return refuse(c, 400);
    }
    if (rc != FCGI_OK) {
        return fail(c, rc);
    }
    rc = start_call(c);
    if (rc != FCGI_OK) {
        return fail(c, rc);
    }
    t->due = true;
    return enter(c, ASKING);
}

/* The call has ended. */
static bool conclude(struct connection *c, int rc)
{
    struct transaction *t = c->transaction;

    upstream_end(&c->worker->upstream, &t->ask);
    log_stderr(&t->http, t->response.stderr_data);
    if (t->answer.state == ANSWER_FAILED) {
        return enter(c, GONE);
    }
    if (rc == FCGI_ERR_SOURCE) {
        return t->body.malformed && t->answer.state != ANSWER_SENT
                   ? answer_with(c, 400)
                   : enter(c, GONE);
    }
    if (t->answer.refused) {
        rc = FCGI_ERR_BAD_HEAD;
    } else if (rc == FCGI_ERR_BODY_LONG && t->answer.state != ANSWER_NONE) {
        /* Its Content-Length is there, and no more than that. */
        log_failure(&t->http, t->answer.status, rc, &t->response);
        rc = FCGI_OK;
    }
    return rc == FCGI_OK ? send_answer(c, answer_end(&t->answer)) : fail(c, rc);
}

/* The call waits, and so does what it has made of the answer: send that. */
static bool await_call(struct connection *c)
{
    struct transaction *t = c->transaction;

    if (!c->peer.full && answer_flush(&t->answer) < 0) {
        return enter(c, GONE);
    }
    if (upstream_watch(&c->worker->upstream, &t->ask, c) != FCGI_OK) {
        return conclude(c, FCGI_ERR_NO_MEMORY);
    }
    return false;
}

/* What the client does meanwhile: it sends more of the body, or the next
 * request, or leaves. */
static bool heed_client(struct connection *c)
{
    struct transaction *t = c->transaction;

    if (t->body.waits && c->peer.readable) {
        t->due = true;
    } else if (t->body.left == 0 && c->peer.readable &&
               buffer_room(&t->in) > 0) {
        (void)buffer_fill(&t->in, &c->peer);
    }
    if (t->answer.paused && !c->peer.full) {
        t->due = true;
    }
    return !c->peer.leaving;
}

static bool go_on_asking(struct connection *c)
{
    struct transaction *t = c->transaction;
    int rc;

    if (!heed_client(c)) {
        return enter(c, GONE);
    }
    if (!t->due) {
        return c->peer.full ? false : await_call(c);
    }
    t->due = false;
    rc = fcgi_call_resume(t->ask.call);
    return rc == FCGI_WAIT ? await_call(c) : conclude(c, rc);
}

/*
 * Reading a request.
 */

static bool gather(struct connection *c)
{
    int rc = body_gather(&c->transaction->body, c->worker->options->gather);

    switch (rc) {
    case FCGI_OK:
        return ask(c);
    case FCGI_WAIT:
        return false;
    case FCGI_ERR_BAD_REQUEST:
        return answer_with(c, 400);
    case FCGI_ERR_CONTENT_TOO_LONG:
        return answer_with(c, 413);
    case FCGI_ERR_NO_MEMORY:
        return answer_with(c, 503);
    default:
        return enter(c, GONE);
    }
}

static bool begin_request(struct connection *c)
{
    struct transaction *t = c->transaction;
    struct worker *worker = c->worker;

    t->in.start = t->parsed;
    t->sent_before = c->peer.sent;
    t->due = false;
    body_begin(&t->body, &t->http, &c->peer, &t->in,
               worker->options->stream_chunked);
    answer_begin(&t->answer, &c->peer, &t->out, &t->http, worker_date(worker),
                 t->http.keep_alive && !worker->stopping);
    if (!body_wants_gathering(&t->body)) {
        return ask(c);
    }
    if (worker->options->gather == 0) {
        return answer_with(c, 411);
    }
    return enter(c, GATHERING);
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

static bool receive_head(struct connection *c)
{
    struct transaction *t = c->transaction;
    int rc = FCGI_WAIT;

    move_to_front(t);
    if (buffer_room(&t->in) == 0) {
        return refuse(c, http_too_large(&t->http));
    }
    if (c->peer.readable) {
        rc = buffer_fill(&t->in, &c->peer);
    }
    if (rc == FCGI_WAIT && buffer_len(&t->in) == 0) {
        release_transaction(c);
    }
    return rc < 0 ? enter(c, GONE) : rc == FCGI_OK;
}

static bool read_head(struct connection *c)
{
    struct transaction *t = c->transaction;
    size_t used = 0;
    int rc = FCGI_WAIT;

    if (t == NULL) {
        if (!c->peer.readable) {
            return false;
        }
        t = take_transaction(c);
    }
    if (t == NULL) {
        return enter(c, GONE);
    }
    if (t->parsed < t->in.end) {
        rc = http_parse(&t->http, t->in.data + t->parsed, t->in.end - t->parsed,
                        &used);
        t->parsed += used;
    }
    switch (rc) {
    case FCGI_OK:
        return begin_request(c);
    case FCGI_WAIT:
        return receive_head(c);
    default:
        return refuse(c, t->http.refusal);
    }
}

/*
 * Waiting.
 */

/* When the client must have moved. */
static int64_t client_deadline(const struct connection *c)
{
    const struct transaction *t = c->transaction;
    int64_t limit = c->worker->options->client_timeout_ms;
    int64_t moved = c->peer.moved > c->since ? c->peer.moved : c->since;

    switch (c->stage) {
    case READING_HEAD:
        return c->since + limit;
    case ASKING:
        return t->body.waits || c->peer.full ? moved + limit : NEVER;
    case LINGERING:
        return c->since + LINGER_MS;
    case GATHERING:
    case SENDING:
    case GONE:
    default:
        return moved + limit;
    }
}

static int64_t call_deadline(const struct connection *c)
{
    int ms = -1;

    if (c->stage == ASKING) {
        ms = fcgi_call_timeout_ms(c->transaction->ask.call);
    }
    return ms < 0 ? NEVER : c->worker->now + ms;
}

/* A timer that is set for too early is left alone: it is set again when its
 * time has come, once a minute rather than twice a request. */
static void set_timer(struct connection *c)
{
    int64_t at = client_deadline(c);
    int64_t call_at = call_deadline(c);
    struct timeval after;

    at = call_at < at ? call_at : at;
    if (at < c->timer_at) {
        int64_t ms = at - c->worker->now;
        after.tv_sec = ms / 1000;
        after.tv_usec = ms % 1000 * 1000;
        (void)evtimer_add(&c->timer, &after);
        c->timer_at = at;
    }
}

static void connection_free(struct connection *c)
{
    struct worker *worker = c->worker;

    release_transaction(c);
    (void)event_del(&c->reading);
    (void)event_del(&c->writing);
    (void)event_del(&c->timer);
    (void)close(c->peer.fd);
    if (c->next != NULL) {
        c->next->previous = c->previous;
    }
    if (c->previous != NULL) {
        c->previous->next = c->next;
    } else {
        worker->connections = c->next;
    }
    free(c);
    if (worker->stopping && worker->connections == NULL) {
        (void)event_base_loopbreak(worker->base);
    }
}

static void proceed(struct connection *c)
{
    static bool (*const stages[])(struct connection *) = {
        [READING_HEAD] = read_head, [GATHERING] = gather,
        [ASKING] = go_on_asking,    [SENDING] = send_rest,
        [LINGERING] = linger,
    };

    while (c->stage != GONE && stages[c->stage](c)) {
        /* There is more to do. */
    }
    if (c->stage == GONE) {
        connection_free(c);
        return;
    }
    if (c->peer.full) {
        (void)event_add(&c->writing, NULL);
    }
    set_timer(c);
}

/*
 * Events.
 */

static void on_client(evutil_socket_t fd, short what, void *context)
{
    struct connection *c = context;

    (void)fd;
    worker_wake(c->worker);
    c->peer.readable = c->peer.readable || (what & (EV_READ | EV_CLOSED));
    c->peer.leaving = c->peer.leaving || (what & EV_CLOSED);
    c->peer.full = c->peer.full && !(what & EV_WRITE);
    proceed(c);
}

void connection_ready(void *connection)
{
    struct connection *c = connection;

    worker_wake(c->worker);
    c->transaction->due = true;
    proceed(c);
}

/* The client has taken too long. */
static void time_out(struct connection *c)
{
    struct transaction *t = c->transaction;

    if (c->stage == READING_HEAD && t != NULL) {
        (void)refuse(c, 408);
    } else if (c->stage == GATHERING ||
               (c->stage == ASKING && t->answer.state == ANSWER_NONE)) {
        (void)answer_with(c, 408);
    } else {
        (void)enter(c, GONE);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct connection *c = context;

    (void)fd;
    (void)what;
    worker_wake(c->worker);
    c->timer_at = NEVER;
    if (c->worker->now >= client_deadline(c)) {
        time_out(c);
    } else if (c->stage == ASKING) {
        c->transaction->due = true;
    }
    proceed(c);
}

/*
 * Beginning and end.
 */

static void name_ends(struct connection *c, const struct sockaddr *address,
                      socklen_t len)
{
    const int numeric = NI_NUMERICHOST | NI_NUMERICSERV;
    struct sockaddr_storage own;
    socklen_t own_len = sizeof(own);

    (void)getnameinfo(address, len, c->remote_addr, sizeof(c->remote_addr),
                      c->remote_port, sizeof(c->remote_port), numeric);
    (void)getsockname(c->peer.fd, (struct sockaddr *)&own, &own_len);
    (void)getnameinfo((const struct sockaddr *)&own, own_len, c->server_addr,
                      sizeof(c->server_addr), c->server_port,
                      sizeof(c->server_port), numeric);
}

static void enlist(struct connection *c)
{
    struct worker *worker = c->worker;

    c->next = worker->connections;
    if (c->next != NULL) {
        c->next->previous = c;
    }
    worker->connections = c;
}

void connection_open(struct worker *worker, int fd,
                     const struct sockaddr *address, socklen_t len)
{
    const short always = EV_PERSIST | EV_ET;
    struct connection *c = calloc(1, sizeof(*c));

    upstream_forget(&worker->upstream, fd);
    if (c == NULL) {
        (void)close(fd);
        return;
    }
    c->worker = worker;
    c->peer.fd = fd;
    c->peer.now = &worker->now;
    c->timer_at = NEVER;
    name_ends(c, address, len);
    enlist(c);
    (void)event_assign(&c->reading, worker->base, fd,
                       (short)(EV_READ | EV_CLOSED | always), on_client, c);
    (void)event_assign(&c->writing, worker->base, fd, EV_WRITE | EV_ET,
                       on_client, c);
    (void)evtimer_assign(&c->timer, worker->base, on_timer, c);
    (void)event_add(&c->reading, NULL);
    (void)enter(c, READING_HEAD);
    proceed(c);
}

void connection_stop(struct connection *c)
{
    if (c->stage == READING_HEAD && c->transaction == NULL) {
        connection_free(c);
    } else if (c->transaction != NULL) {
        c->transaction->answer.keep = false;
    }
}

struct connection *connection_next(const struct connection *c)
{
    return c->next;
}
