/*
 * app - a FastCGI application with its listening socket on descriptor 0: see
 * app.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "app.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "must.h"
#include "program.h"
#include "temp.h"

#define BACKLOG 128

struct app {
    struct temp *folder;
    struct program *program;
    char address[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 8];
};

static int listen_at(const struct sockaddr *address, socklen_t len)
{
    int fd = socket(address->sa_family, SOCK_STREAM, 0);
    if (fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
        bind(fd, address, len) != 0 || listen(fd, BACKLOG) != 0) {
        must_die("tests: app");
    }
    return fd;
}

static int listen_unix(struct app *app)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char *path = temp_path(app->folder, "app.sock");
    if (strlen(path) >= sizeof(address.sun_path)) {
        must_die("tests: app: the path is too long");
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    (void)snprintf(app->address, sizeof(app->address), "unix:%s", path);
    free(path);
    return listen_at((struct sockaddr *)&address, sizeof(address));
}

static int listen_tcp(struct app *app)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = listen_at((struct sockaddr *)&address, len);
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        must_die("tests: getsockname");
    }
    (void)snprintf(app->address, sizeof(app->address), "127.0.0.1:%u",
                   (unsigned)ntohs(address.sin_port));
    return fd;
}

struct app *app_start(const char *path, bool tcp)
{
    struct app *app = must_allocate(sizeof(*app));
    app->folder = temp_new();
    struct program_spec spec = {
        .path = path, .listener = tcp ? listen_tcp(app) : listen_unix(app)};
    app->program = program_start(&spec);
    (void)close(spec.listener);
    return app;
}

const char *app_address(const struct app *app)
{
    return app->address;
}

void app_stop(struct app *app)
{
    if (app == NULL) {
        return;
    }
    program_stop(app->program);
    temp_free(app->folder);
    free(app);
}
