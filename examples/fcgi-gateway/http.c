/*
 * http - parses HTTP/1 requests.
 *
 * llhttp is strict: it refuses a name that is not a token, and a Content-Length
 * that is not a number, occurs twice, or occurs with Transfer-Encoding. Added
 * here are what some of its versions accept (a bare CR, a line that starts with
 * a space), what it leaves to its host (sizes, Host, codings), and the status
 * that each fault is answered with.
 */
#define _POSIX_C_SOURCE 200809L

#include "http.h"

#include <string.h>
#include <strings.h>

/* How many bytes chunk sizes, extensions and trailers may have together: this
 * many, and for each byte of content that many more. */
#define FRAMING_MAX ((uint64_t)16 * 1024)
#define FRAMING_FOR_BYTE 8

static struct http *http_of(llhttp_t *parser)
{
    return (struct http *)(void *)parser;
}

static int refuse(struct http *http, int status)
{
    http->refusal = status;
    return HPE_USER;
}

/*
 * The elements of a head. One that llhttp reports in parts is whole all the
 * same, since the parts are contiguous.
 */

static int on_method(llhttp_t *parser, const char *at, size_t len)
{
    struct fcgi_slice *method = &http_of(parser)->method;

    if (method->data == NULL) {
        method->data = at;
    }
    method->len += len;
    return 0;
}

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct fcgi_slice *target = &http_of(parser)->target;

    if (target->data == NULL) {
        target->data = at;
    }
    target->len += len;
    return target->len > HTTP_LINE_MAX ? refuse(http_of(parser), 414) : 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len)
{
    struct http *http = http_of(parser);
    struct fcgi_field *field = &http->fields[http->field_count];

    if (http->at == HTTP_IN_BODY) {
        http->trailer_name_len += len;
        return 0;
    }
    if (http->at == HTTP_IN_NAME) {
        field[-1].name_len += len;
        return 0;
    }
    if (http->field_count == HTTP_FIELDS_MAX) {
        return refuse(http, 431);
    }
    *field = (struct fcgi_field){at, at, len, 0};
    http->field_count += 1;
    http->at = HTTP_IN_NAME;
    return 0;
}

/* Nobody reads a trailer, but it must be one (RFC 9112, section 7.1.2). */
static int on_header_field_complete(llhttp_t *parser)
{
    struct http *http = http_of(parser);
    bool has_name = http->at != HTTP_IN_BODY || http->trailer_name_len > 0;

    http->trailer_name_len = 0;
    return has_name ? 0 : refuse(http, 400);
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len)
{
    struct http *http = http_of(parser);
    struct fcgi_field *field = &http->fields[http->field_count - 1];

    if (http->at == HTTP_IN_BODY) {
        return 0;
    }
    if (http->at == HTTP_IN_NAME) {
        field->value = at;
        http->at = HTTP_IN_VALUE;
    }
    field->value_len += len;
    return field->name_len + field->value_len > HTTP_LINE_MAX
               ? refuse(http, 431)
               : 0;
}

