/*
 * prologue - FCGI_BEGIN_REQUEST and FCGI_PARAMS (FastCGI specification,
 * sections 5.1 and 5.2).
 *
 * PHP parses each FCGI_PARAMS record by itself, so no pair is split between two
 * records, unless it is larger than a record can be.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "../codec/record.h"
#include "prologue.h"

/* Enough for most requests; more is allocated when it is needed. */
#define USUAL_LEN ((size_t)4096)

/* How much padding closing a record may add. */
#define PADDING_ROOM ((size_t)8)

struct packer {
    struct fcgi__prologue *prologue;
    struct fcgi__buffer *wire;
    const struct fcgi_allocator *allocator;
    uint16_t request_id;
    size_t content; /* where the open record's content starts; 0: none open */
};

static size_t content_len(const struct packer *packer)
{
    return packer->content == 0 ? 0 : packer->wire->len - packer->content;
}

/* A record without content would end the stream, and is taken back. There is
 * room for the padding. */
static void close_record(struct packer *packer)
{
    struct fcgi__buffer *wire = packer->wire;
    size_t len = content_len(packer);

    if (packer->content == 0) {
        return;
    }
    if (len == 0) {
        wire->len -= FCGI__HEADER_LEN;
        packer->prologue->records -= 1;
    } else {
        fcgi__record_header((uint8_t *)wire->data + packer->content -
                                FCGI__HEADER_LEN,
                            FCGI_TYPE_PARAMS, packer->request_id, len);
        memset(wire->data + wire->len, 0, PADDING_ROOM);
        wire->len += fcgi__padding_for(len);
    }
    packer->content = 0;
}

static bool is_late(const struct fcgi__prologue *prologue)
{
    return prologue->is_late != NULL && prologue->is_late(prologue->context);
}

/* Make sure that a record is open that can take `len` more bytes, and that the
 * buffer has room for them and for padding. */
static int open_record(struct packer *packer, size_t len)
{
    int rc;

    if (content_len(packer) + len > FCGI_CONTENT_MAX) {
        close_record(packer);
        if (is_late(packer->prologue)) {
            return FCGI_ERR_DEADLINE;
        }
    }
    rc = fcgi__buffer_reserve(packer->wire, packer->allocator,
                              FCGI__HEADER_LEN + len + PADDING_ROOM);
    if (rc == FCGI_OK && packer->content == 0) {
        packer->wire->len += FCGI__HEADER_LEN;
        packer->content = packer->wire->len;
        packer->prologue->records += 1;
    }
    return rc;
}

/* Append bytes, over as many records as they need. */
static int append(struct packer *packer, const char *data, size_t len)
{
    while (len > 0) {
        size_t left = (size_t)FCGI_CONTENT_MAX - content_len(packer);
        size_t part = left == 0 ? FCGI_CONTENT_MAX : left;
        int rc;

        part = len < part ? len : part;
        rc = open_record(packer, part);
        if (rc != FCGI_OK) {
            return rc;
        }
        memcpy(packer->wire->data + packer->wire->len, data, part);
        packer->wire->len += part;
        data += part;
        len -= part;
    }
    return FCGI_OK;
}

/* A pair that is larger than a record has records of its own. */
static int add_large_param(struct packer *packer,
                           const struct fcgi_param *measured)
{
    char lengths[8];
    const char *end = fcgi__param_store_lengths(lengths, measured);
    int rc;

    close_record(packer);
    rc = append(packer, lengths, (size_t)(end - lengths));
    if (rc == FCGI_OK) {
        rc = append(packer, measured->name, measured->name_len);
    }
    if (rc == FCGI_OK) {
        rc = append(packer, measured->value, measured->value_len);
    }
    close_record(packer);
    return rc;
}

static int add_param(struct packer *packer, const struct fcgi_param *param)
{
    struct fcgi_param measured;
    size_t len;
    int rc = fcgi__param_measure(param, &measured, &len);

    if (rc != FCGI_OK) {
        return rc;
    }
    if (measured.name_len == 0) {
        return FCGI_ERR_ARGUMENT;
    }
    if (measured.name_len == FCGI__FACT_NAME_LEN) {
        fcgi__facts_note(&packer->prologue->facts, measured.name,
                         measured.value, measured.value_len);
    }
    if (len > FCGI_CONTENT_MAX) {
        return add_large_param(packer, &measured);
    }
    rc = open_record(packer, len);
    if (rc == FCGI_OK) {
        fcgi__param_store(packer->wire->data + packer->wire->len, &measured);
        packer->wire->len += len;
    }
    return rc;
}

