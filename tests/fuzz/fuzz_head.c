/*
 * The head of a response, and the body behind it, against a reader of heads
 * that is written down here in another way: it has all of the text at once and
 * looks at one rule after another (RFC 3875, section 6; RFC 9110, section 5).
 *
 *     input: method  limits  manner  cuts  length of records  the text
 */
#include <string.h>
#include <strings.h>

#include "delivery.h"
#include "fuzz_answer.h"
#include "fuzz_input.h"
#include "response_check.h"
#include "test.h"

#define MOST_TEXT ((size_t)12000)
#define MOST_FIELDS (MOST_TEXT / 3)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the other reader -------------------------------------------------- */

struct text_field {
    struct fcgi_slice name;
    struct fcgi_slice value;
};

struct text_head {
    struct fcgi_limits limits;
    size_t count;
    int status;
    struct fcgi_slice reason;
    int64_t content_length;
    bool has_location;
    bool has_coding;
    size_t len; /* with the empty line */
    struct text_field fields[MOST_FIELDS];
};

static bool bears(const struct text_field *field, const char *name)
{
    return field->name.len == strlen(name) &&
           strncasecmp(field->name.data, name, field->name.len) == 0;
}

static struct fcgi_slice trimmed(struct fcgi_slice text)
{
    while (text.len > 0 && (*text.data == ' ' || *text.data == '\t')) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && (text.data[text.len - 1] == ' ' ||
                            text.data[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

static bool is_name(struct fcgi_slice text)
{
    static const char delimiters[] = "\"(),/:;<=>?@[\\]{}";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c <= ' ' || c >= 0x7f || strchr(delimiters, c) != NULL) {
            return false;
        }
    }
    return text.len > 0;
}

static bool is_value(struct fcgi_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == 0x7f || (c < ' ' && c != '\t')) {
            return false;
        }
    }
    return true;
}

/* -1: it is no number, or too large a one. */
static int64_t number(struct fcgi_slice text)
{
    int64_t sum = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = text.data[i] - '0';
        if (digit < 0 || digit > 9 || sum > (INT64_MAX - 9) / 10) {
            return -1;
        }
        sum = sum * 10 + digit;
    }
    return text.len == 0 ? -1 : sum;
}

static int read_status(struct text_head *head, struct fcgi_slice value)
{
    struct fcgi_slice code = {value.data, value.len < 3 ? value.len : 3};
    struct fcgi_slice rest = {value.data + code.len, value.len - code.len};
    bool is_apart = trimmed(rest).len < rest.len;
    if (head->status != 0 || code.len < 3 || number(code) < 100 ||
        (rest.len > 0 && rest.data[0] >= '0' && rest.data[0] <= '9')) {
        return FCGI_ERR_BAD_HEAD;
    }
    head->status = (int)number(code);
    head->reason = trimmed(rest);
    head->reason.len = is_apart ? head->reason.len : 0;
    return FCGI_OK;
}

static int read_field(struct text_head *head, const struct text_field *field)
{
    if (bears(field, "status")) {
        return read_status(head, field->value);
    }
    if (bears(field, "content-length")) {
        int64_t len = number(field->value);
        if (len < 0 ||
            (head->content_length >= 0 && head->content_length != len)) {
            return FCGI_ERR_BAD_HEAD;
        }
        head->content_length = len;
    }
    head->has_location |= bears(field, "location");
    head->has_coding |= bears(field, "transfer-encoding");
    if ((int64_t)head->count >= head->limits.field_count) {
        return FCGI_ERR_HEAD_TOO_LARGE;
    }
    assert_true(head->count < MOST_FIELDS);
    head->fields[head->count++] = *field;
    return FCGI_OK;
}

static int read_line(struct text_head *head, struct fcgi_slice line)
{
    const char *colon = memchr(line.data, ':', line.len);
    struct text_field field;
    if (colon == NULL) {
        return FCGI_ERR_BAD_HEAD;
    }
    field.name.data = line.data;
    field.name.len = (size_t)(colon - line.data);
    field.value.data = colon + 1;
    field.value.len = line.len - field.name.len - 1;
    field.value = trimmed(field.value);
    if (!is_name(field.name) || !is_value(field.value)) {
        return FCGI_ERR_BAD_HEAD;
    }
    return read_field(head, &field);
}

static int end_head(struct text_head *head, size_t len)
{
    head->len = len;
    if (head->has_coding && head->content_length >= 0) {
        return FCGI_ERR_BAD_HEAD;
    }
    if (head->status == 0) {
        head->status = head->has_location ? 302 : 200;
    }
    return FCGI_OK;
}

static void begin_head(struct text_head *head, const struct fcgi_limits *limits)
{
    memset(head, 0, offsetof(struct text_head, fields));
    head->limits = response_check_limits(limits);
    head->content_length = -1;
}

