/*
 * The functions of the exchange in any order, with sources, sinks and an
 * allocator in any mood. What was sent is a request in good order at all times,
 * what was received is sound, and each function returns what its header says.
 *
 *     input: steps, each with its choices; callbacks take theirs from it too
 */
#include <string.h>

#include <fcgi_client/exchange.h>

#include "allocator.h"
#include "fuzz_answer.h"
#include "fuzz_input.h"
#include "response_check.h"
#include "test.h"
#include "wire.h"

#define REQUEST_ID 0x0102
#define MOST_STEPS 400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct play;

/* A source, each byte of which is told by where it stands. */
struct stream {
    struct play *play;
    uint64_t taken;
};

struct play {
    struct fuzz_input s;
    struct counting_allocator memory;
    struct fcgi_exchange *x;
    struct fcgi_response response;
    struct fcgi_request request; /* the one begun last */
    bool to_head;
    bool begun;
    int verdict; /* once it has ended: for good */
    struct stream body;
    struct stream data;
    struct wire sent;   /* since it was begun or begun again */
    struct wire answer; /* what the application says, */
    size_t told;        /* and how much of it was heard */
    size_t output;      /* bytes of the output asked for last */
    size_t room;        /* bytes of the room asked for last */
};

/* ---- sources and sinks ------------------------------------------------- */

static uint8_t byte_at(uint64_t position)
{
    return (uint8_t)(position * 7 + (position >> 8));
}

static int on_read(void *context, void *buf, size_t cap, size_t *got)
{
    struct stream *stream = context;
    struct play *p = stream->play;
    size_t len = 0;
    assert_true(cap > 0);
    switch (fuzz_input_below(&p->s, 8)) {
    case 0:
    case 1:
        break;
    case 2:
        return FCGI_WAIT;
    case 3:
        return fuzz_input_below(&p->s, 2) == 0 ? 1234 : FCGI_ERR_RESET;
    case 4:
        *got = cap + 1; /* it lies */
        return FCGI_OK;
    case 5:
        (void)fcgi_exchange_cancel(p->x, FCGI_ERR_CANCELLED, NULL);
        break;
    default:
        len = fuzz_input_length(&p->s);
        break;
    }
    *got = len < cap ? len : cap;
    for (size_t i = 0; i < *got; i++) {
        ((uint8_t *)buf)[i] = byte_at(stream->taken + i);
    }
    stream->taken += *got;
    return FCGI_OK;
}

static int on_replay(void *context, uint64_t taken)
{
    struct stream *stream = context;
    if (fuzz_input_below(&stream->play->s, 4) == 3) {
        return FCGI_ERR_STATE;
    }
    if (taken > 0) {
        assert_true(taken == stream->taken);
        stream->taken = 0;
    }
    return FCGI_OK;
}

static int on_descriptor(void *context)
{
    (void)context;
    return 7;
}

/* What a callback of a sink does beside its work. */
static int mood(struct play *p)
{
    switch (fuzz_input_below(&p->s, 16)) {
    case 14:
        (void)fcgi_exchange_cancel(p->x, FCGI_ERR_CANCELLED, NULL);
        return 0;
    case 15:
        return 1;
    default:
        return 0;
    }
}

static int on_head(void *context, const struct fcgi_response *response)
{
    struct play *p = context;
    assert_ptr_equal(response, &p->response);
    assert_true(response->status >= 100);
    return mood(p);
}

static int on_body(void *context, const void *data, size_t *len)
{
    struct play *p = context;
    assert_non_null(data);
    assert_true(*len > 0);
    assert_true(p->response.status >= 100);
    switch (fuzz_input_below(&p->s, 8)) {
    case 4:
        *len = 0;
        break;
    case 5:
        *len = 1;
        break;
    case 6:
        *len -= *len / 2;
        break;
    case 7:
        *len += fuzz_input_below(&p->s, 2);
        break;
    default:
        break;
    }
    return mood(p);
}

static int on_stderr(void *context, const void *data, size_t len)
{
    assert_non_null(data);
    assert_true(len > 0);
    return mood(context);
}

/* ---- the request ------------------------------------------------------- */

/* In memory, from a source of a length that is known, or of any. */
static struct fcgi_source make_source(struct play *p, struct stream *stream)
{
    static uint8_t bytes[70000];
    struct fcgi_source source = {0};
    *stream = (struct stream){p, 0};
    if (bytes[1] == 0) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = byte_at(i);
        }
    }
    switch (fuzz_input_below(&p->s, 4)) {
    case 0:
        return source;
    case 1:
        source.data = bytes;
        source.len =
            fuzz_input_length(&p->s) + fuzz_input_below(&p->s, 3) * 2232;
        return source;
    case 2:
        source.len = fuzz_input_length(&p->s);
        break;
    default:
        break;
    }
    source.read = on_read;
    source.replay = fuzz_input_below(&p->s, 2) == 0 ? on_replay : NULL;
    source.descriptor = fuzz_input_below(&p->s, 2) == 0 ? on_descriptor : NULL;
    source.context = stream;
    return source;
}

