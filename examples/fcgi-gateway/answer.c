/*
 * answer - one HTTP answer on its way to the client.
 *
 * Short pieces of body are copied into the buffer, next to each other; long
 * ones are sent from where the library has received them.
 */
#define _POSIX_C_SOURCE 200809L

#include "answer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Shorter pieces are copied: what the library receives at once is then sent at
 * once, even if it is split between two or three records. */
#define COPIED_MAX ((size_t)32 * 1024)

/* Room for the size of a chunk, and for the end of the last. */
#define CHUNK_ROOM ((size_t)64)

/* The room for pieces of body, behind that for the head; and what is left of
 * that for what the gateway adds. */
#define BODY_ROOM (COPIED_MAX + CHUNK_ROOM)
#define ADDED_MAX ((size_t)512)
#define REASON_MAX ((size_t)127)

void answer_begin(struct answer *answer, struct peer *peer, struct buffer *out,
                  const struct http *http, const char *date, bool keep)
{
    *answer = (struct answer){
        .peer = peer,
        .out = out,
        .date = date,
        .to_1_0 = http->is_1_0,
        .to_head = http_is_head(http),
        .keep = keep,
        .chunk_at = "",
    };
}

/*
 * The head.
 */

static void put_text(struct buffer *head, const char *text)
{
    buffer_append(head, text, strlen(text));
}

static void put_status_line(struct buffer *head, const struct answer *answer)
{
    const int status = answer->status;
    const char *reason = answer->response == NULL ? fcgi_reason_phrase(status)
                                                  : answer->response->reason;
    char line[] = "HTTP/1.1 200 ";

    line[9] = (char)('0' + status / 100);
    line[10] = (char)('0' + status / 10 % 10);
    line[11] = (char)('0' + status % 10);
    put_text(head, line);
    buffer_append(head, reason, strnlen(reason, REASON_MAX));
    put_text(head, "\r\n");
}

static bool is_named(const struct fcgi_field *field, const char *name)
{
    return strlen(name) == field->name_len &&
           strncasecmp(field->name, name, field->name_len) == 0;
}

/* The same length twice is sent once; an answer that cannot have a length has
 * none (RFC 9110, section 8.6). */
static bool may_be_sent(const struct answer *answer,
                        const struct fcgi_field *field)
{
    return fcgi_cgi_is_end_to_end(answer->response, field) &&
           !(is_named(field, "Content-Length") &&
             (answer->measured || answer->status == 204));
}

/* The fields of the application. Returns whether they have a Date. */
static bool put_fields(struct buffer *head, struct answer *answer)
{
    const struct fcgi_response *response = answer->response;
    bool dated = false;

    for (size_t i = 0; i < response->field_count; i++) {
        const struct fcgi_field *field = &response->fields[i];

        if (may_be_sent(answer, field)) {
            buffer_append(head, field->name, field->name_len);
            buffer_append(head, ": ", 2);
            buffer_append(head, field->value, field->value_len);
            buffer_append(head, "\r\n", 2);
            dated = dated || is_named(field, "Date");
            answer->measured =
                answer->measured || is_named(field, "Content-Length");
        }
    }
    return dated;
}

/* Choose how to mark the end of the body: with a field, or by closing the
 * connection. `held` is what the buffer has of it. */
static void put_framing(struct buffer *head, struct answer *answer, size_t held,
                        bool ended)
{
    char field[64];

    if (answer->measured || !answer->has_body) {
        return;
    }
    if (ended) {
        (void)snprintf(field, sizeof(field), "Content-Length: %zu\r\n", held);
        put_text(head, field);
    } else if (answer->to_1_0) {
        answer->keep = false;
    } else {
        put_text(head, "Transfer-Encoding: chunked\r\n");
        answer->chunked = true;
    }
}

static void put_chunk_size(struct buffer *out, struct answer *answer,
                           size_t len)
{
    char line[32];

    (void)snprintf(line, sizeof(line), "%s%zx\r\n", answer->chunk_at, len);
    put_text(out, line);
    answer->chunk_at = "\r\n";
}

/* Write the head to the front of the buffer, and move it to where the body
 * begins. */
static void complete_head(struct answer *answer, bool ended)
{
    struct buffer *out = answer->out;
    struct buffer head = {.data = out->data, .size = out->start};
    size_t held = buffer_len(out);
    bool dated = false;

    put_status_line(&head, answer);
    if (answer->response != NULL) {
        dated = put_fields(&head, answer);
    } else {
        put_text(&head, "Content-Type: text/plain\r\n");
    }
    put_text(&head, dated ? "" : answer->date);
    put_framing(&head, answer, held, ended);
    if (!answer->keep) {
        put_text(&head, "Connection: close\r\n");
    } else if (answer->to_1_0) {
        put_text(&head, "Connection: keep-alive\r\n");
    }
    put_text(&head, "\r\n");
    if (answer->chunked && held > 0) {
        put_chunk_size(&head, answer, held);
    }
    out->start -= head.end;
    memmove(out->data + out->start, head.data, head.end);
    answer->state = ANSWER_SENT;
}

