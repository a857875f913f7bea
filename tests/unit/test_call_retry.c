/*
 * The retry, the suspicion and the rules for using a connection again are the
 * same for a pollable call as for fcgi_client_do(): each case here is asked in
 * both ways, of an application that does the same each time, and nothing in the
 * two accounts may differ. What the rules are is in test_retry.c and
 * test_replay.c; what only a pollable call can show stands behind the cases.
 */
#define _POSIX_C_SOURCE 200809L

#include <string.h>
#include <unistd.h>

#include <fcgi_client/io.h>

#include "feeder.h"
#include "fixture.h"
#include "host.h"
#include "pattern.h"
#include "peer.h"
#include "process.h"
#include "temp.h"

#define LARGE 3000000

/* How long after it took the request a connection ends that was not stale, and
 * one that was: the limit is a second. */
#define LATE_MS 1100
#define SOON_MS 100

static const enum fake_family families[] = {FAKE_UNIX, FAKE_TCP};

/* ---- requests ----------------------------------------------------------- */

/* What the request of a case refers to. */
struct matter {
    struct feeder feeder;
    struct pattern_upload upload;
};

static struct fcgi_request plain(struct matter *m)
{
    (void)m;
    return get_request();
}

/* The policy of most cases, so that any request goes over the pooled
 * connection. */
static struct fcgi_request pooled(struct fcgi_request request)
{
    request.retry = FCGI_RETRY_STALE;
    return request;
}

static struct fcgi_request post(struct matter *m)
{
    (void)m;
    return pooled(post_text("a body"));
}

static struct fcgi_request impatient(struct matter *m)
{
    struct fcgi_request request = plain(m);
    request.timeouts.first_byte_ms = 40;
    return request;
}

static struct fcgi_request never(struct matter *m)
{
    struct fcgi_request request = plain(m);
    request.retry = FCGI_RETRY_NEVER;
    return request;
}

static struct fcgi_request never_post(struct matter *m)
{
    struct fcgi_request request = post(m);
    request.retry = FCGI_RETRY_NEVER;
    return request;
}

static struct fcgi_request safe_get(struct matter *m)
{
    struct fcgi_request request = plain(m);
    request.retry = FCGI_RETRY_SAFE;
    return request;
}

static struct fcgi_request safe_put(struct matter *m)
{
    (void)m;
    return put_text("a body");
}

static struct fcgi_request safe_post(struct matter *m)
{
    (void)m;
    return post_text("a body");
}

static struct fcgi_request safe_put_once(struct matter *m)
{
    m->feeder = (struct feeder){.data = "only once", .len = 9};
    return put_request(feeder_source(&m->feeder));
}

static struct fcgi_request only_once(struct matter *m)
{
    return pooled(safe_put_once(m));
}

static struct fcgi_request failing(struct matter *m)
{
    m->feeder = (struct feeder){
        .data = "body", .len = 4, .fails = true, .error = FCGI_ERR_CLOSED};
    return pooled(post_request(feeder_source(&m->feeder)));
}

static struct fcgi_request large(struct matter *m)
{
    m->upload = (struct pattern_upload){.len = LARGE};
    return pooled(post_request(pattern_source(&m->upload)));
}

/* More than any socket takes before the application is heard. */
static struct fcgi_request endless(struct matter *m)
{
    m->upload = (struct pattern_upload){.len = UINT64_C(1) << 40};
    return pooled(post_request(pattern_source(&m->upload)));
}

/* ---- applications ------------------------------------------------------- */

/* The connection that is to be reused serves once, and then does what is said;
 * FAKE_REACHED tells that it has done what it does before it is used again. */
#define SERVED_ONCE FAKE_ACCEPT, FAKE_SERVE_TIMES(1)
#define THEN_SERVES FAKE_ACCEPT, FAKE_SERVE

static const struct fake_step serves[] = {FAKE_ACCEPT, FAKE_SERVE_TIMES(1),
                                          FAKE_REACH, FAKE_SERVE};
static const struct fake_step half_closes[] = {SERVED_ONCE, FAKE_HALF_CLOSE,
                                               FAKE_REACH, THEN_SERVES};
static const struct fake_step closes_on_request[] = {
    SERVED_ONCE, FAKE_REACH, FAKE_READ_REQUEST, FAKE_CLOSE, THEN_SERVES};
