/*
 * wire - FastCGI conversations as bytes: see wire.h.
 */
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"

/* The reserved bytes: a peer may send anything in them. */
#define GARBAGE 0xa5

void wire_free(struct wire *w)
{
    free(w->data);
    memset(w, 0, sizeof(*w));
}

void wire_clear(struct wire *w)
{
    w->len = 0;
}

/* Make room for `len` more bytes; returns where they go. */
static uint8_t *extend(struct wire *w, size_t len)
{
    if (w->cap - w->len < len) {
        w->cap = (w->len + len) * 2;
        w->data = must_resize(w->data, w->cap);
    }
    w->len += len;
    return w->len == 0 ? NULL : w->data + w->len - len;
}

void wire_append(struct wire *w, const void *data, size_t len)
{
    if (len > 0) {
        memcpy(extend(w, len), data, len);
    }
}

void wire_text(struct wire *w, const char *text)
{
    wire_append(w, text, strlen(text));
}

static void put_u8(struct wire *w, size_t value)
{
    *extend(w, 1) = (uint8_t)(value & 0xff);
}

static void put_u16(struct wire *w, size_t value)
{
    put_u8(w, value >> 8);
    put_u8(w, value);
}

static void put_u32(struct wire *w, size_t value)
{
    put_u16(w, value >> 16);
    put_u16(w, value);
}

static void put_garbage(struct wire *w, size_t len)
{
    if (len > 0) {
        memset(extend(w, len), GARBAGE, len);
    }
}

void wire_record(struct wire *w, int type, int id, const void *content,
                 size_t len, size_t padding)
{
    if (len > 65535 || padding > 255) {
        fputs("tests: no such record\n", stderr);
        abort();
    }
    put_u8(w, 1);
    put_u8(w, (size_t)type);
    put_u16(w, (size_t)id);
    put_u16(w, len);
    put_u8(w, padding);
    put_garbage(w, 1);
    wire_append(w, content, len);
    put_garbage(w, padding);
}

void wire_padded(struct wire *w, int type, int id, const void *content,
                 size_t len)
{
    wire_record(w, type, id, content, len, (8 - len % 8) % 8);
}

void wire_stdout(struct wire *w, int id, const char *text)
{
    wire_padded(w, WIRE_STDOUT, id, text, strlen(text));
}

void wire_stderr(struct wire *w, int id, const char *text)
{
    wire_padded(w, WIRE_STDERR, id, text, strlen(text));
}

void wire_stream(struct wire *w, int type, int id, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len > 0) {
        size_t part = len > 65535 ? 65535 : len;
        wire_padded(w, type, id, at, part);
        at += part;
        len -= part;
    }
}

void wire_end(struct wire *w, int id, uint32_t app_status, int protocol_status)
{
    struct wire body = {0};
    put_u32(&body, app_status);
    put_u8(&body, (size_t)protocol_status);
    put_garbage(&body, 3);
    wire_record(w, WIRE_END, id, body.data, body.len, 0);
    wire_free(&body);
}

void wire_begin(struct wire *w, int id, int role, int flags)
{
    struct wire body = {0};
    put_u16(&body, (size_t)role);
    put_u8(&body, (size_t)flags);
    put_garbage(&body, 5);
    wire_record(w, WIRE_BEGIN, id, body.data, body.len, 0);
    wire_free(&body);
}

static void put_length(struct wire *w, size_t len)
{
    if (len < 128) {
        put_u8(w, len);
    } else {
        put_u32(w, len | 0x80000000u);
    }
}

void wire_pair(struct wire *w, const void *name, size_t name_len,
               const void *value, size_t value_len)
{
    put_length(w, name_len);
    put_length(w, value_len);
    wire_append(w, name, name_len);
    wire_append(w, value, value_len);
}

void wire_param(struct wire *w, const char *name, const char *value)
{
    wire_pair(w, name, strlen(name), value, strlen(value));
}