static void make_sink(struct play *p, struct fcgi_sink *sink)
{
    size_t choice = fuzz_input_below(&p->s, 8);
    sink->context = p;
    sink->head = (choice & 1) != 0 ? on_head : NULL;
    sink->body = (choice & 2) != 0 ? on_body : NULL;
    sink->stderr_data = (choice & 4) != 0 ? on_stderr : NULL;
}

static void make_request(struct play *p)
{
    static const struct fcgi_param get[] = {FCGI_PARAM("REQUEST_METHOD", "GET"),
                                            FCGI_PARAM("CONTENT_LENGTH", "5")};
    static const struct fcgi_param head[] = {
        FCGI_PARAM("REQUEST_METHOD", "HEAD"), {NULL, NULL, 0, 0}};
    memset(&p->request, 0, sizeof(p->request));
    p->to_head = fuzz_input_below(&p->s, 4) == 1;
    p->request.params = p->to_head ? head : get;
    p->request.param_count = fuzz_input_below(&p->s, 3);
    p->to_head = p->to_head && p->request.param_count > 0;
    size_t choice = fuzz_input_below(&p->s, 10);
    p->request.role = (enum fcgi_role)(choice % 5);
    p->request.add_content_length = choice >= 5;
    p->request.limits = fuzz_answer_limits(&p->s);
    make_sink(p, &p->request.sink);
    p->request.body = make_source(p, &p->body);
    p->request.data = make_source(p, &p->data);
}

static bool is_given(const struct fcgi_source *source)
{
    return source->read != NULL || source->len > 0;
}

static bool is_valid(const struct fcgi_request *request)
{
    bool is_filter = request->role == FCGI_ROLE_FILTER;
    bool is_authorizer = request->role == FCGI_ROLE_AUTHORIZER;
    return (int)request->role <= FCGI_ROLE_FILTER &&
           !(is_authorizer && is_given(&request->body)) &&
           !(!is_filter && is_given(&request->data));
}

/* What the header lets it begin with, if there is memory. */
static int expected_of(const struct play *p)
{
    const struct fcgi_request *request = &p->request;
    bool is_known = request->body.read == NULL || request->body.len > 0;
    bool is_nameless = p->to_head && request->param_count == 2;
    bool is_told = !p->to_head && request->param_count == 2;
    if (!is_valid(request) || is_nameless ||
        (is_told && is_known && request->body.len != 5)) {
        return FCGI_ERR_ARGUMENT;
    }
    return request->add_content_length && !is_known && !is_told
               ? FCGI_ERR_LENGTH_REQUIRED
               : FCGI_OK;
}

static void begin(struct play *p)
{
    make_request(p);
    wire_clear(&p->sent);
    wire_clear(&p->answer);
    p->told = p->output = p->room = 0;
    int rc = fcgi_exchange_begin(p->x, &p->request, &p->response, REQUEST_ID,
                                 FCGI_FLAG_KEEP_CONN);
    p->begun = rc == FCGI_OK;
    p->verdict = FCGI_WAIT;
    assert_true(rc == expected_of(p) || rc == FCGI_ERR_NO_MEMORY);
    assert_int_equal(fcgi_exchange_status(p->x),
                     rc == FCGI_OK ? FCGI_WAIT : FCGI_ERR_STATE);
}

static void restart(struct play *p)
{
    bool answered = p->told > 0;
    int rc = fcgi_exchange_restart(p->x, REQUEST_ID);
    if (!p->begun || answered) {
        assert_int_equal(rc, FCGI_ERR_STATE);
        return;
    }
    if (rc == FCGI_OK) {
        wire_clear(&p->sent);
        p->output = p->room = 0;
        p->verdict = FCGI_WAIT;
        assert_int_equal(fcgi_exchange_status(p->x), FCGI_WAIT);
    } else {
        assert_true(rc == FCGI_ERR_STATE || rc == FCGI_ERR_NO_MEMORY);
    }
}

static void try_null(struct play *p)
{
    struct fcgi_exchange *x = p->x;
    assert_int_equal(fcgi_exchange_new(NULL, NULL), FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_begin(x, NULL, &p->response, REQUEST_ID, 0),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_begin(x, &p->request, NULL, REQUEST_ID, 0),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_begin(x, &p->request, &p->response, 0, 0),
                     FCGI_ERR_ARGUMENT);
    assert_int_equal(
        fcgi_exchange_begin(x, &p->request, &p->response, REQUEST_ID, 2),
        FCGI_ERR_ARGUMENT);
    assert_int_equal(fcgi_exchange_restart(x, 0), FCGI_ERR_ARGUMENT);
    fcgi_exchange_free(NULL);
    fcgi_response_free(NULL);
}

