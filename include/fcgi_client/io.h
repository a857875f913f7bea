/*
 * io - readers, writers and sources over descriptors and FILE streams. Where
 * one fails, errno tells why.
 *
 * Not part of <fcgi_client.h>, because <fcgi_stdio.h> of libfcgi gives FILE
 * another meaning: a program that uses both includes this header first.
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
 * A reader of a descriptor: file, pipe or socket, blocking or not. It waits
 * for bytes as long as it takes, and fails with FCGI_ERR_RESET where the peer
 * reset the connection and FCGI_ERR_SYSTEM for any other errno.
 *
 * @param fd  stays the caller's, to be closed after the last use
 */
FCGI_API struct fcgi_reader fcgi_fd_reader(int fd);

/**
 * A writer to a descriptor. It waits until all bytes are taken; a socket that
 * the peer closed gives FCGI_ERR_RESET and never SIGPIPE (a pipe obeys the
 * process's own setting), any other errno FCGI_ERR_SYSTEM.
 *
 * @param fd  stays the caller's, to be closed after the last use
 */
FCGI_API struct fcgi_writer fcgi_fd_writer(int fd);

/** A reader of a stream, which stays the caller's; fails with
 *  FCGI_ERR_SYSTEM. */
FCGI_API struct fcgi_reader fcgi_file_reader(FILE *file);

/** A writer to a stream, which stays the caller's and is not flushed; fails
 *  with FCGI_ERR_SYSTEM. */
FCGI_API struct fcgi_writer fcgi_file_writer(FILE *file);

/** What a source over a descriptor remembers; the library's own. */
struct fcgi_fd_state {
    int fd;
    bool regular;
    int64_t start;
};

/**
 * A body read from a descriptor, from where that stands to its end.
 *
 * A regular file is read as far as it reaches now, and not what is appended
 * meanwhile: its `len` is set, and may be made smaller. One that says it is
 * empty, as those of Linux's /proc do, is read to its end; where one says it is
 * longer than it is, as those of /sys do, set `len` to 0 for that.
 *
 * A pipe or socket, blocking or not, is read only when something is there, so
 * that its silence hides neither an early answer nor a time limit; its flags
 * are not changed. fcgi_client_do() watches it; the host of a call does so
 * itself, see fcgi_call_source_waits(). Whatever can seek can be replayed from
 * where it stood.
 *
 * @param state  the caller's, filled in; must stay until the request has ended
 * @param fd     the caller's, likewise
 */
FCGI_API struct fcgi_source fcgi_fd_source(struct fcgi_fd_state *state, int fd);

/** What a source over a stream remembers; the library's own. */
struct fcgi_file_state {
    FILE *file;
    int64_t start;
};

/**
 * A body read from a stream, from where that stands to its end.
 *
 * Reading blocks as fread() does: for a pipe or a socket prefer
 * fcgi_fd_source(). A stream that can seek can be replayed from where it stood.
 *
 * @param state  the caller's, filled in; must stay until the request has ended
 * @param file   the caller's, likewise
 */
FCGI_API struct fcgi_source fcgi_file_source(struct fcgi_file_state *state,
                                             FILE *file);

#ifdef __cplusplus
}
#endif

#endif
