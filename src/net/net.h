/*
 * net - sockets: resolve, connect, send, receive, wait. No other file of the
 * library makes a socket call.
 *
 * A socket that was dialled here is non-blocking until fcgi__net_set_blocking()
 * is called, and closed on exec. In either mode sending never blocks, and
 * receiving only where the caller allows it. SIGPIPE is never raised.
 */
#ifndef FCGI__NET_H
#define FCGI__NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcgi_client/record.h>

#include "address.h"

enum fcgi__readiness {
    FCGI__READABLE = 1,
    FCGI__WRITABLE = 2,
    FCGI__READY = FCGI__READABLE | FCGI__WRITABLE
};

/* What a wait ends with: events of a descriptor (-1: none), another descriptor
 * (-1: none) that becomes readable, or a moment (FCGI__NEVER: none). */
struct fcgi__wait {
    int fd;
    unsigned events;
    int other_fd;
    int64_t until;
};

/* Block until one of these comes, or a signal. Returns what `fd` is ready for:
 * 0 is nothing; FCGI__READY if this is not known, or if the other descriptor is
 * the one that is ready. */
unsigned fcgi__net_wait(const struct fcgi__wait *wait);

/* A host that is told of each socket, unless the functions are NULL: when it
 * exists, and before it is closed. */
struct fcgi__socket_observer {
    void (*opened)(void *context, int fd);
    void (*closing)(void *context, int fd);
    void *context;
};

void fcgi__socket_opened(const struct fcgi__socket_observer *observer, int fd);

/* Close a socket unless it is -1; errno stays as it was. */
void fcgi__socket_close(const struct fcgi__socket_observer *observer, int fd);

/* A descriptor that a host was given to watch. It is not closed until the host
 * was given another, so that no new descriptor gets its number meanwhile. */
struct fcgi__exposed_fd {
    const struct fcgi__socket_observer *observer;
    int fd;       /* -1: none */
    int retained; /* one that only the host may still watch; -1: none */
};

void fcgi__exposed_fd_init(struct fcgi__exposed_fd *exposed,
                           const struct fcgi__socket_observer *observer);

/* To be called before a descriptor is closed: if it is exposed, retain it, and
 * set `*fd` to -1. */
void fcgi__exposed_fd_retain(struct fcgi__exposed_fd *exposed, int *fd);

/* Close the descriptor that was retained. */
void fcgi__exposed_fd_close(struct fcgi__exposed_fd *exposed);

/* Close the descriptor that was retained, if the host was given another
 * since. */
static inline void fcgi__exposed_fd_release(struct fcgi__exposed_fd *exposed)
{
    if (exposed->retained != exposed->fd) {
        fcgi__exposed_fd_close(exposed);
    }
}

/*
 * Connecting, step by step. The addresses of a name are tried in turn, each
 * with a share of the time that is left.
 */
struct fcgi__dial {
    const struct fcgi__address *address;
    struct fcgi__exposed_fd *exposed;
    int64_t deadline; /* of all addresses */
    int64_t until;    /* of the current address, or of a pause */
    int fd;
    bool pausing; /* the listen queue was full: try again at `until` */
    int pause_ms;
    int system_error;            /* of the last address tried */
    struct addrinfo fixed;       /* an address that is not a name */
    struct addrinfo *resolved;   /* the addresses of a name */
    const struct addrinfo *next; /* the one to try; NULL: none is left */
};

/* Begin to dial; call fcgi__dial_advance() next, without waiting. A name is
 * resolved here, which blocks. FCGI_OK or FCGI_ERR_RESOLVE. */
int fcgi__dial_start(struct fcgi__dial *dial,
                     const struct fcgi__address *address, int64_t deadline,
                     struct fcgi__exposed_fd *exposed);

/* Go on. FCGI_OK: connected, and `dial->fd` is the caller's now; FCGI_WAIT; or
 * FCGI_ERR_CONNECT, FCGI_ERR_BACKLOG_FULL, FCGI_ERR_CONNECT_TIMEOUT or
 * FCGI_ERR_SYSTEM, with errno in `dial->system_error`. */
int fcgi__dial_advance(struct fcgi__dial *dial, int64_t now);

/* What a dial waits for. */
void fcgi__dial_wait(const struct fcgi__dial *dial, struct fcgi__wait *wait);

/* End a dial, connected or not: close its socket, unless the caller took it by
 * setting `dial->fd` to -1. */
void fcgi__dial_end(struct fcgi__dial *dial);

/* Give a socket that was connected elsewhere the options of one that was
 * dialled here: closed on exec, no SIGPIPE, no delay of small sends (Nagle).
 * Its mode, blocking or not, stays. FCGI_OK or FCGI_ERR_SYSTEM. */
int fcgi__net_adopt(int fd);

/* Make sending on a socket raise no SIGPIPE, on a system where that is an
 * option of the socket. */
void fcgi__net_suppress_sigpipe(int fd);

/* Let receives block, for at most `receive_timeout_ms` each (-1: no limit).
 * FCGI_OK or FCGI_ERR_SYSTEM. */
int fcgi__net_set_blocking(int fd, int receive_timeout_ms);

/* What errno means after a read or a write that failed. FCGI_WAIT: try again,
 * once the descriptor is ready; FCGI_ERR_RESET: the peer is gone;
 * FCGI_ERR_SYSTEM. */
int fcgi__net_error(int system_error);

/* The most slices that are sent at once. */
#define FCGI__SLICES_MAX 64

/* Send without blocking. FCGI_OK: `*sent` bytes were taken; FCGI_WAIT: none
 * were; FCGI_ERR_RESET: the peer is gone; FCGI_ERR_SYSTEM: see errno. */
int fcgi__net_send(int fd, const struct fcgi_slice *slices, size_t count,
                   size_t *sent);

/* Let a Unix socket hold `len` bytes of what is sent, so that a large body is
 * sent in larger pieces. TCP finds a size by itself. */
void fcgi__net_enlarge_send_buffer(int fd, int len);

#define FCGI__PLACES_MAX 8

/* Receive into at most FCGI__PLACES_MAX places; with `may_block`, wait for at
 * most the socket's receive timeout. FCGI_OK: `*got` bytes came, 0 being the
 * end; FCGI_WAIT: none yet; FCGI_ERR_RESET: the peer is gone; FCGI_ERR_SYSTEM:
 * see errno. */
int fcgi__net_receive(int fd, const struct fcgi_memory *room, size_t count,
                      bool may_block, size_t *got);

/* Acknowledge at once what was received over TCP. Returns whether the system
 * can be told to. */
bool fcgi__net_acknowledge(int fd);

/* Whether a socket is open and has nothing to receive, not even its end. */
bool fcgi__net_is_idle(int fd);

/* End a connection, while its descriptor stays open. */
void fcgi__net_shutdown(int fd);

/* Close a descriptor unless it is -1; errno does not change. */
void fcgi__net_close(int fd);

#endif