void wire_noise(struct wire *w, size_t len)
{
    uint32_t state = 1;
    if (len == 0) {
        return;
    }
    uint8_t *at = extend(w, len);
    for (size_t i = 0; i < len; i++) {
        state = state * 1664525u + 1013904223u;
        at[i] = (uint8_t)(state >> 24);
    }
}

static size_t get_u16(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

bool wire_next(const uint8_t *data, size_t len, size_t *at,
               struct wire_frame *frame)
{
    if (len - *at < 8) {
        return false;
    }
    const uint8_t *head = data + *at;
    frame->version = head[0];
    frame->type = head[1];
    frame->id = (int)get_u16(head + 2);
    frame->len = get_u16(head + 4);
    frame->padding_len = head[6];
    frame->reserved = head[7];
    frame->content = head + 8;
    if (len - *at - 8 < frame->len + frame->padding_len) {
        return false;
    }
    frame->padding = frame->content + frame->len;
    *at += 8 + frame->len + frame->padding_len;
    return true;
}

/* The length at `data[*at..len)`, in one byte or in four. */
static bool next_length(const uint8_t *data, size_t len, size_t *at,
                        size_t *value)
{
    if (*at < len && data[*at] < 128) {
        *value = data[*at];
        *at += 1;
        return true;
    }
    if (len - *at < 4) {
        return false;
    }
    *value = (get_u16(data + *at) & 0x7fff) << 16 | get_u16(data + *at + 2);
    *at += 4;
    return true;
}

bool wire_next_pair(const uint8_t *data, size_t len, size_t *at,
                    struct wire *name, struct wire *value)
{
    size_t here = *at;
    size_t name_len;
    size_t value_len;
    if (!next_length(data, len, &here, &name_len) ||
        !next_length(data, len, &here, &value_len)) {
        return false;
    }
    if (name_len > len - here || value_len > len - here - name_len) {
        return false;
    }
    wire_clear(name);
    wire_append(name, data + here, name_len);
    wire_clear(value);
    wire_append(value, data + here + name_len, value_len);
    *at = here + name_len + value_len;
    return true;
}

static void join(struct wire *stream, size_t *ends,
                 const struct wire_frame *frame)
{
    if (frame->len == 0) {
        *ends += 1;
    }
    wire_append(stream, frame->content, frame->len);
}

static void read_frame(struct wire_request *request,
                       const struct wire_frame *frame)
{
    request->records += 1;
    request->id = frame->id;
    switch (frame->type) {
    case WIRE_BEGIN:
        if (frame->len == 8) {
            request->role = (int)get_u16(frame->content);
            request->flags = frame->content[2];
        }
        break;
    case WIRE_ABORT:
        request->aborted = true;
        break;
    case WIRE_PARAMS:
        request->params_records += frame->len > 0;
        join(&request->params, &request->params_ends, frame);
        break;
    case WIRE_STDIN:
        join(&request->body, &request->body_ends, frame);
        break;
    case WIRE_DATA:
        join(&request->data, &request->data_ends, frame);
        break;
    default:
        break;
    }
}

size_t wire_request_read(struct wire_request *request, const uint8_t *data,
                         size_t len)
{
    size_t at = 0;
    struct wire_frame frame;
    while (wire_next(data, len, &at, &frame)) {
        read_frame(request, &frame);
    }
    return at;
}

void wire_request_free(struct wire_request *request)
{
    wire_free(&request->params);
    wire_free(&request->body);
    wire_free(&request->data);
    memset(request, 0, sizeof(*request));
}

char *wire_request_param(const struct wire_request *request, const char *name)
{
    struct wire key = {0};
    struct wire value = {0};
    char *found = NULL;
    size_t at = 0;
    while (found == NULL &&
           wire_next_pair(request->params.data, request->params.len, &at, &key,
                          &value)) {
        if (key.len == strlen(name) && memcmp(key.data, name, key.len) == 0) {
            wire_append(&value, "", 1);
            found = must_allocate(value.len);
            memcpy(found, value.data, value.len);
        }
    }
    wire_free(&key);
    wire_free(&value);
    return found;
}
