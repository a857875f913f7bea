/*
 * fuzz_answer - make an application's answer from a fuzz input: records of
 * every kind, mostly valid and in order, sometimes with other bytes between
 * them.
 */
#ifndef TESTS_FUZZ_ANSWER_H
#define TESTS_FUZZ_ANSWER_H

#include <fcgi_client/response.h>

#include "fuzz_input.h"
#include "wire.h"

/** Append the next piece of an answer to the request with that id. */
void fuzz_answer_next(struct fuzz_input *s, struct wire *answer, int id);

/** Append pieces until the input is used up, at most some 100 KB. */
void fuzz_answer_tell(struct fuzz_input *s, struct wire *answer, int id);

/** Limits: each either the default or small. */
struct fcgi_limits fuzz_answer_limits(struct fuzz_input *s);

#endif