/* ---- sending ----------------------------------------------------------- */

static size_t joined(const struct fcgi_slice *slices, int count,
                     struct wire *bytes)
{
    wire_clear(bytes);
    for (int i = 0; i < count; i++) {
        assert_true(slices[i].len > 0);
        wire_append(bytes, slices[i].data, slices[i].len);
    }
    return bytes->len;
}

static void output(struct play *p)
{
    struct fcgi_slice slices[12];
    struct wire bytes = {0};
    size_t max = 4 + fuzz_input_below(&p->s, 9);
    int count = fcgi_exchange_output(p->x, slices, max);
    p->output = 0;
    if (count < 0) {
        assert_true(count == FCGI_ERR_SOURCE || count == FCGI_ERR_NO_MEMORY);
        assert_int_equal(fcgi_exchange_status(p->x), count);
        return;
    }
    assert_true((size_t)count <= max);
    p->output = joined(slices, count, &bytes);
    if (count > 0 && p->begun) {
        size_t n = fuzz_input_below(&p->s, 2) == 0 ? p->output
                                                   : fuzz_input_length(&p->s);
        n = n < p->output ? n : p->output;
        assert_int_equal(fcgi_exchange_sent(p->x, n), FCGI_OK);
        wire_append(&p->sent, bytes.data, n);
        p->output -= n;
    }
    wire_free(&bytes);
}

static void assert_stream(const struct wire *bytes)
{
    for (size_t i = 0; i < bytes->len; i++) {
        assert_int_equal(bytes->data[i], byte_at(i));
    }
}

/* As far as it was sent, the request is one. */
static void check_sent(const struct play *p)
{
    struct wire_request request = {0};
    size_t read = wire_request_read(&request, p->sent.data, p->sent.len);
    bool is_authorizer = p->request.role == FCGI_ROLE_AUTHORIZER;
    bool is_filter = p->request.role == FCGI_ROLE_FILTER;
    assert_false(request.aborted);
    assert_true(request.params_ends <= 1);
    assert_true(request.body_ends <= !is_authorizer);
    assert_true(request.data_ends <= is_filter);
    assert_stream(&request.body);
    assert_stream(&request.data);
    if (request.body_ends > 0 || request.data.len > 0) {
        assert_int_equal(request.params_ends, 1);
    }
    if (p->begun && fcgi_exchange_sent_all(p->x)) {
        assert_int_equal(read, p->sent.len);
        assert_int_equal(request.params_ends, 1);
        assert_int_equal(request.body_ends, !is_authorizer);
        assert_int_equal(request.data_ends, is_filter);
    }
    wire_request_free(&request);
}

/* ---- receiving --------------------------------------------------------- */

static size_t store(const struct fcgi_memory *room, int count,
                    const uint8_t *data, size_t len)
{
    size_t stored = 0;
    for (int i = 0; i < count; i++) {
        size_t left = room[i].cap - room[i].len;
        size_t n = len - stored < left ? len - stored : left;
        if (n > 0) {
            memcpy(room[i].data + room[i].len, data + stored, n);
        }
        stored += n;
    }
    return stored;
}

static size_t piece(struct play *p)
{
    size_t left = p->answer.len - p->told;
    size_t len =
        fuzz_input_below(&p->s, 2) == 0 ? left : fuzz_input_length(&p->s);
    return len < left ? len : left;
}

static void receive(struct play *p)
{
    struct fcgi_memory room[8];
    size_t len = piece(p);
    int count = fcgi_exchange_input(p->x, room, 8);
    if (count <= 0) {
        assert_true(count == 0 || count == FCGI_ERR_NO_MEMORY);
        assert_int_equal(fcgi_exchange_received(p->x, SIZE_MAX),
                         FCGI_ERR_ARGUMENT);
        return;
    }
    assert_true(count <= 8);
    size_t total = 0;
    for (int i = 0; i < count; i++) {
        assert_true(room[i].cap > room[i].len);
        total += room[i].cap - room[i].len;
    }
    assert_int_equal(fcgi_exchange_received(p->x, total + 1),
                     FCGI_ERR_ARGUMENT);
    size_t n =
        store(room, count,
              p->answer.data == NULL ? NULL : p->answer.data + p->told, len);
    p->told += n;
    int status = fcgi_exchange_received(p->x, n);
    assert_int_equal(status, fcgi_exchange_status(p->x));
}

static void feed(struct play *p)
{
    size_t len = piece(p);
    size_t used = SIZE_MAX;
    bool paused = fcgi_exchange_paused(p->x);
    const uint8_t *data =
        p->answer.data == NULL ? NULL : p->answer.data + p->told;
    int status = fcgi_exchange_feed(p->x, data, len, &used);
    assert_int_equal(status, fcgi_exchange_status(p->x));
    assert_true(used <= len);
    assert_true(used == 0 || !paused);
    assert_true(used == len || status != FCGI_WAIT ||
                fcgi_exchange_paused(p->x));
    p->told += used;
}

