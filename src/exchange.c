/*
 * exchange - one request and its response, joined: `outgoing` says what to
 * send, `incoming` cuts what is received into records, and here is what each
 * record means.
 *
 *     STDOUT of this request   the head, then the body
 *     STDERR of this request   the error output
 *     END_REQUEST              the end
 *     management (id 0)        skipped
 *     another request's        skipped, and the connection is not used again
 *     anything else            FCGI_ERR_BAD_RECORD
 *
 * No socket, no clock. FastCGI specification, sections 3 to 6.
 */
#include <string.h>

#include "buffer.h"
#include "exchange.h"
#include "incoming.h"
#include "outgoing.h"
#include "record.h"
#include "response.h"

/* Room to receive in. */
#define ROOM_LEN ((size_t)64 * 1024)

/* Shorter remainders of a record are not worth a place of their own. */
#define LANDING_LEN ((size_t)4096)

/* Where the content of the record now coming goes. */
enum route { TO_NOWHERE, TO_STDOUT, TO_STDERR, TO_END };

/* How the peer stopped sending. */
enum ending { NOT_ENDED, CLOSED, RESET };

struct fcgi_exchange {
    struct fcgi_allocator allocator;
    struct fcgi_limits limits;
    struct fcgi_sink sink;
    struct fcgi_response *response;
    int status; /* FCGI_ERR_STATE: no request was begun */
    uint16_t request_id;

    struct fcgi__outgoing out;
    bool send_failed;

    struct fcgi__incoming in;
    enum route route;
    enum ending ending;
    bool paused;       /* the sink took less than it was offered */
    bool misdirected;  /* a record of another request came */
    bool followed;     /* bytes came behind the end of the request */
    uint64_t body_len; /* received, handed on or dropped */
    uint8_t end_body[8];
    size_t end_len;

    struct fcgi__buffer room; /* from `unread` on not yet looked at */
    size_t unread;
    size_t landing; /* bytes of room offered in the response's body */
};

