/*
 * descriptor - the descriptors of the simulation, and what libc's calls do to
 * them. A new one has the lowest number that is free, as POSIX wants it, from
 * DESCRIPTOR_BASE up: whoever confuses an old one with a new one is found out.
 *
 * The functions return what libc's would, and errno as a negative number.
 */
#ifndef SIM_DESCRIPTOR_H
#define SIM_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "sim_stream.h"

#define DESCRIPTOR_BASE 100000

/** Forget all descriptors; `shortage`: how often, in percent, there is none
 *  left. */
void descriptors_begin(unsigned shortage, bool interrupted);

/** What to do when a caller begins to block (`begins`), and each time that the
 *  world has gone on meanwhile. */
typedef void watch_fn(bool begins);

/** Who makes the calls that follow: a caller of a client, or NOBODY; `watch`
 *  NULL: he must not block. */
void descriptors_serve(int client, int caller, watch_fn *watch);

/** Whether a caller was refused a descriptor since this was last asked. */
bool descriptors_were_short(void);

int descriptors_open(void);
bool descriptor_is_ours(int fd);

/** A number that no other descriptor of the world has had; 0: not open. */
uint64_t descriptor_identity(int fd);

/** The stream behind one; NULL: it is a pipe. */
struct stream *descriptor_stream(int fd);

/** Whether it is ready: `events` and the result are poll()'s. */
short descriptor_poll(int fd, short events);

/** Grows with each change that a host is told of once. */
size_t descriptor_edges(int fd, bool reading);

/** A descriptor that becomes readable when a moment has come, not before it was
 *  told which. */
int descriptor_bell(void);
void descriptor_ring_at(int fd, int64_t moment);

/** poll() itself. */
int descriptors_wait(struct pollfd *fds, nfds_t count, int timeout);

/** Sleep until that moment; false: a signal came before. */
bool descriptors_sleep(int64_t until);

int descriptor_socket(int family, int type);
int descriptor_connect(int fd, const struct sockaddr *address);
long descriptor_send(int fd, const struct iovec *vector, size_t count,
                     int flags);
long descriptor_receive(int fd, const struct iovec *vector, size_t count,
                        int flags);
int descriptor_close(int fd);
int descriptor_shutdown(int fd, int how);
int descriptor_fcntl(int fd, int command, int argument);
int descriptor_set_option(int fd, int level, int name, const void *value);
int descriptor_get_option(int fd, int level, int name, void *value);
int descriptor_pipe(int ends[2], int flags);

#endif
