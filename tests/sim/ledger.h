/*
 * ledger - what is known of each request, on which both sides write: what was
 * asked, and how often the application ran it.
 *
 * Every request has a token, and every byte of it and of its answers can be
 * computed from that: a byte that belongs to another one shows.
 */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENTRIES 64

struct entry {
    uint64_t token;
    int role;
    bool keeps;   /**< the connection is to be kept */
    bool to_head; /**< its answer has no body */
    size_t params_len;
    size_t body_len, data_len; /**< of its streams, if they are sent whole */
    bool tells_length;         /**< its CONTENT_LENGTH is added */

    unsigned runs;      /**< how often the application ran it */
    unsigned attempts;  /**< on how many streams it was sent */
    bool was_reused;    /**< the last of these was used before, */
    bool was_dead;      /**< and was given up when it had ended, */
    int64_t died_after; /**< that long after it took a byte of this */
    bool must_check;    /**< it cannot be sent again */
    bool wants_new;     /**< it goes over a connection of its own */
    bool runs_once;     /**< it must not run twice */
    unsigned dials;     /**< sockets made for it, */
    int64_t dialled;    /**< and when the last was */
    uint64_t got;       /**< bytes of answer received */
    bool may_have_run;  /**< what the client said of it in the end */
};

/** Forget all entries. */
void ledger_begin(void);

/** The next entry, with a token of its own. */
struct entry *ledger_open(void);

/** The entry with that token; NULL: none. */
struct entry *ledger_find(uint64_t token);

int ledger_count(void);
struct entry *ledger_at(int index);

/** What bytes belong to: these of one request differ from each other. */
enum purpose { FOR_PARAMS, FOR_BODY, FOR_DATA, FOR_ANSWER, FOR_ERRORS };

/** The key to the bytes of a purpose; `serial` tells answers apart. */
uint64_t ledger_key(uint64_t token, enum purpose purpose, uint64_t serial);

/** Store the `len` bytes of that key that stand at `offset`. */
void ledger_fill(void *out, uint64_t key, uint64_t offset, size_t len);
bool ledger_matches(const void *data, uint64_t key, uint64_t offset,
                    size_t len);

#endif