/* How many more bytes the open record can take in the memory there is. */
static size_t room_in_record(const struct packer *packer)
{
    const struct fcgi__buffer *wire = packer->wire;
    size_t of_record = FCGI_CONTENT_MAX - content_len(packer);
    size_t of_buffer = wire->cap - wire->len;

    if (packer->content == 0) {
        return 0;
    }
    assert(of_buffer >= PADDING_ROOM);
    of_buffer -= PADDING_ROOM;
    return of_record < of_buffer ? of_record : of_buffer;
}

/* Add pairs as long as they are short and there is room for them, which is true
 * of nearly all. Returns how many. */
static size_t add_short_params(struct packer *packer,
                               const struct fcgi_param *params, size_t count)
{
    struct fcgi__buffer *wire = packer->wire;
    struct fcgi__pairs pairs = {wire->data + wire->len, room_in_record(packer),
                                &packer->prologue->facts};
    size_t added = fcgi__pairs_store(&pairs, params, count);

    wire->len = (size_t)(pairs.out - wire->data);
    return added;
}

static int add_params(struct packer *packer, const struct fcgi_param *params,
                      size_t count)
{
    int rc = open_record(packer, 0);
    size_t i = 0;

    while (rc == FCGI_OK && i < count) {
        i += add_short_params(packer, params + i, count - i);
        if (i < count) {
            rc = add_param(packer, &params[i]);
            i += 1;
        }
    }
    return rc;
}

/* Pairs that are encoded already are copied at once, if one record can take
 * them all. */
static int add_encoded(struct packer *packer, struct fcgi_slice encoded)
{
    struct fcgi_param param;
    int rc;

    if (encoded.len == 0) {
        return FCGI_OK;
    }
    rc = fcgi__pairs_check(encoded, &packer->prologue->facts);
    if (rc == FCGI_OK && encoded.len <= FCGI_CONTENT_MAX) {
        return append(packer, encoded.data, encoded.len);
    }
    while (rc == FCGI_OK && fcgi_params_next(&encoded, &param) == FCGI_PAIR) {
        rc = add_param(packer, &param);
    }
    return rc;
}

static bool has_known_length(const struct fcgi_source *body)
{
    return body->read == NULL || body->len > 0;
}

/* An authorizer is not told a length (section 6.3). */
static int add_content_length(struct packer *packer,
                              const struct fcgi_request *request)
{
    char digits[24];
    struct fcgi_param param = FCGI_PARAM("CONTENT_LENGTH", digits);

    if (!request->add_content_length || request->role == FCGI_ROLE_AUTHORIZER) {
        return FCGI_OK;
    }
    if (!has_known_length(&request->body)) {
        return FCGI_ERR_LENGTH_REQUIRED;
    }
    (void)snprintf(digits, sizeof(digits), "%zu", request->body.len);
    return add_param(packer, &param);
}

/* An application that is told another length than the body has loses what is
 * over, or waits for what is missing. */
static int check_content_length(struct packer *packer,
                                const struct fcgi_request *request)
{
    const struct fcgi_source *body = &request->body;
    int64_t told = packer->prologue->facts.content_length;

    if (told == FCGI__NO_LENGTH) {
        return add_content_length(packer, request);
    }
    if (told == FCGI__BAD_LENGTH) {
        return FCGI_ERR_ARGUMENT;
    }
    return (has_known_length(body) ? (uint64_t)told == body->len : told > 0)
               ? FCGI_OK
               : FCGI_ERR_ARGUMENT;
}

/* The buffer is empty, and has room for it. */
static void add_begin(struct packer *packer,
                      const struct fcgi_begin_request *body)
{
    struct fcgi__buffer *wire = packer->wire;
    uint8_t *out = (uint8_t *)wire->data;

    fcgi__record_header(out, FCGI_TYPE_BEGIN_REQUEST, packer->request_id, 8);
    fcgi__begin_request_put(out + FCGI__HEADER_LEN, body);
    wire->len = FCGI__HEADER_LEN + 8;
    packer->prologue->records = 1;
}

int fcgi__prologue_end_stream(struct fcgi__prologue *prologue,
                              const struct fcgi_allocator *allocator,
                              uint8_t type, uint16_t request_id)
{
    struct fcgi__buffer *wire = &prologue->wire;
    int rc = fcgi__buffer_reserve(wire, allocator, FCGI__HEADER_LEN);

    if (rc == FCGI_OK) {
        fcgi__record_header((uint8_t *)wire->data + wire->len, type, request_id,
                            0);
        wire->len += FCGI__HEADER_LEN;
        prologue->records += 1;
    }
    return rc;
}

