/*
 * connection - one slot of a pool, and the lists it stands in:
 *
 *     open   every connection of the pool
 *     idle   those kept for the next request, the newest first
 *     chain  those taken out of both, to be closed once no lock is held
 *
 * A connection is a slot: it counts as open from the moment it is leased,
 * dialled or not, and keeps its place while a dead socket is replaced.
 */
#ifndef FCGI__CONNECTION_H
#define FCGI__CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client/pool.h>

enum fcgi__lending { FCGI__CHECKED_OUT, FCGI__IDLE };

struct fcgi_connection {
    int fd;        /* -1: not dialled yet, or closed by fork() */
    int *dialling; /* the socket that is to become it; NULL: none */
    enum fcgi__lending lending;
    int receive_timeout_ms; /* how long a receive on it may wait by itself; -1:
                               for ever, 0: not at all */
    bool hurries;           /* what is received is acknowledged at once */
    bool alone;             /* no other was open once it was connected */
    bool reused;            /* it was idle, and so may be stale; */
    bool suspect;           /* another one of its time was stale */
    bool orphaned;          /* the process forked: it counts no more */
    bool evicted; /* it is closed for being over, spent or one too many */
    uint16_t last_id;
    int requests;
    int requests_lent; /* those it had when it was last lent again; INT_MAX:
                          it never was */
    unsigned epoch;    /* the pool's, when it came back alive */
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

/* The id that fcgi_connection_next_id() will give. */
uint16_t fcgi__connection_peek_id(const struct fcgi_connection *connection);

/* Let a receive on its socket wait by itself, for so many milliseconds (-1: for
 * ever). FCGI_OK, or FCGI_ERR_SYSTEM: none may. */
int fcgi__connection_set_blocking(struct fcgi_connection *connection,
                                  int timeout_ms);

/* Make a slot as good as new; the socket it had is the caller's to close. */
int fcgi__connection_empty(struct fcgi_connection *connection);

void fcgi__connections_add(struct fcgi__connections *all,
                           struct fcgi_connection *connection);

void fcgi__connections_push_idle(struct fcgi__connections *all,
                                 struct fcgi_connection *connection);

void fcgi__connections_remove_idle(struct fcgi__connections *all,
                                   struct fcgi_connection *connection);

/* Take a leased connection out, into a chain. */
void fcgi__connections_unlink(struct fcgi__connections *all,
                              struct fcgi_connection *connection,
                              struct fcgi_connection **chain);

/* In the child of a fork(): close all sockets, those that were connecting too,
 * which shuts none down, and count nothing any more. Memory stays with its
 * owners. */
void fcgi__connections_forget(struct fcgi__connections *all);

#endif
