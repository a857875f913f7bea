/*
 * front - a gateway run beside a test: see front.h.
 */
#define _POSIX_C_SOURCE 200809L

#include "front.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "output.h"
#include "program.h"
#include "temp.h"

#define LIMIT_MS 60000
#define ARGUMENTS_MAX 16
#define TRACER "/usr/bin/strace"

struct front {
    struct temp *folder;
    struct program *program;
    char *log; /* of its file */
    char address[64];
};

/* What is waited for. */
struct wanted {
    const struct front *front;
    const char *text;
    size_t descriptors;
};

char *front_output(const struct front *front)
{
    return output_read(front->log);
}

size_t front_has_said(const struct front *front, const char *text)
{
    size_t count = 0;
    char *log = front_output(front);
    const char *at = strstr(log, text);
    while (at != NULL) {
        count += 1;
        at = strstr(at + 1, text);
    }
    free(log);
    return count;
}

static bool has_said(void *context)
{
    const struct wanted *wanted = context;
    return front_has_said(wanted->front, wanted->text) > 0;
}

bool front_await(const struct front *front, const char *text)
{
    struct wanted wanted = {front, text, 0};
    return program_await(front->program, LIMIT_MS, has_said, &wanted);
}

static void find_address(struct front *front)
{
    static const char before[] = "listening on ";
    if (!front_await(front, before)) {
        must_die("tests: the gateway does not start");
    }
    char *log = output_read(front->log);
    const char *at = strstr(log, before) + strlen(before);
    size_t len = strcspn(at, "\n");
    if (len >= sizeof(front->address)) {
        must_die("tests: front");
    }
    memcpy(front->address, at, len);
    free(log);
}

/* The arguments as each of them expects them; returns how many there are. */
static size_t tell_what(const char *program, const char *upstream,
                        const char *root, const char **arguments)
{
    const char *const by_name[] = {"--listen", "127.0.0.1:0", "--upstream",
                                   upstream,   "--root",      root};
    const char *const by_place[] = {"0", upstream, root};
    bool is_named = strcmp(program, "fcgi-gateway") == 0;
    size_t count = is_named ? 6 : 3;
    memcpy(arguments, is_named ? by_name : by_place, count * sizeof(char *));
    return count;
}

static void append(const char **arguments, size_t count,
                   const char *const *more)
{
    for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
        if (count >= ARGUMENTS_MAX) {
            must_die("tests: front: too many arguments");
        }
        arguments[count++] = more[i];
    }
}

static struct front *start(const char *path, const char *const *arguments)
{
    struct front *front = must_allocate(sizeof(*front));
    front->folder = temp_new();
    front->log = temp_path(front->folder, "log");
    struct program_spec spec = {
        .path = path, .arguments = arguments, .log = front->log};
    front->program = program_start(&spec);
    find_address(front);
    return front;
}

struct front *front_start(const char *program, const char *upstream,
                          const char *root, const char *const *options)
{
    const char *arguments[ARGUMENTS_MAX + 1] = {NULL};
    size_t count = tell_what(program, upstream, root, arguments);
    char *path = program_built(program);
    if (path == NULL) {
        return NULL;
    }
    append(arguments, count, options);
    struct front *front = start(path, arguments);
    free(path);
    return front;
}

static bool may_trace(void)
{
    static const char *const nothing[] = {"-o", "/dev/null", "true", NULL};
    if (!program_exists(TRACER)) {
        return false;
    }
    char *complaint = output_of(TRACER, nothing);
    bool may = complaint[0] == '\0';
    free(complaint);
    return may;
}

/* strace follows threads, and passes on the signals that end it. */
struct front *front_trace(const char *calls, const char *file,
                          const char *upstream, const char *root,
                          const char *const *options)
{
    char *path = program_built("fcgi-gateway");
    const char *arguments[ARGUMENTS_MAX + 1] = {"-fI2", "-s0", "-e", calls,
                                                "-o",   file,  path};
    const size_t count = 7;
    if (path == NULL || !may_trace()) {
        free(path);
        return NULL;
    }
    append(arguments,
           count + tell_what("fcgi-gateway", upstream, root, arguments + count),
           options);
    struct front *front = start(TRACER, arguments);
    free(path);
    return front;
}

const char *front_address(const struct front *front)
{
    return front->address;
}

void front_tell(struct front *front)
{
    program_signal(front->program, SIGTERM);
}

static bool has_ended(void *context)
{
    const struct wanted *wanted = context;
    return !program_runs(wanted->front->program);
}

bool front_stop(struct front *front)
{
    if (front == NULL) {
        return true;
    }
    struct wanted wanted = {front, NULL, 0};
    front_tell(front);
    (void)program_await(front->program, LIMIT_MS, has_ended, &wanted);
    bool ended = has_ended(&wanted);
    /* So that what a sanitizer has found is seen. */
    if (front_has_said(front, "ERROR: ") > 0) {
        char *log = output_read(front->log);
        (void)fputs(log, stderr);
        free(log);
        ended = false;
    }
    program_stop(front->program);
    temp_free(front->folder);
    free(front->log);
    free(front);
    return ended;
}

static size_t read_status(const struct front *front, const char *name)
{
    char path[64];
    char line[200];
    size_t kib = 0;
    (void)snprintf(path, sizeof(path), "/proc/%ld/status",
                   program_pid(front->program));
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        must_die(path);
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            kib = strtoul(line + strlen(name), NULL, 10);
        }
    }
    (void)fclose(file);
    return kib;
}

size_t front_resident(const struct front *front)
{
    return read_status(front, "VmRSS:");
}

size_t front_peak(const struct front *front)
{
    return read_status(front, "VmHWM:");
}

size_t front_descriptors(const struct front *front)
{
    char path[64];
    size_t count = 0;
    (void)snprintf(path, sizeof(path), "/proc/%ld/fd",
                   program_pid(front->program));
    DIR *dir = opendir(path);
    if (dir == NULL) {
        must_die(path);
    }
    struct dirent *entry = readdir(dir);
    while (entry != NULL) {
        count += entry->d_name[0] != '.';
        entry = readdir(dir);
    }
    (void)closedir(dir);
    return count;
}

static bool has_descriptors(void *context)
{
    const struct wanted *wanted = context;
    return front_descriptors(wanted->front) <= wanted->descriptors;
}

bool front_await_descriptors(const struct front *front, size_t count)
{
    struct wanted wanted = {front, NULL, count};
    return program_await(front->program, LIMIT_MS, has_descriptors, &wanted);
}
