/*
 * reader - what comes must be a request, and the one that was asked: see
 * reader.h.
 */
#include <stdlib.h>
#include <string.h>

#include "reader.h"
#include "sight.h"
#include "world.h"

void reader_begin(struct reader *r)
{
    struct reader kept = *r;

    memset(r, 0, sizeof(*r));
    r->bytes = kept.bytes;
    r->params = kept.params;
    wire_clear(&r->bytes);
    wire_clear(&r->params);
}

/*
 * Params.
 */

static bool is_named(const struct wire *name, const char *wanted)
{
    return name->len == strlen(wanted) &&
           memcmp(name->data, wanted, name->len) == 0;
}

static void read_pair(struct reader *r, const struct wire *name,
                      struct wire *value)
{
    if (is_named(name, "TOKEN")) {
        wire_append(value, "", 1);
        r->coming = ledger_find(strtoull((char *)value->data, NULL, 16));
    } else if (is_named(name, "CONTENT_LENGTH")) {
        wire_append(value, "", 1);
        world_require(r->coming != NULL && !r->has_length &&
                          strtoull((char *)value->data, NULL, 10) ==
                              r->coming->body_len,
                      "a length is that of the body", (int64_t)value->len, 0);
        r->has_length = true;
    } else if (is_named(name, "FILL")) {
        world_require(
            r->coming != NULL &&
                ledger_matches(value->data,
                               ledger_key(r->coming->token, FOR_PARAMS, 0),
                               r->filled, value->len),
            "params arrive as they were given", (int64_t)value->len, 0);
        r->filled += value->len;
    }
}

/* PHP parses each record alone: what begins in one and ends in another must be
 * larger than any. */
static void judge_pair(const struct reader *r, size_t begun, size_t record)
{
    world_require(begun >= record || r->pairs_at - begun > 65535,
                  "a pair is not split between records", (int64_t)begun,
                  (int64_t)r->pairs_at);
    if (begun < record) {
        sight_saw(SIGHT_LARGE_PAIR);
    } else if (record > 0) {
        sight_saw(SIGHT_LARGE_PARAMS);
    }
}

/* The pairs that end in this record, which begins at `record`. */
static void read_pairs(struct reader *r, size_t record)
{
    struct wire name = {0};
    struct wire value = {0};
    size_t begun = r->pairs_at;

    while (wire_next_pair(r->params.data, r->params.len, &r->pairs_at, &name,
                          &value)) {
        judge_pair(r, begun, record);
        read_pair(r, &name, &value);
        begun = r->pairs_at;
    }
    wire_free(&name);
    wire_free(&value);
}

static enum news read_params(struct reader *r, const struct wire_frame *frame)
{
    size_t record = r->params.len;

    world_require(r->phase == IN_PARAMS, "params come first", r->phase, 0);
    wire_append(&r->params, frame->content, frame->len);
    read_pairs(r, record);
    if (frame->len > 0) {
        return MORE;
    }
    world_require(r->coming != NULL && r->pairs_at == r->params.len &&
                      r->filled == r->coming->params_len,
                  "params arrive whole", (int64_t)r->pairs_at,
                  (int64_t)r->params.len);
    world_require(r->has_length == r->coming->tells_length,
                  "a length is told if it was asked for", r->has_length, 0);
    r->entry = r->coming;
    world_require(r->keeps == r->entry->keeps,
                  "a connection is kept as the client wants it", r->keeps, 0);
    r->phase = r->entry->role == 2 ? COMPLETE : IN_BODY;
    return KNOWN;
}

/*
 * Bodies.
 */

/* One record of STDIN or DATA; the empty one ends it. */
static void read_stream(const struct reader *r, const struct wire_frame *frame,
                        enum purpose purpose, uint64_t *got, uint64_t wanted)
{
    uint64_t key = ledger_key(r->entry->token, purpose, 0);

    world_require(ledger_matches(frame->content, key, *got, frame->len),
                  "a body arrives as it was given", (int64_t)*got,
                  (int64_t)frame->len);
    *got += frame->len;
    world_require(frame->len > 0 || *got == wanted, "a body arrives whole",
                  (int64_t)*got, (int64_t)wanted);
}

static enum news read_body(struct reader *r, const struct wire_frame *frame)
{
    world_require(r->phase == IN_BODY, "a body comes once", r->phase, 0);
    read_stream(r, frame, FOR_BODY, &r->body_got, r->entry->body_len);
    if (frame->len == 0) {
        r->phase = r->entry->role == 3 ? IN_DATA : COMPLETE;
    }
    if (r->body_got > 65535) {
        sight_saw(SIGHT_LARGE_UPLOAD);
    }
    return MORE;
}

static enum news read_data(struct reader *r, const struct wire_frame *frame)
{
    world_require(r->phase == IN_DATA, "data come after the body", r->phase, 0);
    read_stream(r, frame, FOR_DATA, &r->data_got, r->entry->data_len);
    if (frame->len == 0) {
        r->phase = COMPLETE;
    }
    return MORE;
}

/*
 * Records.
 */

static enum news read_begin(struct reader *r, const struct wire_frame *frame)
{
    world_require(r->phase == READY || r->phase == COMPLETE,
                  "a request is sent whole before the next", r->phase, 0);
    world_require(frame->len == 8 && frame->id > r->id,
                  "each request has an id of its own, above all before",
                  frame->id, r->id);
    r->phase = IN_PARAMS;
    r->id = frame->id;
    r->keeps = (frame->content[2] & 1) != 0;
    r->requests += 1;
    r->entry = r->coming = NULL;
    r->pairs_at = r->filled = 0;
    r->body_got = r->data_got = 0;
    r->has_length = false;
    wire_clear(&r->params);
    return BEGUN;
}

static void judge_frame(const struct reader *r, const struct wire_frame *frame)
{
    world_require(frame->version == 1 && frame->reserved == 0 &&
                      frame->len + frame->padding_len <= 65535,
                  "a header is valid", frame->version, frame->reserved);
    world_require(frame->type == WIRE_BEGIN || frame->id == r->id ||
                      (frame->type == WIRE_GET_VALUES && frame->id == 0),
                  "all of a request bears its id", frame->id, r->id);
    for (size_t i = 0; i < frame->padding_len; i++) {
        world_require(frame->padding[i] == 0, "padding is empty", frame->type,
                      (int64_t)i);
    }
}

static enum news read_frame(struct reader *r, const struct wire_frame *frame)
{
    judge_frame(r, frame);
    switch (frame->type) {
    case WIRE_BEGIN:
        return read_begin(r, frame);
    case WIRE_PARAMS:
        return read_params(r, frame);
    case WIRE_STDIN:
        return read_body(r, frame);
    case WIRE_DATA:
        return read_data(r, frame);
    case WIRE_ABORT:
        return ABORTED;
    case WIRE_GET_VALUES:
        return VALUES_ASKED;
    default:
        world_require(false, "a record has a known type", frame->type, 0);
        return NO_RECORD;
    }
}

enum news reader_next(struct reader *r)
{
    struct wire_frame frame;

    if (wire_next(r->bytes.data, r->bytes.len, &r->at, &frame)) {
        return read_frame(r, &frame);
    }
    if (r->at == r->bytes.len) {
        wire_clear(&r->bytes);
        r->at = 0;
    }
    return NO_RECORD;
}
