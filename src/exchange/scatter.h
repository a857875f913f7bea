/*
 * scatter - a receive into several places: the content of large records right
 * where the body is collected, and what stands between into the receive buffer.
 *
 *     wire    content | padding, header | content | padding, header | ...
 *     places  body    | buffer          | body    | buffer          | ...
 *
 * Each header to come is guessed to be the same as the last. If one is not, the
 * bytes after it are put in order again before they are read: a wrong guess
 * costs a copy.
 */
#ifndef FCGI__SCATTER_H
#define FCGI__SCATTER_H

#include "../codec/deframer.h"

/* How many records have a place: more than one receive takes from a socket. */
#define FCGI__SCATTER_RECORDS 4
#define FCGI__SCATTER_PLACES ((size_t)2 * FCGI__SCATTER_RECORDS)

/* How much padding and how many headers may be put between pieces of a body. */
#define FCGI__FRAMES_LEN                                                       \
    ((size_t)(FCGI__SCATTER_RECORDS - 1) * (255 + FCGI_RECORD_HEADER_LEN))

struct fcgi__scatter {
    struct fcgi_memory places[FCGI__SCATTER_PLACES]; /* body, buffer, ... */
    size_t count;
    size_t cap;               /* of all places; 0: there are none */
    struct fcgi_header guess; /* of every record after this one */
    size_t next;              /* the place to read next, */
    size_t left;              /* and how much was received from there on */
};

/* Set at most `max` places, at least 2, in `room`, for what follows the bytes
 * that the deframer has seen. Content goes to `body`, as far as its cap allows;
 * there must be memory for FCGI__FRAMES_LEN more behind it. All else goes to
 * `buffer`, which is larger than that; so does content, if the cap of `body` is
 * 0. Returns how many were set. */
int fcgi__scatter_offer(struct fcgi__scatter *scatter,
                        const struct fcgi__deframer *deframer,
                        struct fcgi_memory body, struct fcgi_memory buffer,
                        struct fcgi_memory *room, size_t max);

/* `n` bytes were received there. */
void fcgi__scatter_received(struct fcgi__scatter *scatter, size_t n);

/* The next of those bytes, once the deframer has seen those before them; false:
 * there are no more. */
bool fcgi__scatter_next(struct fcgi__scatter *scatter,
                        const struct fcgi__deframer *deframer,
                        struct fcgi_slice *data);

#endif
