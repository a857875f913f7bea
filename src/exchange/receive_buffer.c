/*
 * receive_buffer - memory to receive in.
 */
#include "receive_buffer.h"
#include "response.h"

/* How large the buffer is: small, since many waiting calls may have one each,
 * until a receive has filled it. */
#define SMALL_LEN ((size_t)4 * 1024)
#define LARGE_LEN ((size_t)128 * 1024)

/* How long a record is whose body is received where it is collected. Shorter
 * ones come many at a time, and are copied. */
#define LARGE_RECORD_LEN ((size_t)16 * 1024)

/* How much of the buffer is offered beside that: enough for the end of a
 * response, but not for much of a next record, since that should be received in
 * place, too. */
#define BESIDE_LEN ((size_t)2 * 1024)

_Static_assert(FCGI__FRAMES_LEN < BESIDE_LEN &&
                   FCGI__FRAMES_LEN <= FCGI__BODY_BEHIND,
               "frames fit into the buffer, and behind the body");

void fcgi__receive_buffer_begin(struct fcgi__receive_buffer *buffer)
{
    buffer->scatter.cap = 0;
    buffer->unread.len = 0;
}

/* How much body to receive in place: the rest of this record, and as many more
 * records of its length as would make up the body so far. */
static size_t in_place_len(const struct fcgi__response_reader *reader)
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

/* Find a place for that behind the body. Memory is allocated only if there is
 * not enough for this record. */
static int reserve_in_place(const struct fcgi__response_reader *reader,
                            struct fcgi_memory *place)
{
    const struct fcgi__buffer *body = &reader->response->store->body;
    size_t wanted = in_place_len(reader);
    size_t left = reader->deframer.content_left;
    size_t needed = left < wanted ? left : wanted;

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
    size_t len = buffer->filled ? LARGE_LEN : SMALL_LEN;
    int rc = fcgi__buffer_reserve(&buffer->memory, allocator, len);
    struct fcgi_memory beside = {buffer->memory.data, 0, buffer->memory.cap};
    struct fcgi_memory body = {beside.data, 0, 0}; /* none */

    if (rc != FCGI_OK) {
        return rc;
    }
    if (fcgi__response_reader_collects_body(reader) &&
        reader->deframer.header.content_length >= LARGE_RECORD_LEN) {
        beside.cap = BESIDE_LEN;
        rc = reserve_in_place(reader, &body);
    }
    return rc == FCGI_OK
               ? fcgi__scatter_offer(&buffer->scatter, &reader->deframer, body,
                                     beside, room, max)
               : rc;
}

void fcgi__receive_buffer_received(struct fcgi__receive_buffer *buffer,
                                   size_t n)
{
    buffer->filled = n == buffer->scatter.cap;
    fcgi__scatter_received(&buffer->scatter, n);
}