static void begin_head(struct answer *answer, int status,
                       const struct fcgi_response *response)
{
    struct fcgi_slice none = {NULL, 0};
    struct buffer *out = answer->out;

    answer->state = ANSWER_HELD;
    answer->status = status;
    answer->response = response;
    answer->has_body = !answer->to_head && fcgi_cgi_has_body(none, status);
    out->start = out->end = out->size - BODY_ROOM;
}

static bool fits(const struct answer *answer,
                 const struct fcgi_response *response)
{
    size_t len = ADDED_MAX;

    for (size_t i = 0; i < response->field_count; i++) {
        len += response->fields[i].name_len + response->fields[i].value_len + 4;
    }
    return len <= answer->out->size - BODY_ROOM;
}

/* The answer must be a final one (RFC 9110, section 15.2). */
static int take_head(void *context, const struct fcgi_response *response)
{
    struct answer *answer = context;

    peer_wake(answer->peer);
    answer->refused = response->status < 200 || !fits(answer, response);
    if (answer->refused) {
        return -1;
    }
    begin_head(answer, response->status, response);
    return 0;
}

/*
 * The body.
 */

static int note_failure(struct answer *answer, int rc)
{
    if (rc < 0) {
        answer->state = ANSWER_FAILED;
    }
    return rc;
}

/* Whether to copy a piece into the buffer, to be sent with others. */
static bool may_be_copied(const struct answer *answer, size_t len)
{
    return len < COPIED_MAX && answer->chunk_left == 0 &&
           buffer_room(answer->out) >= len + CHUNK_ROOM;
}

static void copy_piece(struct answer *answer, const char *data, size_t len)
{
    if (answer->chunked) {
        put_chunk_size(answer->out, answer, len);
    }
    buffer_append(answer->out, data, len);
}

/* Send what the buffer holds, and a piece after it. */
static int transmit(struct answer *answer, const char *data, size_t len,
                    size_t *taken)
{
    struct buffer *out = answer->out;
    int rc = peer_send(answer->peer, out, data, len, taken);

    if (answer->state == ANSWER_SENT &&
        (buffer_len(out) == 0 || out->start >= out->size - BODY_ROOM)) {
        answer->head_sent = true;
    }
    return rc;
}

/* Send what the buffer holds, and of a piece at most what is left of the chunk.
 * `*len` is set to how much of it was taken. */
static int send_piece(struct answer *answer, const char *data, size_t *len)
{
    int rc;

    if (answer->state == ANSWER_HELD) {
        complete_head(answer, false);
    }
    if (!answer->chunked) {
        return transmit(answer, data, *len, len);
    }
    if (answer->chunk_left == 0) {
        if (buffer_room(answer->out) < CHUNK_ROOM) {
            *len = 0;
            return transmit(answer, NULL, 0, len);
        }
        put_chunk_size(answer->out, answer, *len);
        answer->chunk_left = *len;
    }
    if (*len > answer->chunk_left) {
        *len = answer->chunk_left;
    }
    rc = transmit(answer, data, *len, len);
    answer->chunk_left -= *len;
    return rc;
}

static int take_body(void *context, const void *data, size_t *len)
{
    struct answer *answer = context;
    const char *at = data;
    size_t left = *len;
    int rc = FCGI_OK;

    peer_wake(answer->peer);
    while (left > 0 && rc == FCGI_OK) {
        size_t part = left;

        if (may_be_copied(answer, left)) {
            copy_piece(answer, at, left);
        } else {
            rc = send_piece(answer, at, &part);
        }
        at += part;
        left -= part;
    }
    *len -= left;
    answer->body_len += *len;
    answer->paused = left > 0;
    return note_failure(answer, rc) < 0 ? -1 : 0;
}

struct fcgi_sink answer_sink(struct answer *answer)
{
    return (struct fcgi_sink){
        .head = take_head, .body = take_body, .context = answer};
}

/*
 * Sending.
 */

int answer_flush(struct answer *answer)
{
    size_t none;

    if (answer->state == ANSWER_HELD) {
        complete_head(answer, false);
    }
    return note_failure(answer, transmit(answer, NULL, 0, &none));
}

int answer_end(struct answer *answer)
{
    if (answer->state == ANSWER_HELD) {
        complete_head(answer, true);
    }
    if (answer->chunked) {
        put_text(answer->out, answer->chunk_at);
        put_text(answer->out, "0\r\n\r\n");
    }
    return answer_flush(answer);
}

int answer_send_status(struct answer *answer, int status)
{
    begin_head(answer, status, NULL);
    if (answer->has_body) {
        put_text(answer->out, fcgi_reason_phrase(status));
        put_text(answer->out, "\n");
    }
    answer->body_len = buffer_len(answer->out);
    return answer_end(answer);
}

bool answer_tells_its_end(const struct answer *answer)
{
    return answer->state != ANSWER_SENT || answer->measured ||
           answer->chunked || !answer->has_body;
}

/* The sizes of chunks in the buffer are counted as body: they are small. */
uint64_t answer_body_sent(const struct answer *answer)
{
    size_t held = answer->head_sent ? buffer_len(answer->out) : 0;

    return answer->head_sent && answer->body_len > held
               ? answer->body_len - held
               : 0;
}
