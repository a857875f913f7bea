/*
 * intake - memory to receive in, and what was received on its way.
 */
#include "receive_buffer.h"
#include "response.h"

/* Room to receive in: little, of which many calls that wait may have one each,
 * until it was filled. */
#define ROOM_LEN ((size_t)128 * 1024)
#define SMALL_ROOM_LEN ((size_t)4 * 1024)

/* Records with so much body are received where that is collected. Shorter ones
 * come many at a time, and are copied. */
#define LARGE_RECORD_LEN ((size_t)16 * 1024)

/* What is received between and behind large ones: enough for the end of a
 * response, and not much of the next record, which is to have a place too. */
#define ASIDE_LEN ((size_t)2 * 1024)

_Static_assert(FCGI__FRAMES_LEN < ASIDE_LEN &&
                   FCGI__FRAMES_LEN <= FCGI__BODY_BEHIND,
               "frames have their place aside, and in the body if need be");

void fcgi__receive_buffer_begin(struct fcgi__receive_buffer *buffer)
{
    buffer->scatter.cap = 0;
    buffer->unread.len = 0;
}

/* How much body may come in what is left of the record at hand and in records
 * that are guessed to follow it: no more than have come. */
static size_t landing_len(const struct fcgi__response_reader *reader)
{
    uint64_t record = reader->deframer.header.content_length;
    uint64_t records = (reader->body_len + record - 1) / record;
    uint64_t allowed = fcgi__response_reader_body_allowed(reader);
    size_t left = fcgi__response_body_left(reader->response);
    uint64_t len;

    records = records < FCGI__SCATTER_RECORDS ? records : FCGI__SCATTER_RECORDS;
    len = reader->deframer.content_left + records * record;
    len = len < allowed ? len : allowed;
    return len < left ? (size_t)len : left;
}

/* See to memory for that. */
static int find_landing(const struct fcgi__response_reader *reader,
                        struct fcgi_memory *place)
{
    const struct fcgi__buffer *body = &reader->response->store->body;
    size_t wanted = landing_len(reader);
    size_t of_record = reader->deframer.content_left;
    size_t needed = of_record < wanted ? of_record : wanted;

    if (body->cap - body->len < needed + FCGI__FRAMES_LEN) {
        int rc = fcgi__response_grow_body(reader->response,
                                          wanted + FCGI__FRAMES_LEN);
        if (rc != FCGI_OK) {
            return rc;
        }
    }
    place->data = body->data + body->len;
    place->cap = body->cap - body->len - FCGI__FRAMES_LEN;
    place->cap = wanted < place->cap ? wanted : place->cap;
    return FCGI_OK;
}

int fcgi__receive_buffer_offer(struct fcgi__receive_buffer *buffer,
                               const struct fcgi__response_reader *reader,
                               const struct fcgi_allocator *allocator,
                               struct fcgi_memory *room, size_t max)
{
    size_t len = buffer->filled ? ROOM_LEN : SMALL_ROOM_LEN;
    int rc = fcgi__buffer_reserve(&buffer->room, allocator, len);
    struct fcgi_memory aside = {buffer->room.data, 0, buffer->room.cap};
    struct fcgi_memory body = {aside.data, 0, 0}; /* nowhere */

    if (rc != FCGI_OK) {
        return rc;
    }
    if (fcgi__response_reader_collects_body(reader) &&
        reader->deframer.header.content_length >= LARGE_RECORD_LEN) {
        aside.cap = ASIDE_LEN;
        rc = find_landing(reader, &body);
    }
    return rc == FCGI_OK
               ? fcgi__scatter_offer(&buffer->scatter, &reader->deframer, body,
                                     aside, room, max)
               : rc;
}

void fcgi__receive_buffer_received(struct fcgi__receive_buffer *buffer,
                                   size_t n)
{
    buffer->filled = n == buffer->scatter.cap;
    fcgi__scatter_received(&buffer->scatter, n);
}
