/*
 * Answers of every shape, cut wherever they can be cut: whole, byte by byte,
 * and in two at each offset, in every manner of bringing the bytes and of
 * taking the body. The events and the result must be the same; and the end of
 * file at any offset must be told for what it is.
 *
 * The last line says how many divisions of an answer were heard.
 */
#include <stdio.h>
#include <string.h>

#include <fcgi_client/exchange.h>

#include "corpus.h"
#include "delivery.h"
#include "test.h"

/* Answers up to this size are cut everywhere in all manners. So are larger
 * ones around the borders of their records; elsewhere in one manner each, and
 * in another one at the next offset. */
#define SMALL 3000
#define NEAR 12

static size_t splits;

/* ---- the manners ------------------------------------------------------- */

static const struct manner manners[] = {
    {talk_by_feed, false, 0}, {talk_by_input, false, 0},
    {talk_by_feed, true, 0},  {talk_by_input, true, 0},
    {talk_by_feed, true, 1},  {talk_by_input, true, 1},
};

#define MANNERS (sizeof(manners) / sizeof(manners[0]))

/* A sink that takes a share at a time takes a larger one of a large body. */
static struct manner manner_for(size_t i, size_t len)
{
    struct manner manner = manners[i];
    manner.share *= 1 + len / 50;
    return manner;
}

/* ---- one conversation -------------------------------------------------- */

/* A conversation as it is being heard, over and over. */
struct session {
    const struct conversation *conversation;
    struct fcgi_param method;
    struct delivery h;
    struct wire answer;
    struct wire whole[2]; /* what comes of it, heard whole: collected, sunk */
    struct wire other;    /* what came of it the last time */
    struct wire log;      /* all that is handed on, sunk */
    int verdict[2];
    bool *near; /* of each offset: the border of a record is */
};

static void mark(struct session *s, size_t border)
{
    size_t from = border > NEAR ? border - NEAR : 0;
    for (size_t at = from; at < border + NEAR && at < s->answer.len; at++) {
        s->near[at] = true;
    }
}

static void mark_borders(struct session *s)
{
    struct wire_frame frame;
    size_t at = 0;
    s->near = test_calloc(s->answer.len, sizeof(*s->near));
    mark(s, 0);
    while (wire_next(s->answer.data, s->answer.len, &at, &frame)) {
        mark(s, at);
        mark(s, at - frame.padding_len);
    }
    mark(s, s->answer.len);
}

static void hear_whole(struct session *s, bool sunk)
{
    struct manner manner = {talk_by_feed, sunk, 0};
    delivery_begin(&s->h, manner);
    s->verdict[sunk] = delivery_bring(&s->h, s->answer.data, s->answer.len);
    delivery_digest(&s->h, &s->whole[sunk]);
    assert_true(s->verdict[sunk] != FCGI_WAIT);
}

static void open_session(struct session *s, const struct conversation *c)
{
    memset(s, 0, sizeof(*s));
    s->conversation = c;
    s->method = (struct fcgi_param)FCGI_PARAM("REQUEST_METHOD", c->method);
    const struct fcgi_request request = {
        .params = &s->method, .param_count = 1, .limits = c->limits};
    c->write(&s->answer);
    mark_borders(s);
    delivery_open(&s->h, &request, s->answer.len);
    hear_whole(s, false);
    assert_int_equal(s->verdict[0], c->expected);
    hear_whole(s, true);
    wire_append(&s->log, s->h.r.log.data, s->h.r.log.len);
}

static void close_session(struct session *s)
{
    delivery_close(&s->h);
    wire_free(&s->answer);
    wire_free(&s->whole[0]);
    wire_free(&s->whole[1]);
    wire_free(&s->other);
    wire_free(&s->log);
    test_free(s->near);
}

static void begin(struct session *s, size_t manner)
{
    delivery_begin(&s->h, manner_for(manner, s->answer.len));
    splits += 1;
}

static int bring(struct session *s, size_t from, size_t to)
{
    return delivery_bring(&s->h, s->answer.data + from, to - from);
}

static int shown(const struct wire *digest)
{
    return (int)(digest->len < 2000 ? digest->len : 2000);
}

static void assert_same(struct session *s, const char *how, size_t at)
{
    const struct wire *whole = &s->whole[s->h.manner.sunk];
    const struct wire *other = &s->other;
    delivery_digest(&s->h, &s->other);
    if (other->len != whole->len ||
        memcmp(other->data, whole->data, whole->len) != 0) {
        fail_msg("%s, %s at %zu of %zu: %.*s\n-- instead of: %.*s",
                 s->conversation->name, how, at, s->answer.len, shown(other),
                 (const char *)other->data, shown(whole),
                 (const char *)whole->data);
    }
}

/* Hear each conversation in each manner. */
static void in_each_manner(void (*hear)(struct session *s, size_t manner))
{
    for (size_t i = 0; i < corpus_len; i++) {
        struct session s;
        open_session(&s, &corpus[i]);
        for (size_t manner = 0; manner < MANNERS; manner++) {
            hear(&s, manner);
        }
        close_session(&s);
    }
}

/* Hear each conversation at each offset, in the manners that are due there. */
static void at_each_offset(size_t first, void (*hear)(struct session *s,
                                                      size_t manner, size_t at))
{
    for (size_t i = 0; i < corpus_len; i++) {
        struct session s;
        open_session(&s, &corpus[i]);
        for (size_t at = first; at < s.answer.len; at++) {
            for (size_t manner = 0; manner < MANNERS; manner++) {
                if (s.answer.len <= SMALL || s.near[at] ||
                    at % MANNERS == manner) {
                    hear(&s, manner, at);
                }
            }
        }
        close_session(&s);
    }
}

