/*
 * Padding of 0 to 255 bytes behind a record of every kind, and a second request
 * after that: by the same exchange, and on the same connection. A byte of
 * padding too many or too few would be the beginning of the second answer.
 */
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "host.h"
#include "peer.h"
#include "talk.h"

#define PADDINGS 256

static size_t answers;

/* ---- the answers ------------------------------------------------------- */

/* A record in an answer; where it stands, follows from its type. */
struct kind {
    const char *name;
    int type;
    int id; /* -1: the request's; else itself */
    const char *content;
    size_t len;
};

static const struct kind kinds[] = {
    {"the head", WIRE_STDOUT, -1, "A: b\n\n", 6},
    {"head and body", WIRE_STDOUT, -1, "A: b\n\nbody", 10},
    {"empty FCGI_STDOUT", WIRE_STDOUT, -1, "", 0},
    {"FCGI_STDERR", WIRE_STDERR, -1, "oh", 2},
    {"empty FCGI_STDERR", WIRE_STDERR, -1, "", 0},
    {"FCGI_END_REQUEST", WIRE_END, -1, "\0\0\0\0\0\0\0\0", 8},
    {"longer FCGI_END_REQUEST", WIRE_END, -1, "\0\0\0\0\0\0\0\0\0abc", 12},
    {"FCGI_GET_VALUES_RESULT", WIRE_GET_VALUES_RESULT, 0, "\1\1Ab", 4},
    {"FCGI_UNKNOWN_TYPE", WIRE_UNKNOWN_TYPE, 0, "\xfe\0\0\0\0\0\0\0", 8},
    {"a type that nobody knows", 200, 0, "?", 1},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void write_kind(struct wire *w, const struct kind *kind, int id,
                       size_t padding)
{
    wire_record(w, kind->type, kind->id == -1 ? id : kind->id, kind->content,
                kind->len, padding);
}

/* "A: b" and, if that is not the record in question, "body". */
static void write_answer(struct wire *w, const struct kind *kind, int id,
                         size_t padding)
{
    bool has_head = kind->len > 0 && kind->type == WIRE_STDOUT;
    if (!has_head) {
        wire_record(w, WIRE_STDOUT, id, "A: b\n\n", 6, 0);
    }
    if (kind->type != WIRE_END) {
        write_kind(w, kind, id, padding);
    }
    if (kind->len != 10) {
        wire_record(w, WIRE_STDOUT, id, "body", 4, 0);
    }
    if (kind->type == WIRE_END) {
        write_kind(w, kind, id, padding);
    } else {
        wire_record(w, WIRE_END, id, "\0\0\0\0\0\0\0\0", 8, 0);
    }
}

/* Run `check` with each kind and padding. */
static void each(void (*check)(void *context, const struct kind *kind,
                               size_t padding),
                 void *context)
{
    for (size_t i = 0; i < KINDS; i++) {
        for (size_t padding = 0; padding < PADDINGS; padding++) {
            check(context, &kinds[i], padding);
            answers += 1;
        }
    }
}

static void assert_answer(const struct fcgi_response *response,
                          const struct kind *kind, size_t padding)
{
    if (response->body.len != 4 || memcmp(response->body.data, "body", 4)) {
        fail_msg("%s, padding %zu: the body is \"%.*s\"", kind->name, padding,
                 (int)response->body.len, response->body.data);
    }
    assert_int_equal(response->field_count, 1);
    assert_int_equal(response->stderr_data.len,
                     kind->type == WIRE_STDERR ? kind->len : 0);
}

/* ---- one exchange ------------------------------------------------------ */

struct two {
    struct talk t;
    talk_bring *bring;
    size_t piece; /* bytes at a time; 0: all that belong to one answer, and
                     what follows them */
};

/* Bring what belongs to one answer off the front; returns its length. */
static size_t hear(struct two *two, const uint8_t *data, size_t len)
{
    size_t piece = two->piece == 0 ? len : two->piece;
    size_t at = 0;
    int status = FCGI_WAIT;
    while (status == FCGI_WAIT && at < len) {
        size_t used;
        size_t n = len - at < piece ? len - at : piece;
        status = two->bring(&two->t, data + at, n, &used);
        at += used;
    }
    assert_int_equal(status, FCGI_OK);
    return at;
}

static void check_two(void *context, const struct kind *kind, size_t padding)
{
    struct two *two = context;
    struct wire bytes = {0};
    write_answer(&bytes, kind, TALK_ID, padding);
    size_t first = bytes.len;
    write_answer(&bytes, kind, TALK_ID, padding);
    /* FCGI_END_REQUEST is heard to the end of its padding, and no further. */
    talk_ask(&two->t, NULL);
    assert_int_equal(hear(two, bytes.data, bytes.len), first);
    assert_answer(&two->t.response, kind, padding);
    assert_int_equal(fcgi_exchange_reusable(two->t.x), two->piece == 1);
    talk_ask(&two->t, NULL);
    assert_int_equal(hear(two, bytes.data + first, bytes.len - first),
                     bytes.len - first);
    assert_answer(&two->t.response, kind, padding);
    assert_true(fcgi_exchange_reusable(two->t.x));
    wire_clear(&two->t.sent);
    wire_free(&bytes);
}

static void padding_is_drained_whatever_it_follows(void **state)
{
    struct two two = {.bring = talk_by_feed};
    (void)state;
    talk_open(&two.t);
    each(check_two, &two);
    talk_close(&two.t);
}

static void padding_is_drained_byte_by_byte(void **state)
{
    static talk_bring *const ways[] = {talk_by_feed, talk_by_input};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct two two = {.bring = ways[i], .piece = 1};
        talk_open(&two.t);
        each(check_two, &two);
        talk_close(&two.t);
    }
}

/* ---- one connection ---------------------------------------------------- */

struct line {
    struct fixture *f;
    int id; /* of the next request */
};

static void check_request(void *context, const struct kind *kind,
                          size_t padding)
{
    struct line *line = context;
    struct fixture *f = line->f;
    struct wire answer = {0};
    struct wire request = {0};
    fixture_begin(f);
    assert_code(host_settle(f->call), FCGI_WAIT);
    assert_true(peer_receive(&f->peer, 0, &request));
    write_answer(&answer, kind, line->id, padding);
    peer_say(&f->peer, 0, &answer);
    assert_code(host_run(f->call), FCGI_OK);
    assert_answer(&f->response, kind, padding);
    line->id += 1;
    wire_free(&answer);
    wire_free(&request);
}

static void one_connection_serves_them_all(void **state)
{
    struct fixture *f = fixture_peer(state, NULL);
    struct line line = {f, 1};
    each(check_request, &line);
    fixture_free_call(f);
    assert_int_equal(f->peer.count, 1);
    assert_int_equal(stats_of(f->client).reuses, KINDS * PADDINGS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(padding_is_drained_whatever_it_follows),
        cmocka_unit_test(padding_is_drained_byte_by_byte),
        fixture_test(one_connection_serves_them_all),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)printf("%zu answers with padding\n", answers);
    return failed;
}
