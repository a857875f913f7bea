/*
 * bell - a pipe that one thread rings and another, or a host, hears.
 *
 * Where a system lacks pipe2(), which FCGI_CLIENT_PORTABLE stands for, its
 * flags are set afterwards.
 */
#define _POSIX_C_SOURCE 200809L
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pipe2(), and so with the next two */
#endif
#define _NETBSD_SOURCE 1
#define __BSD_VISIBLE 1

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <sys/socket.h>

#include <fcgi_client/error.h>

#include "net.h"
#include "self_pipe.h"

/* It came to the systems that have it along with these flags. */
#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK) &&                         \
    !defined(FCGI_CLIENT_PORTABLE)

int fcgi__self_pipe_open(int bell[2])
{
    return pipe2(bell, O_CLOEXEC | O_NONBLOCK) == 0 ? FCGI_OK : FCGI_ERR_SYSTEM;
}

#else

int fcgi__self_pipe_open(int bell[2])
{
    if (pipe(bell) != 0) {
        return FCGI_ERR_SYSTEM;
    }
    for (int i = 0; i < 2; i++) {
        if (fcntl(bell[i], F_SETFD, FD_CLOEXEC) != 0 ||
            fcntl(bell[i], F_SETFL, O_NONBLOCK) != 0) {
            fcgi__self_pipe_close(bell);
            return FCGI_ERR_SYSTEM;
        }
    }
    return FCGI_OK;
}

#endif

void fcgi__self_pipe_close(const int bell[2])
{
    fcgi__net_close(bell[0]);
    fcgi__net_close(bell[1]);
}

void fcgi__self_pipe_write(const int bell[2])
{
    static const char byte = 0;

    /* A pipe too full to take it is readable already. Nothing else lasts: the
     * other end is open, and the memory that the system has none of for an
     * empty pipe (ENOMEM) comes back. Who waits would else do so for ever. */
    while (write(bell[1], &byte, 1) < 0 && errno != EAGAIN &&
           errno != EWOULDBLOCK) {
    }
}

void fcgi__self_pipe_drain(const int bell[2])
{
    char bytes[64];

    while (read(bell[0], bytes, sizeof(bytes)) > 0) {
    }
}
