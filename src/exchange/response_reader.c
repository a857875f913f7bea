/*
 * response_reader - a response, from bytes to what they mean (FastCGI
 * specification, sections 3.3, 5.3 to 5.5 and 6).
 */
#include <string.h>

#include "response.h"
#include "response_reader.h"

void fcgi__response_reader_begin(struct fcgi__response_reader *reader,
                                 uint16_t request_id)
{
    fcgi__deframer_reset(&reader->deframer);
    reader->request_id = request_id;
    reader->status = FCGI_WAIT;
    reader->content = FCGI__FOREIGN;
    reader->ending = FCGI__NOT_ENDED;
    reader->paused = false;
    reader->misdirected = false;
    reader->followed = false;
    reader->body_len = 0;
    reader->end_len = 0;
}

bool fcgi__response_reader_has_begun(const struct fcgi__response_reader *reader)
{
    return reader->deframer.bytes > 0;
}

bool fcgi__response_reader_is_clean(const struct fcgi__response_reader *reader)
{
    return reader->status == FCGI_OK && reader->ending == FCGI__NOT_ENDED &&
           !reader->misdirected && !reader->followed;
}

/* What was received instead of a head stays readable, as the body. */
static int finish(struct fcgi__response_reader *reader, int status)
{
    reader->status = status;
    if (reader->response->status == 0) {
        fcgi__response_expose_text(reader->response);
    }
    return status;
}

int fcgi__response_reader_fail(struct fcgi__response_reader *reader, int error)
{
    return reader->status == FCGI_WAIT ? finish(reader, error) : reader->status;
}

/*
 * The body.
 */

/* HEAD, 204 and 304 have no body, whatever the application sends (RFC 9110,
 * section 6.4.1). */
static bool is_bodiless(const struct fcgi__response_reader *reader)
{
    return reader->head_request || reader->response->status == 204 ||
           reader->response->status == 304;
}

bool fcgi__response_reader_collects_body(
    const struct fcgi__response_reader *reader)
{
    return reader->content == FCGI__BODY && reader->sink.body == NULL &&
           !is_bodiless(reader);
}

uint64_t
fcgi__response_reader_body_allowed(const struct fcgi__response_reader *reader)
{
    int64_t length = fcgi__response_content_length(reader->response);

    return length < 0 ? UINT64_MAX : (uint64_t)length - reader->body_len;
}

/*
 * Content. `*used` is all of it, and is set to what was taken, where that may
 * be less.
 */

static int take_head(struct fcgi__response_reader *reader,
                     struct fcgi_slice content, size_t *used)
{
    int rc =
        fcgi__response_head(reader->response, content.data, content.len, used);

    if (rc != FCGI_OK) {
        return rc == FCGI_WAIT ? FCGI_OK : rc;
    }
    reader->content = FCGI__BODY;
    return reader->sink.head == NULL || reader->sink.head(reader->sink.context,
                                                          reader->response) == 0
               ? FCGI_OK
               : FCGI_ERR_CANCELLED;
}

/* Nothing in excess of the Content-Length is collected or offered to the
 * sink. */
static int take_body(struct fcgi__response_reader *reader,
                     struct fcgi_slice content, size_t *used)
{
    const struct fcgi_sink *sink = &reader->sink;
    uint64_t allowed = fcgi__response_reader_body_allowed(reader);
    size_t offered = content.len < allowed ? content.len : (size_t)allowed;
    int rc = FCGI_OK;

    reader->progressed = true;
    if (is_bodiless(reader)) {
        return FCGI_OK;
    }
    if (offered == 0) {
        return FCGI_ERR_BODY_LONG;
    }
    *used = offered;
    if (sink->body == NULL) {
        rc = fcgi__response_body(reader->response, content.data, offered);
    } else if (sink->body(sink->context, content.data, used) != 0) {
        rc = FCGI_ERR_CANCELLED;
    } else if (*used > offered) {
        rc = FCGI_ERR_ARGUMENT;
    }
    if (rc != FCGI_OK) {
        *used = offered;
    }
    reader->paused = *used < offered;
    reader->body_len += *used;
    return rc;
}

