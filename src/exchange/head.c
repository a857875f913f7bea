/*
 * head - the head of a CGI response (RFC 3875, section 6).
 *
 *     Status: 404 Not Found CRLF      a code and a reason; not a field
 *     Set-Cookie: a=1 LF              name, colon, value; LF alone will do
 *     Set-Cookie: b=2 CRLF            repeated: the order is kept
 *     CRLF                            the end
 *
 * Names are tokens, and values hold no control bytes (RFC 9110, section 5).
 * Anything else is refused, never passed on: if a line end could be smuggled
 * into a field, the caller's own response could be split by it.
 */
#include <string.h>

#include "../http/field.h"
#include "../http/scan.h"
#include "head.h"

/* Text is copied in pieces of this length, since the copy of what follows the
 * head is wasted. */
#define PIECE_LEN ((size_t)512)

static struct fcgi_field *fields_of(const struct fcgi__head *head)
{
    return (struct fcgi_field *)(void *)head->fields.data;
}

/* Take the white space off both ends of a value, which holds no control bytes
 * but tabs. */
static void trim_value(struct fcgi_slice *value)
{
    while (value->len > 0 && (uint8_t)*value->data <= ' ') {
        value->data += 1;
        value->len -= 1;
    }
    while (value->len > 0 && (uint8_t)value->data[value->len - 1] <= ' ') {
        value->len -= 1;
    }
}

static unsigned digit_of(char byte)
{
    return (unsigned char)byte - (unsigned)'0';
}

/* Three digits, 100 or more, and then no digit; 0: anything else. A byte
 * follows. */
static int parse_status(const char *digits)
{
    unsigned hundreds = digit_of(digits[0]);
    unsigned tens = digit_of(digits[1]);
    unsigned ones = digit_of(digits[2]);

    if (hundreds == 0 || hundreds > 9 || tens > 9 || ones > 9 ||
        digit_of(digits[3]) <= 9) {
        return 0;
    }
    return (int)(100 * hundreds + 10 * tens + ones);
}

/* Status: three digits, a space, and a reason (RFC 3875, 6.3.3). What follows
 * the digits in another way is not a reason: some programs write "404: Not
 * Found". */
static int take_status(struct fcgi__head *head, struct fcgi_slice value)
{
    struct fcgi_slice reason = {value.data + 3, value.len - 3};

    if (head->status != 0 || value.len < 3) {
        return FCGI_ERR_BAD_HEAD;
    }
    head->status = parse_status(value.data);
    if (head->status == 0) {
        return FCGI_ERR_BAD_HEAD;
    }
    if (!fcgi__is_space(*reason.data)) {
        reason.len = 0;
    }
    fcgi__trim(&reason);
    head->reason = (size_t)(reason.data - head->text.data);
    head->reason_len = reason.len;
    return FCGI_OK;
}

/* Content-Length may be repeated, but not with another value. */
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

static int add_field(struct fcgi__head *head,
                     const struct fcgi_allocator *allocator,
                     const struct fcgi_limits *limits, struct fcgi_slice name,
                     struct fcgi_slice value)
{
    struct fcgi_field *field;
    int rc;

    if (head->field_count >= (size_t)limits->field_count) {
        return FCGI_ERR_HEAD_TOO_LARGE;
    }
    rc = fcgi__buffer_reserve(&head->fields, allocator, sizeof(*field));
    if (rc != FCGI_OK) {
        return rc;
    }
    field = (struct fcgi_field *)(void *)(head->fields.data + head->fields.len);
    field->name = name.data;
    field->name_len = name.len;
    field->value = value.data;
    field->value_len = value.len;
    head->fields.len += sizeof(*field);
    head->field_count += 1;
    return FCGI_OK;
}

/* Whether a field with a name of that length has that name. Most other names
 * begin with another letter, and most equal ones are in the same case. */
