/*
 * io - readers, writers and sources over descriptors and FILE streams. When one
 * of them fails, errno tells why.
 *
 * Not part of <fcgi_client.h>, because libfcgi's <fcgi_stdio.h> gives FILE
 * another meaning: a program that uses both must include this header first.
 *
 * Threads: a descriptor or a stream is read, or written, by one at a time.
 */
#ifndef FCGI_CLIENT_IO_H
#define FCGI_CLIENT_IO_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <fcgi_client/error.h>
#include <fcgi_client/exchange.h>
#include <fcgi_client/record.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A reader of a descriptor: a file, pipe or socket, blocking or not.
 *
 * It waits for bytes without a time limit, and returns FCGI_ERR_RESET if the
 * peer reset the connection, FCGI_ERR_SYSTEM for any other errno.
 *
 * @param fd  stays the caller's, who closes it after the last use
 */
FCGI_API struct fcgi_reader fcgi_fd_reader(int fd);

/**
 * A writer to a descriptor: a file, pipe or socket, blocking or not.
 *
 * It waits, without a time limit, until all bytes are taken, and returns
 * FCGI_ERR_RESET if the peer has gone, FCGI_ERR_SYSTEM for any other errno. A
 * socket never raises SIGPIPE; for a pipe the process's own setting holds.
 *
 * @param fd  stays the caller's, who closes it after the last use
 */
FCGI_API struct fcgi_writer fcgi_fd_writer(int fd);

/** A reader of a stream, which stays the caller's. It returns FCGI_ERR_SYSTEM
 *  if the stream fails. */
FCGI_API struct fcgi_reader fcgi_file_reader(FILE *file);

/** A writer to a stream, which stays the caller's and is not flushed. It
 *  returns FCGI_ERR_SYSTEM if the stream fails. */
FCGI_API struct fcgi_writer fcgi_file_writer(FILE *file);

/** What a source over a descriptor remembers; its members are the library's. */
struct fcgi_fd_state {
    int fd;
    bool regular;
    int64_t start;
};

/**
 * A body read from a descriptor, from its current offset to its end.
 *
 * Of a regular file, what is there now is read, not what is appended meanwhile:
 * the source's `len` is set, and the caller may make it smaller. A file that
 * claims to be empty, as those in Linux's /proc do, is read to its end; for one
 * that claims to be longer than it is, as those in /sys do, set `len` to 0,
 * which has the same effect.
 *
 * A pipe or socket, blocking or not, is read only when it has something, so
 * that a silent one holds up neither an early answer nor a time limit; its
 * flags are not changed. fcgi_client_do() watches it; for a pollable call the
 * host does, see fcgi_call_source_waits(). A descriptor that can seek can be
 * replayed from the offset it had.
 *
 * @param state  the caller's, filled in; must stay until the request has ended
 * @param fd     the caller's; must stay open as long
 */
FCGI_API struct fcgi_source fcgi_fd_source(struct fcgi_fd_state *state, int fd);

/** What a source over a stream remembers; its members are the library's. */
struct fcgi_file_state {
    FILE *file;
    int64_t start;
};

/**
 * A body read from a stream, from its current position to its end.
 *
 * Reading blocks as fread() does: for a pipe or a socket prefer
 * fcgi_fd_source(). A stream that can seek can be replayed from the position it
 * had.
 *
 * @param state  the caller's, filled in; must stay until the request has ended
 * @param file   the caller's; must stay open as long
 */
FCGI_API struct fcgi_source fcgi_file_source(struct fcgi_file_state *state,
                                             FILE *file);

#ifdef __cplusplus
}
#endif

#endif