static const struct fake_step resets_on_request[] = {
    SERVED_ONCE, FAKE_REACH, FAKE_READ(8), FAKE_RESET, THEN_SERVES};
static const struct fake_step always_closes[] = {
    SERVED_ONCE, FAKE_REACH,        FAKE_READ_REQUEST, FAKE_CLOSE,
    FAKE_ACCEPT, FAKE_READ_REQUEST, FAKE_CLOSE};
static const struct fake_step closes_the_next[] = {
    SERVED_ONCE,       FAKE_REACH, FAKE_ACCEPT,
    FAKE_READ_REQUEST, FAKE_CLOSE, THEN_SERVES};
static const struct fake_step says_one_byte[] = {
    SERVED_ONCE,       FAKE_REACH, FAKE_READ_REQUEST,
    FAKE_SEND("\x01"), FAKE_CLOSE, THEN_SERVES};
static const struct fake_step says_half_a_record[] = {
    SERVED_ONCE,
    FAKE_REACH,
    FAKE_READ_REQUEST,
    FAKE_PROMISE(WIRE_STDOUT, 65535),
    FAKE_SEND("Status: 200\r\n\r\nbegun"),
    FAKE_CLOSE,
    THEN_SERVES};
static const struct fake_step says_stderr[] = {
    SERVED_ONCE,          FAKE_REACH, FAKE_READ_REQUEST,
    FAKE_STDERR("dying"), FAKE_CLOSE, THEN_SERVES};
static const struct fake_step stays_silent[] = {SERVED_ONCE, FAKE_REACH,
                                                FAKE_READ_REQUEST, THEN_SERVES};
static const struct fake_step is_overloaded[] = {
    SERVED_ONCE, FAKE_REACH, FAKE_READ_REQUEST, FAKE_END(WIRE_OVERLOADED),
    THEN_SERVES};
static const struct fake_step ends_early[] = {
    SERVED_ONCE, FAKE_REACH, FAKE_READ_PARAMS,
    FAKE_ANSWER("Status: 413\r\n\r\ntoo large"), THEN_SERVES};
static const struct fake_step ends_twice[] = {SERVED_ONCE,
                                              FAKE_REACH,
                                              FAKE_READ_REQUEST,
                                              FAKE_CORK,
                                              FAKE_ANSWER("A: 1\r\n\r\nbody"),
                                              FAKE_END(WIRE_COMPLETE),
                                              FAKE_UNCORK,
                                              THEN_SERVES};
static const struct fake_step answers_another[] = {
    SERVED_ONCE,
    FAKE_REACH,
    FAKE_READ_REQUEST,
    FAKE_CORK,
    FAKE_STRANGER(WIRE_STDOUT, "intruder"),
    FAKE_ANSWER("A: 1\r\n\r\nbody"),
    FAKE_UNCORK,
    THEN_SERVES};
static const struct fake_step says_more_while_idle[] = {
    SERVED_ONCE, FAKE_PAUSE, FAKE_STDOUT("by the way"), FAKE_REACH,
    THEN_SERVES};

