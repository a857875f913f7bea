/*
 * incoming - a response, from bytes to what they mean (FastCGI specification,
 * sections 3.3, 5.3 to 5.5 and 6).
 */
#include <string.h>

#include "response.h"
#include "response_reader.h"

int fcgi__response_reader_begin(struct fcgi__response_reader *in,
                                const struct fcgi_allocator *allocator,
                                uint16_t request_id)
{
    int rc = fcgi__response_begin(in->response, allocator, &in->limits);

    if (rc != FCGI_OK) {
        return rc;
    }
    fcgi__deframer_reset(&in->deframer);
    in->request_id = request_id;
    in->status = FCGI_WAIT;
    in->route = TO_NOWHERE;
    in->ending = NOT_ENDED;
    in->paused = false;
    in->misdirected = false;
    in->followed = false;
    in->body_len = 0;
    in->end_len = 0;
    return FCGI_OK;
}

bool fcgi__response_reader_begun(const struct fcgi__response_reader *in)
{
    return in->deframer.bytes > 0;
}

bool fcgi__response_reader_clean(const struct fcgi__response_reader *in)
{
    return in->status == FCGI_OK && in->ending == NOT_ENDED &&
           !in->misdirected && !in->followed;
}

/* What came instead of a head is left for the caller to read. */
static int finish(struct fcgi__response_reader *in, int status)
{
    in->status = status;
    if (in->response->status == 0) {
        fcgi__response_expose_text(in->response);
    }
    return status;
}

int fcgi__response_reader_fail(struct fcgi__response_reader *in, int error)
{
    return in->status == FCGI_WAIT ? finish(in, error) : in->status;
}

/*
 * The body. Whatever is handed on has been held against the Content-Length
 * before.
 */

/* HEAD, 204 and 304 have no body, whatever the application sends (RFC 9110,
 * section 6.4.1). */
static bool is_bodiless(const struct fcgi__response_reader *in)
{
    return in->to_head || in->response->status == 204 ||
           in->response->status == 304;
}

bool fcgi__response_reader_collects_body(const struct fcgi__response_reader *in)
{
    return in->route == TO_STDOUT && in->response->status != 0 &&
           in->sink.body == NULL && !is_bodiless(in);
}

uint64_t
fcgi__response_reader_body_allowed(const struct fcgi__response_reader *in)
{
    int64_t length = fcgi__response_content_length(in->response);

    return length < 0 ? UINT64_MAX : (uint64_t)length - in->body_len;
}

/* Hand body on or collect it; `*len` is set to what was taken. */
static int deliver_body(struct fcgi__response_reader *in, const char *data,
                        size_t *len)
{
    size_t offered = *len;

    if (in->sink.body == NULL) {
        return fcgi__response_body(in->response, data, offered);
    }
    if (in->sink.body(in->sink.context, data, len) != 0) {
        *len = offered;
        return FCGI_ERR_CANCELLED;
    }
    if (*len > offered) {
        *len = offered;
        return FCGI_ERR_ARGUMENT;
    }
    in->paused = *len < offered;
    return FCGI_OK;
}

static int take_body(struct fcgi__response_reader *in,
                     struct fcgi_slice content, size_t *used)
{
    uint64_t allowed = fcgi__response_reader_body_allowed(in);
    int rc;

    if (is_bodiless(in)) {
        return FCGI_OK;
    }
    if (allowed == 0) {
        return FCGI_ERR_BODY_LONG;
    }
    if (content.len > allowed) {
        *used = (size_t)allowed;
    }
    rc = deliver_body(in, content.data, used);
    in->body_len += *used;
    return rc;
}

static int take_head(struct fcgi__response_reader *in,
                     struct fcgi_slice content, size_t *used)
{
    int rc = fcgi__response_head(in->response, content.data, content.len, used);

    if (rc == FCGI_OK && in->sink.head != NULL &&
        in->sink.head(in->sink.context, in->response) != 0) {
        return FCGI_ERR_CANCELLED;
    }
    return rc == FCGI_WAIT ? FCGI_OK : rc;
}