int fcgi_exchange_new(struct fcgi_exchange **x,
                      const struct fcgi_allocator *allocator)
{
    struct fcgi_allocator own;

    if (x == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    *x = NULL;
    if (fcgi__allocator_init(&own, allocator) != FCGI_OK) {
        return FCGI_ERR_ARGUMENT;
    }
    *x = fcgi__allocate(&own, sizeof(**x));
    if (*x == NULL) {
        return FCGI_ERR_NO_MEMORY;
    }
    (*x)->allocator = own;
    (*x)->status = FCGI_ERR_STATE;
    return FCGI_OK;
}

void fcgi_exchange_free(struct fcgi_exchange *x)
{
    struct fcgi_allocator allocator;

    if (x == NULL) {
        return;
    }
    allocator = x->allocator;
    fcgi__outgoing_free(&x->out, &allocator);
    fcgi__buffer_free(&x->room, &allocator);
    fcgi__release(&allocator, x);
}

/*
 * Beginning.
 */

static int begin_response(struct fcgi_exchange *x)
{
    fcgi__incoming_reset(&x->in);
    x->route = TO_NOWHERE;
    x->ending = NOT_ENDED;
    x->send_failed = false;
    x->paused = false;
    x->misdirected = false;
    x->followed = false;
    x->body_len = 0;
    x->end_len = 0;
    x->room.len = 0;
    x->unread = 0;
    x->landing = 0;
    return fcgi__response_begin(x->response, &x->allocator, &x->limits);
}

static int begin(struct fcgi_exchange *x, const struct fcgi_request *request,
                 struct fcgi_response *response, uint16_t request_id,
                 uint8_t flags)
{
    int rc = fcgi__limits_resolve(&x->limits, &request->limits);

    fcgi__response_clear(response);
    if (rc == FCGI_OK) {
        rc = fcgi__outgoing_begin(&x->out, &x->allocator, request, request_id,
                                  flags);
    }
    if (rc == FCGI_OK) {
        x->sink = request->sink;
        x->response = response;
        x->request_id = request_id;
        rc = begin_response(x);
    }
    return rc;
}

int fcgi_exchange_begin(struct fcgi_exchange *x,
                        const struct fcgi_request *request,
                        struct fcgi_response *response, uint16_t request_id,
                        uint8_t flags)
{
    int rc;

    if (x == NULL || request == NULL || response == NULL || request_id == 0 ||
        (flags & ~FCGI_FLAG_KEEP_CONN) != 0) {
        return FCGI_ERR_ARGUMENT;
    }
    rc = begin(x, request, response, request_id, flags);
    x->status = rc == FCGI_OK ? FCGI_WAIT : FCGI_ERR_STATE;
    return rc;
}

bool fcgi__exchange_answered(const struct fcgi_exchange *x)
{
    return x->in.bytes > 0;
}

bool fcgi__exchange_sent_any(const struct fcgi_exchange *x)
{
    return x->out.bytes > 0;
}

bool fcgi__exchange_sent_params(const struct fcgi_exchange *x)
{
    return x->out.prologue_sent == x->out.prologue.wire.len;
}

uint64_t fcgi__exchange_body_len(const struct fcgi_exchange *x)
{
    return x->body_len;
}

int fcgi_exchange_restart(struct fcgi_exchange *x, uint16_t request_id)
{
    int rc;

    if (x == NULL || request_id == 0) {
        return FCGI_ERR_ARGUMENT;
    }
    if (x->status == FCGI_ERR_STATE || fcgi__exchange_answered(x)) {
        return FCGI_ERR_STATE;
    }
    rc = fcgi__outgoing_restart(&x->out, request_id);
    if (rc == FCGI_OK) {
        x->request_id = request_id;
        rc = begin_response(x);
    }
    if (rc == FCGI_OK) {
        x->status = FCGI_WAIT;
    }
    return rc;
}

bool fcgi_exchange_replayable(const struct fcgi_exchange *x)
{
    return x != NULL && fcgi__outgoing_replayable(&x->out);
}

const char *fcgi__exchange_method(const struct fcgi_exchange *x)
{
    return x->out.prologue.method;
}

bool fcgi__exchange_calls_out(const struct fcgi_exchange *x)
{
    return x->sink.head != NULL || x->sink.body != NULL ||
           x->sink.stderr_data != NULL || fcgi__outgoing_calls_out(&x->out);
}

/*
 * Sending.
 */

/* What came instead of a head is left for the caller to read. */
static int finish(struct fcgi_exchange *x, int status)
{
    x->status = status;
    if (x->response->status == 0) {
        fcgi__response_expose_text(x->response);
    }
    return status;
}

static int fail(struct fcgi_exchange *x, int error)
{
    return x->status == FCGI_WAIT ? finish(x, error) : x->status;
}

int fcgi_exchange_output(struct fcgi_exchange *x, struct fcgi_slice *slices,
                         size_t max)
{
    int count;

    if (x == NULL || slices == NULL || max < 4) {
        return FCGI_ERR_ARGUMENT;
    }
    if (x->status != FCGI_WAIT || x->send_failed) {
        return 0;
    }
    count = fcgi__outgoing_slices(&x->out, &x->allocator, slices, max);
    if (x->status != FCGI_WAIT) {
        return 0; /* the source has cancelled */
    }
    return count < 0 ? fail(x, count) : count;
}

void fcgi_exchange_sent(struct fcgi_exchange *x, size_t n)
{
    if (n > 0) {
        fcgi__outgoing_sent(&x->out, n);
    }
}

void fcgi_exchange_send_failed(struct fcgi_exchange *x)
{
    x->send_failed = true;
}

bool fcgi_exchange_source_waits(const struct fcgi_exchange *x, int *descriptor)
{
    const struct fcgi_source *source;

    if (!x->out.waits || x->status != FCGI_WAIT || x->send_failed) {
        return false;
    }
    source = &x->out.streams[x->out.stream].source;
    *descriptor = -1;
    if (source->descriptor != NULL) {
        *descriptor = source->descriptor(source->context);
    }
    return true;
}

bool fcgi_exchange_sent_all(const struct fcgi_exchange *x)
{
    return fcgi__outgoing_all_sent(&x->out);
}

/*
 * The body. Whatever is handed on has been held against the Content-Length
 * before.
 */

/* HEAD, 204 and 304 have no body, whatever the application sends (RFC 9110,
 * section 6.4.1). */
static bool is_bodiless(const struct fcgi_exchange *x)
{
    return x->response->status == 204 || x->response->status == 304 ||
           strcmp(fcgi__exchange_method(x), "HEAD") == 0;
}

/* How much more body the head allows. */
static uint64_t body_allowed(const struct fcgi_exchange *x)
{
    int64_t length = fcgi__response_content_length(x->response);

    return length < 0 ? UINT64_MAX : (uint64_t)length - x->body_len;
}

/* Hand body on or collect it; `*len` is set to what was taken. */
static int deliver_body(struct fcgi_exchange *x, const char *data, size_t *len)
{
    size_t offered = *len;

    if (x->sink.body == NULL) {
        return fcgi__response_body(x->response, data, offered);
    }
    if (x->sink.body(x->sink.context, data, len) != 0 || *len > offered) {
        return FCGI_ERR_CANCELLED;
    }
    x->paused = *len < offered;
    return FCGI_OK;
}

static int take_body(struct fcgi_exchange *x, struct fcgi_slice content,
                     size_t *used)
{
    uint64_t allowed = body_allowed(x);
    int rc;

    *used = content.len;
    if (is_bodiless(x)) {
        return FCGI_OK;
    }
    if (allowed == 0) {
        return FCGI_ERR_BODY_LONG;
    }
    if (content.len > allowed) {
        *used = (size_t)allowed;
    }
    rc = deliver_body(x, content.data, used);
    x->body_len += *used;
    return rc;
}

static int take_head(struct fcgi_exchange *x, struct fcgi_slice content,
                     size_t *used)
{
    int rc = fcgi__response_head(x->response, content.data, content.len, used);

    if (rc == FCGI_OK && x->sink.head != NULL &&
        x->sink.head(x->sink.context, x->response) != 0) {
        return FCGI_ERR_CANCELLED;
    }
    return rc == FCGI_WAIT ? FCGI_OK : rc;
}

static int take_stdout(struct fcgi_exchange *x, struct fcgi_slice content,
                       size_t *used)
{
    return x->response->status == 0 ? take_head(x, content, used)
                                    : take_body(x, content, used);
}

static int take_stderr(struct fcgi_exchange *x, struct fcgi_slice content)
{
    if (x->sink.stderr_data == NULL) {
        return fcgi__response_stderr(x->response, content.data, content.len);
    }
    return x->sink.stderr_data(x->sink.context, content.data, content.len) == 0
               ? FCGI_OK
               : FCGI_ERR_CANCELLED;
}

static void take_end(struct fcgi_exchange *x, struct fcgi_slice content)
{
    size_t missing = sizeof(x->end_body) - x->end_len;
    size_t len = content.len < missing ? content.len : missing;

    memcpy(x->end_body + x->end_len, content.data, len);
    x->end_len += len;
}

/*
 * The records.
 */

/* What a first byte that is no version says of the peer: the "H" of an HTTP
 * status line, or the type of a TLS alert or handshake. */
static int wrong_version(const struct fcgi_exchange *x)
{
    uint8_t byte = x->in.header.version;
    bool first = x->in.records == 0;

    return first && (byte == 'H' || byte == 0x15 || byte == 0x16)
               ? FCGI_ERR_NOT_FASTCGI
               : FCGI_ERR_INVALID_HEADER;
}

static int begin_own_record(struct fcgi_exchange *x)
{
    switch (x->in.header.type) {
    case FCGI_TYPE_STDOUT:
        x->route = TO_STDOUT;
        return FCGI_OK;
    case FCGI_TYPE_STDERR:
        x->route = TO_STDERR;
        return FCGI_OK;
    case FCGI_TYPE_END_REQUEST:
        x->route = TO_END;
        return x->in.header.content_length < sizeof(x->end_body)
                   ? FCGI_ERR_BAD_RECORD
                   : FCGI_OK;
    default:
        return FCGI_ERR_BAD_RECORD;
    }
}

/* A record of no request, or of another (section 3.3): nothing of it may reach
 * this response. */
static int begin_foreign_record(struct fcgi_exchange *x)
{
    const struct fcgi_header *header = &x->in.header;
    bool management =
        header->request_id == 0 && (header->type >= FCGI_TYPE_GET_VALUES);
    bool known = header->type >= FCGI_TYPE_BEGIN_REQUEST &&
                 header->type <= FCGI_TYPE_UNKNOWN_TYPE;

    x->route = TO_NOWHERE;
    if (management) {
        return FCGI_OK;
    }
    x->misdirected = true;
    return known ? FCGI_OK : FCGI_ERR_BAD_RECORD;
}

static int begin_record(struct fcgi_exchange *x)
{
    if (x->in.header.version != FCGI_PROTOCOL_VERSION) {
        return wrong_version(x);
    }
    return x->in.header.request_id == x->request_id ? begin_own_record(x)
                                                    : begin_foreign_record(x);
}

/* Hand on some content; `*used` tells how much. */
static int take_content(struct fcgi_exchange *x, struct fcgi_slice content,
                        size_t *used)
{
    *used = content.len;
    switch (x->route) {
    case TO_STDOUT:
        return take_stdout(x, content, used);
    case TO_STDERR:
        return take_stderr(x, content);
    case TO_END:
        take_end(x, content);
        return FCGI_OK;
    case TO_NOWHERE:
    default:
        return FCGI_OK;
    }
}

/* What FCGI_END_REQUEST says (section 5.5), and whether the response is whole
 * by then. */
static int outcome_of_end(const struct fcgi_exchange *x)
{
    switch (x->response->protocol_status) {
    case FCGI_STATUS_REQUEST_COMPLETE:
        break;
    case FCGI_STATUS_CANT_MPX_CONN:
        return FCGI_ERR_CANT_MPX_CONN;
    case FCGI_STATUS_OVERLOADED:
        return FCGI_ERR_OVERLOADED;
    case FCGI_STATUS_UNKNOWN_ROLE:
        return FCGI_ERR_UNKNOWN_ROLE;
    default:
        return FCGI_ERR_PROTOCOL_STATUS;
    }
    if (x->response->status == 0) {
        return FCGI_ERR_NO_HEAD;
    }
    if (fcgi__response_content_length(x->response) >= 0 && !is_bodiless(x) &&
        body_allowed(x) > 0) {
        return FCGI_ERR_BODY_SHORT;
    }
    return FCGI_OK;
}

static void end_request(struct fcgi_exchange *x)
{
    struct fcgi_end_request end;

    fcgi_end_request_decode(&end, x->end_body);
    x->response->app_status = end.app_status;
    x->response->protocol_status = end.protocol_status;
    (void)finish(x, outcome_of_end(x));
}

/* Look at bytes until all are used, or the response is paused or ended. */
static void run(struct fcgi_exchange *x, struct fcgi_slice *data)
{
    enum fcgi__event event = FCGI__HEADER;

    while (event != FCGI__MORE && x->status == FCGI_WAIT && !x->paused) {
        struct fcgi_slice content;
        size_t used;
        int rc = FCGI_OK;

        event = fcgi__incoming_next(&x->in, data, &content);
        if (event == FCGI__HEADER) {
            rc = begin_record(x);
        } else if (event == FCGI__CONTENT) {
            rc = take_content(x, content, &used);
            fcgi__incoming_take(&x->in, data, used);
        } else if (event == FCGI__RECORD_END && x->route == TO_END) {
            end_request(x);
        }
        if (rc != FCGI_OK) {
            (void)fail(x, rc);
        }
    }
    if (x->status != FCGI_WAIT && data->len > 0) {
        x->followed = true;
    }
}

/* No more bytes will come, and all that came were looked at. */
static void conclude(struct fcgi_exchange *x)
{
    if (x->status != FCGI_WAIT || x->paused || x->ending == NOT_ENDED) {
        return;
    }
    if (x->route == TO_END && x->end_len == sizeof(x->end_body) &&
        x->in.content_left == 0) {
        end_request(x);
    } else if (x->ending == RESET) {
        (void)fail(x, FCGI_ERR_RESET);
    } else {
        (void)fail(x, fcgi__exchange_answered(x) ? FCGI_ERR_TRUNCATED
                                                 : FCGI_ERR_CLOSED);
    }
}

/* Look at what was received and not looked at yet. */
static int run_room(struct fcgi_exchange *x)
{
    struct fcgi_slice data = {x->room.data + x->unread,
                              x->room.len - x->unread};

    run(x, &data);
    x->unread = x->room.len - data.len;
    conclude(x);
    return x->status;
}

/*
 * Receiving.
 */

/* How many bytes of the record now coming may be received right where the body
 * is collected; 0: look at them first. */
static size_t landing_len(const struct fcgi_exchange *x)
{
    uint64_t len = x->in.content_left;
    uint64_t allowed;

    if (x->in.framing != IN_CONTENT || x->route != TO_STDOUT ||
        x->response->status == 0 || x->sink.body != NULL || len < LANDING_LEN ||
        is_bodiless(x)) {
        return 0;
    }
    allowed = body_allowed(x);
    len = len < allowed ? len : allowed;
    allowed = fcgi__response_body_left(x->response);
    return (size_t)(len < allowed ? len : allowed);
}

int fcgi_exchange_input(struct fcgi_exchange *x, struct fcgi_memory room[2])
{
    int count = 0;

    if (x == NULL || room == NULL) {
        return FCGI_ERR_ARGUMENT;
    }
    if (x->status != FCGI_WAIT || x->paused || x->ending != NOT_ENDED) {
        return 0;
    }
    x->room.len = 0;
    x->unread = 0;
    if (fcgi__buffer_reserve(&x->room, &x->allocator, ROOM_LEN) != FCGI_OK) {
        return fail(x, FCGI_ERR_NO_MEMORY);
    }
    x->landing = landing_len(x);
    if (x->landing > 0) {
        if (fcgi__response_body_room(x->response, x->landing, &room[0]) !=
            FCGI_OK) {
            return fail(x, FCGI_ERR_NO_MEMORY);
        }
        count = 1;
    }
    room[count].data = x->room.data;
    room[count].len = 0;
    room[count].cap = ROOM_LEN;
    return count + 1;
}

int fcgi_exchange_received(struct fcgi_exchange *x, size_t n)
{
    size_t landed = n < x->landing ? n : x->landing;

    if (x->status != FCGI_WAIT) {
        return x->status;
    }
    if (landed > 0) {
        fcgi__response_body_landed(x->response, landed);
        fcgi__incoming_landed(&x->in, landed);
        x->body_len += landed;
    }
    x->landing = 0;
    x->room.len += n - landed;
    return run_room(x);
}

int fcgi_exchange_feed(struct fcgi_exchange *x, const void *bytes, size_t len,
                       size_t *used)
{
    struct fcgi_slice data = {bytes, len};

    if (x == NULL || used == NULL || (bytes == NULL && len > 0)) {
        return FCGI_ERR_ARGUMENT;
    }
    x->landing = 0;
    run(x, &data);
    *used = len - data.len;
    return x->status;
}

int fcgi_exchange_eof(struct fcgi_exchange *x, bool reset)
{
    x->ending = reset ? RESET : CLOSED;
    conclude(x);
    return x->status;
}

int fcgi_exchange_resume(struct fcgi_exchange *x)
{
    if (x->status != FCGI_WAIT) {
        return x->status;
    }
    x->paused = false;
    return run_room(x);
}

bool fcgi_exchange_paused(const struct fcgi_exchange *x)
{
    return x->status == FCGI_WAIT && x->paused;
}

/*
 * Ending.
 */

size_t fcgi__exchange_abort(const struct fcgi_exchange *x,
                            uint8_t record[FCGI_RECORD_HEADER_LEN])
{
    uint64_t remainder;

    (void)fcgi__outgoing_records(&x->out, &remainder);
    if (remainder > 0 || x->out.bytes == 0 || x->send_failed ||
        x->response->protocol_status >= 0) {
        return 0;
    }
    fcgi__record_header(record, FCGI_TYPE_ABORT_REQUEST, x->request_id, 0);
    return FCGI_RECORD_HEADER_LEN;
}

size_t fcgi_exchange_cancel(struct fcgi_exchange *x, int error,
                            uint8_t record[FCGI_RECORD_HEADER_LEN])
{
    if (x == NULL || x->status != FCGI_WAIT || error >= 0) {
        return 0;
    }
    (void)fail(x, error);
    return record == NULL ? 0 : fcgi__exchange_abort(x, record);
}

int fcgi_exchange_status(const struct fcgi_exchange *x)
{
    return x == NULL ? FCGI_ERR_STATE : x->status;
}

bool fcgi_exchange_reusable(const struct fcgi_exchange *x)
{
    return x->status == FCGI_OK && fcgi__outgoing_all_sent(&x->out) &&
           !x->send_failed && !x->misdirected && !x->followed &&
           x->ending == NOT_ENDED;
}

void fcgi__exchange_count(const struct fcgi_exchange *x)
{
    struct fcgi_outcome *outcome = &x->response->outcome;
    uint64_t remainder;

    outcome->bytes_sent = x->out.bytes;
    outcome->bytes_received = x->in.bytes;
    outcome->records_sent = fcgi__outgoing_records(&x->out, &remainder);
    outcome->records_received = x->in.records;
}

void fcgi__exchange_forget(struct fcgi_exchange *x)
{
    memset(&x->sink, 0, sizeof(x->sink));
    x->response = NULL;
    x->status = FCGI_ERR_STATE;
}
