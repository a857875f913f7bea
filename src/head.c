/*
 * head - the head of a CGI response (RFC 3875, section 6).
 *
 *     Status: 404 Not Found CRLF      a code and a reason; not a field
 *     Set-Cookie: a=1 LF              name, colon, value; LF alone will do
 *     Set-Cookie: b=2 CRLF            repeated: order is kept
 *     CRLF                            the end
 *
 * Names are tokens and values hold no control bytes (RFC 9110, section 5);
 * what breaks that is refused, never passed on: a peer that can smuggle a line
 * end into a field can split the response of whoever hands it on.
 */
#include <string.h>

#include "field.h"
#include "head.h"

/* Text is taken in pieces of this length: what stands in one behind the head
 * was copied in vain. */
#define PIECE_LEN ((size_t)512)

/* A field as offsets: the text may still move while lines are added. */
struct mark {
    size_t name;
    size_t name_len;
    size_t value;
    size_t value_len;
};

/* Status: three digits, then nothing or a reason (RFC 3875, 6.3.3). */
static int take_status(struct fcgi__head *head, struct fcgi_slice value)
{
    struct fcgi_slice reason;
    int64_t code;

    if (head->status != 0 || value.len < 3) {
        return FCGI_ERR_BAD_HEAD;
    }
    code = fcgi__parse_length(value.data, 3);
    reason.data = value.data + 3;
    reason.len = value.len - 3;
    fcgi__trim(&reason);
    if (code < 100 || (reason.len > 0 && reason.data == value.data + 3)) {
        return FCGI_ERR_BAD_HEAD;
    }
    head->status = (int)code;
    head->reason = (size_t)(reason.data - head->text.data);
    head->reason_len = reason.len;
    return FCGI_OK;
}

/* Content-Length: the same again is fine, another is not. */
static int take_content_length(struct fcgi__head *head, struct fcgi_slice value)
{
    int64_t length = fcgi__parse_length(value.data, value.len);

    if (length < 0 ||
        (head->content_length >= 0 && head->content_length != length)) {
        return FCGI_ERR_BAD_HEAD;
    }
    head->content_length = length;
    return FCGI_OK;
}

static int keep_field(struct fcgi__head *head,
                      const struct fcgi_allocator *allocator,
                      const struct fcgi_limits *limits, struct fcgi_slice name,
                      struct fcgi_slice value)
{
    struct mark *mark;
    int rc;

    if (head->field_count >= (size_t)limits->field_count) {
        return FCGI_ERR_HEAD_TOO_LARGE;
    }
    rc = fcgi__buffer_reserve(&head->marks, allocator, sizeof(*mark));
    if (rc != FCGI_OK) {
        return rc;
    }
    mark = (struct mark *)(void *)(head->marks.data + head->marks.len);
    mark->name = (size_t)(name.data - head->text.data);
    mark->name_len = name.len;
    mark->value = (size_t)(value.data - head->text.data);
    mark->value_len = value.len;
    head->marks.len += sizeof(*mark);
    head->field_count += 1;
    return FCGI_OK;
}

static bool is_named(struct fcgi_slice name, const char *text)
{
    return fcgi__same_name(name.data, name.len, text, name.len);
}

/* The fields that mean something here are told apart by their length first. */
static int take_field(struct fcgi__head *head,
                      const struct fcgi_allocator *allocator,
                      const struct fcgi_limits *limits, struct fcgi_slice name,
                      struct fcgi_slice value)
{
    int rc = FCGI_OK;

    switch (name.len) {
    case sizeof("Status") - 1:
        if (is_named(name, "Status")) {
            return take_status(head, value);
        }
        break;
    case sizeof("Location") - 1:
        head->has_location |= is_named(name, "Location");
        break;
    case sizeof("Content-Length") - 1:
        if (is_named(name, "Content-Length")) {
            rc = take_content_length(head, value);
        }
        break;
    case sizeof("Transfer-Encoding") - 1:
        head->has_transfer_encoding |= is_named(name, "Transfer-Encoding");
        break;
    default:
        break;
    }
    return rc == FCGI_OK ? keep_field(head, allocator, limits, name, value)
                         : rc;
}

/* The text is whole and stays where it is: end the strings, point to them. */
static int complete(struct fcgi__head *head,
                    const struct fcgi_allocator *allocator)
{
    const struct mark *mark = (const struct mark *)(void *)head->marks.data;
    struct fcgi_field *field;
    char *text = head->text.data;
    int rc;

    if (head->has_transfer_encoding && head->content_length >= 0) {
        return FCGI_ERR_BAD_HEAD;
    }
    head->fields.len = 0;
    rc = fcgi__buffer_reserve(&head->fields, allocator,
                              head->field_count * sizeof(*field));
    if (rc != FCGI_OK) {
        return rc;
    }
    field = (struct fcgi_field *)(void *)head->fields.data;
    for (size_t i = 0; i < head->field_count; i++, mark++, field++) {
        field->name = text + mark->name;
        field->value = text + mark->value;
        field->name_len = mark->name_len;
        field->value_len = mark->value_len;
        text[mark->name + mark->name_len] = '\0';
        text[mark->value + mark->value_len] = '\0';
    }
    if (head->status == 0) {
        head->status = head->has_location ? 302 : 200;
    } else {
        text[head->reason + head->reason_len] = '\0';
    }
    return FCGI_OK;
}

/* A line that is no field: the blank one, a malformed one, or one that has not
 * come whole, which stays where it is. */
