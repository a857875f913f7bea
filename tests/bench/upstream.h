/*
 * upstream - a responder in a process of its own, and the ways to it: the
 * library's, and a bare socket for the limit.
 *
 * It runs on whichever processor this process is pinned to as it starts, and
 * ends with it.
 */
#ifndef BENCH_UPSTREAM_H
#define BENCH_UPSTREAM_H

#include <sys/socket.h>
#include <sys/types.h>

#include <fcgi_client.h>

#include "responder.h"

struct upstream {
    char address[128]; /* as the library wants it */
    struct sockaddr_storage name;
    socklen_t name_len;
    pid_t pid;
    size_t answer_len; /* bytes of an answer on the wire */
};

/* Start it, on AF_UNIX or AF_INET. */
void upstream_start(struct upstream *upstream, int family,
                    enum responder_kind kind, size_t body_len);

void upstream_stop(struct upstream *upstream);

/* A connected socket. */
int upstream_connect(const struct upstream *upstream);

/* A client that never uses a connection again if `max_idle` is -1. */
struct fcgi_client *upstream_client(const struct upstream *upstream,
                                    int max_idle);

#endif