static int take_stderr(struct fcgi__response_reader *reader,
                       struct fcgi_slice content)
{
    const struct fcgi_sink *sink = &reader->sink;

    if (sink->stderr_data == NULL) {
        return fcgi__response_stderr(reader->response, content.data,
                                     content.len);
    }
    return sink->stderr_data(sink->context, content.data, content.len) == 0
               ? FCGI_OK
               : FCGI_ERR_CANCELLED;
}

static void take_end(struct fcgi__response_reader *reader,
                     struct fcgi_slice content)
{
    size_t missing = sizeof(reader->end_body) - reader->end_len;
    size_t len = content.len < missing ? content.len : missing;

    memcpy(reader->end_body + reader->end_len, content.data, len);
    reader->end_len += len;
}

static int take_other(struct fcgi__response_reader *reader,
                      struct fcgi_slice content, size_t *used)
{
    if (reader->content == FCGI__FOREIGN) {
        return FCGI_OK;
    }
    reader->progressed = true;
    switch (reader->content) {
    case FCGI__HEAD:
        return take_head(reader, content, used);
    case FCGI__STDERR:
        return take_stderr(reader, content);
    case FCGI__END:
        take_end(reader, content);
        return FCGI_OK;
    case FCGI__VALUES:
        return fcgi__response_body(reader->response, content.data, content.len);
    case FCGI__BODY:
    case FCGI__FOREIGN:
    case FCGI__UNKNOWN:
    default:
        return FCGI_OK;
    }
}

/*
 * The records.
 */

/* A first byte that is not a version tells a peer that speaks HTTP, by the "H"
 * of its status line, or TLS, by the type of an alert or a handshake. */
static int wrong_version(const struct fcgi__response_reader *reader)
{
    uint8_t byte = reader->deframer.header.version;
    bool first = reader->deframer.records == 0;

    return first && (byte == 'H' || byte == 0x15 || byte == 0x16)
               ? FCGI_ERR_NOT_FASTCGI
               : FCGI_ERR_INVALID_HEADER;
}

static int begin_own_record(struct fcgi__response_reader *reader)
{
    switch (reader->deframer.header.type) {
    case FCGI_TYPE_STDOUT:
        reader->content =
            reader->response->status == 0 ? FCGI__HEAD : FCGI__BODY;
        return FCGI_OK;
    case FCGI_TYPE_STDERR:
        reader->content = FCGI__STDERR;
        return FCGI_OK;
    case FCGI_TYPE_END_REQUEST:
        reader->content = FCGI__END;
        return reader->deframer.header.content_length < sizeof(reader->end_body)
                   ? FCGI_ERR_BAD_RECORD
                   : FCGI_OK;
    default:
        return FCGI_ERR_BAD_RECORD;
    }
}

/* The answer to FCGI_GET_VALUES is its result, or that its type is not known
 * (sections 4.1 and 4.2). */
static int begin_management_record(struct fcgi__response_reader *reader)
{
    switch (reader->deframer.header.type) {
    case FCGI_TYPE_GET_VALUES_RESULT:
        reader->content = FCGI__VALUES;
        return FCGI_OK;
    case FCGI_TYPE_UNKNOWN_TYPE:
        reader->content = FCGI__UNKNOWN;
        return FCGI_OK;
    default:
        return FCGI_ERR_BAD_RECORD;
    }
}

/* The ids of a connection count up from 1. An earlier request's may still come
 * late. */
static bool is_unused_id(const struct fcgi__response_reader *reader,
                         uint16_t id)
{
    return id == 0 || id > reader->request_id;
}

/* A management record, or one of another request (section 3.3): nothing of it
 * may reach this response. An application that ends a request that was never
 * made means this one, and would not end it again. */