static const struct retry_case {
    const char *name;
    const struct fake_step *steps;
    size_t count;
    struct fcgi_request (*request)(struct matter *m);
    int want;
    bool retried;
} cases[] = {
    {"lives", FAKE_STEPS(serves), plain, FCGI_OK, false},
    {"lives, POST", FAKE_STEPS(serves), post, FCGI_OK, false},
    {"lives, safe POST", FAKE_STEPS(serves), safe_post, FCGI_OK, false},
    {"lives, once", FAKE_STEPS(serves), only_once, FCGI_OK, false},
    {"half closed", FAKE_STEPS(half_closes), plain, FCGI_OK, true},
    {"half closed, once", FAKE_STEPS(half_closes), only_once, FCGI_OK, false},
    {"half closed, never", FAKE_STEPS(half_closes), never, FCGI_OK, false},
    {"closes", FAKE_STEPS(closes_on_request), plain, FCGI_OK, true},
    {"closes, POST", FAKE_STEPS(closes_on_request), post, FCGI_OK, true},
    {"closes, large", FAKE_STEPS(closes_on_request), large, FCGI_OK, true},
    {"closes, safe GET", FAKE_STEPS(closes_on_request), safe_get, FCGI_OK,
     true},
    {"closes, safe PUT", FAKE_STEPS(closes_on_request), safe_put, FCGI_OK,
     true},
    {"closes, safe PUT, once", FAKE_STEPS(closes_on_request), safe_put_once,
     FCGI_OK, false},
    {"closes, safe POST", FAKE_STEPS(closes_on_request), safe_post, FCGI_OK,
     false},
    {"closes the next, safe POST", FAKE_STEPS(closes_the_next), safe_post,
     FCGI_ERR_CLOSED, false},
    {"half closed, safe POST", FAKE_STEPS(half_closes), safe_post, FCGI_OK,
     false},
    {"closes, once", FAKE_STEPS(closes_on_request), only_once, FCGI_ERR_CLOSED,
     false},
    {"closes, never", FAKE_STEPS(closes_on_request), never, FCGI_ERR_CLOSED,
     false},
    {"closes, never, POST", FAKE_STEPS(closes_on_request), never_post,
     FCGI_ERR_CLOSED, false},
    {"resets", FAKE_STEPS(resets_on_request), plain, FCGI_OK, true},
    {"resets, POST", FAKE_STEPS(resets_on_request), post, FCGI_OK, true},
    {"always closes", FAKE_STEPS(always_closes), plain, FCGI_ERR_CLOSED, true},
    {"one byte", FAKE_STEPS(says_one_byte), plain, FCGI_ERR_TRUNCATED, false},
    {"half a record", FAKE_STEPS(says_half_a_record), plain, FCGI_ERR_TRUNCATED,
     false},
    {"stderr", FAKE_STEPS(says_stderr), plain, FCGI_ERR_TRUNCATED, false},
    {"silence", FAKE_STEPS(stays_silent), impatient,
     FCGI_ERR_FIRST_BYTE_TIMEOUT, false},
    {"failing source", FAKE_STEPS(serves), failing, FCGI_ERR_SOURCE, false},
    {"overloaded", FAKE_STEPS(is_overloaded), post, FCGI_ERR_OVERLOADED, false},
    {"early answer", FAKE_STEPS(ends_early), endless, FCGI_OK, false},
    {"second end", FAKE_STEPS(ends_twice), plain, FCGI_OK, false},
    {"foreign record", FAKE_STEPS(answers_another), plain, FCGI_OK, false},
    {"readable", FAKE_STEPS(says_more_while_idle), only_once, FCGI_OK, false},
};

/* ---- accounts ----------------------------------------------------------- */

/* All that is said of a request, but times and what depends on them. */
struct account {
    int rc;
    struct fcgi_outcome outcome;
    struct fcgi_pool_stats stats;
    int status;
    uint32_t app_status;
    int protocol_status;
    size_t body_len;
    size_t accepted; /* connections, by the application */
    bool next_reused;
};

/* How much of an upload gets through before its end is a matter of chance. */
static void forget_chance(struct account *account)
{
    struct fcgi_outcome *outcome = &account->outcome;
    outcome->queue_us = 0;
    outcome->connect_us = 0;
    outcome->first_byte_us = 0;
    outcome->total_us = 0;
    if (account->status == 413) {
        outcome->bytes_sent = 0;
        outcome->records_sent = 0;
    }
}

static void give_account(struct account *account, struct fake *app,
                         struct fcgi_client *client,
                         const struct fcgi_response *response)
{
    account->outcome = response->outcome;
    account->stats = stats_of(client);
    account->status = response->status;
    account->app_status = response->app_status;
    account->protocol_status = response->protocol_status;
    account->body_len = response->body.len;
    forget_chance(account);
    account->accepted = fake_count(app, FAKE_ACCEPTED);
}

static struct account ask_by(void **state, const struct retry_case *it,
                             enum fake_family family, ask_function *ask)
{
    struct account account;
    struct matter matter;
    struct fixture *f =
        fixture_start(state, family, it->steps, it->count, NULL);
    memset(&account, 0, sizeof(account));
    memset(&matter, 0, sizeof(matter));
    ask_hello(f->client);
    fake_go(f->app); /* what pauses once it has served */
    fake_await(f->app, FAKE_REACHED, 1);
    struct fcgi_request request = it->request(&matter);
    account.rc = ask(f->client, &request, &f->response);
    give_account(&account, f->app, f->client, &f->response);
    if (it->steps != always_closes) {
        account.next_reused = ask_hello(f->client).reused;
    }
    return account;
}

