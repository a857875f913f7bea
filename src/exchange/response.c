/*
 * response - a response as the caller sees it. Its memory stays with it from
 * one request to the next, so that a warm one allocates nothing.
 */
#include <stdint.h>
#include <string.h>

#include "../base/allocator.h"
#include "../base/option.h"
#include "../http/field.h"
#include "response.h"

#define KIB INT64_C(1024)

/* A large body of known length gets all its memory at once, unless it is longer
 * than is believed before the bytes are there. */
#define LARGE_BODY_LEN (8 * KIB)
#define TRUSTED_BODY_LEN (16 * KIB * KIB)

/* What no limit is: the most that a size_t holds. */
#define UNLIMITED ((int64_t)(SIZE_MAX < INT64_MAX ? SIZE_MAX : INT64_MAX))

/* A line of the head has no limit but the head's. */
const struct fcgi_limits fcgi__standard_limits = {
    .line_len = UNLIMITED,
    .head_len = 64 * KIB,
    .field_count = 256,
    .body_len = 256 * KIB * KIB,
    .stderr_len = 64 * KIB,
};

static int64_t resolve_limit(bool *valid, int64_t own, int64_t standard)
{
    int64_t limit = fcgi__resolve_option(valid, own, standard, UNLIMITED);

    return limit < UNLIMITED ? limit : UNLIMITED;
}

int fcgi__limits_resolve(struct fcgi_limits *resolved,
                         const struct fcgi_limits *own,
                         const struct fcgi_limits *others)
{
    bool valid = true;

    if (others == NULL) {
        others = &fcgi__standard_limits;
    }
    resolved->line_len = resolve_limit(&valid, own->line_len, others->line_len);
    resolved->head_len = resolve_limit(&valid, own->head_len, others->head_len);
    resolved->field_count =
        resolve_limit(&valid, own->field_count, others->field_count);
    resolved->body_len = resolve_limit(&valid, own->body_len, others->body_len);
    resolved->stderr_len =
        resolve_limit(&valid, own->stderr_len, others->stderr_len);
    return valid ? FCGI_OK : FCGI_ERR_ARGUMENT;
}

static struct fcgi_response_store *
make_store(const struct fcgi_allocator *allocator)
{
    struct fcgi_response_store *store =
        fcgi__allocate(allocator, sizeof(*store));

    if (store != NULL) {
        store->allocator = *allocator;
    }
    return store;
}

void fcgi__response_clear(struct fcgi_response *response)
{
    static const struct fcgi_response empty = {
        .body = {"", 0},
        .stderr_data = {"", 0},
        .protocol_status = -1,
        .outcome = {.first_byte_us = -1},
    };
    struct fcgi_response_store *store = response->store;

    *response = empty;
    response->store = store;
}

int fcgi__response_begin(struct fcgi_response *response,
                         const struct fcgi_allocator *allocator,
                         const struct fcgi_limits *limits)
{
    struct fcgi_response_store *store = response->store;

    fcgi__response_clear(response);
    if (store == NULL) {
        store = make_store(allocator);
        if (store == NULL) {
            return FCGI_ERR_NO_MEMORY;
        }
        response->store = store;
    }
    if (limits != NULL) {
        store->limits = *limits;
    }
    store->body.len = 0;
    store->stderr_data.len = 0;
    fcgi__head_reset(&store->head);
    return FCGI_OK;
}

static void publish_head(struct fcgi_response *response)
{
    const struct fcgi__head *head = &response->store->head;

    response->status = head->status;
    response->reason = fcgi__head_reason(head);
    response->fields = (const struct fcgi_field *)(void *)head->fields.data;
    response->field_count = head->field_count;
}

static void publish(struct fcgi_slice *slice, const struct fcgi__buffer *buffer)
{
    if (buffer->len > 0) {
        slice->data = buffer->data;
        slice->len = buffer->len;
    }
}

void fcgi__response_expose_text(struct fcgi_response *response)
{
    publish(&response->body, &response->store->head.text);
}

