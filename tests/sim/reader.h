/*
 * reader - the application's ear: it reads requests off a connection, record by
 * record, and holds each to what FastCGI wants and to what was asked.
 */
#ifndef SIM_READER_H
#define SIM_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger.h"
#include "wire.h"

/** How far a request was read. */
enum phase { READY, IN_PARAMS, IN_BODY, IN_DATA, COMPLETE };

/** What a record brought. */
enum news { NO_RECORD, MORE, BEGUN, KNOWN, VALUES_ASKED, ABORTED };

/** All zero at first; its memory is used again. */
struct reader {
    struct wire bytes; /**< records not read yet */
    size_t at;
    enum phase phase;
    int id;
    bool keeps;          /**< the connection is to be kept */
    struct entry *entry; /**< the request's; NULL: not KNOWN yet */
    unsigned requests;   /**< how many were begun */
    struct wire params;
    struct entry *coming; /**< whose params they are */
    size_t pairs_at;      /**< of the params, pairs not read yet */
    size_t filled;        /**< of the entry's filling, what was read */
    bool has_length;      /**< they have a CONTENT_LENGTH */
    uint64_t body_got, data_got;
};

/** Forget all that was read. */
void reader_begin(struct reader *r);

/** Read the next record of `bytes`, if it is there whole. */
enum news reader_next(struct reader *r);

#endif
