/*
 * descriptor - numbers, what stands behind them, and libc's rules: see
 * descriptor.h.
 */
/* O_CLOEXEC and the like on every system. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <netinet/in.h>
#include <sys/time.h>

#include "application.h"
#include "descriptor.h"
#include "ledger.h"
#include "network.h"
#include "sight.h"
#include "world.h"

#define DESCRIPTORS 512

enum kind { CLOSED, SOCKET, PIPE_READER, PIPE_WRITER, BELL };

struct descriptor {
    enum kind kind;
    uint64_t identity;
    struct stream *stream;
    int other; /* the index of the pipe's other end; -1: closed */
    size_t bytes;
    size_t edges;
    bool nonblocking;
    bool closed_on_exec;
    int64_t receive_timeout; /* 0: none */
    int64_t rings_at;        /* a bell */
};

static struct {
    struct descriptor all[DESCRIPTORS];
    uint64_t identities;
    unsigned shortage;
    bool interrupted;
    bool was_short;
    int client, caller;
    watch_fn *watch;
} table;

void descriptors_begin(unsigned shortage, bool interrupted)
{
    memset(&table, 0, sizeof(table));
    table.shortage = shortage;
    table.interrupted = interrupted;
    table.client = table.caller = NOBODY;
}

void descriptors_serve(int client, int caller, watch_fn *watch)
{
    table.client = client;
    table.caller = caller;
    table.watch = watch;
}

bool descriptors_were_short(void)
{
    bool was_short = table.was_short;

    table.was_short = false;
    return was_short;
}

int descriptors_open(void)
{
    int count = 0;

    for (int i = 0; i < DESCRIPTORS; i++) {
        count += table.all[i].kind != CLOSED;
    }
    return count;
}

bool descriptor_is_ours(int fd)
{
    return fd >= DESCRIPTOR_BASE && fd < DESCRIPTOR_BASE + DESCRIPTORS;
}

static struct descriptor *look_up(int fd)
{
    struct descriptor *d = &table.all[fd - DESCRIPTOR_BASE];

    world_require(d->kind != CLOSED, "a closed descriptor is not used", fd, 0);
    return d;
}

static struct descriptor *look_up_socket(int fd)
{
    struct descriptor *d = look_up(fd);

    world_require(d->kind == SOCKET, "a pipe is not used as a socket", fd, 0);
    return d;
}

uint64_t descriptor_identity(int fd)
{
    return descriptor_is_ours(fd) ? table.all[fd - DESCRIPTOR_BASE].identity
                                  : 0;
}

struct stream *descriptor_stream(int fd)
{
    return look_up(fd)->stream;
}

/* The lowest that is free. */
static int open_lowest(enum kind kind)
{
    int i = 0;

    while (table.all[i].kind != CLOSED) {
        i += 1;
        world_require(i < DESCRIPTORS, "descriptors are not leaked", i, 0);
    }
    memset(&table.all[i], 0, sizeof(table.all[i]));
    table.all[i].kind = kind;
    table.all[i].identity = ++table.identities;
    table.all[i].other = -1;
    return i;
}

/* -1: there is none. */
static int open_one(enum kind kind)
{
    if (world_chance(table.shortage)) {
        table.was_short = true;
        sight_saw(SIGHT_NO_DESCRIPTOR);
        return -1;
    }
    return open_lowest(kind);
}

/*
 * Readiness.
 */

static bool is_readable(const struct descriptor *d)
{
    switch (d->kind) {
    case SOCKET:
        return stream_readable(d->stream);
    case PIPE_READER:
        return d->bytes > 0 || d->other < 0;
    case BELL:
        return d->rings_at <= world_now();
    default:
        return false;
    }
}

static bool is_writable(const struct descriptor *d)
{
    return d->kind == SOCKET ? stream_writable(d->stream)
                             : d->kind == PIPE_WRITER;
}

short descriptor_poll(int fd, short events)
{
    const struct descriptor *d = look_up(fd);
    short ready = 0;

    if ((events & POLLIN) && is_readable(d)) {
        ready |= POLLIN;
    }
    if ((events & POLLOUT) && is_writable(d)) {
        ready |= POLLOUT;
    }
    if (d->kind == SOCKET &&
        (d->stream->state == FAILED || d->stream->error != 0)) {
        ready |= POLLERR;
    }
    return ready;
}

size_t descriptor_edges(int fd, bool reading)
{
    const struct descriptor *d = look_up(fd);

    if (d->kind != SOCKET) {
        return d->edges;
    }
    return reading ? d->stream->read_edges : d->stream->write_edges;
}

/* A signal comes to one that blocks. */
static bool is_interrupted(void)
{
    bool interrupted = table.interrupted && world_chance(10);

    if (interrupted) {
        sight_saw(SIGHT_INTERRUPTED);
    }
    return interrupted;
}

static int count_ready(struct pollfd *fds, nfds_t count)
{
    int ready = 0;

    for (nfds_t i = 0; i < count; i++) {
        fds[i].revents =
            fds[i].fd < 0 ? 0 : descriptor_poll(fds[i].fd, fds[i].events);
        ready += fds[i].revents != 0;
    }
    return ready;
}

