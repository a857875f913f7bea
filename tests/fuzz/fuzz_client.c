/*
 * The functions of client, call and pool in any order, against an application
 * that lives in this program and does what the input says: it answers, well or
 * not, to this request or another, closes, or is silent. Each call ends once,
 * what it received is sound, what it sent is in good order, the pool keeps to
 * its limits, and nothing is left in the end.
 *
 *     input: options of the client, then steps, each with its choices
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fcgi_client.h>

#include "allocator.h"
#include "fuzz_answer.h"
#include "fuzz_input.h"
#include "response_check.h"
#include "test.h"
#include "wire.h"

#define MOST_STEPS 300
#define MOST_CALLS 4
#define MOST_LEASED 3
#define MOST_PEERS 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The application's end of a connection. */
struct peer {
    int fd; /* -1: closed */
    struct wire received;
};

struct visitor {
    struct play *play;
    struct fcgi_call *call; /* NULL: none */
    struct fcgi_request request;
    struct fcgi_response response;
    uint64_t taken; /* of its body */
    int ended;      /* how; FCGI_WAIT: not yet */
    bool inside;    /* one of its callbacks may run */
};

struct play {
    struct fuzz_input s;
    struct counting_allocator memory;
    struct fcgi_client_config config;
    struct fcgi_client *client;
    struct fcgi_pool *pool;
    bool closed;
    bool blocking; /* what is dialled answers by itself, and hangs up */
    struct peer peers[MOST_PEERS];
    size_t dialled;
    struct visitor visitors[MOST_CALLS];
    struct fcgi_connection *leased[MOST_LEASED];
};

/* ---- the application --------------------------------------------------- */

