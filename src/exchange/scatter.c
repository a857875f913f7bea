/*
 * scatter - a receive into several places, by turns in the body and in the
 * receive buffer.
 */
#include <string.h>

#include "scatter.h"

/* Take the next place off the front of some memory, and store it in `room`,
 * unless it is empty. Returns where to store the next. */
static struct fcgi_memory *add(struct fcgi__scatter *scatter,
                               struct fcgi_memory *from, size_t len,
                               struct fcgi_memory *room)
{
    struct fcgi_memory *place = &scatter->places[scatter->count];

    *place =
        (struct fcgi_memory){from->data, 0, len < from->cap ? len : from->cap};
    from->data += place->cap;
    from->cap -= place->cap;
    scatter->count += 1;
    scatter->cap += place->cap;
    if (place->cap > 0) {
        *room = *place;
        room += 1;
    }
    return room;
}

int fcgi__scatter_offer(struct fcgi__scatter *scatter,
                        const struct fcgi__deframer *deframer,
                        struct fcgi_memory body, struct fcgi_memory buffer,
                        struct fcgi_memory *room, size_t max)
{
    size_t most = max < FCGI__SCATTER_PLACES ? max : FCGI__SCATTER_PLACES;
    size_t frame =
        deframer->padding_left + FCGI_RECORD_HEADER_LEN - deframer->partial_len;
    size_t content = deframer->content_left;
    struct fcgi_memory *end = room;

    scatter->count = 0;
    scatter->cap = 0;
    scatter->guess = deframer->header;
    for (;;) {
        end = add(scatter, &body, content, end);
        if (body.cap == 0 || scatter->count + 3 > most) {
            break;
        }
        end = add(scatter, &buffer, frame, end);
        content = deframer->header.content_length;
        frame = deframer->header.padding_length + FCGI_RECORD_HEADER_LEN;
    }
    end = add(scatter, &buffer, buffer.cap, end);
    return (int)(end - room);
}

void fcgi__scatter_received(struct fcgi__scatter *scatter, size_t n)
{
    scatter->next = scatter->places[0].cap > 0 ? 0 : 1;
    scatter->left = n;
    scatter->cap = 0;
}

static bool is_body(size_t place)
{
    return place % 2 == 0;
}

/* Whether the record at hand is as long as was guessed: if so, what follows its
 * content was received where it should be. */
static bool is_as_guessed(const struct fcgi__scatter *scatter,
                          const struct fcgi__deframer *deframer)
{
    return deframer->header.content_length == scatter->guess.content_length &&
           deframer->header.padding_length == scatter->guess.padding_length;
}

/* Put the `n` bytes received in these places behind one another, into the
 * first. Bytes move towards the end, so the last go first. */
static void join_places(struct fcgi_memory *places, size_t count, size_t n)
{
    char *start = places[0].data;
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        at += places[i].cap;
    }
    n = n < at ? n : at;
    for (size_t i = count; i-- > 1;) {
        at -= places[i].cap;
        if (at < n) {
            memmove(start + at, places[i].data, places[i].cap);
        }
        places[i].cap = 0;
    }
    places[0].cap = n;
}

bool fcgi__scatter_next(struct fcgi__scatter *scatter,
                        const struct fcgi__deframer *deframer,
                        struct fcgi_slice *data)
{
    struct fcgi_memory *place = &scatter->places[scatter->next];
    size_t last = scatter->count - 1;

    if (scatter->left == 0) {
        return false;
    }
    if (is_body(scatter->next) && !is_as_guessed(scatter, deframer)) {
        join_places(place, last - scatter->next, scatter->left);
    }
    data->data = place->data;
    data->len = place->cap < scatter->left ? place->cap : scatter->left;
    scatter->left -= data->len;
    scatter->next += 1;
    return true;
}