static void assert_same(const struct account *a, const struct account *b,
                        const char *name)
{
    if (a->rc != b->rc || a->body_len != b->body_len ||
        a->status != b->status || a->app_status != b->app_status ||
        a->protocol_status != b->protocol_status ||
        a->next_reused != b->next_reused || a->accepted != b->accepted) {
        fail_msg("\"%s\": the answers differ", name);
    }
    if (memcmp(&a->outcome, &b->outcome, sizeof(a->outcome)) != 0) {
        fail_msg("\"%s\": the outcomes differ", name);
    }
    if (memcmp(&a->stats, &b->stats, sizeof(a->stats)) != 0) {
        fail_msg("\"%s\": the statistics differ", name);
    }
}

static void a_call_and_a_blocking_request_fare_the_same(void **state)
{
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        const struct retry_case *it = &cases[i / 2];
        struct account one = ask_by(state, it, families[i % 2], fcgi_client_do);
        struct account other = ask_by(state, it, families[i % 2], host_do);
        if (other.rc != it->want || other.outcome.retried != it->retried) {
            fail_msg("\"%s\": %s, retried %d", it->name,
                     fcgi_error_name(other.rc), other.outcome.retried);
        }
        assert_same(&one, &other, it->name);
    }
}

/* ---- what was begun anew ------------------------------------------------ */

/* Not from the start of the file. */
static void retry_replays_stdin_from_where_it_began(void **state)
{
    struct fcgi_fd_state file;
    int fd = temp_file("skipped, sent", 13);
    struct fixture *f = fixture_run(state, FAKE_UNIX, closes_on_request, NULL);
    assert_int_equal(lseek(fd, 9, SEEK_SET), 9);
    struct fcgi_request request = put_request(fcgi_fd_source(&file, fd));
    ask_hello(f->client);
    assert_true(host_expecting_body(f->client, &request, "sent").retried);
    for (size_t i = 1; i <= 2; i++) {
        const struct wire_request *seen = fake_request(f->app, i);
        assert_int_equal(seen->body.len, 4);
        assert_memory_equal(seen->body.data, "sent", 4);
        assert_int_equal(seen->body_ends, 1);
    }
    close(fd);
}

/* Amid a body of which only part was sent, while the host waits in between. */
static void retry_begins_a_half_sent_body_anew(void **state)
{
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_READ(500000),
                                              FAKE_CLOSE, THEN_SERVES};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_run(state, families[i], script, NULL);
        struct pattern_upload upload = {.len = LARGE};
        struct pattern_download download = {0};
        struct fcgi_request request = put_request(pattern_source(&upload));
        request.sink = pattern_sink(&download);
        ask_hello(f->client);
        assert_true(host_expecting(f->client, &request, FCGI_OK).retried);
        assert_int_equal(download.at, LARGE);
        assert_false(download.wrong);
    }
}

/* A source that waits is asked to go back too, and then goes on. */
static void retry_replays_a_source_that_waits(void **state)
{
    struct feeder feeder = {.data = "12345678", .len = 8, .replays = true};
    struct fixture *f = fixture_peer(state, NULL);
    fixture_begin(f);
    peer_answer(&f->peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_run(f->call), FCGI_OK);
    f->request = put_request(feeder_source(&feeder));
    feeder.waits = true;
    feeder.ready = 5;
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    peer_close(&f->peer, 0);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_int_equal(stats_of(f->client).retries, 1);
    assert_int_equal(feeder.replay_calls, 1);
    assert_int_equal(feeder.replay_taken, 5);
    feeder.waits = false;
    assert_code(host_resume(f->call), FCGI_WAIT);
    struct wire_request seen = peer_request(&f->peer, 1);
    assert_int_equal(seen.body.len, 8);
    assert_memory_equal(seen.body.data, "12345678", 8);
    assert_int_equal(seen.body_ends, 1);
    peer_answer(&f->peer, 1, 1, "A: 1\r\n\r\n");
    assert_code(host_run(f->call), FCGI_OK);
    wire_request_free(&seen);
}

/* ---- when a connection is stale ----------------------------------------- */

/* Two calls under way over connections that were idle: a GET at the default
 * policy, and a POST with one that lets it go there. */
static struct fixture *begin_pair(void **state, struct fixture_call **calls)
{
    struct fcgi_request requests[2] = {get_request(),
                                       pooled(post_text("body"))};
    struct fixture *f = fixture_peer(state, NULL);
    struct fcgi_connection *first = take(f->pool);
    fcgi_pool_put(f->pool, take(f->pool));
    fcgi_pool_put(f->pool, first);
    for (size_t i = 0; i < 2; i++) {
        f->request = requests[i];
        calls[i] = fixture_other_call(state);
        assert_code(host_settle(calls[i]->call), FCGI_WAIT);
    }
    return f;
}

