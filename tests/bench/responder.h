/*
 * responder - the application that is asked: as lean as one can be that echoes
 * the id of the request in every record. What it answers was made beforehand.
 *
 * As FastCGI has it, the listening socket is descriptor 0.
 */
#ifndef BENCH_RESPONDER_H
#define BENCH_RESPONDER_H

#include <stddef.h>

/* What every answer begins with. */
#define RESPONDER_HEAD "Content-Type: text/html; charset=UTF-8\r\n\r\n"

/* How it serves: a blocking thread for each connection, or one thread that
 * waits for all of them, for very many. */
enum responder_kind { RESPONDER_THREADS, RESPONDER_EVENTS };

/* Make that descriptor a listening Unix socket of that name. */
void responder_listen(const char *path);

/* How long an answer with that much body is on the wire. */
size_t responder_answer_len(size_t body_len);

/* Serve until the listening socket fails, and return an exit status. */
int responder_run(enum responder_kind kind, size_t body_len);

#endif
