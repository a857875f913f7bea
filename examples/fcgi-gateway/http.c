/*
 * http - parses HTTP/1 requests.
 *
 * The request line is read here. llhttp knows some methods alone, and refuses
 * bytes above ASCII in a target where it was built to be strict; none of its
 * lenient flags changes that. Both are for the application to judge, so llhttp
 * is shown a line of its own, and then the fields, once all of them are there.
 *
 * It is strict: it refuses a name that is not a token, and a Content-Length
 * that is not a number, occurs twice, or occurs with Transfer-Encoding. Added
 * here are what some of its versions accept (a bare CR, a line that starts with
 * a space, a trailer without a name), what it leaves to its host (Host,
 * codings), and the status that each fault is answered with.
 */
#define _POSIX_C_SOURCE 200809L

#include "http.h"

#include <string.h>
#include <strings.h>

/* How many bytes chunk sizes, extensions and trailers may have together: this
 * many, and for each byte of content that many more. */
#define FRAMING_MAX ((uint64_t)16 * 1024)
#define FRAMING_FOR_BYTE 8

/*
 * The request line.
 */

/* What nginx takes for a method. */
static bool is_of_method(char byte)
{
    return (byte >= 'A' && byte <= 'Z') || byte == '-' || byte == '_';
}

static bool is_of_target(char byte)
{
    return (unsigned char)byte > ' ' && byte != 0x7f;
}

static struct fcgi_slice take_while(const char **at, const char *end,
                                    bool (*belongs)(char byte))
{
    struct fcgi_slice taken = {*at, 0};

    while (*at < end && belongs(**at)) {
        *at += 1;
        taken.len += 1;
    }
    return taken;
}

static bool is_text(struct fcgi_slice slice, const char *text)
{
    return slice.len == strlen(text) &&
           memcmp(slice.data, text, slice.len) == 0;
}

bool http_is_head(const struct http *http)
{
    return is_text(http->method, "HEAD");
}

/* `at` is behind the target, and the line ends at `end`. Without a version it
 * is a request of HTTP/0.9. CONNECT would open a tunnel; TRACE would reveal the
 * fields that were added on the way. */
static int check_line(struct http *http, const char *at, const char *end)
{
    struct fcgi_slice version;

    if (http->target.len == 0 || end[-1] != '\r' ||
        (*at != ' ' && at != end - 1)) {
        return 400;
    }
    at += *at == ' ';
    version = (struct fcgi_slice){at, (size_t)(end - 1 - at)};
    http->is_1_0 = is_text(version, "HTTP/1.0");
    if (!http->is_1_0 && !is_text(version, "HTTP/1.1")) {
        return version.len > 0 && strncmp(at, "HTTP/", 5) != 0 ? 400 : 505;
    }
    return is_text(http->method, "CONNECT") || is_text(http->method, "TRACE")
               ? 501
               : 0;
}

int http_read_line(struct http *http, const char *data, size_t len)
{
    const char *at = data;
    const char *end = data + len;
    const char *line_end;

    http->method = take_while(&at, end, is_of_method);
    if (at == end) {
        return 0;
    }
    if (http->method.len == 0 || *at != ' ') {
        return 400;
    }
    at += 1;
    http->target = take_while(&at, end, is_of_target);
    line_end = memchr(data, '\n', len);
    if (line_end == NULL) {
        return 0;
    }
    http->line_len = (size_t)(line_end + 1 - data);
    return check_line(http, at, line_end);
}

/*
 * The fields.
 */

size_t http_blank_len(const char *data, size_t len)
{
    size_t blank = 0;

    while (blank < len && (data[blank] == '\r' || data[blank] == '\n')) {
        blank += 1;
    }
    return blank;
}

size_t http_head_len(const char *data, size_t len, size_t scanned)
{
    size_t at = scanned < 2 ? 0 : scanned - 2;

    while (at < len) {
        const char *line_end = memchr(data + at, '\n', len - at);

        if (line_end == NULL) {
            return 0;
        }
        at = (size_t)(line_end + 1 - data);
        if (at < len && data[at] == '\n') {
            return at + 1;
        }
        if (at + 1 < len && data[at] == '\r' && data[at + 1] == '\n') {
            return at + 2;
        }
    }
    return 0;
}

static struct http *http_of(llhttp_t *parser)
{
    return (struct http *)(void *)parser;
}

static int refuse(struct http *http, int status)
{
    http->refusal = status;
    return HPE_USER;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len)
{
    struct http *http = http_of(parser);

    if (http->has_head) {
        http->has_trailer = http->has_trailer || len > 0;
        return 0;
    }
    if (http->field_count == HTTP_FIELDS_MAX) {
        return refuse(http, 431);
    }
    http->fields[http->field_count] = (struct fcgi_field){at, at, len, 0};
    http->field_count += 1;
    return 0;
}

/* Nobody reads a trailer, but it must be one (RFC 9112, section 7.1.2). */
static int on_header_field_complete(llhttp_t *parser)
{
    struct http *http = http_of(parser);
    bool has_name = !http->has_head || http->has_trailer;

    http->has_trailer = false;
    return has_name ? 0 : refuse(http, 400);
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len)
{
    struct http *http = http_of(parser);

    if (!http->has_head) {
        struct fcgi_field *field = &http->fields[http->field_count - 1];
        field->value = at;
        field->value_len = len;
    }
    return 0;
}

/* Stop behind the head: the body is read in another way. */
static int on_headers_complete(llhttp_t *parser)
{
    http_of(parser)->has_head = true;
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

/* Whether an LF follows each CR, and no line starts with a space or a tab: some
 * versions of llhttp take a bare CR for the end of a line, and join a line that
 * starts with a space to the one before (RFC 9112, sections 2.2 and 5.2). */
static bool has_sound_lines(const char *data, const char *end)
{
    for (const char *at = memchr(data, '\r', (size_t)(end - data)); at != NULL;
         at = memchr(at + 1, '\r', (size_t)(end - at - 1))) {
        if (at + 1 == end || at[1] != '\n') {
            return false;
        }
    }
    for (const char *at = memchr(data, '\n', (size_t)(end - data)); at != NULL;
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

/* Check a field that the gateway itself acts on. */
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

static int check_fields(struct http *http)
{
    int status = 0;

    http->keep_alive = llhttp_should_keep_alive(&http->parser) != 0;
    http->content_length = http->parser.content_length;
    if (http->content_length > INT64_MAX) {
        return 413;
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

int http_read_fields(struct http *http, const char *head, size_t len)
{
    const char *line =
        http->is_1_0 ? "POST / HTTP/1.0\r\n" : "POST / HTTP/1.1\r\n";
    const char *at = head + http->line_len;
    const char *end = head + len;

    if (!has_sound_lines(head, end)) {
        return 400;
    }
    (void)llhttp_execute(&http->parser, line, strlen(line));
    switch (llhttp_execute(&http->parser, at, (size_t)(end - at))) {
    case HPE_PAUSED:
        return check_fields(http);
    case HPE_USER:
        return http->refusal;
    case HPE_INVALID_TRANSFER_ENCODING:
        return 501;
    default:
        return 400;
    }
}

/*
 * The body.
 */

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