/* The application read the request, and died at its work. */
static void a_connection_that_ends_late_was_not_stale(void **state)
{
    struct fixture_call *calls[2];
    struct fixture *f = begin_pair(state, calls);
    pass_ms(LATE_MS);
    for (size_t i = 0; i < 2; i++) {
        const struct fcgi_outcome *outcome = &calls[i]->response.outcome;
        peer_close(&f->peer, i);
        assert_code(host_run(calls[i]->call), FCGI_ERR_CLOSED);
        assert_true(outcome->reused);
        assert_false(outcome->retried);
        assert_true(outcome->may_have_run);
        assert_int_equal(outcome->safe_to_repeat, i == 0);
    }
    assert_int_equal(stats_of(f->client).dials, 2);
    assert_int_equal(stats_of(f->client).stale, 0);
}

static void a_connection_that_ends_soon_was_stale(void **state)
{
    struct fixture_call *calls[2];
    struct fixture *f = begin_pair(state, calls);
    pass_ms(SOON_MS);
    for (size_t i = 0; i < 2; i++) {
        peer_close(&f->peer, i);
        assert_code(host_settle(calls[i]->call), FCGI_WAIT);
        peer_answer(&f->peer, 2 + i, 1, "A: 1\r\n\r\n");
        assert_code(host_run(calls[i]->call), FCGI_OK);
        assert_true(calls[i]->response.outcome.retried);
    }
    assert_int_equal(stats_of(f->client).dials, 4);
}

/* ---- a retry that is cancelled from within ------------------------------ */

/* A source and a dial function of a caller's who changes his mind. */
struct fickle {
    struct fixture *f;
    bool in_replay; /* where he does; else while the second dial is made */
    bool read;
    size_t dials;
};

static int fickle_read(void *context, void *buf, size_t cap, size_t *got)
{
    struct fickle *fickle = context;
    (void)cap;
    *got = fickle->read ? 0 : 1;
    *(char *)buf = 'x';
    fickle->read = true;
    return FCGI_OK;
}

static int fickle_replay(void *context, uint64_t taken)
{
    struct fickle *fickle = context;
    fickle->read = fickle->read && taken == 0;
    if (taken > 0 && fickle->in_replay) {
        fcgi_call_cancel(fickle->f->call);
    }
    return FCGI_OK;
}

static int fickle_dial(void *context, int *fd)
{
    struct fickle *fickle = context;
    fickle->dials += 1;
    if (fickle->dials == 2 && !fickle->in_replay) {
        fcgi_call_cancel(fickle->f->call);
    }
    *fd = fake_connect(fickle->f->app);
    return FCGI_OK;
}

static void assert_cancelled_in_retry(void **state, bool in_replay)
{
    static const struct fake_step script[] = {SERVED_ONCE, FAKE_READ_PARAMS,
                                              FAKE_RESET, THEN_SERVES};
    struct fickle fickle = {.f = *state, .in_replay = in_replay};
    struct fcgi_client_config config = {
        .pool = {.dial = fickle_dial, .dial_context = &fickle}};
    struct fixture *f = fixture_run(state, FAKE_UNIX, script, &config);
    f->request = put_request((struct fcgi_source){
        .read = fickle_read, .replay = fickle_replay, .context = &fickle});
    ask_hello(f->client);
    fixture_begin(f);
    assert_code(host_run(f->call), FCGI_ERR_CANCELLED);
    fixture_free_call(f);
    assert_int_equal(fickle.dials, in_replay ? 1 : 2);
    assert_int_equal(fake_count(f->app, FAKE_BEGUN), 2);
    assert_true(f->response.outcome.may_have_run);
    assert_int_equal(f->response.outcome.system_error, 0);
    assert_int_equal(stats_of(f->client).open, 0);
}

static void a_replay_may_cancel_its_own_call(void **state)
{
    assert_cancelled_in_retry(state, true);
}

static void a_dial_function_may_cancel_the_call_it_dials_for(void **state)
{
    assert_cancelled_in_retry(state, false);
}

/* ---- places and suspicion ----------------------------------------------- */

