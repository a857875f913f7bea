/*
 * response_check - implements response_check.h.
 */
#include "response_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

static int64_t resolved(int64_t option, int64_t standard)
{
    if (option == -1) {
        return INT64_MAX;
    }
    return option == 0 ? standard : option;
}

struct fcgi_limits response_check_limits(const struct fcgi_limits *limits)
{
    const struct fcgi_limits numbers = {
        resolved(limits->line_len, INT64_MAX),
        resolved(limits->head_len, 64 * 1024),
        resolved(limits->field_count, 256),
        resolved(limits->body_len, (int64_t)256 * 1024 * 1024),
        resolved(limits->stderr_len, 64 * 1024)};
    return numbers;
}

int64_t response_content_length(const struct fcgi_response *response)
{
    const char *text = fcgi_response_field(response, "content-length", 0);
    return text == NULL ? -1 : strtoll(text, NULL, 10);
}

/* RFC 9110, section 5.6.2. */
static void check_name(const char *name, size_t len)
{
    assert_true(len > 0);
    assert_int_equal(strlen(name), len);
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool is_digit = c >= '0' && c <= '9';
        assert_true(is_letter || is_digit ||
                    strchr("!#$%&'*+-.^_`|~", c) != NULL);
    }
}

/* RFC 9110, section 5.5. */
static void check_value(const char *value, size_t len)
{
    assert_int_equal(strlen(value), len);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        assert_true(c == '\t' || (c >= ' ' && c != 0x7f));
    }
    if (len > 0) {
        assert_null(strchr(" \t", value[0]));
        assert_null(strchr(" \t", value[len - 1]));
    }
}

static void check_fields(const struct fcgi_response *response,
                         const struct fcgi_limits *limits)
{
    int64_t total = 0;
    assert_true((int64_t)response->field_count <= limits->field_count);
    for (size_t i = 0; i < response->field_count; i++) {
        const struct fcgi_field *field = &response->fields[i];
        check_name(field->name, field->name_len);
        check_value(field->value, field->value_len);
        int64_t line = (int64_t)(field->name_len + 1 + field->value_len);
        assert_true(line <= limits->line_len);
        total += line + 1;
    }
    assert_true(total <= limits->head_len);
}

static void check_head(const struct fcgi_response *response,
                       const struct fcgi_limits *limits)
{
    if (response->status == 0) {
        assert_int_equal(response->field_count, 0);
        return;
    }
    assert_in_range(response->status, 100, 999);
    assert_non_null(response->reason);
    check_value(response->reason, strlen(response->reason));
    check_fields(response, limits);
}

static bool has_no_body(const struct fcgi_response *response, bool to_head)
{
    return to_head || response->status == 204 || response->status == 304;
}

static void check_body(const struct fcgi_response *response, int status,
                       bool to_head, const struct fcgi_limits *limits)
{
    int64_t len = (int64_t)response->body.len;
    int64_t content_length = response_content_length(response);
    if (response->status == 0) {
        assert_true(len <= limits->head_len); /* what came instead of a head */
        return;
    }
    assert_true(len <= limits->body_len);
    if (has_no_body(response, to_head)) {
        assert_int_equal(len, 0);
        return;
    }
    if (content_length >= 0) {
        assert_true(len <= content_length);
        assert_true(status != FCGI_OK || len == content_length);
    }
}

void response_check(const struct fcgi_response *response, int status,
                    bool to_head, const struct fcgi_limits *limits,
                    bool collected)
{
    const struct fcgi_limits numbers = response_check_limits(limits);
    assert_non_null(response->body.data);
    assert_int_equal(response->body.data[response->body.len], '\0');
    assert_non_null(response->stderr_data.data);
    assert_int_equal(response->stderr_data.data[response->stderr_data.len],
                     '\0');
    assert_true((int64_t)response->stderr_data.len <= numbers.stderr_len);
    assert_true(!response->stderr_cut || status == FCGI_ERR_NO_MEMORY ||
                (int64_t)response->stderr_data.len == numbers.stderr_len);
    check_head(response, &numbers);
    if (collected) {
        check_body(response, status, to_head, &numbers);
    }
    if (status == FCGI_OK) {
        assert_int_equal(response->protocol_status, 0);
        assert_true(response->status != 0);
    }
}

void response_note(struct wire *digest, const char *name, const void *data,
                   size_t len)
{
    char label[64];
    int n = snprintf(label, sizeof(label), "\n%s %zu ", name, len);
    wire_append(digest, label, (size_t)n);
    wire_append(digest, data, len);
}

void response_note_number(struct wire *digest, const char *name,
                          long long number)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%lld", number);
    response_note(digest, name, text, (size_t)n);
}

void response_digest(struct wire *digest, const struct fcgi_response *response)
{
    response_note_number(digest, "status", response->status);
    response_note_number(digest, "app_status", response->app_status);
    response_note_number(digest, "protocol_status", response->protocol_status);
    response_note_number(digest, "stderr_cut", response->stderr_cut);
    response_note_number(digest, "fields", (long long)response->field_count);
    if (response->reason != NULL) {
        response_note(digest, "reason", response->reason,
                      strlen(response->reason));
    }
    for (size_t i = 0; i < response->field_count; i++) {
        const struct fcgi_field *field = &response->fields[i];
        response_note(digest, "name", field->name, field->name_len);
        response_note(digest, "value", field->value, field->value_len);
    }
    response_note(digest, "body", response->body.data, response->body.len + 1);
    response_note(digest, "stderr", response->stderr_data.data,
                  response->stderr_data.len + 1);
}