static int take_other_line(struct fcgi__head *head,
                           const struct fcgi_allocator *allocator,
                           const struct fcgi_limits *limits)
{
    const char *text = head->text.data;
    const char *line = text + head->line;
    const char *end = memchr(line, '\n', head->text.len - head->line);
    size_t len;

    if (end == NULL) {
        return FCGI_WAIT;
    }
    head->line = (size_t)(end - text) + 1;
    if (end > line && end[-1] == '\r') {
        end -= 1;
    }
    len = (size_t)(end - line);
    if (len > (size_t)limits->line_len) {
        return FCGI_ERR_HEAD_TOO_LARGE;
    }
    return len == 0 ? complete(head, allocator) : FCGI_ERR_BAD_HEAD;
}

/* Take a line: FCGI_WAIT means that the head goes on. Behind the text stands a
 * NUL, which is part of neither a name nor a value. */
static int take_line(struct fcgi__head *head,
                     const struct fcgi_allocator *allocator,
                     const struct fcgi_limits *limits)
{
    const char *text = head->text.data;
    const char *line = text + head->line;
    const char *colon = fcgi__token_end(line);
    struct fcgi_slice name = {line, (size_t)(colon - line)};
    struct fcgi_slice value = {colon + 1, 0};
    const char *end, *next;
    int rc;

    if (*colon != ':' || name.len == 0) {
        return take_other_line(head, allocator, limits);
    }
    end = fcgi__value_end(value.data, text + head->text.len);
    next = *end == '\r' ? end + 1 : end;
    if (*next != '\n') {
        return take_other_line(head, allocator, limits);
    }
    head->line = (size_t)(next - text) + 1;
    if ((size_t)(end - line) > (size_t)limits->line_len) {
        return FCGI_ERR_HEAD_TOO_LARGE;
    }
    value.len = (size_t)(end - value.data);
    fcgi__trim(&value);
    rc = take_field(head, allocator, limits, name, value);
    return rc == FCGI_OK ? FCGI_WAIT : rc;
}

static int take_lines(struct fcgi__head *head,
                      const struct fcgi_allocator *allocator,
                      const struct fcgi_limits *limits)
{
    size_t line;
    int rc;

    do {
        line = head->line;
        rc = take_line(head, allocator, limits);
    } while (rc == FCGI_WAIT && head->line > line);
    return rc;
}

/* Whether what has come of a line is longer than a line may be. A CR may stand
 * where it ends. */
static bool is_too_long(const struct fcgi__head *head,
                        const struct fcgi_limits *limits)
{
    size_t len = head->text.len - head->line;

    return len > 0 && len - 1 > (size_t)limits->line_len;
}

/* How much text to take at a time: of a line that is too long no more than
 * shows it, so that what stays readable is the same however the bytes come. */
static size_t piece_len(const struct fcgi__head *head,
                        const struct fcgi_limits *limits)
{
    size_t len = head->text.len - head->line;
    size_t most = (size_t)limits->line_len;

    return len + PIECE_LEN <= most ? PIECE_LEN : most + 2 - len;
}

/* Take a piece of the text; what stands behind the line that decided is given
 * back. Only a piece with a LF in it makes a line whole. */
static int take_piece(struct fcgi__head *head,
                      const struct fcgi_allocator *allocator,
                      const struct fcgi_limits *limits, struct fcgi_slice data,
                      size_t *taken)
{
    size_t left = (size_t)limits->head_len - head->text.len;
    size_t len = piece_len(head, limits);
    int rc;

    len = len < data.len ? len : data.len;
    len = len < left ? len : left;
    *taken = 0;
    rc = fcgi__buffer_append(&head->text, allocator, data.data, len);
    if (rc != FCGI_OK) {
        return rc;
    }
    *taken = len;
    rc = memchr(data.data, '\n', len) == NULL
             ? FCGI_WAIT
             : take_lines(head, allocator, limits);
    if (rc != FCGI_WAIT) {
        *taken -= head->text.len - head->line;
        fcgi__buffer_cut(&head->text, head->line);
    } else if (is_too_long(head, limits) || (len == left && len < data.len)) {
        rc = FCGI_ERR_HEAD_TOO_LARGE;
    }
    return rc;
}

int fcgi__head_feed(struct fcgi__head *head,
                    const struct fcgi_allocator *allocator,
                    const struct fcgi_limits *limits, const char *data,
                    size_t len, size_t *used)
{
    int rc = FCGI_WAIT;

    *used = 0;
    while (rc == FCGI_WAIT && *used < len) {
        struct fcgi_slice rest = {data + *used, len - *used};
        size_t taken;
        rc = take_piece(head, allocator, limits, rest, &taken);
        *used += taken;
    }
    return rc;
}

const char *fcgi__head_reason(const struct fcgi__head *head)
{
    if (head->reason_len > 0) {
        return head->text.data + head->reason;
    }
    return fcgi_reason_phrase(head->status);
}

void fcgi__head_reset(struct fcgi__head *head)
{
    head->text.len = 0;
    head->marks.len = 0;
    head->field_count = 0;
    head->line = 0;
    head->status = 0;
    head->reason = 0;
    head->reason_len = 0;
    head->content_length = -1;
    head->has_location = false;
    head->has_transfer_encoding = false;
}

void fcgi__head_free(struct fcgi__head *head,
                     const struct fcgi_allocator *allocator)
{
    fcgi__buffer_free(&head->text, allocator);
    fcgi__buffer_free(&head->marks, allocator);
    fcgi__buffer_free(&head->fields, allocator);
}
