/*
 * caller - one call as a program makes it: the request it asks, with the
 * sources it reads from and the sink it fills.
 */
#ifndef SIM_CALLER_H
#define SIM_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client.h>

#include "answer.h"
#include "drain.h"
#include "feed.h"
#include "ledger.h"
#include "sim_client.h"
#include "sim_stream.h"
#include "wire.h"

/** The token, the method, and as many that fill. */
#define PARAMS 6

enum caller_state { VACANT, CALLING, ENDED };

/** Whether a call asks for idle connections to be closed while it waits for its
 *  first byte: it does if it dials, or is connected, beside other connections
 *  of its client. DOUBTFUL: it does, but how often it did cannot be told. */
enum rescue_state { NOT_PLANNED, PLANNED, DOUBTFUL };

struct rescue {
    enum rescue_state state;
    bool is_connected;
    bool is_late;        /**< a moment to ask has come */
    int64_t at, at_most; /**< the next one, as exactly as it is known, */
    int64_t wait;        /**< and how long after that the one behind it comes */
};

struct caller {
    int index; /**< that of its entry */
    enum caller_state state;
    struct sim_client *client;
    struct entry *entry;
    struct fcgi_call *call;
    struct fcgi_request request;
    struct fcgi_response response;
    struct fcgi_param params[PARAMS];
    char token[17];
    char *filling;
    struct wire encoded;
    struct feed body, data;
    struct drain drain;

    /* What its limits, and the client's, come to. */
    struct fcgi_timeouts limits;
    enum fcgi_retry retry;
    bool idempotent;
    bool can_replay;

    bool blocks;
    bool cancelled; /**< by whomever */
    bool is_stuck;  /**< it blocks, and its source or sink waits for nothing */
    int flaw;       /**< what a malformed request must end with; FCGI_OK */
    bool pool_was_full;
    bool was_short;  /**< of a descriptor */
    size_t failures; /**< of its client's memory, when it began */
    int64_t started;
    int64_t resume_at;  /**< NEVER: nothing has paused */
    int64_t resumed_at; /**< when something was resumed last, */
    int64_t drained_at; /**< and when the sink was */
    struct wake *wake;  /**< by which its host hears of its turn; NULL: the
                           client's own */
    bool is_told;       /**< that it has it */
    struct rescue rescue;
    int64_t stolen; /**< what the host had been late by when it started */
    int rc;

    /* What the host watches. */
    int fd;
    uint64_t identity;
    unsigned events;
    int64_t until;
    bool is_armed;                  /**< changes alone are told, */
    size_t read_edges, write_edges; /**< from here on */
    unsigned idle_turns;            /**< turns in a row that brought nothing */
};

/** Make up a request to that client. */
void caller_prepare(struct caller *c, struct sim_client *client, bool blocks);

/** It has begun: what its params were is of no matter any more. */
void caller_forget_params(struct caller *c);

/** Whether there was no memory for it. */
bool caller_was_starved(const struct caller *c);

/* What its source and its sink do to it: they take their time, look whether it
 * can be called from within, and have it wait, or wait for nothing. */
void caller_take_time(const struct caller *c, bool is_slow);
void caller_try_reentry(struct caller *c);
void caller_pause(struct caller *c);
void caller_get_stuck(struct caller *c);

/** A moment that is not far away, mostly. */
int64_t caller_some_time_later(void);

/** Give back what it holds. */
void caller_clear(struct caller *c);

/** The stream it uses now; NULL: none. */
struct stream *caller_stream(const struct caller *c);

/** The answer it is getting; NULL: none yet. */
const struct answer *caller_answer(const struct caller *c);

#endif