/* The world goes on, and somebody looks on. */
static void pass(int64_t until)
{
    application_pass(until);
    table.watch(false);
}

int descriptor_bell(void)
{
    int i = open_lowest(BELL);

    table.all[i].rings_at = NEVER;
    return DESCRIPTOR_BASE + i;
}

void descriptor_ring_at(int fd, int64_t moment)
{
    look_up(fd)->rings_at = moment;
}

/* When the next bell rings that somebody listens to. */
static int64_t next_ring(const struct pollfd *fds, nfds_t count)
{
    int64_t next = NEVER;

    for (nfds_t i = 0; i < count; i++) {
        const struct descriptor *d = fds[i].fd < 0 ? NULL : look_up(fds[i].fd);
        if (d != NULL && d->kind == BELL && d->rings_at < next) {
            next = d->rings_at;
        }
    }
    return next;
}

int descriptors_wait(struct pollfd *fds, nfds_t count, int timeout)
{
    int64_t until = timeout < 0 ? NEVER : world_now() + timeout * MILLISECOND;
    int ready = count_ready(fds, count);

    world_require(timeout == 0 || table.watch != NULL,
                  "a pollable call never blocks", timeout, 0);
    if (timeout != 0) {
        table.watch(true);
    }
    while (ready == 0 && world_now() < until) {
        int64_t ring = next_ring(fds, count);
        if (is_interrupted()) {
            return -EINTR;
        }
        pass(ring < until ? ring : until);
        ready = count_ready(fds, count);
    }
    return ready;
}

bool descriptors_sleep(int64_t until)
{
    world_require(table.watch != NULL, "a pollable call never blocks", 0, 0);
    table.watch(true);
    while (world_now() < until) {
        if (is_interrupted()) {
            return false;
        }
        pass(until);
    }
    return true;
}

/*
 * Sockets.
 */

static void set_flags(struct descriptor *d, int type)
{
#ifdef SOCK_NONBLOCK
    d->nonblocking = (type & SOCK_NONBLOCK) != 0;
    d->closed_on_exec = (type & SOCK_CLOEXEC) != 0;
#else
    (void)d;
    (void)type;
#endif
}

int descriptor_socket(int family, int type)
{
    int i = open_one(SOCKET);

    if (i < 0) {
        return -EMFILE;
    }
    set_flags(&table.all[i], type);
    table.all[i].stream = stream_open(table.client, family == AF_UNIX);
    stream_serve(table.all[i].stream, table.caller);
    if (table.caller != NOBODY) {
        ledger_at(table.caller)->dials += 1;
        ledger_at(table.caller)->dialled = world_now();
    }
    world_note("socket: fd, caller", DESCRIPTOR_BASE + i, table.caller, 0);
    return DESCRIPTOR_BASE + i;
}

static int begin_connect(struct descriptor *d, const struct sockaddr *address)
{
    int64_t delay = 0;
    int error = network_connect(address, &delay);

    world_require(d->nonblocking, "connecting never blocks", 0, 0);
    if (error == EAGAIN) {
        return -error;
    }
    stream_connect(d->stream, error, delay);
    if (d->stream->state == CONNECTING) {
        return -EINPROGRESS;
    }
    return -stream_connect_error(d->stream);
}

static int connect_again(const struct descriptor *d,
                         const struct sockaddr *address)
{
    switch (d->stream->state) {
    case FRESH:
        return begin_connect(&table.all[d - table.all], address);
    case CONNECTED:
        return -EISCONN;
    case CONNECTING:
        return -EALREADY;
    default:
        return -ECONNABORTED;
    }
}

int descriptor_connect(int fd, const struct sockaddr *address)
{
    int rc = connect_again(look_up_socket(fd), address);

    world_note("connect: fd, result", fd, rc, 0);
    return rc;
}

static long write_to_pipe(struct descriptor *d, size_t len)
{
    struct descriptor *reader;

    world_require(d->kind == PIPE_WRITER && d->other >= 0,
                  "a pipe is written to while it is read", d->kind, d->other);
    reader = &table.all[d->other];
    reader->bytes += len;
    reader->edges += 1;
    return (long)len;
}

static size_t total(const struct iovec *vector, size_t count)
{
    size_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += vector[i].iov_len;
    }
    return sum;
}

static long send_on_socket(struct descriptor *d, const struct iovec *vector,
                           size_t count, int flags)
{
    world_require((flags & MSG_DONTWAIT) != 0 || d->nonblocking,
                  "sending never blocks", 0, 0);
    world_require(d->closed_on_exec, "a socket is closed on exec", 0, 0);
    stream_serve(d->stream, table.caller);
    stream_try(d->stream);
    return stream_send(d->stream, vector, count);
}

