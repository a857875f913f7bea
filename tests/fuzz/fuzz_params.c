/*
 * Params, in both directions: bytes of any kind taken apart as by somebody
 * else's decoder, and pairs of any length put together, alone and as the
 * records of a request.
 *
 *     input: 0  encoded pairs           1  the lengths of pairs to be made
 */
#include <stdlib.h>
#include <string.h>

#include <fcgi_client/exchange.h>
#include <fcgi_client/params.h>

#include "fuzz_input.h"
#include "talk.h"
#include "test.h"
#include "wire.h"

#define MOST_PAIRS 64

/* Of pairs made here: enough for some records, little enough for a fuzzer. */
#define MOST_BYTES 200000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_bytes(const char *bytes, size_t len, const struct wire *want)
{
    assert_int_equal(len, want->len);
    if (len > 0) {
        assert_memory_equal(bytes, want->data, len);
    }
}

/* ---- sending ----------------------------------------------------------- */

/* PHP parses each FCGI_PARAMS record alone: a record holds whole pairs, or a
 * part of one pair that no record can hold. */
static void check_records(const uint8_t *sent, size_t len)
{
    struct wire name = {0};
    struct wire value = {0};
    struct wire_frame frame;
    struct wire large = {0};
    size_t next = 0;
    while (wire_next(sent, len, &next, &frame)) {
        size_t at = 0;
        assert_true(frame.len + frame.padding_len <= 65535);
        if (frame.type != WIRE_PARAMS) {
            continue;
        }
        while (large.len == 0 &&
               wire_next_pair(frame.content, frame.len, &at, &name, &value)) {
        }
        if (at < frame.len) {
            assert_true(large.len > 0 || at == 0);
            wire_append(&large, frame.content + at, frame.len - at);
            at = 0;
            if (wire_next_pair(large.data, large.len, &at, &name, &value)) {
                assert_int_equal(at, large.len);
                assert_true(at > 65535);
                wire_clear(&large);
            }
        }
    }
    assert_int_equal(next, len);
    assert_int_equal(large.len, 0);
    wire_free(&name);
    wire_free(&value);
    wire_free(&large);
}

/* Encoded beforehand, a short length may have come in four bytes. */
static struct wire canonical(const struct wire *encoded)
{
    struct wire pairs = {0};
    struct wire name = {0};
    struct wire value = {0};
    size_t at = 0;
    while (wire_next_pair(encoded->data, encoded->len, &at, &name, &value)) {
        wire_pair(&pairs, name.data, name.len, value.data, value.len);
    }
    assert_int_equal(at, encoded->len);
    wire_free(&name);
    wire_free(&value);
    return pairs;
}

/* Whether it has a CONTENT_LENGTH other than 0, where there is no body. */
static bool tells_length(const struct wire *name, const struct wire *value)
{
    static const char content_length[] = "CONTENT_LENGTH";
    size_t zeros = 0;
    while (zeros < value->len && value->data[zeros] == '0') {
        zeros += 1;
    }
    return name->len == sizeof(content_length) - 1 &&
           memcmp(name->data, content_length, name->len) == 0 &&
           zeros < value->len;
}

/* Whether a request may have these pairs, but no body. */
static bool may_be_sent(const struct wire *encoded)
{
    struct wire name = {0};
    struct wire value = {0};
    bool may = true;
    size_t at = 0;
    while (wire_next_pair(encoded->data, encoded->len, &at, &name, &value)) {
        may = may && name.len > 0 && !tells_length(&name, &value);
    }
    wire_free(&name);
    wire_free(&value);
    return may;
}

static void check_request(const struct fcgi_param *params, size_t count,
                          struct fcgi_slice encoded,
                          const struct wire *expected)
{
    const struct fcgi_request request = {
        .params = params, .param_count = count, .encoded_params = encoded};
    struct talk t;
    talk_open(&t);
    if (!may_be_sent(expected)) {
        assert_int_equal(
            fcgi_exchange_begin(t.x, &request, &t.response, TALK_ID, 0),
            FCGI_ERR_ARGUMENT);
        talk_close(&t);
        return;
    }
    talk_ask(&t, &request);
    struct wire_request read = talk_read_request(&t);
    struct wire pairs = canonical(&read.params);
    assert_bytes((const char *)pairs.data, pairs.len, expected);
    assert_true(encoded.len > 0 || read.params.len == expected->len);
    wire_free(&pairs);
    assert_int_equal(read.params_ends, 1);
    assert_int_equal(read.body_ends, 1);
    check_records(t.sent.data, t.sent.len);
    wire_request_free(&read);
    talk_close(&t);
}

/* ---- decoding ---------------------------------------------------------- */

