/*
 * self_pipe - a pipe by which one thread wakes another, or a host.
 *
 * On a system without pipe2(), and with FCGI_CLIENT_PORTABLE, the flags are set
 * after the pipe was opened.
 */
#define _POSIX_C_SOURCE 200809L
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pipe2(); so do the next two */
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

/* Systems got pipe2() together with these flags. */
#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK) &&                         \
    !defined(FCGI_CLIENT_PORTABLE)

int fcgi__self_pipe_open(int fds[2])
{
    return pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0 ? FCGI_OK : FCGI_ERR_SYSTEM;
}

#else

int fcgi__self_pipe_open(int fds[2])
{
    if (pipe(fds) != 0) {
        return FCGI_ERR_SYSTEM;
    }
    for (int i = 0; i < 2; i++) {
        if (fcntl(fds[i], F_SETFD, FD_CLOEXEC) != 0 ||
            fcntl(fds[i], F_SETFL, O_NONBLOCK) != 0) {
            fcgi__self_pipe_close(fds);
            return FCGI_ERR_SYSTEM;
        }
    }
    return FCGI_OK;
}

#endif

void fcgi__self_pipe_close(const int fds[2])
{
    fcgi__net_close(fds[0]);
    fcgi__net_close(fds[1]);
}

void fcgi__self_pipe_write(const int fds[2])
{
    static const char byte = 0;

    /* A full pipe is readable already. Every other error passes, because the
     * other end is open: ENOMEM, too, which says that the system lacks memory
     * for an empty pipe. Giving up would leave the other side waiting. */
    while (write(fds[1], &byte, 1) < 0 && errno != EAGAIN &&
           errno != EWOULDBLOCK) {
    }
}

void fcgi__self_pipe_drain(const int fds[2])
{
    char bytes[64];

    while (read(fds[0], bytes, sizeof(bytes)) > 0) {
    }
}