static void reset(struct fcgi__prologue *prologue)
{
    prologue->wire.len = 0;
    prologue->records = 0;
    fcgi__facts_reset(&prologue->facts);
}

int fcgi__prologue_encode(struct fcgi__prologue *prologue,
                          const struct fcgi_allocator *allocator,
                          const struct fcgi_request *request,
                          uint16_t request_id, struct fcgi_begin_request body)
{
    struct packer packer = {prologue, &prologue->wire, allocator, request_id,
                            0};
    int rc;

    reset(prologue);
    rc = fcgi__buffer_reserve(&prologue->wire, allocator, USUAL_LEN);
    if (rc != FCGI_OK) {
        return rc;
    }
    add_begin(&packer, &body);
    rc = add_encoded(&packer, request->encoded_params);
    if (rc == FCGI_OK) {
        rc = add_params(&packer, request->params, request->param_count);
    }
    if (rc == FCGI_OK) {
        rc = check_content_length(&packer, request);
    }
    close_record(&packer);
    if (rc == FCGI_OK) {
        rc = fcgi__prologue_end_stream(prologue, allocator, FCGI_TYPE_PARAMS,
                                       request_id);
    }
    prologue->params_len = prologue->wire.len;
    return rc;
}

/* The padding is not needed by the specification, but libfcgi answers only
 * when something follows the content. */
int fcgi__prologue_encode_values(struct fcgi__prologue *prologue,
                                 const struct fcgi_allocator *allocator)
{
    static const struct fcgi_param values[] = {
        FCGI_PARAM("FCGI_MAX_CONNS", ""),
        FCGI_PARAM("FCGI_MAX_REQS", ""),
        FCGI_PARAM("FCGI_MPXS_CONNS", ""),
    };
    struct fcgi_header header = {FCGI_PROTOCOL_VERSION, FCGI_TYPE_GET_VALUES, 0,
                                 0, 8};
    uint8_t record[FCGI__HEADER_LEN + 64] = {0};
    size_t len;

    (void)fcgi_params_encode(values, sizeof(values) / sizeof(values[0]),
                             record + FCGI__HEADER_LEN, 64 - 8, &len);
    header.content_length = (uint16_t)len;
    fcgi_header_encode(record, &header);
    reset(prologue);
    prologue->records = 1;
    return fcgi__buffer_append(&prologue->wire, allocator, record,
                               FCGI__HEADER_LEN + len + 8);
}

static inline bool is_method(const struct fcgi__prologue *prologue,
                             const char *name, size_t size)
{
    return memcmp(prologue->facts.method, name, size) == 0;
}

bool fcgi__prologue_is_head(const struct fcgi__prologue *prologue)
{
    return is_method(prologue, "HEAD", sizeof("HEAD"));
}

bool fcgi__prologue_is_idempotent(const struct fcgi__prologue *prologue)
{
    return is_method(prologue, "GET", sizeof("GET")) ||
           is_method(prologue, "HEAD", sizeof("HEAD")) ||
           is_method(prologue, "PUT", sizeof("PUT")) ||
           is_method(prologue, "DELETE", sizeof("DELETE")) ||
           is_method(prologue, "OPTIONS", sizeof("OPTIONS")) ||
           is_method(prologue, "TRACE", sizeof("TRACE"));
}

static size_t record_wire(const uint8_t *bytes, struct fcgi_header *header)
{
    fcgi__header_get(header, bytes);
    return FCGI__HEADER_LEN + header->content_length + header->padding_length;
}

void fcgi__prologue_set_id(struct fcgi__prologue *prologue, uint16_t request_id)
{
    uint8_t *wire = (uint8_t *)prologue->wire.data;
    size_t at = 0;

    while (at < prologue->wire.len) {
        struct fcgi_header header;
        size_t len = record_wire(wire + at, &header);
        header.request_id = request_id;
        fcgi_header_encode(wire + at, &header);
        at += len;
    }
}

size_t fcgi__prologue_records_in(const struct fcgi__prologue *prologue,
                                 size_t sent, uint64_t *remainder)
{
    const uint8_t *wire = (const uint8_t *)prologue->wire.data;
    size_t records = 0;
    size_t at = 0;

    while (at < sent) {
        struct fcgi_header header;
        size_t len = record_wire(wire + at, &header);
        if (len > sent - at) {
            break;
        }
        at += len;
        records += 1;
    }
    *remainder = sent - at;
    return records;
}