/* Stop behind the head: the body is read in another way. */
static int on_headers_complete(llhttp_t *parser)
{
    http_of(parser)->at = HTTP_IN_BODY;
    return HPE_PAUSED;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct http *http = http_of(parser);

    memmove(http->decoded, at, len);
    http->decoded += len;
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    http_of(parser)->ended = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t callbacks = {
    .on_method = on_method,
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void http_reset(struct http *http)
{
    memset(http, 0, offsetof(struct http, fields));
    llhttp_init(&http->parser, HTTP_REQUEST, &callbacks);
}

/*
 * Refusals.
 */

/* The status for what llhttp does not know as a method, at the start of these
 * bytes: 501 if it looks like one. */
static int refuse_method(const char *at, const char *end)
{
    const char *start = at;

    while (at < end && *at >= 'A' && *at <= 'Z') {
        at += 1;
    }
    return at > start && (at == end || *at == ' ') ? 501 : 400;
}

static bool is_method(const struct http *http, const char *name)
{
    return http->method.len == strlen(name) &&
           memcmp(http->method.data, name, http->method.len) == 0;
}

static int refuse_syntax(struct http *http, const char *data, size_t len)
{
    switch (llhttp_get_errno(&http->parser)) {
    case HPE_USER:
        break;
    case HPE_INVALID_METHOD:
        http->refusal = refuse_method(
            http->method.data == NULL ? data : http->method.data, data + len);
        break;
    case HPE_INVALID_VERSION:
        http->refusal = 505;
        break;
    case HPE_INVALID_TRANSFER_ENCODING:
        http->refusal = 501;
        break;
    default:
        http->refusal = 400;
        break;
    }
    return FCGI_ERR_BAD_REQUEST;
}

/* Whether an LF follows each CR, and no line starts with a space or a tab: some
 * versions of llhttp take a bare CR for the end of a line, and join a line that
 * starts with a space to the one before (RFC 9112, sections 2.2 and 5.2). */
static bool has_sound_lines(const char *data, size_t len)
{
    const char *end = data + len;

    for (const char *at = memchr(data, '\r', len); at != NULL;
         at = memchr(at + 1, '\r', (size_t)(end - at - 1))) {
        if (at + 1 == end || at[1] != '\n') {
            return false;
        }
    }
    for (const char *at = memchr(data, '\n', len); at != NULL;
         at = memchr(at + 1, '\n', (size_t)(end - at - 1))) {
        if (at + 1 < end && (at[1] == ' ' || at[1] == '\t')) {
            return false;
        }
    }
    return true;
}

static void trim_value(struct fcgi_field *field)
{
    while (field->value_len > 0 &&
           (field->value[field->value_len - 1] == ' ' ||
            field->value[field->value_len - 1] == '\t')) {
        field->value_len -= 1;
    }
}

static bool is_named(const struct fcgi_field *field, const char *name)
{
    return strncasecmp(field->name, name, field->name_len) == 0;
}

static bool has_value(const struct fcgi_field *field, const char *value,
                      size_t len)
{
    return field->value_len == len &&
           strncasecmp(field->value, value, len) == 0;
}

/* Check a field that the gateway itself acts on. Returns the status to refuse
 * it with, or 0. */
static int check_field(struct http *http, const struct fcgi_field *field)
{
    if (field->name_len == 4 && is_named(field, "Host")) {
        http->host_count += 1;
    } else if (field->name_len == 6 && is_named(field, "Expect")) {
        http->expects_continue =
            !http->is_1_0 && has_value(field, "100-continue", 12);
    } else if (field->name_len == 17 && is_named(field, "Transfer-Encoding")) {
        /* "chunked" must be the only coding, and HTTP/1.0 has none (RFC 9112,
         * section 6.1). */
        if (http->chunked || !has_value(field, "chunked", 7)) {
            return 501;
        }
        http->chunked = true;
        return http->is_1_0 ? 400 : 0;
    }
    return 0;
}

/* llhttp also parses RTSP and ICE, which differ in the name of the protocol
 * alone. */
static bool names_http(const struct http *http)
{
    const char *at = http->target.data + http->target.len;

    while (*at == ' ') {
        at += 1;
    }
    return memcmp(at, "HTTP/", 5) == 0;
}

/* Returns the status to refuse a whole head with, or 0. CONNECT would open a
 * tunnel; TRACE would reveal the fields that were added on the way. */
static int check_head(struct http *http)
{
    const llhttp_t *parser = &http->parser;
    int status = 0;

    http->is_1_0 = parser->http_minor == 0;
    http->keep_alive = llhttp_should_keep_alive(parser) != 0;
    http->content_length = parser->content_length;
    if (parser->http_major != 1) {
        return 505;
    }
    if (!names_http(http)) {
        return 400;
    }
    if (http->content_length > INT64_MAX) {
        return 413;
    }
    if (is_method(http, "CONNECT") || is_method(http, "TRACE")) {
        return 501;
    }
    for (size_t i = 0; i < http->field_count && status == 0; i++) {
        trim_value(&http->fields[i]);
        status = check_field(http, &http->fields[i]);
    }
    if (status == 0 &&
        (http->host_count > 1 || (http->host_count == 0 && !http->is_1_0))) {
        status = 400;
    }
    return status;
}

/*
 * Parsing.
 */

int http_parse(struct http *http, const char *data, size_t len, size_t *used)
{
    const char *start;

    switch (llhttp_execute(&http->parser, data, len)) {
    case HPE_OK:
        *used = len;
        return FCGI_WAIT;
    case HPE_PAUSED:
        *used = (size_t)(llhttp_get_error_pos(&http->parser) - data);
        break;
    default:
        return refuse_syntax(http, data, len);
    }
    start = http->method.data;
    http->refusal = has_sound_lines(start, (size_t)(data + *used - start))
                        ? check_head(http)
                        : 400;
    return http->refusal == 0 ? FCGI_OK : FCGI_ERR_BAD_REQUEST;
}

bool http_is_head(const struct http *http)
{
    return is_method(http, "HEAD");
}

int http_too_large(const struct http *http)
{
    return http->at == HTTP_IN_LINE ? 414 : 431;
}

static bool has_too_much_framing(const struct http *http)
{
    return http->framing > FRAMING_MAX + FRAMING_FOR_BYTE * http->decoded_len;
}

int http_decode(struct http *http, char *data, size_t len, size_t *used,
                size_t *decoded)
{
    llhttp_errno_t error;

    http->decoded = data;
    llhttp_resume(&http->parser);
    error = llhttp_execute(&http->parser, data, len);
    *used = http->ended ? (size_t)(llhttp_get_error_pos(&http->parser) - data)
                        : len;
    *decoded = (size_t)(http->decoded - data);
    http->decoded_len += *decoded;
    http->framing += *used - *decoded;
    if (has_too_much_framing(http)) {
        return FCGI_ERR_BAD_REQUEST;
    }
    if (http->ended) {
        return FCGI_OK;
    }
    return error == HPE_OK ? FCGI_WAIT : FCGI_ERR_BAD_REQUEST;
}