static inline bool is_named(struct fcgi_slice name, const char *text,
                            size_t len)
{
    return (*name.data | 0x20) == (*text | 0x20) &&
           (memcmp(name.data, text, len) == 0 ||
            fcgi__same_name(name.data, len, text, len));
}

#define IS_NAMED(name, text) is_named(name, text, sizeof(text) - 1)

/* The fields that matter here are told apart by their length first. */
static int take_field(struct fcgi__head *head,
                      const struct fcgi_allocator *allocator,
                      const struct fcgi_limits *limits, struct fcgi_slice name,
                      struct fcgi_slice value)
{
    int rc = FCGI_OK;

    switch (name.len) {
    case sizeof("Status") - 1:
        if (IS_NAMED(name, "Status")) {
            return take_status(head, value);
        }
        break;
    case sizeof("Location") - 1:
        head->has_location |= IS_NAMED(name, "Location");
        break;
    case sizeof("Content-Length") - 1:
        if (IS_NAMED(name, "Content-Length")) {
            rc = take_content_length(head, value);
        }
        break;
    case sizeof("Transfer-Encoding") - 1:
        head->has_transfer_encoding |= IS_NAMED(name, "Transfer-Encoding");
        break;
    default:
        break;
    }
    return rc == FCGI_OK ? add_field(head, allocator, limits, name, value) : rc;
}

/* The head is whole: put a NUL behind every string in it. */
static int complete(struct fcgi__head *head)
{
    const struct fcgi_field *field = fields_of(head);
    size_t count = head->field_count;
    char *text = head->text.data;

    if (head->has_transfer_encoding && head->content_length >= 0) {
        return FCGI_ERR_BAD_HEAD;
    }
    for (; count > 0; count--, field++) {
        text[field->name - text + (ptrdiff_t)field->name_len] = '\0';
        text[field->value - text + (ptrdiff_t)field->value_len] = '\0';
    }
    if (head->status == 0) {
        head->status = head->has_location ? 302 : 200;
    } else {
        text[head->reason + head->reason_len] = '\0';
    }
    return FCGI_OK;
}

/* What follows the LF or CRLF that stands there; NULL: neither does. */
static const char *skip_line_end(const char *at)
{
    at += *at == '\r';
    return *at == '\n' ? at + 1 : NULL;
}

/* A line that is not a field: the blank one, which ends the head, or a
 * malformed one, or one that is not whole yet. */
static int take_other_line(struct fcgi__head *head,
                           const struct fcgi_limits *limits)
{
    const char *line = head->text.data + head->line;
    const char *next = skip_line_end(line);
    const char *end;

    if (next != NULL) {
        head->line += (size_t)(next - line);
        return complete(head);
    }
    end = memchr(line, '\n', head->text.len - head->line);
    if (end == NULL) {
        return FCGI_WAIT;
    }
    head->line += (size_t)(end - line) + 1;
    end -= end[-1] == '\r';
    return (size_t)(end - line) > (size_t)limits->line_len
               ? FCGI_ERR_HEAD_TOO_LARGE
               : FCGI_ERR_BAD_HEAD;
}

/* A line with a field. */
struct line {
    struct fcgi_slice name;
    struct fcgi_slice value;
    size_t len;       /* without LF or CRLF */
    const char *next; /* the line after it */
};

/* Whether a field stands there, and its line is whole. The search ends at the
 * NULs behind the text, which can be part of neither a name nor a value. */
static bool find_field(const char *at, struct line *line)
{
    const char *colon = fcgi__token_end(at);
    const char *end;

    if (*colon != ':' || colon == at) {
        return false;
    }
    end = fcgi__value_end(colon + 1);
    line->next = skip_line_end(end);
    if (line->next == NULL) {
        return false;
    }
    line->len = (size_t)(end - at);
    line->name.data = at;
    line->name.len = (size_t)(colon - at);
    line->value.data = colon + 1;
    line->value.len = (size_t)(end - line->value.data);
    trim_value(&line->value);
    return true;
}

