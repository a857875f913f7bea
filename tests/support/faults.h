/*
 * faults - a libc that fails when it is told to: in place of the functions that
 * the library calls, for the threads that a test exposes, and for no other.
 *
 *     faults_begin(way, 3);        the third call of that kind goes that way
 *     ... use the library ...
 *     if (!faults_end()) ...       there was no third call
 *
 * Without a way it only counts. The application beside a test (fake.h) never
 * sees a fault, because its threads are not exposed.
 *
 * A test is linked with faults.c if its name begins with test_faults: what
 * stands there takes the place of libc's functions, which it finds by dlsym().
 */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgi_client/response.h>

#include "allocator.h"

/** What can fail. */
enum fault_call {
    FAULT_ALLOCATE,
    FAULT_SOCKET,
    FAULT_CONNECT,
    FAULT_GETADDRINFO,
    FAULT_FCNTL,
    FAULT_SETSOCKOPT,
    FAULT_GETSOCKOPT,
    FAULT_SENDMSG,
    FAULT_RECVMSG,
    FAULT_RECV,
    FAULT_POLL,
    FAULT_PIPE,
    FAULT_READ,
    FAULT_WRITE,
    FAULT_CLOSE,
    FAULT_CLOCK,
    FAULT_THREAD,
    FAULT_LOCK,
    FAULT_CONDITION,
    FAULT_ATFORK,
    FAULT_CALLS
};

enum fault_manner {
    FAULT_REFUSES, /**< it does nothing, and says so */
    FAULT_STAYS,   /**< the same, and all further calls of that kind */
    FAULT_DOES,    /**< it does it, but says the same */
    FAULT_BREAKS,  /**< the same, and the connection is gone */
    FAULT_SHORT,   /**< one byte at most */
    FAULT_ENDS,    /**< the connection is gone, as by an orderly end */
    FAULT_EARLY,   /**< poll() returns at once, and tells of nothing */
    FAULT_EAGER,   /**< poll() returns at once, and tells that all is ready */
    FAULT_JUMPS    /**< the clock is an hour later from now on */
};

/** One way for a call to go wrong. */
struct fault_way {
    enum fault_call call;
    enum fault_manner manner;
    int error;     /**< errno, or what the function returns in its place */
    bool harmless; /**< nobody may notice it */
};

/** Every way there is. */
const struct fault_way *faults_ways(size_t *count);

const char *faults_call_name(enum fault_call call);
/** "socket() 3: Too many open files", in a buffer of the caller's. */
void faults_describe(const struct fault_way *way, size_t nth, char *out,
                     size_t cap);

/** Forget what has been: the clock goes right again. Nobody may be exposed. */
void faults_reset(void);

/** Expose the calling thread: its nth call of that kind, from 1, goes that
 *  way; NULL: none does. */
void faults_begin(const struct fault_way *way, size_t nth);

/** The same for the threads that the library starts, and not for the caller. */
void faults_begin_for_threads(const struct fault_way *way, size_t nth);

/** Call this once, when handlers for fork() are next registered. */
void faults_amid_registration(void (*act)(void));

/** Expose the caller, and threads begun from now on, no more. Returns whether
 * it has struck. */
bool faults_end(void);

/** Expose the calling thread or not: for what is not the library's within.
 *  Returns whether it was. */
bool faults_expose(bool on);

/** Have this called ahead of each call that is exposed; NULL: nothing. */
void faults_visit(void (*visit)(enum fault_call call));

/** It has struck in the child of a fork(), which cannot tell by itself. */
void faults_strike_in_child(void);

/** How many calls were exposed since it began. */
size_t faults_seen(enum fault_call call);

/** An allocator over one that counts, which fails as the rest does. One at a
 *  time. */
struct fcgi_allocator faults_allocator(struct counting_allocator *memory);

#endif
