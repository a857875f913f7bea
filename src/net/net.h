/*
 * net - sockets: resolve, connect, send, receive, wait. No other file of the
 * library makes a socket call.
 *
 * A connected socket is in blocking mode, closed on exec, and carries a receive
 * timeout. Sending never blocks; receiving does only where it is told that it
 * may. SIGPIPE is never raised.
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

/* What something waits for: a descriptor (-1: none), another one to be read
 * (-1: none), and a moment (FCGI__NEVER: none). */
struct fcgi__wait {
    int fd;
    unsigned events;
    int other_fd;
    int64_t until;
};

/* Block until one of those comes, or a signal. What is ready: 0, nothing; both
 * where that cannot be told, or where it is the other descriptor. */
unsigned fcgi__net_wait(const struct fcgi__wait *wait);

/* A descriptor that was shown to a host, which may watch it: it is not closed
 * before another was shown, so that no new one can bear its number. */
struct fcgi__exposed_fd {
    int fd;   /* -1: none */
    int kept; /* it again, once nothing else needs it; -1: not yet */
};

void fcgi__exposed_fd_init(struct fcgi__exposed_fd *shown);

/* Before a descriptor is closed: keep it if it was shown, and make it -1. */
void fcgi__exposed_fd_retain(struct fcgi__exposed_fd *shown, int *fd);

/* Close what was kept. */
void fcgi__exposed_fd_close(struct fcgi__exposed_fd *shown);

/* Close what was kept, if something else has been shown since. */
static inline void fcgi__exposed_fd_release(struct fcgi__exposed_fd *shown)
{
    if (shown->kept != shown->fd) {
        fcgi__exposed_fd_close(shown);
    }
}

/*
 * Connecting, step by step. Several addresses of a name are tried in turn,
 * each with its share of the time that is left.
 */
struct fcgi__dial {
    const struct fcgi__address *address;
    struct fcgi__exposed_fd *shown;
    int64_t deadline; /* of all addresses */
    int64_t until;    /* of this address, or of a pause */
    int fd;
    bool pausing; /* the listen queue was full: tried again at `until` */
    int pause_ms;
    int system_error;          /* of the last address tried */
    struct addrinfo fixed;     /* an address that needs no resolving */
    struct addrinfo *resolved; /* to be freed */
    const struct addrinfo *next;
};

/* Set a dial off; fcgi__dial_advance() is due at once. A name is resolved
 * here, which blocks. FCGI_OK or FCGI_ERR_RESOLVE. */
int fcgi__dial_start(struct fcgi__dial *dial,
                     const struct fcgi__address *address, int64_t deadline,
                     struct fcgi__exposed_fd *shown);

/* Go on: FCGI_OK connected, `dial->fd` being the caller's now; FCGI_WAIT; or
 * FCGI_ERR_CONNECT, FCGI_ERR_BACKLOG_FULL, FCGI_ERR_CONNECT_TIMEOUT or
 * FCGI_ERR_SYSTEM, `dial->system_error` telling errno. */
int fcgi__dial_advance(struct fcgi__dial *dial, int64_t now);

/* What a dial waits for. */
void fcgi__dial_wait(const struct fcgi__dial *dial, struct fcgi__wait *wait);

/* Give up a dial, or forget one that has connected. */
void fcgi__dial_end(struct fcgi__dial *dial);

/* Make a connected socket from elsewhere fit for use, as one that was dialled
 * here is: closed on exec, and unbuffered. FCGI_OK or FCGI_ERR_SYSTEM. */
int fcgi__net_adopt(int fd);

/* Let what is sent to a socket whose peer has gone raise no SIGPIPE, where a
 * system wants to be asked for that beforehand. */
void fcgi__net_suppress_sigpipe(int fd);

/* Let a receive wait by itself: blocking mode, with a receive timeout in
 * milliseconds (-1: none). FCGI_OK or FCGI_ERR_SYSTEM. */
int fcgi__net_set_blocking(int fd, int receive_timeout_ms);

/* How many slices are sent at once. */
#define FCGI__SLICES_MAX 64

/* Send without blocking. FCGI_OK and how much was taken; FCGI_WAIT nothing
 * was; FCGI_ERR_RESET the peer is gone; FCGI_ERR_SYSTEM see errno. */
int fcgi__net_send(int fd, const struct fcgi_slice *slices, size_t count,
                   size_t *sent);

/* Let a Unix socket hold so much of what is sent: a large body then goes in
 * larger pieces. Others find a size themselves. */
void fcgi__net_enlarge_send_buffer(int fd, int len);

#define FCGI__PLACES_MAX 8

/* Receive into up to FCGI__PLACES_MAX places; with `may_block`, wait for as
 * long as the socket's receive timeout. FCGI_OK and how much came, 0 being the
 * end; FCGI_WAIT nothing yet; FCGI_ERR_RESET; FCGI_ERR_SYSTEM see errno. */
int fcgi__net_receive(int fd, const struct fcgi_memory *room, size_t count,
                      bool may_block, size_t *got);

/* Acknowledge at once what was received over TCP, where the system can be told
 * to: whether it can. */
bool fcgi__net_acknowledge(int fd);

/* Whether a socket on which nothing is expected is open and silent. */
bool fcgi__net_is_idle(int fd);

/* End a connection whose descriptor is to stay open for a while. */
void fcgi__net_shutdown(int fd);

/* Close a descriptor unless it is -1; errno stays as it was. */
void fcgi__net_close(int fd);

#endif
