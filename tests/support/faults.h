/*
 * faults - replaces the libc functions that the library calls by ones that fail
 * on demand, for threads that a test exposes and no others.
 *
 *     faults_begin(way, 3);        the third call of that kind goes that way
 *     ... use the library ...
 *     if (!faults_end()) ...       there was no third call
 *
 * Without a way the calls are only counted. The test's application (fake.h)
 * never gets a fault, as its threads are not exposed.
 *
 * Tests whose name begins with test_faults are linked with faults.c. Its
 * functions take the place of libc's and find those by dlsym().
 */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

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
    FAULT_ATTRIBUTES,
    FAULT_ATFORK,
    FAULT_CALLS
};

enum fault_manner {
    FAULT_REFUSES, /**< does nothing and returns the error */
    FAULT_STAYS,   /**< the same for all later calls of that kind */
    FAULT_DOES,    /**< does it, but returns the error */
    FAULT_BREAKS,  /**< the same, and the connection is broken */
    FAULT_SHORT,   /**< transfers at most one byte */
    FAULT_ENDS,    /**< the connection ends in an orderly way */
    FAULT_EARLY,   /**< poll() returns at once with nothing ready */
    FAULT_EAGER,   /**< poll() returns at once with all ready */
    FAULT_JUMPS    /**< the clock goes an hour ahead and stays so */
};

/** One way for a call to go wrong. */
struct fault_way {
    enum fault_call call;
    enum fault_manner manner;
    int error;     /**< errno, or the error code that the function returns */
    bool harmless; /**< must not change how a request ends */
};

/** All ways. */
const struct fault_way *faults_ways(size_t *count);

const char *faults_call_name(enum fault_call call);
/** Write a text such as "socket() 3: Too many open files" to `out`. */
void faults_describe(const struct fault_way *way, size_t nth, char *out,
                     size_t cap);

/** Forget all faults and set the clock right. No thread may be exposed. */
void faults_reset(void);

/** Expose the calling thread: its nth call of that kind (the first is 1) goes
 *  that way; NULL: none does. */
void faults_begin(const struct fault_way *way, size_t nth);

/** Expose the threads that the library starts instead of the caller. */
void faults_begin_for_threads(const struct fault_way *way, size_t nth);

/** Call `act` once, the next time pthread_atfork() is called. */
void faults_amid_registration(void (*act)(void));

/** Stop exposing the caller and new threads. Returns whether the fault
 *  happened. */
bool faults_end(void);

/** Switch exposure of the calling thread, for a callback that is not part of
 *  the library. Returns whether it was exposed before. */
bool faults_expose(bool on);

/** Call `visit` before each exposed call; NULL: nothing. */
void faults_visit(void (*visit)(enum fault_call call));

/** Say that the fault happened in a child process, which cannot say so
 *  itself. */
void faults_strike_in_child(void);

/** The number of exposed calls since faults_begin(). */
size_t faults_seen(enum fault_call call);

/** The time until which a condition was last waited for since faults_begin();
 *  false: none was. For a test with one thread. */
bool faults_awaited_moment(struct timespec *moment);

/** An allocator that counts in `memory` and gets faults as well. Only one may
 *  be in use at a time. */
struct fcgi_allocator faults_allocator(struct counting_allocator *memory);

#endif