/* Take all lines that are whole. FCGI_WAIT: the head goes on. */
static int take_lines(struct fcgi__head *head,
                      const struct fcgi_allocator *allocator,
                      const struct fcgi_limits *limits)
{
    const char *at = head->text.data + head->line;
    struct line line;
    int rc = FCGI_OK;

    while (rc == FCGI_OK && find_field(at, &line)) {
        at = line.next;
        rc = line.len > (size_t)limits->line_len
                 ? FCGI_ERR_HEAD_TOO_LARGE
                 : take_field(head, allocator, limits, line.name, line.value);
    }
    head->line = (size_t)(at - head->text.data);
    return rc == FCGI_OK ? take_other_line(head, limits) : rc;
}

/* Whether a line that is not whole yet is too long already. Its last byte may
 * be the CR of its end. */
static bool is_too_long(const struct fcgi__head *head,
                        const struct fcgi_limits *limits)
{
    size_t len = head->text.len - head->line;

    return len > 0 && len - 1 > (size_t)limits->line_len;
}

/* How much text to take at a time: of a line that is too long, no more than
 * shows that, so that the same text stays readable however it was received. */
static size_t piece_len(const struct fcgi__head *head,
                        const struct fcgi_limits *limits)
{
    size_t len = head->text.len - head->line;
    size_t most = (size_t)limits->line_len;

    return len + PIECE_LEN <= most ? PIECE_LEN : most + 2 - len;
}

/* Allocate memory for more text. It moves, and the fields follow it. */
static int grow_text(struct fcgi__head *head,
                     const struct fcgi_allocator *allocator, size_t extra)
{
    struct fcgi__buffer text = {0};
    struct fcgi_field *field = fields_of(head);
    int rc = fcgi__buffer_grow(&text, allocator, 2 * head->text.len + extra);

    if (rc != FCGI_OK) {
        return rc;
    }
    if (head->text.len > 0) {
        memcpy(text.data, head->text.data, head->text.len);
    }
    text.len = head->text.len;
    for (size_t i = 0; i < head->field_count; i++, field++) {
        field->name = text.data + (field->name - head->text.data);
        field->value = text.data + (field->value - head->text.data);
    }
    fcgi__buffer_free(&head->text, allocator);
    head->text = text;
    return FCGI_OK;
}

/* A block of NULs stays behind the text: every search ends there. */
static int add_text(struct fcgi__head *head,
                    const struct fcgi_allocator *allocator, const char *data,
                    size_t len)
{
    size_t extra = len + FCGI__BLOCK_LEN;

    if (extra > head->text.cap - head->text.len) {
        int rc = grow_text(head, allocator, extra);
        if (rc != FCGI_OK) {
            return rc;
        }
    }
    memcpy(head->text.data + head->text.len, data, len);
    head->text.len += len;
    memset(head->text.data + head->text.len, 0, FCGI__BLOCK_LEN);
    return FCGI_OK;
}

/* Take a piece of the text, but nothing after the line that ends the head or is
 * refused. A line that was not whole before is only looked at once it has a
 * LF. */
static int take_piece(struct fcgi__head *head,
                      const struct fcgi_allocator *allocator,
                      const struct fcgi_limits *limits, struct fcgi_slice data,
                      size_t *taken)
{
    size_t left = (size_t)limits->head_len - head->text.len;
    size_t len = piece_len(head, limits);
    bool is_begun = head->text.len > head->line;
    int rc;

    len = len < data.len ? len : data.len;
    len = len < left ? len : left;
    *taken = 0;
    rc = add_text(head, allocator, data.data, len);
    if (rc != FCGI_OK) {
        return rc;
    }
    *taken = len;
    rc = is_begun && memchr(data.data, '\n', len) == NULL
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
    head->fields.len = 0;
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
    fcgi__buffer_free(&head->fields, allocator);
}
