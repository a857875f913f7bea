/*
 * fake_private - what fake.c, which listens and counts, shares with
 * fake_script.c, which performs the steps of one connection.
 */
#ifndef TESTS_FAKE_PRIVATE_H
#define TESTS_FAKE_PRIVATE_H

#include "fake.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/** Where a fake listens. */
struct fake_listener {
    int fd;
    struct temp *temp; /**< NULL, or the folder of its socket */
    char address[160];
    int clog[8]; /**< connections that fill its queue */
    size_t clog_count;
};

/** Listen; false: this machine has no such family. */
bool fake_listen(struct fake_listener *listener, enum fake_family family,
                 int backlog);

/** Connect to it, or begin to; -1: refused, or its queue is full. */
int fake_dial(const struct fake_listener *listener, bool blocking);

/** Fill the listen queue. */
void fake_clog(struct fake_listener *listener);

/** Close it and remove its folder. */
void fake_listen_end(struct fake_listener *listener);

/** A request as far as it was read. */
struct fake_request {
    struct wire_request wire;
    size_t connection;
};

/** One accepted connection and the thread that performs its steps. */
struct fake_connection {
    struct fake *fake;
    struct fake_connection *next;
    pthread_t thread;
    size_t number;
    int fd;       /**< -1: closed */
    bool dropped; /**< by fake_stop() or fake_restart(), not by its script */
    atomic_bool gone; /**< the client has closed it, or a send failed */
    const struct fake_step *steps;
    size_t step_count;
    struct fake_request *request; /**< the one read last */
    bool corked;
    struct wire gathered; /**< to be sent when uncorked */
};

/** Perform all steps of a connection, and close it. */
void fake_perform(struct fake_connection *connection);

/** Count an event and wake the threads that await it. */
void fake_happened(struct fake *fake, enum fake_event event);

/** Wait for a fake_go(); false: the connection was dropped first. */
bool fake_pause(struct fake_connection *connection);

/** Note a request that begins on this connection. */
struct fake_request *fake_enter_request(struct fake_connection *connection);

/** Take the descriptor away, to be closed: no other thread may use it then. */
int fake_take_fd(struct fake_connection *connection);

/** Whether fake_stop() or fake_restart() has ended this connection. */
bool fake_dropped(struct fake_connection *connection);

#endif
