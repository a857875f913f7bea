/*
 * libc - its own functions once more: the library is linked into this program,
 * and finds these first. In a world they are simulated; out of one, and for
 * descriptors that are not the simulation's, the real ones are called.
 */
#define _POSIX_C_SOURCE 200809L
#define _DARWIN_C_SOURCE
#define __BSD_VISIBLE 1

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include "descriptor.h"
#include "network.h"
#include "real.h"
#include "sight.h"
#include "world.h"

/* The real function that stands behind one of these. */
#define REAL(name) ((__typeof__(&(name)))real_function(#name))

/* A negative result is an errno. */
static long judge(long result)
{
    if (result >= 0) {
        return result;
    }
    errno = (int)-result;
    return -1;
}

static struct iovec one(const void *data, size_t len)
{
    struct iovec slice = {(void *)(uintptr_t)data, len};

    return slice;
}

/*
 * Making and ending.
 */

int socket(int family, int type, int protocol)
{
    if (world_is_on()) {
        return (int)judge(descriptor_socket(family, type));
    }
    return REAL(socket)(family, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t len)
{
    if (descriptor_is_ours(fd)) {
        return (int)judge(descriptor_connect(fd, address));
    }
    return REAL(connect)(fd, address, len);
}

int pipe(int ends[2])
{
    return world_is_on() ? (int)judge(descriptor_pipe(ends, 0))
                         : REAL(pipe)(ends);
}

/* Where there is one. */
int pipe2(int ends[2], int flags);

int pipe2(int ends[2], int flags)
{
    return world_is_on() ? (int)judge(descriptor_pipe(ends, flags))
                         : REAL(pipe2)(ends, flags);
}

int shutdown(int fd, int how)
{
    return descriptor_is_ours(fd) ? descriptor_shutdown(fd, how)
                                  : REAL(shutdown)(fd, how);
}

int close(int fd)
{
    return descriptor_is_ours(fd) ? descriptor_close(fd) : REAL(close)(fd);
}

/*
 * Sending.
 */

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (descriptor_is_ours(fd)) {
        return judge(descriptor_send(fd, message->msg_iov,
                                     (size_t)message->msg_iovlen, flags));
    }
    return REAL(sendmsg)(fd, message, flags);
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
    struct iovec slice = one(data, len);

    return descriptor_is_ours(fd) ? judge(descriptor_send(fd, &slice, 1, flags))
                                  : REAL(send)(fd, data, len, flags);
}

ssize_t write(int fd, const void *data, size_t len)
{
    struct iovec slice = one(data, len);

    return descriptor_is_ours(fd) ? judge(descriptor_send(fd, &slice, 1, 0))
                                  : REAL(write)(fd, data, len);
}

ssize_t writev(int fd, const struct iovec *vector, int count)
{
    return descriptor_is_ours(fd)
               ? judge(descriptor_send(fd, vector, (size_t)count, 0))
               : REAL(writev)(fd, vector, count);
}

/*
 * Receiving.
 */

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    if (descriptor_is_ours(fd)) {
        return judge(descriptor_receive(fd, message->msg_iov,
                                        (size_t)message->msg_iovlen, flags));
    }
    return REAL(recvmsg)(fd, message, flags);
}

ssize_t recv(int fd, void *room, size_t len, int flags)
{
    struct iovec slice = one(room, len);

    return descriptor_is_ours(fd)
               ? judge(descriptor_receive(fd, &slice, 1, flags))
               : REAL(recv)(fd, room, len, flags);
}

ssize_t read(int fd, void *room, size_t len)
{
    struct iovec slice = one(room, len);

    return descriptor_is_ours(fd) ? judge(descriptor_receive(fd, &slice, 1, 0))
                                  : REAL(read)(fd, room, len);
}

ssize_t readv(int fd, const struct iovec *vector, int count)
{
    return descriptor_is_ours(fd)
               ? judge(descriptor_receive(fd, vector, (size_t)count, 0))
               : REAL(readv)(fd, vector, count);
}

/*
 * Waiting.
 */

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    return world_is_on() ? (int)judge(descriptors_wait(fds, count, timeout))
                         : REAL(poll)(fds, count, timeout);
}

static int64_t in_microseconds(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000 + time->tv_nsec / 1000;
}

/* Nobody else is there to signal it; but it may return for no reason. */
static int wait_for_signal(pthread_mutex_t *lock, int64_t until)
{
    bool is_over;

    sight_saw(SIGHT_SLEPT);
    (void)pthread_mutex_unlock(lock);
    is_over = descriptors_sleep(until);
    (void)pthread_mutex_lock(lock);
    return is_over ? ETIMEDOUT : 0;
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *lock,
                           const struct timespec *until)
{
    return world_is_on() ? wait_for_signal(lock, in_microseconds(until))
                         : REAL(pthread_cond_timedwait)(condition, lock, until);
}

int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *lock)
{
    return world_is_on() ? wait_for_signal(lock, NEVER)
                         : REAL(pthread_cond_wait)(condition, lock);
}

/* Where conditions have no monotonic clock. */
int nanosleep(const struct timespec *time, struct timespec *left)
{
    if (!world_is_on()) {
        return REAL(nanosleep)(time, left);
    }
    sight_saw(SIGHT_SLEPT);
    return (int)judge(
        descriptors_sleep(world_now() + in_microseconds(time)) ? 0 : -EINTR);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int64_t moment;

    if (!world_is_on() || clock != CLOCK_MONOTONIC) {
        return REAL(clock_gettime)(clock, now);
    }
    moment = world_look_at_clock();
    now->tv_sec = (time_t)(moment / 1000000);
    now->tv_nsec = (long)(moment % 1000000) * 1000;
    return 0;
}

/*
 * Options.
 */

/* What the library asks for takes an int or nothing; what others may ask for
 * takes a pointer. */
int fcntl(int fd, int command, ...)
{
    va_list arguments;
    void *argument;

    va_start(arguments, command);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    if (descriptor_is_ours(fd)) {
        return (int)judge(
            descriptor_fcntl(fd, command, (int)(intptr_t)argument));
    }
    return REAL(fcntl)(fd, command, argument);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    return descriptor_is_ours(fd)
               ? (int)judge(descriptor_set_option(fd, level, name, value))
               : REAL(setsockopt)(fd, level, name, value, len);
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    return descriptor_is_ours(fd)
               ? (int)judge(descriptor_get_option(fd, level, name, value))
               : REAL(getsockopt)(fd, level, name, value, len);
}

/*
 * Names.
 */

int getaddrinfo(const char *host, const char *port,
                const struct addrinfo *hints, struct addrinfo **found)
{
    return world_is_on() ? network_resolve(host, found)
                         : REAL(getaddrinfo)(host, port, hints, found);
}

void freeaddrinfo(struct addrinfo *found)
{
    if (world_is_on()) {
        network_release(found);
    } else {
        REAL(freeaddrinfo)(found);
    }
}
