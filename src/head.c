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

/* A field as offsets: the text may still move while lines are added. */
struct mark {
    size_t name;
    size_t name_len;
    size_t value;
    size_t value_len;
};

static bool is_named(const char *text, const struct mark *mark,
                     const char *name)
{
    return fcgi__same_name(text + mark->name, mark->name_len, name,
                           strlen(name));
}

/* Status: three digits, then nothing or a reason (RFC 3875, 6.3.3). */
static int take_status(struct fcgi__head *head, const struct mark *mark)
{
    const char *value = head->text.data + mark->value;
    struct fcgi_slice reason;
    int64_t code;

    if (head->status != 0 || mark->value_len < 3) {
        return FCGI_ERR_BAD_HEAD;
    }
    code = fcgi__parse_length(value, 3);
    reason.data = value + 3;
    reason.len = mark->value_len - 3;
    fcgi__trim(&reason);
    if (code < 100 || (reason.len > 0 && reason.data == value + 3)) {
        return FCGI_ERR_BAD_HEAD;
    }
    head->status = (int)code;
    head->reason = (size_t)(reason.data - head->text.data);
    head->reason_len = reason.len;
    return FCGI_OK;
}

/* Content-Length: the same again is fine, another is not. */
static int take_content_length(struct fcgi__head *head, const struct mark *mark)
{
    int64_t length =
        fcgi__parse_length(head->text.data + mark->value, mark->value_len);

    if (length < 0 ||
        (head->content_length >= 0 && head->content_length != length)) {
        return FCGI_ERR_BAD_HEAD;
    }
    head->content_length = length;
    return FCGI_OK;
}

static int take_field(struct fcgi__head *head,
                      const struct fcgi_allocator *allocator,
                      const struct fcgi_limits *limits, const struct mark *mark)
{
    const char *text = head->text.data;

    if (is_named(text, mark, "Status")) {
        return take_status(head, mark);
    }
    if (is_named(text, mark, "Content-Length") &&
        take_content_length(head, mark) != FCGI_OK) {
        return FCGI_ERR_BAD_HEAD;
    }
    if (is_named(text, mark, "Location")) {
        head->has_location = true;
    }
    if (is_named(text, mark, "Transfer-Encoding")) {
        head->has_transfer_encoding = true;
    }
    if (head->field_count >= (size_t)limits->field_count) {
        return FCGI_ERR_HEAD_TOO_LARGE;
    }
    head->field_count += 1;
    return fcgi__buffer_append(&head->marks, allocator, mark, sizeof(*mark));
}

static int take_line(struct fcgi__head *head,
                     const struct fcgi_allocator *allocator,
                     const struct fcgi_limits *limits, size_t len)
{
    const char *line = head->text.data + head->line;
    const char *colon = memchr(line, ':', len);
    struct fcgi_slice value;
    struct mark mark;

    if (colon == NULL) {
        return FCGI_ERR_BAD_HEAD;
    }
    mark.name = head->line;
    mark.name_len = (size_t)(colon - line);
    value.data = colon + 1;
    value.len = len - mark.name_len - 1;
    fcgi__trim(&value);
    mark.value = (size_t)(value.data - head->text.data);
    mark.value_len = value.len;
    if (!fcgi__is_token(line, mark.name_len) ||
        !fcgi__is_value(value.data, value.len)) {
        return FCGI_ERR_BAD_HEAD;
    }
    return take_field(head, allocator, limits, &mark);
}

/* The text is whole and stays where it is: end the strings, point to them. */
static int complete(struct fcgi__head *head,
                    const struct fcgi_allocator *allocator)
{
    const struct mark *marks = (const struct mark *)(void *)head->marks.data;
    struct fcgi_field *fields;
    char *text = head->text.data;
    int rc;

    if (head->has_transfer_encoding && head->content_length >= 0) {
        return FCGI_ERR_BAD_HEAD;
    }
    head->fields.len = 0;
    rc = fcgi__buffer_reserve(&head->fields, allocator,
                              head->field_count * sizeof(*fields));
    if (rc != FCGI_OK) {
        return rc;
    }
    fields = (struct fcgi_field *)(void *)head->fields.data;
    for (size_t i = 0; i < head->field_count; i++) {
        fields[i].name = text + marks[i].name;
        fields[i].name_len = marks[i].name_len;
        fields[i].value = text + marks[i].value;
        fields[i].value_len = marks[i].value_len;
        text[marks[i].name + marks[i].name_len] = '\0';
        text[marks[i].value + marks[i].value_len] = '\0';
    }
    if (head->status == 0) {
        head->status = head->has_location ? 302 : 200;
    } else {
        text[head->reason + head->reason_len] = '\0';
    }
    return FCGI_OK;
}

/* A line has come whole, its LF with it. */
static int end_line(struct fcgi__head *head,
                    const struct fcgi_allocator *allocator,
                    const struct fcgi_limits *limits)
{
    const char *line = head->text.data + head->line;
    size_t len = head->text.len - head->line - 1;
    int rc;

    if (len > 0 && line[len - 1] == '\r') {
        len -= 1;
    }
    if (len > (size_t)limits->line_len) {
        return FCGI_ERR_HEAD_TOO_LARGE;
    }
    if (len == 0) {
        return complete(head, allocator);
    }
    rc = take_line(head, allocator, limits, len);
    head->line = head->text.len;
    return rc == FCGI_OK ? FCGI_WAIT : rc;
}

/* Append up to and with the next LF; no more than the limit and one byte. */
static int take_text(struct fcgi__head *head,
                     const struct fcgi_allocator *allocator,
                     const struct fcgi_limits *limits, const char *data,
                     size_t len, size_t *taken)
{
    const char *end = memchr(data, '\n', len);
    size_t left = (size_t)limits->head_len - head->text.len;
    int rc;

    *taken = end == NULL ? len : (size_t)(end - data) + 1;
    if (*taken > left) {
        *taken = left;
        end = NULL;
    }
    rc = fcgi__buffer_append(&head->text, allocator, data, *taken);
    if (rc != FCGI_OK) {
        return rc;
    }
    if (end != NULL) {
        return end_line(head, allocator, limits);
    }
    /* A CR may stand where the line ends. */
    if (*taken < len ||
        head->text.len - head->line - 1 > (size_t)limits->line_len) {
        return FCGI_ERR_HEAD_TOO_LARGE;
    }
    return FCGI_WAIT;
}

int fcgi__head_feed(struct fcgi__head *head,
                    const struct fcgi_allocator *allocator,
                    const struct fcgi_limits *limits, const char *data,
                    size_t len, size_t *used)
{
    int rc = FCGI_WAIT;

    *used = 0;
    while (rc == FCGI_WAIT && *used < len) {
        size_t taken;
        rc = take_text(head, allocator, limits, data + *used, len - *used,
                       &taken);
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
