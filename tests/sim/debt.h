/*
 * debt - how many closings a client owes to its calls that wait for their first
 * byte. Not all that happens in a client can be told exactly.
 */
#ifndef SIM_DEBT_H
#define SIM_DEBT_H

#include <stdbool.h>
#include <stddef.h>

/** All zero: nothing is owed. */
struct debt {
    size_t least, most;
    size_t late; /**< the calls that are or were owed one, and still wait, */
    size_t doubtful; /**< and those that may be or may have been */
};

/** One more is owed, or may be. */
void debt_grow(struct debt *debt, bool surely);

/** A connection that came back was closed. */
void debt_pay(struct debt *debt);

/** A call does not wait any more: when none does, nothing is owed. */
void debt_settle(struct debt *debt);

/** Nothing is known but the calls that wait. */
void debt_forget(struct debt *debt);

#endif
