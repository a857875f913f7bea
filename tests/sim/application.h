/*
 * application - the adversary: a FastCGI application that does all that one
 * may do, and much that it must not, in any order and at any time. It reads
 * each request as closely as it answers it carelessly.
 *
 * It is also what makes a world go on: everything that happens without the
 * client happens in one of its steps.
 */
#ifndef SIM_APPLICATION_H
#define SIM_APPLICATION_H

#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "sim_stream.h"

/** `closes`: each connection after an answer, whatever the client wants. */
void application_begin(bool closes);

/** When the next step is due; NEVER: not before the client does something. */
int64_t application_next(void);

/** Take one of the steps that are due. */
void application_step(void);

/** For a client that blocks: let the next step come, or that moment. */
void application_pass(int64_t until);

/** The sockets tell: connected; and that the client did something. */
void application_accept(struct stream *s);
void application_hears(struct stream *s);

/** The answer to a request on a stream; NULL: it has not read that request. */
const struct answer *application_answer(const struct stream *s,
                                        const struct entry *entry);

/** Up to which byte that stream is to be received for it; UINT64_MAX: it is not
 *  on its way yet. */
uint64_t application_answer_end(const struct stream *s,
                                const struct entry *entry);

/** Whether a stream holds a worker that another of its client waits for. */
bool application_is_waited_for(const struct stream *s);

/** How many requests came on a stream. */
unsigned application_requests(const struct stream *s);

#endif
