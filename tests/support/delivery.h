/*
 * delivery - give one answer to an exchange several times, each time in another
 * manner: by feed or read, in other pieces, to a sink or collected. The digests
 * of all runs must be the same.
 *
 *     struct delivery d;
 *     delivery_open(&d, &request, answer.len);
 *     delivery_begin(&d, (struct manner){talk_by_feed, false, 0});
 *     delivery_bring(&d, answer.data, answer.len);
 *     delivery_digest(&d, &digest);
 *     delivery_close(&d);
 *
 * Each piece ends at a page that cannot be read.
 */
#ifndef TESTS_DELIVERY_H
#define TESTS_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guard.h"
#include "recorder.h"
#include "talk.h"

struct manner {
    talk_bring *bring;
    bool sunk;    /* the body goes to a sink instead of being collected */
    size_t share; /* the most that the sink takes at a time, after taking
                     nothing at first; 0: it takes all */
};

struct delivery {
    struct talk t;
    struct recorder r;
    struct guard guard;
    struct fcgi_request request; /* a copy; delivery_begin() sets its sink */
    struct manner manner;
};

/** For answers of at most `most` bytes. All runs use the same exchange and
 *  response. */
void delivery_open(struct delivery *d, const struct fcgi_request *request,
                   size_t most);
void delivery_close(struct delivery *d);

/** Send the request again. */
void delivery_begin(struct delivery *d, struct manner manner);

/** Give the exchange a piece, and resume while the sink pauses. Bytes after the
 *  end of the answer are given too. Returns the status. */
int delivery_bring(struct delivery *d, const uint8_t *piece, size_t len);

/** Give it the whole answer in pieces whose lengths depend on the seed. */
int delivery_bring_cut(struct delivery *d, const struct wire *answer,
                       uint32_t seed);

/** Resume until nothing pauses. Returns the status. */
int delivery_resume(struct delivery *d);

/** Everything a caller can see of the answer so far. */
void delivery_digest(const struct delivery *d, struct wire *digest);

#endif
