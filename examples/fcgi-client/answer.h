/*
 * answer - what fcgi-client does with an answer as it arrives: print it, and
 * look for the text of --expect. Nothing is kept, so that an answer may be of
 * any size.
 */
#ifndef EXAMPLES_FCGI_CLIENT_ANSWER_H
#define EXAMPLES_FCGI_CLIENT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client.h>

struct answer {
    bool print_head;
    bool print_body;
    int write_error;      /**< errno of what could not be printed, or 0 */
    bool stderr_open;     /**< the application's stderr ends amid a line */
    const char *expected; /**< NULL: nothing */
    size_t *fallback;     /**< of the search; see answer_expect() */
    size_t matched;       /**< bytes of `expected` that were last seen */
    bool found;
};

/**
 * Look for a text in every answer to come.
 *
 * @param answer    zero-initialised
 * @param expected  borrowed; NULL: none
 * @return whether there was memory for it
 */
bool answer_expect(struct answer *answer, const char *expected);

/** A sink for one answer more. */
struct fcgi_sink answer_sink(struct answer *answer);

/** End the line that the application's stderr may have left open: something
 *  else is to be said, or the answer has ended. */
void answer_end_line(struct answer *answer);

/** Whether the answer held what was expected. */
bool answer_as_expected(const struct answer *answer);

void answer_free(struct answer *answer);

#endif
