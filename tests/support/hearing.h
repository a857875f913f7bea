/*
 * hearing - one answer heard over and over, each time in another manner: how
 * its bytes are brought, in which pieces, and what takes its body. All that
 * can be seen of it must be the same.
 *
 *     struct hearing h;
 *     hearing_open(&h, &request, answer.len);
 *     hearing_begin(&h, (struct manner){talk_by_feed, false, 0});
 *     hearing_bring(&h, answer.data, answer.len);
 *     hearing_digest(&h, &digest);
 *     hearing_close(&h);
 *
 * Each piece lies against a page that cannot be read.
 */
#ifndef TESTS_HEARING_H
#define TESTS_HEARING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guard.h"
#include "recorder.h"
#include "talk.h"

struct manner {
    talk_bring *bring;
    bool sunk;    /* by sinks, not collected */
    size_t share; /* the sink of the body takes no more at a time, and nothing
                     at first; 0: takes all */
};

struct hearing {
    struct talk t;
    struct recorder r;
    struct guard guard;
    struct fcgi_request request; /* borrowed; its sink is put in */
    struct manner manner;
};

/** For answers of at most `most` bytes. Exchange and response are the same
 *  ones all the time. */
void hearing_open(struct hearing *h, const struct fcgi_request *request,
                  size_t most);
void hearing_close(struct hearing *h);

/** Ask anew. */
void hearing_begin(struct hearing *h, struct manner manner);

/** Bring a piece, resuming for as long as the sink pauses, also what lies
 *  behind the end of the answer. Returns the status. */
int hearing_bring(struct hearing *h, const uint8_t *piece, size_t len);

/** Bring all of it in pieces of many lengths, which the seed decides. */
int hearing_bring_cut(struct hearing *h, const struct wire *answer,
                      uint32_t seed);

/** Resume until nothing pauses. Returns the status. */
int hearing_resume(struct hearing *h);

/** All that can be seen of it by now. */
void hearing_digest(const struct hearing *h, struct wire *digest);

#endif
