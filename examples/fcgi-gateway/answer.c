/*
 * answer - one HTTP answer on its way to the client.
 *
 * Short pieces of body are copied into the buffer, next to each other; long
 * ones are sent from where the library has received them.
 */
#define _POSIX_C_SOURCE 200809L

#include "answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Room in front of the fields, for the status line and four more fields. */
#define FRONT_ROOM ((size_t)512)
#define REASON_MAX ((size_t)127)

/* Room behind the body, for the sizes of chunks. */
#define CHUNK_ROOM ((size_t)64)

/* Shorter pieces are copied: what the library receives at once is then sent at
 * once, even if it is split between two or three records. */
#define COPIED_MAX ((size_t)32 * 1024)

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

static bool is_named(const struct fcgi_field *field, const char *name)
{
    return strlen(name) == field->name_len &&
           strncasecmp(field->name, name, field->name_len) == 0;
}

static bool put_field(struct buffer *out, const struct fcgi_field *field)
{
    if (buffer_room(out) <
        field->name_len + field->value_len + 4 + CHUNK_ROOM) {
        return false;
    }
    buffer_append(out, field->name, field->name_len);
    buffer_append(out, ": ", 2);
    buffer_append(out, field->value, field->value_len);
    buffer_append(out, "\r\n", 2);
    return true;
}

static void begin_head(struct answer *answer, int status, const char *reason)
{
    struct fcgi_slice none = {NULL, 0};

    answer->state = ANSWER_HELD;
    answer->status = status;
    answer->has_body = !answer->to_head && fcgi_cgi_has_body(none, status);
    answer->reason = reason;
    answer->out->start = FRONT_ROOM;
    answer->out->end = FRONT_ROOM;
}

static void end_fields(struct answer *answer)
{
    buffer_append(answer->out, "\r\n", 2);
    answer->fields_end = answer->out->end;
}

static bool take_field(struct answer *answer,
                       const struct fcgi_response *response,
                       const struct fcgi_field *field)
{
    if (!fcgi_cgi_is_end_to_end(response, field)) {
        return true;
    }
    if (is_named(field, "Content-Length")) {
        /* The same length twice is sent once; an answer that cannot have a
         * length has none (RFC 9110, section 8.6). */
        if (answer->measured || answer->status == 204) {
            return true;
        }
        answer->measured = true;
    } else if (is_named(field, "Date")) {
        answer->dated = true;
    }
    return put_field(answer->out, field);
}

/* The answer must be a final one (RFC 9110, section 15.2). */
static int take_head(void *context, const struct fcgi_response *response)
{
    struct answer *answer = context;

    peer_wake(answer->peer);
    answer->refused = true;
    if (response->status < 200) {
        return -1;
    }
    begin_head(answer, response->status, response->reason);
    for (size_t i = 0; i < response->field_count; i++) {
        if (!take_field(answer, response, &response->fields[i])) {
            answer->state = ANSWER_NONE;
            return -1;
        }
    }
    end_fields(answer);
    answer->refused = false;
    return 0;
}

/* The first chunk is in the buffer already: insert its size. */
static void insert_chunk_size(struct answer *answer)
{
    struct buffer *out = answer->out;
    size_t len = out->end - answer->fields_end;
    char size[16];
    int digits;

    if (len == 0) {
        return;
    }
    digits = snprintf(size, sizeof(size), "%zx\r\n", len);
    memmove(out->data + answer->fields_end + digits,
            out->data + answer->fields_end, len);
    memcpy(out->data + answer->fields_end, size, (size_t)digits);
    out->end += (size_t)digits;
    answer->chunk_at = "\r\n";
}

/* Choose how to mark the end of the body: with a field, or by closing the
 * connection. */
static void choose_framing(struct answer *answer, bool ended, char *field,
                           size_t size)
{
    field[0] = '\0';
    if (answer->measured || !answer->has_body) {
        return;
    }
    if (ended) {
        (void)snprintf(field, size, "Content-Length: %zu\r\n",
                       answer->out->end - answer->fields_end);
    } else if (answer->to_1_0) {
        answer->keep = false;
    } else {
        (void)snprintf(field, size, "Transfer-Encoding: chunked\r\n");
        answer->chunked = true;
        insert_chunk_size(answer);
    }
}

static void prepend_text(struct buffer *out, const char *text)
{
    buffer_prepend(out, text, strlen(text));
}

static void prepend_status_line(struct answer *answer)
{
    const int status = answer->status;
    const char code[] = {(char)('0' + status / 100),
                         (char)('0' + status / 10 % 10),
                         (char)('0' + status % 10), ' ', '\0'};

    prepend_text(answer->out, "\r\n");
    buffer_prepend(answer->out, answer->reason,
                   strnlen(answer->reason, REASON_MAX));
    prepend_text(answer->out, code);
    prepend_text(answer->out, "HTTP/1.1 ");
}

/* Write what stands in front of the fields, last part first: it is known only
 * now. */
static void complete_head(struct answer *answer, bool ended)
{
    char framing[64];

    choose_framing(answer, ended, framing, sizeof(framing));
    if (!answer->keep) {
        prepend_text(answer->out, "Connection: close\r\n");
    } else if (answer->to_1_0) {
        prepend_text(answer->out, "Connection: keep-alive\r\n");
    }
    prepend_text(answer->out, framing);
    prepend_text(answer->out, answer->dated ? "" : answer->date);
    prepend_status_line(answer);
    answer->state = ANSWER_SENT;
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

/* Append the size of the next chunk. */
static void begin_chunk(struct answer *answer, size_t len)
{
    struct buffer *out = answer->out;

    out->end += (size_t)snprintf(out->data + out->end, buffer_room(out),
                                 "%s%zx\r\n", answer->chunk_at, len);
    answer->chunk_left = len;
    answer->chunk_at = "\r\n";
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
        begin_chunk(answer, len);
        answer->chunk_left = 0;
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
        (buffer_len(out) == 0 || out->start >= answer->fields_end)) {
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
    if (answer->chunked && answer->chunk_left == 0) {
        if (buffer_room(answer->out) < CHUNK_ROOM) {
            *len = 0;
            return transmit(answer, NULL, 0, len);
        }
        begin_chunk(answer, *len);
    }
    if (answer->chunked && *len > answer->chunk_left) {
        *len = answer->chunk_left;
    }
    rc = transmit(answer, data, *len, len);
    answer->chunk_left -= answer->chunked ? *len : 0;
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
        buffer_append(answer->out, answer->chunk_at, strlen(answer->chunk_at));
        buffer_append(answer->out, "0\r\n\r\n", 5);
    }
    return answer_flush(answer);
}

int answer_send_status(struct answer *answer, int status)
{
    const char *reason = fcgi_reason_phrase(status);
    struct fcgi_field type = {"Content-Type", "text/plain", 12, 10};
    char text[64];
    int len = snprintf(text, sizeof(text), "%s\n", reason);

    answer->measured = false;
    answer->dated = false;
    begin_head(answer, status, reason);
    (void)put_field(answer->out, &type);
    end_fields(answer);
    answer->body_len = answer->has_body ? (uint64_t)len : 0;
    buffer_append(answer->out, text, (size_t)answer->body_len);
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