static int take_stdout(struct fcgi__response_reader *in,
                       struct fcgi_slice content, size_t *used)
{
    return in->response->status == 0 ? take_head(in, content, used)
                                     : take_body(in, content, used);
}

static int take_stderr(struct fcgi__response_reader *in,
                       struct fcgi_slice content)
{
    if (in->sink.stderr_data == NULL) {
        return fcgi__response_stderr(in->response, content.data, content.len);
    }
    return in->sink.stderr_data(in->sink.context, content.data, content.len) ==
                   0
               ? FCGI_OK
               : FCGI_ERR_CANCELLED;
}

static void take_end(struct fcgi__response_reader *in,
                     struct fcgi_slice content)
{
    size_t missing = sizeof(in->end_body) - in->end_len;
    size_t len = content.len < missing ? content.len : missing;

    memcpy(in->end_body + in->end_len, content.data, len);
    in->end_len += len;
}

/*
 * The records.
 */

/* What a first byte that is no version says of the peer: the "H" of an HTTP
 * status line, or the type of a TLS alert or handshake. */
static int wrong_version(const struct fcgi__response_reader *in)
{
    uint8_t byte = in->deframer.header.version;
    bool first = in->deframer.records == 0;

    return first && (byte == 'H' || byte == 0x15 || byte == 0x16)
               ? FCGI_ERR_NOT_FASTCGI
               : FCGI_ERR_INVALID_HEADER;
}

static int begin_own_record(struct fcgi__response_reader *in)
{
    switch (in->deframer.header.type) {
    case FCGI_TYPE_STDOUT:
        in->route = TO_STDOUT;
        return FCGI_OK;
    case FCGI_TYPE_STDERR:
        in->route = TO_STDERR;
        return FCGI_OK;
    case FCGI_TYPE_END_REQUEST:
        in->route = TO_END;
        return in->deframer.header.content_length < sizeof(in->end_body)
                   ? FCGI_ERR_BAD_RECORD
                   : FCGI_OK;
    default:
        return FCGI_ERR_BAD_RECORD;
    }
}

/* What answers FCGI_GET_VALUES: its result, or that it is not known (sections
 * 4.1 and 4.2). */
static int begin_management_record(struct fcgi__response_reader *in)
{
    switch (in->deframer.header.type) {
    case FCGI_TYPE_GET_VALUES_RESULT:
        in->route = TO_VALUES;
        return FCGI_OK;
    case FCGI_TYPE_UNKNOWN_TYPE:
        in->route = TO_UNKNOWN;
        return FCGI_OK;
    default:
        return FCGI_ERR_BAD_RECORD;
    }
}

/* A record of no request, or of another (section 3.3): nothing of it may reach
 * this response. */
static int begin_foreign_record(struct fcgi__response_reader *in)
{
    const struct fcgi_header *header = &in->deframer.header;
    bool management =
        header->request_id == 0 && (header->type >= FCGI_TYPE_GET_VALUES);
    bool known = header->type >= FCGI_TYPE_BEGIN_REQUEST &&
                 header->type <= FCGI_TYPE_UNKNOWN_TYPE;

    in->route = TO_NOWHERE;
    if (management) {
        return FCGI_OK;
    }
    in->misdirected = true;
    return known ? FCGI_OK : FCGI_ERR_BAD_RECORD;
}

static int begin_record(struct fcgi__response_reader *in)
{
    if (in->deframer.header.version != FCGI_PROTOCOL_VERSION) {
        return wrong_version(in);
    }
    if (in->deframer.header.request_id != in->request_id) {
        return begin_foreign_record(in);
    }
    return in->request_id == 0 ? begin_management_record(in)
                               : begin_own_record(in);
}

/* Hand on some content; `*used` is all of it, and becomes what was taken. */
static int take_content(struct fcgi__response_reader *in,
                        struct fcgi_slice content, size_t *used)
{
    if (in->route == TO_NOWHERE) {
        return FCGI_OK;
    }
    in->moved = true;
    switch (in->route) {
    case TO_STDOUT:
        return take_stdout(in, content, used);
    case TO_STDERR:
        return take_stderr(in, content);
    case TO_END:
        take_end(in, content);
        return FCGI_OK;
    case TO_VALUES:
        return fcgi__response_body(in->response, content.data, content.len);
    case TO_NOWHERE:
    case TO_UNKNOWN:
    default:
        return FCGI_OK;
    }
}

