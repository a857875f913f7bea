/*
 * upstream - a responder in a process of its own: see upstream.h.
 */
#define _GNU_SOURCE

#include "upstream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define BACKLOG 4096

/* The kernel finds a name: an abstract one, which leaves no file, or a port. */
static int listen_somewhere(struct upstream *upstream, int family)
{
    struct sockaddr_storage wanted = {.ss_family = (sa_family_t)family};
    socklen_t len = sizeof(sa_family_t);
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (family == AF_INET) {
        struct sockaddr_in *inet = (struct sockaddr_in *)&wanted;
        inet->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        len = sizeof(*inet);
    }
    bench_check(fd >= 0 &&
                    bind(fd, (const struct sockaddr *)&wanted, len) == 0 &&
                    listen(fd, BACKLOG) == 0,
                "nothing can listen");
    upstream->name_len = sizeof(upstream->name);
    getsockname(fd, (struct sockaddr *)&upstream->name, &upstream->name_len);
    return fd;
}

static void spell_address(struct upstream *upstream)
{
    if (upstream->name.ss_family == AF_INET) {
        struct sockaddr_in *inet = (struct sockaddr_in *)&upstream->name;
        snprintf(upstream->address, sizeof(upstream->address), "127.0.0.1:%d",
                 ntohs(inet->sin_port));
    } else {
        struct sockaddr_un *local = (struct sockaddr_un *)&upstream->name;
        int len = (int)(upstream->name_len -
                        offsetof(struct sockaddr_un, sun_path) - 1);
        snprintf(upstream->address, sizeof(upstream->address), "unix:@%.*s",
                 len, local->sun_path + 1);
    }
}

/* This program again, as the responder. A copy would not do: what counts our
 * instructions and system calls lets go of a process that runs another
 * program. */
static void become_responder(int listener, enum responder_kind kind,
                             size_t body_len)
{
    char program[4096] = {0};
    char len[32];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(listener, 0);
    snprintf(len, sizeof(len), "%zu", body_len);
    if (readlink("/proc/self/exe", program, sizeof(program) - 1) > 0) {
        execl(program, program, "respond",
              kind == RESPONDER_EVENTS ? "events" : "threads", len,
              (char *)NULL);
    }
    _exit(127);
}

void upstream_start(struct upstream *upstream, int family,
                    enum responder_kind kind, size_t body_len)
{
    int listener = listen_somewhere(upstream, family);

    spell_address(upstream);
    upstream->answer_len = responder_answer_len(body_len);
    upstream->pid = fork();
    bench_check(upstream->pid >= 0, "no process");
    if (upstream->pid == 0) {
        become_responder(listener, kind, body_len);
    }
    close(listener);
}

void upstream_stop(struct upstream *upstream)
{
    kill(upstream->pid, SIGKILL);
    waitpid(upstream->pid, NULL, 0);
}

int upstream_connect(const struct upstream *upstream)
{
    int on = 1;
    int fd = socket(upstream->name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && upstream->name.ss_family == AF_INET) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    bench_check(fd >= 0 && connect(fd, (const struct sockaddr *)&upstream->name,
                                   upstream->name_len) == 0,
                "no connection");
    return fd;
}

struct fcgi_client *upstream_client(const struct upstream *upstream,
                                    int max_idle)
{
    struct fcgi_client *client = NULL;
    struct fcgi_client_config config = {
        .pool = {.max_idle = max_idle, .allocator = bench_allocator()},
    };

    bench_check(fcgi_client_new(&client, upstream->address, &config) == FCGI_OK,
                "no client");
    return client;
}