long descriptor_send(int fd, const struct iovec *vector, size_t count,
                     int flags)
{
    struct descriptor *d = look_up(fd);
    size_t len = total(vector, count);
    long rc = d->kind == SOCKET ? send_on_socket(d, vector, count, flags)
                                : write_to_pipe(d, len);

    world_note("send: fd, of, result", fd, (int64_t)len, rc);
    return rc;
}

static long read_from_pipe(struct descriptor *d, const struct iovec *vector,
                           size_t count)
{
    size_t room = total(vector, count);
    size_t n = d->bytes < room ? d->bytes : room;

    if (n == 0) {
        return d->other < 0 ? 0 : -EAGAIN;
    }
    d->bytes -= n;
    return (long)n;
}

/* Block as a socket does that has a receive timeout: the world goes on. */
static bool wait_to_receive(struct descriptor *d)
{
    int64_t until =
        d->receive_timeout == 0 ? NEVER : world_now() + d->receive_timeout;

    while (!is_readable(d) && world_now() < until) {
        pass(until);
    }
    return is_readable(d);
}

static long receive_from_socket(struct descriptor *d,
                                const struct iovec *vector, size_t count,
                                int flags)
{
    bool blocks = (flags & MSG_DONTWAIT) == 0 && !d->nonblocking;

    if (flags & MSG_PEEK) {
        return stream_peek(d->stream);
    }
    world_require(!blocks || table.watch != NULL,
                  "a pollable call never blocks", 0, 0);
    if (blocks && !is_readable(d) && is_interrupted()) {
        return -EINTR;
    }
    if (blocks && !wait_to_receive(d)) {
        return -EAGAIN;
    }
    return stream_receive(d->stream, vector, count);
}

long descriptor_receive(int fd, const struct iovec *vector, size_t count,
                        int flags)
{
    struct descriptor *d = look_up(fd);
    long rc = d->kind == SOCKET ? receive_from_socket(d, vector, count, flags)
                                : read_from_pipe(d, vector, count);

    world_note("receive: fd, flags, result", fd, flags & MSG_PEEK, rc);
    return rc;
}

int descriptor_shutdown(int fd, int how)
{
    struct descriptor *d = look_up_socket(fd);

    world_note("shutdown: fd", fd, 0, 0);
    if (how == SHUT_RDWR) {
        stream_client_shut(d->stream);
    }
    return 0;
}

int descriptor_close(int fd)
{
    struct descriptor *d = look_up(fd);

    world_note("close: fd", fd, 0, 0);
    if (d->kind == SOCKET) {
        stream_client_close(d->stream);
    } else if (d->other >= 0) {
        table.all[d->other].other = -1;
        table.all[d->other].edges += 1;
    }
    memset(d, 0, sizeof(*d));
    return 0;
}

/*
 * Options.
 */

int descriptor_fcntl(int fd, int command, int argument)
{
    struct descriptor *d = look_up(fd);

    switch (command) {
    case F_GETFD:
        return d->closed_on_exec ? FD_CLOEXEC : 0;
    case F_SETFD:
        d->closed_on_exec = (argument & FD_CLOEXEC) != 0;
        return 0;
    case F_GETFL:
        return O_RDWR | (d->nonblocking ? O_NONBLOCK : 0);
    case F_SETFL:
        d->nonblocking = (argument & O_NONBLOCK) != 0;
        return 0;
    default:
        return -EINVAL;
    }
}

int descriptor_set_option(int fd, int level, int name, const void *value)
{
    struct descriptor *d = look_up_socket(fd);

    if (level == IPPROTO_TCP) {
        return d->stream->is_unix ? -EOPNOTSUPP : 0;
    }
    if (level == SOL_SOCKET && name == SO_RCVTIMEO) {
        struct timeval timeout;
        memcpy(&timeout, value, sizeof(timeout));
        d->receive_timeout =
            (int64_t)timeout.tv_sec * 1000 * MILLISECOND + timeout.tv_usec;
    }
    return 0;
}

int descriptor_get_option(int fd, int level, int name, void *value)
{
    struct descriptor *d = look_up_socket(fd);
    int error = 0;

    if (level == SOL_SOCKET && name == SO_ERROR) {
        error = stream_connect_error(d->stream);
    }
    memcpy(value, &error, sizeof(error));
    return 0;
}

int descriptor_pipe(int ends[2], int flags)
{
    int reader = open_one(PIPE_READER);
    int writer = reader < 0 ? -1 : open_one(PIPE_WRITER);

    if (writer < 0) {
        if (reader >= 0) {
            table.all[reader].kind = CLOSED;
        }
        return -EMFILE;
    }
    for (int i = 0; i < 2; i++) {
        struct descriptor *d = &table.all[i == 0 ? reader : writer];
        d->other = i == 0 ? writer : reader;
        d->nonblocking = (flags & O_NONBLOCK) != 0;
        d->closed_on_exec = (flags & O_CLOEXEC) != 0;
        ends[i] = DESCRIPTOR_BASE + (i == 0 ? reader : writer);
    }
    world_note("pipe: reader, writer", ends[0], ends[1], 0);
    return 0;
}
