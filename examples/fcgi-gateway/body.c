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
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct buffer nothing = {0};
    size_t taken;
    int rc;

    if (!body->expected) {
        return FCGI_OK;
    }
    body->expected = false;
    rc = peer_send(body->peer, &nothing, text, sizeof(text) - 1, &taken);
    return rc == FCGI_WAIT ? FCGI_ERR_CLOSED : rc;
}

/*
 * A body whose length is known.
 */

static int receive(struct body *body, void *buf, size_t cap, size_t *got)
{
    int rc;

    *got = buffer_take(body->in, buf, cap);
    if (*got > 0) {
        return FCGI_OK;
    }
    rc = send_continue(body);
    peer_doubt(body->peer);
    return rc == FCGI_OK ? peer_receive(body->peer, buf, cap, got) : rc;
}

/* What was read, or that the client is waited for, is accounted for later. */
static int note_reading(struct body *body, int rc)
{
    body->waits = rc == FCGI_WAIT;
    peer_wake(body->peer);
    return rc;
}

static int read_known(void *context, void *buf, size_t cap, size_t *got)
{
    struct body *body = context;
    int rc = FCGI_OK;

    *got = 0;
    if (body->left > 0) {
        rc = receive(body, buf, minimum(body->left, cap), got);
    }
    body->left -= *got;
    return note_reading(body, rc);
}

/*
 * A chunked body.
 */

/* Receive some bytes, if the buffer holds none. */
static int fill(struct body *body)
{
    struct buffer *in = body->in;
    int rc;

    if (buffer_len(in) > 0) {
        return FCGI_OK;
    }
    in->start = in->end = body->floor;
    rc = send_continue(body);
    peer_doubt(body->peer);
    return rc == FCGI_OK ? peer_fill(body->peer, in) : rc;
}

/* Decode at most `max` bytes, where they were received. */
static int decode(struct body *body, size_t max, const char **piece,
                  size_t *len)
{
    struct buffer *in = body->in;
    size_t used;
    int rc;

    *piece = in->data + in->start;
    rc = http_decode(body->http, in->data + in->start,
                     minimum(max, buffer_len(in)), &used, len);
    in->start += used;
    body->left = rc == FCGI_OK ? 0 : 1;
    body->malformed = rc == FCGI_ERR_BAD_REQUEST;
    return rc == FCGI_WAIT ? FCGI_OK : rc;
}

static int read_chunked(void *context, void *buf, size_t cap, size_t *got)
{
    struct body *body = context;
    const char *piece = NULL;
    int rc = FCGI_OK;

    *got = 0;
    while (rc == FCGI_OK && *got == 0 && body->left > 0) {
        rc = fill(body);
        if (rc == FCGI_OK) {
            rc = decode(body, cap, &piece, got);
        }
    }
    if (*got > 0) {
        memcpy(buf, piece, *got);
    }
    return note_reading(body, rc);
}

/*
 * Gathering.
 */

/* The longest that the body can be. */
static size_t max_len(const struct body *body)
{
    return body->http->chunked ? body->limit
                               : (size_t)body->http->content_length;
}

/* A body that is as long as an earlier one needs no new memory. */
static void reuse_block(struct body *body)
{
    size_t len = body->http->chunked ? FIRST_CAP_CHUNKED : max_len(body);

    body->gathered = memory_reuse(body->memory, len, &body->cap);
    body->data = body->gathered;
}

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

/* Make room for `want` bytes, or for the longest body if that is less. */
static int reserve(struct body *body, size_t want)
{
    size_t max = max_len(body);
    size_t cap = body->http->chunked ? FIRST_CAP_CHUNKED : FIRST_CAP;

    want = minimum(want, max);
    if (body->cap == 0) {
        reuse_block(body);
    }
    if (want <= body->cap) {
        return FCGI_OK;
    }
    while (cap < want) {
        cap *= 2;
    }
    return grow(body, minimum(cap, max));
}

/* Receive the body into its room, and nothing of what follows it. */
static int gather_known(struct body *body)
{
    size_t got = 0;
    int rc = reserve(body, body->len + 1);

    if (rc == FCGI_OK) {
        rc = receive(body, body->data + body->len,
                     minimum(body->left, body->cap - body->len), &got);
    }
    body->len += got;
    body->left -= got;
    return rc;
}

static int gather_chunks(struct body *body)
{
    const char *piece = NULL;
    size_t len = 0;
    int rc = fill(body);

    if (rc == FCGI_OK) {
        rc = reserve(body, body->len + buffer_len(body->in));
    }
    if (rc == FCGI_OK) {
        rc = decode(body, SIZE_MAX, &piece, &len);
    }
    if (rc != FCGI_OK) {
        return rc;
    }
    if (len > body->limit - body->len) {
        return FCGI_ERR_CONTENT_TOO_LONG;
    }
    if (len > 0) {
        memcpy(body->data + body->len, piece, len);
    }
    body->len += len;
    return FCGI_OK;
}

int body_gather(struct body *body)
{
    int rc = FCGI_OK;

    while (rc == FCGI_OK && body->left > 0) {
        rc = body->http->chunked ? gather_chunks(body) : gather_known(body);
    }
    body->waits = rc == FCGI_WAIT;
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
    return (struct fcgi_source){
        .read = body->streams ? read_chunked : read_known, .context = body};
}
