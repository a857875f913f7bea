/*
 * uwsgi - a uWSGI for a test: see uwsgi.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "uwsgi.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "must.h"
#include "program.h"
#include "temp.h"

#define PROGRAM "/usr/bin/uwsgi"
#define START_MS 20000

struct uwsgi {
    struct temp *folder;
    struct program *program;
    char *log;
    char *path; /* of the socket */
    char address[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 8];
};

bool uwsgi_installed(void)
{
    return program_exists(PROGRAM);
}

static bool listens(void *context)
{
    const struct uwsgi *uwsgi = context;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool connected;
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
                   uwsgi->path);
    connected = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    (void)close(fd);
    return connected;
}

static void run(struct uwsgi *uwsgi)
{
    char script[400];
    const char *source = getenv("FCGI_TEST_SOURCE");
    const char *arguments[] = {
        "--plugins",       "python3",     "--fastcgi-socket",
        uwsgi->path,       "--wsgi-file", script,
        "--need-app",      "--processes", "2",
        "--listen",        "64",          "--disable-logging",
        "--auto-procname", NULL};
    struct program_spec spec = {
        .path = PROGRAM, .arguments = arguments, .log = uwsgi->log};
    (void)snprintf(script, sizeof(script), "%s/interop/app_uwsgi.py",
                   source == NULL ? "." : source);
    uwsgi->program = program_start(&spec);
}

struct uwsgi *uwsgi_start(void)
{
    struct uwsgi *uwsgi = must_allocate(sizeof(*uwsgi));
    uwsgi->folder = temp_new();
    uwsgi->log = temp_path(uwsgi->folder, "log");
    uwsgi->path = temp_path(uwsgi->folder, "uwsgi.sock");
    (void)snprintf(uwsgi->address, sizeof(uwsgi->address), "unix:%s",
                   uwsgi->path);
    run(uwsgi);
    if (!program_await(uwsgi->program, START_MS, listens, uwsgi)) {
        (void)fputs("tests: uwsgi did not start\n", stderr);
        exit(EXIT_FAILURE);
    }
    return uwsgi;
}

void uwsgi_stop(struct uwsgi *uwsgi)
{
    if (uwsgi == NULL) {
        return;
    }
    program_stop(uwsgi->program);
    temp_free(uwsgi->folder);
    free(uwsgi->log);
    free(uwsgi->path);
    free(uwsgi);
}

const char *uwsgi_address(const struct uwsgi *uwsgi)
{
    return uwsgi->address;
}