int fcgi__response_head(struct fcgi_response *response, const char *data,
                        size_t len, size_t *used)
{
    struct fcgi_response_store *store = response->store;
    int rc = fcgi__head_feed(&store->head, &store->allocator, &store->limits,
                             data, len, used);

    if (rc == FCGI_OK) {
        publish_head(response);
    }
    return rc;
}

int64_t fcgi__response_content_length(const struct fcgi_response *response)
{
    return response->store->head.content_length;
}

size_t fcgi__response_body_left(const struct fcgi_response *response)
{
    const struct fcgi_response_store *store = response->store;

    return (size_t)store->limits.body_len - store->body.len;
}

/* How much memory to allocate for `wanted` more bytes of body: for a large one
 * of known length all that it will need, so that it never moves. */
static size_t memory_for(const struct fcgi_response_store *store, size_t wanted)
{
    int64_t length = store->head.content_length;
    size_t whole = 0;

    if (length >= LARGE_BODY_LEN && length <= TRUSTED_BODY_LEN &&
        length <= store->limits.body_len) {
        whole = (size_t)length + FCGI__BODY_BEHIND;
    }
    return whole > store->body.len + wanted ? whole - store->body.len : wanted;
}

int fcgi__response_grow_body(struct fcgi_response *response, size_t wanted)
{
    struct fcgi_response_store *store = response->store;
    int rc = fcgi__buffer_grow(&store->body, &store->allocator,
                               memory_for(store, wanted));

    publish(&response->body, &store->body);
    return rc;
}

/* Whether bytes were received in the memory behind the body. */
static bool is_behind(const struct fcgi__buffer *body, const char *data)
{
    uintptr_t end = (uintptr_t)body->data + body->len;

    return (uintptr_t)data - end < body->cap - body->len;
}

int fcgi__response_body(struct fcgi_response *response, const char *data,
                        size_t len)
{
    struct fcgi__buffer *body = &response->store->body;
    size_t left = fcgi__response_body_left(response);
    size_t kept = len < left ? len : left;

    if (!is_behind(body, data) && body->cap - body->len <= kept) {
        int rc = fcgi__response_grow_body(response, kept + 1); /* a NUL */
        if (rc != FCGI_OK) {
            return rc;
        }
    }
    if (data != body->data + body->len) {
        memmove(body->data + body->len, data, kept);
    }
    body->len += kept;
    publish(&response->body, body);
    return kept < len ? FCGI_ERR_BODY_TOO_LARGE : FCGI_OK;
}

void fcgi__response_terminate(struct fcgi_response *response)
{
    struct fcgi__buffer *body = &response->store->body;

    if (body->len > 0) {
        fcgi__buffer_cut(body, body->len);
    }
}

int fcgi__response_stderr(struct fcgi_response *response, const char *data,
                          size_t len)
{
    struct fcgi_response_store *store = response->store;
    size_t left = (size_t)store->limits.stderr_len - store->stderr_data.len;
    int rc;

    if (len > left) {
        response->stderr_cut = true;
        len = left;
    }
    rc = fcgi__buffer_append(&store->stderr_data, &store->allocator, data, len);
    publish(&response->stderr_data, &store->stderr_data);
    return rc;
}

const char *fcgi_response_field(const struct fcgi_response *response,
                                const char *name, size_t nth)
{
    size_t name_len;

    if (response == NULL || name == NULL) {
        return NULL;
    }
    name_len = strlen(name);
    for (size_t i = 0; i < response->field_count; i++) {
        const struct fcgi_field *field = &response->fields[i];
        if (!fcgi__same_name(field->name, field->name_len, name, name_len)) {
            continue;
        }
        if (nth == 0) {
            return field->value;
        }
        nth -= 1;
    }
    return NULL;
}

void fcgi_response_free(struct fcgi_response *response)
{
    struct fcgi_response_store *store;

    if (response == NULL) {
        return;
    }
    store = response->store;
    if (store != NULL) {
        struct fcgi_allocator allocator = store->allocator;
        fcgi__head_free(&store->head, &allocator);
        fcgi__buffer_free(&store->body, &allocator);
        fcgi__buffer_free(&store->stderr_data, &allocator);
        fcgi__release(&allocator, store);
    }
    memset(response, 0, sizeof(*response));
}