static void resume(struct play *p)
{
    int status = fcgi_exchange_resume(p->x);
    assert_int_equal(status, fcgi_exchange_status(p->x));
}

/* Bytes that were received wait in the exchange while it is paused. */
static void finish(struct play *p)
{
    bool reset = fuzz_input_below(&p->s, 2) == 1;
    int status = fcgi_exchange_eof(p->x, reset);
    assert_int_equal(status, fcgi_exchange_status(p->x));
    if (p->begun && !fcgi_exchange_paused(p->x)) {
        assert_true(status != FCGI_WAIT);
    }
}

static void cancel(struct play *p)
{
    uint8_t record[8];
    bool is_wanted = fuzz_input_below(&p->s, 2) == 1;
    int before = fcgi_exchange_status(p->x);
    assert_int_equal(fcgi_exchange_cancel(p->x, FCGI_WAIT, record), 0);
    assert_int_equal(fcgi_exchange_status(p->x), before);
    size_t len = fcgi_exchange_cancel(p->x, FCGI_ERR_DEADLINE,
                                      is_wanted ? record : NULL);
    assert_true(len == 0 || (is_wanted && len == 8 && record[1] == WIRE_ABORT));
    assert_int_equal(fcgi_exchange_status(p->x),
                     before == FCGI_WAIT ? FCGI_ERR_DEADLINE : before);
}

/* ---- all together ------------------------------------------------------ */

static void renew(struct play *p)
{
    const struct fcgi_allocator allocator = counting_allocator(&p->memory);
    fcgi_exchange_free(p->x);
    p->memory.fail_at = 0;
    assert_int_equal(fcgi_exchange_new(&p->x, &allocator), FCGI_OK);
    p->begun = false;
    wire_clear(&p->sent);
}

static void query(struct play *p)
{
    int descriptor = -2;
    if (fcgi_exchange_source_waits(p->x, &descriptor)) {
        assert_true(descriptor == -1 || descriptor == 7);
    }
    (void)fcgi_exchange_replayable(p->x);
    if (fcgi_exchange_paused(p->x)) {
        assert_int_equal(fcgi_exchange_status(p->x), FCGI_WAIT);
    }
    if (fcgi_exchange_reusable(p->x)) {
        assert_int_equal(fcgi_exchange_status(p->x), FCGI_OK);
        assert_true(fcgi_exchange_sent_all(p->x));
    }
}

static void step(struct play *p)
{
    switch (fuzz_input_below(&p->s, 16)) {
    case 0:
        begin(p);
        break;
    case 1:
    case 2:
        output(p);
        break;
    case 3:
        assert_int_equal(fcgi_exchange_sent(p->x, p->output + 1000000),
                         FCGI_ERR_ARGUMENT);
        break;
    case 4:
    case 5:
        fuzz_answer_next(&p->s, &p->answer, REQUEST_ID);
        break;
    case 6:
    case 7:
        receive(p);
        break;
    case 8:
    case 9:
        feed(p);
        break;
    case 10:
        resume(p);
        break;
    case 11:
        finish(p);
        break;
    case 12:
        cancel(p);
        break;
    case 13:
        restart(p);
        break;
    case 14:
        p->memory.fail_at = p->memory.calls + 1 + fuzz_input_below(&p->s, 4);
        break;
    default:
        switch (fuzz_input_below(&p->s, 4)) {
        case 0:
            fcgi_exchange_send_failed(p->x);
            break;
        case 1:
            renew(p);
            break;
        case 2:
            try_null(p);
            break;
        default:
            query(p);
            break;
        }
        break;
    }
}

static void check(struct play *p)
{
    int status = fcgi_exchange_status(p->x);
    if (!p->begun) {
        assert_int_equal(status, FCGI_ERR_STATE);
        return;
    }
    assert_true(status != FCGI_ERR_STATE);
    assert_true(p->verdict == FCGI_WAIT || status == p->verdict);
    p->verdict = status;
    response_check(&p->response, status, p->to_head, &p->request.limits,
                   p->request.sink.body == NULL);
    check_sent(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play p = {.s = fuzz_input_of(data, size)};
    renew(&p);
    begin(&p);
    for (int i = 0; i < MOST_STEPS && !fuzz_input_is_spent(&p.s); i++) {
        step(&p);
        check(&p);
    }
    fcgi_exchange_free(p.x);
    fcgi_response_free(&p.response);
    wire_free(&p.sent);
    wire_free(&p.answer);
    assert_int_equal(p.memory.blocks, 0);
    return 0;
}
