/*
 * session - one connection as the application serves it: it reads requests, as
 * slowly as it likes, and answers each, in part or whole, early or never; and
 * between two of them it may do what it should not.
 */
#ifndef SIM_SESSION_H
#define SIM_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "reader.h"
#include "sim_stream.h"
#include "wire.h"

/** How often things happen, in percent. */
struct habits {
    struct answer_habits answers;
    unsigned slow, early, cut, late, stale, closes, dies;
};

/** What is done instead of the rest of an answer. */
enum cut { NO_CUT, CUT_CLOSE, CUT_RESET, CUT_HALF, CUT_SILENT };

/** All zero at first; its memory is used again. */
struct session {
    uint64_t serial; /**< of its stream */
    const struct habits *habits;
    int64_t turn_at; /**< NEVER: nothing to do */
    int64_t whim_at;
    int64_t dies_at;  /**< at its work, instead of an answer; NEVER */
    uint64_t arrived; /**< in which order it was accepted */
    bool has_worker;  /**< else it waits for one */

    struct reader reader;
    struct answer answer;
    bool is_early; /**< the answer does not wait for the body, */
    bool is_deaf;  /**< which is not read any more then */
    bool answered; /**< it is on its way */
    struct wire out;
    size_t out_at;
    uint64_t composed; /**< bytes in all, */
    uint64_t given;
    uint64_t answer_end;
    enum cut cut;
    uint64_t cut_at;
    bool closes;     /**< after this request */
    int answered_id; /**< the last that was answered whole */
};

/** On a stream with that number. */
void session_begin(struct session *n, uint64_t serial,
                   const struct habits *habits);

/** A worker is there to serve it. */
void session_serve(struct session *n);

/** There is something for it to do. */
void session_wake(struct session *n);

/** There is not, ever. */
void session_leave(struct session *n);

/** When its next step is due; and that step. */
int64_t session_next(const struct session *n);
void session_step(struct session *n, struct stream *s);

#endif
