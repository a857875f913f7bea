/*
 * answer - what fcgi-client does with an answer as it arrives: print it, and
 * search it for the text of --expect. Nothing is stored: an answer may have any
 * size.
 */
#ifndef EXAMPLES_FCGI_CLIENT_ANSWER_H
#define EXAMPLES_FCGI_CLIENT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client.h>

struct answer {
    bool print_head;
    bool print_body;
    int write_error;  /**< errno of what could not be printed, or 0 */
    bool stderr_open; /**< the application's stderr has not ended its line */
    const char *expected; /**< NULL: nothing */
    size_t *fallback;     /* of the search: see advance() */
    size_t matched;       /* how many bytes of `expected` were seen last */
    bool found;
};

/**
 * Search every answer from now on for a text.
 *
 * @param answer    zero-initialised
 * @param expected  borrowed; NULL: none
 * @return false if there was no memory for it
 */
bool answer_expect(struct answer *answer, const char *expected);

/** The sink for the next answer. */
struct fcgi_sink answer_sink(struct answer *answer);

/** End the line that the application's stderr has left open, before anything
 *  else is written to stderr, and at the end of the answer. */
void answer_end_line(struct answer *answer);

/** Whether the answer contained the text. */
bool answer_as_expected(const struct answer *answer);

void answer_free(struct answer *answer);

#endif