static int begin_foreign_record(struct fcgi__response_reader *reader)
{
    const struct fcgi_header *header = &reader->deframer.header;
    bool management =
        header->request_id == 0 && (header->type >= FCGI_TYPE_GET_VALUES);
    bool known = header->type >= FCGI_TYPE_BEGIN_REQUEST &&
                 header->type <= FCGI_TYPE_UNKNOWN_TYPE;

    reader->content = FCGI__FOREIGN;
    if (management) {
        return FCGI_OK;
    }
    reader->misdirected = true;
    if (header->type == FCGI_TYPE_END_REQUEST &&
        is_unused_id(reader, header->request_id)) {
        return FCGI_ERR_BAD_ID;
    }
    return known ? FCGI_OK : FCGI_ERR_BAD_RECORD;
}

static int begin_record(struct fcgi__response_reader *reader)
{
    if (reader->deframer.header.version != FCGI_PROTOCOL_VERSION) {
        return wrong_version(reader);
    }
    if (reader->deframer.header.request_id != reader->request_id) {
        return begin_foreign_record(reader);
    }
    return reader->request_id == 0 ? begin_management_record(reader)
                                   : begin_own_record(reader);
}

/* How the request ended, by what FCGI_END_REQUEST says (section 5.5) and by
 * whether the response is whole. */
static int status_at_end(const struct fcgi__response_reader *reader)
{
    switch (reader->response->protocol_status) {
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
    if (reader->response->status == 0) {
        return FCGI_ERR_NO_HEAD;
    }
    if (fcgi__response_content_length(reader->response) >= 0 &&
        !is_bodiless(reader) &&
        fcgi__response_reader_body_allowed(reader) > 0) {
        return FCGI_ERR_BODY_SHORT;
    }
    return FCGI_OK;
}

static void end_request(struct fcgi__response_reader *reader)
{
    struct fcgi_end_request end;

    fcgi_end_request_decode(&end, reader->end_body);
    reader->response->app_status = end.app_status;
    reader->response->protocol_status = end.protocol_status;
    (void)finish(reader, status_at_end(reader));
}

static void end_record(struct fcgi__response_reader *reader)
{
    if (reader->content == FCGI__END) {
        end_request(reader);
    } else if (reader->content == FCGI__VALUES ||
               reader->content == FCGI__UNKNOWN) {
        (void)finish(reader, FCGI_OK);
    }
}

static int take_content(struct fcgi__response_reader *reader,
                        struct fcgi_slice content, size_t *used)
{
    return reader->content == FCGI__BODY ? take_body(reader, content, used)
                                         : take_other(reader, content, used);
}

void fcgi__response_reader_read(struct fcgi__response_reader *reader,
                                struct fcgi_slice *data)
{
    while (reader->status == FCGI_WAIT && !reader->paused) {
        struct fcgi_slice content;
        enum fcgi__event event =
            fcgi__deframer_next(&reader->deframer, data, &content);
        size_t used = content.len;
        bool is_whole;
        int rc;
        if (event == FCGI__MORE) {
            break;
        }
        rc = event == FCGI__HEADER ? begin_record(reader) : FCGI_OK;
        if (rc == FCGI_OK && content.len > 0) {
            rc = take_content(reader, content, &used);
        }
        is_whole = fcgi__deframer_take(&reader->deframer, data, used);
        if (rc != FCGI_OK) {
            (void)fcgi__response_reader_fail(reader, rc);
        } else if (is_whole) {
            end_record(reader);
        }
    }
    if (reader->status != FCGI_WAIT && data->len > 0) {
        reader->followed = true;
    }
}

/* The peer has stopped sending amid the request. */
static void end_early(struct fcgi__response_reader *reader)
{
    if (reader->content == FCGI__END &&
        reader->end_len == sizeof(reader->end_body) &&
        reader->deframer.content_left == 0) {
        end_request(reader); /* only padding is missing */
    } else if (reader->ending == FCGI__RESET) {
        (void)finish(reader, FCGI_ERR_RESET);
    } else {
        (void)finish(reader, fcgi__response_reader_has_begun(reader)
                                 ? FCGI_ERR_TRUNCATED
                                 : FCGI_ERR_CLOSED);
    }
}

void fcgi__response_reader_conclude(struct fcgi__response_reader *reader)
{
    if (reader->status == FCGI_WAIT && !reader->paused &&
        reader->ending != FCGI__NOT_ENDED) {
        end_early(reader);
    }
    fcgi__response_terminate(reader->response);
}
