/*
 * landing - places for bytes to be received in, by turns in the body and aside.
 */
#include <string.h>

#include "scatter.h"

/* Take the next place off the front of some memory, and tell of it, unless it
 * is empty. Returns where to tell of the next. */
static struct fcgi_memory *add(struct fcgi__scatter *landing,
                               struct fcgi_memory *from, size_t len,
                               struct fcgi_memory *room)
{
    struct fcgi_memory *place = &landing->places[landing->count];

    *place =
        (struct fcgi_memory){from->data, 0, len < from->cap ? len : from->cap};
    from->data += place->cap;
    from->cap -= place->cap;
    landing->count += 1;
    landing->cap += place->cap;
    if (place->cap > 0) {
        *room = *place;
        room += 1;
    }
    return room;
}

int fcgi__scatter_offer(struct fcgi__scatter *landing,
                        const struct fcgi__deframer *in,
                        struct fcgi_memory body, struct fcgi_memory aside,
                        struct fcgi_memory *room, size_t max)
{
    size_t most = max < FCGI__SCATTER_PLACES ? max : FCGI__SCATTER_PLACES;
    size_t frame = in->padding_left + FCGI_RECORD_HEADER_LEN - in->partial_len;
    struct fcgi_memory *end;

    landing->count = 0;
    landing->cap = 0;
    landing->guess = in->header;
    end = add(landing, &body, in->content_left, room);
    while (body.cap > 0 && landing->count + 3 <= most) {
        end = add(landing, &aside, frame, end);
        end = add(landing, &body, in->header.content_length, end);
        frame = in->header.padding_length + FCGI_RECORD_HEADER_LEN;
    }
    end = add(landing, &aside, aside.cap, end);
    return (int)(end - room);
}

void fcgi__scatter_received(struct fcgi__scatter *landing, size_t n)
{
    landing->next = landing->places[0].cap > 0 ? 0 : 1;
    landing->left = n;
    landing->cap = 0;
}

static bool is_body(size_t place)
{
    return place % 2 == 0;
}

/* Whether the record whose header was seen last is as long as was guessed:
 * then what comes behind it is where it was guessed to be. */
static bool is_as_guessed(const struct fcgi__scatter *landing,
                          const struct fcgi__deframer *in)
{
    return in->header.content_length == landing->guess.content_length &&
           in->header.padding_length == landing->guess.padding_length;
}

/* Put what was received in these places in order behind one another, where the
 * first is: it takes all of it. Bytes move towards the end, so the last go
 * first. */
static void straighten(struct fcgi_memory *places, size_t count, size_t n)
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

bool fcgi__scatter_next(struct fcgi__scatter *landing,
                        const struct fcgi__deframer *in,
                        struct fcgi_slice *data)
{
    struct fcgi_memory *place = &landing->places[landing->next];
    size_t last = landing->count - 1;

    if (landing->left == 0) {
        return false;
    }
    if (is_body(landing->next) && !is_as_guessed(landing, in)) {
        straighten(place, last - landing->next, landing->left);
    }
    data->data = place->data;
    data->len = place->cap < landing->left ? place->cap : landing->left;
    landing->left -= data->len;
    landing->next += 1;
    return true;
}
