/*
 * landing - where bytes are received: the content of large records right where
 * the body is collected, what stands between them aside.
 *
 *     wire    content | padding, header | content | padding, header | ...
 *     places  body    | aside           | body    | aside           | ...
 *
 * The headers to come are guessed to be as the last one. Behind one that is
 * not, bytes are put in the order in which they came before they are looked at:
 * a wrong guess costs a copy.
 */
#ifndef FCGI__SCATTER_H
#define FCGI__SCATTER_H

#include "../codec/deframer.h"

/* How many records have places: more than a socket gives at once. */
#define FCGI__SCATTER_RECORDS 4
#define FCGI__SCATTER_PLACES ((size_t)2 * FCGI__SCATTER_RECORDS)

/* What of the room aside may be put between the pieces of a body. */
#define FCGI__FRAMES_LEN                                                       \
    ((size_t)(FCGI__SCATTER_RECORDS - 1) * (255 + FCGI_RECORD_HEADER_LEN))

struct fcgi__scatter {
    struct fcgi_memory places[FCGI__SCATTER_PLACES]; /* body, aside, ... */
    size_t count;
    size_t cap;               /* of all places; 0: none were offered */
    struct fcgi_header guess; /* of each record but the first */
    size_t next;              /* the place to be looked at, */
    size_t left;              /* and what was received from there on */
};

/* Offer up to `max` places, at least 2, for what follows the bytes that the
 * deframer has seen. `body` is where content goes: its cap says how much may,
 * and behind that there is room for FCGI__FRAMES_LEN more; it is none where the
 * content of the record at hand goes elsewhere. All else goes into `aside`,
 * which is larger than FCGI__FRAMES_LEN. Returns how many are in `room`. */
int fcgi__scatter_offer(struct fcgi__scatter *scatter,
                        const struct fcgi__deframer *deframer,
                        struct fcgi_memory body, struct fcgi_memory aside,
                        struct fcgi_memory *room, size_t max);

/* `n` bytes were received, of no more than was offered. */
void fcgi__scatter_received(struct fcgi__scatter *scatter, size_t n);

/* The next of those bytes, what came before them having been looked at; false:
 * there are no more. */
bool fcgi__scatter_next(struct fcgi__scatter *scatter,
                        const struct fcgi__deframer *deframer,
                        struct fcgi_slice *data);

#endif
