/*
 * body - the body of a request.
 */
#define _POSIX_C_SOURCE 200809L

#include "gateway_events_body.h"

#include <stdlib.h>
#include <string.h>

/* What is gathered grows by doubling from here. */
#define FIRST ((size_t)16 * 1024)

void body_begin(struct body *body, struct http *http, struct peer *peer,
                struct buffer *in, bool streams)
{
    size_t there = buffer_len(in);

    *body = (struct body){
        .http = http,
        .peer = peer,
        .in = in,
        .floor = in->start,
        .left = http->chunked ? 1 : http->content_length,
        .streams = http->chunked && streams,
        .expected = http->expects_continue && there == 0,
    };
    if (!http->chunked && body->left <= there) {
        body->data = in->data + in->start;
        body->len = (size_t)body->left;
        body->left = 0;
        in->start += body->len;
    }
}

void body_end(struct body *body)
{
    free(body->gathered);
    body->gathered = NULL;
}

/* Tell a client that has asked whether to go on (RFC 9110, section 10.1.1). */
static int invite(struct body *body)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct buffer nothing;
    size_t taken;
    int rc;

    if (!body->expected) {
        return FCGI_OK;
    }
    nothing.start = nothing.end = 0;
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
    rc = invite(body);
    return rc == FCGI_OK ? peer_receive(body->peer, buf, cap, got) : rc;
}

static int read_known(void *context, void *buf, size_t cap, size_t *got)
{
    struct body *body = context;
    int rc = FCGI_OK;

    *got = 0;
    if (body->left > 0) {
        rc = receive(body, buf, body->left < cap ? (size_t)body->left : cap,
                     got);
    }
    body->left -= *got;
    body->waits = rc == FCGI_WAIT;
    return rc;
}

/*
 * A chunked body.
 */

/* The next bytes of the body, decoded where they were received: at most
 * `max`. */
static int next_piece(struct body *body, size_t max, const char **piece,
                      size_t *len)
{
    struct buffer *in = body->in;
    size_t used;
    int rc = FCGI_OK;

    *len = 0;
    if (buffer_len(in) == 0) {
        in->start = in->end = body->floor;
        rc = invite(body);
        rc = rc == FCGI_OK ? buffer_fill(in, body->peer) : rc;
    }
    if (rc != FCGI_OK) {
        return rc;
    }
    *piece = in->data + in->start;
    rc = http_decode(body->http, in->data + in->start,
                     buffer_len(in) < max ? buffer_len(in) : max, &used, len);
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
        rc = next_piece(body, cap, &piece, got);
    }
    if (*got > 0) {
        memcpy(buf, piece, *got);
    }
    body->waits = rc == FCGI_WAIT;
    return rc;
}

static int append(struct body *body, const char *piece, size_t len)
{
    size_t cap = body->cap == 0 ? FIRST : body->cap;
    char *gathered;

    while (cap < body->len + len) {
        cap *= 2;
    }
    if (cap != body->cap) {
        gathered = realloc(body->gathered, cap);
        if (gathered == NULL) {
            return FCGI_ERR_NO_MEMORY;
        }
        body->gathered = gathered;
        body->cap = cap;
    }
    memcpy(body->gathered + body->len, piece, len);
    body->len += len;
    body->data = body->gathered;
    return FCGI_OK;
}

bool body_wants_gathering(const struct body *body)
{
    return body->http->chunked && !body->streams;
}

int body_gather(struct body *body, size_t limit)
{
    const char *piece;
    size_t len;
    int rc = FCGI_OK;

    while (rc == FCGI_OK && body->left > 0) {
        rc = next_piece(body, BUFFER_SIZE, &piece, &len);
        if (len > limit - body->len) {
            return FCGI_ERR_CONTENT_TOO_LONG;
        }
        if (rc == FCGI_OK) {
            rc = append(body, piece, len);
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
    return (struct fcgi_source){
        .read = body->streams ? read_chunked : read_known, .context = body};
}
