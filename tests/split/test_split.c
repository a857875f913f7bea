/*
 * Answers of every shape, cut wherever they can be cut: whole, byte by byte,
 * and in two at each offset, through both ways of bringing bytes. The events
 * and the result must be the same; and the end of file at any offset must be
 * told for what it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <fcgi_client/exchange.h>

#include "corpus.h"
#include "guard.h"
#include "recorder.h"
#include "talk.h"

/* Answers up to this size are cut everywhere, larger ones around the borders
 * of their records and here and there. */
#define CUT_EVERYWHERE 3000
#define STRIDE 1999

/* ---- one hearing ------------------------------------------------------- */

/* A conversation as it is being heard, over and over. */
struct hearing {
    const struct conversation *conversation;
    struct talk t;
    struct recorder r;
    struct wire answer;
    struct wire digest; /* what came of it, heard whole */
    int verdict;
    struct guard guard;
    talk_bring *bring;
    bool sunk; /* by sinks, not collected */
};

static void open_hearing(struct hearing *h, const struct conversation *c)
{
    memset(h, 0, sizeof(*h));
    h->conversation = c;
    h->bring = talk_by_feed;
    c->write(&h->answer);
    guard_open(&h->guard, h->answer.len);
    talk_open(&h->t);
}

static void close_hearing(struct hearing *h)
{
    recorder_free(&h->r);
    wire_free(&h->answer);
    wire_free(&h->digest);
    guard_close(&h->guard);
    talk_close(&h->t);
}

/* Ask anew; exchange and response are the same ones each time. */
static void ask(struct hearing *h)
{
    const struct conversation *c = h->conversation;
    const struct fcgi_param param = FCGI_PARAM("REQUEST_METHOD", c->method);
    struct fcgi_request request = {
        .params = &param, .param_count = 1, .limits = c->limits};
    wire_clear(&h->r.log);
    h->r.last = RECORDER_NOTHING;
    if (h->sunk) {
        request.sink = recorder_sink(&h->r);
    }
    wire_clear(&h->t.sent);
    talk_ask(&h->t, &request);
}

/* Bring the bytes from..to, which lie against a page that cannot be read. */
static int bring(struct hearing *h, size_t from, size_t to)
{
    uint8_t *piece = guard_put(&h->guard, h->answer.data + from, to - from);
    size_t used;
    int status = h->bring(&h->t, piece, to - from, &used);
    assert_true(status != FCGI_WAIT || used == to - from);
    return status;
}

static void note(struct wire *digest, const char *name, const void *data,
                 size_t len)
{
    char label[64];
    int n = snprintf(label, sizeof(label), "\n%s %zu ", name, len);
    wire_append(digest, label, (size_t)n);
    wire_append(digest, data, len);
}

static void note_number(struct wire *digest, const char *name, long long number)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%lld", number);
    note(digest, name, text, (size_t)n);
}

/* All that can be seen of the result, as bytes to be compared. */
static void digest(const struct hearing *h, struct wire *d)
{
    const struct fcgi_response *response = &h->t.response;
    wire_clear(d);
    note_number(d, "ended", fcgi_exchange_status(h->t.x));
    note_number(d, "reusable", fcgi_exchange_reusable(h->t.x));
    note_number(d, "status", response->status);
    note_number(d, "app_status", response->app_status);
    note_number(d, "protocol_status", response->protocol_status);
    note_number(d, "stderr_cut", response->stderr_cut);
    note_number(d, "fields", (long long)response->field_count);
    if (response->reason != NULL) {
        note(d, "reason", response->reason, strlen(response->reason));
    }
    for (size_t i = 0; i < response->field_count; i++) {
        const struct fcgi_field *field = &response->fields[i];
        note(d, "name", field->name, field->name_len);
        note(d, "value", field->value, field->value_len);
    }
    note(d, "body", response->body.data, response->body.len + 1);
    note(d, "stderr", response->stderr_data.data,
         response->stderr_data.len + 1);
    note(d, "log", h->r.log.data, h->r.log.len);
}

static void assert_same(struct hearing *h, const char *how, size_t at)
{
    struct wire d = {0};
    digest(h, &d);
    if (d.len != h->digest.len || memcmp(d.data, h->digest.data, d.len) != 0) {
        fail_msg("%s, %s at %zu of %zu: %.*s\n-- instead of: %.*s",
                 h->conversation->name, how, at, h->answer.len,
                 (int)(d.len < 2000 ? d.len : 2000), (const char *)d.data,
                 (int)(h->digest.len < 2000 ? h->digest.len : 2000),
                 (const char *)h->digest.data);
    }
    wire_free(&d);
}

/* Hear it whole, which is what all else is compared with. */
static void hear_whole(struct hearing *h)
{
    ask(h);
    h->bring = talk_by_feed;
    h->verdict = bring(h, 0, h->answer.len);
    assert_true(h->verdict != FCGI_WAIT);
    if (!h->sunk) {
        assert_int_equal(h->verdict, h->conversation->expected);
    }
    digest(h, &h->digest);
}

/* The offset to cut at after `at`. */
static size_t next_cut(const struct hearing *h, size_t at)
{
    struct wire_frame frame;
    size_t begin = 0;
    size_t next = at + STRIDE;
    if (h->answer.len <= CUT_EVERYWHERE) {
        return at + 1;
    }
    for (size_t border = 0; border < h->answer.len; begin = border) {
        if (!wire_next(h->answer.data, h->answer.len, &border, &frame)) {
            break;
        }
        size_t padding = border - frame.padding_len;
        if ((at + 1 < begin + 12 && at + 13 > begin) ||
            (at + 1 < padding + 12 && at + 13 > padding)) {
            return at + 1;
        }
        if (begin > at + 12 && begin - 12 < next) {
            next = begin - 12;
        }
        if (padding > at + 12 && padding - 12 < next) {
            next = padding - 12;
        }
    }
    return next;
}