/* ---- the tests --------------------------------------------------------- */

static void hear_again(struct session *s, size_t manner)
{
    begin(s, manner);
    (void)bring(s, 0, s->answer.len);
    assert_same(s, "whole", 0);
}

static void an_answer_is_the_same_whole_in_every_manner(void **state)
{
    (void)state;
    in_each_manner(hear_again);
}

static void hear_bytes(struct session *s, size_t manner)
{
    begin(s, manner);
    for (size_t i = 0; i < s->answer.len; i++) {
        (void)bring(s, i, i + 1);
    }
    assert_same(s, "byte by byte", 0);
}

static void an_answer_is_the_same_byte_by_byte(void **state)
{
    (void)state;
    in_each_manner(hear_bytes);
}

static void hear_cut(struct session *s, size_t manner, size_t at)
{
    begin(s, manner);
    (void)bring(s, 0, at);
    (void)bring(s, at, s->answer.len);
    assert_same(s, "cut in two", at);
}

static void an_answer_is_the_same_cut_in_two_at_each_offset(void **state)
{
    (void)state;
    at_each_offset(1, hear_cut);
}

/* Seeds for many pieces at once. */
#define WAYS_TO_SHRED 200

static void hear_shreds(struct session *s, size_t manner)
{
    for (uint32_t seed = 1; seed <= WAYS_TO_SHRED; seed++) {
        begin(s, manner);
        (void)delivery_bring_cut(&s->h, &s->answer, seed);
        assert_same(s, "in pieces by seed", seed);
    }
}

static void an_answer_is_the_same_in_pieces_of_any_length(void **state)
{
    (void)state;
    in_each_manner(hear_shreds);
}

/* What was handed on by then is the beginning of what is handed on in all:
 * nothing is taken back, nothing comes in another order. */
static void hear_beginning(struct session *s, size_t manner, size_t at)
{
    if (!manners[manner].sunk) {
        return;
    }
    begin(s, manner);
    (void)bring(s, 0, at);
    assert_true(s->h.r.log.len <= s->log.len);
    if (s->h.r.log.len > 0) {
        assert_memory_equal(s->h.r.log.data, s->log.data, s->h.r.log.len);
    }
}

static void what_is_handed_on_is_never_taken_back(void **state)
{
    (void)state;
    at_each_offset(1, hear_beginning);
}

/* Where the content of the last record ends: behind that, only padding is
 * missing. */
static size_t end_of_content(const struct session *s)
{
    struct wire_frame frame = {0};
    size_t at = 0;
    while (wire_next(s->answer.data, s->answer.len, &at, &frame)) {
    }
    return at - frame.padding_len;
}

/* What the end of file means after `at` bytes. */
static int meaning_of_eof(const struct session *s, size_t at, bool reset)
{
    int status = fcgi_exchange_status(s->h.t.x);
    if (status != FCGI_WAIT) {
        return status;
    }
    if (at > 0 && at >= end_of_content(s)) {
        return s->verdict[s->h.manner.sunk];
    }
    if (reset) {
        return FCGI_ERR_RESET;
    }
    return at == 0 ? FCGI_ERR_CLOSED : FCGI_ERR_TRUNCATED;
}

static void assert_eof(struct session *s, size_t at, bool reset)
{
    int expected = meaning_of_eof(s, at, reset);
    int status = fcgi_exchange_eof(s->h.t.x, reset);
    if (status != expected) {
        fail_msg("%s, end of file at %zu of %zu: %s, not %s",
                 s->conversation->name, at, s->answer.len,
                 fcgi_error_name(status), fcgi_error_name(expected));
    }
    assert_int_equal(fcgi_exchange_status(s->h.t.x), status);
    assert_false(fcgi_exchange_reusable(s->h.t.x));
}

static void hear_the_end_of_file(struct session *s, size_t manner, size_t at)
{
    for (int reset = 0; reset < 2; reset++) {
        begin(s, manner);
        (void)bring(s, 0, at);
        assert_eof(s, at, reset == 1);
    }
}

static void the_end_of_file_is_told_for_what_it_is_at_each_offset(void **state)
{
    (void)state;
    at_each_offset(0, hear_the_end_of_file);
}

/* Once a request has ended, more bytes change nothing about how. */
static void hear_the_verdict(struct session *s, size_t manner)
{
    int verdict = FCGI_WAIT;
    begin(s, manner);
    for (size_t i = 0; i < s->answer.len; i++) {
        int status = bring(s, i, i + 1);
        assert_true(verdict == FCGI_WAIT || status == verdict);
        verdict = status;
    }
}

static void a_verdict_is_never_changed(void **state)
{
    (void)state;
    in_each_manner(hear_the_verdict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_the_same_whole_in_every_manner),
        cmocka_unit_test(an_answer_is_the_same_byte_by_byte),
        cmocka_unit_test(an_answer_is_the_same_cut_in_two_at_each_offset),
        cmocka_unit_test(an_answer_is_the_same_in_pieces_of_any_length),
        cmocka_unit_test(what_is_handed_on_is_never_taken_back),
        cmocka_unit_test(the_end_of_file_is_told_for_what_it_is_at_each_offset),
        cmocka_unit_test(a_verdict_is_never_changed),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)printf("%zu divisions of %zu answers heard\n", splits, corpus_len);
    return failed;
}