/* The cursor against the tests' own decoder; returns how many pairs. */
static size_t walk(struct fcgi_slice bytes)
{
    struct fcgi_slice rest = bytes;
    struct fcgi_param param;
    struct wire name = {0};
    struct wire value = {0};
    size_t count = 0;
    size_t at = 0;
    int rc = fcgi_params_next(&rest, &param);
    for (; rc == FCGI_PAIR; rc = fcgi_params_next(&rest, &param)) {
        assert_true(wire_next_pair((const uint8_t *)bytes.data, bytes.len, &at,
                                   &name, &value));
        assert_bytes(param.name, param.name_len, &name);
        assert_bytes(param.value, param.value_len, &value);
        assert_int_equal(rest.len, bytes.len - at);
        count += 1;
    }
    assert_false(wire_next_pair((const uint8_t *)bytes.data, bytes.len, &at,
                                &name, &value));
    assert_int_equal(rest.len, bytes.len - at);
    assert_int_equal(rc, rest.len == 0 ? 0 : FCGI_ERR_PARAMS_TRUNCATED);
    wire_free(&name);
    wire_free(&value);
    return count;
}

static void decode(struct fcgi_slice bytes)
{
    struct fcgi_param params[MOST_PAIRS];
    size_t pairs = walk(bytes);
    size_t count;
    int rc = fcgi_params_decode(bytes.data, bytes.len, NULL, 0, &count);
    assert_int_equal(count, pairs);
    assert_true(rc == FCGI_OK || rc == FCGI_ERR_PARAMS_TRUNCATED);
    int again =
        fcgi_params_decode(bytes.data, bytes.len, params, MOST_PAIRS, &count);
    assert_int_equal(count, pairs);
    if (pairs > MOST_PAIRS && rc == FCGI_OK) {
        assert_int_equal(again, FCGI_ERR_CONTENT_TOO_LONG);
        return;
    }
    assert_int_equal(again, rc);
    if (rc == FCGI_OK) {
        struct wire expected = {0};
        for (size_t i = 0; i < count; i++) {
            wire_pair(&expected, params[i].name, params[i].name_len,
                      params[i].value, params[i].value_len);
        }
        check_request(NULL, 0, bytes, &expected);
        wire_free(&expected);
    }
}

/* ---- encoding ---------------------------------------------------------- */

static void check_encoding(const struct fcgi_param *params, size_t count,
                           const struct wire *expected)
{
    size_t len = 0;
    assert_int_equal(fcgi_params_encode(params, count, NULL, 0, &len), FCGI_OK);
    assert_int_equal(len, expected->len);
    char *buf = malloc(len + 1);
    assert_non_null(buf);
    buf[len] = '#';
    if (len > 1) {
        buf[len - 1] = '#';
        assert_int_equal(fcgi_params_encode(params, count, buf, len - 1, &len),
                         FCGI_ERR_CONTENT_TOO_LONG);
        assert_int_equal(len, expected->len);
        assert_int_equal(buf[len - 1], '#');
    }
    assert_int_equal(fcgi_params_encode(params, count, buf, len, &len),
                     FCGI_OK);
    assert_bytes(buf, len, expected);
    assert_int_equal(buf[len], '#');
    free(buf);
}

/* A string of some length, or of one to be measured: then it ends in a NUL. */
static const char *make_string(struct fuzz_input *s, size_t *len)
{
    static char text[65536];
    static size_t end;
    if (end == 0) {
        memset(text, 'x', sizeof(text) - 1);
        end = sizeof(text) - 1;
    }
    *len = fuzz_input_length(s);
    if (fuzz_input_below(s, 2) == 0) {
        size_t measured = *len;
        *len = FCGI_STRLEN;
        return text + end - measured;
    }
    return *len == 0 ? NULL : text;
}

static size_t length_of(const char *string, size_t len)
{
    return len == FCGI_STRLEN ? strlen(string) : len;
}

static void encode(struct fuzz_input *s)
{
    struct fcgi_param params[MOST_PAIRS];
    struct wire expected = {0};
    size_t before = fuzz_input_below(s, 4); /* encoded beforehand */
    size_t count = 0;
    size_t head;
    while (count < MOST_PAIRS && expected.len < MOST_BYTES &&
           !fuzz_input_is_spent(s)) {
        struct fcgi_param *p = &params[count++];
        p->name = make_string(s, &p->name_len);
        p->value = make_string(s, &p->value_len);
        wire_pair(&expected, p->name, length_of(p->name, p->name_len), p->value,
                  length_of(p->value, p->value_len));
    }
    before = before < count ? before : count;
    check_encoding(params, count, &expected);
    assert_int_equal(fcgi_params_encode(params, before, NULL, 0, &head),
                     FCGI_OK);
    check_request(params + before, count - before,
                  (struct fcgi_slice){(const char *)expected.data, head},
                  &expected);
    wire_free(&expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input s = fuzz_input_of(data, size);
    if (fuzz_input_below(&s, 2) == 0) {
        decode(fuzz_input_rest(&s));
    } else {
        encode(&s);
    }
    return 0;
}