/* FCGI_WAIT: the text ends amid the head. */
static int read_head(struct text_head *head, struct fcgi_slice text)
{
    int rc = FCGI_OK;
    for (size_t at = 0; rc == FCGI_OK;) {
        struct fcgi_slice line = {text.data + at, text.len - at};
        const char *lf =
            line.len == 0 ? NULL : memchr(line.data, '\n', line.len);
        size_t len = lf == NULL ? line.len : (size_t)(lf - line.data) + 1;
        if ((int64_t)(at + len) > head->limits.head_len) {
            return FCGI_ERR_HEAD_TOO_LARGE;
        }
        if (lf == NULL) {
            return (int64_t)len - 1 > head->limits.line_len
                       ? FCGI_ERR_HEAD_TOO_LARGE
                       : FCGI_WAIT;
        }
        at += len;
        line.len = len - 1;
        if (line.len > 0 && line.data[line.len - 1] == '\r') {
            line.len--;
        }
        if ((int64_t)line.len > head->limits.line_len) {
            return FCGI_ERR_HEAD_TOO_LARGE;
        }
        if (line.len == 0) {
            return end_head(head, at);
        }
        rc = read_line(head, line);
    }
    return rc;
}

/* What the body behind the head makes of the response. */
static int judge_body(const struct text_head *head, int64_t len, bool to_head)
{
    int64_t allowed =
        head->content_length < 0 ? INT64_MAX : head->content_length;
    if (to_head || head->status == 204 || head->status == 304) {
        return FCGI_OK;
    }
    if ((len < allowed ? len : allowed) > head->limits.body_len) {
        return FCGI_ERR_BODY_TOO_LARGE;
    }
    if (len > allowed) {
        return FCGI_ERR_BODY_LONG;
    }
    return head->content_length > len ? FCGI_ERR_BODY_SHORT : FCGI_OK;
}

/* ---- both -------------------------------------------------------------- */

static void assert_text(const char *text, size_t len, struct fcgi_slice want)
{
    assert_int_equal(len, want.len);
    if (len > 0) {
        assert_memory_equal(text, want.data, len);
    }
    assert_int_equal(text[len], '\0');
}

static void assert_head(const struct fcgi_response *response,
                        const struct text_head *head)
{
    assert_int_equal(response->status, head->status);
    assert_int_equal(response->field_count, head->count);
    for (size_t i = 0; i < head->count; i++) {
        const struct fcgi_field *field = &response->fields[i];
        assert_text(field->name, field->name_len, head->fields[i].name);
        assert_text(field->value, field->value_len, head->fields[i].value);
    }
    if (head->reason.len > 0) {
        assert_text(response->reason, strlen(response->reason), head->reason);
    } else {
        assert_string_equal(response->reason, fcgi_reason_phrase(head->status));
    }
}

/* The beginning of the body is the beginning of what stood behind the head. */
static void assert_body(const struct fcgi_response *response,
                        struct fcgi_slice text, size_t head_len)
{
    assert_true(response->body.len <= text.len - head_len);
    if (response->body.len > 0) {
        assert_memory_equal(response->body.data, text.data + head_len,
                            response->body.len);
    }
}

static void compare(const struct delivery *h, struct fcgi_slice text,
                    bool to_head)
{
    static struct text_head head;
    const struct fcgi_response *response = &h->t.response;
    int status = fcgi_exchange_status(h->t.x);
    begin_head(&head, &h->request.limits);
    int rc = read_head(&head, text);
    if (rc == FCGI_OK) {
        int64_t len = (int64_t)(text.len - head.len);
        assert_int_equal(status, judge_body(&head, len, to_head));
        assert_head(response, &head);
        assert_body(response, text, head.len);
    } else {
        assert_int_equal(status, rc == FCGI_WAIT ? FCGI_ERR_NO_HEAD : rc);
        assert_int_equal(response->status, 0);
        assert_body(response, text, 0);
    }
    response_check(response, status, to_head, &h->request.limits, true);
}

/* The text in records of that many bytes; 0: as few as possible. */
static void write_records(struct wire *answer, struct fcgi_slice text,
                          size_t len)
{
    while (len > 0 && text.len > len) {
        wire_record(answer, WIRE_STDOUT, TALK_ID, text.data, len, len % 9);
        text.data += len;
        text.len -= len;
    }
    talk_write_answer(answer, text.data, text.len);
}

static void hear(struct delivery *h, struct manner manner, uint32_t cuts,
                 const struct wire *answer)
{
    delivery_begin(h, manner);
    if (cuts == 0) {
        (void)delivery_bring(h, answer->data, answer->len);
    } else {
        (void)delivery_bring_cut(h, answer, cuts);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input s =
        fuzz_input_of(data, size < MOST_TEXT ? size : MOST_TEXT);
    bool to_head = fuzz_input_below(&s, 4) == 1;
    const struct fcgi_param method =
        FCGI_PARAM("REQUEST_METHOD", to_head ? "HEAD" : "GET");
    struct fcgi_request request = {.params = &method, .param_count = 1};
    struct manner manner = {NULL, false, 0};
    struct wire answer = {0};
    struct delivery h;
    request.limits = fuzz_answer_limits(&s);
    manner.bring = fuzz_input_below(&s, 2) == 0 ? talk_by_feed : talk_by_input;
    uint32_t cuts = fuzz_input_byte(&s);
    size_t record_len = fuzz_input_byte(&s);
    struct fcgi_slice text = fuzz_input_rest(&s);
    write_records(&answer, text, record_len);
    delivery_open(&h, &request, answer.len);
    hear(&h, manner, cuts, &answer);
    compare(&h, text, to_head);
    delivery_close(&h);
    wire_free(&answer);
    return 0;
}
