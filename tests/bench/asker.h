/*
 * asker - one request, asked by the library and, for the limit, by a loop that
 * sends the same bytes and reads the answer.
 */
#ifndef BENCH_ASKER_H
#define BENCH_ASKER_H

#include <stddef.h>

#include <fcgi_client.h>

#include "upstream.h"

struct asker {
    struct upstream upstream;
    struct fcgi_client *client;
    struct fcgi_request request;
    struct fcgi_response response;
    int fd; /* a bare connection; -1: one is made for each request */
    struct fcgi_slice wire;
    char *room; /* the limit's loop receives into this, */
    size_t room_len;
    bool in_pieces; /* again and again, or behind one another */
};

/* Start a responder that answers with `body_len` bytes of body, and ask it
 * once in both ways. `request` is copied, what it points to is not. */
struct asker *asker_open(int family, size_t body_len,
                         const struct fcgi_request *request);

/* Ask `n` times; each is an operation of a row. */
void asker_ours(void *asker, size_t n);
void asker_limit(void *asker, size_t n);

void asker_close(void *asker);

/* Send a request's bytes on a socket, and read its answer. */
void asker_send_and_read(const struct asker *asker, int fd);

#endif
