/*
 * connection - one slot of a pool, and the lists it stands in:
 *
 *     open      every connection of the pool
 *     idle      those kept for the next request, the newest first
 *     to_close  those unlinked from both, to be closed once no lock is held
 *
 * A connection is a slot: it counts as open from the moment it is checked out,
 * dialled or not, and keeps its place while a dead socket is replaced.
 */
#ifndef FCGI__CONNECTION_H
#define FCGI__CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client/pool.h>

enum fcgi__connection_use { FCGI__CHECKED_OUT, FCGI__IDLE };

struct fcgi_connection {
    int fd;        /* -1: not dialled yet, or closed by fork() */
    int *dialling; /* the socket that will become it; NULL: none */
    enum fcgi__connection_use use;
    int receive_timeout_ms; /* how long a receive may block; -1: without limit,
                               0: it may not */
    bool acknowledges;      /* what is received is acknowledged at once */
    bool connected_alone;   /* no other was open when it was connected */
    bool reused;            /* it was idle before, and may be stale */
    bool suspect;           /* another one kept at that time was stale */
    bool inherited;         /* by the child of a fork(): it is not counted */
    bool evicted; /* it is closed because it expired or is not to be kept */
    uint16_t last_id;
    int requests;
    int requests_before; /* its last checkout; INT_MAX: it was never idle */
    unsigned epoch;      /* the pool's when it was given back alive */
    int64_t dialled;
    int64_t idle_since;
    struct fcgi_connection *newer, *older;   /* among the idle */
    struct fcgi_connection *next, *previous; /* among the open */
};

struct fcgi__connections {
    struct fcgi_connection *open;
    size_t open_count;
    struct fcgi_connection *newest, *oldest; /* idle */
    size_t idle_count;
};

/* The id that fcgi_connection_next_id() will return. */
uint16_t fcgi__connection_peek_id(const struct fcgi_connection *connection);

/* Let a receive on its socket block for that many milliseconds (-1: without
 * limit). FCGI_OK, or FCGI_ERR_SYSTEM: it may not block. */
int fcgi__connection_set_blocking(struct fcgi_connection *connection,
                                  int timeout_ms);

/* Make it an undialled slot again. Returns the socket it had, which the caller
 * must close. */
int fcgi__connection_empty(struct fcgi_connection *connection);

void fcgi__connections_add(struct fcgi__connections *all,
                           struct fcgi_connection *connection);

void fcgi__connections_push_idle(struct fcgi__connections *all,
                                 struct fcgi_connection *connection);

void fcgi__connections_remove_idle(struct fcgi__connections *all,
                                   struct fcgi_connection *connection);

/* Move a checked-out connection from `all` to the list `to_close`. */
void fcgi__connections_unlink(struct fcgi__connections *all,
                              struct fcgi_connection *connection,
                              struct fcgi_connection **to_close);

/* In the child of a fork(): close all sockets, those that are being connected
 * too, without shutting them down, and count them no more. The memory stays
 * with its owners. */
void fcgi__connections_forget(struct fcgi__connections *all);

#endif