/* There is one place in all: who waits for it must not come between. */
static void the_retry_keeps_its_place(void **state)
{
    struct fcgi_client_config config = {.pool = {.max_open = 1}};
    struct fixture *f = fixture_peer(state, &config);
    fixture_begin(f);
    peer_answer(&f->peer, 0, 1, "A: 1\r\n\r\n");
    assert_code(host_run(f->call), FCGI_OK);
    fixture_begin(f);
    struct fixture_call *other = fixture_other_call(state);
    peer_close(&f->peer, 0);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_int_equal(stats_of(f->client).retries, 1);
    assert_code(host_settle(other->call), FCGI_WAIT);
    assert_int_equal(stats_of(f->client).waiting, 1);
    assert_int_equal(stats_of(f->client).open, 1);
    peer_answer(&f->peer, 1, 1, "A: 1\r\n\r\n");
    assert_code(host_run(f->call), FCGI_OK);
    fixture_free_call(f);
    assert_code(host_settle(other->call), FCGI_WAIT);
    peer_answer(&f->peer, 1, 2, "A: 1\r\n\r\n");
    assert_code(host_run(other->call), FCGI_OK);
}

/* A restart kills all idle connections: one is found out by a call, the others
 * are checked before one is entrusted to them. */
static void after_one_dead_connection_the_others_are_checked(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_serve(state, families[i], NULL);
        keep_idle(f->app, f->client, 4);
        fake_restart(f->app);
        assert_true(host_expecting(f->client, &f->request, FCGI_OK).retried);
        struct fcgi_connection *fresh = take(f->pool);
        struct fcgi_outcome outcome =
            host_expecting(f->client, &f->request, FCGI_OK);
        assert_false(outcome.retried);
        assert_false(outcome.reused);
        struct fcgi_pool_stats stats = stats_of(f->client);
        /* For one that a busy machine lets wait another is closed. */
        assert_int_equal(stats.stale + stats.rescues, 4);
        assert_int_equal(stats.retries, 1);
        fcgi_pool_put(f->pool, fresh);
    }
}

/* A request that is refused has taken one, and gives it back unused. */
static void what_was_not_used_stays_suspected(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_UNIX, NULL);
    struct fcgi_request refused = get_request();
    refused.role = (enum fcgi_role)99;
    keep_idle(f->app, f->client, 2);
    fake_restart(f->app);
    assert_true(host_expecting(f->client, &f->request, FCGI_OK).retried);
    struct fcgi_connection *fresh = take(f->pool);
    (void)host_expecting(f->client, &refused, FCGI_ERR_ARGUMENT);
    assert_false(host_expecting(f->client, &f->request, FCGI_OK).retried);
    assert_int_equal(stats_of(f->client).stale, 2);
    fcgi_pool_put(f->pool, fresh);
}

/* Calls at the same time, each on a pooled connection that is dead. */
static void calls_at_a_time_are_retried_each(void **state)
{
    struct fixture *f = fixture_serve(state, FAKE_TCP, NULL);
    struct fixture_call *calls[4];
    keep_idle(f->app, f->client, 4);
    for (size_t i = 0; i < 4; i++) {
        calls[i] = fixture_other_call(state);
    }
    fake_restart(f->app);
    for (size_t i = 0; i < 4; i++) {
        assert_code(host_run(calls[i]->call), FCGI_OK);
        assert_true(calls[i]->response.outcome.retried);
        fixture_free_other(calls[i]);
    }
    struct fcgi_pool_stats stats = stats_of(f->client);
    assert_int_equal(stats.retries, 4);
    /* For one that a busy machine lets wait another is closed, and as four that
     * were kept had died, keeping may not pay any more. */
    assert_int_equal(stats.idle + stats.rescues + stats.unkept, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_call_and_a_blocking_request_fare_the_same),
        fixture_test(retry_replays_stdin_from_where_it_began),
        fixture_test(retry_begins_a_half_sent_body_anew),
        fixture_test(retry_replays_a_source_that_waits),
        fixture_test(a_connection_that_ends_late_was_not_stale),
        fixture_test(a_connection_that_ends_soon_was_stale),
        fixture_test(a_replay_may_cancel_its_own_call),
        fixture_test(a_dial_function_may_cancel_the_call_it_dials_for),
        fixture_test(the_retry_keeps_its_place),
        fixture_test(after_one_dead_connection_the_others_are_checked),
        fixture_test(what_was_not_used_stays_suspected),
        fixture_test(calls_at_a_time_are_retried_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