static talk_bring *const ways[] = {talk_by_feed, talk_by_input};

#define WAYS (sizeof(ways) / sizeof(ways[0]))

/* Run `hear` on each conversation, sunk and collected, in both ways. */
static void each_hearing(void (*hear)(struct hearing *h))
{
    for (size_t i = 0; i < corpus_len; i++) {
        for (int sunk = 0; sunk < 2; sunk++) {
            struct hearing h;
            open_hearing(&h, &corpus[i]);
            h.sunk = sunk == 1;
            hear_whole(&h);
            for (size_t way = 0; way < WAYS; way++) {
                h.bring = ways[way];
                hear(&h);
            }
            close_hearing(&h);
        }
    }
}

/* ---- the tests --------------------------------------------------------- */

static void hear_again(struct hearing *h)
{
    ask(h);
    (void)bring(h, 0, h->answer.len);
    assert_same(h, "whole", 0);
}

static void an_answer_fed_or_received_whole_is_the_same(void **state)
{
    (void)state;
    each_hearing(hear_again);
}

static void hear_bytes(struct hearing *h)
{
    int status = FCGI_WAIT;
    ask(h);
    for (size_t i = 0; i < h->answer.len && status == FCGI_WAIT; i++) {
        status = bring(h, i, i + 1);
    }
    assert_same(h, "byte by byte", 0);
}

static void an_answer_is_the_same_byte_by_byte(void **state)
{
    (void)state;
    each_hearing(hear_bytes);
}

static void hear_cuts(struct hearing *h)
{
    for (size_t at = 1; at < h->answer.len; at = next_cut(h, at)) {
        ask(h);
        if (bring(h, 0, at) == FCGI_WAIT) {
            (void)bring(h, at, h->answer.len);
        }
        assert_same(h, "cut in two", at);
    }
}

static void an_answer_is_the_same_cut_in_two_anywhere(void **state)
{
    (void)state;
    each_hearing(hear_cuts);
}

/* What was handed on by then is the beginning of what is handed on in all:
 * nothing is taken back, nothing comes in another order. */
static void hear_beginnings(struct hearing *h)
{
    struct wire log = {0};
    ask(h);
    (void)bring(h, 0, h->answer.len);
    wire_append(&log, h->r.log.data, h->r.log.len);
    for (size_t at = 1; at < h->answer.len; at = next_cut(h, at)) {
        ask(h);
        (void)bring(h, 0, at);
        assert_true(h->r.log.len <= log.len);
        if (h->r.log.len > 0) {
            assert_memory_equal(h->r.log.data, log.data, h->r.log.len);
        }
    }
    wire_free(&log);
}

static void what_is_handed_on_is_never_taken_back(void **state)
{
    (void)state;
    each_hearing(hear_beginnings);
}

/* Where the content of the last record ends: behind that, only padding is
 * missing. */
static size_t end_of_content(const struct hearing *h)
{
    struct wire_frame frame = {0};
    size_t at = 0;
    while (wire_next(h->answer.data, h->answer.len, &at, &frame)) {
    }
    return at - frame.padding_len;
}

/* What the end of file means after `at` bytes. */
static int meaning_of_eof(const struct hearing *h, size_t at, bool reset)
{
    if (fcgi_exchange_status(h->t.x) != FCGI_WAIT) {
        return fcgi_exchange_status(h->t.x);
    }
    if (at > 0 && at >= end_of_content(h)) {
        return h->verdict;
    }
    if (reset) {
        return FCGI_ERR_RESET;
    }
    return at == 0 ? FCGI_ERR_CLOSED : FCGI_ERR_TRUNCATED;
}

static void hear_the_end_of_file(struct hearing *h)
{
    for (size_t at = 0; at < h->answer.len; at = next_cut(h, at)) {
        for (int reset = 0; reset < 2; reset++) {
            ask(h);
            if (at > 0) {
                (void)bring(h, 0, at);
            }
            int expected = meaning_of_eof(h, at, reset == 1);
            int status = fcgi_exchange_eof(h->t.x, reset == 1);
            if (status != expected) {
                fail_msg("%s, end of file at %zu of %zu: %s, not %s",
                         h->conversation->name, at, h->answer.len,
                         fcgi_error_name(status), fcgi_error_name(expected));
            }
            assert_int_equal(fcgi_exchange_status(h->t.x), status);
            assert_false(fcgi_exchange_reusable(h->t.x));
        }
    }
}

static void the_end_of_file_is_told_for_what_it_is_anywhere(void **state)
{
    (void)state;
    each_hearing(hear_the_end_of_file);
}

/* Once a request has ended, more bytes change nothing about how. */
static void hear_the_verdict(struct hearing *h)
{
    int verdict = FCGI_WAIT;
    ask(h);
    for (size_t i = 0; i < h->answer.len; i++) {
        size_t used;
        int status = h->bring(&h->t, h->answer.data + i, 1, &used);
        assert_true(verdict == FCGI_WAIT || status == verdict);
        verdict = status;
    }
}

static void a_verdict_is_never_changed(void **state)
{
    (void)state;
    each_hearing(hear_the_verdict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_fed_or_received_whole_is_the_same),
        cmocka_unit_test(an_answer_is_the_same_byte_by_byte),
        cmocka_unit_test(an_answer_is_the_same_cut_in_two_anywhere),
        cmocka_unit_test(what_is_handed_on_is_never_taken_back),
        cmocka_unit_test(the_end_of_file_is_told_for_what_it_is_anywhere),
        cmocka_unit_test(a_verdict_is_never_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