static void peer_say(struct peer *peer, const struct wire *bytes)
{
    if (peer->fd >= 0 && bytes->len > 0) {
        (void)send(peer->fd, bytes->data, bytes->len,
                   MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

static void peer_listen(struct peer *peer)
{
    char buf[4096];
    ssize_t got = 1;
    while (peer->fd >= 0 && got > 0) {
        got = recv(peer->fd, buf, sizeof(buf), MSG_DONTWAIT);
        if (got > 0) {
            wire_append(&peer->received, buf, (size_t)got);
        }
    }
}

static void peer_hang_up(struct peer *peer)
{
    peer_listen(peer);
    if (peer->fd >= 0) {
        (void)close(peer->fd);
    }
    peer->fd = -1;
}

/* The request that came last, by what came; 1: none did. */
static int peer_request(struct peer *peer)
{
    struct wire_frame frame;
    size_t at = 0;
    int id = 1;
    peer_listen(peer);
    while (wire_next(peer->received.data, peer->received.len, &at, &frame)) {
        id = frame.type == WIRE_BEGIN ? frame.id : id;
    }
    return id;
}

static void answer_whole(struct peer *peer, int id)
{
    struct wire answer = {0};
    wire_stdout(&answer, id, "A: b\r\nContent-Length: 5\r\n\r\nhello");
    wire_end(&answer, id, 0, WIRE_COMPLETE);
    peer_say(peer, &answer);
    wire_free(&answer);
}

static void answer_somehow(struct play *p, struct peer *peer)
{
    struct wire answer = {0};
    fuzz_answer_next(&p->s, &answer, peer_request(peer));
    peer_say(peer, &answer);
    wire_free(&answer);
}

/* What it got is FastCGI, and no id is used twice in a row. */
static void peer_check(struct peer *peer)
{
    struct wire_frame frame;
    size_t at = 0;
    int last = 0;
    while (wire_next(peer->received.data, peer->received.len, &at, &frame)) {
        assert_int_equal(frame.version, 1);
        assert_int_equal(frame.reserved, 0);
        assert_true(frame.len + frame.padding_len <= 65535);
        assert_true(frame.id != 0 || frame.type == WIRE_GET_VALUES);
        if (frame.type == WIRE_BEGIN) {
            assert_true(frame.id != last);
            last = frame.id;
        } else if (frame.type != WIRE_GET_VALUES) {
            assert_int_equal(frame.id, last);
        }
    }
}

static int on_dial(void *context, int *fd)
{
    struct play *p = context;
    int ends[2];
    if (p->dialled == MOST_PEERS || fuzz_input_below(&p->s, 16) == 15) {
        return FCGI_ERR_CONNECT;
    }
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct peer *peer = &p->peers[p->dialled++];
    peer->fd = ends[1];
    *fd = ends[0];
    if (p->blocking) {
        answer_whole(peer, 1);
        (void)shutdown(peer->fd, SHUT_WR);
    }
    return FCGI_OK;
}

static void on_trace(void *context, const struct fcgi_trace_event *event)
{
    struct play *p = context;
    struct fcgi_pool_stats stats;
    assert_true((unsigned)event->kind <= FCGI_TRACE_TIMED_OUT);
    if (p->pool != NULL) {
        fcgi_pool_get_stats(p->pool, &stats);
        assert_true(stats.idle <= stats.open);
    }
}

/* ---- sources and sinks ------------------------------------------------- */

/* From within a callback a call cannot be advanced, but cancelled. */
static int mood(struct visitor *v)
{
    size_t choice = fuzz_input_below(&v->play->s, 16);
    if (v->call != NULL && choice == 13) {
        assert_int_equal(fcgi_call_advance(v->call), FCGI_ERR_STATE);
        assert_int_equal(fcgi_call_resume(v->call), FCGI_ERR_STATE);
    }
    if (v->call != NULL && choice == 14) {
        fcgi_call_cancel(v->call);
    }
    return choice == 15;
}

static int on_read(void *context, void *buf, size_t cap, size_t *got)
{
    struct visitor *v = context;
    size_t len = fuzz_input_length(&v->play->s);
    assert_true(v->inside);
    if (mood(v) != 0) {
        return fuzz_input_below(&v->play->s, 2) == 0 ? FCGI_WAIT
                                                     : FCGI_ERR_RESET;
    }
    *got = len < cap ? len : cap;
    if (v->taken + *got > 100000) {
        *got = 0;
    }
    memset(buf, 'b', *got);
    v->taken += *got;
    return FCGI_OK;
}

static int on_replay(void *context, uint64_t taken)
{
    struct visitor *v = context;
    assert_true(taken == 0 || taken == v->taken);
    v->taken = taken == 0 ? v->taken : 0;
    return FCGI_OK;
}

static int on_head(void *context, const struct fcgi_response *response)
{
    struct visitor *v = context;
    assert_true(v->inside);
    assert_ptr_equal(response, &v->response);
    return mood(v);
}

static int on_body(void *context, const void *data, size_t *len)
{
    struct visitor *v = context;
    assert_true(v->inside);
    assert_true(data != NULL && *len > 0);
    if (v->call != NULL && fuzz_input_below(&v->play->s, 4) == 3) {
        *len = fuzz_input_below(&v->play->s, 2);
    }
    return mood(v);
}

static int on_stderr(void *context, const void *data, size_t len)
{
    struct visitor *v = context;
    assert_true(v->inside);
    assert_true(data != NULL && len > 0);
    return mood(v);
}

/* ---- requests ---------------------------------------------------------- */

static void make_request(struct visitor *v)
{
    static const char body[20000];
    static const struct fcgi_param params[] = {
        FCGI_PARAM("REQUEST_METHOD", "GET"), FCGI_PARAM("A", "b")};
    const struct fcgi_sink sink = {on_head, on_body, on_stderr, v};
    struct fuzz_input *s = &v->play->s;
    memset(&v->request, 0, sizeof(v->request));
    v->taken = 0;
    v->request.params = params;
    v->request.param_count = 1 + fuzz_input_below(s, 2);
    v->request.limits = fuzz_answer_limits(s);
    v->request.retry = (enum fcgi_retry)fuzz_input_below(s, 4);
    if (fuzz_input_below(s, 2) == 1) {
        v->request.sink = sink;
    }
    switch (fuzz_input_below(s, 4)) {
    case 1:
        v->request.body.data = body;
        v->request.body.len = 1 + fuzz_input_below(s, sizeof(body) - 1);
        break;
    case 2:
        v->request.body.read = on_read;
        v->request.body.context = v;
        break;
    case 3:
        v->request.body.read = on_read;
        v->request.body.replay = on_replay;
        v->request.body.context = v;
        break;
    default:
        break;
    }
}

static void check_visitor(struct visitor *v, int rc)
{
    assert_true(v->ended == FCGI_WAIT || rc == v->ended);
    assert_true(rc == FCGI_WAIT || rc == FCGI_OK || rc < 0);
    v->ended = rc;
    if (rc != FCGI_WAIT) {
        assert_int_equal(v->response.outcome.error, rc);
    }
    if (v->response.store != NULL) {
        response_check(&v->response, rc, false, &v->request.limits,
                       v->request.sink.body == NULL);
    }
}

static void start(struct visitor *v)
{
    if (v->call != NULL) {
        return;
    }
    make_request(v);
    v->ended = FCGI_WAIT;
    int rc =
        fcgi_call_start(&v->call, v->play->client, &v->request, &v->response);
    assert_true(rc == FCGI_OK || (rc < 0 && v->call == NULL));
    if (rc != FCGI_OK) {
        assert_int_equal(v->response.outcome.error, rc);
    }
    if (v->play->closed) {
        assert_true(rc != FCGI_OK);
    }
}

static void advance(struct visitor *v, bool resume)
{
    if (v->call == NULL) {
        return;
    }
    v->inside = true;
    int rc = resume ? fcgi_call_resume(v->call) : fcgi_call_advance(v->call);
    v->inside = false;
    check_visitor(v, rc);
    int fd = fcgi_call_fd(v->call);
    unsigned events = fcgi_call_events(v->call);
    assert_true(fd >= -1);
    assert_true((events & ~3U) == 0);
    assert_true(events == 0 || fd >= 0);
    assert_true(fd == -1 || fcntl(fd, F_GETFD) != -1);
    assert_true(fcgi_call_timeout_ms(v->call) >= -1);
}

static void cancel(struct visitor *v)
{
    if (v->call == NULL) {
        return;
    }
    fcgi_call_cancel(v->call);
    v->inside = true;
    int rc = fcgi_call_advance(v->call);
    v->inside = false;
    assert_true(rc != FCGI_WAIT);
    check_visitor(v, rc);
}

static void leave(struct visitor *v)
{
    fcgi_call_free(v->call);
    v->call = NULL;
    if (fuzz_input_below(&v->play->s, 2) == 1) {
        fcgi_response_free(&v->response);
    }
}

/* A blocking request: no connection stays silent. */
static void ask(struct play *p, struct visitor *v)
{
    struct fcgi_values values;
    if (v->call != NULL) {
        return;
    }
    for (size_t i = 0; i < p->dialled; i++) {
        if (p->peers[i].fd >= 0) {
            (void)shutdown(p->peers[i].fd, SHUT_WR);
        }
    }
    p->blocking = true;
    if (fuzz_input_below(&p->s, 4) == 3) {
        (void)fcgi_client_get_values(p->client, &values);
        assert_true(values.max_conns >= -1 && values.mpxs_conns >= -1);
    } else {
        make_request(v);
        v->ended = FCGI_WAIT;
        v->inside = true;
        int rc = fcgi_client_do(p->client, &v->request, &v->response);
        v->inside = false;
        assert_true(rc != FCGI_WAIT);
        assert_int_equal(v->response.outcome.error, rc);
    }
    p->blocking = false;
}

/* ---- the pool ---------------------------------------------------------- */

static void check_stats(const struct play *p)
{
    struct fcgi_pool_stats stats;
    size_t leased = 0;
    fcgi_pool_get_stats(p->pool, &stats);
    for (size_t i = 0; i < MOST_LEASED; i++) {
        leased += p->leased[i] != NULL;
    }
    assert_true(stats.idle + leased <= stats.open);
    assert_true(stats.waiting <= MOST_CALLS);
    if (p->config.pool.max_open > 0) {
        assert_true(stats.open <= (size_t)p->config.pool.max_open);
    }
    if (p->config.pool.max_idle > 0) {
        assert_true(stats.idle <= (size_t)p->config.pool.max_idle);
    }
    if (p->config.pool.max_idle == -1 || p->closed) {
        assert_int_equal(stats.idle, 0);
    }
}

static void lease(struct play *p, struct fcgi_connection **place)
{
    bool reused = false;
    if (*place != NULL) {
        return;
    }
    int rc = fuzz_input_below(&p->s, 2) == 0
                 ? fcgi_pool_get(p->pool, place, &reused)
                 : fcgi_pool_dial(p->pool, place);
    assert_true((rc == FCGI_OK) == (*place != NULL));
    if (*place != NULL) {
        uint16_t id = fcgi_connection_next_id(*place);
        assert_true(id != 0 && id != fcgi_connection_next_id(*place));
        assert_true(fcntl(fcgi_connection_fd(*place), F_GETFD) != -1);
    }
}

static void give_back(struct play *p, struct fcgi_connection **place)
{
    if (fuzz_input_below(&p->s, 2) == 0) {
        fcgi_pool_put(p->pool, *place);
    } else {
        fcgi_pool_discard(p->pool, *place);
    }
    *place = NULL;
}

static void try_null(struct play *p)
{
    struct fcgi_client *client;
    struct fcgi_pool *pool;
    struct fcgi_call *call;
    struct visitor *v = &p->visitors[0];
    assert_int_equal(fcgi_client_new(NULL, "/a", NULL), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_client_new(&client, NULL, NULL), FCGI_ERR_ARGUMENT);
    assert_null(client);
    assert_int_equal(fcgi_pool_new(&pool, NULL, NULL), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_pool_new(&pool, "what", NULL), FCGI_ERR_ADDRESS);
    assert_null(pool);
    fcgi_client_free(NULL);
    fcgi_pool_close(NULL);
    fcgi_pool_free(NULL);
    fcgi_pool_put(p->pool, NULL);
    fcgi_pool_discard(p->pool, NULL);
    fcgi_call_cancel(NULL);
    fcgi_call_free(NULL);
    if (v->call == NULL) {
        assert_int_equal(fcgi_call_start(&call, p->client, NULL, &v->response),
                         FCGI_ERR_ARGUMENT);
        assert_null(call);
        assert_int_equal(fcgi_client_do(p->client, NULL, &v->response),
                         FCGI_ERR_ARGUMENT);
    }
}

/* ---- all together ------------------------------------------------------ */

static int option(struct fuzz_input *s)
{
    static const int options[] = {0, 0, -1, 1, 2, 3};
    return options[fuzz_input_below(s, 6)];
}

static void begin(struct play *p)
{
    struct fcgi_client_config *config = &p->config;
    config->pool.allocator = counting_allocator(&p->memory);
    config->pool.dial = on_dial;
    config->pool.dial_context = p;
    config->pool.evict_by_host = true;
    config->pool.max_idle = option(&p->s);
    config->pool.max_open = option(&p->s);
    config->pool.max_waiting = option(&p->s);
    config->pool.max_requests = option(&p->s);
    config->pool.max_age_ms = fuzz_input_below(&p->s, 8) == 7 ? 1 : 0;
    config->pool.idle_timeout_ms = fuzz_input_below(&p->s, 8) == 7 ? 1 : 0;
    config->pool.queue_timeout_ms = 1;
    config->timeouts.queue_ms = 1;
    config->timeouts.total_ms = 1000;
    if (fuzz_input_below(&p->s, 2) == 1) {
        config->pool.trace = on_trace;
        config->pool.trace_context = p;
    }
    assert_int_equal(fcgi_client_new(&p->client, "unix:/none", config),
                     FCGI_OK);
    p->pool = fcgi_client_pool(p->client);
    for (size_t i = 0; i < MOST_CALLS; i++) {
        p->visitors[i].play = p;
    }
}

static void act(struct play *p)
{
    struct peer *peer;
    if (p->dialled == 0) {
        return;
    }
    peer = &p->peers[p->dialled - 1 - fuzz_input_below(&p->s, p->dialled)];
    switch (fuzz_input_below(&p->s, 8)) {
    case 0:
    case 1:
    case 2:
        answer_whole(peer, peer_request(peer));
        break;
    case 3:
        peer_hang_up(peer);
        break;
    case 4:
        if (peer->fd >= 0) {
            (void)shutdown(peer->fd, SHUT_WR);
        }
        break;
    default:
        answer_somehow(p, peer);
        break;
    }
}

static void rare_step(struct play *p)
{
    switch (fuzz_input_below(&p->s, 8)) {
    case 0:
        fcgi_client_close(p->client);
        p->closed = true;
        break;
    case 1:
        try_null(p);
        break;
    case 2:
        p->memory.fail_at = p->memory.calls + 1 + fuzz_input_below(&p->s, 8);
        break;
    default:
        assert_true(fcgi_pool_evict(p->pool) >= -1);
        break;
    }
}

static void step(struct play *p)
{
    size_t what = fuzz_input_below(&p->s, 16);
    struct visitor *v = &p->visitors[fuzz_input_below(&p->s, MOST_CALLS)];
    struct fcgi_connection **place =
        &p->leased[fuzz_input_below(&p->s, MOST_LEASED)];
    switch (what) {
    case 0:
    case 1:
        start(v);
        break;
    case 2:
    case 3:
    case 4:
        advance(v, false);
        break;
    case 5:
        advance(v, true);
        break;
    case 6:
        cancel(v);
        break;
    case 7:
        leave(v);
        break;
    case 8:
        ask(p, v);
        break;
    case 9:
        lease(p, place);
        break;
    case 10:
        give_back(p, place);
        break;
    case 11:
        rare_step(p);
        break;
    default:
        act(p);
        break;
    }
}

static void end(struct play *p)
{
    for (size_t i = 0; i < MOST_CALLS; i++) {
        fcgi_call_free(p->visitors[i].call);
        fcgi_response_free(&p->visitors[i].response);
    }
    for (size_t i = 0; i < MOST_LEASED; i++) {
        fcgi_pool_put(p->pool, p->leased[i]);
        p->leased[i] = NULL;
    }
    check_stats(p);
    p->pool = NULL;
    fcgi_client_free(p->client);
    for (size_t i = 0; i < p->dialled; i++) {
        peer_hang_up(&p->peers[i]);
        peer_check(&p->peers[i]);
        wire_free(&p->peers[i].received);
    }
    assert_int_equal(p->memory.blocks, 0);
}

static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 128; fd++) {
        count += fcntl(fd, F_GETFD) != -1;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play p = {.s = fuzz_input_of(data, size)};
    int before = open_descriptors();
    begin(&p);
    for (int i = 0; i < MOST_STEPS && !fuzz_input_is_spent(&p.s); i++) {
        step(&p);
        check_stats(&p);
    }
    end(&p);
    assert_int_equal(open_descriptors(), before);
    return 0;
}