/* What FCGI_END_REQUEST says (section 5.5), and whether the response is whole
 * by then. */
static int outcome_of_end(const struct fcgi__response_reader *in)
{
    switch (in->response->protocol_status) {
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
    if (in->response->status == 0) {
        return FCGI_ERR_NO_HEAD;
    }
    if (fcgi__response_content_length(in->response) >= 0 && !is_bodiless(in) &&
        fcgi__response_reader_body_allowed(in) > 0) {
        return FCGI_ERR_BODY_SHORT;
    }
    return FCGI_OK;
}

static void end_request(struct fcgi__response_reader *in)
{
    struct fcgi_end_request end;

    fcgi_end_request_decode(&end, in->end_body);
    in->response->app_status = end.app_status;
    in->response->protocol_status = end.protocol_status;
    (void)finish(in, outcome_of_end(in));
}

static void end_record(struct fcgi__response_reader *in)
{
    if (in->route == TO_END) {
        end_request(in);
    } else if (in->route == TO_VALUES || in->route == TO_UNKNOWN) {
        (void)finish(in, FCGI_OK);
    }
}

/* Look at what there is of a record: FCGI_OK or an error. */
static int take_record(struct fcgi__response_reader *in, enum fcgi__event event,
                       struct fcgi_slice *data, struct fcgi_slice content)
{
    size_t used = content.len;
    int rc = event == FCGI__HEADER ? begin_record(in) : FCGI_OK;

    if (rc == FCGI_OK && content.len > 0) {
        rc = take_content(in, content, &used);
    }
    if (fcgi__deframer_take(&in->deframer, data, used) && rc == FCGI_OK) {
        end_record(in);
    }
    return rc;
}

void fcgi__response_reader_run(struct fcgi__response_reader *in,
                               struct fcgi_slice *data)
{
    while (in->status == FCGI_WAIT && !in->paused) {
        struct fcgi_slice content;
        enum fcgi__event event =
            fcgi__deframer_next(&in->deframer, data, &content);
        int rc;
        if (event == FCGI__MORE) {
            break;
        }
        rc = take_record(in, event, data, content);
        if (rc != FCGI_OK) {
            (void)fcgi__response_reader_fail(in, rc);
        }
    }
    if (in->status != FCGI_WAIT && data->len > 0) {
        in->followed = true;
    }
}

/* No more bytes will come, and all that came were looked at. */
static void conclude(struct fcgi__response_reader *in)
{
    if (in->status != FCGI_WAIT || in->paused || in->ending == NOT_ENDED) {
        return;
    }
    if (in->route == TO_END && in->end_len == sizeof(in->end_body) &&
        in->deframer.content_left == 0) {
        end_request(in);
    } else if (in->ending == RESET) {
        (void)fcgi__response_reader_fail(in, FCGI_ERR_RESET);
    } else {
        (void)fcgi__response_reader_fail(in, fcgi__response_reader_begun(in)
                                                 ? FCGI_ERR_TRUNCATED
                                                 : FCGI_ERR_CLOSED);
    }
}

int fcgi__response_reader_settle(struct fcgi__response_reader *in)
{
    conclude(in);
    fcgi__response_terminate(in->response);
    return in->status;
}

int fcgi__response_reader_resume(struct fcgi__response_reader *in,
                                 struct fcgi_slice *data)
{
    if (in->status != FCGI_WAIT) {
        return in->status;
    }
    in->paused = false;
    fcgi__response_reader_run(in, data);
    return fcgi__response_reader_settle(in);
}

int fcgi__response_reader_eof(struct fcgi__response_reader *in,
                              enum fcgi__ending ending)
{
    in->ending = ending;
    conclude(in);
    return in->status;
}
