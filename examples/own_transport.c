/*
 * own_transport - ask an application that only a COMMAND reaches, over its
 * standard input and output.
 *
 *     own_transport /srv/www/index.php \
 *         ssh web1 socat - UNIX-CONNECT:/run/php/php-fpm.sock
 *
 * An exchange knows no socket and no clock: it hands out the bytes to send, and
 * is handed those that were received. What carries them is up to the program.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcgi_client.h>

#define REQUEST_ID 1

/* Returns the socket that is the standard input and output of the command. */
static int start_command(char **command, pid_t *pid)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return -1;
    }
    *pid = fork();
    if (*pid == 0) {
        (void)dup2(ends[1], STDIN_FILENO);
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execvp(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    (void)close(ends[1]);
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return ends[0];
}

static void send_some(struct fcgi_exchange *x, int fd, struct fcgi_slice slice)
{
    ssize_t sent = write(fd, slice.data, slice.len);

    if (sent >= 0) {
        (void)fcgi_exchange_sent(x, (size_t)sent);
    } else if (errno != EAGAIN && errno != EINTR) {
        fcgi_exchange_send_failed(x);
    }
}

static void receive_some(struct fcgi_exchange *x, int fd)
{
    struct fcgi_memory room[2];
    ssize_t got;

    if (fcgi_exchange_input(x, room, 2) <= 0) {
        return;
    }
    got = read(fd, room[0].data, room[0].cap);
    if (got > 0) {
        (void)fcgi_exchange_received(x, (size_t)got);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        (void)fcgi_exchange_eof(x, got < 0);
    }
}

/* Both directions go on at the same time. */
static int run(struct fcgi_exchange *x, int fd)
{
    while (fcgi_exchange_status(x) == FCGI_WAIT) {
        struct fcgi_slice slices[4];
        int count = fcgi_exchange_output(x, slices, 4);
        struct pollfd ready = {.fd = fd, .events = POLLIN};

        if (count > 0) {
            ready.events |= POLLOUT;
        }
        (void)poll(&ready, 1, -1);
        if (count > 0 && (ready.revents & POLLOUT)) {
            send_some(x, fd, slices[0]);
        }
        if (ready.revents & (POLLIN | POLLHUP | POLLERR)) {
            receive_some(x, fd);
        }
    }
    return fcgi_exchange_status(x);
}

static int ask(const char *script, int fd)
{
    const struct fcgi_param params[] = {
        FCGI_PARAM("SCRIPT_FILENAME", script),
        FCGI_PARAM("REQUEST_METHOD", "GET"),
    };
    const struct fcgi_request request = {.params = params, .param_count = 2};
    struct fcgi_response response = {0};
    struct fcgi_exchange *x;
    int rc = fcgi_exchange_new(&x, NULL);

    if (rc == FCGI_OK) {
        rc = fcgi_exchange_begin(x, &request, &response, REQUEST_ID, 0);
    }
    if (rc == FCGI_OK) {
        rc = run(x, fd);
    }
    if (rc == FCGI_OK) {
        printf("%d\n%s\n", response.status, response.body.data);
    }
    fcgi_exchange_free(x);
    fcgi_response_free(&response);
    return rc;
}

int main(int argc, char **argv)
{
    pid_t pid;
    int fd;
    int rc;

    if (argc < 3) {
        fputs("usage: own_transport SCRIPT COMMAND [ARGUMENT]...\n", stderr);
        return 3;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    fd = start_command(argv + 2, &pid);
    if (fd < 0 || pid < 0) {
        perror("own_transport");
        return 1;
    }
    rc = ask(argv[1], fd);
    if (rc != FCGI_OK) {
        fprintf(stderr, "own_transport: %s\n", fcgi_strerror(rc));
    }
    (void)close(fd);
    (void)waitpid(pid, NULL, 0);
    return rc == FCGI_OK ? 0 : 1;
}
