/*
 * body - the body of a request.
 */
#define _POSIX_C_SOURCE 200809L

#include "body.h"

#include <stdlib.h>
#include <string.h>

/* What is gathered begins with this capacity and doubles: a client that sends
 * little, or nothing, costs little. */
#define FIRST_CAP_CHUNKED ((size_t)16 * 1024)
#define FIRST_CAP ((size_t)64 * 1024)

static size_t minimum(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

/* The body stays behind its head, where there is room for all of it. */
static void keep_in_place(struct body *body)
{
    struct buffer *in = body->in;

    body->data = in->data + in->start;
    body->cap = (size_t)body->left;
    body->len = minimum(body->left, buffer_len(in));
    body->left -= body->len;
    body->gathers = body->left > 0;
    in->start += body->cap;
    if (in->end < in->start) {
        in->end = in->start;
    }
}

void body_begin(struct body *body)
{
    const struct http *http = body->http;
    struct buffer *in = body->in;
    size_t there = buffer_len(in);

    body->floor = in->start;
    body->left = http->chunked ? 1 : http->content_length;
    body->streams = http->chunked && body->streams;
    body->gathers =
        http->chunked ? !body->streams : http->content_length <= body->limit;
    body->expected = http->expects_continue && there == 0;
    if (!http->chunked &&
        (body->left <= there ||
         (body->gathers && body->left <= in->size - in->start))) {
        keep_in_place(body);
    }
}

void body_end(struct body *body)
{
    if (body->gathered != NULL) {
        memory_keep(body->memory, body->gathered, body->cap);
        body->gathered = NULL;
    }
}

/* A client may wait for this before it sends the body (RFC 9110, section
 * 10.1.1). */
static int send_continue(struct body *body)
{
    if (!body->expected) {
        return FCGI_OK;
    }
    body->expected = false;
    return peer_send_text(body->peer, "HTTP/1.1 100 Continue\r\n\r\n");
}

/*
 * Reading.
 */

/* Bytes of a body whose length is known. */
static int receive(struct body *body, char *room, size_t cap, size_t *got)
{
    int rc = FCGI_OK;

    cap = minimum(body->left, cap);
    *got = buffer_take(body->in, room, cap);
    if (*got == 0) {
        rc = send_continue(body);
    }
    if (*got == 0 && rc == FCGI_OK) {
        rc = peer_receive(body->peer, room, cap, got);
    }
    body->left -= *got;
    return rc;
}

/* Receive some of a chunked body, if the buffer holds none. */
static int fill(struct body *body)
{
    struct buffer *in = body->in;
    int rc;

    if (buffer_len(in) > 0) {
        return FCGI_OK;
    }
    in->start = in->end = body->floor;
    rc = send_continue(body);
    return rc == FCGI_OK ? peer_fill(body->peer, in) : rc;
}

/* Chunks are decoded where they were received. */
static int decode(struct body *body, char *room, size_t cap, size_t *got)
{
    struct buffer *in = body->in;
    char *at = in->data + in->start;
    size_t used;
    int rc =
        http_decode(body->http, at, minimum(buffer_len(in), cap), &used, got);

    memcpy(room, at, *got);
    in->start += used;
    body->left = rc == FCGI_OK ? 0 : 1;
    body->malformed = rc == FCGI_ERR_BAD_REQUEST;
    return rc == FCGI_WAIT ? FCGI_OK : rc;
}

/* The source for the application: what was read, or that the client is waited
 * for, is accounted for later in this turn. */
static int read_body(void *context, void *room, size_t cap, size_t *got)
{
    struct body *body = context;
    int rc = FCGI_OK;

    *got = 0;
    while (rc == FCGI_OK && *got == 0 && body->left > 0) {
        if (!body->http->chunked) {
            rc = receive(body, room, cap, got);
        } else {
            rc = fill(body);
            rc = rc == FCGI_OK ? decode(body, room, cap, got) : rc;
        }
    }
    body->waits = rc == FCGI_WAIT;
    peer_wake(body->peer);
    return rc;
}

/*
 * Gathering.
 */

static int grow(struct body *body, size_t cap)
{
    char *gathered;

    if (!memory_take_for_body(body->memory, cap)) {
        return FCGI_ERR_NO_MEMORY;
    }
    gathered = realloc(body->gathered, cap);
    memory_give(body->memory, gathered == NULL ? cap : body->cap);
    if (gathered == NULL) {
        return FCGI_ERR_NO_MEMORY;
    }
    body->gathered = gathered;
    body->data = gathered;
    body->cap = cap;
    return FCGI_OK;
}

/* Make room for more. A body that is as long as an earlier one needs no new
 * memory. One that is chunked may have its end behind the last byte that it may
 * have, so that there must be room for one more. */
static int reserve(struct body *body)
{
    bool chunked = body->http->chunked;
    size_t first = chunked ? FIRST_CAP_CHUNKED : FIRST_CAP;
    size_t max = chunked ? body->limit + 1 : (size_t)body->http->content_length;

    if (body->cap == 0) {
        body->gathered =
            memory_reuse(body->memory, chunked ? first : max, &body->cap);
        body->data = body->gathered;
    }
    if (body->len < body->cap) {
        return FCGI_OK;
    }
    return grow(body, minimum(body->cap == 0 ? first : 2 * body->cap, max));
}

int body_gather(struct body *body)
{
    int rc = FCGI_OK;

    while (rc == FCGI_OK && body->left > 0) {
        size_t got = 0;

        rc = reserve(body);
        if (rc == FCGI_OK) {
            rc = read_body(body, body->data + body->len, body->cap - body->len,
                           &got);
        }
        body->len += got;
        if (body->len > body->limit && body->http->chunked) {
            return FCGI_ERR_CONTENT_TOO_LONG;
        }
    }
    return rc;
}

/*
 * For the application.
 */

int64_t body_length(const struct body *body)
{
    if (body->streams) {
        return -1;
    }
    return (int64_t)(body->left > 0 ? body->left : body->len);
}

struct fcgi_source body_source(struct body *body)
{
    if (body->left == 0) {
        return (struct fcgi_source){.data = body->data, .len = body->len};
    }
    return (struct fcgi_source){.read = read_body, .context = body};
}
